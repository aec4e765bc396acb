"""The studies: one runner for all, which resumes to the same bytes, and a record that any machine can check."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from runs import kill_inside

from crm_rl.agents.policies import load_policy
from crm_rl.agents.reference import CONSTANTS
from crm_rl.cli import main
from crm_rl.data.load import TWIN
from crm_rl.evaluation.rollouts import metrics, play
from crm_rl.experiments import (
    budgets_study,
    comparison,
    comparison_plan,
    dqn_ablation,
    email_study,
    funnel_study,
    logs_study,
    offers_study,
)
from crm_rl.experiments.funnel_study import KEPT, ROWS, Budget, Job, load_study, plan
from crm_rl.experiments.runner import RESULTS, data_name, file_of, run, run_job
from crm_rl.experiments.studies import STUDIES
from crm_rl.files import sha256
from crm_rl.worlds.registry import worlds

#: One small job of each study of the funnel.
JOBS = {
    "funnel": Job(str(TWIN), "described", "q_learning", (0, 1), Budget(50, 50)),
    "ablation": dqn_ablation.Job(str(TWIN), "described", "no replay", (0,), 64),
    "comparison": comparison.Job(str(TWIN), "always email", 0, 0.0, (0,)),
    "comparison_why": comparison.Job(str(TWIN), "waiting", 0, 0.5, (0, 1)),
}

#: A small job of each study of Part IV, on what that study runs on.
NEIGHBOURS = {
    "email": email_study.Job(str(STUDIES["email"].input), 0, 20),
    "budgets": budgets_study.Job(str(STUDIES["budgets"].input), "price policy", 0, 1, each=1),
    "offers": offers_study.Job(str(STUDIES["offers"].input), "LinUCB", 0, 200),
    "logs": logs_study.Estimating(str(TWIN), 0.5, 1, 2, 50),
}


def small_study(folder: Path) -> int:
    """By the command line, in this very process, which has imported everything."""
    return main(
        [
            *("study", "funnel", "--data", str(TWIN), "--seeds", "2", "--budget", "1500"),
            *("--workers", "1", "--work", str(folder / "work"), "--out", str(folder / "out")),
        ]
    )


def has_finished(folder: Path, jobs: int) -> bool:
    return len(list((folder / "work").glob("*.json"))) >= jobs


def recorded(folder: Path) -> dict[str, bytes]:
    """All but the .json, which says when and where."""
    files = [path for path in (folder / "out").rglob("*") if path.suffix in (".csv", ".npz")]
    return {path.name: path.read_bytes() for path in files}


# ---- The plans ----


def test_every_row_runs_in_both_settings_with_every_seed():
    jobs = plan(str(TWIN))
    runs = [(job.setting, job.row, seed) for job in jobs for seed in job.seeds]
    assert len(runs) == len(set(runs)) == 2 * (len(ROWS) * 20 + len(CONSTANTS))
    assert {len(job.seeds) for job in jobs if job.row.startswith("dqn")} == {20}


def test_every_variant_of_the_ablation_changes_only_what_its_name_says():
    jobs = {job.variant: job for job in dqn_ablation.plan(TWIN, seeds=1) if job.setting == "described"}
    full = jobs["full"].hyper()._asdict()
    changed = {
        name: {field for field, value in job.hyper()._asdict().items() if value != full[field]}
        for name, job in jobs.items()
    }
    assert changed == {"full": set(), "no replay": {"replay"}, "no target network": {"target_network"}}


def test_a_smaller_comparison_has_fewer_worlds_and_no_more_steps():
    some = comparison_plan.plan(TWIN, seeds=2, budget=1_000)
    assert {len(job.worlds) for job in some} == {1, 3} and max(job.steps for job in some) == 1_000
    assert {job.arm for job in some} == {job.arm for job in comparison_plan.plan(TWIN)}


def many(job) -> str:
    """The field that says how often a job trains."""
    return "worlds" if "worlds" in job._fields else "seeds"


# ---- The runner, the same for every study ----


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_a_finished_job_is_not_run_again_and_leaves_one_file(job, tmp_path):
    first = run_job(job, tmp_path)
    done = file_of(job, tmp_path)
    stamp = done.stat().st_mtime_ns
    assert run_job(job, tmp_path) == first and done.stat().st_mtime_ns == stamp
    assert len(first) == len(getattr(job, many(job))) and job.seconds() > 0
    assert not done.with_suffix("").exists(), "checkpoints are cleared away"


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_a_job_is_known_by_all_it_depends_on(job, tmp_path, monkeypatch):
    other_data = tmp_path / "other.csv"
    other_data.write_bytes(TWIN.read_bytes() + b"\n")
    same_data = tmp_path / "copy.csv"
    same_data.write_bytes(TWIN.read_bytes())
    known = file_of(job, tmp_path)
    assert file_of(job._replace(data=str(same_data)), tmp_path) == known
    others = [job._replace(**{many(job): (5,)}), job._replace(data=str(other_data))]
    if "budget" in job._fields:
        others.append(job._replace(budget=Budget(51, 50)))
        monkeypatch.setattr(funnel_study, "Q_STUDY", funnel_study.Q_STUDY._replace(alpha=0.2))
        assert file_of(job, tmp_path) != known, "settings of the learner"
        monkeypatch.undo()
    assert len({known, *(file_of(other, tmp_path) for other in others)}) == 1 + len(others)


def test_a_study_killed_inside_a_job_resumes_to_the_same_bytes(tmp_path):
    """Killed twice, anywhere in the first two thirds of its 28 jobs; the last third has two networks to train."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert small_study(whole) == 0
    rng = np.random.default_rng()
    for jobs in np.sort(rng.integers(1, 18, 2)):
        reached = partial(has_finished, killed, jobs)
        kill_inside(partial(small_study, killed), reached, delay=rng.uniform(0, 0.1))
        assert has_finished(killed, jobs) and not has_finished(killed, 28)
    assert small_study(killed) == 0
    assert has_finished(killed, 28)
    assert recorded(killed) == recorded(whole) and len(recorded(whole)) == 2 + len(KEPT)
    source = json.loads((whole / "out" / "study_twin.json").read_text())
    assert source["budget"] == {"episodes": 1_500, "steps": 1_500} and source["seeds"] == [0, 1]
    assert source["input_sha256"] == sha256(str(TWIN))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a cluster with one worker, a process that has to import everything, once for all studies."""
    distributed = pytest.importorskip("dask.distributed", reason="dask.distributed is an extra; not installed here")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local:
        yield local.scheduler_address


@pytest.mark.parametrize("name", STUDIES)
def test_a_dask_cluster_gives_the_same_results(name, cluster, tmp_path):
    job = (JOBS | NEIGHBOURS)[name]
    by_cluster = run([job], tmp_path / "cluster", dask=cluster)
    assert by_cluster == [run_job(job, tmp_path / "alone")]
    assert file_of(job, tmp_path / "cluster").exists()


def test_less_than_the_study_does_not_overwrite_its_record(tmp_path):
    before = {file: file.stat().st_mtime_ns for file in RESULTS.rglob("*")}
    command = ["study", "ablation", "--data", str(TWIN), "--seeds", "1", "--budget", "50", "--workers", "1"]
    assert main([*command, "--work", str(tmp_path)]) == 0
    assert {file: file.stat().st_mtime_ns for file in RESULTS.rglob("*")} == before
    runs, curves, source = dqn_ablation.load_ablation("twin", tmp_path / "results")
    assert len(runs) == 6 and runs["reward_val"].notna().all() and source["steps"] == 50
    assert curves.groupby(["setting", "variant"]).ngroups == 6


def test_an_unknown_study_is_refused_with_those_there_are(capsys):
    assert main(["study", "everything"]) == 1
    assert "funnel, ablation, comparison" in capsys.readouterr().err


def test_a_record_goes_by_what_the_data_are_and_not_by_their_place(tmp_path):
    copy, other = tmp_path / "mine.csv", tmp_path / "spring.csv"
    copy.write_bytes(TWIN.read_bytes())
    other.write_bytes(TWIN.read_bytes() + b"\n")
    assert [data_name(TWIN), data_name(copy), data_name(other)] == ["twin", "twin", "spring"]
    assert dqn_ablation.record_for(TWIN, tmp_path) == dqn_ablation.record_for(other, tmp_path) == "twin"
    (tmp_path / "ablation_spring.json").write_text("{}")
    assert dqn_ablation.record_for(other, tmp_path) == "spring"


# ---- The committed record ----


def recorded_run(name: str, setting: str, row: str) -> pd.Series:
    runs, _, _ = load_study(name)
    return runs[(runs["setting"] == setting) & (runs["row"] == row) & (runs["seed"] == 0)].iloc[0]


@pytest.mark.parametrize("name", ["twin", "original"])
def test_the_record_is_whole_and_says_where_it_comes_from(name):
    runs, curves, source = load_study(name)
    assert source["budget"] == Budget()._asdict() and source["seeds"] == list(range(20))
    assert runs.groupby(["setting", "row"]).size().to_dict() == {
        (setting, row): 1 if row in CONSTANTS else 20
        for setting in ("described", "as_coded")
        for row in (*ROWS, *CONSTANTS)
    }
    assert curves.groupby(["setting", "row"]).size().to_dict() == {
        (setting, row): 100 for setting in ("described", "as_coded") for row in ROWS if row != "random"
    }
    ablation, _, source_of_ablation = dqn_ablation.load_ablation(name)
    assert len(ablation) == 2 * 3 * dqn_ablation.SEEDS and not ablation.isna().any(axis=None)
    assert source["input_sha256"] == source_of_ablation["input_sha256"]
    if name == "twin":
        assert source["input_sha256"] == sha256(str(TWIN)), "the twin changed: `make study`"


@pytest.mark.parametrize(("setting", "row"), sorted(KEPT))
@pytest.mark.parametrize("name", ["twin", "original"])
def test_a_recorded_policy_evaluates_to_what_was_recorded(name, setting, row, request):
    """On any processor: nothing is trained. A near tie between two actions may fall the other way for one customer."""
    data = TWIN if name == "twin" else request.getfixturevalue("original")
    policy = load_policy(RESULTS / "policies" / f"funnel_{name}-{setting}-{row}.npz")
    test = worlds(setting, ROWS[row][1], data)["test"]
    measured, was = metrics(play(test, policy, np.random.default_rng([0, 1]))), recorded_run(name, setting, row)
    assert measured["customers"] == was["customers"]
    assert abs(measured["subscribers"] - was["subscribers"]) <= 1
    assert measured["average_reward"] == pytest.approx(was["average_reward"], abs=0.15)


@pytest.mark.parametrize("setting", ["described", "as_coded"])
@pytest.mark.parametrize("row", ["random", "q_learning"])
@pytest.mark.parametrize("name", ["twin", "original"])
def test_one_seed_of_each_table_gives_the_recorded_numbers(name, row, setting, tmp_path, request):
    """A table is sums and products of doubles, one by one: the same on every machine."""
    data = TWIN if name == "twin" else request.getfixturevalue("original")
    (result,) = run_job(Job(str(data), setting, row, (0,), Budget()), tmp_path)
    numbers = [name for name, value in result["record"].items() if isinstance(value, (int, float))]
    again = pd.Series({name: float(f"{result['record'][name]:.6g}") for name in numbers})
    was = recorded_run(name, setting, row)[numbers].astype(float)
    pd.testing.assert_series_equal(again, was, check_names=False, rtol=1e-5)


def test_a_network_trained_here_learns_what_every_recorded_one_did(twin):
    """In a tenth of the steps, on another processor, with other seeds: it beats random treatment by far."""
    from crm_rl.agents.dqn import train_seeds
    from crm_rl.agents.dqn_settings import STUDY

    setting, (runs, _, _) = "as_coded", load_study("twin")
    rewards = runs[runs["setting"] == setting].groupby("row")["average_reward"]
    chance, worst = rewards.mean()["random"], rewards.min()["dqn"]
    floor = chance + 0.4 * (worst - chance)
    assert worst > floor > chance
    parts = worlds(setting, data=twin)
    for policy in train_seeds([parts["train"]] * 2, STUDY[setting, False], 10_000, [50, 51]):
        assert play(parts["test"], policy, np.random.default_rng(0)).reward.mean() > floor
