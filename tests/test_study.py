"""The study: what is planned, that it resumes to the same bytes, and that the record is what this code gives."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from crm_rl.data.load import TWIN
from crm_rl.experiments.funnel_study import CONSTANT_ROWS, ROWS, Budget, Job, load_study, plan
from crm_rl.experiments.runner import RESULTS, data_name, run_job
from crm_rl.files import PROJECT

SMALL = 2_000


def study_command(folder, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "crm_rl", "study", "--data", str(TWIN), "--seeds", "1", "--budget", str(SMALL)),
        *("--workers", "1", "--work", str(folder / "work"), "--out", str(folder / "out"), *more),
    ]


def recorded(folder) -> dict[str, bytes]:
    names = ("study_twin.csv", "study_twin_curves.csv")
    return {name: (folder / "out" / name).read_bytes() for name in names}


def test_every_row_runs_in_both_settings_with_every_seed():
    jobs = plan(str(TWIN), 20, Budget())
    learned = [job for job in jobs if job.row in ROWS]
    assert len(learned) == 2 * 5 * 20
    assert len(jobs) == len(learned) + 2 * len(CONSTANT_ROWS)
    assert len({job.name for job in jobs}) == len(jobs)


def test_another_budget_is_another_job():
    job = Job(str(TWIN), "described", "dqn", 0, Budget())
    assert job.name != job._replace(budget=Budget(steps=1)).name


def test_a_finished_job_is_not_run_again(tmp_path):
    job = Job(str(TWIN), "described", "q_learning", 0, Budget(50, 50))
    first = run_job(job, tmp_path)
    (done,) = tmp_path.glob("*.json")
    stamp = done.stat().st_mtime_ns
    assert run_job(job, tmp_path) == first
    assert done.stat().st_mtime_ns == stamp
    assert not (tmp_path / job.name).exists(), "checkpoints are cleared away"


def test_a_study_killed_inside_a_job_resumes_to_the_same_bytes(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    subprocess.run(study_command(whole), check=True, capture_output=True, env=environment)
    lasted = time.monotonic() - began
    rng = np.random.default_rng()
    for _ in range(3):
        run = subprocess.Popen(
            study_command(killed),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        time.sleep(lasted * rng.uniform(0.2, 0.8))
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    subprocess.run(study_command(killed), check=True, capture_output=True, env=environment)
    assert recorded(killed) == recorded(whole)
    source = json.loads((whole / "out" / "study_twin.json").read_text())
    assert source["budget"] == {"episodes": SMALL, "steps": SMALL} and len(source["input_sha256"]) == 64


def test_a_dask_cluster_gives_the_same_record(tmp_path):
    distributed = pytest.importorskip("dask.distributed", reason="dask.distributed is an extra; not installed here")
    alone, cluster = tmp_path / "alone", tmp_path / "cluster"
    subprocess.run(study_command(alone), check=True, capture_output=True)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as local:
        subprocess.run(study_command(cluster, "--dask", local.scheduler_address), check=True, capture_output=True)
    assert recorded(cluster) == recorded(alone)


#: What a network's result may differ by on another processor: customers, and points of average reward.
NETWORK_TOLERANCE = {"subscribers": 6, "average_reward": 15.0}


def test_less_than_the_study_does_not_overwrite_its_record(tmp_path):
    before = {file: file.read_bytes() for file in RESULTS.glob("study_*")}
    command = [sys.executable, "-m", "crm_rl", "study", "--data", str(TWIN), "--seeds", "1", "--budget", "50"]
    subprocess.run([*command, "--workers", "1", "--work", str(tmp_path)], check=True, capture_output=True)
    assert {file: file.read_bytes() for file in RESULTS.glob("study_*")} == before
    assert (tmp_path / "results" / "study_twin.csv").exists()


def test_a_record_goes_by_what_the_data_are_and_not_by_their_place(tmp_path):
    copy, other = tmp_path / "mine.csv", tmp_path / "spring.csv"
    copy.write_bytes(TWIN.read_bytes())
    other.write_bytes(TWIN.read_bytes() + b"\n")
    assert [data_name(TWIN), data_name(copy), data_name(other)] == ["twin", "twin", "spring"]


@pytest.mark.parametrize("setting", ["described", "as_coded"])
@pytest.mark.parametrize("row", ["random", "q_learning", "q_learning_selection"])
def test_one_seed_of_each_table_gives_what_was_recorded_on_the_original(row, setting, original, tmp_path):
    runs, _, source = load_study("original")
    assert data_name(original) == "original" and source["budget"] == Budget()._asdict()
    recorded_run = runs[(runs["setting"] == setting) & (runs["row"] == row) & (runs["seed"] == 0)].iloc[0]
    measured = run_job(Job(str(original), setting, row, 0, Budget()), tmp_path)["record"]
    numbers = [name for name, value in measured.items() if isinstance(value, (int, float))]
    again = pd.Series({name: float(f"{measured[name]:.6g}") for name in numbers})
    pd.testing.assert_series_equal(again, recorded_run[numbers].astype(float), check_names=False, rtol=1e-5)


@pytest.mark.parametrize("setting", ["described", "as_coded"])
@pytest.mark.parametrize("row", ROWS)
def test_one_seed_of_each_row_gives_the_recorded_numbers(row, setting, tmp_path):
    if not (RESULTS / "study_twin.csv").exists():
        pytest.fail("there is no recorded study; run `make study`")
    runs, _, source = load_study("twin")
    budget = Budget(**source["budget"])
    recorded_run = runs[(runs["setting"] == setting) & (runs["row"] == row) & (runs["seed"] == 0)].iloc[0]
    measured = run_job(Job(str(TWIN), setting, row, 0, budget), tmp_path)["record"]
    numbers = [name for name, value in measured.items() if isinstance(value, (int, float))]
    if row.startswith("dqn"):
        for name, tolerance in NETWORK_TOLERANCE.items():
            assert abs(measured[name] - recorded_run[name]) <= tolerance, name
    else:
        again = pd.Series({name: float(f"{measured[name]:.6g}") for name in numbers})
        pd.testing.assert_series_equal(again, recorded_run[numbers].astype(float), check_names=False, rtol=1e-5)


def test_the_record_names_the_twin_it_was_made_on():
    import hashlib

    _, _, source = load_study("twin")
    assert source["input_sha256"] == hashlib.sha256(TWIN.read_bytes()).hexdigest(), "the twin changed: `make study`"
    assert (PROJECT / "data" / "results").is_dir()
