"""Rivals that learn from a log or know the world: answers known by hand."""

import numpy as np
import pytest
from small_responsive import CALLS, CALLS_OPTIMUM, DEMO_FIRST, drives, people, world_of

from crm_rl.agents import planned
from crm_rl.agents.fitted_q import contextual_bandit, fitted_q_iteration, one_step_greedy
from crm_rl.agents.library import library_dqn, library_ppo
from crm_rl.agents.planned import PlannedPolicy, worth
from crm_rl.agents.policies import load_policy
from crm_rl.agents.q_learning import RESPONSIVE, train_q_learning
from crm_rl.agents.reference import HAND_WRITTEN, every_other_week, inbound_first, playbook, two_emails
from crm_rl.agents.tile_coding import train_sum_of_tables
from crm_rl.evaluation.gain import exact_values, learning_curve
from crm_rl.planning.exact import all_states, always, optimal, share_of_gain
from crm_rl.worlds.attributes import RESOLUTIONS
from crm_rl.worlds.base import Action
from crm_rl.worlds.logs import random_log
from crm_rl.worlds.responsive import BASELINE, DEMO, N_EVENTS, N_PATTERNS, SIGNUP, SUBSCRIPTION, State, subset

LEARNERS = [fitted_q_iteration, one_step_greedy]


def best_of_all(world) -> np.ndarray:
    return optimal(world.population, world.params).at_start(world.population)


@pytest.mark.parametrize("learner", LEARNERS)
def test_both_learners_find_the_optimum_where_nothing_is_to_be_prepared(learner):
    assert best_of_all(CALLS) == pytest.approx(CALLS_OPTIMUM)
    assert exact_values(learner(CALLS, 20_000, 0), CALLS) == pytest.approx(CALLS_OPTIMUM)


def test_only_fitted_q_iteration_prepares_what_pays_later():
    best = best_of_all(DEMO_FIRST)
    np.testing.assert_allclose(exact_values(fitted_q_iteration(DEMO_FIRST, 20_000, 0), DEMO_FIRST), best)
    assert (exact_values(one_step_greedy(DEMO_FIRST, 20_000, 0), DEMO_FIRST) < best - 10).all()


def test_the_curve_of_a_table_is_that_of_one_run_and_climbs_to_the_optimum():
    hyper = RESPONSIVE._replace(exploration=0.0, epsilon_start=0.3, epsilon_end=0.3)
    curve = learning_curve(DEMO_FIRST, hyper, [100, 5_000], seed=3)
    early = exact_values(train_q_learning(DEMO_FIRST, hyper, 100, seed=3), DEMO_FIRST)
    waiting = exact_values(PlannedPolicy(lambda _: always(Action.WAIT)), DEMO_FIRST)
    assert curve == pytest.approx([share_of_gain(early, waiting, best_of_all(DEMO_FIRST)), 1.0])


def test_a_bandit_finds_the_best_single_action_and_no_sequence():
    """Where nothing is to be prepared that is all; else it cannot demonstrate first and then write."""
    assert exact_values(contextual_bandit(CALLS, 20_000, 0), CALLS) == pytest.approx(CALLS_OPTIMUM)
    found = exact_values(contextual_bandit(DEMO_FIRST, 20_000, 0), DEMO_FIRST)
    assert found == pytest.approx(exact_values(planned.best_single_action(DEMO_FIRST), DEMO_FIRST))
    assert (found < best_of_all(DEMO_FIRST) - 10).all()


@pytest.mark.parametrize("world", [CALLS, DEMO_FIRST], ids=["calls", "demo first"])
def test_a_sum_of_tables_finds_the_optimum(world):
    coarse_and_fine = [RESOLUTIONS["+ week"], RESOLUTIONS["+ standings, 1 decimal"]]
    policy = train_sum_of_tables(world, 100_000, 0, resolutions=coarse_and_fine)
    assert exact_values(policy, world).sum() > 0.98 * best_of_all(world).sum()


@pytest.mark.parametrize(
    ("learner", "settings"),
    [
        (library_dqn, {"train_freq": 1, "learning_rate": 3e-3, "learning_starts": 400, "target_update_interval": 200}),
        (library_ppo, {"n_steps": 64, "batch_size": 128, "learning_rate": 1e-3}),
    ],
    ids=["DQN", "PPO"],
)
def test_the_librarys_learners_find_the_optimum_and_come_as_plain_arrays(learner, settings, tmp_path):
    policy = learner(CALLS, 20_000, 0, settings)
    assert exact_values(policy, CALLS).sum() > 0.9 * sum(CALLS_OPTIMUM)
    policy.save(tmp_path / "policy.npz")
    again = load_policy(tmp_path / "policy.npz")
    np.testing.assert_array_equal(exact_values(again, CALLS), exact_values(policy, CALLS))


def test_fitted_q_iteration_learns_from_what_happens_to_happen():
    sampled = CALLS._replace(params=CALLS.params._replace(expected_reward=False))
    policy = fitted_q_iteration(sampled, 100_000, 0)
    assert exact_values(policy, CALLS).sum() > 0.98 * sum(CALLS_OPTIMUM)


@pytest.mark.parametrize("learner", LEARNERS)
def test_one_seed_gives_the_same_bytes(learner):
    states = all_states(DEMO_FIRST.population, DEMO_FIRST.params)
    first, second = (learner(DEMO_FIRST, 1_000, 3).q_values(states, DEMO_FIRST) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_a_log_has_every_action_equally_often_and_whole_episodes():
    log = random_log(CALLS, 12_001, np.random.default_rng(0))
    assert {len(column) for column in log} == {12_001}
    assert np.bincount(log.actions) / 12_001 == pytest.approx(1 / 6, abs=0.02)
    assert (log.observations[:, 1] == log.steps.astype(np.float32) / 2).all()
    assert log.ended[log.steps == 1].all()
    # Subscribed in the first week: 10%, or 19% for half of the customers under one action in six.
    assert log.ended[log.steps == 0].mean() == pytest.approx(0.1 + 0.09 / 12, abs=0.02)


def test_another_seed_gives_another_log():
    logs = [random_log(DEMO_FIRST, 500, np.random.default_rng(seed)).observations.tobytes() for seed in (3, 3, 4)]
    assert logs[0] == logs[1] != logs[2]


def test_the_optimum_of_one_week_does_not_pay_for_what_comes_later():
    """A demo brings nothing but a milestone after which 90% subscribe: worth its dollar only for who looks ahead."""
    quiet = np.zeros((2, N_PATTERNS, N_EVENTS))
    quiet[:, 0, DEMO] = quiet[:, 0, SUBSCRIPTION] = np.log(0.9)
    quiet[:, 1 << DEMO, SUBSCRIPTION] = np.log(0.1)
    params = CALLS.params._replace(drives=drives({(Action.DEMO, DEMO): 1.0}))
    world = world_of(CALLS.population._replace(quiet=quiet), params)
    start = world.start(np.array([0]))
    looks_ahead, one_week = (
        policy(world).probabilities(start, world)[0] for policy in (planned.optimum, planned.optimum_of_one_week)
    )
    assert looks_ahead.argmax() == Action.DEMO and one_week.argmax() == Action.WAIT


@pytest.mark.parametrize("world", [CALLS, DEMO_FIRST], ids=["calls", "demo first"])
def test_the_plan_for_everybody_is_no_worse_than_any_constant_action(world):
    plan = planned.one_plan_for_everybody(world)
    for action in Action:
        everybody = PlannedPolicy(lambda people, action=action: always(action))
        assert worth(plan, world) >= worth(everybody, world) - 1e-9
    assert worth(plan, world) == pytest.approx(exact_values(plan, world).sum())


def test_the_plan_for_everybody_is_the_optimum_where_customers_are_alike():
    plan = planned.one_plan_for_everybody(DEMO_FIRST)
    assert worth(plan, DEMO_FIRST) == pytest.approx(best_of_all(DEMO_FIRST).sum())


def test_the_best_rule_is_the_best_of_the_hand_written():
    best = planned.best_rule(DEMO_FIRST)
    assert worth(best, DEMO_FIRST) == pytest.approx(
        max(worth(planned._as_plan(rule, DEMO_FIRST), DEMO_FIRST) for rule in HAND_WRITTEN)
    )


def weeks(**fields) -> State:
    """A batch of states: the fields that are named, and for the rest a first week."""
    n = max(map(len, fields.values()))
    return State(*(np.array(fields.get(name, [0] * n)) for name in State._fields))


def test_the_hand_written_rules_by_hand():
    two, nobody = people(2)._replace(inbound=np.array([0, 1])), None
    signed_up = 1 << SIGNUP
    begun = weeks(steps=range(5))
    assert two_emails(nobody, begun).tolist() == [Action.EMAIL, Action.WAIT, Action.EMAIL, Action.WAIT, Action.WAIT]
    rested = weeks(milestones=[0, signed_up, 0, signed_up], fatigue=[0, 0, 1, 2])
    assert every_other_week(nobody, rested).tolist() == [Action.EMAIL, Action.MANAGER, Action.WAIT, Action.WAIT]
    ladder = weeks(milestones=[0b00000, 0b00001, 0b00010, 0b00011, 0b01011, 0b11111, 0], fatigue=[0] * 6 + [1])
    first = [Action.CALL, Action.DEMO, Action.CALL, Action.EMAIL, Action.MANAGER, Action.MANAGER, Action.WAIT]
    assert playbook(nobody, ladder).tolist() == first
    ready = weeks(customer=[0, 1, 1, 1], steps=[0, 0, 1, 2], milestones=[signed_up, signed_up, 0, 0])
    assert inbound_first(two, ready).tolist() == [Action.EMAIL, Action.MANAGER, Action.WAIT, Action.EMAIL]


def test_a_plan_is_worked_out_once_for_customers_of_a_type():
    asked = []

    def plan(population) -> np.ndarray:
        asked.append(len(population.start))
        return always(Action.CALL)

    crowd = subset(people(3, seed=2), np.array([0, 1, 2, 2, 1]))
    world, policy = world_of(crowd, BASELINE), PlannedPolicy(plan)
    for customers in (np.arange(5), np.array([4, 4])):
        assert (policy(world.start(customers), world, np.random.default_rng(0)) == Action.CALL).all()
    assert asked == [3]


def test_a_planned_policy_draws_its_actions_by_its_probabilities():
    half = PlannedPolicy(lambda people: (always(Action.CALL) + always(Action.WAIT)) / 2)
    actions = half(CALLS.start(np.zeros(2_000, dtype=np.int64)), CALLS, np.random.default_rng(0))
    assert set(actions) == {Action.CALL, Action.WAIT}
    assert (actions == Action.CALL).mean() == pytest.approx(0.5, abs=0.05)
