"""Every type's best plan when money has a price in each week: backward induction, exact (chapter 12). NumPy alone."""

from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.budgets.catalogue import DOLLARS
from crm_rl.case_studies.budgets.world import N_STATES, World


class Plan(NamedTuple):
    """Every type's best plan at given prices.

    Attributes:
        prices: shape (weeks,), dollars a dollar, on top of the dollar itself.
        q: shape (weeks, types, states, actions): dollars from that week on, if later weeks cost their prices; this
            week's price is not yet taken off.
        start: shape (types,): the value at the start, prices taken off.
        spend: shape (types, weeks): expected dollars spent.
    """

    prices: np.ndarray
    q: np.ndarray
    start: np.ndarray
    spend: np.ndarray


def plan_at(world: World, prices: np.ndarray, start: int = 0) -> Plan:
    """Solve every type exactly at given prices, by backward induction.

    Args:
        world: the types.
        prices: shape (weeks,), at least 0.
        start: the state in which all customers begin.
    """
    weeks = len(prices)
    q = np.empty((weeks, *world.reward.shape))
    value = world.end
    for week in reversed(range(weeks)):
        q[week] = world.reward + expected_next(world, value)
        value = (q[week] - prices[week] * DOLLARS).max(axis=-1)
    actions = (q - prices[:, None, None, None] * DOLLARS).argmax(axis=-1)
    return Plan(prices, q, value[:, start], _spending(world, actions, start))


def expected_next(world: World, value: np.ndarray) -> np.ndarray:
    """The expected value of the next state, shape (types, states, actions), of values of shape (types, states)."""
    after_trip, after_none = (np.tensordot(value, move, (1, 2)) for move in (world.travelled, world.stayed))
    return after_none + world.trip * (after_trip - after_none)


def _spending(world: World, actions: np.ndarray, start: int) -> np.ndarray:
    """Expected dollars a customer of each type spends in each week; `actions` has shape (weeks, types, states)."""
    weeks, types, states = actions.shape
    spend, place = np.empty((types, weeks)), np.eye(N_STATES)[np.full(types, start)]
    which, every = np.arange(types)[:, None], np.arange(states)
    for week in range(weeks):
        action = actions[week]
        spend[:, week] = (place * DOLLARS[action]).sum(axis=1)
        trip = world.trip[which, every, action][..., None]
        moves = trip * world.travelled[every, action] + (1 - trip) * world.stayed[every, action]
        place = np.einsum("ks,ksn->kn", place, moves)
    return spend
