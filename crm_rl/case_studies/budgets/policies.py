"""Policies that share out a weekly budget, and the season in which they are tried (chapter 12).

A policy is a function `(week, types, states, budget, rng) -> actions`: types and states have shape (customers,), the
budget is in cents, actions are 0 to 25. What it proposes goes through the safety layer, customer by customer in a new
random order each week.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.budgets.catalogue import CENTS, DOLLARS
from crm_rl.case_studies.budgets.knapsack import plan_week
from crm_rl.case_studies.budgets.plan import Plan, expected_next
from crm_rl.case_studies.budgets.safety import Limits, check
from crm_rl.case_studies.budgets.world import WEEKS, World, step

Policy = Callable[[int, np.ndarray, np.ndarray, int, np.random.Generator], np.ndarray]


class Season(NamedTuple):
    """What a policy came to.

    Attributes:
        lost: shape (weeks,), dollars short of the bound, never negative: what the choices fall short of the best ones
            at the bound's prices, and price times money left over.
        spent: shape (weeks,), cents.
        refused: how many proposals the safety layer refused for want of money.
    """

    lost: np.ndarray
    spent: np.ndarray
    refused: int


def play(world: World, policy: Policy, budget: int, plan: Plan, rng: np.random.Generator, start: int = 0) -> Season:
    """Let a policy serve all customers of a world for a season, and count what it loses against the bound.

    A policy's value is the bound minus its expected loss: the performance difference lemma (Kakade and Langford 2002)
    at the bound's prices. Averages of losses scatter far less than averages of the money that came in.

    Args:
        world: the types.
        policy: what to try.
        budget: cents a week.
        plan: of `bound.price_budgets` at this budget.
        rng: chance, of customers and of the policy apart.
        start: the state in which all customers begin.
    """
    chances, own = rng.spawn(2)
    types = world.types_of_all()
    states = np.full(len(types), start)
    refused, lost, spent = 0, np.empty(len(plan.q)), np.zeros(len(plan.q), dtype=np.int64)
    for week, price in enumerate(plan.prices):
        proposed = policy(week, types, states, budget, own)
        checked = check(proposed, Limits(budget), order=own.permutation(len(types)))
        worth = plan.q[week, types, states] - price * DOLLARS
        short = worth.max(axis=1) - worth[np.arange(len(types)), checked.actions]
        refused += int((checked.verdicts > 0).sum())
        spent[week] = checked.spent
        lost[week] = short.sum() + price * (budget - checked.spent) / 100
        states = step(world, types, states, checked.actions, chances)[1]
    return Season(lost, spent, refused)


def doing_nothing(world: World, weeks: int = WEEKS, start: int = 0) -> float:
    """What a season without any offer is worth, exactly, in dollars."""
    value = world.end
    for _ in range(weeks):
        value = (world.reward + expected_next(world, value))[..., 0]
    return float(world.customers @ value[:, start])


def first_come(world: World) -> Policy:
    """Everybody is proposed what earns most this week; the safety layer serves them as they come, while money lasts."""
    best = world.reward.argmax(axis=-1)
    return lambda week, types, states, budget, rng: best[types, states]


def gain_per_cost(world: World) -> Policy:
    """Each customer's offer with the most gain this week for a dollar, best first, while money lasts."""
    gain = world.reward - world.reward[..., :1]
    ratio = np.divide(gain, DOLLARS, out=np.zeros_like(gain), where=DOLLARS > 0)
    best = ratio.argmax(axis=-1)

    def policy(week, types, states, budget, rng):
        actions = best[types, states]
        order = np.argsort(-ratio[types, states, actions], kind="stable")
        return check(actions, Limits(budget), order=order).actions

    return policy


def each_week(world: World) -> Policy:
    """This week's rewards at this week's price: the knapsack's linear program, rounded to whole offers."""
    return lambda week, types, states, budget, rng: plan_week(world.reward[types, states], CENTS, budget).actions


def by_price(plan: Plan) -> Policy:
    """The price policy: what an action is worth this week *and later*, at a price that this week's budget gives."""
    return lambda week, types, states, budget, rng: plan_week(plan.q[week, types, states], CENTS, budget).actions
