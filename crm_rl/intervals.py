"""How sure a counted rate is."""

import pandas as pd
from scipy.stats import binomtest


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
