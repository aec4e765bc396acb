"""Attributes that have to be bought: exact values, and what the best policy cannot exceed (chapter 5).

An agent sees how the episode stands, and nothing of who the customer is, until it buys the three attributes, one by
one, each for a price and none for a week. What it has bought is one of eight masks, numbered 0 to 7: bit 0 is inbound,
bit 1 the country's standing, bit 2 the bootcamp's. Janisch, Pevny and Lisy (2019) call this costly feature acquisition.

The best policy of all is not worked out here: it may buy late, or only once some milestone is reached, and every week
says a little about who the customer is. When to buy is left to the learners. Here they are judged exactly
(`selection_values`), beside simple rivals (`fixed_mask`) and a value that nobody can exceed (`upper_bound`).
"""

from typing import Any

import numpy as np
from numba import njit

from crm_rl.planning.exact import chunks, evaluate, optimal, optimal_values, spread, starts_of
from crm_rl.planning.model import CHANNEL_OF, SITUATIONS, action_value, model_of
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.attributes import ALL, N_ATTRIBUTES, N_MASKS, SEEN, attributes_of, bought_in, mask_of, place_among
from crm_rl.worlds.base import N_ACTIONS, N_FEATURES, WAIT, count_bits, n_actions
from crm_rl.worlds.responsive import (
    FRESH,
    NO_CHANNEL,
    Population,
    Rules,
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
        values.append(_values(_probabilities(policy, few), few.population, few.rules))
    return np.concatenate(values)[which]


def _probabilities(policy: Any, world: ResponsiveWorld) -> np.ndarray:
    """How likely each action is where the policy can come to, shape `(weeks, masks, customers, *SITUATIONS, 21)`."""
    people, rules = world.population, world.rules
    everybody = np.arange(len(people.start))
    chances = np.zeros((rules.weeks, N_MASKS, len(everybody), *SITUATIONS, n_actions(rules)))
    reached = np.zeros((N_MASKS, len(everybody), *SITUATIONS), dtype=bool)
    reached[bought_in(rules.first_mask), everybody, people.start, 0, NO_CHANNEL, FRESH] = True
    for week in range(rules.weeks):
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
def _values(chances: np.ndarray, population: Population, rules: Rules) -> np.ndarray:
    """The value of each customer's start, shape (customers,), of a policy with these `_probabilities`."""
    values = np.empty(len(population.start))
    for customer in range(len(values)):
        model = model_of(customer, population, rules)
        later = np.zeros((N_MASKS, *SITUATIONS))
        for week in range(rules.weeks - 1, -1, -1):
            now, last = np.zeros((N_MASKS, *SITUATIONS)), week == rules.weeks - 1
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
                        price = rules.feature_price if buys else 0.0
                        now[bought][place] += chosen[number] * (worth - price)
            later = now
        values[customer] = later[bought_in(rules.first_mask)][population.start[customer], 0, NO_CHANNEL, FRESH]
    return values


def fixed_mask(bought: int, train: Population, population: Population, rules: Rules, rounds: int = 30) -> np.ndarray:
    """What it is worth to buy the same attributes of everybody at the start and then to follow a good shared plan.

    With all three the plan is the best one: who knows the rules and all of a customer's attributes can plan for him
    alone. So the value is the optimum minus three prices, and no policy that buys all three of everybody earns more.

    With fewer it is the best *found*: for customers who look alike, what `planning.shared_policy` makes of the greedy
    policy on their average Q-values. It may stop at a local optimum, so this is what can be had and no bound.

    Args:
        bought: a mask number.
        train: the customers for whom the plans are made. Pass `population` for plans made for those who are judged, a
            hindsight that no learner has.
        population: the customers who are judged. Whoever looks like nobody in `train` gets the plan for everybody.
        rules: the constants.
        rounds: of `shared_policy`, at most.

    Returns:
        The exact value, prices paid, from each customer's first state, shape (customers,), in dollars.
    """
    paid = rules.feature_price * count_bits(bought)
    if bought == ALL:
        return optimal_values(population, rules) - paid
    looks, look = np.unique(SEEN[bought] * attributes_of(train), axis=0, return_inverse=True)
    judged = place_among(SEEN[bought] * attributes_of(population), looks)
    values = np.empty(len(judged))
    for one in np.unique(judged):  # -1 looks like nobody
        plan = _plan(train if one < 0 else subset(train, np.flatnonzero(look.ravel() == one)), rules, rounds)
        here = np.flatnonzero(judged == one)
        for place in chunks(len(here)):
            people = subset(population, here[place])
            values[here[place]] = evaluate(np.eye(N_ACTIONS)[plan], people, rules).at_start(people)
    return values - paid


def _plan(population: Population, rules: Rules, rounds: int) -> np.ndarray:
    """One plan for all of these customers, shape `(1, weeks, *SITUATIONS)`."""
    people, which = starts_of(population)
    counts, total = np.bincount(which), 0.0
    for place in chunks(len(counts)):
        total = total + np.tensordot(counts[place], optimal(subset(people, place), rules).q, axes=1)
    nobody_differs = np.zeros(len(which), dtype=np.int64)
    return shared_policy(total.argmax(axis=-1)[None], nobody_differs, population, rules, rounds)


def upper_bound(population: Population, rules: Rules) -> float:
    """A value that no policy can exceed, in dollars a customer, everybody equally likely.

    Suppose that after the first week a policy were told all about the customer, for nothing. It can only gain by that,
    and what is then best is known: in the first week it buys what pays, looking at each attribute before the next, then
    acts as is best on average for those who look alike, by the optimal Q-values. That the rest is free is why the
    bound may be out of reach. It is at most the optimum with full information, `planning.optimal`.

    Args:
        population: the customers; a policy is supposed to know how many there are of each kind.
        rules: the constants, with feature selection, and nothing bought at the start.
    """
    q, attributes = _first_q(population, rules), attributes_of(population)

    def earned(customers: np.ndarray, bought: int) -> float:
        """By customers who look alike so far, together."""
        choices = [q[customers].sum(axis=0).max()]
        for attribute in range(N_ATTRIBUTES):
            fuller = bought | 1 << attribute
            if fuller != bought:
                kinds = alike(customers, attributes[customers, attribute])
                choices.append(sum(earned(kind, fuller) for kind in kinds) - rules.feature_price * len(customers))
        return max(choices)

    everybody = np.arange(len(q))
    return sum(earned(kind, 0) for kind in alike(everybody, population.start)) / len(q)


def _first_q(population: Population, rules: Rules) -> np.ndarray:
    """The optimal Q-values of each customer's start, shape (customers, 6)."""
    types, which = starts_of(population)
    q = []
    for place in chunks(len(types.start)):
        people = subset(types, place)
        q.append(optimal(people, rules).q[np.arange(len(place)), 0, people.start, 0, NO_CHANNEL, FRESH])
    return np.concatenate(q)[which]


def alike(customers: np.ndarray, look: np.ndarray) -> list[np.ndarray]:
    """Customers, in a list for each different look."""
    return [customers[look == one] for one in np.unique(look)]
