"""The study, many times over (chapter 7): five rows, two settings, many seeds, recorded with where they come from.

A job is one training run with one seed and its evaluation on every test customer. Jobs run side by side through joblib
and leave a small file each, so that a study that was stopped goes on where it was.
"""

import datetime
import functools
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from crm_rl.agents.library_dqn import STUDY as DQN_STUDY
from crm_rl.agents.library_dqn import train_dqn
from crm_rl.agents.q_learning import STUDY as Q_STUDY
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.data import DataError, clean, load
from crm_rl.data.features import PUBLISHED_FEATURES
from crm_rl.data.load import ORIGINAL_SHA256, TWIN
from crm_rl.evaluation.rollouts import Policy, constant_policy, feature_use, metrics, play, random_policy
from crm_rl.files import PROJECT, sha256, write_whole
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay import RULES, Population, Rules, State, observe_all
from crm_rl.worlds.replay_world import SETTINGS, World, replay_worlds

RESULTS = PROJECT / "data" / "results"

#: The five rows of the study's table: what learns, and whether it selects features. Random selects none.
ROWS = {
    "random": (None, False),
    "q_learning": ("q_learning", False),
    "q_learning_selection": ("q_learning", True),
    "dqn": ("dqn", False),
    "dqn_selection": ("dqn", True),
}

#: Policies that learn nothing, for comparison on the same customers.
CONSTANT_ROWS = {f"always_{action.name.lower()}": constant_policy(action) for action in Action}

CURVE_POINTS = 100

#: What the book's record has; less of it is recorded elsewhere, so that nobody overwrites the book by trying.
SEEDS = 20


class Budget(NamedTuple):
    """How long each learner trains: `episodes` of Q-learning, `steps` of DQN. The study's are 100,000 of each."""

    episodes: int = 100_000
    steps: int = 100_000


class Job(NamedTuple):
    """One run: on which data (a path), in which setting, which row of the table, with which seed and budget."""

    data: str
    setting: str
    row: str
    seed: int
    budget: Budget

    @property
    def name(self) -> str:
        """A file name that no other job has."""
        digest = hashlib.sha256(json.dumps([sha256(self.data), *self[1:]]).encode()).hexdigest()[:8]
        return f"{self.setting}-{self.row}-{self.seed}-{digest}"


def plan(data: str, seeds: int, budget: Budget, settings=SETTINGS, rows=(*ROWS, *CONSTANT_ROWS)) -> list[Job]:
    """Every job of a study of one data set. What learns nothing and chooses nothing at random runs once."""
    return [
        Job(str(data), setting, row, seed, budget)
        for setting in settings
        for row in rows
        for seed in range(1 if row in CONSTANT_ROWS else seeds)
    ]


def run_job(job: Job, folder: str | Path) -> dict:
    """Run one job, or go on with it, or fetch its result if it has one.

    Args:
        job: what to do.
        folder: where checkpoints and results of jobs are kept.

    Returns:
        `record`: one number or text a measure; `curve`: per 1% of training, the mean episode reward and the share
        subscribed (empty for what does not learn).
    """
    folder = Path(folder)
    done = folder / f"{job.name}.json"
    if done.exists():
        return json.loads(done.read_text())
    learner, selection = ROWS.get(job.row, (None, False))
    worlds = _worlds(job.data, job.setting, selection)
    if learner is None:
        policy, facts, curve = CONSTANT_ROWS.get(job.row, random_policy), {}, {}
    else:
        trained, facts, curve = LEARNERS[learner](worlds, job, folder / job.name)
        policy = _Watched(trained)
    episodes = play(worlds["test"], policy, np.random.default_rng([job.seed, 1]))
    if learner is not None:
        facts["known_share"] = policy.known / policy.decisions
    chosen = episodes.actions.sum(axis=0) / max(1, episodes.actions.sum())
    names = [feature.name for feature in PUBLISHED_FEATURES]
    record = {
        "setting": job.setting,
        "row": job.row,
        "seed": job.seed,
        **metrics(episodes),
        **facts,
        **{f"action_{action.name.lower()}": chosen[action] for action in Action},
        **{f"visible_{name}": share for name, share in zip(names, feature_use(episodes), strict=True)},
    }
    result = {"record": {key: _plain(value) for key, value in record.items()}, "curve": curve}
    write_whole(done, json.dumps(result))
    shutil.rmtree(folder / job.name, ignore_errors=True)  # the checkpoints have served
    return result


def _q_learning(worlds: dict[str, World], job: Job, folder: Path) -> tuple[Policy, dict, dict]:
    policy = train_q_learning(worlds["train"], Q_STUDY, job.budget.episodes, job.seed, folder)
    about, history = policy.about, policy.history
    reward, subscribed = (_means(history[name]) for name in ("reward", "subscribed"))
    facts = {"states": len(policy.q), "training_steps": about["steps"], "epsilon": about["epsilon"]}
    return policy, facts, _curve(reward, subscribed)


def _dqn(worlds: dict[str, World], job: Job, folder: Path) -> tuple[Policy, dict, dict]:
    hyper = DQN_STUDY[job.setting, worlds["train"].rules.selects_features]
    policy = train_dqn(worlds["train"], hyper, job.budget.steps, job.seed, folder)
    history = policy.history
    reward, subscribed = (_means(history[name]) for name in ("reward", "subscribed"))
    facts = {"training_steps": job.budget.steps, "epsilon": hyper.epsilon_end}
    return policy, facts, _curve(reward, subscribed)


def _means(values: np.ndarray) -> list[float]:
    """The means of 100 equal stretches of training (or of as many as there are values)."""
    return [float(np.mean(part)) for part in np.array_split(values, min(CURVE_POINTS, len(values)))]


def _curve(reward: list[float], subscribed: list[float]) -> dict[str, list[float]]:
    progress = [round((place + 1) / len(reward), 4) for place in range(len(reward))]
    return {"progress": progress, "reward": reward, "subscribed": subscribed}


class _Watched:
    """A policy, and how often it decided in a state that training had met."""

    def __init__(self, policy: Policy):
        self.policy, self.decisions, self.known = policy, 0, 0

    def __call__(self, states: State, population: Population, rules: Rules, rng: np.random.Generator) -> np.ndarray:
        observations = observe_all(states, population, rules)
        self.decisions += len(observations)
        self.known += int(self.policy.known(observations).sum())
        return self.policy.act(observations, rng)


LEARNERS = {"q_learning": _q_learning, "dqn": _dqn}


@functools.lru_cache(maxsize=4)
def _worlds(data: str, setting: str, selection: bool) -> dict[str, World]:
    customers, _ = clean(load(data))
    return replay_worlds(customers, setting, selection)


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value


def run_study(jobs: list[Job], folder: str | Path, workers: int = -1, dask: str | None = None) -> list[dict]:
    """Run jobs side by side.

    Args:
        jobs: what `plan` lists.
        folder: as for `run_job`; on a cluster, one that every worker sees.
        workers: processes; -1 for as many as there are cores.
        dask: the address of a Dask scheduler, to use its workers instead.

    Returns:
        The results, in the order of the jobs.
    """
    if dask is None:
        return _parallel(jobs, folder, n_jobs=workers)
    from dask.distributed import Client

    with Client(dask), joblib.parallel_config(backend="dask"):
        return _parallel(jobs, folder)


def _parallel(jobs: list[Job], folder: str | Path, **options) -> list[dict]:
    tasks = (joblib.delayed(run_job)(job, folder) for job in jobs)
    results = joblib.Parallel(return_as="generator", **options)(tasks)
    return list(tqdm(results, total=len(jobs), desc="study", unit="job", disable=None))


#: Seconds of one core that a job of the full budget takes, measured by benchmarks/agents.py.
SECONDS = {"random": 1, "q_learning": 1, "q_learning_selection": 4, "dqn": 22, "dqn_selection": 22}


def expected_minutes(jobs: list[Job], folder: str | Path, workers: int = -1) -> float:
    """How long the jobs that have no result yet will take on this machine's cores, roughly."""
    cores = os.cpu_count() if workers < 0 else workers
    left = [job for job in jobs if not (Path(folder) / f"{job.name}.json").exists()]
    full = Budget()
    share = {
        "q_learning": lambda job: job.budget.episodes / full.episodes,
        "dqn": lambda job: job.budget.steps / full.steps,
    }
    seconds = sum(
        SECONDS.get(job.row, 1) * share.get(job.row.removesuffix("_selection"), lambda job: 1)(job) for job in left
    )
    return seconds / cores / 60


def provenance(data: str | Path, seeds: int, budget: Budget) -> dict:
    """Where a record comes from: the input's checksum, seeds, settings, versions, machine and date."""
    return {
        "input_sha256": sha256(str(data)),
        "seeds": list(range(seeds)),
        "budget": budget._asdict(),
        "rules": _by_name(RULES),
        "q_learning": Q_STUDY._asdict(),
        "dqn": _by_name(DQN_STUDY),
        **versions(),
    }


def versions() -> dict:
    """What a record was made with, and when."""
    packages = ("numpy", "pandas", "scipy", "scikit-learn", "numba", "torch", "stable-baselines3", "gymnasium")
    return {
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in packages},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "date": datetime.date.today().isoformat(),
    }


def _by_name(settings: dict) -> dict:
    return {
        f"{setting}, selection" if selection else setting: values._asdict()
        for (setting, selection), values in settings.items()
    }


def record_study(name: str, results: list[dict], source: dict, out: Path = RESULTS) -> list[Path]:
    """Write a study's results: a row a run, the learning curves over seeds, and the provenance.

    Args:
        name: of the data set, "twin" or "original".
        results: of `run_study`.
        source: of `provenance`.
        out: the folder.

    Returns:
        The files written: `study_NAME.csv`, `study_NAME_curves.csv` and `study_NAME.json`.
    """
    runs = pd.DataFrame([result["record"] for result in results])
    curves = pd.concat(
        [
            pd.DataFrame(result["curve"]).assign(**{key: result["record"][key] for key in ("setting", "row", "seed")})
            for result in results
            if result["curve"]
        ]
    )
    over_seeds = curves.groupby(["setting", "row", "progress"], sort=False).agg(
        reward=("reward", "mean"),
        reward_low=("reward", lambda values: values.quantile(0.25)),
        reward_high=("reward", lambda values: values.quantile(0.75)),
        subscribed=("subscribed", "mean"),
    )
    files = [out / f"study_{name}.csv", out / f"study_{name}_curves.csv", out / f"study_{name}.json"]
    write_whole(files[0], runs.to_csv(index=False, float_format="%.6g"))
    write_whole(files[1], over_seeds.reset_index().to_csv(index=False, float_format="%.5g"))
    write_whole(files[2], json.dumps(source, indent=1) + "\n")
    return files


def load_study(name: str = "twin", folder: Path = RESULTS) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """The recorded runs, curves and provenance of a study, by the name of the data set.

    Raises:
        DataError: there is no such record.
    """
    if not (folder / f"study_{name}.json").exists():
        raise DataError(
            f"no study of the {name} is on record. Remedy: `make study` (with ORIGINAL=file for the original)."
        )
    return (
        pd.read_csv(folder / f"study_{name}.csv"),
        pd.read_csv(folder / f"study_{name}_curves.csv"),
        json.loads((folder / f"study_{name}.json").read_text()),
    )


def data_name(data: str | Path) -> str:
    """What a record of this data is called: "twin", "original", or the file's own name for any other export."""
    known = {sha256(str(TWIN)): "twin", ORIGINAL_SHA256: "original"}
    return known.get(sha256(str(data)), Path(data).stem)
