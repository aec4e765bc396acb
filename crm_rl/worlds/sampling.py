"""Batch-level balancing (chapter 3): in training, draw the rare customers more often than they occur."""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.worlds.replay import Population


class Pools(NamedTuple):
    """From whom episodes are drawn, and how often.

    Attributes:
        subscribed, called, everyone: the places of these customers in the population, int64.
        shares: how often an episode is drawn from the first two pools; the rest is drawn from everyone.
    """

    subscribed: np.ndarray
    called: np.ndarray
    everyone: np.ndarray
    shares: tuple[float, float]


def balanced(population: Population, shares: tuple[float, float] = (0.3, 0.3)) -> Pools:
    """The study's pools: 30% subscribers, 30% customers with a first call, 40% anybody.

    With shares (0, 0) the draw is natural. A pool without customers is passed over, as in the study.
    """
    subscribed = np.flatnonzero(population.subscribed)
    called = np.flatnonzero(population.reached[:, 0])
    return Pools(subscribed, called, np.arange(len(population.stage)), (float(shares[0]), float(shares[1])))


@njit(cache=True)
def draw(pools: Pools, rng: np.random.Generator) -> int:
    """Draw the customer of the next episode."""
    which = rng.random()
    if which < pools.shares[0] and len(pools.subscribed) > 0:
        pool = pools.subscribed
    elif which < pools.shares[0] + pools.shares[1] and len(pools.called) > 0:
        pool = pools.called
    else:
        pool = pools.everyone
    return pool[rng.integers(0, len(pool))]


@njit(cache=True)
def draw_many(pools: Pools, rng: np.random.Generator, out: np.ndarray) -> None:
    """Draw the customers of the next episodes into `out`: the same as by `draw` one after the other."""
    for i in range(len(out)):
        out[i] = draw(pools, rng)
