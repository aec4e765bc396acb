"""How sure a counted rate is, and a difference between two."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest, chi2, norm, t


def wilson(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval of a proportion (Wilson 1927), which keeps its coverage for rare events.

    Args:
        successes: how often it happened, from 0 to `trials`.
        trials: how often it could have, at least 1.
        level: the share of such intervals that hold the true rate.

    Returns:
        The interval's two ends, within [0, 1].

    Raises:
        ValueError: a count is out of its range.
    """
    interval = binomtest(int(successes), int(trials)).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


def poisson(events: int, level: float = 0.95) -> tuple[float, float]:
    """The exact interval of the mean of a Poisson count (Garwood 1936), for counts of rare events.

    Args:
        events: how many there were, at least 0.
        level: the share of such intervals that hold the true mean, at least.

    Returns:
        The interval's two ends.
    """
    tail = (1 - level) / 2
    low = chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    return float(low), float(chi2.ppf(1 - tail, 2 * events + 2) / 2)


def rate_table(counts: pd.DataFrame, level: float = 0.95) -> pd.DataFrame:
    """Add rate and interval, in percent, to counts.

    Args:
        counts: a row a group, with the columns `customers` and `subscribers`.
        level: as in `wilson`.

    Returns:
        `counts` with the columns `rate %`, `low %` and `high %`, rounded to two decimals; missing for empty groups.
    """
    rows = counts[["subscribers", "customers"]].itertuples(index=False)
    rates = [(s / n, *wilson(s, n, level)) if n else (None,) * 3 for s, n in rows]
    table = pd.DataFrame(rates, columns=["rate %", "low %", "high %"], index=counts.index, dtype=float)
    return counts.join((100 * table).round(2))


def widened(value: float, *ends: tuple[float, float]) -> tuple[float, float]:
    """One interval for a number that several independent kinds of chance disturb, such as seeds and customers.

    On either side the distances to the ends add up like errors that know nothing of each other, by Pythagoras (Zou and
    Donner 2008). With one interval it is that interval.

    Args:
        value: the estimate.
        ends: low and high of an interval for each kind of chance, around `value`.

    Returns:
        Low and high.
    """
    below = np.hypot.reduce([value - low for low, _ in ends])
    above = np.hypot.reduce([high - value for _, high in ends])
    return float(value - below), float(value + above)


class Paired(NamedTuple):
    """Two outcomes of the same customers, compared.

    Attributes:
        only_first: customers with a success under the first policy alone.
        only_second: and under the second alone. Both together are the discordant customers.
        difference: first minus second, as a share of the customers.
        low, high: its interval.
        p_value: of the exact test that a discordant customer falls to either side with the same chance.
    """

    only_first: int
    only_second: int
    difference: float
    low: float
    high: float
    p_value: float


def paired(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Paired:
    """Compare two policies by what became of the same customers.

    The test is McNemar's in its exact form. The interval is Bonett and Price's, which adds 1 to both counts of
    discordant customers, so that none seen is not taken for none possible. Fagerland et al. (2014) compare both with
    others.

    Args:
        first, second: shape (customers,), bool: who had a success under each policy, in the same order.
        level: the share of such intervals that hold the true difference.

    Raises:
        ValueError: the two are not of the same customers.
    """
    first, second = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if first.shape != second.shape or first.ndim != 1 or not len(first):
        raise ValueError(
            f"shapes {first.shape} and {second.shape}. Remedy: pass one outcome a customer for both policies."
        )
    only_first, only_second, n = int((first & ~second).sum()), int((second & ~first).sum()), len(first)
    plus_first, plus_second = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    centre = plus_first - plus_second
    reach = norm.ppf((1 + level) / 2) * np.sqrt((plus_first + plus_second - centre**2) / (n + 2))
    discordant = only_first + only_second
    p_value = float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
    return Paired(
        only_first, only_second, (only_first - only_second) / n, float(centre - reach), float(centre + reach), p_value
    )


def mean_over_seeds(values: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """The mean of one number a seed, and Student's t interval.

    For few seeds: drawing ten anew by bootstrap gives intervals that are too short, since it takes their spread for
    the true one.

    Args:
        values: shape (seeds,), at least 2 of them.
        level: the share of such intervals that hold the true mean, if the values scatter normally.

    Returns:
        The mean and the interval's two ends.
    """
    values = np.asarray(values, dtype=float)
    reach = t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(values.mean() - reach), float(values.mean() + reach)


def mean_over_seeds_and_customers(gap: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """The mean of differences, and an interval that counts both kinds of chance: other seeds, and other customers.

    The variance is that of the mean over seeds plus that of the mean over customers, a little too much rather than too
    little; the reach is Student's t for the number of seeds. With one seed the interval is over customers alone.

    Args:
        gap: shape (seeds, customers), or (customers,) for one seed.
        level: the share of such intervals that hold the true mean.

    Returns:
        The mean and the interval's two ends.
    """
    gap = np.atleast_2d(gap)
    n_seeds, n_customers = gap.shape
    variance = gap.mean(axis=0).var(ddof=1) / n_customers
    if n_seeds > 1:
        variance += gap.mean(axis=1).var(ddof=1) / n_seeds
    reach = t.ppf((1 + level) / 2, (n_seeds if n_seeds > 1 else n_customers) - 1) * np.sqrt(variance)
    return float(gap.mean()), float(gap.mean() - reach), float(gap.mean() + reach)


def in_words(low: float, high: float) -> str:
    """Where an interval lies, for a sentence."""
    return "lies above zero" if low > 0 else "lies below zero" if high < 0 else "includes zero"


def in_digits(middle: float, low: float, high: float, decimals: int = 2, sign: str = "") -> str:
    """A number and its interval, as "−0.21 (−0.40 to −0.03)", with true minus signs.

    Args:
        middle, low, high: the three.
        decimals: of each.
        sign: "+" writes one before what is above zero, for differences.
    """
    middle, low, high = (f"{value:{sign}.{decimals}f}" for value in (middle, low, high))
    return f"{middle} ({low} to {high})".replace("-", "−")


def redraw_customers(
    counts: np.ndarray, inbound: np.ndarray, place: np.ndarray, rng: np.random.Generator, draws: int = 2000
) -> np.ndarray:
    """Draw customers anew by the place they come from: all of a place together, as often as it is drawn.

    Customers of one place are treated alike and are worth alike, so each alone is no independent witness (Cameron and
    Miller 2015, on clusters). Places with and without inbound customers are drawn apart, and since places are of very
    different sizes, inbound and outbound customers are scaled to as many as there are.

    Args:
        counts: shape (kinds,): how many customers there are of each kind.
        inbound: shape (kinds,): whether they came by themselves, 0 or 1.
        place: shape (kinds,): the number of their place.
        rng: decides.
        draws: how often.

    Returns:
        Shape (draws, kinds): how many customers there are of each kind in every draw.
    """
    of_kind = np.unique(place, return_inverse=True)[1]
    some_inbound = np.bincount(of_kind, weights=inbound) > 0
    often = np.zeros((draws, len(some_inbound)))
    for has in np.unique(some_inbound):
        members = np.flatnonzero(some_inbound == has)
        often[:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
    customers = often[:, of_kind] * counts
    for group in np.unique(inbound):
        members = inbound == group
        customers[:, members] *= counts[members].sum() / customers[:, members].sum(axis=1, keepdims=True)
    return customers
