"""Real customers, one week, one budget: who gets what (chapter 12). NumPy alone, for the command line and the service.

The world's segments say how customers respond. What an offer is worth is its gain this week and later, later weeks at
their recorded prices; the price of this week is found for the budget at hand. Rules come first, and the safety layer
checks the result once more, so that the budget is never overspent:

    batch = batch_of(rows)                          # DataError lists all that is wrong with the rows
    offers = offers_within(batch, cents_of(5000.0), week=1)
    answer = rows_of(batch, offers), offers.price, offers.spent / 100
"""

import functools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.budgets.catalogue import CENTS, CHANNEL, CHANNELS, OFFER, OFFER_VALUES
from crm_rl.case_studies.budgets.knapsack import plan_week
from crm_rl.case_studies.budgets.plan import plan_at
from crm_rl.case_studies.budgets.safety import Customers, Limits, allowed, check
from crm_rl.case_studies.budgets.world import FATIGUES, HABITS, WEEKS, World, book_world
from crm_rl.data.problems import DataError
from crm_rl.files import shipped

#: The price of a dollar in each week, of the bound in the book's world at 0.20 dollars a customer and week.
PRICES = shipped("worlds/budgets_prices.csv")

COLUMNS = ("customer_id", "segment", "habit", "fatigue", "age", "contacts", "consent")
WHOLE = {"habit": (0, HABITS - 1), "fatigue": (0, FATIGUES - 1), "age": (0, 130), "contacts": (0, 1000)}

#: Why a customer gets an offer or none, see `_reasons`.
REASONS = (
    *("sent", "too young", "no consent", "contact cap"),
    *("better offers lack consent", "outbid at this price", "not worth its cost"),
)


class Batch(NamedTuple):
    """Customers: names, types and states, shape (customers,) each, and what the rules ask of them."""

    ids: list[str]
    types: np.ndarray
    states: np.ndarray
    people: Customers


class Offers(NamedTuple):
    """Who gets what.

    Attributes:
        actions: shape (customers,), 0 to 25, see `catalogue`.
        reasons: shape (customers,): places in `REASONS`, why there is an offer or none.
        price: what one more dollar of budget would earn, in dollars.
        spent: cents, at most the budget.
        bound: dollars above sending nothing that no choice within budget and rules can exceed.
        gain: dollars above sending nothing, this week and later.
    """

    actions: np.ndarray
    reasons: np.ndarray
    price: float
    spent: int
    bound: float
    gain: float


@functools.cache
def season() -> tuple[World, np.ndarray]:
    """The book's world, and what actions are worth in it by week, type and state: shape (12, types, 12, 26)."""
    world = book_world()
    prices = np.loadtxt(PRICES, delimiter=",", skiprows=1, usecols=1)
    return world, plan_at(world, prices).q


def batch_of(rows: Sequence[Mapping[str, object]], source: str = "customers") -> Batch:
    """Read customers from rows with the keys `COLUMNS`.

    Args:
        rows: `customer_id` any text, once; `segment` one of the world's; `habit` 0 to 3 and `fatigue` 0 to 2, whole
            numbers, as are `age` in years and `contacts` in the last four weeks; `consent` channel names with blanks
            between.
        source: what to call the rows in messages.

    Raises:
        DataError: all that is wrong with them, at once.
    """
    segments = {name: number for number, name in enumerate(season()[0].segments)}
    problems, ids = [], [str(row.get("customer_id", "")).strip() for row in rows]
    seen: set[str] = set()
    numbers = np.zeros((len(rows), 5), dtype=np.int64)
    consent = np.zeros((len(rows), len(CHANNELS)), dtype=bool)
    for place, (row, name) in enumerate(zip(rows, ids, strict=True)):
        where = f"{source}: customer {place + 1}"
        if not name or name in seen:
            problems.append(f"{where}, customer_id: {name!r} is empty or not the first. Remedy: a name for each.")
        seen.add(name)
        segment = str(row.get("segment", "")).strip()
        if segment not in segments:
            problems.append(f"{where}, segment: {segment!r} is unknown. Remedy: one of {', '.join(segments)}.")
        numbers[place, 0] = segments.get(segment, 0)
        for column, (key, (low, high)) in enumerate(WHOLE.items(), 1):
            number = _whole(row.get(key))
            if number is None or not low <= number <= high:
                problems.append(f"{where}, {key}: {row.get(key)!r}. Remedy: a whole number {low} to {high}.")
            else:
                numbers[place, column] = number
        for channel in str(row.get("consent") or "").split():
            if channel in CHANNELS:
                consent[place, CHANNELS.index(channel)] = True
            else:
                problems.append(f"{where}, consent: {channel!r}. Remedy: some of {' '.join(CHANNELS)}, or nothing.")
    if not rows:
        problems.append(f"{source}: no customers. Remedy: give at least one.")
    if problems:
        more = f"\n... and {len(problems) - 20} more." if len(problems) > 20 else ""
        raise DataError("\n".join(problems[:20]) + more)
    types, habit, fatigue, age, contacts = numbers.T
    return Batch(ids, types, FATIGUES * habit + fatigue, Customers(age, consent, contacts))


def _whole(value: object) -> int | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def cents_of(budget: float) -> int:
    """A budget in whole cents, rounded down.

    Raises:
        DataError: it is no amount of money from 0.
    """
    if not np.isfinite(budget) or not 0 <= budget <= 1e12:
        raise DataError(f"budget: {budget}. Remedy: dollars from 0 to 1e12.")
    return int(np.floor(round(100 * budget, 6)))


def offers_within(batch: Batch, budget: int, week: int = 1, contacts: int = 2, age: int = 18) -> Offers:
    """This week's offers, never above the budget.

    Args:
        batch: of `batch_of`.
        budget: cents, at least 0, see `cents_of`.
        week: of the season, 1 to 12.
        contacts: how many contacts a customer may have in four weeks.
        age: the least age for an offer.

    Raises:
        DataError: there is no such week.
    """
    if not 1 <= week <= WEEKS:
        raise DataError(f"week: {week}. Remedy: 1 to {WEEKS}.")
    limits = Limits(budget, contacts, age)
    values = season()[1][week - 1, batch.types, batch.states]
    mask = allowed(batch.people, limits)
    found = plan_week(np.where(mask, values, -np.inf), CENTS, budget)
    checked = check(found.actions, limits, batch.people)
    reasons = _reasons(checked.actions, batch.people, limits, values, found.price)
    alone = float(values[:, 0].sum())
    return Offers(checked.actions, reasons, found.price, checked.spent, found.bound - alone, found.value - alone)


def _reasons(actions: np.ndarray, people: Customers, limits: Limits, values: np.ndarray, price: float) -> np.ndarray:
    """Why each customer got what they got: places in `REASONS`, shape (customers,).

    Without an offer, the first that holds: a rule forbids all offers; at this price some offer would gain, so it is one
    without consent; some offer gains more than it costs, but not at this price; none does.

    Args:
        actions: what they got.
        people, limits: what the rules ask.
        values: dollars, costs taken off, shape (customers, 26).
        price: on top of the dollar itself.
    """
    gains = values - values[:, :1]
    told = [
        actions > 0,
        people.age < limits.age,
        ~people.consent.any(axis=1),
        people.contacts >= limits.contacts,
        (gains - price * CENTS / 100).max(axis=1) > 1e-9,
        gains.max(axis=1) > 1e-9,
    ]
    return np.select(told, range(len(told)), len(told))


def rows_of(batch: Batch, offers: Offers) -> list[dict[str, object]]:
    """The offers as rows: `customer_id`, `offer` (0 to 5), `value` and `cost` in dollars, `channel`, `reason`."""
    return [
        {
            "customer_id": name,
            "offer": int(OFFER[action]),
            "value": OFFER_VALUES[OFFER[action]],
            "channel": CHANNELS[CHANNEL[action]] if action else "",
            "cost": int(CENTS[action]) / 100,
            "reason": REASONS[reason],
        }
        for name, action, reason in zip(batch.ids, offers.actions.tolist(), offers.reasons.tolist(), strict=True)
    ]
