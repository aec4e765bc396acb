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

from crm_rl.case_studies.budgets.plan import Plan, plan_at
from crm_rl.case_studies.budgets.world import World


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
    while True:
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
    return Bound(float(best[0]), float(lowest), best[1], len(planes) + 1)
