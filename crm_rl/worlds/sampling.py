"""Who starts an episode (chapters 3 and 8): in training, rare customers are drawn more often than they occur."""

from typing import NamedTuple

import numpy as np
from numba import njit


class Pools(NamedTuple):
    """From whom episodes are drawn, and how often.

    Attributes:
        first, second, everyone: the places of these customers in the population, int64. In the replay worlds `first`
            are the subscribers and `second` those with a first call; in the responsive worlds `first` came unprompted.
        shares: how often an episode is drawn from the first two pools; the rest is drawn from everyone. A pool without
            customers is passed over.
    """

    first: np.ndarray
    second: np.ndarray
    everyone: np.ndarray
    shares: tuple[float, float]


@njit(cache=True)
def draw(pools: Pools, rng: np.random.Generator) -> int:
    """Draw the customer of the next episode."""
    which = rng.random()
    if which < pools.shares[0] and len(pools.first) > 0:
        pool = pools.first
    elif which < pools.shares[0] + pools.shares[1] and len(pools.second) > 0:
        pool = pools.second
    else:
        pool = pools.everyone
    return pool[rng.integers(0, len(pool))]


@njit(cache=True)
def draw_many(pools: Pools, rng: np.random.Generator, out: np.ndarray) -> None:
    """Draw the customers of the next episodes into `out`: the same as by `draw` one after the other."""
    for i in range(len(out)):
        out[i] = draw(pools, rng)
