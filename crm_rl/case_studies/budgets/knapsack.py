"""One week under a budget: a multiple-choice knapsack, its price, its bound, and a choice within the budget.

Every customer gets one action, each has a value and a cost, and the costs must not exceed the budget. Put a price on
every cent and let each customer take the action of the highest value minus price times cost: the higher the price, the
less is spent. The lowest price at which the choices fit is that of the budget (the Lagrange multiplier of the
knapsack's linear relaxation; Sinha and Zoltners 1979), and gives an upper bound by weak duality. NumPy alone.
"""

from typing import NamedTuple

import numpy as np


class Week(NamedTuple):
    """What is done in a week.

    Attributes:
        actions: shape (customers,).
        price: dollars of value that one more dollar of budget would bring, at least 0.
        spent: cents, never above the budget.
        value: dollars, the sum of the values of what was chosen.
        bound: dollars that no choice within the budget can exceed.
    """

    actions: np.ndarray
    price: float
    spent: int
    value: float
    bound: float


def choose(values: np.ndarray, cents: np.ndarray, price: float) -> np.ndarray:
    """Each customer's action of the highest value minus price times cost; of equals the first.

    Args:
        values: shape (customers, actions), in dollars; -inf for what is not allowed.
        cents: shape (actions,), whole numbers.
        price: in dollars a dollar.
    """
    return (values - price * cents / 100).argmax(axis=1)


def plan_week(values: np.ndarray, cents: np.ndarray, budget: int, floor: float = 0.0, rounds: int = 50) -> Week:
    """Find the price by bisection, choose at it, and spend what is left on the next best upgrades.

    Args:
        values: as in `choose`; action 0 is free and allowed for everybody.
        cents: shape (actions,), int, at least 0, `cents[0]` is 0.
        budget: cents, at least 0.
        floor: a price below which nothing is bought, even if the budget would allow it.
        rounds: of the bisection; each halves the interval in which the price lies.

    Raises:
        ValueError: the budget is negative, or action 0 is not free or not allowed.
    """
    if budget < 0 or cents[0] != 0 or not np.isfinite(values[:, 0]).all():
        raise ValueError("action 0 must be free and allowed, the budget at least 0. Remedy: add an action that waits.")
    low = high = floor
    dearer = cheaper = choose(values, cents, floor)
    if cents[dearer].sum() > budget:
        high = _prohibitive(values, cents) + floor
        cheaper = choose(values, cents, high)
        for _ in range(rounds):
            middle = (low + high) / 2
            tried = cheaper.copy()
            unsettled = np.flatnonzero(cheaper != dearer)  # who takes one action at both ends takes it in between
            tried[unsettled] = choose(values[unsettled], cents, middle)
            if cents[tried].sum() > budget:
                low, dearer = middle, tried
            else:
                high, cheaper = middle, tried
    everyone = np.arange(len(values))
    bound = (values[everyone, cheaper] - high * cents[cheaper] / 100).sum() + high * budget / 100
    actions = _upgrade(values, cents, budget, cheaper, dearer)
    value = values[everyone, actions].sum()
    return Week(actions, float(high), int(cents[actions].sum()), float(value), float(bound))


def _prohibitive(values: np.ndarray, cents: np.ndarray) -> float:
    """A price at which nobody takes what costs anything."""
    paid = cents > 0
    gains = values[:, paid].max(axis=1, initial=-np.inf) - values[:, 0]
    return 1.0 + 100 * max(0.0, gains.max(initial=0.0)) / cents[paid].min(initial=100)


def _upgrade(values: np.ndarray, cents: np.ndarray, budget: int, cheaper: np.ndarray, dearer: np.ndarray) -> np.ndarray:
    """From choices that fit, go to the dearer ones, best gain per cent first, while money lasts."""
    actions, left = cheaper.copy(), budget - cents[cheaper].sum()
    who = np.flatnonzero(cents[dearer] > cents[cheaper])
    extra = cents[dearer[who]] - cents[cheaper[who]]
    gain = values[who, dearer[who]] - values[who, cheaper[who]]
    for place in np.argsort(-gain / extra, kind="stable"):
        if extra[place] <= left:
            actions[who[place]] = dearer[who[place]]
            left -= extra[place]
    return actions
