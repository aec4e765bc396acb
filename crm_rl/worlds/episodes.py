"""Episodes side by side, and what all three faces of a world share (chapters 3 and 9; see `envs`)."""

from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces

from crm_rl.worlds.base import Outcome, World, n_actions
from crm_rl.worlds.registry import worlds


class EpisodeBatch:
    """A batch of episodes side by side.

    Attributes:
        states: the fields of the world's `State`, int64 arrays of shape (n,); each step makes new ones.
        generators: one for each copy: they draw who comes and, where the world needs it, what happens.
        ahead: shape (n, drawn_ahead): the customers drawn.
        used: shape (n,): how many of them have come.
        taken: shape (n,): how many actions the running episode has had.
    """

    def __init__(self, world: World, n: int, max_steps: int | None):
        self.world, self.n = world, n
        self.max_steps = longest(world, max_steps)
        self.states = world.start(np.zeros(n, dtype=np.int64))
        self.taken = np.zeros(n, dtype=np.int64)
        self.seed([None] * n)

    def seed(self, seeds: list[int | None]) -> None:
        """Give every copy a new generator."""
        self.follow([np.random.default_rng(seed) for seed in seeds])

    def follow(self, generators: list[np.random.Generator]) -> None:
        """Go on with these generators, one for each copy."""
        self.generators = generators
        self.ahead = np.zeros((self.n, self.world.drawn_ahead), dtype=np.int64)
        self.used = np.full(self.n, self.world.drawn_ahead)

    def begin(self, copies: np.ndarray, customers: np.ndarray | None = None) -> None:
        """Begin episodes anew in these copies, with these customers or with drawn ones."""
        if customers is None:
            for copy in copies[self.used[copies] == self.world.drawn_ahead]:
                self.world.draw(self.generators[copy], self.ahead[copy])
                self.used[copy] = 0
            customers = self.ahead[copies, self.used[copies]]
            self.used[copies] += 1
        begun = self.world.start(customers)
        for field, new in zip(self.states, begun, strict=True):
            field[copies] = new
        self.taken[copies] = 0

    def step(self, actions: np.ndarray, resting: np.ndarray | None = None) -> Outcome:
        """Take one action in each copy; episodes that end are begun anew by the caller.

        For copies that are `resting`, shape (n,), bool, nothing is drawn, and their outcome means nothing.
        """
        actions, possible = np.asarray(actions), n_actions(self.world.rules)
        if (
            actions.shape != (self.n,)
            or actions.dtype.kind not in "iu"
            or not 0 <= actions.min() <= actions.max() < possible
        ):
            raise ValueError(f"no actions: {actions}. Remedy: {self.n} whole numbers from 0 to {possible - 1}.")
        chances = np.zeros((self.n, self.world.chances))
        if self.world.chances:
            for copy in range(self.n) if resting is None else np.flatnonzero(~resting):
                self.generators[copy].random(out=chances[copy])
        outcome = self.world.step(self.states, actions, chances)
        self.states, self.taken = outcome.state, self.taken + 1
        cut_off = (self.taken >= self.max_steps) & ~outcome.terminated
        return outcome._replace(truncated=outcome.truncated | cut_off)

    def observe(self) -> np.ndarray:
        """What the agent sees of each copy, shape (n, 15) or (n, 30)."""
        return self.world.observe(self.states)

    def get_state(self) -> dict[str, Any]:
        """Everything that the next step depends on: arrays, and `generators`, a list of what JSON can hold."""
        arrays = {**self.states._asdict(), "ahead": self.ahead, "used": self.used, "taken": self.taken}
        copies = {name: array.copy() for name, array in arrays.items()}
        return {**copies, "generators": [generator.bit_generator.state for generator in self.generators]}

    def set_state(self, saved: dict[str, Any]) -> None:
        """Go on from what `get_state` returned, with as many copies on the same world."""
        if len(saved["generators"]) != self.n:
            raise ValueError(f"a state of {len(saved['generators'])} copies. Remedy: make as many, not {self.n}.")
        places(saved["customer"], self.n, self.world)
        kind = type(self.states)
        self.states = kind(*(np.array(saved[name], dtype=np.int64) for name in kind._fields))
        counts = ("ahead", "used", "taken")
        self.ahead, self.used, self.taken = (np.array(saved[name], dtype=np.int64) for name in counts)
        for generator, state in zip(self.generators, saved["generators"], strict=True):
            generator.bit_generator.state = state


def world_for(
    setting: str = "described",
    part: str = "train",
    data: str | Path | None = None,
    selection: bool | None = None,
    world: World | None = None,
) -> World:
    """The world that a face was asked for: a part of an export (the last few are kept in memory), or a ready one."""
    if world is None:
        parts = worlds(setting, bool(selection), data)
        if part not in parts:
            raise ValueError(f"{part!r} is no part. Remedy: choose one of {', '.join(parts)}.")
        return parts[part]
    if selection not in (None, world.rules.selects_features):
        raise ValueError(f"the world's rules do not say selects_features={selection}. Remedy: use the other id.")
    return world


def spaces_of(world: World) -> tuple[spaces.Box, spaces.Discrete]:
    """The observation and the action space of a world."""
    high = world.highest()
    return spaces.Box(np.zeros_like(high), high), spaces.Discrete(n_actions(world.rules))


def longest(world: World, max_steps: int | None) -> int:
    """After how many steps an episode is cut off at the latest."""
    if max_steps is not None and max_steps < 1:
        raise ValueError(f"an episode cannot have {max_steps} steps. Remedy: max_steps of 1 or more.")
    return max_steps or world.longest()


def chosen(options: dict | None) -> Any:
    """The customer, or customers, that the options of a reset ask for; None if they do not."""
    unknown = set(options or ()) - {"customer"}
    if unknown:
        raise ValueError(f"unknown options {sorted(unknown)}. Remedy: the only one is 'customer'.")
    return (options or {}).get("customer")


def places(customers: Any, n: int, world: World) -> np.ndarray:
    """One place, or n, in a world's population as an array of shape (n,)."""
    people = world.size()
    customers = np.array(np.broadcast_to(np.asarray(customers, dtype=np.int64), n))
    if (customers < 0).any() or (customers >= people).any():
        raise ValueError(f"there is no such customer: {customers}. Remedy: choose places from 0 to {people - 1}.")
    return customers
