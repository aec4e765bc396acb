"""Two decision problems for PPO, many seasons side by side, in the library's interface (chapter 12).

`InTurn` is posed as the published system poses it: one customer a step. `SetPrices` asks for three numbers a week, and
leaves the customers to the knapsack. Seasons that stand side by side differ by chance alone and end together.
"""

from abc import abstractmethod

import numpy as np
from gymnasium import spaces

from crm_rl.case_studies.budgets.catalogue import CENTS, N_ACTIONS
from crm_rl.case_studies.budgets.knapsack import plan_week
from crm_rl.case_studies.budgets.world import (
    BUDGET_A_CUSTOMER,
    FATIGUE,
    FATIGUES,
    HABIT,
    HABITS,
    WEEKS,
    World,
    step,
)
from crm_rl.worlds.vec_env import RowsVecEnv

#: Reward of an offer that the budget does not allow, as published.
PENALTY = -5.0
#: What actions of `SetPrices`, -1 to 1, stand for: dollars from 0 to these.
HIGHEST_PRICES = np.array([3.0, 10.0, 2.0])


def customers_seen(world: World, types: np.ndarray, states: np.ndarray) -> np.ndarray:
    """What is seen of customers, each number about 0 to 1: the type's eight, habit and fatigue; a new last axis."""
    scale = np.array([10.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    parts = (world.features[types] / scale, HABIT[states, None] / 3, FATIGUE[states, None] / 2)
    return np.concatenate(parts, axis=-1)


def prices_of(actions: np.ndarray) -> np.ndarray:
    """The price of a dollar, the bonus of a trip and the price of a contact, in dollars, from numbers of -1 to 1."""
    return HIGHEST_PRICES * (np.clip(actions, -1, 1) + 1) / 2


def values_at(world: World, types: np.ndarray, states: np.ndarray, bonus: float, contact: float) -> np.ndarray:
    """What actions are worth if a trip has a bonus and a contact a price, shape (customers, 26), in dollars."""
    return world.reward[types, states] + bonus * world.trip[types, states] - contact * (CENTS > 0)


class _Seasons(RowsVecEnv):
    """Seasons side by side that end together; a subclass says how they begin, go on and look."""

    def __init__(self, world: World, seasons: int, seed: int, seen: int, actions: spaces.Space):
        self.world, self.rng = world, np.random.default_rng(seed)
        self.types = world.types_of_all()
        self.budget = round(100 * BUDGET_A_CUSTOMER * len(self.types))
        self.states = np.zeros((seasons, len(self.types)), dtype=int)
        self.week = 0
        self.render_mode = None  # there is nothing to see
        super().__init__(seasons, spaces.Box(-np.inf, np.inf, (seen,), np.float32), actions)

    def begin(self) -> None:
        self.week, self.states = 0, np.zeros_like(self.states)

    @abstractmethod
    def advance(self, actions: np.ndarray) -> np.ndarray: ...

    @abstractmethod
    def observe(self) -> np.ndarray: ...

    def reset(self) -> np.ndarray:
        self.begin()
        return self.observe()

    def step_wait(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
        rewards = self.advance(self._actions).astype(np.float32)
        over = self.week == WEEKS
        infos: list[dict] = [{} for _ in range(self.num_envs)]
        if over:
            for info, last in zip(infos, self.observe(), strict=True):
                info |= {"terminal_observation": last, "TimeLimit.truncated": False}
            self.begin()
        return self.observe(), rewards, np.full(self.num_envs, over), infos


class InTurn(_Seasons):
    """One customer a step, in a new random order each week.

    **Observation**, 13 numbers: `customers_seen`, week / 12, shares of the budget left and of customers served.
    **Actions**: Discrete(26); `action_masks` has those that what is left allows.
    **Reward**: the expected dollars of this customer's week, or -5 and nothing sent if the budget does not allow it;
    after the last week lifetime value besides.
    """

    def __init__(self, world: World, seasons: int, seed: int):
        self.place, self.left, self.order = 0, np.zeros(seasons), None
        super().__init__(world, seasons, seed, 13, spaces.Discrete(N_ACTIONS))

    def begin(self) -> None:
        super().begin()
        self._new_week()

    def _new_week(self) -> None:
        self.place = 0
        self.left = np.full(self.num_envs, self.budget)
        self.order = self.rng.permuted(np.tile(np.arange(len(self.types)), (self.num_envs, 1)), axis=1)

    def advance(self, actions: np.ndarray) -> np.ndarray:
        seasons, who = np.arange(self.num_envs), self.order[:, self.place]
        types, states = self.types[who], self.states[seasons, who]
        fits = CENTS[actions] <= self.left
        sent = np.where(fits, actions, 0)
        self.left -= CENTS[sent]
        self.states[seasons, who] = after = step(self.world, types, states, sent, self.rng)[1]
        rewards = np.where(fits, self.world.reward[types, states, sent], PENALTY)
        if self.week == WEEKS - 1:
            rewards = rewards + self.world.end[types, after]
        self.place += 1
        if self.place == len(self.types):
            self.week += 1
            self._new_week()
        return rewards

    def observe(self) -> np.ndarray:
        who = self.order[:, self.place]
        seen = customers_seen(self.world, self.types[who], self.states[np.arange(self.num_envs), who])
        served = np.full(self.num_envs, self.place / len(self.types))
        rest = np.column_stack([np.full(self.num_envs, self.week / WEEKS), self.left / max(self.budget, 1), served])
        return np.hstack([seen, rest]).astype(np.float32)

    def action_masks(self) -> np.ndarray:
        return self.left[:, None] >= CENTS


class SetPrices(_Seasons):
    """One week a step.

    **Observation**, 8 numbers: week / 12, the share of customers at each habit and at each fatigue.
    **Actions**: Box of 3, -1 to 1, see `prices_of`; the price of a dollar is a floor, which the budget may raise.
    **Reward**: expected dollars a customer above a week in which no habit brings trips and nothing is sent; after the
    last week lifetime value besides.
    """

    def __init__(self, world: World, seasons: int, seed: int):
        super().__init__(world, seasons, seed, 1 + HABITS + FATIGUES, spaces.Box(-1, 1, (3,), np.float32))

    def advance(self, actions: np.ndarray) -> np.ndarray:
        rewards = np.empty(self.num_envs)
        for season, (floor, bonus, contact) in enumerate(prices_of(actions)):
            states = self.states[season]
            values = values_at(self.world, self.types, states, bonus, contact)
            sent = plan_week(values, CENTS, self.budget, floor, rounds=20).actions
            rewards[season] = (self.world.reward[self.types, states, sent] - self.world.reward[self.types, 0, 0]).mean()
            self.states[season] = step(self.world, self.types, states, sent, self.rng)[1]
            if self.week == WEEKS - 1:
                rewards[season] += self.world.end[self.types, self.states[season]].mean()
        self.week += 1
        return rewards

    def observe(self) -> np.ndarray:
        return np.array([crowd_seen(self.week, states) for states in self.states])


def crowd_seen(week: int, states: np.ndarray) -> np.ndarray:
    """What `SetPrices` shows of a week and of all customers' states."""
    habits = np.bincount(HABIT[states], minlength=HABITS) / len(states)
    fatigues = np.bincount(FATIGUE[states], minlength=FATIGUES) / len(states)
    return np.concatenate([[week / WEEKS], habits, fatigues]).astype(np.float32)
