"""Which audiences to write to: rates shrunk towards what is usual, and the chance that a rate exceeds the goal.

Empirical Bayes (Efron and Morris 1975): the true rates of all cells are taken for draws from one beta distribution,
whose two numbers are estimated from all cells together. What a cell's own emails say is then added.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betaln, digamma, expit, logit
from scipy.stats import beta

from crm_rl.case_studies.email.cells import ATTRIBUTES, SHAPE, SUBJECT, Counts, profile
from crm_rl.case_studies.email.table import base_rate


class Prior(NamedTuple):
    """A beta distribution of true rates: as if `a` answered emails and `b` others were known of each cell."""

    a: float
    b: float

    def mean(self) -> float:
        """The usual rate."""
        return self.a / (self.a + self.b)

    def spread(self) -> float:
        """The standard deviation of true rates."""
        return float(np.sqrt(self.mean() * (1 - self.mean()) / (self.a + self.b + 1)))


def fit_prior(counts: Counts) -> Prior:
    """The beta distribution under which the counts are most likely (beta-binomial maximum likelihood)."""
    some = counts.sent > 0
    sent, answered = counts.sent[some], counts.answered[some]

    def loss(x: np.ndarray) -> tuple[float, list[float]]:
        mean, size = expit(x[0]), np.exp(x[1])
        a, b = mean * size, (1 - mean) * size
        value = betaln(a, b) - betaln(a + answered, b + sent - answered)
        both = digamma(a + b + sent) - digamma(a + b)
        by_a = digamma(a) - digamma(a + answered) + both
        by_b = digamma(b) - digamma(b + sent - answered) + both
        slopes = mean * (1 - mean) * size * (by_a - by_b), a * by_a + b * by_b
        return value.sum(), [slope.sum() for slope in slopes]

    start = [logit(np.clip(base_rate(counts), 1e-3, 1 - 1e-3)), np.log(100.0)]
    # Sizes far above any cell's all mean "no spread": they are bounded, or the search would run away. And it searches
    # to the last digit: where the loss is nearly flat, another processor would stop elsewhere.
    exactly = {"ftol": 0, "gtol": 1e-10}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-10, 10), (-2, 14)], options=exactly)
    mean, size = expit(found.x[0]), np.exp(found.x[1])
    return Prior(float(mean * size), float((1 - mean) * size))


def shrunken(counts: Counts, prior: Prior) -> np.ndarray:
    """The expected true rate of each cell, shape (17640,): the prior's mean where no email was sent."""
    return (prior.a + counts.answered) / (prior.a + prior.b + counts.sent)


def chance_above(goal: float, counts: Counts, prior: Prior) -> np.ndarray:
    """The probability that each cell's true rate exceeds the goal, shape (17640,)."""
    return beta.sf(goal, prior.a + counts.answered, prior.b + counts.sent - counts.answered)


def interval(counts: Counts, prior: Prior, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
    """Where each cell's true rate lies with this probability: low and high, each of shape (17640,)."""
    tails = np.array([[(1 - level) / 2], [(1 + level) / 2]])
    low, high = beta.ppf(tails, prior.a + counts.answered, prior.b + counts.sent - counts.answered)
    return low, high


def chance_of_at_most(answers: np.ndarray, sent: np.ndarray, counts: Counts, prior: Prior) -> np.ndarray:
    """The probability that at most so many of the next emails to each cell are answered.

    It is the beta-binomial distribution of new emails, given those that are known. SciPy's `betabinom.cdf` sums cell by
    cell in Python, which takes a hundred times as long.

    Args:
        answers: shape (cells,): whole numbers, from -1.
        sent: of the same shape: the next emails.
        counts: what is known of the same cells.
        prior: the prior.

    Returns:
        Shape (cells,).
    """
    a, b = prior.a + counts.answered, prior.b + counts.sent - counts.answered
    terms = np.asarray(sent) + 1  # 0 answers to all of them
    begins = terms.cumsum() - terms
    k = np.arange(terms.sum()) - np.repeat(begins, terms)
    a, b, n, most = (np.repeat(part, terms) for part in (a, b, sent, answers))
    log_chance = betaln(a + k, b + n - k) - betaln(a, b) - betaln(k + 1, n - k + 1) - np.log(n + 1)
    return np.add.reduceat(np.where(k <= most, np.exp(log_chance), 0.0), begins)


def rank(counts: Counts, goal: float, subject: int | None = None, prior: Prior | None = None) -> pd.DataFrame:
    """All cells that were sent an email, the most promising first: by chance above the goal, then by shrunken rate.

    Args:
        counts: the table.
        goal: the rate to exceed, in (0, 1).
        subject: 1 to 3; None for all.
        prior: None fits it to the counts.

    Returns:
        A row a cell, its index the cell: `sent`, `answered`, `raw` (the plain rate), `rate` (shrunken), `low` and
        `high` (90% interval), `chance` (that the rate exceeds the goal).

    Raises:
        ValueError: there is no such subject, or the goal is no rate.
    """
    subjects = range(1, 1 + SHAPE[SUBJECT])
    if subject is not None and subject not in subjects:
        raise ValueError(f"subject is {subject}. Remedy: one of {', '.join(map(str, subjects))}.")
    if not 0 < goal < 1:
        raise ValueError(f"goal is {goal:g}. Remedy: a rate between 0 and 1.")
    prior = prior or fit_prior(counts)
    low, high = interval(counts, prior)
    columns = {"sent": counts.sent, "answered": counts.answered, "raw": counts.rates(), "rate": shrunken(counts, prior)}
    table = pd.DataFrame(columns | {"low": low, "high": high, "chance": chance_above(goal, counts, prior)})
    asked = counts.sent > 0
    if subject is not None:
        asked &= np.unravel_index(np.arange(len(asked)), SHAPE)[SUBJECT] == subject - 1
    # chances that differ by less than a millionth are ties, on any processor
    order = np.lexsort((-table["rate"], -table["chance"].round(6)))
    return table.iloc[order[asked[order]]]


def campaign_audience(counts: Counts, subject: int, goal: float = 0.30, most: int = 10, prior: Prior | None = None):
    """The published answer to "whom shall we send this subject to?".

    Args:
        counts, subject, goal, prior: as for `rank`.
        most: how many audiences to name.

    Returns:
        A dictionary of the published form: `campaign-audience` has `Email Subject` and `Audience Permutations`, and
        each of these an `audience-profile` in words and `expected-conversions`, the shrunken rate.
    """
    audiences = []
    for cell, row in rank(counts, goal, subject, prior).head(most).iterrows():
        words = profile(cell)
        words.pop(ATTRIBUTES[SUBJECT].label)
        audiences.append({"audience-profile": words, "expected-conversions": round(float(row["rate"]), 4)})
    name = ATTRIBUTES[SUBJECT].values[subject - 1]
    return {"campaign-audience": {"Audience Permutations": audiences, "Email Subject": name}}
