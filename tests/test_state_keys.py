import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_worlds import world

from crm_rl.worlds.base import ALL_VISIBLE, N_FEATURES, observation_size
from crm_rl.worlds.replay import State, observe
from crm_rl.worlds.replay_keys import coder_of, levels_of, state_key
from crm_rl.worlds.replay_settings import DESCRIBED, DESCRIBED_SELECTION

PARAMS = {
    "baseline": DESCRIBED,
    "selection": DESCRIBED_SELECTION,
    "selection, nothing hidden": DESCRIBED_SELECTION._replace(hides_features=False),
}


def some_world(seed, params, people=6):
    rng = np.random.default_rng(seed)
    features = rng.choice([0.0, 0.001, 0.004, 0.01, 0.5, 0.503, 1.0], size=(people, N_FEATURES)).astype(np.float32)
    return world(["call"] * people, params, features)


def seen(state, population, params):
    out = np.empty(observation_size(params), dtype=np.float32)
    observe(state, population, params, out)
    return np.round(out.astype(np.float64), 2).tolist()


def states(params):
    mask = st.integers(0, ALL_VISIBLE) if params.selects_features else st.just(ALL_VISIBLE)
    return st.tuples(st.integers(0, 5), st.integers(0, 6), mask)


@pytest.mark.parametrize("params", PARAMS.values(), ids=PARAMS)
def test_keys_are_equal_where_the_rounded_visible_observations_are(params):
    @given(st.integers(0, 50), states(params), states(params))
    def check(seed, one, other):
        population = some_world(seed, params).population
        coder = coder_of(population, levels_of(population))
        one, other = (State(customer, 0, stage, -1, 0, mask) for customer, stage, mask in (one, other))
        equal_keys = state_key(one, coder, params) == state_key(other, coder, params)
        assert equal_keys == (seen(one, population, params) == seen(other, population, params))

    check()


@given(st.integers(0, 50), st.integers(0, 14), states(DESCRIBED_SELECTION))
def test_a_neighbour_by_less_than_the_rounding_has_the_same_key(seed, feature, state):
    population = some_world(seed, DESCRIBED_SELECTION).population
    twin = np.float32(np.round(population.features.astype(float), 2) + 0.002 * (np.arange(N_FEATURES) == feature))
    levels, (customer, stage, mask) = levels_of(population), state
    state = State(customer, 0, stage, -1, 0, mask)
    key, of_twin = (
        state_key(state, coder_of(people, levels), DESCRIBED_SELECTION)
        for people in (population, population._replace(features=twin))
    )
    assert key == of_twin


def test_a_value_that_training_never_saw_is_unknown_only_while_it_is_visible():
    population = some_world(0, DESCRIBED_SELECTION).population
    strange = population.features.copy()
    strange[0, 4] = 0.77
    coder = coder_of(population._replace(features=strange), levels_of(population))
    assert state_key(State(0, 0, 0, -1, 0, ALL_VISIBLE), coder, DESCRIBED_SELECTION) == (-1, ALL_VISIBLE)
    without = ALL_VISIBLE & ~(1 << 4)
    assert state_key(State(0, 0, 0, -1, 0, without), coder, DESCRIBED_SELECTION)[0] >= 0
    assert state_key(State(1, 0, 0, -1, 0, ALL_VISIBLE), coder, DESCRIBED_SELECTION)[0] >= 0


def test_a_hidden_feature_is_not_a_visible_zero():
    population = world(["call"], DESCRIBED_SELECTION, np.zeros((1, N_FEATURES), dtype=np.float32)).population
    coder = coder_of(population, levels_of(population))
    hidden, visible = (state_key(State(0, 0, 0, -1, 0, mask), coder, DESCRIBED_SELECTION) for mask in (0, 1))
    assert hidden[0] != visible[0]


def test_the_stage_counts_though_it_is_no_level():
    population = some_world(1, DESCRIBED).population
    coder = coder_of(population, levels_of(population))
    keys = {state_key(State(0, 0, stage, -1, 0, ALL_VISIBLE), coder, DESCRIBED) for stage in range(7)}
    assert len(keys) == 7


def test_too_many_states_for_63_bits_are_refused():
    features = np.random.default_rng(0).random((40, N_FEATURES)).astype(np.float32)
    population = world(["call"] * 40, DESCRIBED, features).population
    with pytest.raises(ValueError, match="Remedy: round to fewer decimals"):
        coder_of(population, levels_of(population, decimals=8))
