"""What the recorded comparison says, and how sure it is (chapter 10).

A record keeps the exact value of every run for each kind of test customer. So a score has no noise of rollouts; what is
left to chance is which seeds were run and which customers there are, and both are drawn anew here: seeds as they are,
and customers by whole pairs of country and bootcamp, since all customers of a pair move together.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.data.problems import DataError
from crm_rl.evaluation.gain import FOLDS
from crm_rl.evaluation.intervals import interquartile_mean, redraw_customers
from crm_rl.experiments.runner import RESULTS
from crm_rl.worlds.responsive import BASELINE

#: What names a run together with its learner, steps and seed; and what it is where nothing else is said.
USUAL = {
    "world": "smooth",
    "lift": BASELINE.lift,
    "organic": BASELINE.organic,
    "expected": True,
    "strangers": False,
    "selection": False,
}


class Record(NamedTuple):
    """A recorded comparison, see `comparison.record`.

    Attributes:
        runs: a row a run; none twice, and none of those that served to tune.
        values: shape (runs, kinds): the exact value of each run's policy for each kind of test customer, in dollars.
        kinds: a row a kind: `customers`, `inbound` (0 or 1), `fold`, and the numbers of its `pair` and its `country`.
        tuning: the runs that served to tune; theirs are scores on validation customers.
        source: where all that comes from.
    """

    runs: pd.DataFrame
    values: np.ndarray
    kinds: pd.DataFrame
    tuning: pd.DataFrame
    source: dict


class Draws(NamedTuple):
    """Customers and seeds, drawn anew; one and the same for all scores, so that differences of these are paired.

    Attributes:
        customers: shape (draws, kinds): how many customers there are of each kind.
        places: shape (draws, seeds), uniform in [0, 1): which seed is drawn, as a place in the list of a learner's.
    """

    customers: np.ndarray
    places: np.ndarray


class Score(NamedTuple):
    """The interquartile mean over runs of a share or of dollars, or a difference of two.

    Attributes:
        value: of the record.
        redrawn: shape (draws,): of customers and seeds drawn anew.
        runs: how many it rests on; by folds, five of them count as one.
    """

    value: float
    redrawn: np.ndarray
    runs: int

    @property
    def ends(self) -> tuple[float, float]:
        """Of the 95% interval."""
        low, high = np.quantile(self.redrawn, [0.025, 0.975])
        return float(low), float(high)

    def minus(self, other: "Score") -> "Score":
        """How much more; to be paired, both must be of the same draws. One run stands for any number."""
        runs = min({self.runs, other.runs} - {1}, default=1)
        return Score(self.value - other.value, self.redrawn - other.redrawn, runs)


def load_comparison(name: str = "twin", folder: Path = RESULTS) -> Record:
    """The record of a data set.

    Raises:
        DataError: there is no such record.
    """
    stem = Path(folder) / f"comparison_{name}"
    if not stem.with_suffix(".json").exists():
        raise DataError(f"no comparison on the {name} is on record. Remedy: `make study`.")
    runs = pd.read_csv(f"{stem}.csv")
    values = pd.read_csv(f"{stem}_values.csv", header=None).to_numpy()
    kinds = pd.read_csv(f"{stem}_kinds.csv")
    source = json.loads(stem.with_suffix(".json").read_text(encoding="utf-8"))
    for_tuning = runs["seed"].isin(source["seeds_of_tuning"])
    judged = runs[~for_tuning]  # a row of values each
    kept = ~judged.duplicated([*USUAL, "learner", "steps", "seed"]).to_numpy()
    return Record(judged[kept].reset_index(drop=True), values[kept], kinds, runs[for_tuning], source)


def runs_of(record: Record, learner: str, steps: int = 0, **which) -> pd.DataFrame:
    """The runs of a learner, by seed; the index says where their values stand.

    Args:
        record: where to look.
        learner, steps: see `comparison.Job`.
        which: what is not as in `USUAL`.
    """
    wanted = {"learner": learner, "steps": steps} | USUAL | which
    runs = record.runs
    for column, value in wanted.items():
        runs = runs[runs[column] == value]
    return runs.sort_values("seed")


def has(record: Record, learner: str, steps: int = 0, **which) -> bool:
    """Whether there is a run of this learner."""
    return len(runs_of(record, learner, steps, **which)) > 0


def best_on_validation(record: Record, learners: Iterable[str], steps: int = 0, **which) -> str:
    """The learner that does best on validation customers, by the interquartile mean over its seeds.

    Raises:
        ValueError: none of them is on record.
    """
    found = {learner: runs_of(record, learner, steps, **which)["gain_val"] for learner in learners}
    shares = {learner: interquartile_mean(share) for learner, share in found.items() if len(share)}
    return max(shares, key=shares.get)


def between(record: Record, runs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """What always waiting and the optimum are worth where runs of one learner were judged, each of shape (runs, kinds).

    In the smooth world every seed has the same customers. In the rough one each has a random draw of its own.

    Raises:
        DataError: they are not on record.
    """
    judged = {name: runs[name].iloc[0] for name in ("world", "lift", "organic")}
    worth = []
    for learner in ("waiting", "optimum"):
        known = runs_of(record, learner, **judged)
        places = pd.Series(known.index, known["seed"])
        if judged["world"] == "smooth" and len(places):
            places = pd.Series(places.iloc[0], runs["seed"])
        if missing := sorted(set(runs["seed"]) - set(places.index)):
            raise DataError(f"{learner} is not on record beside {runs['learner'].iloc[0]}, seed {missing[0]}.")
        worth.append(record.values[places[runs["seed"]]])
    return worth[0], worth[1]


def redraw(record: Record, rng: np.random.Generator, draws: int = 2000, by: str = "pair") -> Draws:
    """Draw customers anew, all of a pair (or of a country) together, and seeds."""
    kinds = record.kinds
    customers = redraw_customers(*(kinds[name].to_numpy() for name in ("customers", "inbound", by)), rng, draws)
    return Draws(customers, rng.random((draws, record.runs["seed"].nunique())))


def score(
    record: Record,
    draws: Draws,
    learner: str,
    steps: int = 0,
    group: str = "all",
    money: bool = False,
    price: float = 0.0,
    seeds: set[int] | None = None,
    by_fold: bool | None = None,
    **which,
) -> Score:
    """How good a learner is: its share of the attainable gain, a ratio of sums over customers for each run.

    By folds, a run is judged by the customers of one fold, which goes by its seed, and the five runs that together have
    been judged by everybody are added up before dividing. Seeds are then drawn anew within each fold.

    Args:
        record, draws: what to judge, and by whom.
        learner, steps, which: as for `runs_of`.
        group: "all", "inbound" or "outbound".
        money: dollars a customer instead of the share.
        price: dollars that every customer costs besides.
        seeds: only these.
        by_fold: whether to judge by folds; unless said otherwise, where these hold the unseen customers.

    Returns:
        The interquartile mean over runs. A share is missing where there is less than a dollar a customer to gain.

    Raises:
        DataError: no such run is on record, or not one for each fold.
    """
    runs = runs_of(record, learner, steps, **which)  # by seed, so that by folds five in a row belong together
    runs = runs if seeds is None else runs[runs["seed"].isin(seeds)]
    by_fold = which.get("strangers", False) if by_fold is None else by_fold
    if by_fold:
        runs = runs[runs.groupby(runs["seed"] // FOLDS)["seed"].transform("size") == FOLDS]
    if not len(runs):
        raise DataError(f"no such run of {learner!r} with {steps:,} steps is on record. Remedy: ask `has` first.")
    there_are = record.kinds["customers"].to_numpy()[None]
    judged = judges(record, runs, group, by_fold)
    above, below = sums(record, runs, judged, np.vstack([there_are, draws.customers]), money, price)
    if not money and below[0].sum() < (judged @ there_are[0]).sum():  # less than a dollar each
        above = np.full(above.shape, np.nan)
    folds = FOLDS if by_fold else 1
    above, below = (part.reshape(len(part), -1, folds) for part in (above, below))
    many = above.shape[1]
    picks = (draws.places[:, : many * folds].reshape(-1, many, folds) * many).astype(int)
    again = [np.take_along_axis(part[1:], picks, axis=1).sum(axis=2) for part in (above, below)]
    now = above[0].sum(axis=1) / below[0].sum(axis=1)
    return Score(interquartile_mean(now), interquartile_mean(again[0] / again[1]), many)


def difference(record: Record, draws: Draws, first: dict, second: dict, **both) -> Score:
    """How much better the first is than the second, on the same redrawn customers and seeds.

    Args:
        record, draws: as for `score`.
        first, second: what to pass to `score` for each.
        both: what to pass for either.

    Returns:
        The difference of the scores over the seeds that both have. A learner with one run stands for all seeds: it is
        one that does not depend on them.
    """
    pair = [both | one for one in (first, second)]
    judging = ("group", "money", "price", "by_fold")
    chosen = [{key: value for key, value in one.items() if key not in judging} for one in pair]
    have = [set(runs_of(record, **one)["seed"]) for one in chosen]
    common = have[0] & have[1] if min(map(len, have)) > 1 else None
    one, other = (score(record, draws, seeds=common, **each) for each in pair)
    return one.minus(other)


def judges(record: Record, runs: pd.DataFrame, group: str, by_fold: bool) -> np.ndarray:
    """Which kinds judge each run, shape (runs, kinds), bool."""
    inbound = record.kinds["inbound"].to_numpy() == 1
    members = np.full(len(inbound), True) if group == "all" else inbound == (group == "inbound")
    folds = record.kinds["fold"].to_numpy()[None]
    return members & (folds == runs["seed"].to_numpy()[:, None] % FOLDS if by_fold else np.full((len(runs), 1), True))


def sums(
    record: Record, runs: pd.DataFrame, judged: np.ndarray, customers: np.ndarray, money: bool, price: float
) -> tuple[np.ndarray, np.ndarray]:
    """What each run gains over waiting and what there was to gain, or its dollars and its customers; summed over these.

    Args:
        record, runs: what to judge.
        judged: of `judges`.
        customers: shape (1 + draws, kinds): as many as there are, and drawn anew.
        money, price: as for `score`.

    Returns:
        Two arrays of shape (1 + draws, runs): the upper and the lower part of the ratio.
    """
    values = record.values[runs.index] - price
    if money:
        return customers @ (judged * values).T, customers @ judged.T
    waiting, best = between(record, runs)
    return tuple(customers @ (judged * (worth - waiting)).T for worth in (values, best))
