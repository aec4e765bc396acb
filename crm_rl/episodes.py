"""Episodes of the replay world side by side, and what all three faces of it share (chapter 3; see `envs`)."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from crm_rl.balancing import draw_many
from crm_rl.crm_data import clean, data_path, load
from crm_rl.features import PUBLISHED_FEATURES
from crm_rl.funnel import (
    MAX_STEPS,
    N_FEATURES,
    Outcome,
    Rules,
    State,
    n_actions,
    observation_size,
    observe_all,
    start_all,
    step_all,
)
from crm_rl.worlds import World, replay_worlds

NOT_NORMALISED_AS_CODED = ("Country", "Stage", "Stages_Completed")
_DRAWN_AHEAD = 64


class EpisodeBatch:
    """A batch of episodes side by side.

    Attributes:
        states: the fields of `State`, int64 arrays of shape (n,); each step makes new ones.
        generators: one for each copy. They draw 64 customers ahead, which changes neither who comes nor the order.
        ahead: shape (n, 64): the customers drawn.
        used: shape (n,): how many of them have come.
    """

    def __init__(self, world: World, n: int, max_steps: int | None):
        self.world, self.n = world, n
        self.max_steps = longest(world.rules, max_steps)
        self.states = start_all(np.zeros(n, dtype=np.int64), world.population, world.rules)
        self.seed([None] * n)

    def seed(self, seeds: list[int | None]) -> None:
        """Give every copy a new generator."""
        self.generators = [np.random.default_rng(seed) for seed in seeds]
        self.ahead = np.zeros((self.n, _DRAWN_AHEAD), dtype=np.int64)
        self.used = np.full(self.n, _DRAWN_AHEAD)

    def begin(self, copies: np.ndarray, customers: np.ndarray | None = None) -> None:
        """Begin episodes anew in these copies, with these customers or with drawn ones."""
        if customers is None:
            for copy in copies[self.used[copies] == _DRAWN_AHEAD]:
                draw_many(self.world.pools, self.generators[copy], self.ahead[copy])
                self.used[copy] = 0
            customers = self.ahead[copies, self.used[copies]]
            self.used[copies] += 1
        begun = start_all(customers, self.world.population, self.world.rules)
        for field, new in zip(self.states, begun, strict=True):
            field[copies] = new

    def step(self, actions: np.ndarray) -> Outcome:
        """Take one action in each copy; episodes that end are begun anew by the caller."""
        actions, possible = np.asarray(actions), n_actions(self.world.rules)
        if (
            actions.shape != (self.n,)
            or actions.dtype.kind not in "iu"
            or not 0 <= actions.min() <= actions.max() < possible
        ):
            raise ValueError(f"no actions: {actions}. Remedy: {self.n} whole numbers from 0 to {possible - 1}.")
        outcome = step_all(self.states, actions, self.world.population, self.world.rules)
        self.states = outcome.state
        cut_off = (self.states.steps >= self.max_steps) & ~outcome.terminated
        return outcome._replace(truncated=outcome.truncated | cut_off)

    def observe(self) -> np.ndarray:
        """What the agent sees of each copy, shape (n, 15) or (n, 30)."""
        return observe_all(self.states, self.world.population, self.world.rules)

    def get_state(self) -> dict[str, Any]:
        """Everything that the next step depends on: arrays, and `generators`, a list of what JSON can hold."""
        arrays = {**self.states._asdict(), "ahead": self.ahead, "used": self.used}
        copies = {name: array.copy() for name, array in arrays.items()}
        return {**copies, "generators": [generator.bit_generator.state for generator in self.generators]}

    def set_state(self, saved: dict[str, Any]) -> None:
        """Go on from what `get_state` returned, with as many copies on the same world."""
        if len(saved["generators"]) != self.n:
            raise ValueError(f"a state of {len(saved['generators'])} copies. Remedy: make as many, not {self.n}.")
        places(saved["customer"], self.n, self.world)
        self.states = State(*(np.array(saved[name], dtype=np.int64) for name in State._fields))
        self.ahead, self.used = (np.array(saved[name], dtype=np.int64) for name in ("ahead", "used"))
        for generator, state in zip(self.generators, saved["generators"], strict=True):
            generator.bit_generator.state = state


def replay_world(
    setting: str = "described",
    part: str = "train",
    data: str | Path | None = None,
    selection: bool | None = None,
    world: World | None = None,
) -> World:
    """The world that a face was asked for: a part of an export (the last few are kept in memory), or a ready one."""
    if world is None:
        path = Path(data or data_path()).resolve()
        worlds = _worlds(path, path.stat().st_mtime_ns if path.exists() else 0, setting, bool(selection))
        if part not in worlds:
            raise ValueError(f"{part!r} is no part. Remedy: choose one of {', '.join(worlds)}.")
        return worlds[part]
    if selection not in (None, world.rules.selects_features):
        raise ValueError(f"the world's rules do not say selects_features={selection}. Remedy: use the other id.")
    return world


@lru_cache(maxsize=8)
def _worlds(path: Path, modified: int, setting: str, selection: bool) -> dict[str, World]:
    return replay_worlds(clean(load(path))[0], setting, selection)


def spaces_of(world: World) -> tuple[spaces.Box, spaces.Discrete]:
    """The observation and the action space of a world."""
    names = NOT_NORMALISED_AS_CODED if world.population.stage_unit == 1 else ()
    high = np.ones(observation_size(world.rules), dtype=np.float32)
    high[:N_FEATURES] = [feature.scale if feature.name in names else 1 for feature in PUBLISHED_FEATURES]
    return spaces.Box(np.zeros_like(high), high), spaces.Discrete(n_actions(world.rules))


def longest(rules: Rules, max_steps: int | None) -> int:
    """After how many steps an episode is cut off at the latest."""
    if max_steps is not None and max_steps < 1:
        raise ValueError(f"an episode cannot have {max_steps} steps. Remedy: max_steps of 1 or more.")
    return max_steps or (MAX_STEPS if rules.toggles_time_out else rules.horizon)


def chosen(options: dict | None) -> Any:
    """The customer, or customers, that the options of a reset ask for; None if they do not."""
    unknown = set(options or ()) - {"customer"}
    if unknown:
        raise ValueError(f"unknown options {sorted(unknown)}. Remedy: the only one is 'customer'.")
    return (options or {}).get("customer")


def places(customers: Any, n: int, world: World) -> np.ndarray:
    """One place, or n, in a world's population as an array of shape (n,)."""
    people = len(world.population.stage)
    customers = np.array(np.broadcast_to(np.asarray(customers, dtype=np.int64), n))
    if (customers < 0).any() or (customers >= people).any():
        raise ValueError(f"there is no such customer: {customers}. Remedy: choose places from 0 to {people - 1}.")
    return customers
