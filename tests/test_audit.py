"""The audit finds what was planted, and says nothing where nothing was; its numbers are those worked out by hand."""

import gymnasium
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from tiny_worlds import world

from crm_rl.agents.reference import constant_policy
from crm_rl.data import customers as cached_customers
from crm_rl.evaluation.audit.case import FAULT, FINE, LOOK, SKIPPED, UNSURE, Case, replay_case
from crm_rl.evaluation.audit.checks import audit, which_denominator
from crm_rl.evaluation.audit.lab import LETTERS, PLANTED, lab_case
from crm_rl.evaluation.audit.numbers import (
    against,
    codes_agree,
    floor_and_ceiling,
    missing_by_part,
    one_line_rules,
    rates_by_part,
    shuffled_scores,
    states_met,
)
from crm_rl.evaluation.power import detectable_gain, power_paired, smallest_significant
from crm_rl.evaluation.rollouts import play
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay_settings import AS_CODED

#: The first words of the question that finds each planted fault.
FINDS = {
    "denominator of another population": "Is the baseline",
    "label in the features": "Does a feature give",
    "too few events": "Are there enough",
    "test sorted by missingness": "Are gaps",
    "actions without effect": "Do the actions",
    "codes refitted in each part": "Does a code",
}


# ---- The lab -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", LETTERS)
def test_the_audit_finds_what_was_planted_and_nothing_else(letter):
    report, fault = audit(lab_case(letter)), PLANTED[letter]
    if fault == "nothing":
        assert set(report.table()["verdict"]) == {FINE}
    else:
        assert [question.startswith(FINDS[fault]) for question in report.faults()] == [True]


def test_a_case_and_its_report_are_the_same_each_time():
    assert audit(lab_case("G"))._repr_html_() == audit(lab_case("G"))._repr_html_()


def test_a_right_baseline_is_hardly_ever_called_a_fault_and_a_wrong_one_always():
    """Of 500 companies chance makes a fault of one in a thousand, and looks at one in twenty."""
    rows, rng = part(bought=[True] * 12 + [False] * 1988), np.random.default_rng(0)

    def verdicts(claimed: float, companies: int) -> list[str]:
        case = Case(parts={"train": rows, "test": rows}, label="bought", policies={"wait": 0}, reference="wait",
                    claimed_base=claimed)  # fmt: skip
        return [which_denominator(case, {"wait": rng.random(2000) < 0.06}).verdict for _ in range(companies)]

    right = verdicts(0.06, 500)
    assert right.count(FAULT) <= 3 and 0.02 < right.count(LOOK) / 500 < 0.08
    assert set(verdicts(0.018, 50)) == {FAULT}


def test_there_is_no_eighth_case():
    with pytest.raises(ValueError, match="Remedy"):
        lab_case("H")


# ---- A case --------------------------------------------------------------------------------------------------------


def part(**columns) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_a_case_without_anything_but_tables_is_audited_as_far_as_it_goes():
    rows = part(bought=[True] * 12 + [False] * 88)
    report = audit(Case(parts={"train": rows, "test": rows}, label="bought"))
    verdicts = report.table()["verdict"].tolist()
    assert verdicts.count(SKIPPED) == 7 and set(verdicts) == {FINE, SKIPPED}


def test_a_case_names_what_is_missing():
    rows = part(bought=[True, False])
    with pytest.raises(ValueError, match="no column age.*Remedy"):
        Case(parts={"train": rows, "test": rows}, label="bought", features=["age"])
    with pytest.raises(ValueError, match="not among the policies.*Remedy"):
        Case(parts={"train": rows, "test": rows}, label="bought", candidate="agent")
    with pytest.raises(ValueError, match="without a reference.*Remedy"):
        Case(parts={"train": rows, "test": rows}, label="bought", policies={"agent": 1})


def test_a_report_is_a_table_in_a_notebook_and_text_elsewhere():
    rows = part(bought=[True] * 12 + [False] * 88)
    report = audit(Case(parts={"train": rows, "test": rows}, label="bought"))
    assert "<table" in report._repr_html_() and "Is test like train?" in repr(report)
    assert report.verdict("Is test like") == FINE and report.faults() == []


def small_case(**more) -> Case:
    """100 customers of whom 12 buy unasked; policy k, played, wins the k customers after them."""
    rows = part(bought=[True] * 12 + [False] * 88)
    return Case(
        parts={"train": rows, "test": rows},
        label="bought",
        reference="wait",
        play=lambda k, rng: np.arange(100) < 12 + k,
        **more,
    )


def test_the_reference_is_the_one_that_is_named_wherever_it_stands():
    """The rate of waiting is 12 of 100, and not the 52 of an agent that is listed first."""
    report = audit(small_case(policies={"agent": 40, "wait": 0}, candidate="agent", claimed_base=0.12))
    answers = report.table().set_index("question")["answer"]
    assert answers["Is the baseline of these customers?"].startswith(
        "claimed 12.00%; wait on the test customers: 12 of"
    )
    assert answers["Are there enough successes?"].startswith("12 of 100")
    assert report.verdict("Is the baseline") == report.verdict("Are there enough") == FINE


def test_enough_successes_are_not_enough_where_fewer_depend_on_the_policy_than_a_test_could_see():
    few = audit(small_case(policies={"wait": 0, "agent": 3}))
    assert few.verdict("Are there enough") == LOOK
    assert "gain of 8 customers would be seen four times in five if none is lost, and 3 depend on" in repr(few)
    assert audit(small_case(policies={"wait": 0, "agent": 8})).verdict("Are there enough") == FINE


def test_recorded_successes_are_called_so():
    rows = part(bought=[True] * 12 + [False] * 88)
    said = repr(audit(Case(parts={"train": rows, "test": rows}, label="bought")))
    assert "on record" in said and "without doing anything" not in said


@pytest.mark.parametrize(
    ("wins", "known", "verdict"),
    [
        (lambda as_it_is: 10 if as_it_is else 0, 1.0, FINE),  # worse with shuffled outcomes
        (lambda as_it_is: 10, 1.0, LOOK),  # no worse, though ten customers depend on the policy
        (lambda as_it_is: 10, 0.4, UNSURE),  # chance decides for six of ten, whatever was learned
    ],
)
def test_shuffling_that_does_not_hurt_says_something_only_where_it_could_have_hurt(wins, known, verdict):
    case = small_case(
        policies={"wait": 0, "agent": 10},
        known=np.arange(100) < 100 * known,
        retrain=lambda order: wins(bool((order == np.arange(100)).all())),
    )
    assert audit(case).verdict("Does shuffling") == verdict


def test_shuffling_cannot_hurt_successes_that_no_policy_can_change_but_it_can_hurt_a_finer_score():
    def case(**more):
        return small_case(
            policies={"wait": 0, "agent": 3},
            retrain=lambda order: 3 if (order == np.arange(100)).all() else 3 - 1e-6,
            **more,
        )

    assert audit(case()).verdict("Does shuffling") == UNSURE
    report = audit(case(score=lambda policy, rng: policy))
    assert report.verdict("Does shuffling") == FINE and "15 successes; with shuffled outcomes 15 to 15" in repr(report)


# ---- Each check ----------------------------------------------------------------------------------------------------


def test_rates_by_part():
    rates = rates_by_part({"a": part(x=[True, False]), "b": part(x=[False] * 4)}, "x")
    assert rates["rate %"].tolist() == [50, 0]


def test_gaps_are_counted_with_what_they_tell():
    train = part(day=[1.0, 2.0], bought=[False, True])
    test = part(day=[np.nan, 1.0, np.nan], bought=[True, False, False])
    gaps = missing_by_part({"train": train, "test": test}, "bought").loc["day"]
    assert gaps.to_dict() == {
        "train %": 0, "test %": pytest.approx(200 / 3),
        "missing": 2, "successes": 1, "present": 1, "successes there": 0,
    }  # fmt: skip


def test_one_line_rules_find_the_outcome_in_either_direction():
    rows = part(up=[0, 0, 1, 1], down=[5, 5, 3, 3], still=[1, 1, 1, 1], bought=[False, False, True, True])
    rules = one_line_rules(rows, "bought", ["still", "up", "down"])
    assert rules.loc["up", ["rule", "named", "right", "f1"]].tolist() == [">= 1", 2, 2, 1]
    assert rules.loc["down", ["rule", "f1"]].tolist() == ["<= 3", 1]
    assert rules.index[-1] == "still" and rules.loc["still", "rule"] == "(never varies)"


def test_codes_fitted_anew_are_found():
    train = part(place=["a", "b", "c"], code=[0, 1, 2])
    test = part(place=["a", "c", "c", None], code=[0, 1, 1, 2])
    assert codes_agree(train, test, "place", "code") == {"names": 2, "same": 1, "rows": 3, "rows_same": 1}


def test_a_name_with_two_codes_in_one_part_has_no_one_code():
    train = part(place=["a", "a", "b"], code=[0, 3, 1])
    test = part(place=["a", "b"], code=[0, 1])
    assert codes_agree(train, test, "place", "code") == {"names": 2, "same": 1, "rows": 2, "rows_same": 1}


def test_codes_cannot_agree_where_no_name_is_in_both_parts():
    train = part(place=["a", "b"], code=[0, 1], bought=[True, False])
    test = part(place=["c", "d"], code=[0, 1], bought=[True, False])
    parts = {"train": train, "test": test}
    report = audit(Case(parts=parts, label="bought", names={"place": "code"}))
    assert report.verdict("Does a code") == LOOK
    again = {"train": train, "test": test.assign(place=["a", "b"], code=[1, 0])}
    assert audit(Case(parts=again, label="bought", names={"place": "code"})).verdict("Does a code") == FAULT


def test_floor_ceiling_and_swing():
    outcomes = {"wait": np.array([1, 0, 0, 0]), "act": np.array([1, 1, 0, 0]), "other": np.array([1, 0, 1, 0])}
    assert floor_and_ceiling(outcomes) == (1, 3, 2)


def test_six_discordant_customers_are_needed():
    assert smallest_significant() == 6


def test_policies_are_compared_in_pairs():
    wait = np.arange(1655) < 22
    table = against({"wait": wait, "manager": np.arange(1655) < 25})
    assert table.loc["manager", ["successes", "more", "gained", "lost", "p"]].tolist() == [25, 3, 3, 0, 0.25]
    assert table.loc["wait", "p"] == 1


def test_power_by_hand_and_by_simulation():
    """Without losses it is the chance of six or more gains."""
    rng = np.random.default_rng(0)
    gains = rng.binomial(1655, 8 / 1655, size=200_000)
    assert power_paired(8, 0, 1655) == pytest.approx((gains >= 6).mean(), abs=0.005)
    assert power_paired(3, 0, 1655) < 0.1
    assert power_paired(10, 5, 1655) < power_paired(10, 0, 1655)
    assert detectable_gain(1655) == detectable_gain(80) == 8
    assert detectable_gain(5) is None


def test_with_five_lost_twenty_must_be_won_which_is_fifteen_more():
    assert detectable_gain(1655, lost=5) == 20
    won, lost = np.random.default_rng(0).poisson([[20], [5]], size=(2, 1000))
    told = [against_by_counts(b, c) < 0.05 and b > c for b, c in zip(won, lost, strict=True)]
    assert np.mean(told) == pytest.approx(power_paired(20, 5, 1655), abs=0.03)
    assert power_paired(15, 5, 1655) < 0.6 < 0.8 <= power_paired(20, 5, 1655) < 0.85


def against_by_counts(won: int, lost: int) -> float:
    """The p-value of McNemar's exact test."""
    return binomtest(int(won), int(won + lost)).pvalue if won + lost else 1.0


def test_seen_states():
    train, test = np.array([[0.111, 1], [2, 2]]), np.array([[0.112, 1], [0.2, 1], [0.2, 1]])
    assert states_met(train, test) == (2, 1, 3, 1)


def test_shuffling_the_outcomes_hurts_what_learns_from_them():
    outcomes = np.arange(50) % 2

    def train_and_score(order):
        return (outcomes[order] == outcomes).mean()

    true, others = shuffled_scores(train_and_score, 50, np.random.default_rng(0))
    assert true == 1 and others.max() < 1 and len(others) == 19


# ---- Adapters ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def customers(twin) -> pd.DataFrame:
    return cached_customers(twin)[0]


def test_the_study_s_case_on_the_twin(customers):
    report = audit(replay_case(customers, candidate="random"))
    assert {question.split()[0] + " " + question.split()[1] for question in report.faults()} == {
        "Are gaps", "Does a", "Is the", "Do the",
    }  # fmt: skip
    assert report.verdict("Are there enough") == LOOK
    assert report.verdict("Does it beat") == LOOK and report.verdict("Does shuffling") == SKIPPED


class Deaf(gymnasium.Env):
    """An environment that draws its outcome and does not listen."""

    action_space, observation_space = gymnasium.spaces.Discrete(2), gymnasium.spaces.Discrete(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return 0, {}

    def step(self, action):
        return 0, float(self.np_random.random() < 0.3), True, False, {}


def test_floor_and_ceiling_of_the_rules_as_coded_are_reached_by_constants():
    """What chapter 9 says holds for every policy: tried by 50 random ones on a small world."""
    tiny = world(["subscribed", "subscribed manager", "manager", "subscribed", ""], AS_CODED)
    stage = np.array([6, 0, 0, 3, 6])
    tiny = tiny._replace(population=tiny.population._replace(stage=stage))
    subscribed, manager = tiny.population.subscribed, tiny.population.reached[:, 4]
    floor, ceiling = subscribed & (stage >= 4), subscribed & ((stage >= 4) | manager)
    assert floor.sum() == 1 and ceiling.sum() == 2
    for seed in range(50):
        weights = np.random.default_rng(seed).dirichlet(np.ones(6))

        def policy(states, world, rng, weights=weights):
            return rng.choice(6, size=len(states.customer), p=weights)

        counted = play(tiny, policy, np.random.default_rng(seed)).subscribed
        assert (counted >= floor).all() and (counted <= ceiling).all()
    always = play(tiny, constant_policy(Action.MANAGER), np.random.default_rng(0)).subscribed
    assert np.array_equal(always, ceiling)
