"""Rolling out a policy in steps: shadow, a small share, a stopping rule that may be looked at daily, and an alarm.

Chapter 13. Each function is one step of a rollout, on counts and arrays that any firm has.
"""

import numpy as np
import pandas as pd
from scipy.special import betaln
from scipy.stats import norm


def shadow(old: np.ndarray, new: np.ndarray, gains: np.ndarray, costs: np.ndarray) -> pd.Series:
    """Compare what two policies would do with the same customers in one week; only the old one acts.

    The new one gets the budget that the old one spends: it serves customers in order of gain per dollar of cost, and
    waits with those for whom the money no longer lasts. What the new one would *earn* no shadow can say.

    Args:
        old, new: shape (customers,): the actions of both.
        gains: shape (customers,): what the new policy expects of its action over waiting.
        costs: shape (actions,): what each action costs, in dollars; at least one action costs nothing.

    Returns:
        The share of customers for whom they agree, what each spends, and how many of the new one's actions fit the
        budget, as a share of those that cost something.
    """
    budget, wanted = costs[old].sum(), costs[new]
    order = np.argsort(-gains / np.maximum(wanted, 1e-9), kind="stable")
    fits = np.empty(len(new), dtype=bool)
    fits[order] = wanted[order].cumsum() <= budget
    paid = wanted > 0
    return pd.Series(
        {
            "agree": (old == new).mean(),
            "old spends": budget,
            "new would spend": wanted.sum(),
            "new within budget": wanted[fits].sum(),
            "share that fits": fits[paid].mean() if paid.any() else 1.0,
        }
    )


def ramp(
    old: np.ndarray,
    new: np.ndarray,
    customers: int,
    weeks: int,
    rng: np.random.Generator,
    first: float = 0.1,
    delay: int = 1,
) -> np.ndarray:
    """A bandit over two policies: each week the new one gets as many customers as it is likely to be the better one.

    Thompson sampling with normal posteriors (Chapelle and Li 2011), in weekly batches, between a tenth and nine tenths.

    Args:
        old, new: what customers bring under either policy, shapes (examples,): those of a week are drawn from them.
        customers: how many come in a week.
        weeks: how many.
        rng: draws who comes.
        first: the share until the first outcomes are known, and the least.
        delay: weeks from a customer's arrival until what the customer brings is known, at least 1.

    Returns:
        The share of customers that the new policy gets in each week, shape (weeks,).
    """
    shares, earned, share = [], ([], []), first
    for week in range(weeks):
        shares.append(share)
        served = round(share * customers)
        for policy, (returns, count) in enumerate(((old, customers - served), (new, served))):
            earned[policy].append(rng.choice(returns, count))
        known = week + 2 - delay  # weeks whose customers' outcomes are in when the next week begins
        if known < 1:
            continue
        before, after = (np.concatenate(each[:known]) for each in earned)
        error = np.sqrt(before.var() / len(before) + after.var() / len(after))
        share = np.clip(norm.cdf((after.mean() - before.mean()) / max(error, 1e-9)), first, 1 - first)
    return np.array(shares)


def evidence(new: np.ndarray, both: np.ndarray, share: float = 0.5) -> np.ndarray:
    """The evidence against "both policies win equally many", which may be looked at as often as one likes.

    Under that hypothesis a winner comes from the new policy with the chance with which customers get it. The evidence
    is the likelihood ratio of all other chances, mixed equally, to this one (a mixture sequential probability ratio
    test; Robbins 1970). It exceeds 1 / alpha at any time with a chance of at most alpha (Ville's inequality), so stop
    at 20 for 5%.

    Args:
        new: winners under the new policy so far, of any shape.
        both: winners under both.
        share: the share of customers whom a coin gave to the new policy, the same all the time.

    Returns:
        The evidence, in the shape of the counts; 1 before anything is seen.
    """
    new, both = np.asarray(new), np.asarray(both)
    return np.exp(betaln(new + 1, both - new + 1) - new * np.log(share) - (both - new) * np.log(1 - share))


def cusum(counts: np.ndarray, expected: float, factor: float = 0.5) -> np.ndarray:
    """Page's cumulative sum (1954) for a rate of rare events that may have fallen.

    Args:
        counts: events by week, shape (..., weeks), Poisson.
        expected: their mean as long as nothing is wrong.
        factor: by which the mean is multiplied when something is, below 1.

    Returns:
        The sum after each week, at least 0, in the shape of `counts`; raise an alarm where it exceeds a threshold.
    """
    steps = counts * np.log(factor) + expected * (1 - factor)
    sums = np.zeros(counts.shape)
    for week in range(counts.shape[-1]):
        sums[..., week] = np.maximum(0, (sums[..., week - 1] if week else 0) + steps[..., week])
    return sums
