"""The study of chapter 13: how far estimates from logs can be trusted, and what can be learned from logs alone.

All in the smooth world, with inbound customers who have signed up: they subscribe often enough for a log to say
something. Today's rule contacts them every other week; it is explored, so that some actions are at random.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import sem

from crm_rl.agents.behaviour import Exploring
from crm_rl.agents.offline import LEARNERS, Hyperparameters
from crm_rl.agents.planned import PlannedPolicy, optimum
from crm_rl.agents.reference import constant_policy, every_other_week, rule_policy
from crm_rl.evaluation.gain import exact_values, only
from crm_rl.evaluation.off_policy import effective_sample_size, effective_winners, estimates, importance_ratios, judged
from crm_rl.experiments.runner import RESULTS, data_name, provenance, write_record
from crm_rl.planning.exact import best_of, optimal, share_of_gain
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.logs import play_episodes
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.responsive import SIGNUP
from crm_rl.worlds.responsive_world import ResponsiveWorld

#: What the book's record has: logs of so many customers for each cell.
LOGS, CUSTOMERS = 200, 3_000

#: (how often any action is taken, weeks of an episode): the horizon grows, then exploration shrinks.
CELLS = [(0.5, weeks) for weeks in (1, 2, 4, 8, 12)] + [(epsilon, 2) for epsilon in (1.0, 0.2, 0.05, 0.0)]

#: Logs of one week with fewer and more customers than `CUSTOMERS`: how many winners an interval needs.
MORE = [(0.5, 1_000), (0.5, 10_000), (1.0, 3_000), (1.0, 10_000)]

#: How much exploration is priced, and how many weeks count when a policy is rolled out.
PRICED, EARLY = (0.0, 0.05, 0.2, 0.5, 1.0), 4

#: Learning from logs alone: how often any action is taken, customers in the log, and seeds.
EXPLORED, SIZES, SEEDS = (1.0, 0.2, 0.02), (1_000, 10_000), 3


def signed_up(data: str | Path | None = None, weeks: int = 12) -> ResponsiveWorld:
    """The inbound customers of the smooth world who have signed up at arrival, for so many weeks."""
    world = worlds("smooth", data=data)["all"]
    people = world.population
    chosen = only(world, (people.inbound == 1) & (people.start >> SIGNUP & 1 == 1))
    return chosen._replace(params=chosen.params._replace(weeks=weeks))


def today(epsilon: float) -> Exploring:
    """What the firm does today, and with this probability anything."""
    return Exploring(rule_policy(every_other_week), epsilon)


class Estimating(NamedTuple):
    """Many logs of one behaviour policy, from each of which the best plan is evaluated."""

    data: str
    epsilon: float
    weeks: int
    logs: int
    customers: int

    def identity(self) -> list:
        """All but the data."""
        return ["estimating, with winners", *self[1:]]

    def seconds(self) -> float:
        """Of one core."""
        return 5e-6 * self.weeks * self.logs * self.customers

    def run(self, folder: Path) -> list[dict]:
        """For each log every estimator's estimate and its standard error, what its weights say, and the truth."""
        world = signed_up(self.data, self.weeks)
        plan, behaviour = optimum(world), today(self.epsilon)
        truth = {"truth": exact_values(plan, world).mean(), "behaviour": exact_values(behaviour, world).mean()}
        rows = []
        for number in range(self.logs):
            log = play_episodes(behaviour, world, self.customers, np.random.default_rng([number, self.weeks]))
            chances, model = judged(log, log.probabilities(plan, world))
            ratios = importance_ratios(chances, log.propensities)
            weights, returns = ratios.prod(axis=1), log.rewards.sum(axis=1)
            row = {"epsilon": self.epsilon, "weeks": self.weeks, "customers": self.customers, "log": number, **truth}
            row |= {"effective": effective_sample_size(weights), "winners": effective_winners(weights, returns)}
            row["weight"] = weights.mean()
            for name, values in estimates(log.rewards, ratios, model).items():
                row |= {name: values.mean(), f"{name}, error": sem(values)}
            rows.append(row)
        return rows


class Earning(NamedTuple):
    """What policies earn, exactly: the best plan, and today's rule with more and more exploration."""

    data: str

    def identity(self) -> list:
        """All but the data."""
        return ["earning", PRICED, EARLY]

    def seconds(self) -> float:
        """Of one core."""
        return 15.0

    def run(self, folder: Path) -> list[dict]:
        """For each policy dollars in all weeks and in the first four, and how many subscribe in these four."""
        world = signed_up(self.data)
        first = PlannedPolicy(lambda people: best_of(optimal(people, world.params).q)[:, :EARLY])
        policies = {("best plan", 0.0): (optimum(world), first)}
        policies |= {("today's rule", epsilon): (today(epsilon),) * 2 for epsilon in PRICED}
        params = world.params._replace(weeks=EARLY)
        early = world._replace(params=params)
        winners = world._replace(params=params._replace(action_cost=(0.0,) * N_ACTIONS, value=1.0))
        return [
            {"policy": name, "epsilon": epsilon, "earned": exact_values(whole, world).mean()}
            | {"early": exact_values(start, early).mean(), "subscribed": exact_values(start, winners).mean()}
            for (name, epsilon), (whole, start) in policies.items()
        ]


class Learning(NamedTuple):
    """All learners on logs of one behaviour policy and size, a log a seed."""

    data: str
    epsilon: float
    customers: int
    seeds: tuple[int, ...]

    def identity(self) -> list:
        """All but the data, and the settings."""
        return ["learning", *self[1:], list(Hyperparameters())]

    def seconds(self) -> float:
        """Of one core."""
        return 10.0 * len(self.seeds)

    def run(self, folder: Path) -> list[dict]:
        """The share of the attainable gain of every learner and seed, and of the rule that wrote the log."""
        world, behaviour = signed_up(self.data), today(self.epsilon)
        ends = [exact_values(policy, world) for policy in (Exploring(constant_policy(Action.WAIT), 0), optimum(world))]
        rngs = [np.random.default_rng([seed, self.customers]) for seed in self.seeds]
        logs = [play_episodes(behaviour, world, self.customers, rng).steps() for rng in rngs]
        policies = {name: learn(logs, world, list(self.seeds), Hyperparameters()) for name, learn in LEARNERS.items()}
        policies |= {"today's rule": [today(0.0)] * len(logs), "the log": [behaviour] * len(logs)}
        return [
            {"epsilon": self.epsilon, "customers": self.customers, "learner": name, "seed": seed}
            | {"share": share_of_gain(exact_values(policy, world), *ends)}
            for name, each in policies.items()
            for seed, policy in zip(self.seeds, each, strict=True)
        ]


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list:
    """Every job on one data set; `seeds` is the number of logs for each cell, `budget` the customers in each."""
    logs, customers = seeds or LOGS, budget or CUSTOMERS
    estimating = [Estimating(str(data), epsilon, weeks, logs, customers) for epsilon, weeks in CELLS]
    if budget is None:
        estimating += [Estimating(str(data), epsilon, 1, logs, size) for epsilon, size in MORE]
    sizes = SIZES if budget is None else (budget,)
    learners = tuple(range(min(SEEDS, logs)))
    learning = [Learning(str(data), epsilon, size, learners) for epsilon in EXPLORED for size in sizes]
    return [*estimating, Earning(str(data)), *learning]


def record(jobs: list, results: list[list[dict]], out: Path = RESULTS) -> list[Path]:
    """Write the results of all jobs on one data set.

    Returns:
        The files written: `logs_NAME.csv` (a row a log), `logs_NAME_learned.csv` (a row a learner and seed),
        `logs_NAME_earned.csv` (a row a policy) and `logs_NAME.json` (the provenance).
    """
    tables = {Estimating: [], Learning: [], Earning: []}
    for job, rows in zip(jobs, results, strict=True):
        tables[type(job)] += rows
    first = jobs[0]
    source = {"logs": first.logs, "customers": first.customers, "learners": Hyperparameters()._asdict()}
    runs, learned, earned = (pd.DataFrame(rows).to_csv(index=False, float_format="%.6g") for rows in tables.values())
    stem = out / f"logs_{data_name(first.data)}"
    return write_record(stem, source | provenance(first.data), runs=runs, learned=learned, earned=earned)


def load_earned(name: str = "twin", folder: Path = RESULTS) -> pd.DataFrame:
    """The recorded exact values, a row a `policy` and `epsilon`."""
    return pd.read_csv(folder / f"logs_{name}_earned.csv").set_index(["policy", "epsilon"])


def load_logs(name: str = "twin", folder: Path = RESULTS) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """The recorded estimates, learners and provenance, by the name of the data set."""
    tables = (pd.read_csv(folder / f"logs_{name}{part}.csv") for part in ("", "_learned"))
    return *tables, json.loads((folder / f"logs_{name}.json").read_text())


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """How good each estimator is in each cell.

    Args:
        runs: of `load_logs`.

    Returns:
        A row for each cell and estimator: `epsilon`, `weeks`, `customers`, `estimator`, `truth`, `bias` and `spread`
        (the standard deviation over logs) in dollars, `coverage`, the share of logs whose 95% interval contains the
        truth, and of the weights, on average over the logs, `effective` (the effective sample size), `winners`
        (`off_policy.effective_winners`) and `weight` (their mean).
    """
    names = [name.removesuffix(", error") for name in runs.columns if name.endswith(", error")]
    rows = []
    for where, cell in runs.groupby(["epsilon", "weeks", "customers"]):
        weights = cell[["effective", "winners", "weight"]].mean()
        for name in names:
            off = cell[name] - cell["truth"]
            within = (off.abs() <= 1.96 * cell[f"{name}, error"]).mean()
            rows.append((*where, name, cell["truth"].iloc[0], off.mean(), cell[name].std(), within, *weights))
    columns = ["epsilon", "weeks", "customers", "estimator", "truth", "bias", "spread", "coverage", *weights.index]
    return pd.DataFrame(rows, columns=columns)
