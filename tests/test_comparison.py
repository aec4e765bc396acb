"""The comparison: jobs learn where they should and are judged where they should; scores against answers by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_rl.agents.policies import load_policy
from crm_rl.data import EVENTS, customers
from crm_rl.data.load import TWIN
from crm_rl.data.problems import DataError
from crm_rl.evaluation.gain import by_group, exact_values, folds_of
from crm_rl.experiments.arms import ARMS, KNOWN
from crm_rl.experiments.comparison import Job, record, trained
from crm_rl.experiments.comparison_plan import ENDS, MILLION, TUNING_WORLD, plan
from crm_rl.experiments.comparison_record import (
    components,
    coverage,
    lead,
    load_comparison,
    score,
    shares,
    with_shares,
)
from crm_rl.worlds.nature import BOOK_WORLD

DATA = str(TWIN)
SMALL = Job(DATA, "table: + inbound", 2_000, 0.0, (0, 1))


@pytest.fixture(scope="module")
def twin():
    return customers(TWIN)[0]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> tuple[Job, Path, list[dict]]:
    """The small job among the twin's customers with a milestone and a tenth of the others; its folder; its rows.

    What is worked out for every customer of the twin takes long, and for these it is the same.
    """
    folder = tmp_path_factory.mktemp("small")
    table = pd.read_csv(TWIN, dtype=str)
    has_milestone = table[list(EVENTS.values())].notna().any(axis=1)
    table[has_milestone | (table.index % 10 == 0)].to_csv(folder / "some.csv", index=False)
    job = SMALL._replace(data=str(folder / "some.csv"))
    return job, folder / "job", job.run(folder / "job")


@pytest.mark.parametrize(("hidden", "columns"), [("pairs", ["country", "education"]), ("countries", ["country"])])
def test_unseen_customers_come_from_where_training_has_nobody(twin, hidden, columns):
    train, judged = Job(DATA, "waiting", 0, 0.0, (3,), hidden=hidden).parts(3)
    names = twin[columns].fillna("missing").astype(str).agg(" / ".join, axis=1).to_numpy()
    assert set(names[train.rows]).isdisjoint(names[judged.rows]) and len(judged.rows) > 100
    assert (folds_of(twin, hidden)[judged.rows] == 3).all()


def test_who_hides_nobody_is_judged_by_everybody_with_an_arrival():
    train, judged = SMALL.parts(0)
    assert judged.size() > 1.4 * train.size() and set(train.rows) < set(judged.rows)


def test_a_job_depends_on_the_settings_of_its_arm_and_on_the_prior(monkeypatch):
    before = SMALL.identity()
    others = [SMALL._replace(trial="rate 0.1").identity(), SMALL._replace(roughness=0.5).identity()]
    assert before not in others and others[0] != others[1]
    monkeypatch.setattr("crm_rl.experiments.comparison.FOCUS", (1.0, 2.0))
    assert SMALL.identity() != before


def test_a_job_says_what_its_policies_are_worth_and_says_it_again(small):
    job, folder, rows = small
    assert rows == job.run(folder) and [row["world"] for row in rows] == [0, 1]
    world = job.parts(1)[1]
    assert rows[1] == {"world": 1, **by_group(exact_values(trained(job)[1], world), world)}
    share = world.population.inbound.mean()
    assert rows[0]["all"] == pytest.approx(share * rows[0]["inbound"] + (1 - share) * rows[0]["outbound"])


def test_a_kept_policy_is_worth_what_its_row_says(small, tmp_path):
    job = small[0]._replace(worlds=(1, BOOK_WORLD), keep=True)
    row = job.run(tmp_path / "job")[1]
    [file] = (tmp_path / "policies").glob("*.npz")
    world = job.parts(BOOK_WORLD)[1]
    assert by_group(exact_values(load_policy(file), world), world)["all"] == pytest.approx(row["all"], rel=1e-9)


def test_everybody_has_the_same_number_of_trials_and_the_world_of_tuning_is_not_judged():
    jobs = plan(TWIN)
    logged = [job for job in jobs if job.part == "val" and job.steps]
    assert {job.worlds for job in logged} == {(TUNING_WORLD,)}
    for end in ENDS:
        tried = pd.Series([job.arm for job in logged if job.roughness == end]).value_counts()
        assert set(tried.index) == set(ARMS) and tried.nunique() == 1 and tried.min() >= 3
    assert all(TUNING_WORLD not in job.worlds for job in jobs if job.part == "all")
    assert all(arm.chosen in arm.trials for arm in ARMS.values())


@pytest.mark.parametrize("end", ENDS)
def test_every_arm_plays_a_million_weeks_at_both_ends(end):
    jobs = [job for job in plan(TWIN) if job.roughness == end and job.part == "all" and not job.hidden]
    usual = {job.arm for job in jobs if job.steps == MILLION and not job.selection and not job.expected}
    library = {"library's DQN", "library's PPO"}
    assert usual == set(ARMS) - library and {job.arm for job in jobs} == {*ARMS, *KNOWN} - library


def rows(arm, values, steps=1_000_000, **which):
    usual = {"roughness": 0.0, "lift": 6.0, "hidden": "", "seed": 0, "expected": False, "selection": False, "trial": ""}
    return [
        {
            **usual,
            **which,
            "arm": arm,
            "steps": steps,
            "world": world,
            "all": value,
            "inbound": value,
            "outbound": value,
        }
        for world, value in enumerate(values)
    ]


@pytest.fixture
def runs():
    ends = rows("waiting", [10, 10, 10], 0) + rows("optimum", [20, 30, 10.5], 0)
    return with_shares(pd.DataFrame(ends + rows("one", [15, 15, 11]) + rows("other", [12, 16, 10])))


def test_a_share_is_what_is_gained_of_what_there_is_to_gain(runs):
    np.testing.assert_allclose(shares(runs, "one"), [0.5, 0.25, np.nan])  # half a dollar is too little to quote
    np.testing.assert_allclose(shares(runs, "waiting"), [0, 0, np.nan])
    np.testing.assert_allclose(shares(runs, "optimum"), [1, 1, np.nan])


def test_a_lead_is_taken_world_by_world(runs):
    found = lead(runs, "one", "other")
    reach = 12.706 * 0.35 / 2  # Student's t with one degree of freedom; the leads are 0.3 and -0.05
    assert found["mean"] == pytest.approx(0.125)
    assert found["high"] - found["mean"] == pytest.approx(reach, rel=1e-3)


def test_a_score_has_students_interval_over_worlds():
    table = with_shares(
        pd.DataFrame(rows("waiting", [0] * 4, 0) + rows("optimum", [10] * 4, 0) + rows("one", [2, 4, 6, 8]))
    )
    found = score(table, "one")
    assert found["mean"] == pytest.approx(0.5) and found["low"] == pytest.approx(0.5 - 3.1824 * 0.2582 / 2, abs=1e-3)


def test_what_is_not_on_record_is_said(runs, tmp_path):
    with pytest.raises(DataError, match="no run of 'one'"):
        score(runs, "one", roughness=0.5)
    with pytest.raises(DataError, match="no such file"):
        load_comparison("autumn", tmp_path)
    with pytest.raises(DataError, match="without waiting"):
        with_shares(pd.DataFrame(rows("one", [1])))


def test_coverage_is_near_what_it_should_be_for_worlds_that_scatter_evenly():
    assert 0.92 < coverage(np.linspace(0, 1, 20), np.random.default_rng(0), 1_000) < 0.98


def test_components_of_a_table_made_by_hand():
    found = components(np.array([[1.0, 3.0], [5.0, 7.0]]))
    assert found["seeds"] == pytest.approx(np.sqrt(2)) and found["worlds"] == pytest.approx(np.sqrt(8 - 1))
    assert found["due to seeds"] == pytest.approx(2 / 9)


def test_components_of_a_published_table():
    """Six targets and four judges of Shrout and Fleiss (1979): ICC(1) is 0.17, its interval -0.13 to 0.72."""
    judged = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = components(np.array(judged, dtype=float))
    assert 1 - found["due to seeds"] == pytest.approx(0.17, abs=0.005)
    assert 1 - found["low"] == pytest.approx(0.72, abs=0.005) and found["high"] == 1


def test_a_record_can_be_read_again(small, tmp_path):
    job, _, rows = small
    ends = [job._replace(arm=arm, steps=0) for arm in ("waiting", "optimum")]
    shared = job._replace(worlds=job.worlds[:1])  # a world that both jobs have is on record once
    files = record([*ends, job, shared], [*(end.run(tmp_path) for end in ends), rows, rows[:1]], tmp_path)
    assert {file.name for file in files} == {"comparison_some.csv", "comparison_some.json"}
    runs = load_comparison("some", tmp_path)
    assert len(shares(runs, SMALL.arm, steps=2_000)) == 2
    source = json.loads((tmp_path / "comparison_some.json").read_text())
    assert source["arms"][SMALL.arm]["chosen"] in source["arms"][SMALL.arm]["trials"]
