"""The safety layer: whatever proposes the offers, no budget is overspent and no rule is broken (chapter 12).

It stands behind every policy and trusts none. It takes offers away, one customer after the other in an order of its
caller's choice, and says of each that it took away why: nothing is dropped in silence. NumPy alone.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.budgets.catalogue import CENTS, CHANNEL, CHANNELS, N_ACTIONS, NOTHING


class Verdict(IntEnum):
    """What became of a proposal."""

    GRANTED = 0
    TOO_YOUNG = 1
    NO_CONSENT = 2
    CONTACT_CAP = 3
    OVER_BUDGET = 4


class Limits(NamedTuple):
    """What every week must keep.

    Attributes:
        budget: cents that may be spent.
        contacts: how many contacts a customer may have in four weeks, those so far included.
        age: the least age in years for an offer.
    """

    budget: int
    contacts: int = 2
    age: int = 18


class Customers(NamedTuple):
    """What the rules ask of customers.

    Attributes:
        age: shape (customers,), in years.
        consent: shape (customers, 5), bool: to which channels they agreed.
        contacts: shape (customers,): how many contacts they have had in the last four weeks.
    """

    age: np.ndarray
    consent: np.ndarray
    contacts: np.ndarray


class Checked(NamedTuple):
    """What may be sent.

    Attributes:
        actions: shape (customers,): as proposed, or nothing.
        verdicts: shape (customers,): a `Verdict` each.
        spent: cents.
    """

    actions: np.ndarray
    verdicts: np.ndarray
    spent: int

    def refused(self) -> dict[str, int]:
        """How many proposals were refused, by reason."""
        counts = {verdict.name.lower(): int((self.verdicts == verdict).sum()) for verdict in Verdict}
        return {name: count for name, count in counts.items() if count and name != "granted"}


def allowed(customers: Customers, limits: Limits) -> np.ndarray:
    """Which actions the rules allow each customer, budget aside: shape (customers, 26), bool; nothing always is."""
    reachable = (customers.age >= limits.age) & (customers.contacts < limits.contacts)
    mask = reachable[:, None] & customers.consent[:, CHANNEL]
    mask[:, NOTHING] = True
    return mask


def check(
    actions: np.ndarray, limits: Limits, customers: Customers | None = None, order: np.ndarray | None = None
) -> Checked:
    """Grant proposals one after the other, as far as rules and budget allow.

    Args:
        actions: shape (customers,), 0 to 25.
        limits: the rules.
        customers: what the rules ask of customers; None if there is nothing to ask but the budget.
        order: shape (customers,): who is served first; by default as they stand. A proposal that does not fit is
            refused, and cheaper ones after it may still fit.

    Raises:
        ValueError: an action that there is not, a negative budget, an order that is none.
    """
    actions = np.asarray(actions)
    order = np.arange(len(actions)) if order is None else np.asarray(order)
    if limits.budget < 0 or ((actions < 0) | (actions >= N_ACTIONS)).any():
        raise ValueError(f"the budget must be at least 0, actions 0 to {N_ACTIONS - 1}. Remedy: correct the proposal.")
    if not np.array_equal(np.sort(order), np.arange(len(actions))):
        raise ValueError("the order must name every customer once. Remedy: pass a permutation.")
    verdicts = np.full(len(actions), Verdict.GRANTED)
    if customers is not None:
        verdicts = _by_rules(actions, limits, customers)
    left = limits.budget
    for customer in order[(verdicts == Verdict.GRANTED)[order] & (actions[order] != NOTHING)]:
        if CENTS[actions[customer]] <= left:
            left -= int(CENTS[actions[customer]])
        else:
            verdicts[customer] = Verdict.OVER_BUDGET
    granted = np.where(verdicts == Verdict.GRANTED, actions, NOTHING)
    return Checked(granted, verdicts, limits.budget - left)


def _by_rules(actions: np.ndarray, limits: Limits, customers: Customers) -> np.ndarray:
    agreed = customers.consent[np.arange(len(actions)), CHANNEL[actions] % len(CHANNELS)]
    broken = [customers.age < limits.age, ~agreed, customers.contacts >= limits.contacts]
    reasons = [Verdict.TOO_YOUNG, Verdict.NO_CONSENT, Verdict.CONTACT_CAP]
    return np.where(actions == NOTHING, Verdict.GRANTED, np.select(broken, reasons, Verdict.GRANTED))
