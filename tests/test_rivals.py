"""The rivals of the rematch: answers known by hand."""

import numpy as np
import pytest
from crm_rl.agents.rivals import CEILINGS, RIVALS, for_all, playing

from crm_rl.agents.planned import worth
from crm_rl.agents.reference import HAND_WRITTEN
from crm_rl.planning.exact import always, evaluate, optimal
from crm_rl.worlds.attributes import RESOLUTIONS
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.logs import random_log
from crm_rl.worlds.responsive import BASELINE, N_EVENTS, N_PATTERNS, SUBSCRIPTION, Population
from crm_rl.worlds.responsive_world import ResponsiveWorld


def small_world(weeks: int, quiet: np.ndarray, drives: dict, lift: float) -> ResponsiveWorld:
    """Two customers, told apart by their country: calls do not reach the second. An action costs a dollar."""
    table = tuple(tuple(drives.get((action, event), 0.0) for event in range(N_EVENTS)) for action in range(N_ACTIONS))
    costs = tuple(float(action != Action.WAIT) for action in range(N_ACTIONS))
    rules = BASELINE._replace(weeks=weeks, lift=lift, organic=0.0, drives=table, action_cost=costs, value=100.0)
    affinity = np.ones((2, N_ACTIONS))
    affinity[1, Action.CALL] = 0.0
    nothing = np.zeros(2, dtype=np.int64)
    people = Population(nothing, np.array([0.1, 0.9]), np.array([0.5, 0.5]), nothing, affinity, quiet)
    return ResponsiveWorld(people, rules._replace(opt_out=0.0, expected_reward=True), 0.0, np.arange(2))


@pytest.fixture
def calls() -> ResponsiveWorld:
    """The two weeks of test_rematch: a call lifts the chance of a subscription from 10% to 19%."""
    quiet = np.tile(np.where(np.arange(N_EVENTS) == SUBSCRIPTION, np.log(0.9), 0.0), (2, N_PATTERNS, 1))
    return small_world(2, quiet, {(Action.CALL, SUBSCRIPTION): 1.0}, lift=1.0)


@pytest.fixture
def demo_first() -> ResponsiveWorld:
    """Two weeks: an email brings 1% now; a demo brings nothing now, but whoever has had one subscribes by 50% next."""
    quiet = np.zeros((2, N_PATTERNS, N_EVENTS))
    quiet[:, :, SUBSCRIPTION] = np.log(0.99)
    quiet[:, :, 1] = np.log(0.9)
    shown = np.arange(N_PATTERNS) >> 1 & 1 == 1
    quiet[:, shown, SUBSCRIPTION] = np.log(0.5)
    return small_world(2, quiet, {(Action.DEMO, 1): 1.0, (Action.EMAIL, SUBSCRIPTION): 1.0}, lift=9.0)


def value_of(name: str, world: ResponsiveWorld, steps: int = 20_000, seed: int = 0) -> np.ndarray:
    probabilities = RIVALS[name](world, steps, seed)(world.population)
    shape = (2, world.rules.weeks, N_PATTERNS, world.rules.most_contacts + 1, N_ACTIONS)
    assert probabilities.shape == shape
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1)
    return evaluate(probabilities, world.population, world.rules).at_start(world.population)


def best_of_all(world: ResponsiveWorld) -> np.ndarray:
    return optimal(world.population, world.rules).at_start(world.population)


@pytest.mark.parametrize("name", ["fitted Q iteration", "one-step greedy"])
def test_both_learners_find_the_optimum_where_nothing_is_to_be_prepared(calls, name):
    assert best_of_all(calls) == pytest.approx([32.58, 19.0])
    assert value_of(name, calls) == pytest.approx([32.58, 19.0])


def test_only_fitted_q_iteration_prepares_what_pays_later(demo_first):
    best = best_of_all(demo_first)
    np.testing.assert_allclose(value_of("fitted Q iteration", demo_first), best)
    assert (value_of("one-step greedy", demo_first) < best - 10).all()


def test_fitted_q_iteration_learns_from_what_happens_to_happen(calls):
    sampled = calls._replace(rules=calls.rules._replace(expected_reward=False))
    assert value_of("fitted Q iteration", sampled, 100_000).sum() > 0.98 * best_of_all(calls).sum()


def test_a_log_has_every_action_equally_often_and_whole_episodes(calls):
    log = random_log(calls, 12_001, np.random.default_rng(0))
    assert {len(column) for column in log} == {12_001}
    assert np.bincount(log.actions) / 12_001 == pytest.approx(1 / 6, abs=0.02)
    assert (log.seen[:, 3] == log.weeks.astype(np.float32) / 2).all()
    assert log.ended[log.weeks == 1].all() and log.ended[log.weeks == 0].mean() == pytest.approx(0.1, abs=0.03)


def test_the_plan_for_everybody_is_no_worse_than_any_constant_action(calls, demo_first):
    for world in (calls, demo_first):
        policies = [for_all(np.broadcast_to(always(action), (1, 2, N_PATTERNS, 6, 6))) for action in range(N_ACTIONS)]
        constant = max(worth(policy, world) for policy in policies)
        assert value_of("one plan for everybody", world).sum() >= constant - 1e-9
    assert value_of("one plan for everybody", demo_first).sum() == pytest.approx(best_of_all(demo_first).sum())


def test_what_the_states_of_a_table_can_hold_by_hand(calls):
    """Told apart, the first is called and the second left alone; else both are called, and 17.1 is 19 - 1 - 0.9."""
    plans = {setting: CEILINGS[f"plan for groups: {setting}"](calls, 0, 0) for setting in RESOLUTIONS}
    values = {name: evaluate(plan(calls.population), calls.population, calls.rules) for name, plan in plans.items()}
    assert values["+ country x bootcamp"].at_start(calls.population) == pytest.approx([32.58, 19.0])
    assert values["episode only"].at_start(calls.population) == pytest.approx([32.58, 17.1])
    stranger = calls.population._replace(country=np.array([0.1, 0.4]))
    chances = plans["+ country x bootcamp"](stranger)
    assert (chances[1] == 1 / N_ACTIONS).all() and (chances[0, 0, 0, 0] == np.eye(N_ACTIONS)[Action.CALL]).all()


def test_the_card_is_the_best_of_them(demo_first):
    cards = [worth(playing(card, demo_first.rules), demo_first) for card in HAND_WRITTEN]
    assert value_of("rule of thumb", demo_first).sum() == pytest.approx(max(cards))


def test_the_playbook_goes_for_what_is_missing_first(calls):
    people = calls.population._replace(inbound=np.array([1, 0]))
    actions = playing(HAND_WRITTEN[1], calls.rules)(people).argmax(axis=-1)
    first = [Action.CALL, Action.DEMO, Action.CALL, Action.SURVEY]
    assert actions[0, 0, :4, 5].tolist() == first and actions[0, 0, N_PATTERNS - 1, 0] == Action.WAIT
    assert actions[1, 0, 0].tolist() == [Action.EMAIL] * 2 + [Action.WAIT] * 4


@pytest.mark.parametrize("name", ["fitted Q iteration", "one-step greedy"])
def test_one_seed_gives_the_same_bytes(demo_first, name):
    policies = [RIVALS[name](demo_first, 1_000, 3)(demo_first.population).tobytes() for _ in range(2)]
    assert policies[0] == policies[1]


def test_another_seed_gives_another_log(demo_first):
    logs = [random_log(demo_first, 500, np.random.default_rng(seed)).seen.tobytes() for seed in (3, 3, 4)]
    assert logs[0] == logs[1] != logs[2]
