"""The rematch (chapter 10): tables, networks and their rivals in the responsive worlds, many seeds, judged exactly.

    python -m crm_rl rematch                       on the twin
    python -m crm_rl rematch --data FILE.xlsx      on another export

A job trains one learner with some seeds and works out the exact value of each greedy policy. Jobs leave a small file
each, named by all that they depend on but the code, so that what was stopped goes on where it was. Whatever was tuned
was tuned on validation customers, with seeds of its own.
"""

import hashlib
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from crm_rl.agents.dqn import CHAPTER_6, PLAIN, TUNED, Networks, in_time, q_values, train_networks
from crm_rl.agents.library_dqn import one_thread
from crm_rl.agents.responsive_tables import DIAL, DICE, greedy_actions, probabilities, train_table
from crm_rl.agents.responsive_tables import TUNED as TUNED_TABLES
from crm_rl.agents.responsive_tables import Settings as TableSettings
from crm_rl.agents.rivals import CEILINGS, RIVALS
from crm_rl.evaluation.gain import FOLD_SEED, FOLDS, base_rates, case_of, without, worlds_of
from crm_rl.experiments.funnel_study import RESULTS, data_name
from crm_rl.files import sha256, write_whole
from crm_rl.planning.exact import all_observations, always, best_of, evaluate, optimal
from crm_rl.planning.feature_selection import evaluate_selection, fixed_mask, observations_with
from crm_rl.worlds.attributes import N_MASKS
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import BASELINE, N_PATTERNS, SELECTION, Population, Rules
from crm_rl.worlds.responsive_world import DEAL_SEED, FOCUS, HOME, KINDS, SPLIT_SEED, ResponsiveWorld

#: The networks: chapter 6's, without any improvement, tuned, and each of the last two with one part changed.
NETWORKS = {
    "chapter 6": CHAPTER_6,
    "plain": PLAIN,
    "tuned": TUNED,
    "tuned, Huber loss": TUNED._replace(huber=True),
    "tuned, not relative": TUNED._replace(relative=0.0),
    "tuned, not double": TUNED._replace(double=False),
    "tuned, dueling": TUNED._replace(dueling=True),
    "tuned, 3 steps": TUNED._replace(n_step=3),
    "plain, squared error": PLAIN._replace(huber=False),
    "plain, relative": PLAIN._replace(relative=TUNED.relative),
    "plain, double": PLAIN._replace(double=True),
    "plain, dueling": PLAIN._replace(dueling=True),
    "plain, 3 steps": PLAIN._replace(n_step=3),
}

#: What else was tried to find `TUNED`, judged on validation customers of the smooth world.
TUNING = {
    **{f"tuned, rate {rate:g}": TUNED._replace(learning_rate=rate) for rate in (3e-4, 3e-3)},
    **{f"tuned, batch {size}": TUNED._replace(batch_size=size) for size in (64, 128)},
    "tuned, an update in 32 steps": TUNED._replace(steps_per_update=32),
}

#: The tables that race, one for each setting of the dial; and what was tried to find out how each learns best.
RACING = {f"table: {setting}": settings for setting, settings in TUNED_TABLES.items()}
TABLES = {
    f"table, {name}: {setting}": settings
    for name, settings in {
        "decay 1": TableSettings(decay=1.0),
        "decay 0.2": TableSettings(decay=0.2),
        "decay 1, half exploration": TableSettings(decay=1.0, exploration=0.5),
        "decay 0.2, half exploration": TableSettings(decay=0.2, exploration=0.5),
        "rate 0.1": TableSettings(alpha=0.1, decay=0.0),
    }.items()
    for setting in DIAL
}

#: The finest table once more, with an answer where it knows none.
EMAILING = {f"table that emails: {setting}": TUNED_TABLES[setting] for setting in list(DIAL)[-1:]}

ALL_TABLES = RACING | TABLES | EMAILING

#: With selection these buy a fixed set of attributes first, and then follow the best plan found for who looks alike.
MASKS = [f"fixed mask {bought}" for bought in range(8)]

#: What no learner has to find out.
KNOWN = ("waiting", "optimum", "optimum of one week")

#: Weeks of experience.
STEPS = (10_000, 100_000, 1_000_000)

#: The rivals that learn, and from how many weeks of random actions; the others know what they do.
LOGGED = {"one-step greedy": STEPS, "fitted Q iteration": STEPS}
KNOWING = tuple(rival for rival in RIVALS if rival not in LOGGED)

SEEDS = tuple(range(20))
TEN, FIVE = SEEDS[:10], SEEDS[:5]
TUNING_SEEDS = tuple(range(100, 105))

#: Networks of so many seeds learn side by side.
SIDE_BY_SIDE = 5


class Job(NamedTuple):
    """A learner trained with some seeds: where, for how many weeks of experience each.

    In the rough world each seed has a deal of its own, so that no verdict hangs on one deal.

    Attributes:
        data: a path.
        world: "smooth" or "rough".
        learner: a name in `NETWORKS`, `TUNING`, `ALL_TABLES`, `RIVALS`, `CEILINGS`, `MASKS` or `KNOWN`.
        steps: weeks of experience; 0 for what does not learn from any.
        seeds: of the learner.
        lift, organic: L and rho of the rules.
        expected: train on chance times value instead of what happens to happen.
        strangers: hide a fold of pairs of country and bootcamp in training, and judge by its customers alone; which
            fold goes by the seed.
        selection: attributes must be bought.
    """

    data: str
    world: str
    learner: str
    steps: int
    seeds: tuple[int, ...]
    lift: float = BASELINE.lift
    organic: float = BASELINE.organic
    expected: bool = True
    strangers: bool = False
    selection: bool = False

    def rules(self) -> Rules:
        """The rules of training; values are judged by the same, whatever reward is paid."""
        rules = SELECTION if self.selection else BASELINE
        return rules._replace(lift=self.lift, organic=self.organic, expected_reward=self.expected)

    def deal(self, seed: int) -> int:
        """The seed of the rough world's deal; of no consequence in the smooth one."""
        return seed if self.world == "rough" else DEAL_SEED

    def fold(self, seed: int) -> int | None:
        """The fold of pairs that is hidden from training, if any is."""
        return seed % FOLDS if self.strangers else None

    def settings(self) -> tuple | None:
        """Those of the learner, if it has any."""
        return (NETWORKS | TUNING | ALL_TABLES).get(self.learner)

    def file(self, folder: Path) -> Path:
        """Where its results are kept; no other job has this name, nor this one in another world."""
        settings = self.settings()
        content = [sha256(self.data), *self[1:], settings and settings._asdict(), constants(self.data, self.rules())]
        return folder / f"rematch-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}.json"


def constants(data: str, rules: Rules) -> dict:
    """All that a world depends on beside the customers and the code."""
    return {
        "rules": rules._asdict(),
        "base_rates": base_rates(data).to_dict(),
        "home": HOME,
        "focus": FOCUS,
        "fixed_seeds": {"split": SPLIT_SEED, "deal": DEAL_SEED, "folds": FOLD_SEED},
        "folds": FOLDS,
        "dial": DIAL,
    }


def plan(data: str | Path) -> list[Job]:
    """Every job on one data set, those on which the verdict hangs first and with the most seeds.

    Full depth where the verdict hangs, less elsewhere. What only explains it (each improvement alone, the dials of the
    world, what was tried in tuning) is run on the twin, which every reader has.
    """
    parts = [verdict, strangers, selection]
    if data_name(Path(data)) == "twin":
        parts += [dials, sampled, ablation, tuning]
    jobs = [one for part in parts for job in part(str(data)) for one in side_by_side(job)]
    return list(dict.fromkeys(jobs))


def side_by_side(job: Job) -> list[Job]:
    """A job of networks as several, of as many seeds as learn side by side."""
    if job.learner not in NETWORKS | TUNING:
        return [job]
    starts = range(0, len(job.seeds), SIDE_BY_SIDE)
    return [job._replace(seeds=job.seeds[start : start + SIDE_BY_SIDE]) for start in starts]


def verdict(data: str) -> list[Job]:
    """Tables, networks and rivals in both worlds, over experience."""
    deals = {"smooth": SEEDS[:1], "rough": SEEDS}  # where nothing is learned, a seed is a deal of the rough world
    jobs = [Job(data, world, one, 0, deals[world]) for world in KINDS for one in (*KNOWN, *KNOWING, *CEILINGS)]
    racing = ("tuned", *RACING, *EMAILING)
    jobs += [Job(data, world, learner, steps, SEEDS) for world in KINDS for steps in STEPS[::-1] for learner in racing]
    learning = [(rival, steps) for rival, budgets in LOGGED.items() for steps in budgets]
    return jobs + [Job(data, world, *rival, (seed,)) for world in KINDS for rival in learning for seed in TEN]


def strangers(data: str) -> list[Job]:
    """Customers from pairs of country and bootcamp that training never met."""
    learners = [("tuned", 100_000), ("fitted Q iteration", 100_000), *((table, 100_000) for table in RACING | EMAILING)]
    learners += [(rival, 0) for rival in KNOWING]
    return [Job(data, world, *learner, TEN, strangers=True) for world in KINDS for learner in learners]


def selection(data: str) -> list[Job]:
    """Attributes must be bought."""
    jobs = [Job(data, "smooth", learner, 0, SEEDS[:1], selection=True) for learner in MASKS]
    jobs += [Job(data, "smooth", "tuned", steps, FIVE, selection=True) for steps in STEPS]
    return jobs + [Job(data, "smooth", learner, 1_000_000, FIVE, selection=True) for learner in RACING]


def dials(data: str) -> list[Job]:
    """The lift and the organic share."""
    jobs = []
    for changed in ({"lift": 2.0}, {"lift": 5.0}, {"organic": 0.0}, {"organic": 0.7}):
        jobs += [Job(data, "smooth", learner, 0, SEEDS[:1], **changed) for learner in KNOWN]
        learning = ("tuned", "fitted Q iteration", *RACING)
        jobs += [Job(data, "smooth", learner, 100_000, FIVE, **changed) for learner in learning]
    return jobs


def sampled(data: str) -> list[Job]:
    """Rewards that are paid when a customer subscribes, instead of expected ones."""
    racing = ("tuned", *LOGGED, *RACING)
    return [Job(data, "smooth", one, steps, FIVE, expected=False) for one in racing for steps in STEPS[1:]]


def ablation(data: str) -> list[Job]:
    """Each improvement of the network taken away, or added to a plain one."""
    return [Job(data, "smooth", learner, 100_000, FIVE) for learner in NETWORKS]


def tuning(data: str) -> list[Job]:
    """What was tried on validation customers, with seeds of its own."""
    jobs = [Job(data, "smooth", learner, 100_000, TUNING_SEEDS) for learner in ("tuned", *TUNING)]
    return jobs + [Job(data, "smooth", learner, steps, TUNING_SEEDS) for learner in TABLES for steps in STEPS[1:]]


def run_job(job: Job, folder: str | Path) -> list[dict]:
    """Run one job, or fetch its results if it has some.

    Returns:
        A row a seed: what the job says; for `val` and `test` the share of the attainable gain (all, inbound, outbound)
        and the money a customer; and `values`, for each kind of test customer (see `rematch_cases`) the exact value of
        the policy, in dollars.
    """
    done = job.file(Path(folder))
    if done.exists():
        return json.loads(done.read_text())
    rows = []
    for seed, policy in zip(job.seeds, trained(job), strict=True):
        row = job._asdict() | {"seed": seed}
        for part in ("val", "test"):
            case = case_of(job.data, job.world, part, told_all(job.rules()), job.deal(seed))
            values = policy(case.people)
            row |= {f"{name}_{part}": score for name, score in case.scores(values, job.fold(seed)).items()}
        rows.append(row | {"values": [float(f"{value:.6g}") for value in values]})
    write_whole(done, json.dumps(rows))
    return rows


def told_all(rules: Rules) -> Rules:
    """The same world with every attribute visible: what is to gain is measured there, whatever agents have to buy."""
    return rules._replace(
        selects_features=False, first_mask=BASELINE.first_mask, feature_price=0.0, expected_reward=False
    )


def trained(job: Job) -> list[Callable[[Population], np.ndarray]]:
    """A policy for each seed, as a function from customers to its exact value at each one's start, in dollars."""
    worlds = [train_world(job, seed) for seed in job.seeds]
    if job.learner in MASKS:
        return [partial(fixed_mask, MASKS.index(job.learner), world.population, rules=world.rules) for world in worlds]
    if job.learner in NETWORKS | TUNING:
        decide = from_networks(job, worlds)
    elif job.learner in ALL_TABLES:
        decide = [from_table(job, world, seed) for world, seed in zip(worlds, job.seeds, strict=True)]
    elif job.learner in KNOWN:
        decide = [partial(known, job.learner, job.rules())] * len(worlds)
    else:
        rival = (RIVALS | CEILINGS)[job.learner]
        decide = [rival(world, job.steps, seed) for world, seed in zip(worlds, job.seeds, strict=True)]
    return [partial(worth, policy, job.rules()) for policy in decide]


def from_networks(job: Job, worlds: list[ResponsiveWorld]) -> list[Callable[[Population], np.ndarray]]:
    """The policies of networks that learned side by side: functions from customers to what is done in every state."""
    with one_thread():
        networks = train_networks(worlds, job.settings(), job.steps, list(job.seeds))
    return [partial(decided_by_network, networks, place, job) for place in range(len(worlds))]


def from_table(job: Job, world: ResponsiveWorld, seed: int) -> Callable[[Population], np.ndarray]:
    """The policy of a table: a function from customers to what is done in every state."""
    setting = job.learner.split(": ")[1]
    table = train_table(world, setting, job.settings(), job.steps, seed)
    if job.selection:
        return partial(greedy_actions, table, setting=setting)
    unknown = np.eye(N_ACTIONS)[Action.EMAIL] if job.learner in EMAILING else DICE
    return partial(probabilities, table, setting=setting, unknown=unknown)


def train_world(job: Job, seed: int) -> ResponsiveWorld:
    """Where a seed of a job learns."""
    world = worlds_of(job.data, job.world, job.rules(), job.deal(seed))["train"]
    return without(world, job.data, job.fold(seed)) if job.strangers else world


def decided_by_network(networks: Networks, place: int, job: Job, population: Population) -> np.ndarray:
    """What the network at a place does in every state: chances of actions or, with selection, actions."""
    rules, settings = job.rules(), job.settings()
    shape = (len(population.start), rules.weeks, N_PATTERNS, rules.most_contacts + 1, -1)
    if not job.selection:
        return best_of(q_values(networks, place, all_observations(population, rules), settings).reshape(shape))
    seen = (observations_with(population, rules, bought) for bought in range(N_MASKS))
    best = [q_values(networks, place, each, settings).argmax(axis=1).astype(np.int8) for each in seen]
    return np.stack(best, axis=-1).reshape(shape)


def known(learner: str, rules: Rules, population: Population) -> np.ndarray:
    """The chances of actions of what nobody has to learn; "of one week" looks no further than the week itself."""
    if learner == "waiting":
        return always(Action.WAIT)
    if learner == "optimum":
        return best_of(optimal(population, rules).q)
    return best_of(optimal(population, rules._replace(weeks=1)).q)


def worth(policy: Callable, rules: Rules, population: Population) -> np.ndarray:
    """The exact value of a policy at each customer's start, shape (customers,), in dollars."""
    decided = policy(population)
    if rules.selects_features:
        return evaluate_selection(decided, population, rules)
    return evaluate(decided, population, rules).at_start(population)


def expected_minutes(jobs: list[Job], folder: str | Path, workers: int = -1) -> float:
    """How long the jobs that have no result yet will take on this machine's cores, roughly."""
    cores = os.cpu_count() if workers < 0 else workers
    return sum(seconds(job) for job in jobs if not job.file(Path(folder)).exists()) / cores / 60


def seconds(job: Job) -> float:
    """What a job takes of one core, roughly: measured on the authors' machine."""
    settings = job.settings()
    if job.learner in NETWORKS | TUNING:
        hurried = in_time(settings, job.steps)
        each = job.steps / hurried.steps_per_update * hurried.batch_size * 3e-6
    elif job.learner in ALL_TABLES:
        each = 0.3 + 1e-6 * job.steps
    else:
        each = 0.3 + 4 * (job.learner in CEILINGS) + 5e-5 * job.steps  # trees are slow
    return (each + 20 * job.selection) * len(job.seeds)


def run(jobs: list[Job], folder: str | Path, workers: int = -1) -> list[dict]:
    """Run jobs side by side; the rows are in the order of the jobs."""
    tasks = (joblib.delayed(run_job)(job, folder) for job in jobs)
    done = joblib.Parallel(return_as="generator", n_jobs=workers)(tasks)
    return [row for rows in tqdm(done, total=len(jobs), desc="rematch", unit="job", disable=None) for row in rows]


def record(name: str, jobs: list[Job], rows: list[dict], source: dict, out: Path = RESULTS) -> list[Path]:
    """Write what came out.

    Args:
        name: of the data set, as `study.data_name` calls it.
        jobs: what was run, on one export.
        rows: of `run`.
        source: versions, machine and date, see `study.versions`.
        out: the folder.

    Returns:
        The files written: `rematch_NAME.csv` (a row a run), `rematch_NAME_values.csv` (for each run that did not serve
        to tune, the exact value for each kind of test customer, in dollars), `rematch_NAME_kinds.csv` (how many
        customers are of each kind) and `rematch_NAME.json` (where all that comes from).
    """
    data = jobs[0].data
    case = case_of(data, KINDS[0], "test", BASELINE, DEAL_SEED)
    country = np.unique(case.people.country, return_inverse=True)[1]
    kinds = {"customers": case.counts, "inbound": case.people.inbound, "fold": case.folds, "pair": case.pairs}
    runs = pd.DataFrame(rows).drop(columns=["data", "values", "seeds"])
    values = [row["values"] for row in rows if row["seed"] not in TUNING_SEEDS]
    tuned = (NETWORKS, TUNING, ALL_TABLES)
    source = {
        "input_sha256": sha256(data),
        **source,
        **constants(data, BASELINE),
        "learners": {name: settings._asdict() for learners in tuned for name, settings in learners.items()},
        "seeds_of_tuning": TUNING_SEEDS,
    }
    texts = {
        out / f"rematch_{name}.csv": runs.to_csv(index=False, float_format="%.6g"),
        out / f"rematch_{name}_values.csv": pd.DataFrame(values).to_csv(index=False, header=False, float_format="%.4g"),
        out / f"rematch_{name}_kinds.csv": pd.DataFrame(kinds | {"country": country}).to_csv(index=False),
        out / f"rematch_{name}.json": json.dumps(source, indent=1) + "\n",
    }
    for file, text in texts.items():
        write_whole(file, text)
    return list(texts)
