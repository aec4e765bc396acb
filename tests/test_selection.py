"""Buying attributes: exact values against cases solved by hand and simulation, and a table that finds what to buy."""

import numpy as np
import pytest
from small_responsive import world_of

from crm_rl.agents.q_learning import RESPONSIVE, train_q_learning
from crm_rl.evaluation.gain import exact_values
from crm_rl.planning.exact import all_observations, all_states, evaluate, optimal
from crm_rl.planning.feature_selection import ANY, evaluate_selection, fixed_mask, observations_with, upper_bound
from crm_rl.worlds.attributes import ALL, N_MASKS, NONE, RESOLUTIONS, bought_in, mask_of, place_among
from crm_rl.worlds.base import ALL_VISIBLE, N_ACTIONS, N_FEATURES, Action
from crm_rl.worlds.responsive import (
    ATTRIBUTES,
    BASELINE,
    BOOTCAMP,
    CHANCES,
    COUNTRY,
    INBOUND,
    N_EVENTS,
    N_PATTERNS,
    SELECTION,
    SUBSCRIPTION,
    Population,
    start_all,
    step_all,
)

WAIT, CALL, DEMO = (N_FEATURES + int(action) for action in (Action.WAIT, Action.CALL, Action.DEMO))
ONLY_COUNTRY = 2

SUBSCRIBE_BY = tuple(
    tuple(float(a in (Action.CALL, Action.DEMO) and e == SUBSCRIPTION) for e in range(N_EVENTS))
    for a in range(N_ACTIONS)
)

#: Two weeks. Some listen to calls, the others to demos: what suits a customer doubles his chance of 10% to subscribe,
#: and is worth 100: 18 in the last week with what suits him, 9 with what does not. Who knows him gets 18 + 0.81 x 18 =
#: 32.58. Who does not had best call first, then demonstrate: whom the call suited is less likely to be still there. So
#: he gets 18 + 0.81 x 9 = 25.29 from the one and 9 + 0.9 x 18 = 25.2 from the other.
BLIND = (25.29 + 25.2) / 2
TWO_WEEKS = SELECTION._replace(
    weeks=2, lift=1.0, organic=0.0, drives=SUBSCRIBE_BY, action_cost=(1.0,) * 4 + (0.0, 1.0), value=100.0, opt_out=0.0
)

#: How a table learns here: step sizes of about 2.5 / tries after many tries.
HOW = RESPONSIVE._replace(alpha_decay=0.2, exploration=0.5)


@pytest.fixture
def two_kinds() -> Population:
    """Told apart by their country only."""
    affinity = np.ones((2, N_ACTIONS))
    affinity[1, Action.CALL] = affinity[0, Action.DEMO] = 0.0
    quiet = np.full((2, N_PATTERNS, N_EVENTS), np.log(0.9))
    quiet[:, :, :SUBSCRIPTION] = 0.0  # no milestone ever happens
    nothing = np.zeros(2, dtype=np.int64)
    return Population(nothing, np.array([0.1, 0.9]), np.array([0.5, 0.5]), nothing, affinity, quiet)


def people(n: int, seed: int) -> Population:
    """Customers with made-up rates."""
    rng = np.random.default_rng(seed)
    return Population(
        inbound=rng.integers(0, 2, n),
        country=rng.random(n),
        bootcamp=rng.random(n),
        start=rng.integers(0, 4, n),
        affinity=rng.uniform(0.2, 2.0, (n, N_ACTIONS)),
        quiet=np.log1p(-rng.uniform(0.01, 0.2, (2, N_PATTERNS, N_EVENTS))),
    )


def always(action: int, customers: int, rules=TWO_WEEKS) -> np.ndarray:
    """The same action in every state."""
    shape = (customers, rules.weeks, N_PATTERNS, rules.most_contacts + 1, N_MASKS)
    return np.full(shape, action, dtype=np.int8)


def test_mask_numbers_and_feature_masks():
    assert [bought_in(mask_of(bought)) for bought in range(N_MASKS)] == list(range(N_MASKS))
    assert mask_of(NONE) == SELECTION.first_mask and mask_of(ALL) == ALL_VISIBLE
    assert mask_of(ONLY_COUNTRY) ^ mask_of(NONE) == 1 << COUNTRY
    assert bought_in(ATTRIBUTES & ~(1 << BOOTCAMP)) == 3
    np.testing.assert_array_equal(bought_in(np.array([0, 1 << INBOUND, ALL_VISIBLE])), [0, 1, 7])


def test_buying_the_country_by_hand(two_kinds):
    calls, plan = always(CALL, 2), always(CALL, 2)
    plan[1] = DEMO
    plan[..., NONE] = COUNTRY
    assert evaluate_selection(calls, two_kinds, TWO_WEEKS) == pytest.approx([32.58, 9 + 0.9 * 9])
    calls[:, 1] = DEMO
    assert evaluate_selection(calls, two_kinds, TWO_WEEKS) == pytest.approx([25.29, 25.2])
    assert evaluate_selection(plan, two_kinds, TWO_WEEKS) == pytest.approx([31.58, 31.58])
    gain = 32.58 - BLIND
    for price, pays in ((gain - 0.01, True), (gain + 0.01, False)):
        rules = TWO_WEEKS._replace(feature_price=price)
        values = [fixed_mask(bought, two_kinds, two_kinds, rules).mean() for bought in range(N_MASKS)]
        assert np.argmax(values) == (ONLY_COUNTRY if pays else NONE)
        assert values[ONLY_COUNTRY] == pytest.approx(32.58 - price) and values[NONE] == pytest.approx(BLIND)


def test_to_ask_again_costs_the_price_and_the_week(two_kinds):
    waits = evaluate_selection(always(WAIT, 2), two_kinds, TWO_WEEKS)
    assert waits == pytest.approx([19.0, 19.0])
    useless = always(3, 2)  # a feature that is never hidden
    assert evaluate_selection(useless, two_kinds, TWO_WEEKS) == pytest.approx(waits - 1 - 0.9)
    again = always(COUNTRY, 2)  # bought once, then wasted in both weeks
    assert evaluate_selection(again, two_kinds, TWO_WEEKS) == pytest.approx(waits - 1 - 1 - 0.9)


def test_buying_in_the_second_week(two_kinds):
    late = always(CALL, 2)
    late[1] = DEMO
    late[..., NONE] = CALL
    late[:, 1, ..., NONE] = COUNTRY
    assert evaluate_selection(late, two_kinds, TWO_WEEKS) == pytest.approx([18 + 0.81 * 17, 9 + 0.9 * 17])


def test_who_buys_nothing_has_the_value_of_the_plan_he_follows():
    population, rng = people(4, seed=1), np.random.default_rng(0)
    chosen = rng.integers(0, N_ACTIONS, (4, SELECTION.weeks, N_PATTERNS, SELECTION.most_contacts + 1))
    actions = np.repeat((N_FEATURES + chosen)[..., None], N_MASKS, axis=-1)
    plain = evaluate(np.eye(N_ACTIONS)[chosen], population, BASELINE).at_start(population)
    np.testing.assert_allclose(evaluate_selection(actions, population, SELECTION), plain)
    shaped = SELECTION._replace(stage_reward=(15.0, 10.0, 5.0, 0.0, 0.0), potential_based=True)
    plain = evaluate(np.eye(N_ACTIONS)[chosen], population, shaped).at_start(population)
    np.testing.assert_allclose(evaluate_selection(actions, population, shaped), plain)


def test_who_buys_all_and_follows_the_optimum_pays_three_prices():
    population = people(4, seed=2)
    best = optimal(population, SELECTION)
    actions = np.repeat(N_FEATURES + best.q.argmax(axis=-1)[..., None], N_MASKS, axis=-1)
    for bought in range(ALL):
        first_hidden = next(i for i in range(3) if not bought >> i & 1)
        actions[..., bought] = (INBOUND, COUNTRY, BOOTCAMP)[first_hidden]
    expected = best.at_start(population) - 3 * SELECTION.feature_price
    np.testing.assert_allclose(evaluate_selection(actions, population, SELECTION), expected)
    np.testing.assert_allclose(fixed_mask(ALL, population, population, SELECTION), expected)


def test_any_is_the_average_over_all_actions():
    population, rules = people(2, seed=3), SELECTION._replace(weeks=3)
    rng = np.random.default_rng(1)
    shape = (2, rules.weeks, N_PATTERNS, rules.most_contacts + 1, N_MASKS)
    actions = rng.integers(ANY, N_FEATURES + N_ACTIONS, shape)
    each = []
    for first in (ANY, *range(N_FEATURES + N_ACTIONS)):  # the first action only, in week 0
        actions[np.arange(2), 0, population.start, 0, NONE] = first
        each.append(evaluate_selection(actions, population, rules))
    np.testing.assert_allclose(each[0], np.mean(each[1:], axis=0))


@pytest.mark.parametrize("expected", [False, True])
def test_values_agree_with_simulation(expected):
    population, rng = people(3, seed=4), np.random.default_rng(2)
    rules = SELECTION._replace(weeks=4, value=100.0, expected_reward=expected, feature_price=3.0)
    shape = (3, rules.weeks, N_PATTERNS, rules.most_contacts + 1, N_MASKS)
    actions = np.where(
        rng.random(shape) < 0.3,
        rng.choice([INBOUND, COUNTRY, BOOTCAMP], shape),
        rng.integers(ANY, N_FEATURES + N_ACTIONS, shape),
    )
    n = 60_000
    states = start_all(np.repeat(np.arange(3), n), population, rules)
    earned, running = np.zeros(3 * n), np.ones(3 * n, dtype=bool)
    for _ in range(rules.weeks + 3):
        weeks = np.minimum(states.steps, rules.weeks - 1)
        chosen = actions[states.customer, weeks, states.milestones, states.contacts, bought_in(states.mask)]
        chosen = np.where(chosen == ANY, rng.integers(0, N_FEATURES + N_ACTIONS, 3 * n), chosen)
        outcome = step_all(states, chosen, population, rules, rng.random((3 * n, CHANCES)))
        earned += running * outcome.reward
        states, running = outcome.state, running & ~outcome.terminated
    assert not running.any()
    earned = earned.reshape(3, n)
    error = earned.std(axis=1) / np.sqrt(n)
    assert (np.abs(earned.mean(axis=1) - evaluate_selection(actions, population, rules)) < 4 * error).all()


def test_a_policy_of_another_shape_is_refused(two_kinds):
    with pytest.raises(ValueError, match="Remedy"):
        evaluate_selection(always(WAIT, 2)[:1], two_kinds, TWO_WEEKS)
    with pytest.raises(ValueError, match="Remedy"):
        evaluate_selection(always(21, 2), two_kinds, TWO_WEEKS)


def test_what_was_not_bought_is_not_seen():
    population = people(2, seed=5)
    plain = all_observations(population, BASELINE)
    for bought in (NONE, ONLY_COUNTRY, ALL):
        seen, visible = np.split(observations_with(population, SELECTION, bought), 2, axis=1)
        np.testing.assert_array_equal(
            visible, np.broadcast_to(mask_of(bought) >> np.arange(N_FEATURES) & 1, seen.shape)
        )
        np.testing.assert_array_equal(seen, plain * visible)


def test_a_fixed_mask_in_hindsight_is_no_worse_than_no_knowledge_and_below_the_bounds():
    population = people(12, seed=6)
    free = SELECTION._replace(feature_price=0.0)
    values = [fixed_mask(bought, population, population, free).mean() for bought in range(N_MASKS)]
    best = optimal(population, free).at_start(population).mean()
    assert values[NONE] <= min(values) + 1e-9 and values[ALL] == pytest.approx(best)
    assert max(values) <= upper_bound(population, free) + 1e-9
    assert upper_bound(population, free) == pytest.approx(best)
    for price in (0.1, 1.0, 10.0):
        rules = SELECTION._replace(feature_price=price)
        values = [fixed_mask(bought, population, population, rules).mean() for bought in range(N_MASKS)]
        assert max(values) <= upper_bound(population, rules) + 1e-9 <= best + 2e-9


def test_the_upper_bound_by_hand(two_kinds):
    for price in (1.0, 5.0):  # buy first; or call without knowing, and be told for nothing
        blind = (18 + 0.81 * 18 + 9 + 0.9 * 18) / 2
        rules = TWO_WEEKS._replace(feature_price=price)
        assert upper_bound(two_kinds, rules) == pytest.approx(max(32.58 - price, blind))


def test_who_looks_like_nobody_gets_the_plan_for_everybody(two_kinds):
    stranger = two_kinds._replace(country=np.array([0.1, 0.4]))
    blind = fixed_mask(NONE, two_kinds, stranger, TWO_WEEKS)
    bought = fixed_mask(ONLY_COUNTRY, two_kinds, stranger, TWO_WEEKS)
    assert bought == pytest.approx([31.58, blind[1] - 1])
    np.testing.assert_array_equal(place_among(np.array([[3.0], [5.0]]), np.array([[5.0], [4.0]])), [-1, 0])


def table(world, hyper, resolution: str, steps: int):
    return train_q_learning(world, hyper, None, seed=0, steps=steps, resolution=RESOLUTIONS[resolution])


@pytest.mark.parametrize(("price", "best"), [(1.0, 31.58), (10.0, BLIND)])
def test_a_table_finds_what_to_buy(price, best, two_kinds):
    world = world_of(two_kinds, TWO_WEEKS._replace(expected_reward=True, feature_price=price))
    learned = table(world, HOW, "+ standings to halves", 300_000)
    assert exact_values(learned, world).mean() == pytest.approx(best, abs=1e-6)


def test_a_table_that_never_met_a_state_takes_any_action(two_kinds):
    learned = table(world_of(two_kinds, TWO_WEEKS), RESPONSIVE, "+ standings, 1 decimal", 2_000)
    there = world_of(two_kinds._replace(country=np.array([0.1, 0.4])), TWO_WEEKS)
    states = all_states(there.population, there.rules)
    first = (states.steps == 0) & (states.milestones == 0) & (states.contacts == 0)
    stranger = states.customer == 1

    def met(bought: int) -> np.ndarray:
        return learned.known(states._replace(mask=np.full(len(states.mask), mask_of(bought))), there)

    assert met(NONE)[first].all(), "nothing bought, nothing seen: everybody looks familiar"
    assert met(ONLY_COUNTRY)[first & ~stranger].all() and not met(ONLY_COUNTRY)[stranger].any()
    assert not met(NONE)[states.milestones == 5].any(), "milestones that never happen"
    unknown = states._replace(mask=np.full(len(states.mask), mask_of(ONLY_COUNTRY)))
    chances = learned.probabilities(unknown, there)[stranger]
    np.testing.assert_allclose(chances, 1 / (N_FEATURES + N_ACTIONS))


def test_the_value_of_a_policy_that_knows_nothing_is_that_of_any_action(two_kinds):
    stranger = world_of(two_kinds._replace(country=np.array([0.3, 0.4])), TWO_WEEKS._replace(first_mask=ALL_VISIBLE))
    learned = table(world_of(two_kinds, stranger.rules), RESPONSIVE, "+ standings, 1 decimal", 1_000)
    anything = evaluate_selection(always(ANY, 2), stranger.population, stranger.rules)
    np.testing.assert_allclose(exact_values(learned, stranger), anything)


def test_groups_are_told_only_what_was_bought(two_kinds):
    world = world_of(two_kinds, TWO_WEEKS)
    groups = {name: len(world.levels(resolution).groups) for name, resolution in RESOLUTIONS.items()}
    assert groups["episode only"] == groups["+ inbound"] == 8
    assert groups["+ standings to halves"] == 8 + 4, "in the masks with the country there are two"
