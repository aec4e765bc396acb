"""The recorded rematch: a sample of it is run again, and what it rests on has not changed."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest

from crm_rl.data.load import TWIN
from crm_rl.experiments.comparison import (
    KINDS,
    KNOWN,
    NETWORKS,
    TABLES,
    Job,
    constants,
    run_job,
    selection,
    strangers,
    verdict,
)
from crm_rl.experiments.comparison_plan import plan
from crm_rl.experiments.comparison_record import load_comparison, runs_of
from crm_rl.worlds.responsive import BASELINE

#: What a network's share of the gain may differ by on another processor.
NETWORK_TOLERANCE = 0.1

SAMPLE = [
    *(Job("", world, learner, 0, (0,)) for world in KINDS for learner in KNOWN),
    *(Job("", "smooth", learner, 100_000, (0,)) for learner in TABLES),
    Job("", "rough", "table: + standings, 1 decimal", 100_000, (0, 1)),
    Job("", "smooth", "table: + inbound", 100_000, (0,), expected=False),
    Job("", "rough", "table: + country x bootcamp", 100_000, (1,), strangers=True),
    Job("", "rough", "table that emails: + country x bootcamp", 100_000, (3,)),
    Job("", "rough", "rule of thumb", 0, (0,)),
    Job("", "rough", "plan for groups: + standings to halves", 0, (7,)),
    Job("", "smooth", "one-step greedy", 100_000, (0,)),
    Job("", "smooth", "fitted Q iteration", 100_000, (0,)),
    Job("", "smooth", "fixed mask 7", 0, (0,), selection=True),
    Job("", "smooth", "tuned", 10_000, (0, 1)),
]


@pytest.mark.parametrize("job", SAMPLE, ids=lambda job: f"{job.world}, {job.learner}, {job.steps}, {job.seeds}")
def test_what_is_on_record_comes_again(job, tmp_path):
    record = load_comparison("twin")
    again = run_job(job._replace(data=str(TWIN)), tmp_path)
    which = {name: getattr(job, name) for name in ("world", "expected", "strangers", "selection")}
    recorded = runs_of(record, job.learner, job.steps, **which).set_index("seed").loc[list(job.seeds)]
    for row, (_, known) in zip(again, recorded.iterrows(), strict=True):
        for score in ("gain_val", "gain_test", "gain_inbound_test", "gain_outbound_test"):
            if job.learner in NETWORKS:
                assert row[score] == pytest.approx(known[score], abs=NETWORK_TOLERANCE)
            else:
                assert row[score] == pytest.approx(known[score], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", ["twin", "original"])
def test_everything_that_is_planned_is_on_record_and_nothing_else(name):
    """The parts that both data sets have do not depend on the data; the rest is run on the twin."""
    jobs = plan(TWIN) if name == "twin" else [job for part in (verdict, strangers, selection) for job in part("")]
    columns = ["world", "learner", "steps", "lift", "organic", "expected", "strangers", "selection"]
    planned = {(*(getattr(job, column) for column in columns), seed) for job in jobs for seed in job.seeds}
    record = load_comparison(name)
    runs = pd.concat([record.runs, record.tuning])[[*columns, "seed"]]
    assert set(runs.itertuples(index=False, name=None)) == planned


@pytest.mark.parametrize("name", ["twin", "original"])
def test_values_on_record_give_the_scores_on_record(name):
    record = load_comparison(name)
    counts = record.kinds["customers"].to_numpy()
    everybody = ~record.runs["strangers"].to_numpy()
    money = record.values @ counts / counts.sum()
    np.testing.assert_allclose(money[everybody], record.runs["money_test"][everybody], rtol=2e-4)


def test_the_record_was_made_in_this_world_and_with_these_settings():
    record = load_comparison("twin")
    assert record.source["input_sha256"] == hashlib.sha256(TWIN.read_bytes()).hexdigest(), (
        "the twin changed: make study"
    )
    now = json.loads(json.dumps(constants(str(TWIN), BASELINE)))
    assert {name: record.source[name] for name in now} == now, "the world changed: make study"
    settings = {name: json.loads(json.dumps(one._asdict())) for name, one in (NETWORKS | TABLES).items()}
    assert {name: record.source["learners"][name] for name in settings} == settings, "learners changed: make study"
    assert not pd.Index(record.source).isin(["data", "path"]).any()
