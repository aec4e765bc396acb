"""The rules of the replay world against answers worked out by hand, and each form of them against the others."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_rl.worlds.base import ALL_VISIBLE, N_FEATURES, Action, Outcome, count_bits, n_actions, observation_size
from crm_rl.worlds.replay import (
    Population,
    State,
    observe,
    population_of,
    start,
    start_all,
    step,
    step_all,
)
from crm_rl.worlds.replay_settings import AS_CODED, AS_CODED_SELECTION, DESCRIBED, DESCRIBED_SELECTION, PARAMS
from crm_rl.worlds.stepping import observe_all

EMAIL, CALL, DEMO, SURVEY, WAIT, MANAGER = Action
NOBODY, ALL, SIGNED_UP, SUBSCRIBED_AT_6, WITH_MANAGER, WITH_CALL, CONTACTED = range(7)
HAD_CALL, HAD_SIGNUP, HAD_MANAGER = 7, 10, 11


def people() -> Population:
    """Seven customers, one for each thing that the rules tell apart; feature f of customer c is (c + f / 100) / 10."""
    # call, demo, survey, signup, manager, subscribed, stage
    records = [
        (0, 0, 0, 0, 0, 0, 0),  # NOBODY
        (1, 1, 1, 1, 1, 1, 3),  # ALL
        (1, 1, 1, 1, 0, 0, 6),  # SIGNED_UP
        (0, 0, 0, 0, 0, 1, 6),  # SUBSCRIBED_AT_6
        (0, 0, 0, 0, 1, 1, 0),  # WITH_MANAGER
        (1, 0, 0, 0, 0, 1, 0),  # WITH_CALL
        (1, 1, 1, 0, 0, 0, 0),  # CONTACTED
    ]
    table = np.array(records)
    features = (np.arange(7)[:, None] + np.arange(N_FEATURES) / 100) / 10
    return Population(features.astype(np.float32), table[:, :5] == 1, table[:, 5] == 1, table[:, 6], 1 / 6)


PEOPLE = people()
IDS = [f"{setting}{', selection' * selection}" for setting, selection in PARAMS]


def play(customer: int, actions, params) -> list[Outcome]:
    """Take these actions one after the other, whether or not the episode has ended."""
    state, outcomes = start(customer, PEOPLE, params), []
    for action in actions:
        outcomes.append(step(state, int(action), PEOPLE, params))
        state = outcomes[-1].state
    return outcomes


def rewards(customer: int, actions, params) -> list[float]:
    return [round(outcome.reward, 9) for outcome in play(customer, actions, params)]


def firm(*actions: int) -> list[int]:
    """The numbers of the firm's actions where the agent also selects features."""
    return [N_FEATURES + action for action in actions]


# The six actions


@pytest.mark.parametrize(
    ("params", "costs"),
    [(DESCRIBED, (1, 1, 1, 1, 1, 1)), (AS_CODED, (1, 5, 10, 2, 0, 20))],
    ids=["described", "as_coded"],
)
def test_an_action_costs_and_brings_nothing_without_a_record(params, costs):
    outcomes = play(NOBODY, Action, params)
    assert [outcome.reward for outcome in outcomes] == [-cost for cost in costs]
    assert not any(outcome.subscribed or outcome.terminated or outcome.truncated for outcome in outcomes)
    assert outcomes[-1].state == State(NOBODY, steps=6, stage=0, last_action=5, paid=0, mask=ALL_VISIBLE)


def test_as_described_each_milestone_is_paid_once_and_on_the_matching_action():
    actions = (EMAIL, CALL, CALL, DEMO, CALL, SURVEY, SURVEY, DEMO, MANAGER)
    assert rewards(SIGNED_UP, actions, DESCRIBED) == [-1, 14, -1, 9, -1, 4, -1, -1, -1]


def test_as_coded_each_milestone_is_paid_each_time():
    actions = (CALL, DEMO, SURVEY, CALL, DEMO, SURVEY)
    assert rewards(CONTACTED, actions, AS_CODED) == [10, 2, 6, 10, 2, 6]


@pytest.mark.parametrize("milestone", range(5))
def test_each_milestone_is_paid_by_the_action_that_works_towards_it_alone(milestone):
    """To a customer with one milestone on record; a signup (the fourth) is no action's, and pays from stage 4 on."""
    one = PEOPLE._replace(reached=np.tile(np.arange(5) == milestone, (7, 1)), subscribed=np.zeros(7, dtype=bool))
    beginning = start(NOBODY, one, AS_CODED)
    gains = [step(beginning, action, one, AS_CODED).reward + AS_CODED.action_cost[action] for action in Action]
    paid_by = {0: CALL, 1: DEMO, 2: SURVEY, 4: MANAGER}
    expected = {CALL: 15, DEMO: 12, SURVEY: 8, MANAGER: 10}
    assert gains == [expected[action] if paid_by.get(milestone) == action else 0 for action in Action]


def test_as_described_a_manager_and_a_signup_pay_nothing():
    nobody_subscribes = DESCRIBED._replace(subscription_reward=0.0)
    assert rewards(ALL, (MANAGER, EMAIL), nobody_subscribes) == [-1, -1]


def test_as_coded_a_signup_pays_at_every_step_from_stage_4_on():
    costs_and_milestones = (-1, -5 + 15, -10 + 12, -2 + 8, 0, -20)
    assert rewards(SIGNED_UP, Action, AS_CODED) == [20 + other for other in costs_and_milestones]
    assert rewards(ALL, (EMAIL,), AS_CODED) == [-1]  # at stage 3
    at_4 = start(ALL, PEOPLE, AS_CODED)._replace(stage=4)
    assert step(at_4, EMAIL, PEOPLE, AS_CODED).reward == -1 + 20 + 100


def test_milestones_on_record_lift_the_stage_and_nothing_lowers_it():
    stages = [outcome.state.stage for outcome in play(CONTACTED, (EMAIL, CALL, DEMO, SURVEY, CALL, MANAGER), AS_CODED)]
    assert stages == [0, 1, 2, 3, 3, 3]
    assert play(WITH_MANAGER, (MANAGER,), AS_CODED)[0].state.stage == 5
    assert play(SIGNED_UP, (CALL,), AS_CODED)[0].state.stage == 6


def test_as_coded_the_same_action_twice_running_costs_5_unless_it_is_to_wait():
    actions = (EMAIL, EMAIL, EMAIL, CALL, EMAIL, WAIT, WAIT, EMAIL)
    assert rewards(NOBODY, actions, AS_CODED) == [-1, -6, -6, -5, -1, 0, 0, -1]
    assert rewards(NOBODY, actions, DESCRIBED) == [-1] * 8


# The end


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("customer", [ALL, SUBSCRIBED_AT_6, WITH_MANAGER, WITH_CALL])
def test_as_described_any_action_wins_who_subscribed_on_record(customer, action):
    milestone = {CALL: 15, DEMO: 10, SURVEY: 5}.get(action, 0) if customer == ALL else 0
    if (customer, action) == (WITH_CALL, CALL):
        milestone = 15
    outcome = play(customer, (action,), DESCRIBED)[0]
    assert outcome.reward == -1 + milestone + 100
    assert outcome.subscribed and outcome.terminated and not outcome.truncated


def test_as_coded_a_subscription_needs_stage_4_or_more():
    first = play(SUBSCRIBED_AT_6, (WAIT,), AS_CODED)[0]
    assert (first.reward, first.subscribed, first.terminated) == (100, True, True)
    outcomes = play(WITH_MANAGER, (WAIT, CALL, MANAGER), AS_CODED)
    assert [outcome.subscribed for outcome in outcomes] == [False, False, True]
    assert outcomes[-1].reward == -20 + 10 + 100
    assert play(ALL, (MANAGER,), AS_CODED)[0].reward == -20 + 10 + 20 + 100


def test_as_coded_who_never_had_a_manager_cannot_be_lifted_unless_managers_always_lift():
    assert not play(WITH_CALL, (MANAGER, CALL, MANAGER), AS_CODED)[-1].subscribed
    always = AS_CODED._replace(manager_always_lifts=True)
    outcome = play(WITH_CALL, (MANAGER,), always)[0]
    assert (outcome.reward, outcome.state.stage, outcome.subscribed) == (-20 + 100, 5, True)
    assert play(NOBODY, (MANAGER,), always)[0].reward == -20
    assert play(SIGNED_UP, (MANAGER,), always)[0].state.stage == 6


@pytest.mark.parametrize(("params", "last"), [(DESCRIBED, -1), (AS_CODED, -10)], ids=["described", "as_coded"])
def test_an_episode_is_cut_off_after_ten_steps(params, last):
    outcomes = play(NOBODY, [WAIT] * 10, params)
    assert [outcome.truncated for outcome in outcomes] == [False] * 9 + [True]
    assert not any(outcome.terminated for outcome in outcomes)
    assert outcomes[-1].reward == last


def test_a_subscription_in_the_last_step_is_no_timeout():
    last = play(WITH_MANAGER, [WAIT] * 9 + [MANAGER], AS_CODED)[-1]
    assert (last.reward, last.terminated, last.truncated) == (-20 + 10 + 100, True, False)


# Feature selection


def test_as_described_all_features_start_hidden_and_each_toggle_costs_1():
    assert start(NOBODY, PEOPLE, DESCRIBED_SELECTION).mask == 0
    outcomes = play(NOBODY, (0, 14, 0), DESCRIBED_SELECTION)
    assert [outcome.reward for outcome in outcomes] == [-1, -1, -1]
    assert [outcome.state.mask for outcome in outcomes] == [1, 1 + 2**14, 2**14]
    assert not any(outcome.terminated or outcome.truncated for outcome in outcomes)


def test_as_described_an_action_of_the_firm_costs_a_tenth_for_each_visible_feature_and_ends_the_episode():
    email = firm(EMAIL)[0]
    for shown in (0, 1, 15):
        outcome = play(NOBODY, [*range(shown), email], DESCRIBED_SELECTION)[-1]
        assert outcome.reward == pytest.approx(-1 - 0.1 * shown)
        assert outcome.terminated and not outcome.truncated and not outcome.subscribed
    assert rewards(WITH_CALL, firm(CALL), DESCRIBED_SELECTION) == [-1 + 15 + 100]  # paid though its flag is hidden


def test_as_described_selection_is_cut_off_at_the_twentieth_toggle():
    outcomes = play(NOBODY, [3] * 20, DESCRIBED_SELECTION)
    assert [outcome.truncated for outcome in outcomes] == [False] * 19 + [True]
    assert outcomes[-1].reward == -1
    last = play(NOBODY, [3] * 19 + firm(WAIT), DESCRIBED_SELECTION)[-1]
    assert (last.terminated, last.truncated) == (True, False)


def test_as_coded_all_features_start_visible_and_a_toggle_costs_a_hundredth_for_each_visible_after_it():
    assert start(NOBODY, PEOPLE, AS_CODED_SELECTION).mask == ALL_VISIBLE
    assert rewards(NOBODY, (3, 4, 3), AS_CODED_SELECTION) == [-0.14, -0.13, -0.14]


def test_as_coded_an_action_of_the_firm_costs_a_tenth_for_each_visible_feature_and_ends_nothing():
    outcomes = play(NOBODY, [*firm(EMAIL, WAIT), 0, *firm(WAIT)], AS_CODED_SELECTION)
    assert [round(outcome.reward, 9) for outcome in outcomes] == [-2.5, -1.5, -0.14, -1.4]
    assert not any(outcome.terminated or outcome.truncated for outcome in outcomes)
    won = play(SUBSCRIBED_AT_6, firm(WAIT), AS_CODED_SELECTION)[0]
    assert (won.reward, won.terminated, won.subscribed) == (98.5, True, True)


def test_as_coded_a_milestone_is_paid_and_lifts_only_while_its_flag_is_visible():
    hidden = play(CONTACTED, [HAD_CALL, *firm(CALL)], AS_CODED_SELECTION)[-1]
    assert (round(hidden.reward, 9), hidden.state.stage, hidden.state.paid) == (-6.4, 0, 0)
    shown = play(CONTACTED, firm(CALL), AS_CODED_SELECTION)[0]
    assert (round(shown.reward, 9), shown.state.stage, shown.state.paid) == (8.5, 1, 1)
    assert rewards(SIGNED_UP, [*firm(WAIT), HAD_SIGNUP, *firm(WAIT)], AS_CODED_SELECTION) == [18.5, -0.14, -1.4]
    assert not play(WITH_MANAGER, [HAD_MANAGER, *firm(MANAGER)], AS_CODED_SELECTION)[-1].subscribed
    assert play(WITH_MANAGER, [*firm(MANAGER)], AS_CODED_SELECTION)[-1].subscribed


def test_as_coded_a_toggle_between_breaks_a_repetition():
    assert rewards(NOBODY, firm(CALL, CALL), AS_CODED_SELECTION) == [-6.5, -11.5]
    assert rewards(NOBODY, [*firm(CALL), 0, *firm(CALL)], AS_CODED_SELECTION) == [-6.5, -0.14, -6.4]
    assert rewards(NOBODY, [0, 0], AS_CODED_SELECTION) == [-0.14, -0.15]


def test_as_coded_only_a_toggle_is_cut_off_from_step_20_on():
    outcomes = play(NOBODY, [*firm(*[WAIT] * 18), 0, *firm(WAIT)], AS_CODED_SELECTION)
    assert not any(outcome.truncated for outcome in outcomes)
    outcomes = play(NOBODY, [*firm(*[WAIT] * 500), 0], AS_CODED_SELECTION)
    assert [outcome.truncated for outcome in outcomes] == [False] * 500 + [True]
    assert outcomes[-1].reward == pytest.approx(-0.14 - 20)
    assert play(NOBODY, [*firm(*[WAIT] * 19), 0], AS_CODED_SELECTION)[-1].truncated


# What the agent sees


def seen(state: State, params) -> np.ndarray:
    out = np.full(observation_size(params), np.nan, dtype=np.float32)
    observe(state, PEOPLE, params, out)
    return out


@pytest.mark.parametrize("params", PARAMS.values(), ids=IDS)
def test_the_stage_seen_is_that_of_the_episode(params):
    state = start(CONTACTED, PEOPLE, params)._replace(mask=ALL_VISIBLE, stage=5)
    expected = PEOPLE.features[CONTACTED].copy()
    expected[1] = np.float32(5 / 6)
    np.testing.assert_array_equal(seen(state, params)[:N_FEATURES], expected)


def test_as_described_a_hidden_feature_is_seen_as_0():
    state = start(ALL, PEOPLE, DESCRIBED_SELECTION)
    np.testing.assert_array_equal(seen(state, DESCRIBED_SELECTION), np.zeros(30))
    state = state._replace(mask=1 | 1 << 1 | 1 << 14)
    expected = np.zeros(30, dtype=np.float32)
    expected[[0, 1, 14]] = PEOPLE.features[ALL, 0], np.float32(3 / 6), PEOPLE.features[ALL, 14]
    expected[[15, 16, 29]] = 1
    np.testing.assert_array_equal(seen(state, DESCRIBED_SELECTION), expected)


def test_as_coded_the_mask_hides_nothing():
    state = start(ALL, PEOPLE, AS_CODED_SELECTION)._replace(mask=1 << 2)
    observation = seen(state, AS_CODED_SELECTION)
    assert (observation[:N_FEATURES] > 0).all()
    np.testing.assert_array_equal(observation[N_FEATURES:], np.eye(N_FEATURES)[2])


def test_sizes():
    assert [(observation_size(params), n_actions(params)) for params in PARAMS.values()] == [(15, 6), (30, 21)] * 2
    assert [count_bits(mask) for mask in (0, 1, 5, ALL_VISIBLE)] == [0, 1, 2, 15]


def test_population_of_a_table():
    customers = pd.DataFrame(
        {
            "call": [True, False, False],
            "demo": [False, True, False],
            "survey": [False, False, False],
            "signup": [False, False, True],
            "manager": [False, True, False],
            "subscribed": [True, False, False],
            "stage": ["subscribed already", "not interested", None],
        }
    )
    features = pd.DataFrame(np.arange(45).reshape(3, 15) / 45)
    population = population_of(customers, features)
    assert population.reached.tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 1], [0, 0, 0, 1, 0]]
    assert population.subscribed.tolist() == [True, False, False]
    assert population.stage.tolist() == [6, 1, 0]
    assert population.features.dtype == np.float32 and population.features.flags["C_CONTIGUOUS"]
    assert population.stage_unit == 1 / 6
    assert population_of(customers, features, stage_unit=1).stage_unit == 1


# Compiled and plain, one by one and all at once


def states(params) -> st.SearchStrategy[State]:
    return st.builds(
        State,
        customer=st.integers(0, 6),
        steps=st.integers(0, 2 * params.horizon),
        stage=st.integers(0, 6),
        last_action=st.integers(-1, n_actions(params) - 1),
        paid=st.integers(0, 31),
        mask=st.integers(0, ALL_VISIBLE) if params.selects_features else st.just(ALL_VISIBLE),
    )


@st.composite
def situations(draw):
    params = draw(st.sampled_from(list(PARAMS.values())))
    flags = [name for name in params._fields if isinstance(getattr(params, name), bool) and name != "selects_features"]
    if draw(st.booleans()):
        params = params._replace(**{name: draw(st.booleans()) for name in flags})
    return draw(states(params)), draw(st.integers(0, n_actions(params) - 1)), params


@settings(max_examples=400)
@given(situations())
def test_plain_python_takes_the_same_step(situation):
    state, action, params = situation
    compiled, plain = step(state, action, PEOPLE, params), step.py_func(state, action, PEOPLE, params)
    assert compiled == plain
    out = np.empty(observation_size(params), dtype=np.float32)
    observe.py_func(compiled.state, PEOPLE, params, out)
    np.testing.assert_array_equal(out, seen(compiled.state, params))


@settings(max_examples=400)
@given(situations())
def test_what_every_step_keeps(situation):
    state, action, params = situation
    outcome = step(state, action, PEOPLE, params)
    assert not (outcome.terminated and outcome.truncated)
    assert outcome.terminated or not outcome.subscribed
    after = outcome.state
    assert (after.customer, after.steps, after.last_action) == (state.customer, state.steps + 1, action)
    assert state.stage <= after.stage <= 6
    assert after.paid & state.paid == state.paid
    assert after.mask == (state.mask ^ 1 << action if params.selects_features and action < N_FEATURES else state.mask)


@pytest.mark.parametrize("params", PARAMS.values(), ids=IDS)
def test_a_batch_goes_as_its_members_do_one_by_one(params):
    rng = np.random.default_rng(0)
    customers = rng.integers(0, 7, 200)
    batch = start_all(customers, PEOPLE, params)
    singles = [start(int(customer), PEOPLE, params) for customer in customers]
    assert [State(*row) for row in np.transpose(batch).tolist()] == singles
    for _ in range(30):
        actions = rng.integers(0, n_actions(params), 200)
        before = [field.copy() for field in batch]
        outcome = step_all(batch, actions, PEOPLE, params)
        np.testing.assert_array_equal(batch, before)  # the states given stay as they were
        outcomes = [step(state, int(action), PEOPLE, params) for state, action in zip(singles, actions, strict=True)]
        batch, singles = outcome.state, [one.state for one in outcomes]
        assert [State(*row) for row in np.transpose(batch).tolist()] == singles
        for name in ("reward", "subscribed", "terminated", "truncated"):
            assert getattr(outcome, name).tolist() == [getattr(one, name) for one in outcomes]
        np.testing.assert_array_equal(observe_all(batch, PEOPLE, params), [seen(state, params) for state in singles])
