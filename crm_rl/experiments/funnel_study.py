"""The published study, many times over (chapter 8): five rows, two settings, many seeds, recorded.

A job trains one row of the table with some seeds and evaluates each policy on every test customer.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from crm_rl.agents.dqn_settings import STUDY as DQN_STUDY
from crm_rl.agents.policies import Policy
from crm_rl.agents.q_learning import STUDY as Q_STUDY
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.agents.reference import CONSTANTS, random_policy
from crm_rl.data.features import PUBLISHED_FEATURES
from crm_rl.data.problems import DataError
from crm_rl.evaluation.rollouts import feature_use, metrics, play
from crm_rl.experiments.runner import RESULTS, data_name, provenance, write_record
from crm_rl.worlds.base import Action, World
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.replay_settings import PARAMS
from crm_rl.worlds.replay_world import SETTINGS

#: The five rows of the study's table: what learns, and whether it selects features. Random selects none.
ROWS = {
    "random": (None, False),
    "q_learning": ("q_learning", False),
    "q_learning_selection": ("q_learning", True),
    "dqn": ("dqn", False),
    "dqn_selection": ("dqn", True),
}

CURVE_POINTS = 100

#: What the book's record has; less of it is recorded elsewhere, so that nobody overwrites the book by trying.
SEEDS = 20

#: How many networks learn side by side in one job.
SIDE_BY_SIDE = 20

#: Rows whose first policy is kept with the record, so that any machine can evaluate it; the others' tables are large.
KEPT = {("described", row) for row in ROWS if row != "random"}
KEPT |= {("as_coded", row) for row in ("q_learning", "dqn", "dqn_selection")}


class Budget(NamedTuple):
    """How long each learner trains: `episodes` of Q-learning, `steps` of DQN. The study's are 100,000 of each."""

    episodes: int = 100_000
    steps: int = 100_000


class Job(NamedTuple):
    """Some runs of one row: on which data (a path), in which setting, with which seeds and budget."""

    data: str
    setting: str
    row: str
    seeds: tuple[int, ...]
    budget: Budget

    def identity(self) -> list:
        """All but the data, and the learner's settings."""
        learner, selection = ROWS.get(self.row, (None, False))
        hyper = {"q_learning": Q_STUDY, "dqn": DQN_STUDY[self.setting, selection]}.get(learner, ())
        return [*self[1:], list(hyper)]

    def seconds(self) -> float:
        """Of one core, measured by benchmarks/agents.py."""
        learner, selection = ROWS.get(self.row, (None, False))
        each = {
            None: 1.0,
            "q_learning": (4.0 if selection else 1.0) * self.budget.episodes / Budget().episodes,
            "dqn": (13.0 if self.setting == "described" else 8.0) * self.budget.steps / Budget().steps,
        }
        return each[learner] * len(self.seeds)

    def run(self, folder: Path) -> list[dict]:
        """Train and evaluate.

        Returns:
            For each seed `record`, one number or text a measure, and `curve`: per 1% of training, the mean episode
            reward and the share subscribed (empty for what does not learn).
        """
        learner, selection = ROWS.get(self.row, (None, False))
        parts = worlds(self.setting, selection, self.data)
        if learner == "q_learning":
            trained = [
                train_q_learning(parts["train"], Q_STUDY, self.budget.episodes, seed, folder / str(seed))
                for seed in self.seeds
            ]
        elif learner == "dqn":
            from crm_rl.agents.dqn import train_seeds  # who reads the record need not wait for PyTorch

            hyper, train = DQN_STUDY[self.setting, selection], [parts["train"]] * len(self.seeds)
            trained = train_seeds(train, hyper, self.budget.steps, list(self.seeds), folder, checkpoint_every=50_000)
        else:
            trained = [CONSTANTS.get(self.row, random_policy)] * len(self.seeds)
        if learner is not None and 0 in self.seeds and (self.setting, self.row) in KEPT:
            replace(trained[self.seeds.index(0)], history={}).save(folder.parent / "policies" / self.policy_name())
        return [self._result(parts["test"], seed, policy) for seed, policy in zip(self.seeds, trained, strict=True)]

    def policy_name(self) -> str:
        """The file in which the policy of seed 0 is kept with the record."""
        return f"funnel_{data_name(self.data)}-{self.setting}-{self.row}.npz"

    def _result(self, test: World, seed: int, policy: Policy) -> dict:
        watched = _Watched(policy)
        episodes = play(test, watched, np.random.default_rng([seed, 1]))
        chosen = episodes.actions.sum(axis=0) / max(1, episodes.actions.sum())
        names = [feature.name for feature in PUBLISHED_FEATURES]
        record = {
            "setting": self.setting,
            "row": self.row,
            "seed": seed,
            **metrics(episodes),
            **_facts(policy),
            **watched.facts(),
            **{f"action_{action.name.lower()}": chosen[action] for action in Action},
            **{f"visible_{name}": share for name, share in zip(names, feature_use(episodes), strict=True)},
        }
        return {"record": record, "curve": _curve(policy)}


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None, settings=SETTINGS) -> list[Job]:
    """Every job of a study of one data set, with 20 seeds and the study's budget unless said otherwise.

    What learns nothing and chooses nothing at random runs once.
    """
    lengths = Budget() if budget is None else Budget(budget, budget)
    return [
        Job(str(data), setting, row, tuple(range(first, min(first + group, many))), lengths)
        for setting in settings
        for row in (*ROWS, *CONSTANTS)
        for many in [1 if row in CONSTANTS else seeds or SEEDS]
        for group in [SIDE_BY_SIDE if row.startswith("dqn") else 1]
        for first in range(0, many, group)
    ]


class _Watched:
    """A policy, and how often it decided in a state that training had met."""

    def __init__(self, policy: Policy):
        self.policy, self.decisions, self.known = policy, 0, 0

    def __call__(self, states: Any, world: World, rng: np.random.Generator) -> np.ndarray:
        if hasattr(self.policy, "known"):
            self.decisions += len(states.customer)
            self.known += int(self.policy.known(states, world).sum())
        return self.policy(states, world, rng)

    def facts(self) -> dict:
        """The share of decisions in met states, of what learns."""
        return {"known_share": self.known / self.decisions} if self.decisions else {}


def _facts(policy: Policy) -> dict:
    about = getattr(policy, "about", {})
    if "episodes" in about:
        return {"states": len(policy.q), "training_steps": about["steps"], "epsilon": about["epsilon"]}
    if about:
        return {"training_steps": about["steps"], "epsilon": about["hyper"]["epsilon_end"]}
    return {}


def _curve(policy: Policy) -> dict[str, list[float]]:
    """The means of 100 equal stretches of training (or of as many as there are values)."""
    history = getattr(policy, "history", {})
    if not history:
        return {}
    points = min(CURVE_POINTS, len(history["reward"]))
    means = {
        name: [float(np.mean(part)) for part in np.array_split(history[name], points)]
        for name in ("reward", "subscribed")
    }
    return {"progress": [round((place + 1) / points, 4) for place in range(points)], **means}


def _by_name(settings: dict) -> dict:
    return {
        f"{setting}, selection" if selection else setting: values._asdict()
        for (setting, selection), values in settings.items()
    }


def record(jobs: list[Job], results: list[list[dict]], out: Path = RESULTS) -> list[Path]:
    """Write a study's results: a row a run, the learning curves over seeds, and where they come from.

    Args:
        jobs: what was run, on one export.
        results: of these jobs, in their order.
        out: the folder.

    Returns:
        The files written: `study_NAME.csv`, `study_NAME_curves.csv` and `study_NAME.json`.
    """
    data = jobs[0].data
    source = {
        "seeds": sorted({seed for job in jobs for seed in job.seeds}),
        "budget": jobs[0].budget._asdict(),
        "rules": _by_name(PARAMS),
        "q_learning": Q_STUDY._asdict(),
        "dqn": _by_name(DQN_STUDY),
        **provenance(data),
    }
    each = [result for results_of_job in results for result in results_of_job]
    runs = pd.DataFrame([result["record"] for result in each])
    curves = pd.concat(
        [
            pd.DataFrame(result["curve"]).assign(**{key: result["record"][key] for key in ("setting", "row", "seed")})
            for result in each
            if result["curve"]
        ]
    )
    over_seeds = curves.groupby(["setting", "row", "progress"], sort=False).agg(
        reward=("reward", "mean"),
        reward_low=("reward", lambda values: values.quantile(0.25)),
        reward_high=("reward", lambda values: values.quantile(0.75)),
        subscribed=("subscribed", "mean"),
    )
    return write_record(
        out / f"study_{data_name(data)}",
        source,
        runs=runs.to_csv(index=False, float_format="%.6g"),
        curves=over_seeds.reset_index().to_csv(index=False, float_format="%.5g"),
    )


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
