"""A thin interface to the simulator: the library's, for many customers side by side (chapter 11)."""

import numpy as np
from gymnasium import spaces

from crm_rl.case_studies.offers.catalogue import CHANNELS, OFFERS, TIMINGS, Catalogue
from crm_rl.case_studies.offers.simulator import INPUTS, State, World, observe, start, step
from crm_rl.data.problems import DataError
from crm_rl.worlds.vec_env import RowsVecEnv


def factors_of(catalogue: Catalogue) -> np.ndarray:
    """Which action a choice of offer, value, channel and timing is, shape (offers + 1, values, channels, timings).

    The last offer is to send nothing, with whatever value, channel and timing.

    Raises:
        DataError: the catalogue is no full grid, so that some choices are no action.
    """
    values = sorted(set(catalogue.value.tolist()))
    index = np.full((len(OFFERS) + 1, len(values), len(CHANNELS), len(TIMINGS)), -1)
    index[-1] = len(catalogue.actions)
    index[catalogue.offer, np.searchsorted(values, catalogue.value), catalogue.channel, catalogue.timing] = np.arange(
        len(catalogue.actions)
    )
    if (index < 0).any():
        raise DataError(
            f"{int((index < 0).sum())} combinations of offer, value, channel and timing are not in the catalogue. "
            "Remedy: factored actions need a catalogue with all combinations; train with flat ones."
        )
    return index


class OfferVecEnv(RowsVecEnv):
    """Many customers side by side, as Stable-Baselines3 wants them; a new customer takes the place of one who is done.

    Observation: 13 numbers from 0 to 1: the ten features (scaled), fatigue, habit, share of the weeks gone by.
    Action: a number of the catalogue, or the one after the last to send nothing; or, factored, four choices.
    Reward: the week's profit in dollars. Start: a customer at random, fresh. End: after the last week (terminated).

    Args:
        world: see `simulator.World`.
        n: how many.
        factored: whether an action is four choices (MultiDiscrete) instead of one number.
        seed: decides who comes and what they do.
    """

    def __init__(self, world: World, n: int, factored: bool = False, seed: int = 0):
        self.world, self._rng = world, np.random.default_rng(seed)
        self._index = factors_of(world.catalogue) if factored else None
        actions = spaces.MultiDiscrete(self._index.shape) if factored else spaces.Discrete(world.n_actions)
        self.render_mode = None
        super().__init__(n, spaces.Box(0.0, 1.0, (INPUTS,), np.float32), actions)

    def _newcomers(self, n: int) -> State:
        return start(self._rng.integers(len(self.world.customers.types), size=n))

    def _observe(self) -> np.ndarray:
        return observe(self.world.customers, self._state, self.world.response.weeks)

    def reset(self) -> np.ndarray:
        """Everybody anew."""
        self._state = self._newcomers(self.num_envs)
        return self._observe()

    def step_async(self, actions: np.ndarray) -> None:
        """Take actions, to be carried out by `step_wait`."""
        self._actions = actions if self._index is None else self._index[tuple(actions.T)]

    def step_wait(self):
        """Carry them out: observations, rewards, who is done, and the last observations of those."""
        self._state, reward = step(self.world, self._state, self._actions, self._rng)
        done = self._state.week == self.world.response.weeks
        infos: list[dict] = [{} for _ in done]
        if done.any():
            last = self._observe()
            for place in np.flatnonzero(done):
                infos[place] = {"terminal_observation": last[place], "TimeLimit.truncated": False}
            fresh = self._newcomers(len(done))
            self._state = State(*(np.where(done, new, old) for new, old in zip(fresh, self._state, strict=True)))
        return self._observe(), reward.astype(np.float32), done, infos
