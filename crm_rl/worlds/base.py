"""What all worlds have in common: the actions of the firm, what a step brings, and how large things are."""

from enum import IntEnum
from typing import Any, NamedTuple

from numba import njit

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


MAX_STEPS = 50  # where the rules would let an episode go on for ever, faces and evaluation cut it off


class Outcome(NamedTuple):
    """What a step brought: the new state, the reward, and how the episode stands. In a batch, arrays."""

    state: Any
    reward: float
    subscribed: bool
    terminated: bool
    truncated: bool


@njit(cache=True)
def count_bits(number: int) -> int:
    """How many bits of a number are 1."""
    bits = 0
    while number:
        number &= number - 1
        bits += 1
    return bits


def observation_size(rules: Any) -> int:
    """15, or 30 where the agent selects features."""
    return 2 * N_FEATURES if rules.selects_features else N_FEATURES


def n_actions(rules: Any) -> int:
    """6, or 21 where the agent selects features."""
    return N_ACTIONS + N_FEATURES if rules.selects_features else N_ACTIONS
