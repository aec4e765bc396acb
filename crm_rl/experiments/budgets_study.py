"""The study of chapter 12: policies under a weekly budget beside the bound, and uplift from a randomised trial.

In uplift the learners run twice: told all of a customer, and not told how sensitive they are and which channels suit.
The unit is the world: number 0 is the book's, on file; the others are drawn from the same prior. A policy is judged by
the mean loss of some seasons against the world's bound.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.case_studies.budgets import fitted, uplift
from crm_rl.case_studies.budgets.bound import Bound, price_budgets
from crm_rl.case_studies.budgets.catalogue import CHANNELS
from crm_rl.case_studies.budgets.policies import (
    Policy,
    by_price,
    doing_nothing,
    each_week,
    first_come,
    gain_per_cost,
    play,
)
from crm_rl.case_studies.budgets.world import World, book_world, drawn_world
from crm_rl.experiments.runner import RESULTS, provenance, write_record

WORLDS, SEASONS = 10, 10
#: Customer-weeks of experience, and weeks with their prices.
STEPS, WEEK_STEPS, LOGGED_SEASONS = 100_000, 9_600, 7


def _log(world: World, seed: int) -> fitted.Log:
    return fitted.random_log(world, LOGGED_SEASONS, np.random.default_rng([seed, 1]))


def _plan_as_logged(world: World, bound: Bound, seed: int, steps: int) -> tuple[Policy, float]:
    """The price policy of the world as logged, and the dollars above sending nothing that this world promises it."""
    logged = fitted.world_as_logged(world, _log(world, seed))
    found = price_budgets(logged, world.budget())
    return by_price(found.plan), found.value - doing_nothing(logged)


def _in_turn(masked: bool) -> Callable:
    def learn(world: World, bound: Bound, seed: int, steps: int) -> Policy:
        from crm_rl.case_studies.budgets.ppo import train_in_turn

        return train_in_turn(world, steps, seed, masked)

    return learn


def _prices(world: World, bound: Bound, seed: int, steps: int) -> Policy:
    from crm_rl.case_studies.budgets.ppo import train_prices

    return train_prices(world, steps, seed)


#: What makes each arm's policy of a world, its bound, a seed and a number of steps; one says what it promises, too.
ARMS: dict[str, Callable[[World, Bound, int, int], Policy | tuple[Policy, float]]] = {
    "price policy": lambda world, bound, seed, steps: by_price(bound.plan),
    "price policy, fitted model": _plan_as_logged,
    "linear program each week": lambda world, bound, seed, steps: each_week(world),
    "gain per cost": lambda world, bound, seed, steps: gain_per_cost(world),
    "first come, first served": lambda world, bound, seed, steps: first_come(world),
    "linear program, fitted model": lambda world, bound, seed, steps: each_week(
        fitted.world_as_logged(world, _log(world, seed))
    ),
    "published classifier": lambda world, bound, seed, steps: fitted.published_classifier(world, _log(world, seed)),
    "PPO sets prices": _prices,
    "PPO, one customer at a time, masked": _in_turn(True),
    "PPO, one customer at a time": _in_turn(False),
}
#: The steps of those that learn by reinforcement.
LEARNING = {
    "PPO sets prices": WEEK_STEPS,
    "PPO, one customer at a time, masked": STEPS,
    "PPO, one customer at a time": STEPS,
}


class Job(NamedTuple):
    """One arm in one world: `each` customers of every type (0 is as on file), `steps` of training, or 0."""

    data: str
    arm: str
    world: int
    seasons: int
    each: int = 0
    steps: int = 0

    def identity(self) -> list:
        """All but the data."""
        return [*self[1:]]

    def seconds(self) -> float:
        """Of one core, measured."""
        return 3.0 + self.steps * (0.0015 if self.arm == "PPO sets prices" else 0.0003)

    def run(self, folder: Path) -> dict:
        """Play some seasons; returns a row of the record, and in the book's world each week's price and spending."""
        world = book_world(Path(self.data)) if self.world == 0 else drawn_world(self.world)
        if self.each:
            world = world._replace(customers=np.full_like(world.customers, self.each))
        bound, nothing = price_budgets(world, world.budget()), doing_nothing(world)
        made = ARMS[self.arm](world, bound, self.world, self.steps)
        policy, promised = made if isinstance(made, tuple) else (made, None)
        rngs = np.random.default_rng([self.world, 2]).spawn(self.seasons)
        seasons = [play(world, policy, world.budget(), bound.plan, rng) for rng in rngs]
        lost = np.mean([season.lost.sum() for season in seasons])
        row = {
            "arm": self.arm,
            "world": self.world,
            "customers": int(world.customers.sum()),
            "bound": bound.value,
            "nothing": nothing,
            "share": 1 - lost / (bound.value - nothing),
            "spent": np.mean([season.spent for season in seasons]) / world.budget(),
            "refused": np.mean([season.refused for season in seasons]),
        }
        if promised is not None:
            row["promised"] = promised / (bound.value - nothing)
        weeks = {
            "lost": np.mean([season.lost for season in seasons], axis=0).tolist(),
            "price": bound.plan.prices.tolist(),
        }
        return {"row": row, "weeks": weeks}


class UpliftJob(NamedTuple):
    """One randomised trial: learn from it, and serve fresh customers by what was learned."""

    data: str
    seed: int
    customers: int = 20_000
    hidden: tuple[str, ...] = ("sensitivity", *CHANNELS)

    def identity(self) -> list:
        """All but the data, on which nothing here depends."""
        return [*self[1:]]

    def seconds(self) -> float:
        """Of one core, measured."""
        return 8.0

    def run(self, folder: Path) -> dict:
        """Returns a row for each way to score customers, and for the first seed their Qini curves.

        What learners were `told` is all of a customer, or all but what is hidden.
        """
        rng = np.random.default_rng([self.seed, 3])
        trial, fresh = (uplift.randomised_trial(self.customers, rng) for _ in range(2))
        told = _scores(trial, fresh)
        scores = {"true uplift": fresh.uplift, **told, "random order": rng.random(self.customers) * 1e-6}
        less = _scores(*(uplift.without(one, self.hidden) for one in (trial, fresh)))
        rows = [
            {
                "seed": self.seed,
                "told": what,
                "scores": name,
                "qini": uplift.qini_coefficient(score, fresh.uplift),
                "dollars": uplift.dollars_of(score, fresh) if name != "random order" else _at_random(fresh, score),
            }
            for what, some in (("all", scores), ("less", less))
            for name, score in some.items()
        ]
        places = np.linspace(0, self.customers, 21).astype(int)
        curves = {name: uplift.qini_curve(score, fresh.uplift)[places].tolist() for name, score in scores.items()}
        observed = uplift.observed_qini(scores["X-learner"], fresh.treated, fresh.trip)[places].tolist()
        return {"rows": rows, "curves": curves | {"X-learner, as observed": observed} if self.seed == 0 else {}}


def _scores(trial: uplift.Trial, fresh: uplift.Trial) -> dict[str, np.ndarray]:
    """Fresh customers scored by every learner of a trial."""
    learners = {"X-learner": uplift.x_learner, "T-learner": uplift.t_learner, "response model": uplift.response_model}
    return {name: learn(trial, fresh.features) for name, learn in learners.items()}


def _at_random(trial: uplift.Trial, score: np.ndarray, share: float = 0.2) -> float:
    """True dollars for each customer of all, if the offer goes to a share of them at random, on average."""
    return float(share * (trial.worth * trial.uplift - uplift.DOLLARS[uplift.OFFER]).mean())


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list:
    """Every job: ten worlds and ten trials unless `seeds` says fewer; `budget`: steps of PPO."""
    worlds = seeds or WORLDS
    jobs: list = []
    for arm in ARMS:
        steps = LEARNING.get(arm, 0)
        if budget and steps:
            steps = max(768, steps * budget // STEPS)
        jobs += [Job(str(data), arm, number, SEASONS, steps=steps) for number in range(worlds)]
    jobs += [
        Job(str(data), "price policy", number, SEASONS, each) for each in (1, 2, 5, 20) for number in range(worlds)
    ]
    return jobs + [UpliftJob(str(data), seed) for seed in range(worlds)]


def record(jobs: list, results: list[dict], out: Path = RESULTS) -> list[Path]:
    """Write the results: `budgets_book.csv` (a row an arm and world), `_weeks`, `_uplift`, `_qini`, and the .json."""
    played = [(job, result) for job, result in zip(jobs, results, strict=True) if isinstance(job, Job)]
    trials = [result for job, result in zip(jobs, results, strict=True) if isinstance(job, UpliftJob)]
    weeks = pd.concat(
        pd.DataFrame(result["weeks"]).assign(week=range(1, 13), arm=job.arm)
        for job, result in played
        if job.world == 0 and not job.each
    )
    qini = pd.DataFrame(next(result["curves"] for result in trials if result["curves"]))
    tables = {
        "runs": pd.DataFrame([result["row"] for _, result in played]),
        "weeks": weeks[["arm", "week", "price", "lost"]],
        "uplift": pd.DataFrame([row for result in trials for row in result["rows"]]),
        "qini": qini.assign(served=np.linspace(0, 1, len(qini))),
    }
    source = {
        "worlds": sorted({job.world for job, _ in played}),
        "seasons": SEASONS,
        "steps": {job.arm: job.steps for job, _ in played if job.steps},
        "logged_seasons": LOGGED_SEASONS,
        **provenance(jobs[0].data),
    }
    texts = {name: table.to_csv(index=False, float_format="%.6g") for name, table in tables.items()}
    return write_record(out / Path(jobs[0].data).stem, source, **texts)


def load_budgets(folder: Path = RESULTS) -> tuple[dict[str, pd.DataFrame], dict]:
    """The recorded tables, by name ("runs", "weeks", "uplift", "qini"), and where they come from."""
    names = {"runs": "", "weeks": "_weeks", "uplift": "_uplift", "qini": "_qini"}
    tables = {name: pd.read_csv(folder / f"budgets_book{ending}.csv") for name, ending in names.items()}
    return tables, json.loads((folder / "budgets_book.json").read_text(encoding="utf-8"))
