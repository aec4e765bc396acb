"""From a state of the replay world to the row of a table (chapter 8): round to two decimals, number what is rounded.

The 15 rounded features are the digits of one whole number, in a number system whose base at each place is how many
values that feature takes in training (plus one: a hidden feature is the digit 0). So equal numbers mean equal rounded
observations, and nothing else does.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.worlds.base import N_FEATURES
from crm_rl.worlds.replay import STAGE_FEATURE, Population, State
from crm_rl.worlds.replay_settings import Params

DECIMALS = 2
N_STAGES = 7


class Levels(NamedTuple):
    """The rounded values of each feature in training.

    Attributes:
        values: float64, those of the first feature ascending, then those of the second, and so on.
        counts: shape (15,), int64: how many values each feature has.
        decimals: to how many the features are rounded.
    """

    values: np.ndarray
    counts: np.ndarray
    decimals: int

    def fits(self) -> bool:
        """Whether the parts fit together, when read from a file."""
        return self.counts.shape == (N_FEATURES,) and self.counts.sum() == len(self.values)

    def of_feature(self, feature: int) -> np.ndarray:
        """The values of one feature, ascending."""
        return np.split(self.values, np.cumsum(self.counts)[:-1])[feature]


class Coder(NamedTuple):
    """Each customer's share in the number of its state.

    Attributes:
        parts: shape (customers, 15), int64: the digit times the worth of its place; the stage's is left out. -1 marks
            a value that training never saw.
        stage_worth: what one stage is worth; the stage's digit is 1 + the stage.
    """

    parts: np.ndarray
    stage_worth: int


def levels_of(population: Population, decimals: int = DECIMALS) -> Levels:
    """Learn which rounded values each feature takes."""
    rounded = np.round(population.features.astype(np.float64), decimals)
    values = [np.unique(rounded[:, feature]) for feature in range(N_FEATURES)]
    return Levels(np.concatenate(values), np.array([len(each) for each in values]), decimals)


def coder_of(population: Population, levels: Levels) -> Coder:
    """Number the states of a population by the levels of the training population.

    Raises:
        ValueError: the features take so many values that a number of 63 bits cannot tell the states apart.
    """
    bases = [N_STAGES + 1 if f == STAGE_FEATURE else int(count) + 1 for f, count in enumerate(levels.counts)]
    worth = [1]
    for base in bases:
        worth.append(worth[-1] * base)
    if worth[-1] >= 2**63:
        raise ValueError(f"{worth[-1]:.1e} states cannot be numbered in 63 bits. Remedy: round to fewer decimals.")
    rounded = np.round(population.features.astype(np.float64), int(levels.decimals))
    parts = np.zeros(rounded.shape, dtype=np.int64)
    for feature in range(N_FEATURES):
        if feature != STAGE_FEATURE:
            values = levels.of_feature(feature)
            place = np.searchsorted(values, rounded[:, feature]).clip(max=len(values) - 1)
            known = values[place] == rounded[:, feature]
            parts[:, feature] = np.where(known, (place + 1) * worth[feature], -1)
    return Coder(parts, worth[STAGE_FEATURE])


@njit(cache=True)
def state_key(state: State, coder: Coder, params: Params) -> tuple[int, int]:
    """The state's number and its mask; the number is -1 if training never saw one of the visible values."""
    number = 0
    for feature in range(N_FEATURES):
        if params.hides_features and not state.mask >> feature & 1:
            continue
        if feature == STAGE_FEATURE:
            number += (state.stage + 1) * coder.stage_worth
        elif coder.parts[state.customer, feature] < 0:
            return -1, state.mask
        else:
            number += coder.parts[state.customer, feature]
    return number, state.mask
