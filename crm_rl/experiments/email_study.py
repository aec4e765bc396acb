"""Email audiences over many seeds (chapter 10): Q-tables beside the exact Q, folds, the winner's curse; recorded."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.case_studies.email.audiences import fit_prior, shrunken
from crm_rl.case_studies.email.campaign import PUBLISHED, exact_q, meets_goal, next_action, policy_values, train
from crm_rl.case_studies.email.cells import N_CELLS, WEEKDAY, decode, encode, neighbours
from crm_rl.case_studies.email.table import Counts, base_rate, read_table, split
from crm_rl.case_studies.email.twin import SPEC, draw_twin
from crm_rl.experiments.runner import RESULTS, provenance, write_record

SEEDS, EPISODES, FOLDS, BEST = 10, 20_000, 5, 100

#: What the study runs on: a table, or the twin's spec.
INPUT = Path(os.environ.get("CRM_RL_EMAIL") or SPEC)

#: The published example of a question, and the two audiences that were answered to another one.
QUESTION = ([2, 4, 3, 1, 0, 0, 0], 2)
AUDIENCES = ([2, 0, 0, 0, 1, 0, 0], [2, 0, 0, 0, 2, 0, 0])


def counts_of(data: str | Path) -> Counts:
    """The table of a file, or the twin of a spec."""
    return draw_twin(Path(data)) if Path(data).suffix == ".json" else read_table(Path(data))


class Job(NamedTuple):
    """All that is done with one seed, on one table (a path)."""

    data: str
    seed: int
    episodes: int

    def identity(self) -> list:
        """All but the data."""
        return list(self[1:])

    def seconds(self) -> float:
        """Of one core."""
        return 3.0

    def run(self, _folder: Path) -> dict:
        """Train both updates; judge audiences on folds; take the best of one half of the emails to the other."""
        counts, rng = counts_of(self.data), np.random.default_rng(self.seed)
        return {
            "tables": [self.table(counts, published) for published in (False, True)],
            "folds": self.folds(counts, rng),
            "halves": self.halves(*split(counts, 2, rng)),
        }

    def table(self, counts: Counts, published: bool) -> dict:
        """One trained table beside the exact one."""
        exact, (q, updates) = (
            exact_q(counts),
            train(counts, episodes=self.episodes, seed=self.seed, published_update=published),
        )
        met, greedy = updates > 0, q.argmax(axis=1)
        return {
            "seed": self.seed,
            "update": "published" if published else "right",
            "moves": int(updates.sum()),
            "updated": met.mean(),
            "mean_q": q[met].mean(),
            "mean_exact": exact[met].mean(),
            "best_action": np.isclose(exact[np.arange(N_CELLS), greedy], exact.max(axis=1)).mean(),
            "value": policy_values(greedy, counts).mean(),
            "next_action": next_action(q, *QUESTION),
        }

    def folds(self, counts: Counts, rng: np.random.Generator) -> list[dict]:
        """Train on four fifths of the emails, walk from each cell, and look up the rate where the walk ends."""
        parts, rows = split(counts, FOLDS, rng), []
        for fold, held_out in enumerate(parts):
            rest = Counts(counts.sent - held_out.sent, counts.answered - held_out.answered)
            ends = walk(train(rest, episodes=self.episodes, seed=self.seed)[0], meets_goal(rest))
            for part, judge in (("training", rest), ("testing", held_out)):
                rates = judge.rates()[ends]
                rates = rates[~np.isnan(rates)]
                figures = {name: getattr(np, name)(rates) for name in ("mean", "median", "min", "max")}
                pooled = judge.answered[ends].sum() / judge.sent[ends].sum()
                rows.append({"seed": self.seed, "fold": fold, "part": part, **figures, "pooled": pooled})
        return rows

    def halves(self, first: Counts, second: Counts) -> list[dict]:
        """The 100 best cells of one half, by three orders, and what became of their emails in the other half."""
        rates = shrunken(first, fit_prior(first))
        raw = np.nan_to_num(first.rates(), nan=-1.0)
        orders = {
            "raw": (raw, raw),
            "raw, 10 sent": (np.where(first.sent >= 10, raw, -1.0), raw),
            "shrunken": (rates, rates),
        }
        rows = []
        for name, (order, promise) in orders.items():
            best = np.argsort(-order, kind="stable")[:BEST]
            sent, answered = second.sent[best].sum(), second.answered[best].sum()
            rows.append(
                {"seed": self.seed, "order": name, "promised": promise[best].mean(), "sent": sent, "answered": answered}
            )
        return rows


def walk(q: np.ndarray, ends: np.ndarray, most: int = 100) -> np.ndarray:
    """Where the greedy policy ends from each cell, without those from which it has not ended after `most` moves."""
    to, cells = neighbours()[np.arange(N_CELLS), q.argmax(axis=1)], np.arange(N_CELLS)
    cells = to[cells]
    for _ in range(most):
        cells = np.where(ends[cells], cells, to[cells])
    return cells[ends[cells]]


def facts(counts: Counts) -> dict:
    """What is counted or exact, without a seed; missing is the rate of a cell without emails."""
    meets, near = meets_goal(counts), meets_goal(counts)[neighbours()].any(axis=1)
    answered, sent = (np.bincount(decode(np.arange(N_CELLS))[:, WEEKDAY], part) for part in reversed(counts))
    by_day = answered / sent
    exact, prior, examples = exact_q(counts), fit_prior(counts), encode(np.array(AUDIENCES))
    return {
        "emails": counts.sent.sum(),
        "answered": counts.answered.sum(),
        "base_rate": base_rate(counts),
        "cells": N_CELLS,
        "cells_sent": (counts.sent > 0).sum(),
        "meet_goal": meets.sum(),
        "enough_sent": (counts.sent >= PUBLISHED.least_sent).sum(),
        "one_move_away": (near & ~meets).sum(),
        "lowest_weekday": by_day.min(),
        "highest_weekday": by_day.max(),
        "optimum": exact.max(axis=1).mean(),
        "weekday_always": policy_values(np.zeros(N_CELLS, dtype=int), counts).mean(),
        "next_action": next_action(exact, *QUESTION),
        "first_rate": counts.rates()[examples[0]],
        "first_sent": counts.sent[examples[0]],
        "second_rate": counts.rates()[examples[1]],
        "second_sent": counts.sent[examples[1]],
        "first_shrunken": shrunken(counts, prior)[examples[0]],
        "second_shrunken": shrunken(counts, prior)[examples[1]],
        "usual_rate": prior.mean(),
        "spread": prior.spread(),
    }


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list[Job]:
    """A job a seed: 10 of 20,000 episodes unless said otherwise."""
    return [Job(str(data), seed, budget or EPISODES) for seed in range(seeds or SEEDS)]


def record(jobs: list[Job], results: list[dict], out: Path = RESULTS) -> list[Path]:
    """Write `email_NAME.csv` (a row a trained table), `_folds.csv`, `_halves.csv` and `.json` (facts, provenance)."""
    data = jobs[0].data
    tables = {name: pd.DataFrame([row for result in results for row in result[name]]) for name in results[0]}
    texts = {name: table.to_csv(index=False, float_format="%.6g") for name, table in tables.items()}
    known = {
        name: None if np.isnan(value) else np.asarray(value).item() for name, value in facts(counts_of(data)).items()
    }
    source = {"facts": known, "seeds": len(jobs), "episodes": jobs[0].episodes, **provenance(data)}
    return write_record(out / f"email_{name_of(data)}", source, runs=texts.pop("tables"), **texts)


def name_of(data: str | Path) -> str:
    """What a record is called: "twin", "original" (the published table), or the file's own name."""
    return {"email_twin_spec": "twin", "email_campaign_data": "original"}.get(Path(data).stem, Path(data).stem)


def load_email(name: str = "twin", folder: Path = RESULTS) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, dict]:
    """The recorded tables, folds and halves, and the source with its `facts`."""
    stem = folder / f"email_{name}"
    read = [pd.read_csv(stem.with_name(stem.name + ending)) for ending in (".csv", "_folds.csv", "_halves.csv")]
    return (*read, json.loads(stem.with_suffix(".json").read_text(encoding="utf-8")))
