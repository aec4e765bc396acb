"""Buying attributes: exact values against cases solved by hand and simulation, and a table that finds what to buy."""

from collections.abc import Callable

import numpy as np
import pytest
import small_responsive
from small_responsive import drives, people, world_of

from crm_rl.agents.q_learning import RESPONSIVE
from crm_rl.planning.exact import SITUATIONS, evaluate, optimal
from crm_rl.planning.feature_selection import selection_values
from crm_rl.worlds.attributes import ALL, N_MASKS, NONE, bought_in, mask_of
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
    NO_CHANNEL,
    SELECTION,
    SPOKEN,
    SUBSCRIPTION,
    Population,
    State,
    subset,
)
from crm_rl.worlds.responsive_batch import start_all, step_all

N_BOTH = N_FEATURES + N_ACTIONS
WAIT, CALL, DEMO = (N_FEATURES + int(action) for action in (Action.WAIT, Action.CALL, Action.DEMO))
ONLY_COUNTRY = 2

#: Two weeks. Some listen to calls, the others to demos: what suits a customer doubles his chance of 10% to subscribe,
#: and is worth 100: 18 in the last week with what suits him, 9 with what does not. Who knows him gets 18 + 0.81 x 18 =
#: 32.58. Who does not had best call first, then demonstrate: whom the call suited is less likely to be still there. So
#: he gets 18 + 0.81 x 9 = 25.29 from the one and 9 + 0.9 x 18 = 25.2 from the other.
TWO_WEEKS = small_responsive.TWO_WEEKS._replace(
    drives=drives({(Action.CALL, SUBSCRIPTION): 1.0, (Action.DEMO, SUBSCRIPTION): 1.0}),
    expected_reward=False,
    **{name: getattr(SELECTION, name) for name in ("selects_features", "first_mask", "feature_price")},
)

#: How a table learns here: step sizes of about 2.5 / tries after many tries.
HOW = RESPONSIVE._replace(alpha_decay=0.2, exploration=0.5)


class Follows:
    """The policy that takes these actions: (states, population) -> numbers 0 to 20, or `ANY`; shape (n,)."""

    def __init__(self, actions: Callable[[State, Population], np.ndarray]):
        self.actions = actions

    def probabilities(self, states, world) -> np.ndarray:
        chosen = np.broadcast_to(self.actions(states, world.population), states.steps.shape)
        return np.where(chosen[:, None] == ANY, 1 / N_BOTH, np.eye(N_BOTH)[chosen])


#: In place of an action: any of the 21, each as likely.
ANY = -1


def always(action: int) -> Follows:
    return Follows(lambda states, population: np.array(action))


def what_suits(states: State, population: Population) -> np.ndarray:
    return np.where(population.country[states.customer] < 0.5, CALL, DEMO)


def buys_then_what_suits(states: State, population: Population) -> np.ndarray:
    return np.where(bought_in(states.mask) == NONE, COUNTRY, what_suits(states, population))


def call_then_demo(states: State, population: Population) -> np.ndarray:
    return np.where(states.steps == 0, CALL, DEMO)


def by_table(table: np.ndarray, population: Population) -> Callable[[State, Population], np.ndarray]:
    """Actions from a table, shape (customers, weeks, *SITUATIONS, masks), by whose country it is."""

    def look_up(states: State, there: Population) -> np.ndarray:
        who = (there.country[states.customer][:, None] == population.country).argmax(axis=1)
        return table[who, *states[1:6], bought_in(states.mask)]

    return look_up


def value_of(policy: Follows, population: Population, params=TWO_WEEKS) -> np.ndarray:
    return selection_values(policy, world_of(population, params))


@pytest.fixture
def two_kinds() -> Population:
    """Told apart by their country only."""
    affinity = np.ones((2, N_ACTIONS))
    affinity[1, Action.CALL] = affinity[0, Action.DEMO] = 0.0
    quiet = np.full((2, N_PATTERNS, N_EVENTS), np.log(0.9))
    quiet[:, :, :SUBSCRIPTION] = 0.0  # no milestone ever happens
    nothing = np.zeros(2, dtype=np.int64)
    return Population(nothing, np.array([0.1, 0.9]), np.array([0.5, 0.5]), nothing, affinity, quiet)


def test_mask_numbers_and_feature_masks():
    assert [bought_in(mask_of(bought)) for bought in range(N_MASKS)] == list(range(N_MASKS))
    assert mask_of(NONE) == SELECTION.first_mask and mask_of(ALL) == ALL_VISIBLE
    assert mask_of(ONLY_COUNTRY) ^ mask_of(NONE) == 1 << COUNTRY
    assert bought_in(ATTRIBUTES & ~(1 << BOOTCAMP)) == 3
    np.testing.assert_array_equal(bought_in(np.array([0, 1 << INBOUND, ALL_VISIBLE])), [0, 1, 7])


def test_buying_the_country_by_hand(two_kinds):
    assert value_of(always(CALL), two_kinds) == pytest.approx([32.58, 9 + 0.9 * 9])
    assert value_of(Follows(call_then_demo), two_kinds) == pytest.approx([25.29, 25.2])
    assert value_of(Follows(buys_then_what_suits), two_kinds) == pytest.approx([31.58, 31.58])


def test_to_ask_again_costs_the_price_and_the_week(two_kinds):
    waits = value_of(always(WAIT), two_kinds)
    assert waits == pytest.approx([19.0, 19.0])
    useless = always(3)  # a feature that is never hidden
    assert value_of(useless, two_kinds) == pytest.approx(waits - 1 - 0.9)
    again = always(COUNTRY)  # bought once, then wasted in both weeks
    assert value_of(again, two_kinds) == pytest.approx(waits - 1 - 1 - 0.9)


def test_a_wasted_week_is_a_week_of_rest(two_kinds):
    """After a call the customer is tired and the next would lose him for sure; asking for nothing new rests him."""
    params = TWO_WEEKS._replace(weeks=3, opt_out=(0.0, 1e9, 1e9), repeated=0.0)

    def calls_with_a_rest(states: State, population: Population) -> np.ndarray:
        return np.where(states.steps == 1, 3, CALL)

    expected = 18 + 0.81 * (10 - 1 + 0.9 * 18), 9 + 0.9 * (10 - 1 + 0.9 * 9)
    assert value_of(Follows(calls_with_a_rest), two_kinds, params) == pytest.approx(expected)


def test_buying_in_the_second_week(two_kinds):
    def late(states: State, population: Population) -> np.ndarray:
        return np.where(states.steps == 0, CALL, buys_then_what_suits(states, population))

    assert value_of(Follows(late), two_kinds) == pytest.approx([18 + 0.81 * 17, 9 + 0.9 * 17])


def test_who_buys_nothing_has_the_value_of_the_plan_he_follows():
    population, rng = people(4, seed=1), np.random.default_rng(0)
    chosen = rng.integers(0, N_ACTIONS, (4, SELECTION.weeks, *SITUATIONS))
    table = np.repeat((N_FEATURES + chosen)[..., None], N_MASKS, axis=-1)
    plain = evaluate(np.eye(N_ACTIONS)[chosen], population, BASELINE).at_start(population)
    np.testing.assert_allclose(value_of(Follows(by_table(table, population)), population, SELECTION), plain)


def test_who_buys_all_and_follows_the_optimum_pays_three_prices():
    population = people(4, seed=2)
    best = optimal(population, SELECTION)
    table = np.repeat(N_FEATURES + best.q.argmax(axis=-1)[..., None], N_MASKS, axis=-1)
    for bought in range(ALL):
        first_hidden = next(i for i in range(3) if not bought >> i & 1)
        table[..., bought] = (INBOUND, COUNTRY, BOOTCAMP)[first_hidden]
    expected = best.at_start(population) - 3 * SELECTION.feature_price
    np.testing.assert_allclose(value_of(Follows(by_table(table, population)), population, SELECTION), expected)


def random_table(population: Population, params, seed: int) -> np.ndarray:
    rng, shape = np.random.default_rng(seed), (len(population.start), params.weeks, *SITUATIONS, N_MASKS)
    buys = rng.choice([INBOUND, COUNTRY, BOOTCAMP], shape)
    return np.where(rng.random(shape) < 0.3, buys, rng.integers(ANY, N_BOTH, shape))


def test_to_do_anything_is_worth_the_average_of_all_actions():
    population, params = people(2, seed=3), SELECTION._replace(weeks=3)
    later = by_table(random_table(population, params, seed=1), population)

    def first(action: int) -> Follows:
        """This action in the first week before anything is bought."""

        def chosen(states: State, there: Population) -> np.ndarray:
            begins = (states.steps == 0) & (bought_in(states.mask) == NONE)
            return np.where(begins, action, later(states, there))

        return Follows(chosen)

    anything, *each = (value_of(first(action), population, params) for action in (ANY, *range(N_BOTH)))
    np.testing.assert_allclose(anything, np.mean(each, axis=0))


@pytest.mark.parametrize("expected", [False, True])
def test_values_agree_with_simulation(expected):
    population, rng, n = people(3, seed=4), np.random.default_rng(2), 60_000
    params = SELECTION._replace(weeks=4, value=100.0, expected_reward=expected, feature_price=3.0)
    policy = Follows(by_table(random_table(population, params, seed=2), population))
    world = world_of(population, params)
    states = start_all(np.repeat(np.arange(3), n), population, params)
    earned, running = np.zeros(3 * n), np.ones(3 * n, dtype=bool)
    for _ in range(params.weeks + 3):
        chances = policy.probabilities(states._replace(steps=np.minimum(states.steps, 3)), world).cumsum(axis=1)
        chosen = (rng.random((3 * n, 1)) >= chances[:, :-1]).sum(axis=1)
        outcome = step_all(states, chosen, population, params, rng.random((3 * n, CHANCES)))
        earned += running * outcome.reward
        states, running = outcome.state, running & ~outcome.terminated
    assert not running.any()
    earned = earned.reshape(3, n)
    error = earned.std(axis=1) / np.sqrt(n)
    assert (np.abs(earned.mean(axis=1) - value_of(policy, population, params)) < 4 * error).all()


def test_the_policy_is_asked_only_where_it_can_come_to_and_customers_of_a_type_once(two_kinds):
    asked = []

    def calls_after_the_country(states: State, population: Population) -> np.ndarray:
        asked.extend(zip(states.customer, states.steps, states.channel, bought_in(states.mask), strict=True))
        return np.where(bought_in(states.mask) == NONE, COUNTRY, CALL)

    everything = N_PATTERNS - 1  # no milestone is left that could happen
    there = subset(two_kinds, np.array([0, 1, 0, 1]))._replace(start=np.full(4, everything))
    values = value_of(Follows(calls_after_the_country), there)
    np.testing.assert_array_equal(values[:2], values[2:])
    weeks = [(0, NO_CHANNEL, NONE), (0, NO_CHANNEL, ONLY_COUNTRY), (1, SPOKEN, ONLY_COUNTRY)]
    assert sorted(asked) == [(customer, *week) for customer in (0, 1) for week in weeks]
