"""Attributes that can be bought: which of a customer's three an agent has seen, as a mask number.

Bit 0 is whether the customer came unprompted, bit 1 the country's standing, bit 2 the bootcamp's.
"""

import numpy as np
from numba import njit

from crm_rl.worlds.responsive import ATTRIBUTES, BOOTCAMP, COUNTRY, EVERYTHING, INBOUND, Population

N_ATTRIBUTES = 3


N_MASKS = 2**N_ATTRIBUTES


NONE, ALL = 0, N_MASKS - 1


#: Which of inbound, country and bootcamp can be seen with each mask number, shape (8, 3), 0 or 1.
SEEN = np.arange(N_MASKS)[:, None] >> np.arange(N_ATTRIBUTES) & 1


@njit(cache=True)
def bought_in(mask: int) -> int:
    """The mask number, 0 to 7, of a feature mask as `State.mask` has it; works on arrays too."""
    return mask >> INBOUND & 1 | (mask >> COUNTRY & 1) << 1 | (mask >> BOOTCAMP & 1) << 2


def mask_of(bought: int) -> int:
    """The feature mask of a mask number: all that is never hidden, and what was bought."""
    attributes = (bought & 1) << INBOUND | (bought >> 1 & 1) << COUNTRY | (bought >> 2 & 1) << BOOTCAMP
    return EVERYTHING & ~ATTRIBUTES | attributes


def attributes_of(population: Population) -> np.ndarray:
    """Inbound and the standings of country and bootcamp, shape (customers, 3)."""
    return np.column_stack([population.inbound, population.country, population.bootcamp])


def place_among(rows: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The place of each row among rows that all differ, or -1; shape (rows,)."""
    match = (rows[:, None] == groups[None]).all(axis=2)
    return np.where(match.any(axis=1), match.argmax(axis=1), -1)
