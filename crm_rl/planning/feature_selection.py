"""Attributes that have to be bought: exact values of policies (chapter 5).

An agent sees how the episode stands, and nothing of who the customer is, until it buys the three attributes, one by
one, each for a price and none for a week. What it has bought is one of eight masks, numbered 0 to 7: bit 0 is inbound,
bit 1 the country's standing, bit 2 the bootcamp's. Janisch, Pevny and Lisy (2019) call these costly features.

The best policy of all is not worked out here: it may buy late, or only once some milestone is reached, and every week
says a little about who the customer is. When to buy is left to the learners. Here they are judged exactly.
"""

from typing import Any

import numpy as np
from numba import njit

from crm_rl.planning.exact import chunks, spread, starts_of
from crm_rl.planning.model import CHANNEL_OF, SITUATIONS, action_value, model_of
from crm_rl.worlds.attributes import ALL, N_MASKS, bought_in, mask_of
from crm_rl.worlds.base import N_FEATURES, WAIT, n_actions
from crm_rl.worlds.responsive import (
    FRESH,
    NO_CHANNEL,
    Params,
    Population,
    State,
    subset,
)
from crm_rl.worlds.responsive_world import ResponsiveWorld


def selection_values(policy: Any, world: ResponsiveWorld) -> np.ndarray:
    """The exact value of a policy that also buys attributes, by backward induction.

    The policy is asked only where it can come to by its own actions.

    Args:
        policy: anything with `probabilities(states, world)`: how likely it takes each of the 21 actions, shape (n, 21).
            That customers who look alike get the same is not checked.
        world: with feature selection.

    Returns:
        The expected reward, prices paid, from each customer's first state, shape (customers,), in dollars.
    """
    types, which = starts_of(world.population)
    values = []
    for place in chunks(len(types.start), 8):
        few = world._replace(population=subset(types, place))
        values.append(_values(_probabilities(policy, few), few.population, few.params))
    return np.concatenate(values)[which]


def _probabilities(policy: Any, world: ResponsiveWorld) -> np.ndarray:
    """How likely each action is where the policy can come to, shape `(weeks, masks, customers, *SITUATIONS, 21)`."""
    people, params = world.population, world.params
    everybody = np.arange(len(people.start))
    chances = np.zeros((params.weeks, N_MASKS, len(everybody), *SITUATIONS, n_actions(params)))
    reached = np.zeros((N_MASKS, len(everybody), *SITUATIONS), dtype=bool)
    reached[bought_in(params.first_mask), everybody, people.start, 0, NO_CHANNEL, FRESH] = True
    for week in range(params.weeks):
        following = np.zeros_like(reached)
        for bought in range(N_MASKS):  # a purchase leads to a fuller mask in the same week: those come later
            customer, *rest = np.nonzero(reached[bought])
            n = len(customer)
            states = State(customer, np.full(n, week), *rest, np.full(n, mask_of(bought)))
            chances[week, bought, customer, *rest] = policy.probabilities(states, world)
            chosen = chances[week, bought] > 0
            acts = chosen[..., N_FEATURES:].copy()
            for feature in range(N_FEATURES):
                fuller = bought | bought_in(1 << feature)
                if fuller == bought:  # asks for what is visible: the week is wasted
                    acts[..., WAIT] |= chosen[..., feature]
                else:
                    reached[fuller] |= chosen[..., feature]
            following[bought] = spread(reached[bought], acts)
        reached = following
    return chances


@njit(cache=True)
def _values(chances: np.ndarray, population: Population, params: Params) -> np.ndarray:
    """The value of each customer's start, shape (customers,), of a policy with these `_probabilities`."""
    values = np.empty(len(population.start))
    for customer in range(len(values)):
        model = model_of(customer, population, params)
        later = np.zeros((N_MASKS, *SITUATIONS))
        for week in range(params.weeks - 1, -1, -1):
            now, last = np.zeros((N_MASKS, *SITUATIONS)), week == params.weeks - 1
            for bought in range(ALL, -1, -1):
                for place in np.ndindex(SITUATIONS):
                    milestones, fatigue, channel, interest = place
                    chosen = chances[week, bought, customer][place]
                    for number in range(len(chosen)):
                        if chosen[number] == 0:
                            continue
                        buys = number < N_FEATURES
                        fuller = bought | bought_in(1 << number) if buys else bought
                        if fuller != bought:
                            worth = now[fuller][place]
                        else:
                            action = WAIT if buys else number - N_FEATURES
                            again = int(CHANNEL_OF[action] == channel)
                            here = (milestones, fatigue, again, interest, action)
                            worth = action_value(*here, later[bought], last, model)
                        price = params.feature_price if buys else 0.0
                        now[bought][place] += chosen[number] * (worth - price)
            later = now
        values[customer] = later[bought_in(params.first_mask)][population.start[customer], 0, NO_CHANNEL, FRESH]
    return values
