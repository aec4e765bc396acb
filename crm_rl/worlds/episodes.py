"""Episodes side by side, and what the two interfaces of a world share (chapters 3 and 8; see `gym_envs`)."""

from numbers import Integral
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils.seeding import np_random

from crm_rl.worlds.base import Outcome, World, n_actions
from crm_rl.worlds.registry import worlds


class EpisodeBatch:
    """A batch of episodes side by side, one in each environment.

    Attributes:
        states: the fields of the world's `State`, int64 arrays of shape (n,); each step makes new ones.
        generators: one for each environment: they draw who comes and, where the world needs it, what happens.
        ahead: shape (n, drawn_ahead): the customers drawn.
        used: shape (n,): how many of them have come.
        taken: shape (n,): how many actions the running episode has had.
        running: shape (n,), bool: an episode has begun and not ended.
    """

    def __init__(self, world: World, n: int, max_episode_steps: int | None):
        if not is_whole(n) or n < 1:
            raise ValueError(f"there cannot be {n!r} environments. Remedy: num_envs of 1 or more.")
        self.world, self.n = world, int(n)
        self.max_episode_steps = longest(world, max_episode_steps)
        self.states = world.start(np.zeros(n, dtype=np.int64))
        self.taken = np.zeros(n, dtype=np.int64)
        self.running = np.zeros(n, dtype=bool)
        self.ahead = np.zeros((n, world.drawn_ahead), dtype=np.int64)
        self.used = np.full(n, world.drawn_ahead)
        self.generators = [np.random.default_rng() for _ in range(n)]

    def seed(self, seeds: list[int | None]) -> None:
        """Give each environment a new generator; one whose seed is None goes on with its own."""
        self.follow([None if seed is None else np_random(seed)[0] for seed in map(seed_of, seeds)])

    def follow(self, generators: list[np.random.Generator | None]) -> None:
        """Go on with these generators, one for each environment; None leaves its own."""
        for i, generator in enumerate(generators):
            if generator is not None:
                self.generators[i] = generator
                self.used[i] = self.world.drawn_ahead  # whom the old one drew ahead will not come

    def begin(self, which: np.ndarray, customers: np.ndarray | None = None) -> None:
        """Begin episodes anew in the environments at these places, with these customers or with drawn ones."""
        if customers is None:
            for i in which[self.used[which] == self.world.drawn_ahead]:
                self.world.draw(self.generators[i], self.ahead[i])
                self.used[i] = 0
            customers = self.ahead[which, self.used[which]]
            self.used[which] += 1
        begun = self.world.start(customers)
        for field, new in zip(self.states, begun, strict=True):
            field[which] = new
        self.taken[which] = 0
        self.running[which] = True

    def step(self, actions: np.ndarray) -> Outcome:
        """Take one action in each environment; the caller begins anew where an episode ends.

        Raises:
            gymnasium.error.ResetNeeded: somewhere no episode is running.
            ValueError: the actions are not n whole numbers, each an action of the world.
        """
        if not self.running.all():
            raise gymnasium.error.ResetNeeded("No episode is running. Remedy: call reset() before step().")
        actions, possible = np.asarray(actions), n_actions(self.world.params)
        if (
            actions.shape != (self.n,)
            or actions.dtype.kind not in "iu"
            or not 0 <= actions.min() <= actions.max() < possible
        ):
            raise ValueError(f"no actions: {actions}. Remedy: {self.n} whole numbers from 0 to {possible - 1}.")
        chances = np.zeros((self.n, self.world.chances))
        if self.world.chances:
            for generator, row in zip(self.generators, chances, strict=True):
                generator.random(out=row)
        outcome = self.world.step(self.states, actions.astype(np.int64), chances)
        self.states, self.taken = outcome.state, self.taken + 1
        cut_off = (self.taken >= self.max_episode_steps) & ~outcome.terminated
        truncated = outcome.truncated | cut_off
        self.running = ~(outcome.terminated | truncated)
        return outcome._replace(truncated=truncated)

    def observe(self) -> np.ndarray:
        """What the agent sees in each environment, shape (n, 15) or (n, 30)."""
        return self.world.observe(self.states)


def world_for(
    setting: str = "described",
    part: str = "train",
    data: str | Path | None = None,
    selection: bool | None = None,
    world: World | None = None,
) -> World:
    """The world that was asked for: a part of an export (the last few are kept in memory), or a ready one."""
    if world is None:
        parts = worlds(setting, bool(selection), data)
        if part not in parts:
            raise ValueError(f"{part!r} is no part. Remedy: choose one of {', '.join(parts)}.")
        return parts[part]
    if selection not in (None, world.params.selects_features):
        raise ValueError(f"the world's params do not have selects_features={selection}. Remedy: use the other id.")
    return world


def spaces_of(world: World) -> tuple[spaces.Box, spaces.Discrete]:
    """The observation and the action space of a world."""
    high = world.highest()
    return spaces.Box(np.zeros_like(high), high), spaces.Discrete(n_actions(world.params))


def longest(world: World, max_episode_steps: int | None) -> int:
    """After how many steps an episode is cut off at the latest; None and, as in Gymnasium, -1 leave it to the world."""
    if max_episode_steps is None or (is_whole(max_episode_steps) and max_episode_steps == -1):
        return world.longest()
    if not is_whole(max_episode_steps) or max_episode_steps < 1:
        raise ValueError(f"an episode cannot have {max_episode_steps!r} steps. Remedy: max_episode_steps of 1 or more.")
    return int(max_episode_steps)


def chosen(options: dict | None, world: World) -> np.ndarray | None:
    """The place of the customer that the options of a reset ask for, shape (1,); None if they ask for nobody."""
    if not isinstance(options, dict | None):
        raise ValueError(f"options {options!r} are no dictionary. Remedy: for example {{'customer': 0}}.")
    unknown = set(options or ()) - {"customer"}
    if unknown:
        raise ValueError(f"unknown options {sorted(unknown, key=str)}. Remedy: the only one is 'customer'.")
    customer = (options or {}).get("customer")
    if customer is None:
        return None
    if not is_whole(customer):
        raise ValueError(f"customer {customer!r} is no place. Remedy: one whole number.")
    if not 0 <= customer < world.size():
        raise ValueError(f"there is no such customer: {customer}. Remedy: choose places from 0 to {world.size() - 1}.")
    return np.array([int(customer)])


def seed_of(seed: Any) -> int | None:
    """A seed as Gymnasium takes it: an int, or None; what is no seed is refused with Gymnasium's error."""
    if seed is not None and (not is_whole(seed) or seed < 0):
        raise gymnasium.error.Error(f"{seed!r} is no seed. Remedy: a whole number of 0 or more, or None.")
    return None if seed is None else int(seed)


def check_render_mode(mode: str | None, allowed: list[str]) -> str | None:
    """The mode, if it is None or one of those allowed."""
    if mode is not None and mode not in allowed:
        raise ValueError(f"no render_mode {mode!r}. Remedy: {' or '.join(['None', *map(repr, allowed)])}.")
    return mode


def is_whole(number: Any) -> bool:
    """Whether this is a whole number, of Python or of numpy; True and False are none."""
    if isinstance(number, np.ndarray) and number.shape == ():
        number = number[()]
    return isinstance(number, Integral) and not isinstance(number, bool)
