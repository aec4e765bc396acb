"""The replay world (chapter 3): a customer's record decides what happens, and no action changes it.

One set of rules, as pure functions of explicit `Params`. `start` and `step` treat one customer and read like the text
of the chapter; `start_all` and `step_all` do the same for a batch of NumPy arrays. All are compiled by numba, so that
an agent compiled with them (chapter 4) never leaves machine code. Nothing here knows of Gymnasium.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numba import njit

from crm_rl.data.columns import EVENTS
from crm_rl.data.features import PUBLISHED_STAGE
from crm_rl.worlds.base import (
    MANAGER,
    N_FEATURES,
    WAIT,
    Outcome,
    count_bits,
)
from crm_rl.worlds.replay_settings import Params

#: The milestone that an action works towards, as a place in `EVENTS`; -1 for none.
MILESTONE_OF = (-1, 0, 1, 2, -1, 4)
SIGNUP = list(EVENTS).index("signup")
FEATURE_OF_EVENT = (7, 8, 9, 10, 11)  # where the features hold the five flags
STAGE_FEATURE = 1
STAGE_OF = (0, 1, 2, 3, 0, 5)  # the stage to which an action can lift a customer
READY = 4  # the stage from which the study's code let a subscription count


class Population(NamedTuple):
    """The customers of a world, as arrays.

    Attributes:
        features: shape (customers, 15), float32: what an agent may see.
        reached: shape (customers, 5), bool: call, demo, survey, signup, manager, as on record.
        subscribed: shape (customers,), bool.
        stage: shape (customers,), int64, 0 to 6: the recorded stage.
        stage_unit: what one stage adds to the observed stage: 1 as coded, 1/6 normalised.
    """

    features: np.ndarray
    reached: np.ndarray
    subscribed: np.ndarray
    stage: np.ndarray
    stage_unit: float


class State(NamedTuple):
    """Where an episode stands. Every field is an int; in a batch, an int64 array of shape (customers,).

    Attributes:
        customer: a place in the population.
        steps: how many have been taken.
        stage: 0 to 6.
        last_action: of the agent; -1 at the start.
        paid: which milestones have been paid, as bits.
        mask: which features are visible, as bits.
    """

    customer: int
    steps: int
    stage: int
    last_action: int
    paid: int
    mask: int


@njit(cache=True)
def start(customer: int, population: Population, params: Params) -> State:
    """Begin an episode with a customer."""
    return State(customer, 0, population.stage[customer], -1, 0, params.first_mask)


@njit(cache=True)
def step(state: State, action: int, population: Population, params: Params) -> Outcome:
    """Take one action.

    Args:
        state: where the episode stands.
        action: 0 to 5 as in `Action`; with feature selection 0 to 14 toggle a feature and 15 to 20 are those six.
        population: the customers.
        params: the constants.

    Returns:
        The outcome. `terminated` and `truncated` are never both true.
    """
    steps = state.steps + 1
    if params.selects_features and action < N_FEATURES:
        mask = state.mask ^ (1 << action)
        late = steps >= params.horizon
        reward = -params.toggle_cost - params.toggle_cost_each * count_bits(mask) - params.timeout_penalty * late
        return Outcome(State(state.customer, steps, state.stage, action, state.paid, mask), reward, False, False, late)

    firm_action = action - N_FEATURES if params.selects_features else action
    reward = -params.action_cost[firm_action] - params.decision_cost_each * count_bits(state.mask)
    stage, paid = state.stage, state.paid

    milestone = MILESTONE_OF[firm_action]
    if milestone >= 0 and params.milestone_reward[firm_action] > 0:
        on_record = population.reached[state.customer, milestone]
        shown = not params.mask_gates_rewards or state.mask >> FEATURE_OF_EVENT[milestone] & 1
        if on_record and shown and not (params.once and paid >> milestone & 1):
            reward += params.milestone_reward[firm_action]
            paid |= 1 << milestone
            stage = max(stage, STAGE_OF[firm_action])
    if firm_action == MANAGER and params.manager_always_lifts:
        stage = max(stage, STAGE_OF[MANAGER])
    signup_shown = not params.mask_gates_rewards or state.mask >> FEATURE_OF_EVENT[SIGNUP] & 1
    if params.signup_reward > 0 and stage >= READY and population.reached[state.customer, SIGNUP] and signup_shown:
        reward += params.signup_reward

    subscribed = population.subscribed[state.customer] and (stage >= READY or not params.needs_stage)
    if subscribed:
        reward += params.subscription_reward
    terminated = subscribed or params.decision_ends
    out_of_steps = steps >= params.horizon and not params.toggles_time_out
    truncated = out_of_steps and not terminated
    if truncated:
        reward -= params.timeout_penalty
    if action == state.last_action and firm_action != WAIT:
        reward -= params.repeat_penalty
    return Outcome(
        State(state.customer, steps, stage, action, paid, state.mask), reward, subscribed, terminated, truncated
    )


@njit(cache=True)
def observe(state: State, population: Population, params: Params, out: np.ndarray) -> None:
    """Write what the agent sees of one episode into `out`: the 15 features and, with selection, the 15 mask bits.

    Args:
        state: where the episode stands.
        population, params: the world.
        out: shape (15,) or (30,), float32.
    """
    for feature in range(N_FEATURES):
        visible = state.mask >> feature & 1
        value = population.features[state.customer, feature]
        if feature == STAGE_FEATURE:
            value = state.stage * population.stage_unit
        out[feature] = value if visible or not params.hides_features else 0.0
        if params.selects_features:
            out[N_FEATURES + feature] = visible


@njit(cache=True)
def advance(state: State, action: int, population: Population, params: Params, rng: np.random.Generator) -> Outcome:
    """Take one action, as `worlds.stepping` asks: nothing is left to chance, so `rng` is not used."""
    return step(state, action, population, params)


@njit(cache=True)
def state_at(states: State, i: int) -> State:
    """The state of episode i of a batch."""
    return State(
        states.customer[i], states.steps[i], states.stage[i], states.last_action[i], states.paid[i], states.mask[i]
    )


@njit(cache=True)
def start_all(customers: np.ndarray, population: Population, params: Params) -> State:
    """Begin an episode with each of these customers, shape (n,); the state's fields are arrays of that shape."""
    n = len(customers)
    zeros = np.zeros(n, dtype=np.int64)
    return State(
        customers.astype(np.int64),
        zeros,
        population.stage[customers],
        zeros - 1,
        zeros.copy(),
        np.full(n, params.first_mask, dtype=np.int64),
    )


@njit(cache=True)
def step_all(states: State, actions: np.ndarray, population: Population, params: Params) -> Outcome:
    """Take one action in each episode of a batch, shape (n,). Ended episodes must be begun anew by the caller."""
    n = len(actions)
    fields = np.empty((6, n), dtype=np.int64)
    rewards = np.empty(n)
    subscribed, terminated, truncated = np.empty(n, np.bool_), np.empty(n, np.bool_), np.empty(n, np.bool_)
    for i in range(n):
        outcome = step(state_at(states, i), actions[i], population, params)
        after = outcome.state
        fields[0, i], fields[1, i], fields[2, i] = after.customer, after.steps, after.stage
        fields[3, i], fields[4, i], fields[5, i] = after.last_action, after.paid, after.mask
        rewards[i], subscribed[i] = outcome.reward, outcome.subscribed
        terminated[i], truncated[i] = outcome.terminated, outcome.truncated
    return Outcome(
        State(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5]),
        rewards,
        subscribed,
        terminated,
        truncated,
    )


def population_of(customers: pd.DataFrame, features: pd.DataFrame, stage_unit: float = 1 / 6) -> Population:
    """Put cleaned customers and their features into the arrays of a world.

    Args:
        customers: as `crm_rl.data.clean` returns them.
        features: shape (customers, 15), from an encoder of `features`: `transform` for normalised ones (stage_unit
            1/6), `values` for those in their own units (stage_unit 1).
        stage_unit: what one stage adds to the observed stage.
    """
    five = [event for event in EVENTS if event != "subscribed"]
    return Population(
        features=np.ascontiguousarray(features.to_numpy(dtype=np.float32)),
        reached=np.ascontiguousarray(customers[five].to_numpy(dtype=bool)),
        subscribed=customers["subscribed"].to_numpy(dtype=bool),
        stage=customers["stage"].map(PUBLISHED_STAGE).fillna(0).to_numpy(dtype=np.int64),
        stage_unit=float(stage_unit),
    )
