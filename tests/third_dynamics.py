"""The dynamics of a third world: a demo pays 10 dollars, but only after a call; everything else costs 1."""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.worlds.base import Outcome

CALL, DEMO = 1, 2


class Params(NamedTuple):
    """The constants."""

    horizon: int
    price: float
    action_cost: tuple[float, ...]
    selects_features: bool


class Population(NamedTuple):
    """How many customers there are: they are all alike."""

    many: np.ndarray


class State(NamedTuple):
    """Where an episode stands."""

    customer: int
    steps: int
    called: int
    mask: int


@njit(cache=True)
def begin(customer, population, params):
    return State(customer, 0, 0, 0)


@njit(cache=True)
def advance(state, action, population, params, rng):
    pays = action == DEMO and state.called == 1
    steps, called = state.steps + 1, 1 if action == CALL else state.called
    reward = params.price if pays else -params.action_cost[action]
    return Outcome(State(state.customer, steps, called, 0), reward, pays, pays, not pays and steps >= params.horizon)


@njit(cache=True)
def state_key(state, coder, params):
    return 2 * state.steps + state.called, 0


@njit(cache=True)
def state_at(states, i):
    return State(states.customer[i], states.steps[i], states.called[i], states.mask[i])


@njit(cache=True)
def step_all(states, actions, population, params, rng):
    n = len(actions)
    steps, called, rewards = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n)
    subscribed, truncated = np.empty(n, np.bool_), np.empty(n, np.bool_)
    for i in range(n):
        outcome = advance(state_at(states, i), actions[i], population, params, rng)
        steps[i], called[i], rewards[i] = outcome.state.steps, outcome.state.called, outcome.reward
        subscribed[i], truncated[i] = outcome.subscribed, outcome.truncated
    after = State(states.customer.copy(), steps, called, states.mask.copy())
    return Outcome(after, rewards, subscribed, subscribed.copy(), truncated)


@njit(cache=True)
def observe(state, population, params, out):
    out[:] = 0
    out[0], out[1] = state.called, state.steps / 4
