"""The numbers behind the questions of an audit (chapter 9): rates, gaps, rules, codes, floor and ceiling, states."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.evaluation.intervals import paired, rate_table

#: How often the outcomes of training are dealt anew; the smallest p-value is 1 / (1 + this).
SHUFFLES = 19


def rates_by_part(parts: dict[str, pd.DataFrame], label: str) -> pd.DataFrame:
    """Customers and successes of each part, with rate and Wilson interval in %."""
    counts = {name: {"customers": len(part), "subscribers": int(part[label].sum())} for name, part in parts.items()}
    return rate_table(pd.DataFrame(counts).T)


def missing_by_part(parts: dict[str, pd.DataFrame], label: str) -> pd.DataFrame:
    """Which columns have gaps, where, and what the gaps say.

    Args:
        parts: customers by part, the test part last.
        label: the outcome's column.

    Returns:
        A row a column with gaps: the share missing in each part in %, and in the test part the customers and
        successes with and without a value.
    """
    test = list(parts.values())[-1]
    lines = {}
    for column in test.columns:
        gaps = {f"{name} %": 100 * part[column].isna().mean() for name, part in parts.items()}
        if any(gaps.values()):
            gone = test[column].isna()
            lines[column] = gaps | {
                "missing": int(gone.sum()),
                "successes": int(test.loc[gone, label].sum()),
                "present": int((~gone).sum()),
                "successes there": int(test.loc[~gone, label].sum()),
            }
    return pd.DataFrame(lines).T


class Rule(NamedTuple):
    """A one-line rule: `feature >= cut` (or <=), how many it names, how many of these are right, how many there are."""

    feature: str
    rule: str
    named: int
    right: int
    all_successes: int
    f1: float


def one_line_rules(part: pd.DataFrame, label: str, features: Iterable[str]) -> pd.DataFrame:
    """For each feature the one-line rule that comes nearest to the outcome, the best first.

    The measure is F1 = 2 right / (named + all successes): 1 if the rule names exactly the successes.

    Args:
        part: customers, a row each; the features are numbers.
        label: the outcome's column.
        features: which to try.

    Returns:
        A row a feature, as `Rule` has them; a feature that never varies has the rule "(never varies)".
    """
    outcome = part[label].to_numpy(dtype=bool)
    rules = [_best_rule(feature, part[feature].to_numpy(dtype=float), outcome) for feature in features]
    return pd.DataFrame(rules).sort_values("f1", ascending=False, kind="stable").set_index("feature")


def _best_rule(feature: str, values: np.ndarray, outcome: np.ndarray) -> Rule:
    successes, best = int(outcome.sum()), Rule(feature, "(never varies)", 0, 0, int(outcome.sum()), 0.0)
    cuts = np.unique(values[~np.isnan(values)])
    if len(cuts) < 2:
        return best
    cuts = cuts if len(cuts) <= 200 else np.unique(np.quantile(cuts, np.linspace(0, 1, 200)))
    for sign, holds in ((">=", np.greater_equal), ("<=", np.less_equal)):
        for cut in cuts:
            named = holds(values, cut)
            right = int((named & outcome).sum())
            f1 = 2 * right / max(1, int(named.sum()) + successes)
            if f1 > best.f1:
                best = Rule(feature, f"{sign} {cut:.4g}", int(named.sum()), right, successes, f1)
    return best


def codes_agree(train: pd.DataFrame, test: pd.DataFrame, name: str, code: str) -> dict[str, int]:
    """Does a name carry one code in both parts?

    Args:
        train, test: two parts.
        name: a column of names.
        code: the feature made from it.

    Returns:
        `names`, how many occur in both parts; `same`, how many of them have one and the same code in all rows of both;
        `rows`, how many test customers have a name that occurs in both; `rows_same`, how many of these one of `same`.
    """
    both = np.intersect1d(train[name].dropna().unique(), test[name].dropna().unique())
    coded = pd.concat([train, test]).groupby(name)[code]
    same = both[(coded.max() - coded.min()).loc[both] < 1e-9]
    return {
        "names": len(both),
        "same": len(same),
        "rows": int(test[name].isin(both).sum()),
        "rows_same": int(test[name].isin(same).sum()),
    }


class Room(NamedTuple):
    """How much depends on the policy at all, among those that were played (all with the same draws).

    Attributes:
        floor: successes that come under every policy.
        ceiling: those that come under at least one.
        swing: ceiling minus floor, the customers on whom any comparison of these policies rests.
    """

    floor: int
    ceiling: int
    swing: int


def floor_and_ceiling(outcomes: dict[str, np.ndarray]) -> Room:
    """Count floor, ceiling and swing of policies played on the same customers.

    Where each policy's best reach is known to be among the ones played, floor and ceiling hold for *every* policy; in
    general they hold for these.
    """
    table = np.array(list(outcomes.values()), dtype=bool)
    floor, ceiling = int(table.all(axis=0).sum()), int(table.any(axis=0).sum())
    return Room(floor, ceiling, ceiling - floor)


def against(outcomes: dict[str, np.ndarray], reference: str | None = None) -> pd.DataFrame:
    """Each policy beside a reference, on the same customers.

    Args:
        outcomes: who came to a success, by policy.
        reference: the policy to compare with; by default the first.

    Returns:
        A row a policy: successes, how many more than the reference's with interval (in customers), the discordant
        customers on either side, and the p-value of McNemar's exact test.
    """
    reference = reference or next(iter(outcomes))
    lines = {}
    for name, ours in outcomes.items():
        found, n = paired(ours, outcomes[reference]), len(ours)
        lines[name] = {
            "successes": int(ours.sum()),
            "more": round(n * found.difference),
            "low": round(n * found.low, 1),
            "high": round(n * found.high, 1),
            "gained": found.only_first,
            "lost": found.only_second,
            "p": round(found.p_value, 3),
        }
    return pd.DataFrame(lines).T.astype({c: int for c in ("successes", "more", "gained", "lost")})


class StatesMet(NamedTuple):
    """How many states of the test part training had met: distinct states, of them known; customers, of them known."""

    states: int
    states_known: int
    customers: int
    customers_known: int


def states_met(train: np.ndarray | pd.DataFrame, test: np.ndarray | pd.DataFrame, decimals: int = 2) -> StatesMet:
    """Compare the states of two parts.

    Args:
        train, test: what the policy sees of each customer, a row each, shape (n, features), numbers.
        decimals: to which a table rounds them.
    """
    tables = [np.round(np.asarray(part, dtype=float), decimals) + 0.0 for part in (train, test)]
    met, wanted = ([tuple(row) for row in table] for table in tables)
    known = set(met)
    distinct = set(wanted)
    return StatesMet(len(distinct), len(distinct & known), len(wanted), sum(state in known for state in wanted))


def shuffled_scores(
    train_and_score: Callable[[np.ndarray], float | Iterable[float]],
    customers: int,
    rng: np.random.Generator,
    times: int = SHUFFLES,
) -> tuple[np.ndarray, np.ndarray]:
    """Train on the outcomes as they are and on outcomes shuffled among the training customers.

    Args:
        train_and_score: trains with outcome `order[i]` for training customer i and returns a score, or several.
        customers: how many there are in the training part.
        rng: shuffles.
        times: how often.

    Returns:
        What was scored with the outcomes as they are, and with the others, shape (times, ...). Where a policy can show
        what it learned from outcomes, it scores higher with the true ones than with most of the others.
    """
    as_it_is = np.array(train_and_score(np.arange(customers)))
    return as_it_is, np.array([train_and_score(rng.permutation(customers)) for _ in range(times)])
