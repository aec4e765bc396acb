"""Exact planning: against a case solved by hand, against every trajectory written out, and against simulation."""

import itertools

import numpy as np
import pytest

from crm_rl.planning.exact import (
    all_observations,
    all_states,
    always,
    best_of,
    evaluate,
    optimal,
    reach,
    share_of_gain,
    starts_of,
    successors,
    types_of,
)
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import (
    BASELINE,
    CHANCES,
    N_EVENTS,
    N_PATTERNS,
    SUBSCRIPTION,
    Population,
    event_chance,
    opt_out_chance,
    start_all,
    step_all,
)


def people(n: int = 1, seed: int = 0, base: float | None = None) -> Population:
    """Customers with made-up rates, or with one and the same base rate for everything."""
    rng = np.random.default_rng(seed)
    chances = np.full((2, N_PATTERNS, N_EVENTS), base) if base else rng.uniform(0.01, 0.2, (2, N_PATTERNS, N_EVENTS))
    return Population(
        inbound=rng.integers(0, 2, n),
        country=rng.random(n),
        bootcamp=rng.random(n),
        start=rng.integers(0, N_PATTERNS, n),
        affinity=rng.uniform(0.2, 2.0, (n, N_ACTIONS)),
        quiet=np.log1p(-chances),
    )


ONLY_SUBSCRIPTION = tuple(
    tuple(float(a == Action.CALL and e == SUBSCRIPTION) for e in range(N_EVENTS)) for a in range(6)
)

#: Two weeks, two states (customer or not), one action that matters: everything can be done by hand.
BY_HAND = BASELINE._replace(
    weeks=2,
    lift=1.0,
    organic=0.0,
    drives=ONLY_SUBSCRIPTION,
    action_cost=(1.0,) * 4 + (0.0, 1.0),
    value=100.0,
    opt_out=0.0,
)


def test_two_weeks_by_hand():
    # Waiting: 10% a week. A call adds one more chance of 10%: 1 - 0.9 ** 2 = 19%, for 1 dollar.
    # Last week: wait 10, call 19 - 1 = 18. First week: wait 10 + 0.9 * 18 = 26.2, call 18 + 0.81 * 18 = 32.58.
    population = people(base=0.1)._replace(affinity=np.ones((1, N_ACTIONS)), start=np.zeros(1, dtype=np.int64))
    plan = optimal(population, BY_HAND)
    last, first = plan.q[0, 1, 0, 0], plan.q[0, 0, 0, 0]
    assert last[Action.WAIT] == pytest.approx(10) and last[Action.CALL] == pytest.approx(18)
    assert first[Action.WAIT] == pytest.approx(26.2) and first[Action.CALL] == pytest.approx(32.58)
    assert first[Action.EMAIL] == pytest.approx(25.2)  # a dollar for nothing
    assert plan.at_start(population) == pytest.approx([32.58])
    waiting = evaluate(always(Action.WAIT), population, BY_HAND)
    assert waiting.at_start(population) == pytest.approx([10 + 0.9 * 10])


def test_a_contact_may_lose_the_customer_by_hand():
    # With two contacts behind, a call loses the customer with 0.2 * (3 - 2) = 20%, unless he subscribes.
    rules = BY_HAND._replace(opt_out=0.2)
    population = people(base=0.1)._replace(affinity=np.ones((1, N_ACTIONS)))
    plan = optimal(population, rules)
    assert plan.q[0, 0, 0, 2, Action.CALL] == pytest.approx(18 + 0.81 * 0.8 * 18)
    assert plan.q[0, 0, 0, 1, Action.CALL] == pytest.approx(18 + 0.81 * 18)
    assert plan.q[0, 0, 0, 5, Action.CALL] == pytest.approx(18 + 0.81 * (1 - 0.2 * 4) * 18)


def written_out(customer, week, milestones, contacts, policy, population, rules) -> float:
    """The value of a policy by recursion over every possible week, event by event: slow, and written independently."""
    if week == rules.weeks:
        return 0.0
    action, total = policy(week, milestones, contacts), 0.0
    chances = [event_chance(e, customer, milestones, action, population, rules) for e in range(N_EVENTS)]
    for happens in itertools.product((0, 1), repeat=N_EVENTS):
        if any(happens[e] and milestones >> e & 1 for e in range(5)):
            continue
        possible = [e for e in range(N_EVENTS) if e == SUBSCRIPTION or not milestones >> e & 1]
        likely = np.prod([chances[e] if happens[e] else 1 - chances[e] for e in possible])
        value = -rules.action_cost[action]
        reached = milestones | sum(1 << e for e in range(5) if happens[e])
        value += sum(rules.stage_reward[e] for e in range(5) if happens[e])
        if happens[SUBSCRIPTION]:
            value += rules.value
        else:
            stays = 1 - opt_out_chance(contacts, action, rules)
            later = min(contacts + (action != Action.WAIT), rules.most_contacts)
            value += stays * written_out(customer, week + 1, reached, later, policy, population, rules)
        total += likely * value
    return total


@pytest.mark.parametrize("seed", range(3))
def test_the_value_is_that_of_all_trajectories_written_out(seed):
    rules = BASELINE._replace(weeks=3, value=100.0, opt_out=0.1, stage_reward=(3.0, 1.0, 4.0, 1.0, 5.0))
    population, rng = people(2, seed), np.random.default_rng(seed)
    choices = rng.integers(0, N_ACTIONS, (rules.weeks, N_PATTERNS, rules.most_contacts + 1))
    plan = evaluate(np.eye(N_ACTIONS)[choices][None], population, rules)
    for customer, start in enumerate((0b10100, 0b00111)):
        value = written_out(customer, 0, start, 0, lambda *state: choices[state], population, rules)
        assert plan.value[customer, 0, start, 0] == pytest.approx(value)


def test_no_policy_of_a_small_case_is_better_than_the_plan():
    # One week, so that a policy is one action: the plan takes the best of the six.
    rules, population = BASELINE._replace(weeks=1), people(4, seed=2)
    values = np.array([evaluate(always(a), population, rules).at_start(population) for a in range(N_ACTIONS)])
    np.testing.assert_allclose(optimal(population, rules).at_start(population), values.max(axis=0))


@pytest.mark.parametrize("expected_reward", [False, True])
def test_simulation_agrees_within_its_error(expected_reward):
    rules = BASELINE._replace(value=100.0, expected_reward=expected_reward, stage_reward=(2.0, 0.0, 1.0, 0.0, 0.0))
    population, rng, n = people(3, seed=5), np.random.default_rng(1), 40_000
    plan = optimal(population, rules)
    policy = plan.q.argmax(axis=-1)
    for customer in range(3):
        states = start_all(np.full(n, customer), population, rules)
        total, running = np.zeros(n), np.ones(n, dtype=bool)
        for _ in range(rules.weeks):
            week = np.minimum(states.steps, rules.weeks - 1)
            actions = policy[states.customer, week, states.milestones, states.contacts]
            outcome = step_all(states, actions, population, rules, rng.random((n, CHANCES)))
            total += outcome.reward * running
            running &= ~outcome.terminated
            states = outcome.state
        error = total.std() / np.sqrt(n)
        assert abs(total.mean() - plan.at_start(population)[customer]) < 4 * error


def test_where_everything_is_organic_no_policy_changes_the_chance_of_a_subscription():
    rules = BASELINE._replace(organic=1.0, value=1.0, action_cost=(0.0,) * 6)  # the value is then that chance
    population, rng = people(5, seed=3), np.random.default_rng(0)
    waiting = evaluate(always(Action.WAIT), population, rules).at_start(population)
    for _ in range(5):
        shape = (5, rules.weeks, N_PATTERNS, rules.most_contacts + 1)
        policy = rng.dirichlet(np.ones(N_ACTIONS), size=shape)
        np.testing.assert_allclose(evaluate(policy, population, rules).at_start(population), waiting)
    np.testing.assert_allclose(optimal(population, rules).at_start(population), waiting)


def test_where_nothing_lifts_the_best_is_to_wait():
    rules, population = BASELINE._replace(lift=0.0), people(6, seed=4)
    assert (optimal(population, rules).q.argmax(axis=-1) == Action.WAIT).all()


def test_potential_based_shaping_changes_no_choice_and_plain_shaping_does():
    rules, population = BASELINE._replace(value=20.0), people(6, seed=6)
    plain = rules._replace(stage_reward=(15.0, 10.0, 5.0, 0.0, 0.0))
    q = optimal(population, rules).q
    shaped = optimal(population, plain._replace(potential_based=True)).q
    np.testing.assert_allclose(
        shaped - shaped.max(axis=-1, keepdims=True), q - q.max(axis=-1, keepdims=True), atol=1e-9
    )
    worth = [15 * (m & 1) + 10 * (m >> 1 & 1) + 5 * (m >> 2 & 1) for m in range(N_PATTERNS)]
    np.testing.assert_allclose(
        q.max(axis=-1) - shaped.max(axis=-1), np.broadcast_to(np.array(worth)[:, None], q.shape[:-1]), atol=1e-9
    )
    assert (optimal(population, plain).q.argmax(axis=-1) != q.argmax(axis=-1)).any()


def test_the_chances_of_next_week_add_up_to_one():
    population = people(2, seed=7)
    for milestones in (0, 0b01010, 0b11111):
        chances = successors(1, milestones, int(Action.CALL), population, BASELINE)
        assert chances.sum() == pytest.approx(1)
        assert all(chances[p] == 0 for p in range(N_PATTERNS) if milestones & ~p)  # nothing is undone


def test_the_greedy_policy_of_the_plan_has_the_plans_value():
    population = people(3, seed=8)
    plan = optimal(population, BASELINE)
    np.testing.assert_allclose(evaluate(best_of(plan.q), population, BASELINE).value, plan.value)


def test_states_and_observations_come_in_the_order_of_the_tables():
    population = people(2, seed=9)
    states, seen = all_states(population, BASELINE), all_observations(population, BASELINE)
    shape = (2, BASELINE.weeks, N_PATTERNS, BASELINE.most_contacts + 1)
    place = np.ravel_multi_index((1, 7, 0b00101, 3), shape)
    assert [field[place] for field in states] == [1, 7, 0b00101, 3, BASELINE.first_mask]
    assert seen.shape == (np.prod(shape), 15)
    np.testing.assert_allclose(seen[place, [3, 4, 7, 8, 9, 14]], [7 / 12, 3 / 5, 1, 0, 1, 2 / 5], rtol=1e-6)


def test_customers_alike_but_for_their_start_share_a_type():
    population = people(4, seed=10)
    twice = Population(*(np.concatenate([field, field]) for field in population[:-1]), population.quiet)
    types, which = types_of(twice._replace(start=np.arange(8)))
    assert len(types.start) == 4 and (which[:4] == which[4:]).all()
    np.testing.assert_array_equal(types.country[which], twice.country)


def test_the_share_of_the_gain_by_hand():
    best, waiting = np.array([10.0, 30.0]), np.array([0.0, 10.0])
    assert share_of_gain(best, waiting, best) == 1
    assert share_of_gain(np.array([5.0, 10.0]), waiting, best) == pytest.approx(5 / 30)
    assert np.isnan(share_of_gain(best, waiting, waiting + 0.01))


def test_no_share_is_quoted_of_less_than_a_dollar_a_customer():
    waiting = np.zeros(4)
    assert share_of_gain(np.full(4, 0.5), waiting, np.ones(4)) == 0.5
    assert np.isnan(share_of_gain(np.full(4, 0.5), waiting, np.array([0.99, 1.0, 1.0, 1.0])))
    assert share_of_gain(np.full(4, 0.1), waiting, np.full(4, 0.2), least=0.1) == pytest.approx(0.5)


def test_sampled_and_expected_rewards_have_one_plan():
    population = people(4, seed=14)
    expected = optimal(population, BASELINE._replace(expected_reward=True))
    np.testing.assert_array_equal(optimal(population, BASELINE).q, expected.q)


def test_waiting_is_worth_the_same_whatever_reaches_whom():
    population = people(4, seed=15)
    dealt = population._replace(affinity=population.affinity[::-1].copy())
    waiting = [evaluate(always(Action.WAIT), who, BASELINE).value for who in (population, dealt)]
    np.testing.assert_array_equal(*waiting)


def test_two_groups_do_no_worse_than_one_from_the_same_start():
    population = people(6, seed=16)
    emails = np.full((1, BASELINE.weeks, N_PATTERNS, BASELINE.most_contacts + 1), Action.EMAIL)
    one = shared_policy(emails, np.zeros(6, dtype=np.int64), population, BASELINE, 3)
    two = shared_policy(one.repeat(2, axis=0), population.inbound, population, BASELINE, 3)

    def worth(policy: np.ndarray) -> float:
        return evaluate(np.eye(N_ACTIONS)[policy], population, BASELINE).at_start(population).sum()

    assert worth(two[population.inbound]) >= worth(one) > worth(emails)


def test_a_plan_for_one_of_each_is_a_plan_for_all():
    population = people(3, seed=11)
    again = Population(*(np.concatenate([field, field]) for field in population[:-1]), population.quiet)
    others = again._replace(start=np.array([1, 2, 3, 1, 2, 4]))
    one_of_each, which = starts_of(others)
    assert len(one_of_each.start) == 4
    np.testing.assert_allclose(
        optimal(one_of_each, BASELINE).at_start(one_of_each)[which], optimal(others, BASELINE).at_start(others)
    )


def test_what_is_earned_in_the_states_reached_adds_up_to_the_value():
    population, rng = people(3, seed=12), np.random.default_rng(2)
    policy = rng.dirichlet(np.ones(N_ACTIONS), size=(3, BASELINE.weeks, N_PATTERNS, BASELINE.most_contacts + 1))
    likely, earned = reach(policy, population, BASELINE), np.zeros(3)
    for customer in range(3):
        for m, a in itertools.product(range(N_PATTERNS), range(N_ACTIONS)):
            p = event_chance(SUBSCRIPTION, customer, m, a, population, BASELINE)
            visits = (likely[customer, :, m] * policy[customer, :, m, :, a]).sum()
            earned[customer] += visits * (p * BASELINE.value - BASELINE.action_cost[a])
    np.testing.assert_allclose(earned, evaluate(policy, population, BASELINE).at_start(population))
    assert (likely.sum(axis=(2, 3))[:, 0] == 1).all() and (np.diff(likely.sum(axis=(2, 3))) <= 0).all()


def test_a_shared_policy_gets_better_and_is_the_best_for_one_customer():
    population = people(6, seed=13)
    waiting = np.full((1, BASELINE.weeks, N_PATTERNS, BASELINE.most_contacts + 1), Action.WAIT)
    everybody = np.zeros(6, dtype=np.int64)
    worth = [evaluate(always(Action.WAIT), population, BASELINE).at_start(population).sum()]
    for rounds in (1, 2, 30):
        policy = shared_policy(waiting, everybody, population, BASELINE, rounds)
        worth.append(evaluate(np.eye(N_ACTIONS)[policy], population, BASELINE).at_start(population).sum())
    best = optimal(population, BASELINE)
    assert np.all(np.diff(worth) >= 0) and worth[1] > worth[0]
    assert worth[-1] < best.at_start(population).sum()
    alone = shared_policy(best.q.argmax(axis=-1), np.arange(6), population, BASELINE)  # each is a group by himself
    found = evaluate(np.eye(N_ACTIONS)[alone], population, BASELINE)
    np.testing.assert_allclose(found.at_start(population), best.at_start(population))
    assert (waiting == Action.WAIT).all()


def test_what_differs_in_the_last_digits_is_equally_good():
    q = np.array([3.0, 3.0 + 1e-13, 2.0, 3.0 - 1e-13, 0.0, 2.999999])
    assert best_of(q).tolist() == [1 / 3, 1 / 3, 0, 1 / 3, 0, 0]
