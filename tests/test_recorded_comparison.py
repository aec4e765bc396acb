"""The recorded comparison: whole, and what needs no training comes again on any machine."""

import json

import pytest

from crm_rl.agents.policies import load_policy
from crm_rl.data.load import TWIN
from crm_rl.evaluation.gain import by_group, exact_values
from crm_rl.experiments.arms import ARMS, CHOSEN_TABLE
from crm_rl.experiments.comparison import Job, constants, slug
from crm_rl.experiments.comparison_plan import ENDS, MILLION, NETWORKS, TUNING_WORLD, plan, plan_why
from crm_rl.experiments.comparison_record import load_comparison, shares
from crm_rl.experiments.runner import RESULTS
from crm_rl.worlds.nature import BOOK_WORLD
from crm_rl.worlds.responsive import BASELINE

DATA = str(TWIN)


@pytest.fixture(scope="module")
def runs():
    return load_comparison("twin")


def test_every_run_of_the_plan_is_on_record(runs):
    planned = [
        (job.arm, job.steps, job.roughness, number) for job in plan(DATA) if job.part == "all" for number in job.worlds
    ]
    there = list(runs[["arm", "steps", "roughness", "world"]].itertuples(index=False, name=None))
    assert sorted(planned) == sorted(there)


def test_it_was_made_in_the_worlds_that_the_package_makes():
    source = json.loads((RESULTS / "comparison_twin.json").read_text())
    now = json.loads(json.dumps(constants(DATA, BASELINE)))
    assert {name: source[name] for name in now} == now


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("arm", ["waiting", "optimum", "best action of each week"])
def test_who_learns_nothing_is_worth_the_same_again(runs, arm, end):
    job = Job(DATA, arm, 0, end, (BOOK_WORLD,))
    recorded = shares(runs, arm, "all", roughness=end)[BOOK_WORLD]
    assert job.run(RESULTS)[0]["all"] == pytest.approx(recorded, rel=1e-5)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("arm", NETWORKS)
def test_a_kept_network_is_worth_what_is_on_record(runs, arm, end):
    """To a percent: where two actions are worth nearly the same, the last digits of float32 decide."""
    job = Job(DATA, arm, MILLION, end, (BOOK_WORLD,))
    policy = load_policy(RESULTS / "policies" / f"comparison_twin-{slug(job)}.npz")
    world = job.parts(BOOK_WORLD)[1]
    recorded = shares(runs, arm, "all", roughness=end)[BOOK_WORLD]
    assert by_group(exact_values(policy, world), world)["all"] == pytest.approx(recorded, rel=0.01)


def test_every_arm_plays_with_what_did_best_in_its_trials():
    trials = load_comparison("twin", table="trials")
    assert set(trials["world"]) == {TUNING_WORLD}
    tried = trials[trials["arm"].isin(ARMS)].groupby(["arm", "trial"])["share"].mean()
    best = dict(tried.groupby(level=0).idxmax().to_list())
    assert {name for name, arm in ARMS.items() if arm.chosen != best[name]} == {CHOSEN_TABLE}  # chosen with hindsight


def test_what_explains_the_verdict_was_planned():
    """The second record may be a part of its plan, for the whole takes hours; each of its runs is one of the plan."""
    columns = ["arm", "steps", "roughness", "world", "seed", "lift", "expected", "hidden", "selection", "trial"]
    planned = {
        (job.arm, job.steps, job.roughness, number, *job[5:11]) for job in plan_why(DATA) for number in job.worlds
    }
    there = load_comparison("why_twin")[columns].itertuples(index=False, name=None)
    assert set(there) <= planned
