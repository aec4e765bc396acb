"""What all worlds have in common: the actions of the firm, what a step brings, and what a world must be able to do."""

from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import numpy as np
from numba import njit

from crm_rl.data.features import Feature
from crm_rl.worlds.sampling import Pools

N_FEATURES = 15
ALL_VISIBLE = 2**N_FEATURES - 1


class Action(IntEnum):
    """The six actions of the firm. With feature selection, 15 toggles come before them."""

    EMAIL = 0
    CALL = 1
    DEMO = 2
    SURVEY = 3
    WAIT = 4
    MANAGER = 5


N_ACTIONS = len(Action)
WAIT, MANAGER = int(Action.WAIT), int(Action.MANAGER)

MAX_STEPS = 50  # where the rules would let an episode go on for ever, interfaces and evaluation cut it off


class Outcome(NamedTuple):
    """What a step brought: the new state, the reward, and how the episode stands. In a batch, arrays."""

    state: Any
    reward: float
    subscribed: bool
    terminated: bool
    truncated: bool


class World(Protocol):
    """Customers, the rules they go by, and how episodes are drawn from them: what every agent plays in.

    A world is a `NamedTuple` whose methods treat a batch of n episodes at once. `states` is the world's own `State`, a
    `NamedTuple` of int64 arrays of shape (n,) with `customer`, `steps` and `mask` among its fields. The tabular learner
    steps one episode at a time through `worlds.stepping`.

    Attributes:
        population: the customers, a `NamedTuple` of arrays.
        params: the constants of the dynamics, a `NamedTuple`, `selects_features` and `action_cost` among its fields.
        pools: who starts an episode.
        features: what the agent sees, in words, 15 of them.
        chances: how many uniform random numbers a step needs.
        drawn_ahead: how many customers may be drawn at a time without changing what happens.
        resolution: how finely a table tells customers apart unless asked for another.
    """

    population: Any
    params: Any
    pools: Pools
    features: tuple[Feature, ...]
    chances: int
    drawn_ahead: int
    resolution: Any

    def size(self) -> int:
        """How many customers there are."""

    def draw(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """Draw the customers of the next episodes into `out`, shape (n,), int64."""

    def start(self, customers: np.ndarray) -> Any:
        """Begin an episode with each of these customers, shape (n,)."""

    def step(self, states: Any, actions: np.ndarray, chances: np.ndarray) -> Outcome:
        """Take one action in each episode, shape (n,), with uniform random numbers of shape (n, chances)."""

    def observe(self, states: Any) -> np.ndarray:
        """What the agent sees of each episode, shape (n, 15) or, with feature selection, (n, 30), float32."""

    def names(self) -> dict[int, np.ndarray]:
        """The places in the observation whose numbers stand for names, and these numbers, in rising order, float32."""

    def highest(self) -> np.ndarray:
        """The largest value of each thing seen, shape (15,) or (30,), float32; the smallest is 0."""

    def longest(self) -> int:
        """After how many steps an episode is over or cut off at the latest."""

    def info(self, states: Any) -> dict[str, np.ndarray]:
        """What the interfaces tell beside the observation, arrays of shape (n,)."""

    def called(self, states: Any, actions: np.ndarray, outcome: Outcome) -> np.ndarray:
        """Whether these actions of the firm, shape (n,), brought about a first call, shape (n,), bool."""

    def introduce(self, customer: int) -> str:
        """A customer in words."""

    def levels(self, resolution: Any = None) -> Any:
        """What a table learns to tell apart from the customers of training, a `NamedTuple` of arrays."""

    def coder(self, levels: Any) -> Any:
        """How the states of this world's customers are numbered by such levels, for `stepping.state_key`."""


@njit(cache=True)
def count_bits(number: int) -> int:
    """How many bits of a number are 1."""
    bits = 0
    while number:
        number &= number - 1
        bits += 1
    return bits


def observation_size(params: Any) -> int:
    """15, or 30 where the agent selects features."""
    return 2 * N_FEATURES if params.selects_features else N_FEATURES


def n_actions(params: Any) -> int:
    """6, or 21 where the agent selects features."""
    return N_ACTIONS + N_FEATURES if params.selects_features else N_ACTIONS


def firm_actions(actions: np.ndarray, params: Any) -> tuple[np.ndarray, np.ndarray]:
    """Which of n actions are the firm's, shape (n,), bool, and those as in `Action`; the others toggle features."""
    first = N_FEATURES if params.selects_features else 0
    by_firm = actions >= first
    return by_firm, actions[by_firm] - first
