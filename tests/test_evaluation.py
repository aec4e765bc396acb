"""Evaluation, on a funnel of four customers whose every number is known by hand."""

import numpy as np
import pandas as pd
import pytest

from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.evaluation.intervals import over_seeds, wilson
from crm_rl.evaluation.rollouts import (
    compare,
    feature_use,
    metrics,
    paired_error,
    play,
    play_rivals,
    reward_gap,
)
from crm_rl.worlds.base import N_FEATURES, Action
from crm_rl.worlds.replay import Population
from crm_rl.worlds.replay_settings import AS_CODED_SELECTION, DESCRIBED, DESCRIBED_SELECTION
from crm_rl.worlds.replay_world import ReplayWorld, balanced


def world(params=DESCRIBED) -> ReplayWorld:
    """One subscriber with a call, one with a call, one with nothing, one subscriber with nothing else."""
    reached = np.zeros((4, 5), dtype=bool)
    reached[:2, 0] = True
    population = Population(
        features=np.zeros((4, N_FEATURES), dtype=np.float32),
        reached=reached,
        subscribed=np.array([True, False, False, True]),
        stage=np.zeros(4, dtype=np.int64),
        stage_unit=1.0,
    )
    return ReplayWorld(population, params, balanced(population))


def test_each_customer_is_treated_once_and_rewards_are_those_of_the_rules():
    episodes = play(world(), constant_policy(Action.CALL), np.random.default_rng(0))
    # call with one on record: -1 + 15; subscription: + 100 at once; then nine calls at -1 each up to the horizon
    assert episodes.reward.tolist() == [114, 5, -10, 99]
    assert episodes.steps.tolist() == [1, 10, 10, 1]
    assert episodes.called.tolist() == [True, True, False, False]
    assert episodes.subscribed.tolist() == [True, False, False, True]
    assert episodes.actions[:, Action.CALL].tolist() == [1, 10, 10, 1]
    assert episodes.cost.tolist() == [1, 10, 10, 1]


def test_the_measures_are_those_of_the_definitions():
    measured = metrics(play(world(), constant_policy(Action.CALL), np.random.default_rng(0)))
    assert measured["subscription_rate"] == 50
    assert measured["first_call_rate"] == 50
    assert measured["cost_per_subscription"] == 22 / 2
    assert measured["average_reward"] == (114 + 5 - 10 + 99) / 4
    assert measured["improvement_factor"] == pytest.approx(50 / 0.44)
    assert measured["rate_low"] < 50 < measured["rate_high"]
    assert measured["data_collection_savings"] == 0


def test_nobody_subscribing_leaves_the_cost_of_a_subscription_undefined():
    people = world()
    nobody = people._replace(population=people.population._replace(subscribed=np.zeros(4, dtype=bool)))
    assert np.isnan(
        metrics(play(nobody, constant_policy(Action.WAIT), np.random.default_rng(0)))["cost_per_subscription"]
    )


def test_no_constant_action_changes_who_subscribes_in_the_described_world():
    rates = {
        metrics(play(world(), constant_policy(action), np.random.default_rng(0)))["subscribers"] for action in Action
    }
    assert rates == {2}


def test_features_are_counted_at_the_decision():
    first_two = [0, 1]

    def look_twice_then_email(states, world, rng):
        steps = states.steps
        return np.where(steps < 2, steps, N_FEATURES + Action.EMAIL)

    episodes = play(world(DESCRIBED_SELECTION), look_twice_then_email, np.random.default_rng(0))
    assert metrics(episodes)["features_used"] == 2
    assert np.flatnonzero(feature_use(episodes)).tolist() == first_two
    # two toggles at 1 each, an email at 1, two features at 0.1 each
    assert episodes.reward.tolist() == pytest.approx([96.8, -3.2, -3.2, 96.8])


def test_an_episode_that_never_ends_is_ended():
    episodes = play(world(AS_CODED_SELECTION), constant_policy(Action.WAIT), np.random.default_rng(0))
    assert episodes.steps.tolist() == [50, 50, 50, 50]
    shorter = play(world(AS_CODED_SELECTION), constant_policy(Action.WAIT), np.random.default_rng(0), max_steps=20)
    assert shorter.reward.tolist() == pytest.approx([-30.0] * 4)  # 15 visible features at 0.1 each, twenty times


def test_random_policy_uses_every_action_and_the_seed_decides():
    many = world()
    first, again, other = (play(many, random_policy, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first.actions, again.actions)
    assert not np.array_equal(first.actions, other.actions)


def test_the_rivals_are_random_with_every_seed_and_each_action_always():
    played = play_rivals(world(), seeds=range(3))
    assert list(played) == [("random", seed) for seed in range(3)] + [(f"always_{a.name.lower()}", 0) for a in Action]
    again = play(world(), random_policy, np.random.default_rng([2, 1]))  # as the study draws
    assert np.array_equal(played["random", 2].actions, again.actions)
    assert played["always_call", 0].reward.tolist() == [114, 5, -10, 99]


def test_policies_side_by_side_by_hand():
    runs = [
        {"row": "steady", "subscribers": 25, "average_reward": 2.0, "cost": 100.0},
        {"row": "split", "subscribers": 0, "average_reward": -20.0, "cost": 0.0},
        {"row": "split", "subscribers": 24, "average_reward": 1.0, "cost": 60.0},
        {"row": "split", "subscribers": 26, "average_reward": 3.0, "cost": 40.0},
        {"row": "split", "subscribers": 26, "average_reward": 9.0, "cost": 0.0},
        {"row": "nothing", "subscribers": 0, "average_reward": -1.0, "cost": 5.0},
    ]
    runs = pd.DataFrame(runs).assign(customers=1000, first_call_rate=0.0, features_used=15.0)
    table = compare(runs.assign(subscription_rate=runs["subscribers"] / 10), np.random.default_rng(0))
    assert list(table.index) == ["steady", "split", "nothing"]
    steady, split, nothing = (table.loc[row] for row in table.index)
    assert steady["reward low"] == steady["reward"] == steady["reward high"] == 2.0
    assert split["reward"] == 2.0  # the lowest and the highest of four are cut
    assert split["subscribers"] == 25 and split["cost of one"] == 100 / 76
    assert split["customers low"] < 2.5 < split["customers high"] and nothing["customers low"] == 0
    assert (steady["customers low"], steady["customers high"]) == pytest.approx([100 * end for end in wilson(25, 1000)])
    assert split["customers low"] < steady["customers low"]  # seeds that differ make the rate less sure
    assert np.isnan(nothing["cost of one"])


def test_the_error_of_a_difference_is_that_of_pairs():
    call, email = (play(world(), constant_policy(action), np.random.default_rng(0)) for action in (1, 0))
    # rewards differ by 15 for the two with a call on record and by 0 for the others
    assert paired_error(call, email) == pytest.approx(np.std([15, 15, 0, 0], ddof=1) / 2)


def test_a_gap_has_one_interval_for_seeds_and_customers():
    rng = np.random.default_rng(0)
    seeds_agree = reward_gap(np.full(5, 3.0), np.array([1.0]), 0.5, rng)
    assert seeds_agree.tolist() == pytest.approx([2.0, 2.0 - 0.98, 2.0 + 0.98])
    certain_customers = reward_gap(np.arange(8.0), np.array([0.0]), 0.0, np.random.default_rng(1))
    assert certain_customers.tolist() == over_seeds(np.arange(8.0), np.random.default_rng(1)).tolist()
    both = reward_gap(np.arange(8.0), np.array([0.0]), 0.5, np.random.default_rng(1))
    assert both["low"] < certain_customers["low"] and both["high"] > certain_customers["high"]
