"""The bound of weekly budgets: against brute force, linear programs and cases worked by hand."""

import functools
import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

from crm_rl.case_studies.budgets.bound import price_budgets
from crm_rl.case_studies.budgets.catalogue import CENTS, DOLLARS, N_ACTIONS, action_name
from crm_rl.case_studies.budgets.customers import PRICES
from crm_rl.case_studies.budgets.knapsack import choose, plan_week
from crm_rl.case_studies.budgets.plan import plan_at
from crm_rl.case_studies.budgets.policies import by_price, doing_nothing, each_week, first_come, gain_per_cost, play
from crm_rl.case_studies.budgets.world import N_STATES, book_world, draw_types, step, world_of
from crm_rl.evaluation.intervals import over_seeds


def small_world(types: int, customers: int, actions=range(N_ACTIONS), seed: int = 0):
    """A drawn world in which all but some actions are ruinous."""
    world = world_of(draw_types(np.random.default_rng(seed), types, customers))
    reward = np.full(world.reward.shape, -1e6)
    reward[..., list(actions)] = world.reward[..., list(actions)]
    return world._replace(reward=reward)


# ---- The catalogue and the world, by hand ----


def test_actions_and_their_costs():
    assert CENTS[0] == 0 and CENTS[1] == 50 and CENTS[25] == 257 and len(CENTS) == 26
    assert (action_name(0), action_name(12)) == ("nothing", "1.50 dollars by email")
    assert CENTS[12] == 152


def test_a_customer_by_hand():
    table = dict(
        segment="a", customers=1, margin=4.5, base=0.1, sensitivity=np.log(2), push=0, email=0.5, sms=0, phone=0
    )
    world = world_of(pd.DataFrame([{**table, "in-app": 0}]))
    email_1 = 7  # 1 dollar by email: pull 1 - exp(-ln 2) = 0.5, times affinity 0.5
    assert world.trip[0, 0, 0] == pytest.approx(0.1) and world.trip[0, 0, email_1] == pytest.approx(0.35)
    tired, keen = 2, 9  # fatigue 2, habit 3
    assert world.trip[0, tired, email_1] == pytest.approx(0.1 + 0.25 * 0.25)
    assert world.reward[0, 0, email_1] == pytest.approx(5 * 0.35 - 1.02)
    assert world.end[0, keen] == pytest.approx(8 * 5 * (0.1 + 0.24))
    assert world.travelled[0, email_1, 3 + 1] == 1 and world.stayed[keen, 0, 6] == pytest.approx(0.3)


def test_transitions_are_those_that_chance_brings():
    world, rng = small_world(1, 1), np.random.default_rng(1)
    many = np.full(40_000, 4)  # habit 1, fatigue 1
    trips, after = step(world, np.zeros_like(many), many, np.full_like(many, 13), rng)
    p = world.trip[0, 4, 13]
    expected = p * world.travelled[4, 13] + (1 - p) * world.stayed[4, 13]
    assert np.bincount(after, minlength=N_STATES) / len(many) == pytest.approx(expected, abs=0.01)
    assert trips.mean() == pytest.approx(p, abs=0.01)


# ---- One week ----


def relaxed(values: np.ndarray, cents: np.ndarray, budget: int) -> float:
    """The linear relaxation of a week's knapsack, by HiGHS."""
    customers, actions = values.shape
    cost = np.tile(cents / 100, customers)
    one_each = np.kron(np.eye(customers), np.ones(actions))
    found = linprog(-values.ravel(), cost[None], [budget / 100], one_each, np.ones(customers), method="highs")
    return -found.fun


@pytest.mark.parametrize("seed", range(8))
def test_one_week_against_linear_programming(seed):
    rng = np.random.default_rng(seed)
    values = np.hstack([np.zeros((30, 1)), rng.normal(1, 1, (30, 6))])
    cents = np.concatenate([[0], rng.integers(1, 300, 6)])
    for budget in (0, 700, 2000, 10_000):
        week = plan_week(values, cents, budget)
        assert week.bound == pytest.approx(relaxed(values, cents, budget), abs=1e-6)
        assert week.spent == cents[week.actions].sum() <= budget
        largest = np.ptp(values, axis=1).max()  # of one customer: what rounding can lose, by the theory
        assert week.bound - largest - 1e-9 <= week.value <= week.bound + 1e-9


def test_two_customers_by_hand():
    """Ann gains 3.00 with an offer of 2.00, Bob 1.20 with one of 1.00. With 2.00 dollars Ann is served, with 3.00 both;
    at 2.50 the last half dollar would buy half of Bob's offer: the bound is 3.60, the price 1.20."""
    values, cents = np.array([[0, 3.0, 0.2], [0, 0.1, 1.2]]), np.array([0, 200, 100])
    two, half, three = (plan_week(values, cents, budget) for budget in (200, 250, 300))
    assert two.actions.tolist() == [1, 0] and three.actions.tolist() == [1, 2]
    assert half.actions.tolist() == [1, 0] and half.spent == 200
    assert (half.price, half.bound) == (pytest.approx(1.2), pytest.approx(3.6))
    assert three.price == 0 and three.bound == pytest.approx(4.2)
    assert choose(values, cents, 1.3).tolist() == [1, 0] and choose(values, cents, 1.6).tolist() == [0, 0]


def test_what_is_not_allowed_is_not_chosen():
    values = np.array([[0.0, 5.0, 4.0], [0.0, 5.0, -np.inf]])
    values[0, 1] = -np.inf
    week = plan_week(values, np.array([0, 10, 20]), 1000)
    assert week.actions.tolist() == [2, 1]
    with pytest.raises(ValueError, match="Remedy"):
        plan_week(values, np.array([0, 10, 20]), -1)


def test_nobody_to_serve():
    assert plan_week(np.zeros((0, 3)), np.array([0, 1, 2]), 5).value == 0


# ---- Several weeks ----


def best_of_all(world, actions, budget: int, weeks: int) -> float:
    """The best that any policy can do with a few customers, by trying everything."""
    customers = len(world.customers)

    def following(one: int, state: int, action: int):
        p = world.trip[one, state, action]
        chances = p * world.travelled[state, action] + (1 - p) * world.stayed[state, action]
        return [(after, chances[after]) for after in np.flatnonzero(chances)]

    @functools.cache
    def value(week: int, states: tuple) -> float:
        if week == weeks:
            return sum(world.end[one, state] for one, state in enumerate(states))
        best = -np.inf
        for joint in itertools.product(actions, repeat=customers):
            if CENTS[list(joint)].sum() > budget:
                continue
            total = sum(world.reward[one, states[one], action] for one, action in enumerate(joint))
            for ways in itertools.product(*(following(one, states[one], a) for one, a in enumerate(joint))):
                total += np.prod([chance for _, chance in ways]) * value(week + 1, tuple(after for after, _ in ways))
            best = max(best, total)
        return best

    return value(0, (0,) * customers)


def test_against_brute_force_with_three_customers_and_two_weeks():
    actions = (0, 5, 12)
    world = small_world(3, 1, actions)
    gaps = []
    for budget in (0, 160, 1000):
        bound, best = price_budgets(world, budget, weeks=2).value, best_of_all(world, actions, budget, 2)
        assert bound >= best - 1e-6
        gaps.append(bound - best)
    assert gaps[0] == pytest.approx(0, abs=1e-3) and gaps[-1] == pytest.approx(0, abs=1e-3)
    assert max(gaps) > 1e-3  # three customers cannot take fractions of an offer
    assert doing_nothing(world, 2) == pytest.approx(best_of_all(world, actions, 0, 2))


def test_against_the_linear_program_of_flows():
    """The bound is the value of the fluid relaxation: shares of each type in each state and action, by HiGHS."""
    actions, weeks, budget = (0, 3, 12, 25), 3, 500
    world = small_world(3, 10, actions, 5)
    types, names = 3, list(itertools.product(range(weeks), range(3), range(N_STATES), actions))
    place = {name: number for number, name in enumerate(names)}
    gain, flows, begins = np.zeros(len(names)), np.zeros((weeks, types, N_STATES, len(names))), []
    money = np.zeros((weeks, len(names)))
    for (week, one, state, action), number in place.items():
        p = world.trip[one, state, action]
        after = p * world.travelled[state, action] + (1 - p) * world.stayed[state, action]
        gain[number] = world.reward[one, state, action] + (after @ world.end[one] if week == weeks - 1 else 0)
        flows[week, one, state, number] += 1
        if week < weeks - 1:
            flows[week + 1, one, :, number] -= after
        money[week, number] = DOLLARS[action]
    begins = np.zeros((weeks, types, N_STATES))
    begins[0, :, 0] = world.customers
    found = linprog(
        -gain, money, np.full(weeks, budget / 100), flows.reshape(-1, len(names)), begins.ravel(), method="highs"
    )
    assert price_budgets(world, budget, weeks=weeks).value == pytest.approx(-found.fun, rel=1e-5)


def test_losses_add_up_to_what_a_policy_falls_short():
    """Doing nothing is valued exactly by recursion; its counted losses must average to the same."""
    world = small_world(4, 20, seed=3)
    budget = world.budget()
    bound = price_budgets(world, budget)
    idle = [
        play(world, lambda week, types, *_: np.zeros(len(types), int), budget, bound.plan, np.random.default_rng(s))
        for s in range(20)
    ]
    lost = over_seeds(np.array([season.lost.sum() for season in idle]), statistic="mean", level=0.9999)
    assert lost["low"] <= bound.value - doing_nothing(world) <= lost["high"]
    assert lost["high"] - lost["low"] < 0.05 * lost["mean"]


def test_every_policy_keeps_the_budget_and_none_beats_the_bound():
    world = small_world(6, 10, seed=4)
    budget = world.budget()
    bound = price_budgets(world, budget)
    for policy in (by_price(bound.plan), each_week(world), gain_per_cost(world), first_come(world)):
        season = play(world, policy, budget, bound.plan, np.random.default_rng(0))
        assert season.spent.max() <= budget and season.lost.min() >= -1e-9


def test_the_recorded_prices_are_as_good_as_the_best():
    world = book_world()
    prices = pd.read_csv(PRICES)["price"].to_numpy()
    at_recorded = world.customers @ plan_at(world, prices).start + prices.sum() * world.budget() / 100
    best = price_budgets(world, world.budget())
    gain = best.value - doing_nothing(world)
    assert best.lowest <= at_recorded <= best.value + 0.001 * gain
    assert (prices > 0.5).all()  # the budget binds in every week
