"""The best policy of the responsive world, and the exact value of any policy in it (chapter 3).

For one customer the world is a small Markov decision process: 12 weeks x 1,152 situations x 6 actions. Backward
induction goes from the last week to the first (Bellman 1957; Puterman 1994, section 4.5), without a discount.
Attributes that have to be bought are another problem, see `feature_selection`: here every feature is visible.

Tables are indexed [customer, week, milestones, fatigue, channel, interest] and, where they speak of actions,
[..., action].
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.planning.model import CHANNEL_OF, FIRST_SUPERSET, SITUATIONS, SUPERSETS, action_value, model_of, week_q
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import (
    FRESH,
    N_PATTERNS,
    NO_CHANNEL,
    Params,
    Population,
    State,
    subset,
    tire,
)

#: In dollars: what differs by less is equal.
TIE = 1e-9


class Plan(NamedTuple):
    """A policy that has been worked out for every state of some customers.

    Attributes:
        q: shape `(customers, weeks, *SITUATIONS, 6)`: the expected reward, in dollars, from taking an action in a week
            and following the policy from then on; missing in states that the policy never reaches.
        value: shape `(customers, weeks, *SITUATIONS)`: the same for following the policy from now on.
    """

    q: np.ndarray
    value: np.ndarray

    def at_start(self, population: Population) -> np.ndarray:
        """The value of each customer's first state, shape (customers,)."""
        return self.value[np.arange(len(population.start)), 0, population.start, 0, NO_CHANNEL, FRESH]


def optimal(population: Population, params: Params) -> Plan:
    """The best policy, by backward induction.

    Args:
        population: the customers.
        params: the constants; rewards sampled or expected have the same optimum.
    """
    plan = _empty(population, params)
    _optimal(population, params, *plan)
    return plan


def optimal_values(population: Population, params: Params) -> np.ndarray:
    """The value of the best policy at each customer's start, shape (customers,), without keeping its tables."""
    types, which = starts_of(population)
    return np.concatenate(
        [optimal(subset(types, place), params).at_start(subset(types, place)) for place in chunks(len(types.start))]
    )[which]


def chunks(n: int, size: int = 32) -> list[np.ndarray]:
    """The numbers 0 to n - 1 in groups of a size, so that tables of many customers need little memory."""
    return [np.arange(first, min(first + size, n)) for first in range(0, n, size)]


def evaluate(probabilities: np.ndarray, population: Population, params: Params) -> Plan:
    """The exact value of a policy.

    Args:
        probabilities: how likely the policy takes each action in each state, shape `(customers, weeks, *SITUATIONS, 6)`
            or one that broadcasts to it; all zero in states that it never reaches.
        population, params: the world.
    """
    plan = _empty(population, params)
    _evaluate(np.broadcast_to(probabilities, plan.q.shape), population, params, *plan)
    return plan


def _empty(population: Population, params: Params) -> Plan:
    shape = shape_of(population, params)
    return Plan(np.full((*shape, N_ACTIONS), np.nan), np.zeros(shape))


def shape_of(population: Population, params: Params) -> tuple[int, ...]:
    """The shape of a table with a place for every state: `(customers, weeks, *SITUATIONS)`."""
    return len(population.start), params.weeks, *SITUATIONS


def always(action: int) -> np.ndarray:
    """The probabilities of a policy that takes one action in every state, shape (6,)."""
    return np.eye(N_ACTIONS)[action]


def best_of(q: np.ndarray) -> np.ndarray:
    """The probabilities of the greedy policy, shaped as q; of equally good actions each is equally likely.

    Equally good is what differs by less than a billionth of a dollar: the last digits depend on the processor.
    """
    best = q >= q.max(axis=-1, keepdims=True) - TIE
    return best / best.sum(axis=-1, keepdims=True)


def without_news(q: np.ndarray, milestones: int) -> list[Action]:
    """What is best week by week for a customer who stays while nothing happens.

    Args:
        q: of one customer, shape `(weeks, *SITUATIONS, 6)`.
        milestones: reached at arrival, as bits.
    """
    fatigue, channel, interest, actions = 0, NO_CHANNEL, FRESH, []
    for week in q:
        actions.append(Action(week[milestones, fatigue, channel, interest].argmax()))
        fatigue, channel, interest = tire(fatigue, actions[-1]), CHANNEL_OF[actions[-1]], max(0, interest - 1)
    return actions


def all_states(population: Population, params: Params) -> State:
    """Every state of every customer, in the order of the tables, each field of shape (their number,)."""
    customer, week, *rest = (axis.ravel() for axis in np.indices(shape_of(population, params)))
    return State(customer, week, *rest, np.full(len(customer), params.first_mask))


def types_of(population: Population) -> tuple[Population, np.ndarray]:
    """Customers who agree in everything that the dynamics depend on share a type, whatever they start with.

    Returns:
        A population with one customer a type, and each customer's type, shape (customers,).
    """
    return _one_of_each(population, [])


def starts_of(population: Population) -> tuple[Population, np.ndarray]:
    """Customers of one type who start alike as well have the same value under every policy: one of each is enough.

    Returns:
        A population with one customer for each type and start, and each customer's place in it, shape (customers,).
    """
    return _one_of_each(population, [population.start])


def _one_of_each(population: Population, more: list[np.ndarray]) -> tuple[Population, np.ndarray]:
    attributes = [population.inbound, population.country, population.bootcamp, population.affinity]
    _, first, which = np.unique(np.column_stack(attributes + more), axis=0, return_index=True, return_inverse=True)
    return subset(population, first), which.ravel()


def reach(probabilities: np.ndarray, population: Population, params: Params) -> np.ndarray:
    """How likely a policy is to lead each customer into each state, shape `(customers, weeks, *SITUATIONS)`.

    The chances of a week add up to that of still being there: neither subscribed nor lost.

    Args:
        probabilities: as for `evaluate`.
        population, params: the world.
    """
    shape = (*shape_of(population, params), N_ACTIONS)
    return _forward(population, params, np.broadcast_to(probabilities, shape))


def share_of_gain(value: np.ndarray, waiting: np.ndarray, best: np.ndarray, least: float = 1.0) -> float:
    """How much of what there is to gain over waiting a policy gains, as a ratio of sums over customers.

    Args:
        value, waiting, best: of the policy, of waiting and of the optimum at each customer's start, shape (customers,).
        least: the gain, in dollars a customer, below which a share says nothing.

    Returns:
        1 for the optimum, 0 for what waiting earns, negative for less; missing where there is too little to gain.
    """
    gain = (best - waiting).sum()
    return float((value - waiting).sum() / gain) if len(value) and gain >= least * len(value) else float("nan")


@njit(cache=True)
def _optimal(population: Population, params: Params, q: np.ndarray, value: np.ndarray) -> None:
    """Fill Q-values and values of the best policy."""
    for customer in range(len(population.start)):
        model = model_of(customer, population, params)
        later = np.zeros(SITUATIONS)
        for week in range(params.weeks - 1, -1, -1):
            q[customer, week] = week_q(later, week == params.weeks - 1, model)
            choices, best = q[customer, week].reshape(-1, N_ACTIONS), later.reshape(-1)
            for place in range(len(best)):
                best[place] = choices[place].max()
            value[customer, week] = later


@njit(cache=True)
def _evaluate(
    probabilities: np.ndarray, population: Population, params: Params, q: np.ndarray, value: np.ndarray
) -> None:
    """Fill Q-values and values of a policy, where it has a say."""
    for customer in range(len(population.start)):
        model = model_of(customer, population, params)
        later = np.zeros(SITUATIONS)
        for week in range(params.weeks - 1, -1, -1):
            last = week == params.weeks - 1
            for place in np.ndindex(SITUATIONS):
                milestones, fatigue, channel, interest = place
                chosen = probabilities[customer, week][place]
                for action in range(N_ACTIONS):
                    if chosen[action] > 0:
                        again = int(CHANNEL_OF[action] == channel)
                        worth = action_value(milestones, fatigue, again, interest, action, later, last, model)
                        q[customer, week][place][action] = worth
                        value[customer, week][place] += chosen[action] * worth
            later = value[customer, week]


@njit(cache=True)
def spread(reached: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The situations of next week that can follow, shape `(customers, *SITUATIONS)`, bool.

    Args:
        reached: those of this week that can occur, of the same shape.
        chosen: which actions can be taken there, shape `(customers, *SITUATIONS, 6)`, bool.
    """
    following = np.zeros(reached.shape, dtype=np.bool_)
    for place in np.ndindex(reached.shape):
        if not reached[place]:
            continue
        customer, milestones, fatigue, _, interest = place
        for action in range(N_ACTIONS):
            if chosen[place][action]:
                tired, used = tire(fatigue, action), CHANNEL_OF[action]
                following[customer, milestones, tired, used, max(0, interest - 1)] = True
                for number in range(FIRST_SUPERSET[milestones], FIRST_SUPERSET[milestones + 1]):
                    following[customer, SUPERSETS[number], tired, used, FRESH] = True
    return following


@njit(cache=True)
def _forward(population: Population, params: Params, probabilities: np.ndarray) -> np.ndarray:
    """The chance of every state, from the first week to the last."""
    likely = np.zeros(probabilities.shape[:-1])
    for customer in range(len(population.start)):
        model = model_of(customer, population, params)
        likely[customer, 0, population.start[customer], 0, NO_CHANNEL, FRESH] = 1.0
        for week in range(params.weeks - 1):
            following = likely[customer, week + 1]
            for milestones, fatigue, channel, interest in np.ndindex(SITUATIONS):
                here = (customer, week, milestones, fatigue, channel, interest)
                if likely[here] == 0:
                    continue
                for action in range(N_ACTIONS):
                    chosen = likely[here] * probabilities[here][action]
                    if chosen == 0:
                        continue
                    again = int(CHANNEL_OF[action] == channel)
                    p = model.subscribes[milestones, action, interest, again]
                    chosen *= (1 - p) * (1 - model.leaves[fatigue, action])
                    chances = model.follows[milestones, action, interest, again]
                    tired, used = tire(fatigue, action), CHANNEL_OF[action]
                    for pattern in range(milestones, N_PATTERNS):
                        if pattern & milestones == milestones:
                            fresh = FRESH if pattern != milestones else max(0, interest - 1)
                            following[pattern, tired, used, fresh] += chosen * chances[pattern]
    return likely
