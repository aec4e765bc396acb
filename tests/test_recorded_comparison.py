"""The recorded comparison: what needs no training comes again, and what learns clears a floor far below the record."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch

from crm_rl.agents.dqn import train_dqn
from crm_rl.data.load import TWIN
from crm_rl.evaluation.gain import exact_values, judges_of
from crm_rl.experiments.comparison import KNOWN, NETWORKS, Job, constants, train_world
from crm_rl.experiments.comparison_plan import plan, selection, strangers, verdict
from crm_rl.experiments.comparison_record import load_comparison, runs_of
from crm_rl.experiments.runner import run_job
from crm_rl.worlds.responsive import BASELINE
from crm_rl.worlds.responsive_world import DEAL_SEED, KINDS

torch.set_num_threads(1)

SCORES = ("gain_val", "gain_test", "gain_inbound_test", "gain_outbound_test", "money_test")

#: What no experience changes is arithmetic in float64: the same on every machine, but for the digits on record.
UNTAUGHT = [
    *(Job("", world, learner, 0, (0,)) for world in KINDS for learner in (*KNOWN, "always email")),
    Job("", "smooth", "one plan for everybody", 0, (0,)),
    Job("", "rough", "rule of thumb", 0, (0,)),
    Job("", "smooth", "plan for groups: + country x bootcamp", 0, (0,)),
    Job("", "rough", "plan for groups: + standings to halves", 0, (7,)),
    Job("", "smooth", "fixed mask 7", 0, (0,), selection=True),
]

#: A job that learns, and the share of the gain that it clears whatever the processor; every recorded seed is at least
#: 0.1 above it.
FLOORS = [
    (Job("", "smooth", "table: + standings to halves", 100_000, (0,)), 0.65),
    (Job("", "smooth", "table: + country x bootcamp", 100_000, (0,)), 0.5),
    (Job("", "rough", "table: + country x bootcamp", 100_000, (1,)), 0.4),
    (Job("", "smooth", "table: + inbound", 100_000, (0,), expected=False), 0.4),
    (Job("", "smooth", "one-step greedy", 10_000, (0,)), 0.7),
    (Job("", "smooth", "fitted Q iteration", 10_000, (0,)), 0.5),
]


def name_of(job: Job) -> str:
    return f"{job.world}, {job.learner}, {job.steps}, {job.seeds}"


@pytest.fixture(scope="module")
def twin_record():
    return load_comparison("twin")


def recorded_runs(record, job: Job) -> pd.DataFrame:
    which = {name: getattr(job, name) for name in ("world", "expected", "strangers", "selection")}
    return runs_of(record, job.learner, job.steps, **which).set_index("seed")


@pytest.mark.parametrize("job", UNTAUGHT, ids=name_of)
def test_what_learns_nothing_comes_again(job, twin_record, tmp_path):
    (again,) = run_job(job._replace(data=str(TWIN)), tmp_path)
    known = recorded_runs(twin_record, job).loc[job.seeds[0]]
    for score in SCORES:
        assert again[score] == pytest.approx(known[score], rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(("job", "floor"), FLOORS, ids=[name_of(job) for job, _ in FLOORS])
def test_what_learns_clears_a_floor_far_below_every_recorded_seed(job, floor, twin_record, tmp_path):
    assert recorded_runs(twin_record, job)["gain_test"].min() > floor + 0.1
    (again,) = run_job(job._replace(data=str(TWIN)), tmp_path)
    assert floor < again["gain_test"] < 1


def test_a_small_network_clears_a_floor_far_below_every_recorded_seed(twin_record):
    """Fewer updates than on record, of smaller batches: it learns within seconds."""
    floor, job = 0.35, Job(str(TWIN), "smooth", "tuned", 20_000, (0,))
    assert recorded_runs(twin_record, job._replace(steps=10_000))["gain_test"].min() > floor + 0.3
    small = {"scale_to_budget": False, "batch_size": 64, "train_every": 16, "learning_starts": 1_000}
    hyper = NETWORKS["tuned"]._replace(target_every=200, **small)
    policy = train_dqn(train_world(job, 0), hyper, job.steps, seed=0)
    judges = judges_of(job.data, "smooth", "test", BASELINE, DEAL_SEED)
    assert floor < judges.scores(exact_values(policy, judges.world()))["gain"] < 1


@pytest.mark.parametrize("name", ["twin", "original"])
def test_everything_that_is_planned_is_on_record(name):
    """The parts that both data sets have do not depend on the data; the rest is run on the twin."""
    jobs = plan(TWIN) if name == "twin" else [job for part in (verdict, strangers, selection) for job in part("")]
    columns = ["world", "learner", "steps", "lift", "organic", "expected", "strangers", "selection"]
    planned = {(*(getattr(job, column) for column in columns), seed) for job in jobs for seed in job.seeds}
    record = load_comparison(name)
    runs = pd.concat([record.runs, record.tuning])[[*columns, "seed"]]
    assert planned <= set(runs.itertuples(index=False, name=None))


@pytest.mark.parametrize("name", ["twin", "original"])
def test_values_on_record_give_the_scores_on_record(name):
    record = load_comparison(name)
    counts = record.kinds["customers"].to_numpy()
    everybody = ~record.runs["strangers"].to_numpy()
    money = record.values @ counts / counts.sum()
    np.testing.assert_allclose(money[everybody], record.runs["money_test"][everybody], rtol=2e-4)


def test_the_record_was_made_in_this_world(twin_record):
    source = twin_record.source
    assert source["input_sha256"] == hashlib.sha256(TWIN.read_bytes()).hexdigest(), "the twin changed: make study"
    now = json.loads(json.dumps(constants(str(TWIN), BASELINE)))
    both = now.keys() & source.keys()
    assert {"rules", "base_rates", "home", "focus", "fixed_seeds", "folds"} <= both
    assert {name: source[name] for name in both} == {name: now[name] for name in both}, "the world changed: make study"
    assert not pd.Index(source).isin(["data", "path"]).any()
