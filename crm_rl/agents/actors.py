"""The episodes in which several seeds learn side by side, each seed in environments of its own (chapter 6)."""

from typing import Any

import numpy as np

from crm_rl.worlds.base import Outcome, World


class Actors:
    """For each seed, `num_envs` episodes side by side; arrays are of shape (seeds, num_envs).

    Seeds that learn in one and the same world, next to each other in the list, take their steps together.

    Args:
        worlds: where each seed learns.
        num_envs: episodes of each seed.
        rngs: each draws who comes and, where the world needs it, what happens.
    """

    def __init__(self, worlds: list[World], num_envs: int, rngs: list[np.random.Generator]):
        self.worlds, self.num_envs, self.rngs = worlds, num_envs, rngs
        cuts = [0, *(i for i in range(1, len(worlds)) if worlds[i] is not worlds[i - 1]), len(worlds)]
        self.groups = [slice(a, b) for a, b in zip(cuts, cuts[1:], strict=False)]
        self.states = [self._start(group, np.full((group.stop - group.start, num_envs), True)) for group in self.groups]
        shape = (len(worlds), num_envs)
        self.taken, self.returns, self.subscribed = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape)

    def _start(self, group: slice, where: np.ndarray) -> Any:
        """States of episodes that begin wherever `where`, shape (seeds of the group, num_envs), says so."""
        drawn = [np.zeros(n, dtype=np.int64) for n in where.sum(axis=1)]
        for rng, customers in zip(self.rngs[group], drawn, strict=True):
            self.worlds[group.start].draw(rng, customers)
        return self.worlds[group.start].start(np.concatenate(drawn))

    def observe(self) -> np.ndarray:
        """What each seed sees, shape (seeds, num_envs, inputs), float32."""
        seen = [self.worlds[g.start].observe(states) for g, states in zip(self.groups, self.states, strict=True)]
        return np.concatenate(seen).reshape(len(self.worlds), self.num_envs, -1)

    def step(self, actions: np.ndarray) -> Outcome:
        """Take one action in each episode. Those that end stay at their end until `begin_anew`."""
        outcomes = []
        for i, group in enumerate(self.groups):
            world = self.worlds[group.start]
            chances = np.concatenate([rng.random((self.num_envs, world.chances)) for rng in self.rngs[group]])
            outcomes.append(world.step(self.states[i], actions[group].ravel(), chances))
            self.states[i] = outcomes[-1].state
        parts = (np.concatenate(part).reshape(actions.shape) for part in zip(*(o[1:] for o in outcomes), strict=True))
        outcome = Outcome(None, *parts)
        self.taken += 1
        longest = np.array([world.longest() for world in self.worlds])[:, None]
        self.returns += outcome.reward
        self.subscribed += outcome.subscribed
        return outcome._replace(truncated=outcome.truncated | (self.taken >= longest) & ~outcome.terminated)

    def begin_anew(self, ended: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Begin an episode with another customer wherever one has ended.

        Returns:
            For each seed, shape (seeds,): how many had ended, their rewards together, and how many subscribed.
        """
        sums = tuple((part * ended).sum(axis=1) for part in (np.ones(ended.shape), self.returns, self.subscribed))
        for states, group in zip(self.states, self.groups, strict=True):
            begun = self._start(group, ended[group])
            for field, new in zip(states, begun, strict=True):
                field[ended[group].ravel()] = new
        for part in (self.taken, self.returns, self.subscribed):
            part[ended] = 0
        return sums

    def get_state(self) -> dict[str, np.ndarray]:
        """Where every episode stands."""
        arrays = {name: getattr(self, name).copy() for name in ("taken", "returns", "subscribed")}
        for i, states in enumerate(self.states):
            arrays |= {f"states_{i}_{name}": part.copy() for name, part in states._asdict().items()}
        return arrays

    def set_state(self, saved: dict[str, np.ndarray]) -> None:
        """Go on from what `get_state` returned."""
        for name in ("taken", "returns", "subscribed"):
            getattr(self, name)[:] = saved[name]
        for i, states in enumerate(self.states):
            for name, part in states._asdict().items():
                part[:] = saved[f"states_{i}_{name}"]
