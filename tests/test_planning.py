"""Exact planning: by hand, against the world written out in plain Python, and against simulation."""

import itertools

import numpy as np
import pytest
from small_responsive import TWO_WEEKS, drives, people, tireless
from written_out import EVENTS, USED, WrittenOut, place

from crm_rl.planning.exact import (
    FRESH,
    NO_CHANNEL,
    SITUATIONS,
    Plan,
    all_states,
    always,
    best_of,
    chunks,
    evaluate,
    optimal,
    optimal_values,
    reach,
    shape_of,
    share_of_gain,
    spread,
    starts_of,
    types_of,
    without_news,
)
from crm_rl.planning.model import as_arrays, model_of
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import (
    BASELINE,
    CALL,
    CHANCES,
    CHANNEL,
    DEMO,
    N_EVENTS,
    N_PATTERNS,
    SPOKEN,
    SUBSCRIPTION,
    WRITTEN,
    Params,
    Population,
    event_chance,
    force,
)
from crm_rl.worlds.responsive_batch import start_all, step_all

BY_CALLS = TWO_WEEKS._replace(drives=drives({(Action.CALL, SUBSCRIPTION): 1.0}))

#: Short and poor, so that every part of the rules makes a difference to what is best.
SHORT = BASELINE._replace(weeks=3, value=100.0, unready=0.3, lift=6.0)


def plain(n: int = 1) -> Population:
    """Outbound customers with nothing behind them, rates of 10%, whom every channel suits."""
    nothing = np.zeros(n, dtype=np.int64)
    quiet = np.full((2, N_PATTERNS, N_EVENTS), np.log(0.9))
    return Population(nothing, np.full(n, 0.5), np.full(n, 0.5), nothing, np.ones((n, N_ACTIONS)), quiet)


def first_q(plan: Plan, fatigue: int = 0, channel: int = NO_CHANNEL, interest: int = FRESH) -> np.ndarray:
    """The Q-values of the first customer's first week, nothing having happened."""
    return plan.q[0, 0, 0, fatigue, channel, interest]


def random_policy(population: Population, params: Params, seed: int) -> np.ndarray:
    """How likely each action is, drawn for every state of every customer."""
    return np.random.default_rng(seed).dirichlet(np.ones(N_ACTIONS), size=shape_of(population, params))


# By hand


def test_two_weeks_by_hand():
    """Waiting brings 10% a week. A call adds one more chance of 10%: 1 - 0.9 ** 2 = 19%, for 1 dollar.

    Last week: wait 10, call 19 - 1 = 18. First week: wait 10 + 0.9 * 18 = 26.2, call 18 + 0.81 * 18 = 32.58.
    """
    plan = optimal(plain(), BY_CALLS)
    last, first = plan.q[0, 1, 0, 0, NO_CHANNEL, FRESH], first_q(plan)
    assert last[Action.WAIT] == pytest.approx(10) and last[Action.CALL] == pytest.approx(18)
    assert first[Action.WAIT] == pytest.approx(26.2) and first[Action.CALL] == pytest.approx(32.58)
    assert first[Action.EMAIL] == pytest.approx(25.2)  # a dollar for nothing
    assert plan.at_start(plain()) == pytest.approx([32.58])
    waiting = evaluate(always(Action.WAIT), plain(), BY_CALLS)
    assert waiting.at_start(plain()) == pytest.approx([10 + 0.9 * 10])


def test_a_contact_may_lose_the_customer_by_hand():
    """A call is the last with the chance by fatigue, over e for a channel that suits, unless he subscribes."""
    plan = optimal(plain(), BY_CALLS._replace(opt_out=(0.1, 0.2, 0.5)))
    for fatigue, risk in enumerate((0.1, 0.2, 0.5)):
        q = first_q(plan, fatigue)
        assert q[Action.CALL] == pytest.approx(18 + 0.81 * (1 - risk / np.e) * 18)
        assert q[Action.WAIT] == pytest.approx(10 + 0.9 * 18)


def test_who_has_just_called_waits_or_changes_the_channel_by_hand():
    """A second call in a row has no lift left and an email half the drive: by 1 - 0.9 ** 1.5 it brings a subscription.

    Three weeks. Call, email, call earns most, for the call's channel is fresh again in the third.
    """
    strong = drives({(Action.CALL, SUBSCRIPTION): 1.0, (Action.EMAIL, SUBSCRIPTION): 0.5})
    params = BY_CALLS._replace(weeks=3, repeated=0.0, drives=strong)
    plan = optimal(plain(), params)
    emails = 100 * (1 - 0.9**1.5) - 1
    third = {None: 18.0, SPOKEN: emails, WRITTEN: 18.0}
    assert plan.value[0, 2, 0, 0, SPOKEN, 1] == pytest.approx(third[SPOKEN])
    assert plan.value[0, 2, 0, 0, WRITTEN, 1] == pytest.approx(third[WRITTEN])
    second = {
        "after a call, an email": emails + 0.9**1.5 * 18,
        "after an email, a call": 18 + 0.81 * emails,
        "after a call, a rest": 10 + 0.9 * 18,
    }
    assert plan.value[0, 1, 0, 0, SPOKEN, 1] == pytest.approx(second["after a call, an email"])
    assert plan.q[0, 1, 0, 0, SPOKEN, 1, Action.WAIT] == pytest.approx(second["after a call, a rest"])
    assert plan.q[0, 1, 0, 0, WRITTEN, 1, Action.CALL] == pytest.approx(second["after an email, a call"])
    assert plan.at_start(plain()) == pytest.approx([18 + 0.81 * second["after a call, an email"]])


def test_interest_that_cools_and_is_fresh_again_by_hand():
    """No lift is left unless interest is fresh. In the second week it is so after a survey, by 10%."""
    params = BY_CALLS._replace(interest=(0.0, 0.0, 1.0))
    who = plain()
    quiet = np.zeros_like(who.quiet)  # nothing else ever happens
    quiet[:, :, SUBSCRIPTION], quiet[:, :, 2] = np.log(0.9), np.log(0.9)
    plan = optimal(who._replace(quiet=quiet), params)
    assert plan.value[0, 1, 0, 0, NO_CHANNEL, :] == pytest.approx([10, 10, 18])
    assert first_q(plan)[Action.CALL] == pytest.approx(18 + 0.81 * (0.1 * 18 + 0.9 * 10))
    assert first_q(plan, interest=0)[Action.CALL] == pytest.approx(9 + 0.9 * (0.1 * 18 + 0.9 * 10))


def test_what_must_come_first_is_prepared_by_hand():
    """A demo brings a subscription, but only after a first call, which a call brings almost surely.

    Calls pay for themselves only by what the demo then earns: 1 - 0.9 ** 51 of 100.
    """
    strong = drives({(Action.CALL, CALL): 1.0, (Action.DEMO, SUBSCRIPTION): 1.0})
    params = TWO_WEEKS._replace(lift=50.0, drives=strong, needs=(0, 0, 0, 0, 0, 1 << CALL), unready=0.0)
    who, sure = plain(), 1 - 0.9**51
    assert optimal(who, params._replace(weeks=1)).q[0, 0, 0, 0, NO_CHANNEL, FRESH].argmax() == Action.WAIT
    q = first_q(optimal(who, params))
    demo, called = 100 * sure - 1, 1 - 0.9**51
    assert q[Action.CALL] == pytest.approx(10 - 1 + 0.9 * (called * demo + (1 - called) * 10))
    assert q[Action.WAIT] == pytest.approx(10 + 0.9 * (0.1 * demo + 0.9 * 10))
    assert q[Action.DEMO] == pytest.approx(q[Action.WAIT] - 1)


# Against the world written out


@pytest.mark.parametrize("customer", [0, 1])
@pytest.mark.parametrize("best", [True, False], ids=["the best policy", "a random one"])
def test_values_are_those_of_the_world_written_out(best, customer):
    population = people(2, seed=3)._replace(inbound=np.array([0, 1]), start=np.array([0, 0b01001]))
    chances = None if best else random_policy(population, SHORT, seed=4)
    plan = optimal(population, SHORT) if best else evaluate(chances, population, SHORT)
    policy = None if best else lambda *state: chances[customer][place(*state)]
    apart = WrittenOut(customer, population, SHORT, policy)
    assert plan.at_start(population)[customer] == pytest.approx(apart.at_start(), abs=1e-9, rel=0)
    actions = set()
    for state in situations(int(population.start[customer])):
        assert plan.value[customer][place(*state)] == pytest.approx(apart.value(*state), abs=1e-9, rel=0)
        actions.add(int(plan.q[customer][place(*state)].argmax()))
    assert len(actions) > 1, "one action for everything says little about the rest"


def situations(start: int) -> list[tuple]:
    """Every situation of the second and third week with at least these milestones."""
    patterns = [pattern for pattern in range(N_PATTERNS) if pattern & start == start]
    happened = [frozenset(name for bit, name in enumerate(EVENTS[:5]) if pattern >> bit & 1) for pattern in patterns]
    return list(itertools.product((1, 2), happened, range(3), USED, range(3)))


# Against simulation


@pytest.mark.parametrize("expected_reward", [False, True])
def test_simulation_agrees_within_its_error(expected_reward):
    params = BASELINE._replace(value=100.0, expected_reward=expected_reward)
    population, rng, n = people(3, seed=5), np.random.default_rng(1), 40_000
    plan = optimal(population, params)
    policy = plan.q.argmax(axis=-1)
    assert len(np.unique(policy)) == N_ACTIONS
    states = start_all(np.repeat(np.arange(3), n), population, params)
    total, running = np.zeros(3 * n), np.ones(3 * n, dtype=bool)
    for week in range(params.weeks):
        here = (states.milestones, states.fatigue, states.channel, states.interest)
        outcome = step_all(
            states, policy[states.customer, week, *here], population, params, rng.random((3 * n, CHANCES))
        )
        total += outcome.reward * running
        running &= ~outcome.terminated
        states = outcome.state
    assert not running.any()
    total = total.reshape(3, n)
    errors = total.std(axis=1) / np.sqrt(n)
    assert (np.abs(total.mean(axis=1) - plan.at_start(population)) < 4 * errors).all()


def test_states_are_reached_as_often_as_in_simulation():
    population, rng, n = people(1, seed=20), np.random.default_rng(2), 40_000
    policy = random_policy(population, BASELINE, seed=3)
    likely = reach(policy, population, BASELINE)
    states, running = start_all(np.zeros(n, dtype=np.int64), population, BASELINE), np.ones(n, dtype=bool)
    for week in range(4):
        here = (states.milestones, states.fatigue, states.channel, states.interest)
        counts = np.zeros(SITUATIONS)
        np.add.at(counts, tuple(part[running] for part in here), 1 / n)
        errors = np.sqrt(np.maximum(likely[0, week], 1 / n) / n)
        assert (np.abs(counts - likely[0, week]) < 5 * errors).all()
        chances = policy[0, week][here].cumsum(axis=1)
        actions = (rng.random((n, 1)) >= chances[:, :-1]).sum(axis=1)
        outcome = step_all(states, actions, population, BASELINE, rng.random((n, CHANCES)))
        states, running = outcome.state, running & ~outcome.terminated


# What must hold whatever the numbers


def test_no_policy_of_a_small_case_is_better_than_the_plan():
    """One week, so that a policy is one action: the plan takes the best of the six."""
    params, population = BASELINE._replace(weeks=1), people(4, seed=2)
    values = np.array([evaluate(always(a), population, params).at_start(population) for a in range(N_ACTIONS)])
    np.testing.assert_allclose(optimal(population, params).at_start(population), values.max(axis=0))


def test_where_nobody_is_reached_no_policy_changes_the_chance_of_a_subscription():
    params = tireless(BASELINE)._replace(value=1.0, action_cost=(0.0,) * 6)  # the value is then that chance
    population = people(5, seed=3)._replace(affinity=np.zeros((5, N_ACTIONS)))
    waiting = evaluate(always(Action.WAIT), population, params).at_start(population)
    for seed in range(3):
        policy = random_policy(population, params, seed)
        np.testing.assert_allclose(evaluate(policy, population, params).at_start(population), waiting)
    np.testing.assert_allclose(optimal(population, params).at_start(population), waiting)


def test_where_nothing_lifts_the_best_is_to_wait():
    params, population = BASELINE._replace(lift=0.0), people(6, seed=4)
    assert (optimal(population, params).q.argmax(axis=-1) == Action.WAIT).all()


def test_to_be_more_tired_is_never_worth_more():
    value = optimal(people(3, seed=6), BASELINE._replace(value=100.0)).value
    assert (np.diff(value, axis=3) <= 1e-12).all() and (np.diff(value, axis=3) < -0.1).any()


def test_the_chances_of_next_week_add_up_to_one_and_go_by_the_steps_chances():
    population = people(2, seed=7)
    model = model_of(1, population, BASELINE)
    np.testing.assert_allclose(model.follows.sum(axis=-1), 1)
    for m, a, interest, again in itertools.product((0, 0b01010, 0b11111), range(N_ACTIONS), range(3), (0, 1)):
        undone = [p for p in range(N_PATTERNS) if m & ~p]
        assert (model.follows[m, a, interest, again, undone] == 0).all()
        strength = force(CHANNEL[a] if again else -1, interest, a, BASELINE)
        if not m >> DEMO & 1:
            held = [p for p in range(N_PATTERNS) if p >> DEMO & 1]
            p = event_chance(DEMO, 1, m, a, strength, population, BASELINE)
            assert model.follows[m, a, interest, again, held].sum() == pytest.approx(p)


def test_the_greedy_policy_of_the_plan_has_the_plans_value():
    population = people(3, seed=8)
    plan = optimal(population, BASELINE)
    np.testing.assert_allclose(evaluate(best_of(plan.q), population, BASELINE).value, plan.value)


def test_sampled_and_expected_rewards_have_one_plan():
    population = people(4, seed=14)
    expected = optimal(population, BASELINE._replace(expected_reward=True))
    np.testing.assert_array_equal(optimal(population, BASELINE).q, expected.q)


def test_waiting_is_worth_the_same_whatever_reaches_whom():
    population = people(4, seed=15)
    dealt = population._replace(affinity=population.affinity[::-1].copy())
    waiting = [evaluate(always(Action.WAIT), who, BASELINE).value for who in (population, dealt)]
    np.testing.assert_array_equal(*waiting)


def test_what_differs_by_less_than_a_billionth_is_equally_good():
    q = np.array([3.0, 3.0 + 1e-13, 2.0, 3.0 - 1e-13, 0.0, 2.999999])
    assert best_of(q).tolist() == [1 / 3, 1 / 3, 0, 1 / 3, 0, 0]


# Tables, types and chunks


def test_states_come_in_the_order_of_the_tables():
    population = people(2, seed=9)
    states, shape = all_states(population, BASELINE), (2, BASELINE.weeks, *SITUATIONS)
    assert shape_of(population, BASELINE) == shape
    row = np.ravel_multi_index((1, 7, 0b00101, 1, WRITTEN, 1), shape)
    assert [field[row] for field in states] == [1, 7, 0b00101, 1, WRITTEN, 1, BASELINE.first_mask]


def test_customers_alike_but_for_their_start_share_a_type():
    population = people(4, seed=10)
    twice = Population(*(np.concatenate([field, field]) for field in population[:-1]), population.quiet)
    types, which = types_of(twice._replace(start=np.arange(8)))
    assert len(types.start) == 4 and (which[:4] == which[4:]).all()
    np.testing.assert_array_equal(types.country[which], twice.country)


def test_a_plan_for_one_of_each_is_a_plan_for_all():
    population = people(3, seed=11)
    again = Population(*(np.concatenate([field, field]) for field in population[:-1]), population.quiet)
    others = again._replace(start=np.array([1, 2, 3, 1, 2, 4]))
    one_of_each, which = starts_of(others)
    assert len(one_of_each.start) == 4
    values = optimal(others, BASELINE).at_start(others)
    np.testing.assert_array_equal(optimal(one_of_each, BASELINE).at_start(one_of_each)[which], values)
    np.testing.assert_array_equal(optimal_values(others, BASELINE), values)


def test_chunks_go_through_everybody_once():
    assert [part.tolist() for part in chunks(7, 3)] == [[0, 1, 2], [3, 4, 5], [6]]
    assert chunks(0) == []


# What is reached, and what a plan for several is worth


def test_what_is_earned_in_the_states_reached_adds_up_to_the_value():
    population = people(3, seed=12)
    policy = random_policy(population, BASELINE, seed=2)
    likely, earned = reach(policy, population, BASELINE), np.zeros(3)
    for c, m, channel, interest, a in itertools.product(range(3), range(N_PATTERNS), range(4), range(3), range(6)):
        p = event_chance(SUBSCRIPTION, c, m, a, force(channel, interest, a, BASELINE), population, BASELINE)
        here = (c, slice(None), m, slice(None), channel, interest)
        earned[c] += (likely[here] * policy[here][..., a]).sum() * (p * BASELINE.value - BASELINE.action_cost[a])
    np.testing.assert_allclose(earned, evaluate(policy, population, BASELINE).at_start(population))
    there = likely.sum(axis=(2, 3, 4, 5))
    np.testing.assert_allclose(there[:, 0], 1)
    assert (np.diff(there) < 0).all()


def test_a_week_can_lead_where_its_chances_are_above_zero_and_nowhere_else():
    population = people(2, seed=13)
    chosen = np.random.default_rng(3).random((2, 1, *SITUATIONS, N_ACTIONS)) < 0.4
    policy = np.where(chosen, 1 / N_ACTIONS, 0.0).repeat(BASELINE.weeks, axis=1)
    likely = reach(policy, population, BASELINE)
    for week in range(3):
        np.testing.assert_array_equal(spread(likely[:, week] > 0, chosen[:, 0]), likely[:, week + 1] > 0)


def test_two_groups_do_no_worse_than_one_from_the_same_start():
    population = people(6, seed=16)
    emails = np.full((1, BASELINE.weeks, *SITUATIONS), Action.EMAIL)
    one = shared_policy(emails, np.zeros(6, dtype=np.int64), population, BASELINE, 3)
    two = shared_policy(one.repeat(2, axis=0), population.inbound, population, BASELINE, 3)

    def worth(policy: np.ndarray) -> float:
        return evaluate(np.eye(N_ACTIONS)[policy], population, BASELINE).at_start(population).sum()

    assert worth(two[population.inbound]) >= worth(one) > worth(emails)


def test_a_shared_policy_gets_better_and_is_the_best_for_one_customer():
    population = people(6, seed=13)
    waiting = np.full((1, BASELINE.weeks, *SITUATIONS), Action.WAIT)
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


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_backward_induction_with_plain_arrays_finds_the_same_plan(seed):
    """The eight lines that readers of chapter 3 write, on the arrays of one customer."""
    population = people(seed=seed)
    chances, rewards = as_arrays(0, population, BASELINE)
    assert np.allclose(chances.sum(axis=-1), 1)
    values = np.zeros(len(rewards))
    plan = optimal(population, BASELINE)
    for week in reversed(range(BASELINE.weeks)):
        q = rewards + chances @ values
        values = q.max(axis=1)
        assert np.allclose(q[:-1].reshape(*SITUATIONS, N_ACTIONS), plan.q[0, week])
        assert values[-1] == 0


def test_a_plan_is_followed_through_weeks_without_news():
    """Each action is the best one after those before it: contacts tire, a wait rests, and interest cools."""
    q = np.zeros((3, *SITUATIONS, N_ACTIONS))
    q[0, DEMO, 0, NO_CHANNEL, FRESH, Action.EMAIL] = 1
    q[1, DEMO, 1, CHANNEL[Action.EMAIL], FRESH - 1, Action.WAIT] = 1
    q[2, DEMO, 0, NO_CHANNEL, FRESH - 2, Action.MANAGER] = 1
    assert without_news(q, DEMO) == [Action.EMAIL, Action.WAIT, Action.MANAGER]
