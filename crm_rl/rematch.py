"""The rematch (chapter 10): tables and networks in the responsive worlds, many seeds, judged exactly and recorded.

    python -m crm_rl rematch                       on the twin
    python -m crm_rl rematch --data FILE.xlsx      on another export

A job is one training run and the exact value of its greedy policy for every test customer. Jobs leave a small file
each, so that what was stopped goes on where it was. Networks were tuned on validation customers only (`TUNING`).
"""

import functools
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from crm_rl.crm_data import clean, load
from crm_rl.dqn import one_thread
from crm_rl.funnel import N_ACTIONS, Action
from crm_rl.planning import all_observations, always, best_of, evaluate, optimal, share_of_gain, starts_of
from crm_rl.rematch_dqn import PLAIN, TUNED, q_values, train_network
from crm_rl.rematch_tables import DIAL, probabilities, train_table
from crm_rl.rematch_tables import Settings as TableSettings
from crm_rl.responsive import BASELINE, N_PATTERNS, Population, Rules
from crm_rl.responsive_worlds import KINDS, ResponsiveWorld, rates_of, responsive_worlds
from crm_rl.study import RESULTS, write_whole

#: The networks: without any improvement, tuned, and each of the two with one part changed.
NETWORKS = {
    "plain": PLAIN,
    "tuned": TUNED,
    "tuned, Huber loss": TUNED._replace(huber=True),
    "tuned, not relative": TUNED._replace(relative=False),
    "tuned, not double": TUNED._replace(double=False),
    "tuned, dueling": TUNED._replace(dueling=True),
    "tuned, 3 steps": TUNED._replace(n_step=3),
    "plain, squared error": PLAIN._replace(huber=False),
    "plain, double": PLAIN._replace(double=True),
    "plain, dueling": PLAIN._replace(dueling=True),
    "plain, 3 steps": PLAIN._replace(n_step=3),
    "plain, relative": PLAIN._replace(relative=True),
}

#: What was tried to find `TUNED`, judged on validation customers.
TUNING = {
    **{f"tuned, rate {rate:g}": TUNED._replace(learning_rate=rate) for rate in (3e-4, 3e-3)},
    **{f"tuned, target every {every:,}": TUNED._replace(target_every=every) for every in (300, 3_000)},
    **{f"tuned, {share:.0%} exploration": TUNED._replace(exploration=share) for share in (0.25, 0.9)},
    **{f"tuned, batch {size}": TUNED._replace(batch_size=size) for size in (64,)},
    **{f"tuned, {width} wide": TUNED._replace(hidden=(width, width)) for width in (64, 256)},
}

#: How tables learn, and what was tried to find that.
TABLES = {
    "table": TableSettings(),
    "table, decay 0.05": TableSettings(decay=0.05),
    "table, decay 1": TableSettings(decay=1.0),
    "table, rate 0.1": TableSettings(alpha=0.1, decay=0.0),
}

#: What a record leaves out: where the file was, and what stands in a file of its own.
LEFT_OUT = ("data", "data_sha256", "values")

STEPS = (10_000, 30_000, 100_000, 300_000, 1_000_000)
SEEDS = 20


class Job(NamedTuple):
    """One run: where, who learns, for how many weeks of experience, with which seed.

    Attributes:
        data: a path.
        world: "smooth" or "rough".
        learner: a name in `NETWORKS` or `TUNING`, or "table" (or another of `TABLES`) + ": " + a setting of the dial.
        steps: weeks of experience.
        seed: of the learner.
        lift, organic: L and rho of the rules.
        expected: train on chance times value instead of what happens to happen.
    """

    data: str
    world: str
    learner: str
    steps: int
    seed: int
    lift: float = BASELINE.lift
    organic: float = BASELINE.organic
    expected: bool = True

    def rules(self) -> Rules:
        """The rules of training; values are judged by the same, whatever reward is paid."""
        return BASELINE._replace(lift=self.lift, organic=self.organic, expected_reward=self.expected)

    def file(self, folder: Path) -> Path:
        """Where its result is kept; no other job has this name."""
        settings = NETWORKS.get(self.learner) or TUNING.get(self.learner) or TABLES[self.learner.split(":")[0]]
        content = [_sha256(self.data), *self[1:], settings._asdict()]
        return folder / f"rematch-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}.json"


def plan(data: str | Path) -> list[Job]:
    """Every job on one data set, those on which the verdict hangs first and with the most seeds."""
    data, tables = str(data), [f"table: {setting}" for setting in DIAL]
    few = tuple(range(10))
    jobs = [
        Job(data, world, learner, steps, seed)
        for world in KINDS
        for steps in STEPS
        for learner in tables
        for seed in range(SEEDS)
    ]
    jobs += [
        Job(data, world, learner, steps, seed)
        for steps in (1_000_000, 100_000, 10_000)
        for world in KINDS
        for learner in ("tuned", "plain")
        for seed in range(SEEDS)
    ]
    jobs += [
        Job(data, world, learner, steps, seed)
        for steps in (300_000, 30_000)
        for world in KINDS
        for learner in ("tuned", "plain")
        for seed in few
    ]
    jobs += [Job(data, "smooth", learner, 300_000, seed) for learner in NETWORKS for seed in few]
    both = ("tuned", *tables)
    for changed in ({"lift": 2.0}, {"lift": 5.0}, {"organic": 0.0}, {"organic": 0.7}, {"expected": False}):
        jobs += [Job(data, "smooth", learner, 300_000, seed, **changed) for learner in both for seed in few]
    tried = ("tuned", *TUNING, *(f"{kind}: + standings to halves" for kind in TABLES))
    jobs += [Job(data, "smooth", learner, 200_000, seed) for learner in tried for seed in range(3)]
    return list(dict.fromkeys(jobs))


def run_job(job: Job, folder: str | Path) -> dict:
    """Run one job, or fetch its result if it has one.

    Returns:
        The job's fields; for `val` and `test` the share of the attainable gain (all, inbound, outbound) and the money
        a customer; `values`: for each place in `starts_of(test)` the exact value of the policy, in dollars.
    """
    done = job.file(Path(folder))
    if done.exists():
        return json.loads(done.read_text())
    policy = _trained(job, _worlds(job.data, job.world, job.rules())["train"])
    result = job._asdict() | {"data_sha256": _sha256(job.data)}
    for part in ("val", "test"):
        case = case_of(job.data, job.world, part, job.lift, job.organic)
        values = evaluate(policy(case.people), case.people, case.rules).at_start(case.people)
        result |= {f"{name}_{part}": score for name, score in case.scores(values).items()}
    result["values"] = [float(f"{value:.6g}") for value in values]
    write_whole(done, json.dumps(result))
    return result


def _trained(job: Job, world: ResponsiveWorld):
    """Train, and return a function from a population to the probabilities of the greedy policy in every state."""
    kind, _, setting = job.learner.partition(": ")
    if kind in TABLES:
        table = train_table(world, setting, TABLES[kind], job.steps, job.seed)
        return lambda population: probabilities(table, population, setting)
    settings = (NETWORKS | TUNING)[job.learner]
    with one_thread():
        network = train_network(world, settings, job.steps, job.seed)

    def greedy(population):
        q = q_values(network, all_observations(population, world.rules), settings)
        return best_of(q.reshape(-1, world.rules.weeks, N_PATTERNS, world.rules.most_contacts + 1, N_ACTIONS))

    return greedy


class Case(NamedTuple):
    """Customers by whom policies are judged, and the two policies that the share of the gain lies between.

    Attributes:
        people: one customer for each type and start.
        which: shape (customers,): each customer's place among them.
        rules: the rules.
        waiting, best: shape (people,): the exact value of always waiting, and of the optimum, in dollars.
    """

    people: Population
    which: np.ndarray
    rules: Rules
    waiting: np.ndarray
    best: np.ndarray

    def scores(self, values: np.ndarray) -> dict[str, float]:
        """Scores of a policy over customers: shares of the attainable gain, and dollars a customer.

        Args:
            values: the policy's exact value, shape (people,).

        Returns:
            `gain`, `gain_inbound`, `gain_outbound` and `money`.
        """
        inbound = self.people.inbound[self.which] == 1
        groups = {"gain": inbound | True, "gain_inbound": inbound, "gain_outbound": ~inbound}
        shares = {}
        for name, chosen in groups.items():
            places = self.which[chosen]
            shares[name] = share_of_gain(values[places], self.waiting[places], self.best[places], least=0.01)
        return shares | {"money": float(values[self.which].mean())}


@functools.lru_cache(maxsize=32)
def case_of(data: str, world: str, part: str, lift: float = BASELINE.lift, organic: float = BASELINE.organic) -> Case:
    """The customers of a part, "val" or "test", as judges."""
    rules = BASELINE._replace(lift=lift, organic=organic)
    people, which = starts_of(_worlds(data, world, rules)[part].population)
    waiting = evaluate(always(Action.WAIT), people, rules).at_start(people)
    return Case(people, which, rules, waiting, optimal(people, rules).at_start(people))


@functools.lru_cache(maxsize=32)
def _worlds(data: str, world: str, rules: Rules) -> dict[str, ResponsiveWorld]:
    return responsive_worlds(*_customers(data), world, rules)


@functools.lru_cache(maxsize=2)
def _customers(data: str):
    customers = clean(load(data))[0]
    return customers, rates_of(Path(data), customers)


@functools.cache
def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def run(jobs: list[Job], folder: str | Path, workers: int = -1) -> list[dict]:
    """Run jobs side by side; the results are in the order of the jobs."""
    tasks = (joblib.delayed(run_job)(job, folder) for job in jobs)
    done = joblib.Parallel(return_as="generator", n_jobs=workers)(tasks)
    return list(tqdm(done, total=len(jobs), desc="rematch", unit="job", disable=None))


def record(name: str, results: list[dict], source: dict, out: Path = RESULTS) -> list[Path]:
    """Write what came out.

    Args:
        name: of the data set, as `study.data_name` calls it.
        results: of `run`.
        source: where it comes from, see `study.provenance`.
        out: the folder.

    Returns:
        The files written: `rematch_NAME.csv` (a row a job), `rematch_NAME_values.csv` (for each row the exact value at
        each place of `starts_of(test)`, in dollars) and `rematch_NAME.json` (the provenance).
    """
    rows = pd.DataFrame([{key: value for key, value in result.items() if key not in LEFT_OUT} for result in results])
    values = pd.DataFrame([result["values"] for result in results])
    texts = {
        out / f"rematch_{name}.csv": rows.to_csv(index=False, float_format="%.6g"),
        out / f"rematch_{name}_values.csv": values.to_csv(index=False, header=False, float_format="%.6g"),
        out / f"rematch_{name}.json": json.dumps(source, indent=1) + "\n",
    }
    for file, text in texts.items():
        write_whole(file, text)
    return list(texts)
