"""How sure a counted rate is, and a difference between two."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest, bootstrap, chi2, norm, sem, t, trim_mean


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


def interquartile_mean(values: np.ndarray, axis: int = -1) -> float | np.ndarray:
    """The mean of the middle half along an axis: less jumpy than the median, deaf to a wild seed.

    From Agarwal et al. (2021). Values of shape (seeds,) give a number, of shape (..., seeds) an array of shape (...).
    """
    middle = trim_mean(values, 0.25, axis=axis)
    return middle if np.ndim(middle) else float(middle)


def over_seeds(
    values: np.ndarray,
    rng: np.random.Generator | None = None,
    statistic: str = "iqm",
    minus: np.ndarray | None = None,
    level: float = 0.95,
) -> pd.Series:
    """What the seeds of a learner come to, and an interval for other seeds of the same learner.

    The mean has Student's t interval; the interquartile mean ("iqm") is drawn anew 2,000 times, the percentile
    bootstrap. If seeds scatter normally, 95% of the intervals of the mean hold the true value, for any number of seeds.
    A bootstrap takes the spread of the seeds it has for the true one and is too short for few: of 2,000 simulated ones
    90% held it for 5 seeds, 94% for 10 and for 20. So take the mean for few seeds, and the interquartile mean where
    a wild seed must not decide.

    Args:
        values: one number a seed, shape (seeds,). One number alone, of a policy without chance, has no spread.
        rng: draws the seeds anew; the mean needs none.
        statistic: "iqm" or "mean".
        minus: the seeds of another learner, shape (others,): then it is the difference, for "iqm" alone. Where seeds
            come in pairs, pass the differences as `values`.
        level: the share of such intervals that should hold the true value.

    Returns:
        The statistic, by its name, and the interval's `low` and `high`.

    Raises:
        ValueError: another statistic.
    """
    values = np.asarray(values, dtype=float)
    if statistic == "mean" and minus is None:
        middle = values.mean()
        reach = t.ppf((1 + level) / 2, len(values) - 1) * sem(values) if len(values) > 1 else 0.0
        low, high = middle - reach, middle + reach
    elif statistic == "iqm":
        samples = [values] if minus is None else [values, np.asarray(minus, dtype=float)]
        middle = low = high = _gap(*samples)
        if max(map(len, samples)) > 1:
            many = [np.repeat(sample, 2) if len(sample) == 1 else sample for sample in samples]
            options = {"n_resamples": 2000, "confidence_level": level, "method": "percentile", "vectorized": True}
            low, high = bootstrap(many, _gap, rng=rng, **options).confidence_interval
    else:
        raise ValueError(f"no interval of {statistic!r} here. Remedy: 'iqm', or 'mean' without `minus`.")
    return pd.Series({statistic: middle, "low": low, "high": high})


def _gap(first: np.ndarray, second: np.ndarray | float = 0.0, axis: int = -1) -> float | np.ndarray:
    """By how much one interquartile mean is above another, or above 0."""
    return interquartile_mean(first, axis) - (interquartile_mean(second, axis) if np.ndim(second) else second)


def in_digits(middle: float, low: float, high: float, decimals: int = 2, sign: str = "") -> str:
    """A number and its interval, as "−0.21 (−0.40 to −0.03)", with true minus signs.

    Args:
        middle, low, high: the three.
        decimals: of each.
        sign: "+" writes one before what is above zero, for differences.
    """
    middle, low, high = (f"{value:{sign}.{decimals}f}" for value in (middle, low, high))
    return f"{middle} ({low} to {high})".replace("-", "−")
