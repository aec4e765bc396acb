"""The record of the comparison (chapter 7), read: shares of the attainable gain, leads, and how sure they are.

The estimand of every interval is the mean over worlds of the prior, with the customers of the export as they are. A
world counts once, however much there is to gain in it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import f

from crm_rl.data.problems import DataError
from crm_rl.evaluation.intervals import over_seeds
from crm_rl.experiments.runner import RESULTS
from crm_rl.worlds.responsive import BASELINE

GROUPS = ("all", "inbound", "outbound")

#: What two runs must have in common to be judged by the same customers in the same world.
JUDGED = ["roughness", "world", "lift", "hidden"]

#: With less than so many dollars a customer to gain no share is quoted.
FLOOR = 1.0

#: What a run is unless asked otherwise.
USUAL = {"steps": 1_000_000, "seed": 0, "lift": BASELINE.lift, "expected": False}
USUAL |= {"hidden": "", "selection": False, "trial": ""}


def load_comparison(name: str, folder: Path = RESULTS, table: str = "") -> pd.DataFrame:
    """The runs on a data set, "twin" or "original".

    Args:
        name: of the data set.
        folder: where records are.
        table: "trials" for the logged trials instead.

    Returns:
        A row a run: arm, steps, roughness, world, seed, lift, expected, hidden, selection and trial as in
        `comparison.Job`; `all`, `inbound` and `outbound`, dollars a customer; and `share`, `share_inbound` and
        `share_outbound`, the share of the attainable gain over waiting, missing where there is less than a dollar a
        customer to gain.

    Raises:
        DataError: there is no record, or not of waiting and the optimum beside each run.
    """
    path = folder / f"comparison_{name}{'_' * bool(table)}{table}.csv"
    if not path.exists():
        raise DataError(f"{path}: no such file. Remedy: `python -m crm_rl study comparison` records it.")
    return with_shares(pd.read_csv(path, keep_default_na=False, na_values={group: [""] for group in GROUPS}))


def with_shares(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs with their shares of the attainable gain: see `load_comparison`."""
    worth = {}
    for arm in ("waiting", "optimum"):
        ends = runs[runs["arm"] == arm].drop_duplicates(JUDGED).set_index(JUDGED)[list(GROUPS)]
        worth[arm] = ends.reindex(pd.MultiIndex.from_frame(runs[JUDGED])).set_axis(runs.index)
    if worth["waiting"]["all"].isna().any() or worth["optimum"]["all"].isna().any():
        raise DataError("a run without waiting or the optimum beside it. Remedy: record the comparison again.")
    gain = worth["optimum"] - worth["waiting"]
    shares = ((runs[list(GROUPS)] - worth["waiting"]) / gain).where(gain >= FLOOR)
    return runs.join(shares.set_axis(["share", "share_inbound", "share_outbound"], axis=1))


def shares(runs: pd.DataFrame, arm: str, column: str = "share", **which) -> pd.Series:
    """What an arm came to, by world.

    Args:
        runs: of `load_comparison`.
        arm: its name.
        column: which score.
        which: values of other columns, where they are not `USUAL`; arms that learn nothing have `steps=0`.

    Raises:
        DataError: no such run is on record.
    """
    asked = {**USUAL, "arm": arm, **which}
    if not (runs["arm"] == arm).any() or (runs.loc[runs["arm"] == arm, "steps"] == 0).all():
        asked["steps"] = 0
    found = runs[np.logical_and.reduce([runs[name] == value for name, value in asked.items()])]
    if found.empty:
        raise DataError(f"no run of {arm!r} with {which} is on record. Remedy: choose another, or record it.")
    return found.set_index("world")[column].sort_index()


def score(runs: pd.DataFrame, arm: str, column: str = "share", **which) -> pd.Series:
    """The mean over worlds of what an arm came to: `mean`, and `low` and `high` of Student's t interval."""
    return over_seeds(shares(runs, arm, column, **which).to_numpy(), statistic="mean")


def lead(runs: pd.DataFrame, first: str, second: str, column: str = "share", **which) -> pd.Series:
    """By how much the first arm is ahead of the second, world by world, in those that both played: as `score`."""
    ahead = shares(runs, first, column, **which) - shares(runs, second, column, **which)
    return over_seeds(ahead.dropna().to_numpy(), statistic="mean")


def coverage(values: np.ndarray, rng: np.random.Generator, draws: int = 10_000) -> float:
    """How often the interval of as many worlds holds the mean, if worlds scatter as these do.

    Args:
        values: shape (worlds,).
        rng: draws worlds anew from these.
        draws: how often.

    Returns:
        A share; 0.95 is what it should be.
    """
    held = 0
    for sample in rng.choice(values, (draws, len(values))):
        interval = over_seeds(sample, statistic="mean")
        held += interval["low"] <= values.mean() <= interval["high"]
    return held / draws


def components(table: np.ndarray) -> pd.Series:
    """How far worlds scatter, how far seeds do within a world, and which share of the variance is due to seeds.

    One-way random effects; the share is 1 minus the intraclass correlation, with its 95% interval (ICC(1) in Shrout and
    Fleiss 1979). Shares are kept within 0 and 1.

    Args:
        table: shape (worlds, seeds), two or more of each.

    Returns:
        `worlds` and `seeds`, standard deviations; `due to seeds`, `low` and `high`.
    """
    n_worlds, n_seeds = table.shape
    within = table.var(axis=1, ddof=1).mean()
    between = table.mean(axis=1).var(ddof=1) - within / n_seeds
    ratio = 1 + n_seeds * between / within
    ends = f.ppf([0.025, 0.975], n_worlds - 1, n_worlds * (n_seeds - 1))
    due = n_seeds / (ratio / np.array([1.0, *ends]) + n_seeds - 1)
    names = ["worlds", "seeds", "due to seeds", "low", "high"]
    return pd.Series([np.sqrt(max(0.0, between)), np.sqrt(within), *np.clip(due, 0, 1)], names)
