"""A batch of episodes of the responsive world, stepped together: what `responsive` does with one."""

import numpy as np
from numba import njit

from crm_rl.worlds.base import Outcome
from crm_rl.worlds.responsive import FRESH, Params, Population, State, step


@njit(cache=True)
def state_at(states: State, i: int) -> State:
    """The state of episode i of a batch."""
    return State(
        states.customer[i],
        states.steps[i],
        states.milestones[i],
        states.fatigue[i],
        states.channel[i],
        states.interest[i],
        states.mask[i],
    )


@njit(cache=True)
def start_all(customers: np.ndarray, population: Population, params: Params) -> State:
    """Begin an episode with each of these customers, shape (n,); the state's fields are arrays of that shape."""
    n = len(customers)
    zeros, fresh = np.zeros(n, dtype=np.int64), np.full(n, FRESH, dtype=np.int64)
    masks = np.full(n, params.first_mask, dtype=np.int64)
    who = customers.astype(np.int64)
    return State(who, zeros, population.start[customers], zeros.copy(), zeros.copy(), fresh, masks)


@njit(cache=True)
def step_all(
    states: State, actions: np.ndarray, population: Population, params: Params, chances: np.ndarray
) -> Outcome:
    """Take one action in each episode of a batch, shape (n,), with `chances` of shape (n, 7)."""
    n = len(actions)
    fields = np.empty((7, n), dtype=np.int64)
    rewards, subscribed, terminated = np.empty(n), np.empty(n, np.bool_), np.empty(n, np.bool_)
    for i in range(n):
        outcome = step(state_at(states, i), actions[i], population, params, chances[i])
        for place, value in enumerate(outcome.state):
            fields[place, i] = value
        rewards[i], subscribed[i], terminated[i] = outcome.reward, outcome.subscribed, outcome.terminated
    after = State(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6])
    return Outcome(after, rewards, subscribed, terminated, np.zeros(n, np.bool_))
