"""What a comparison can show (chapter 9): on the customers at hand, and in the experiment that would settle it."""

import numpy as np
from scipy.stats import binom, norm

from crm_rl.evaluation.intervals import wilson


def smallest_significant(level: float = 0.05) -> int:
    """How many discordant customers, all on one side, McNemar's exact test needs."""
    return next(k for k in range(1, 100) if 2 / 2**k < level)


def power_paired(gained: float, lost: float, customers: int, level: float = 0.05) -> float:
    """How likely a true difference is to be found by McNemar's exact test on the same customers.

    Args:
        gained: how many of these customers the better policy wins beyond the other, on average.
        lost: how many it loses, on average.
        customers: how many there are.
        level: of the test.

    Returns:
        The probability that p < level and the better policy is ahead. The two counts are taken as independent
        binomials, which is exact for lost = 0 and close where both are rare.
    """
    most = int(min(customers, gained + lost + 12 * np.sqrt(gained + lost + 1) + 12))
    counts = np.arange(most + 1)
    b, c = np.meshgrid(counts, counts, indexing="ij")
    p_value = np.minimum(1, 2 * binom.cdf(np.minimum(b, c), b + c, 0.5))
    chance = np.outer(binom.pmf(counts, customers, gained / customers), binom.pmf(counts, customers, lost / customers))
    return float(chance[(p_value < level) & (b > c)].sum())


def detectable_gain(customers: int, power: float = 0.8, lost: float = 0.0) -> int | None:
    """How many customers a better policy must win on average to be found with this probability.

    It hardly depends on how many customers there are: at least six must turn up (`smallest_significant`), and eight on
    average bring six four times in five.

    Args:
        customers: how many there are.
        power: the probability.
        lost: how many it loses, on average.

    Returns:
        The customers won, before those lost are taken off: the net gain is this less `lost`. None if there are too few.
    """
    gains = range(1, customers + 1)
    return next((gain for gain in gains if power_paired(gain, lost, customers) >= power), None)


def customers_per_arm(base: float, factor: float, power: float = 0.8, level: float = 0.05) -> int:
    """How many customers each arm of a randomised comparison of two rates needs.

    n = (z_level + z_power)^2 (p q + p' q') / (p' - p)^2, with p' = factor * p and q = 1 - p (e.g. Fleiss et al. 2003).

    Args:
        base: the rate p without the treatment, in (0, 1).
        factor: by what the treatment multiplies it.
        power: the chance to find the difference if it is so large.
        level: of the two-sided test.

    Raises:
        ValueError: the two rates are equal, or not in (0, 1).
    """
    other = base * factor
    if not (0 < base < 1 and 0 < other < 1) or factor == 1:
        raise ValueError(f"rates {base} and {other}. Remedy: choose two different rates between 0 and 1.")
    z = norm.ppf(1 - level / 2) + norm.ppf(power)
    spread = base * (1 - base) + other * (1 - other)
    return int(np.ceil(z**2 * spread / (other - base) ** 2))


def difference(treated: tuple[int, int], held_out: tuple[int, int], level: float = 0.95) -> tuple[float, float, float]:
    """The difference of two independent proportions with Newcombe's hybrid score interval (Newcombe 1998, method 10).

    Args:
        treated, held_out: successes and customers of each arm.
        level: of the interval.

    Returns:
        Treated minus held out, and the interval's two ends, as shares.
    """
    (s1, n1), (s2, n2) = treated, held_out
    p1, p2 = s1 / n1, s2 / n2
    (low1, high1), (low2, high2) = wilson(s1, n1, level), wilson(s2, n2, level)
    below = np.hypot(p1 - low1, high2 - p2)
    above = np.hypot(high1 - p1, p2 - low2)
    return p1 - p2, float(p1 - p2 - below), float(p1 - p2 + above)


def largest_z(looks: int, rng: np.random.Generator, times: int = 100_000) -> np.ndarray:
    """The largest size of z at several equally spaced looks at growing data of an experiment without any effect.

    After look k the z-statistic is the sum of k independent standard normal increments divided by the root of k.

    Args:
        looks: how many.
        rng: draws the increments.
        times: how many experiments.

    Returns:
        Shape (times,). The share above 1.96 is how often somebody who stops at the first p < 0.05 finds an effect that
        is not there; the 95% quantile is the bound to use instead at every look (Pocock 1977).
    """
    sums = rng.standard_normal((times, looks)).cumsum(axis=1)
    return np.abs(sums / np.sqrt(np.arange(1, looks + 1))).max(axis=1)
