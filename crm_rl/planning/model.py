"""What one week brings to one customer of the responsive world, and what that makes each action worth (chapter 3)."""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.worlds.base import N_ACTIONS
from crm_rl.worlds.responsive import (
    CHANNEL,
    FRESH,
    N_CHANNELS,
    N_FATIGUES,
    N_INTERESTS,
    N_MILESTONES,
    N_PATTERNS,
    N_SITUATIONS,
    SUBSCRIPTION,
    Params,
    Population,
    event_chance,
    force,
    opt_out_chance,
    situation,
    tire,
)

#: The shape of the situations of a week: milestones, fatigue, channel, interest.
SITUATIONS = (N_PATTERNS, N_FATIGUES, N_CHANNELS, N_INTERESTS)

#: By pattern of milestones, the patterns that have all of these and more: those of pattern m are the entries
#: FIRST_SUPERSET[m] to FIRST_SUPERSET[m + 1] - 1.
_MORE = [[more for more in range(m + 1, N_PATTERNS) if more & m == m] for m in range(N_PATTERNS)]
SUPERSETS = np.array(sum(_MORE, []))
FIRST_SUPERSET = np.cumsum([0, *map(len, _MORE)])

#: The channel of each action, shape (6,): numba looks things up faster in an array than in a tuple.
CHANNEL_OF = np.array(CHANNEL)


class Model(NamedTuple):
    """What a week brings to one customer, by milestones, action, interest, and 1 where the channel is used again.

    Attributes:
        subscribes: shape (32, 6, 3, 2): the chance of a subscription.
        follows: shape (32, 6, 3, 2, 32): the chance of each pattern of milestones after the week.
        leaves: shape (3, 6): by fatigue and action, the chance of losing the customer.
        costs: shape (6,): of the actions, in dollars.
        value: of a subscription, in dollars.
    """

    subscribes: np.ndarray
    follows: np.ndarray
    leaves: np.ndarray
    costs: np.ndarray
    value: float


@njit(cache=True)
def model_of(customer: int, population: Population, params: Params) -> Model:
    """The model of one customer."""
    subscribes = np.zeros((N_PATTERNS, N_ACTIONS, N_INTERESTS, 2))
    follows = np.zeros((N_PATTERNS, N_ACTIONS, N_INTERESTS, 2, N_PATTERNS))
    for milestones in range(N_PATTERNS):
        for action in range(N_ACTIONS):
            for interest in range(N_INTERESTS):
                for again in range(2):
                    strength = force(CHANNEL_OF[action] if again else -1, interest, action, params)
                    subscribes[milestones, action, interest, again] = event_chance(
                        SUBSCRIPTION, customer, milestones, action, strength, population, params
                    )
                    chances = follows[milestones, action, interest, again]
                    chances[milestones] = 1.0
                    for event in range(N_MILESTONES):
                        if milestones >> event & 1:
                            continue
                        p = event_chance(event, customer, milestones, action, strength, population, params)
                        for pattern in range(N_PATTERNS):
                            if not pattern >> event & 1:
                                chances[pattern | 1 << event] = chances[pattern] * p
                                chances[pattern] *= 1 - p
    leaves = np.zeros((N_FATIGUES, N_ACTIONS))
    for fatigue in range(N_FATIGUES):
        for action in range(N_ACTIONS):
            leaves[fatigue, action] = opt_out_chance(fatigue, customer, action, population, params)
    return Model(subscribes, follows, leaves, np.array(params.action_cost), params.value)


@njit(cache=True)
def action_value(
    milestones: int, fatigue: int, again: int, interest: int, action: int, later: np.ndarray, last: bool, model: Model
) -> float:
    """The Q-value of an action, from next week's values, shape `SITUATIONS`; again: 1 if its channel was just used."""
    p = model.subscribes[milestones, action, interest, again]
    now = p * model.value - model.costs[action]
    if last:
        return now
    chances, tired, used = model.follows[milestones, action, interest, again], tire(fatigue, action), CHANNEL_OF[action]
    future = chances[milestones] * later[milestones, tired, used, max(0, interest - 1)]
    for place in range(FIRST_SUPERSET[milestones], FIRST_SUPERSET[milestones + 1]):
        pattern = SUPERSETS[place]
        future += chances[pattern] * later[pattern, tired, used, FRESH]
    return now + (1 - p) * (1 - model.leaves[fatigue, action]) * future


@njit(cache=True)
def week_q(later: np.ndarray, last: bool, model: Model) -> np.ndarray:
    """The Q-values of one week, shape `(*SITUATIONS, 6)`, from next week's values, shape `SITUATIONS`."""
    q = np.empty((N_PATTERNS, N_FATIGUES, N_CHANNELS, N_INTERESTS, N_ACTIONS))
    for milestones in range(N_PATTERNS):
        for fatigue in range(N_FATIGUES):
            for interest in range(N_INTERESTS):
                for action in range(N_ACTIONS):
                    for again in range(2):
                        value = action_value(milestones, fatigue, again, interest, action, later, last, model)
                        for channel in range(N_CHANNELS):
                            if (CHANNEL_OF[action] == channel) == again:
                                q[milestones, fatigue, channel, interest, action] = value
    return q


@njit(cache=True)
def as_arrays(customer: int, population: Population, params: Params) -> tuple[np.ndarray, np.ndarray]:
    """One customer's Markov decision process as two plain arrays, as textbooks write it.

    The states are the situations, numbered by `responsive.situation`, and after them one for the end of the episode,
    which nothing leaves and where nothing is paid. A week is like any other: what ends with the last one is for the
    planner to know.

    Returns:
        The probability of each next state, shape (states, 6, states), and the expected reward in dollars, shape
        (states, 6); with 1,153 states the first takes 64 MB.
    """
    model, end = model_of(customer, population, params), N_SITUATIONS
    chances, rewards = np.zeros((end + 1, N_ACTIONS, end + 1)), np.zeros((end + 1, N_ACTIONS))
    chances[end, :, end] = 1.0
    for milestones, fatigue, channel, interest in np.ndindex(SITUATIONS):
        here = situation(milestones, fatigue, channel, interest)
        for action in range(N_ACTIONS):
            again = int(CHANNEL_OF[action] == channel)
            p = model.subscribes[milestones, action, interest, again]
            stays = (1 - p) * (1 - model.leaves[fatigue, action])
            rewards[here, action] = p * model.value - model.costs[action]
            chances[here, action, end] = 1 - stays
            for pattern in range(N_PATTERNS):
                if pattern & milestones == milestones:
                    fresh = FRESH if pattern != milestones else max(0, interest - 1)
                    there = situation(pattern, tire(fatigue, action), CHANNEL_OF[action], fresh)
                    likely = model.follows[milestones, action, interest, again, pattern]
                    chances[here, action, there] = stays * likely
    return chances, rewards
