"""What replay and the target network do (chapter 6): DQN with each removed in turn, over many seeds, recorded."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.agents.dqn import train_seeds
from crm_rl.agents.dqn_settings import STUDY, Hyperparameters
from crm_rl.evaluation.rollouts import play
from crm_rl.experiments.runner import RESULTS, data_name, provenance, write_record
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.replay_world import SETTINGS

#: What is changed in the study's settings.
VARIANTS = {"full": {}, "no replay": {"replay": False}, "no target network": {"target_network": False}}

#: What the book's record has.
SEEDS, STEPS = 10, 50_000


class Job(NamedTuple):
    """Some runs: on which data (a path), in which setting, with which variant, seeds and number of steps."""

    data: str
    setting: str
    variant: str
    seeds: tuple[int, ...]
    steps: int

    def hyper(self) -> Hyperparameters:
        """The study's settings, with the variant's change."""
        return STUDY[self.setting, False]._replace(**VARIANTS[self.variant])

    def identity(self) -> list:
        """All but the data, and the settings."""
        return [*self[1:], list(self.hyper())]

    def seconds(self) -> float:
        """Of one core, measured by benchmarks/agents.py."""
        return (13.0 if self.setting == "described" else 8.0) * self.steps / 100_000 * len(self.seeds)

    def run(self, folder: Path) -> list[dict]:
        """Train and evaluate.

        Returns:
            For each seed `record`: the greedy policy's mean reward on every customer of train and of val, and the mean
            loss and highest Q-value over the last tenth of training; and `curve`: an entry for each 1,000 steps, as in
            the policy's history.
        """
        parts = worlds(self.setting, False, self.data)
        train, results = [parts["train"]] * len(self.seeds), []
        policies = train_seeds(train, self.hyper(), self.steps, list(self.seeds), folder, checkpoint_every=25_000)
        for seed, policy in zip(self.seeds, policies, strict=True):
            history = policy.history
            last = slice(-max(1, len(history["loss"]) // 10), None)
            record = {"setting": self.setting, "variant": self.variant, "seed": seed}
            for part in ("train", "val"):
                record[f"reward_{part}"] = play(parts[part], policy, np.random.default_rng(seed)).reward.mean()
            record |= {f"last_{name}": np.mean(history[name][last]) for name in ("loss", "max_q")}
            curve = {name: history[name].tolist() for name in ("step", "reward", "loss", "max_q")}
            results.append({"record": record, "curve": curve})
        return results


def plan(data: str | Path, seeds: int | None = None, budget: int | None = None) -> list[Job]:
    """Every job on one data set, with 10 seeds of 50,000 steps unless said otherwise."""
    return [
        Job(str(data), setting, variant, tuple(range(seeds or SEEDS)), budget or STEPS)
        for setting in SETTINGS
        for variant in VARIANTS
    ]


def record(jobs: list[Job], results: list[list[dict]], out: Path = RESULTS) -> list[Path]:
    """Write the results of all jobs on one data set.

    Returns:
        The files written: `ablation_NAME.csv` (a row a run), `ablation_NAME_curves.csv` (mean and quartiles over seeds
        for each 1,000 steps) and `ablation_NAME.json` (the provenance).
    """
    first = jobs[0]
    runs = pd.DataFrame([result["record"] for each in results for result in each])
    curves = pd.concat(
        pd.DataFrame(result["curve"]).assign(setting=job.setting, variant=job.variant)
        for job, each in zip(jobs, results, strict=True)
        for result in each
    )
    over_seeds = curves.groupby(["setting", "variant", "step"], sort=False).quantile([0.25, 0.5, 0.75]).unstack()
    over_seeds.columns = [f"{measure}_{ {0.25: 'low', 0.5: 'mid', 0.75: 'high'}[q] }" for measure, q in over_seeds]
    source = {
        "seeds": list(first.seeds),
        "steps": first.steps,
        "dqn": {f"{job.setting}, {job.variant}": job.hyper()._asdict() for job in jobs},
        **provenance(first.data),
    }
    return write_record(
        out / f"ablation_{data_name(first.data)}",
        source,
        runs=runs.to_csv(index=False, float_format="%.6g"),
        curves=over_seeds.reset_index().to_csv(index=False, float_format="%.5g"),
    )


def load_ablation(name: str = "twin", folder: Path = RESULTS) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    """The recorded runs, curves and provenance, by the name of the data set."""
    return (
        pd.read_csv(folder / f"ablation_{name}.csv"),
        pd.read_csv(folder / f"ablation_{name}_curves.csv"),
        json.loads((folder / f"ablation_{name}.json").read_text()),
    )


def record_for(data: str | Path, folder: Path = RESULTS) -> str:
    """Whose record to show beside this data: its own, or the twin's if it has none."""
    name = data_name(data)
    return name if (folder / f"ablation_{name}.json").exists() else "twin"
