"""What no policy can exceed: the weekly budgets priced (Hawkins 2003; Adelman and Mersereau 2008; chapter 12).

Customers are tied to one another by the budgets alone. Let money have a price in each week instead: then every type of
customer is an MDP of its own, solved exactly by backward induction, and for any prices

    sum of the types' values at these prices  +  prices x budgets

is an upper bound on what any policy can earn that keeps the budgets. The bound is convex in the prices, and piecewise
linear. It is minimised by cutting planes (Kelley 1960): each trial of prices gives every type a plan and so a plane
below its value; a linear program finds the lowest point of all planes so far, the next trial.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linprog

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


class Bound(NamedTuple):
    """The bound, and how it was found.

    Attributes:
        value: dollars that no policy can exceed.
        lowest: dollars below which the bound of no prices lies; `value - lowest` is what is left to find.
        plan: the plan at the best prices.
        trials: how many prices were tried.
    """

    value: float
    lowest: float
    plan: Plan
    trials: int


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
        q[week] = world.reward + _expected(world, value)
        value = (q[week] - prices[week] * DOLLARS).max(axis=-1)
    actions = (q - prices[:, None, None, None] * DOLLARS).argmax(axis=-1)
    return Plan(prices, q, value[:, start], _spending(world, actions, start))


def _expected(world: World, value: np.ndarray) -> np.ndarray:
    """The expected value of the next state, shape (types, states, actions); `value` has shape (types, states)."""
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


def price_budgets(
    world: World, budget: int, weeks: int = 12, start: int = 0, most: float = 20.0, tolerance: float = 1e-6
) -> Bound:
    """Minimise the bound over the prices.

    Args:
        world: the types and how many customers each has.
        budget: cents a week.
        weeks: of the season.
        start: the state in which all customers begin.
        most: the highest price considered.
        tolerance: stop when the bound is within this share of the lowest it can be.

    Raises:
        ValueError: the budget is negative.
    """
    if budget < 0:
        raise ValueError("the budget is negative. Remedy: 0 or more cents.")
    money, types = np.full(weeks, budget / 100), len(world.customers)
    planes, heights = [], []
    best, lowest, prices = None, -np.inf, np.zeros(weeks)
    for trial in range(1, 1001):
        plan = plan_at(world, prices, start)
        value = world.customers @ plan.start + prices @ money
        if best is None or value < best[0]:
            best = (value, plan)
        if best[0] - lowest <= tolerance * abs(best[0]):
            break
        # A type's value at other prices is at least what this plan earns there: a plane with slope -spend.
        planes.append(np.hstack([-np.eye(types), -plan.spend]))
        heights.append(-(plan.start + plan.spend @ prices))
        found = linprog(
            np.concatenate([world.customers, money]),
            A_ub=np.vstack(planes),
            b_ub=np.concatenate(heights),
            bounds=[(None, None)] * types + [(0, most)] * weeks,
            method="highs",
        )
        lowest, prices = found.fun, found.x[types:]
    return Bound(float(best[0]), float(lowest), best[1], trial)
