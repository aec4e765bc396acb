"""What replay and the target network do (chapter 6): DQN with each removed in turn, over many seeds, recorded.

    python -m crm_rl.experiments.dqn_ablation                     on the twin, 10 seeds, 50,000 steps, both settings
    python -m crm_rl.experiments.dqn_ablation --data FILE.xlsx    on another export

Runs leave a small file each, so that what was stopped goes on where it was.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
from tqdm import tqdm

from crm_rl.agents.library_dqn import STUDY, Hyperparameters, train_dqn
from crm_rl.data import clean, load
from crm_rl.data.load import TWIN
from crm_rl.evaluation.rollouts import play
from crm_rl.experiments.funnel_study import RESULTS, Budget, data_name, provenance
from crm_rl.files import PROJECT, write_whole
from crm_rl.worlds.replay_world import SETTINGS, replay_worlds

#: What is changed in the study's settings.
VARIANTS = {"full": {}, "no replay": {"replay": False}, "no target network": {"target_network": False}}


class Trial(NamedTuple):
    """One run: on which data (a path), in which setting, with which variant, seed and number of steps."""

    data: str
    setting: str
    variant: str
    seed: int
    steps: int

    def hyper(self) -> Hyperparameters:
        """The study's settings, with the variant's change."""
        return STUDY[self.setting, False]._replace(**VARIANTS[self.variant])

    def file(self, folder: Path) -> Path:
        """Where its result is kept; no other trial has this name."""
        content = [hashlib.sha256(Path(self.data).read_bytes()).hexdigest(), *self[1:], self.hyper()._asdict()]
        return folder / f"ablation-{hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]}.json"


def plan(data: str | Path, seeds: int = 10, steps: int = 50_000) -> list[Trial]:
    """Every trial on one data set."""
    return [
        Trial(str(data), setting, variant, seed, steps)
        for setting in SETTINGS
        for variant in VARIANTS
        for seed in range(seeds)
    ]


def run_trial(trial: Trial, folder: str | Path) -> dict:
    """Run one trial, or fetch its result.

    Returns:
        `record`: the greedy policy's mean reward on every customer of train and of val, and the mean loss and highest
        Q-value over the last tenth of training; `curve`: an entry for each 1,000 steps, as in the policy's history.
    """
    done = trial.file(Path(folder))
    if done.exists():
        return json.loads(done.read_text())
    worlds = replay_worlds(clean(load(trial.data))[0], trial.setting)
    policy = train_dqn(worlds["train"], trial.hyper(), trial.steps, trial.seed)
    rewards = {
        part: float(play(worlds[part], policy, np.random.default_rng(trial.seed)).reward.mean())
        for part in ("train", "val")
    }
    history = policy.history
    last = slice(-max(1, len(history["loss"]) // 10), None)
    record = {
        "setting": trial.setting,
        "variant": trial.variant,
        "seed": trial.seed,
        **{f"reward_{part}": reward for part, reward in rewards.items()},
        **{f"last_{name}": float(np.mean(history[name][last])) for name in ("loss", "max_q")},
    }
    curve = {name: [float(value) for value in history[name]] for name in ("step", "reward", "loss", "max_q")}
    result = {"record": record, "curve": curve}
    write_whole(done, json.dumps(result))
    return result


def record_ablation(trials: list[Trial], results: list[dict], out: Path = RESULTS) -> list[Path]:
    """Write the results of all trials on one data set.

    Returns:
        The files written: `ablation_NAME.csv` (a row a run), `ablation_NAME_curves.csv` (mean and quartiles over seeds
        for each 1,000 steps) and `ablation_NAME.json` (the provenance).
    """
    first, name = trials[0], data_name(trials[0].data)
    runs = pd.DataFrame([result["record"] for result in results])
    curves = pd.concat(
        pd.DataFrame(result["curve"]).assign(setting=trial.setting, variant=trial.variant)
        for trial, result in zip(trials, results, strict=True)
    )
    over_seeds = curves.groupby(["setting", "variant", "step"], sort=False).quantile([0.25, 0.5, 0.75]).unstack()
    over_seeds.columns = [f"{measure}_{ {0.25: 'low', 0.5: 'mid', 0.75: 'high'}[q] }" for measure, q in over_seeds]
    source = provenance(first.data, runs["seed"].nunique(), Budget(0, first.steps))
    for not_used in ("rules", "q_learning", "dqn"):
        source.pop(not_used, None)
    source["dqn"] = {
        f"{trial.setting}, {trial.variant}": trial.hyper()._asdict() for trial in trials if trial.seed == first.seed
    }
    files = [out / f"ablation_{name}{ending}" for ending in (".csv", "_curves.csv", ".json")]
    texts = [
        runs.to_csv(index=False, float_format="%.6g"),
        over_seeds.reset_index().to_csv(index=False, float_format="%.5g"),
        json.dumps(source, indent=1) + "\n",
    ]
    for file, text in zip(files, texts, strict=True):
        write_whole(file, text)
    return files


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=TWIN, help="the export (default: the twin)")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=-1, help="processes; -1 for as many as there are cores")
    parser.add_argument("--work", type=Path, default=PROJECT / "data" / "study", help="where trials keep results")
    parser.add_argument(
        "--out", type=Path, help="where the record goes (default: data/results, or WORK/results if a part)"
    )
    options = parser.parse_args()
    whole = options.seeds >= 10 and options.steps >= 50_000 and data_name(options.data) in ("twin", "original")
    out = options.out or (RESULTS if whole else options.work / "results")
    trials = plan(options.data, options.seeds, options.steps)
    print(f"{len(trials)} trials, about {len(trials) * options.steps / 5_000 / 60:.0f} minutes of one core", flush=True)
    tasks = (joblib.delayed(run_trial)(trial, options.work) for trial in trials)
    done = joblib.Parallel(return_as="generator", n_jobs=options.workers)(tasks)
    results = list(tqdm(done, total=len(trials), desc="ablation", unit="trial", disable=None))
    print("Recorded: " + ", ".join(file.name for file in record_ablation(trials, results, out)))


if __name__ == "__main__":
    main()
