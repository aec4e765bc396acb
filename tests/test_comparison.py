"""The comparison: tables find an optimum known by hand; jobs are planned, judged exactly and recorded whole."""

import json

import numpy as np
import pandas as pd
import pytest
from small_responsive import CALLS, CALLS_OPTIMUM

from crm_rl.agents.q_learning import RESPONSIVE, train_q_learning
from crm_rl.evaluation.gain import FOLDS, exact_values, folds_of, judges_of
from crm_rl.experiments.comparison import NETWORKS, SEEDS, TABLES, TUNING_SEEDS, Job, record, train_world
from crm_rl.experiments.comparison_plan import SIDE_BY_SIDE, plan
from crm_rl.experiments.runner import RESULTS, file_of, run, run_job
from crm_rl.experiments.studies import run_and_record
from crm_rl.planning.exact import all_states, optimal
from crm_rl.worlds.attributes import RESOLUTIONS, abstract
from crm_rl.worlds.base import N_ACTIONS
from crm_rl.worlds.responsive import BASELINE
from crm_rl.worlds.responsive_world import DEAL_SEED, subset

# ---- Tables and what they tell apart ----


def table(resolution: str, steps: int, seed: int = 0):
    return train_q_learning(CALLS, RESPONSIVE, None, seed, steps=steps, resolution=RESOLUTIONS[resolution])


def test_the_optimum_by_hand():
    assert optimal(CALLS.population, CALLS.rules).at_start(CALLS.population) == pytest.approx(CALLS_OPTIMUM)


def test_a_table_that_is_told_enough_finds_it_and_one_that_is_not_does_not():
    assert exact_values(table("+ country x bootcamp", 200_000), CALLS) == pytest.approx(CALLS_OPTIMUM)
    assert exact_values(table("episode only", 200_000), CALLS).sum() < sum(CALLS_OPTIMUM) - 0.5


def test_a_group_never_met_gets_any_action():
    learned = table("+ country x bootcamp", 2_000)
    there = CALLS._replace(population=CALLS.population._replace(country=np.array([0.1, 0.4])))
    states = all_states(there.population, there.rules)
    chances = learned.probabilities(states, there)
    assert (chances[states.customer == 1] == 1 / N_ACTIONS).all()
    at_start = (states.customer == 0) & (states.steps == 0) & (states.milestones == 0) & (states.contacts == 0)
    assert chances[at_start].max() == 1, "met"
    assert (chances[(states.customer == 0) & (states.milestones > 0)] == 1 / N_ACTIONS).all(), "never happens"


def test_one_seed_gives_the_same_bytes():
    tables = [table("episode only", 5_000, seed).q.tobytes() for seed in (3, 3, 4)]
    assert tables[0] == tables[1] != tables[2]


def test_every_resolution_tells_more_than_the_one_before():
    rng, people = np.random.default_rng(0), CALLS.population
    people = people._replace(inbound=rng.integers(0, 2, 300), country=rng.random(300), bootcamp=rng.random(300))
    told = [np.array([-1 if places is None else places for places in each]) for each in RESOLUTIONS.values()]
    groups = [len(np.unique(abstract(people, decimals), axis=0)) for decimals in told]
    assert groups[0] == 1 and groups == sorted(set(groups))


# ---- The plan ----


@pytest.fixture(scope="module")
def twin_jobs(twin) -> list[Job]:
    return plan(twin)


def test_no_two_jobs_share_a_file(twin_jobs, tmp_path):
    some = twin_jobs[::40]  # a name takes reading the export
    assert len(set(twin_jobs)) == len(twin_jobs)
    assert len({json.dumps(job.identity()) for job in twin_jobs}) == len(twin_jobs)
    assert len({file_of(job, tmp_path) for job in some}) == len(some)
    assert file_of(some[0]._replace(lift=9.0), tmp_path) != file_of(some[0], tmp_path)


def test_every_seed_runs_where_the_verdict_hangs(twin_jobs):
    data = twin_jobs[0].data
    for learner in ("tuned", *TABLES):
        whole = Job(data, "smooth", learner, 1_000_000, SEEDS)
        runs = [seed for job in twin_jobs if job._replace(seeds=SEEDS) == whole for seed in job.seeds]
        assert runs == list(SEEDS) and len(SEEDS) == 20


def test_tuning_has_seeds_of_its_own(twin_jobs):
    assert not set(TUNING_SEEDS) & set(SEEDS)
    assert max(len(job.seeds) for job in twin_jobs if job.learner in NETWORKS) <= SIDE_BY_SIDE


def test_the_constants_of_the_world_name_the_file(twin, tmp_path, monkeypatch):
    job = Job(str(twin), "smooth", "waiting", 0, (0,))
    before = file_of(job, tmp_path)
    monkeypatch.setattr("crm_rl.experiments.comparison.FOCUS", 4.0)
    assert file_of(job, tmp_path) != before


# ---- Judged and recorded ----


def test_a_job_is_judged_exactly_and_done_once(twin, tmp_path):
    job = Job(str(twin), "smooth", "table: + inbound", 2_000, (0, 1))
    first, second = run_job(job, tmp_path)
    judges = judges_of(str(twin), "smooth", "test", BASELINE, DEAL_SEED)
    scores = judges.scores(np.array(first["values"]))
    assert scores["gain"] == pytest.approx(first["gain_test"], abs=1e-4)
    assert scores["money"] == pytest.approx(first["money_test"], rel=1e-4)
    assert first["gain_test"] != second["gain_test"] and (first["seed"], second["seed"]) == (0, 1)
    assert judges.scores(judges.best)["gain"] == 1 and judges.scores(judges.waiting)["gain"] == 0
    file_of(job, tmp_path).write_text(json.dumps([first | {"gain_test": "from the file"}, second]))
    assert run_job(job, tmp_path)[0]["gain_test"] == "from the file"


def test_a_type_stands_for_all_customers_of_it(twin):
    data = str(twin)
    judges = judges_of(data, "rough", "test", BASELINE, 3)
    world = train_world(Job(data, "rough", "waiting", 0, (3,)), 3)
    assert judges.counts.sum() == pytest.approx(world.size() * 0.15 / 0.7, rel=0.01)
    assert set(np.unique(judges.folds)) == set(range(FOLDS))
    fold = judges.scores(judges.best, fold=2)
    assert fold["gain"] == 1 and fold["money"] != pytest.approx(judges.scores(judges.best)["money"])


def test_strangers_are_never_met_in_training(twin):
    data = str(twin)
    job = Job(data, "smooth", "waiting", 0, (7,), strangers=True)
    everybody, others = train_world(job._replace(strangers=False), 7), train_world(job, 7)
    assert 0.6 < others.size() / everybody.size() < 0.95
    sizes = np.bincount(folds_of(data))
    assert len(sizes) == FOLDS and sizes.max() - sizes.min() <= 1
    look = [np.column_stack([w.population.country, w.population.bootcamp]) for w in (others, everybody)]
    judged = judges_of(data, "smooth", "test", BASELINE, DEAL_SEED)
    strangers = subset(judged.people, judged.folds == job.fold(7))
    strange = np.column_stack([strangers.country, strangers.bootcamp])
    met = [(strange[:, None] == np.unique(rows, axis=0)[None]).all(axis=2).any(axis=1).mean() for rows in look]
    assert met[0] < 0.2 < 0.8 < met[1], "but for pairs of countries that stand alike"


def test_a_record_has_a_row_a_run_and_the_values_beside_it(twin, tmp_path):
    jobs = [Job(str(twin), "smooth", "table: episode only", 1_000, (0, 1))]
    files = record(jobs, run(jobs, tmp_path, workers=1), tmp_path / "out")
    named = {file.name.removeprefix("comparison_twin"): file for file in files}
    assert set(named) == {".csv", "_values.csv", "_kinds.csv", ".json"}
    rows, kinds = pd.read_csv(named[".csv"]), pd.read_csv(named["_kinds.csv"])
    values = pd.read_csv(named["_values.csv"], header=None)
    assert len(rows) == len(values) == 2 and rows["seed"].tolist() == [0, 1]
    assert not set(rows) & {"data", "values"}, "no path of this machine goes into a record"
    assert values.shape[1] == len(kinds)
    source = json.loads(named[".json"].read_text())
    assert source["rules"]["lift"] == 10 and source["learners"]["tuned"]["double"] and str(twin) not in source


def test_an_export_of_ones_own_is_recorded_away_from_the_books_record(twin, tmp_path, monkeypatch, capsys):
    mine = tmp_path / "mine.csv"
    mine.write_bytes(twin.read_bytes() + b"\n")  # another checksum
    from crm_rl.experiments import studies

    def one_job(data, seeds, budget):
        return [Job(str(data), "smooth", "waiting", 0, (0,))]

    monkeypatch.setitem(studies.STUDIES, "comparison", studies.STUDIES["comparison"]._replace(plan=one_job))
    list(run_and_record(["comparison"], [mine], tmp_path / "work", workers=1))
    names = {f"comparison_mine{end}" for end in (".csv", ".json", "_kinds.csv", "_values.csv")}
    assert {file.name for file in (tmp_path / "work" / "results").iterdir()} == names
    assert not list(RESULTS.glob("comparison_mine*")) and "1 jobs" in capsys.readouterr().out
