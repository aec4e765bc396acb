"""The best policy of the responsive world, and the exact value of any policy in it (chapter 9).

For one customer the world is a small Markov decision process: 12 weeks x 32 patterns of milestones x 6 counts of
contacts. Backward induction goes from the last week to the first (Bellman 1957; Puterman 1994, section 4.5), without a
discount. Attributes that have to be bought are another problem, which is not treated here: every feature is visible.

Tables are indexed [customer, week, milestones, contacts] and, where they speak of actions, [..., action].
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.worlds.base import N_ACTIONS, WAIT
from crm_rl.worlds.responsive import (
    N_MILESTONES,
    N_PATTERNS,
    SUBSCRIPTION,
    Population,
    Rules,
    State,
    event_chance,
    observe_all,
    opt_out_chance,
    potential,
)

#: In dollars: what differs by less is equal.
TIE = 1e-9


class Plan(NamedTuple):
    """A policy that has been worked out for every state of some customers.

    Attributes:
        q: shape (customers, weeks, 32, contacts, 6): the expected reward, in dollars, from taking an action in a week
            and following the policy from then on.
        value: shape (customers, weeks, 32, contacts): the same for following the policy from now on.
    """

    q: np.ndarray
    value: np.ndarray

    def at_start(self, population: Population) -> np.ndarray:
        """The value of each customer's first state, shape (customers,)."""
        return self.value[np.arange(len(population.start)), 0, population.start, 0]


def optimal(population: Population, rules: Rules) -> Plan:
    """The best policy, by backward induction.

    Args:
        population: the customers.
        rules: the constants; rewards sampled or expected have the same optimum.
    """
    return Plan(*_backward(population, rules, np.zeros((0, 0, 0, 0, 0))))


def evaluate(probabilities: np.ndarray, population: Population, rules: Rules) -> Plan:
    """The exact value of a policy.

    Args:
        probabilities: how likely the policy takes each action in each state, shape (customers, weeks, 32, contacts,
            6) or one that broadcasts to it.
        population, rules: the world.
    """
    shape = (len(population.start), rules.weeks, N_PATTERNS, rules.most_contacts + 1, N_ACTIONS)
    return Plan(*_backward(population, rules, np.broadcast_to(probabilities, shape)))


def always(action: int) -> np.ndarray:
    """The probabilities of a policy that takes one action in every state, shape (6,)."""
    return np.eye(N_ACTIONS)[action]


def best_of(q: np.ndarray) -> np.ndarray:
    """The probabilities of the greedy policy, shaped as q; of equally good actions each is equally likely.

    Equally good is what differs by less than a billionth of a dollar: the last digits depend on the processor.
    """
    best = q >= q.max(axis=-1, keepdims=True) - TIE
    return best / best.sum(axis=-1, keepdims=True)


def all_states(population: Population, rules: Rules) -> State:
    """Every state of every customer, in the order of the tables; fields of shape (customers * weeks * 32 * counts,)."""
    shape = (len(population.start), rules.weeks, N_PATTERNS, rules.most_contacts + 1)
    customer, week, milestones, contacts = (axis.ravel() for axis in np.indices(shape))
    return State(customer, week, milestones, contacts, np.full(len(customer), rules.first_mask))


def all_observations(population: Population, rules: Rules) -> np.ndarray:
    """What an agent sees in every state, shape (customers * weeks * 32 * contacts, 15), float32."""
    return observe_all(all_states(population, rules), population, rules)


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
    fields = {name: getattr(population, name)[first] for name in Population._fields if name != "quiet"}
    return population._replace(**fields), which.ravel()


def reach(probabilities: np.ndarray, population: Population, rules: Rules) -> np.ndarray:
    """How likely a policy is to lead each customer into each state, shape (customers, weeks, 32, contacts).

    The chances of a week add up to that of still being there: neither subscribed nor lost.

    Args:
        probabilities: as for `evaluate`.
        population, rules: the world.
    """
    shape = (len(population.start), rules.weeks, N_PATTERNS, rules.most_contacts + 1, N_ACTIONS)
    return _forward(population, rules, np.broadcast_to(probabilities, shape))


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
def successors(customer: int, milestones: int, action: int, population: Population, rules: Rules) -> np.ndarray:
    """The chance of every pattern of milestones after this week, shape (32,)."""
    chances = np.zeros(N_PATTERNS)
    chances[milestones] = 1.0
    for event in range(N_MILESTONES):
        if milestones >> event & 1:
            continue
        p = event_chance(event, customer, milestones, action, population, rules)
        for pattern in range(N_PATTERNS):
            if not pattern >> event & 1:
                chances[pattern | 1 << event] = chances[pattern] * p
                chances[pattern] *= 1 - p
    return chances


@njit(cache=True)
def week_q(customer: int, later: np.ndarray, last: bool, population: Population, rules: Rules) -> np.ndarray:
    """The Q-values of one week, shape (32, contacts, 6), from next week's values, shape (32, contacts)."""
    counts = rules.most_contacts + 1
    q = np.empty((N_PATTERNS, counts, N_ACTIONS))
    for milestones in range(N_PATTERNS):
        for action in range(N_ACTIONS):
            p = event_chance(SUBSCRIPTION, customer, milestones, action, population, rules)
            chances = successors(customer, milestones, action, population, rules)
            now = p * rules.value - rules.action_cost[action] - potential(milestones, rules)
            after = 0.0  # the potential of what has been reached by the end of the week
            for pattern in range(N_PATTERNS):
                after += chances[pattern] * potential(pattern, rules)
            for contacts in range(counts):
                stays = 0.0 if last else (1 - p) * (1 - opt_out_chance(contacts, action, rules))
                more = contacts if action == WAIT else min(contacts + 1, rules.most_contacts)
                future = 0.0
                for pattern in range(N_PATTERNS):
                    future += chances[pattern] * later[pattern, more]
                shaping = after * stays if rules.potential_based else after
                q[milestones, contacts, action] = now + shaping + stays * future
    return q


@njit(cache=True)
def _backward(population: Population, rules: Rules, probabilities: np.ndarray):
    """Q-values and values, under given probabilities or, where none are given, of the best action."""
    counts, customers = rules.most_contacts + 1, len(population.start)
    q = np.empty((customers, rules.weeks, N_PATTERNS, counts, N_ACTIONS))
    value = np.empty((customers, rules.weeks, N_PATTERNS, counts))
    for customer in range(customers):
        later = np.zeros((N_PATTERNS, counts))
        for week in range(rules.weeks - 1, -1, -1):
            q[customer, week] = week_q(customer, later, week == rules.weeks - 1, population, rules)
            for milestones in range(N_PATTERNS):
                for contacts in range(counts):
                    choices = q[customer, week, milestones, contacts]
                    if len(probabilities):
                        later[milestones, contacts] = (
                            probabilities[customer, week, milestones, contacts] * choices
                        ).sum()
                    else:
                        later[milestones, contacts] = choices.max()
            value[customer, week] = later
    return q, value


@njit(cache=True)
def _forward(population: Population, rules: Rules, probabilities: np.ndarray) -> np.ndarray:
    """The chance of every state, from the first week to the last."""
    counts, customers = rules.most_contacts + 1, len(population.start)
    likely = np.zeros((customers, rules.weeks, N_PATTERNS, counts))
    for customer in range(customers):
        likely[customer, 0, population.start[customer], 0] = 1.0
        for week in range(rules.weeks - 1):
            for milestones in range(N_PATTERNS):
                for action in range(N_ACTIONS):
                    chooses = likely[customer, week, milestones] * probabilities[customer, week, milestones, :, action]
                    if not chooses.any():
                        continue
                    p = event_chance(SUBSCRIPTION, customer, milestones, action, population, rules)
                    chances = successors(customer, milestones, action, population, rules)
                    for contacts in range(counts):
                        stays = (1 - p) * (1 - opt_out_chance(contacts, action, rules))
                        more = contacts if action == WAIT else min(contacts + 1, rules.most_contacts)
                        likely[customer, week + 1, :, more] += chooses[contacts] * stays * chances
    return likely
