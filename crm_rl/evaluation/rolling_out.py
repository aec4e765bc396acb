"""Rolling out a policy in steps: shadow, a fixed share with a stopping rule that may be looked at daily, an alarm.

Chapter 13. Each function is one step of a rollout, on counts and arrays that any firm has. Count only customers whose
outcome is known, as many weeks after their arrival under either policy: if one of them sells faster, counting winners
as they come favours it.
"""

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import betaln, ndtr

#: Chances this near 0 or 1 are not looked at.
EDGE = 1e-9


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
    within: bool = True,
) -> np.ndarray:
    """A bandit over two policies: each week the new one gets as many customers as it is likely to be the better one.

    Thompson sampling with normal posteriors (Chapelle and Li 2011), in weekly batches, between a tenth and nine tenths.
    The policies are compared within each week, and the weeks' differences averaged: if rates rise while the share
    moves, totals over weeks favour the policy that has more of the late customers (Simpson's paradox).

    Args:
        old, new: what customers bring under either policy, shapes (examples,) or (weeks, examples): those of a week
            are drawn from them.
        customers: how many come in a week.
        weeks: how many.
        rng: draws who comes.
        first: the share until the first outcomes are known, and the least.
        delay: weeks from a customer's arrival until what the customer brings is known, at least 1.
        within: whether weeks are compared one by one; False adds them up, right only if rates do not change.

    Returns:
        The share of customers that the new policy gets in each week, shape (weeks,).
    """
    share, shares, sums = first, np.zeros(weeks), np.zeros((3, weeks, 2))  # customers, dollars, dollars squared
    drawn_from = [np.broadcast_to(returns, (weeks, np.shape(returns)[-1])) for returns in (old, new)]
    for week in range(weeks):
        shares[week], served = share, round(share * customers)
        for policy, count in enumerate((customers - served, served)):
            earned = rng.choice(drawn_from[policy][week], count)
            sums[:, week, policy] = count, earned.sum(), (earned**2).sum()
        known = week + 2 - delay  # weeks whose customers' outcomes are in when the next week begins
        if known >= 1:
            seen = sums[:, :known] if within else sums[:, :known].sum(axis=1, keepdims=True)
            share = np.clip(_chance_of_better(seen), first, 1 - first)
    return shares


def _chance_of_better(sums: np.ndarray) -> float:
    """How likely the second policy is the better one, from sums of shape (3, weeks, 2): counts, values, squares.

    Weeks with fewer customers of either policy count less, as in a regression with an effect for each week.
    """
    counts, totals, squares = sums
    both = counts.min(axis=1) > 0
    if not both.any():
        return 0.5
    counts, totals, squares = counts[both], totals[both], squares[both]
    means = totals / counts
    variances = (squares - counts * means**2).sum(axis=0) / counts.sum(axis=0)  # around the week's own mean
    weights = counts.prod(axis=1) / counts.sum(axis=1)
    weights = weights / weights.sum()
    error = np.sqrt((weights[:, None] ** 2 * variances / counts).sum())
    return float(ndtr((weights @ (means[:, 1] - means[:, 0])) / max(error, 1e-9)))


def evidence(new: np.ndarray, both: np.ndarray, share: float = 0.5) -> np.ndarray:
    """The evidence against "both policies win equally many", which may be looked at as often as one likes.

    Under that hypothesis a winner comes from the new policy with the chance with which customers get it. The evidence
    is the likelihood ratio of all other chances, mixed equally, to this one (a mixture sequential probability ratio
    test; Robbins 1970). It exceeds 1 / alpha at any time with a chance of at most alpha (Ville's inequality), so stop
    at 20 for 5%.

    Args:
        new: winners under the new policy so far, of any shape.
        both: winners under both.
        share: the share of customers whom a coin gave to the new policy, the same all the time: not that of `ramp`.

    Returns:
        The evidence, in the shape of the counts; 1 before anything is seen.
    """
    return np.exp(_log_evidence(np.asarray(new), np.asarray(both), share))


def _log_evidence(new: np.ndarray, both: np.ndarray, share: float) -> np.ndarray:
    return betaln(new + 1, both - new + 1) - new * np.log(share) - (both - new) * np.log(1 - share)


def always_valid(new: int, both: int, share: float = 0.5, level: float = 0.95) -> tuple[float, float]:
    """How many times as often customers win under the new policy: an interval that may be looked at at any time.

    It holds every ratio against which the evidence stays below 1 / (1 - level). At all times together it misses the
    true ratio with a chance of at most 1 - level (Robbins 1970; Howard et al. 2021).

    Args:
        new, both, share: as for `evidence`, of one moment.
        level: between 0 and 1.

    Returns:
        The lowest and the highest ratio; 0 and infinity as long as nothing can be excluded.
    """

    def against(chance: float) -> float:
        """The logarithm of the evidence against this chance that a winner is the new policy's, minus the limit."""
        return float(_log_evidence(new, both, chance) + np.log(1 - level))

    middle, ends = np.clip(new / max(both, 1), EDGE, 1 - EDGE), (EDGE, 1 - EDGE)
    low, high = (brentq(against, middle, end) if against(end) > 0 else float(end > 0.5) for end in ends)
    ratios = [chance / (1 - chance) * (1 - share) / share if chance < 1 else np.inf for chance in (low, high)]
    return ratios[0], ratios[1]


def verdict(new: int, both: int, share: float = 0.5, limit: float = 20.0) -> str:
    """What the evidence allows today: "go on" testing, "better" or "worse": roll the new policy out, or back.

    The evidence has no direction, so the share of winners decides which. Decide beforehand after which day you give
    up and keep the old policy.

    Args:
        new, both, share: as for `evidence`, of one moment.
        limit: of the evidence: 20 for 5%.
    """
    if evidence(new, both, share) < limit:
        return "go on"
    return "better" if new > share * both else "worse"


def cusum(new: np.ndarray, both: np.ndarray, well: float, ill: float) -> np.ndarray:
    """Page's cumulative sum (1954), of winners under the new policy beside those of a permanent holdout.

    Only the shares of the two are compared, so that a season which moves both raises no alarm.

    Args:
        new: winners under the new policy by week, shape (..., weeks).
        both: winners under it and in the holdout, of the same shape.
        well: how likely a winner is the new policy's as long as nothing is wrong, see `chance_of_new`.
        ill: the same when something is.

    Returns:
        The sum of log-likelihood ratios after each week, at least 0, in the shape of `new`; raise an alarm where it
        exceeds a threshold.
    """
    new, both = np.asarray(new), np.asarray(both)
    steps = new * np.log(ill / well) + (both - new) * np.log((1 - ill) / (1 - well))
    sums = np.zeros(steps.shape)
    for week in range(steps.shape[-1]):
        sums[..., week] = np.maximum(0, (sums[..., week - 1] if week else 0) + steps[..., week])
    return sums


def chance_of_new(ratio: float, holdout: float) -> float:
    """How likely a winner is the new policy's, if it wins so many times as often as a holdout of this share."""
    return (1 - holdout) * ratio / ((1 - holdout) * ratio + holdout)
