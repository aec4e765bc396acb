"""Attributes that have to be bought: exact values, and what the best policy cannot exceed (chapter 10).

An agent sees weeks, milestones and contacts, and nothing of who the customer is, until it buys the three attributes,
one by one, each for a price and none for a week. What it has bought is one of eight masks, numbered 0 to 7: bit 0 is
inbound, bit 1 the country's standing, bit 2 the bootcamp's. Janisch, Pevny and Lisy (2019) call this costly feature
acquisition.

The best policy of all is not worked out here: it may buy late, or only once some milestone is reached, and every week
says a little about who the customer is. When to buy is left to the learners. Here they are judged exactly
(`evaluate_selection`), beside simple rivals (`fixed_mask`) and a value that nobody can exceed (`upper_bound`).
"""

import numpy as np
from numba import njit

from crm_rl.planning.exact import all_states, evaluate, optimal, starts_of, week_q
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.attributes import ALL, N_ATTRIBUTES, N_MASKS, SEEN, attributes_of, bought_in, mask_of, place_among
from crm_rl.worlds.base import N_ACTIONS, N_FEATURES, WAIT, count_bits
from crm_rl.worlds.responsive import (
    N_PATTERNS,
    Population,
    Rules,
    observe_all,
)

#: In place of an action: any of the 21, each as likely.
ANY = -1


def observations_with(population: Population, rules: Rules, bought: int) -> np.ndarray:
    """What an agent that has bought these attributes sees in every state.

    Args:
        population, rules: the world, with feature selection.
        bought: a mask number.

    Returns:
        Shape (customers * weeks * 32 * contacts, 30), float32, in the order of `planning.all_states`.
    """
    states = all_states(population, rules)
    return observe_all(states._replace(mask=np.full(len(states.mask), mask_of(bought))), population, rules)


def evaluate_selection(actions: np.ndarray, population: Population, rules: Rules) -> np.ndarray:
    """The exact value of a policy that also buys attributes, by backward induction.

    Args:
        actions: what the policy does, shape (customers, weeks, 32, contacts, 8), the last axis by mask number; 0 to 20
            as in `responsive.step`, or `ANY`. That customers who look alike get the same is not checked.
        population, rules: the world, with feature selection.

    Returns:
        The expected reward, prices paid, from each customer's first state, shape (customers,), in dollars.

    Raises:
        ValueError: the actions have another shape, or there is no such action.
    """
    shape = (len(population.start), rules.weeks, N_PATTERNS, rules.most_contacts + 1, N_MASKS)
    if actions.shape != shape or actions.min() < ANY or actions.max() >= N_FEATURES + N_ACTIONS:
        raise ValueError(f"actions of shape {actions.shape}. Remedy: pass {shape}, each -1 to 20.")
    return _evaluate(actions, population, rules)


@njit(cache=True)
def _evaluate(actions: np.ndarray, population: Population, rules: Rules) -> np.ndarray:
    customers, weeks, patterns, counts, _ = actions.shape
    worth = np.empty(customers)
    for customer in range(customers):
        value = np.zeros((N_MASKS, patterns, counts))
        for week in range(weeks - 1, -1, -1):
            for bought in range(ALL, -1, -1):  # a purchase leads to a fuller mask in the same week: those come first
                q = week_q(customer, value[bought], week == weeks - 1, population, rules)
                for milestones in range(patterns):
                    for contacts in range(counts):
                        action = actions[customer, week, milestones, contacts, bought]
                        here, now = q[milestones, contacts], value[:, milestones, contacts]
                        value[bought, milestones, contacts] = _worth(action, bought, here, now, rules)
        worth[customer] = value[bought_in(rules.first_mask), population.start[customer], 0]
    return worth


@njit(cache=True)
def _worth(action: int, bought: int, q: np.ndarray, now: np.ndarray, rules: Rules) -> float:
    """What an action is worth, on average for `ANY`: `q` of the six actions proper, `now` by mask number for buying."""
    first, last = (0, N_FEATURES + N_ACTIONS - 1) if action == ANY else (action, action)
    total = 0.0
    for each in range(first, last + 1):
        fuller = bought | bought_in(1 << each)
        if each >= N_FEATURES:
            total += q[each - N_FEATURES]
        else:
            total += (q[WAIT] if fuller == bought else now[fuller]) - rules.feature_price
    return total / (last - first + 1)


def fixed_mask(bought: int, train: Population, population: Population, rules: Rules, rounds: int = 30) -> np.ndarray:
    """What it is worth to buy the same attributes of everybody at the start and then to follow a good shared plan.

    With all three the plan is the best one: who knows the rules and all of a customer's attributes can plan for him
    alone (but for the few in the rough world who look alike and are not). So the value is the optimum minus three
    prices, and no policy that buys all three of everybody earns more.

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
        return optimal(population, rules).at_start(population) - paid
    seen = SEEN[bought] * attributes_of(train)
    groups, which = np.unique(seen, axis=0, return_inverse=True)
    plans = _plans(which.ravel(), train, rules, rounds)
    plan_of = place_among(SEEN[bought] * attributes_of(population), groups)
    if (plan_of < 0).any():
        plans = np.concatenate([plans, _plans(np.zeros(len(seen), dtype=np.int64), train, rules, rounds)])
    probabilities = np.eye(N_ACTIONS)[plans[plan_of]]  # -1 is the last plan, for everybody
    return evaluate(probabilities, population, rules).at_start(population) - paid


def _plans(groups: np.ndarray, population: Population, rules: Rules, rounds: int) -> np.ndarray:
    """A plan for each group of customers, shape (groups, weeks, 32, contacts)."""
    people, which = starts_of(population)
    q = optimal(people, rules).q
    average = np.zeros((groups.max() + 1, *q.shape[1:]))  # a sum: the greedy action is the same
    np.add.at(average, groups, q[which])
    return shared_policy(average.argmax(axis=-1), groups, population, rules, rounds)


def upper_bound(population: Population, rules: Rules) -> float:
    """A value that no policy can exceed, in dollars a customer, everybody equally likely.

    Suppose that after the first week a policy were told all about the customer, for nothing. It can only gain by that,
    and what is then best is known: in the first week it buys what pays, looking at each attribute before the next, then
    acts as is best on average for those who look alike, by the optimal Q-values. That the rest is free is why the
    bound may be out of reach. It is at most the optimum with full information, `planning.optimal`.

    Args:
        population: the customers; a policy is supposed to know how many there are of each kind.
        rules: the constants, with feature selection.
    """
    q = optimal(population, rules).q[np.arange(len(population.start)), 0, population.start, 0]
    attributes = attributes_of(population)

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
    return sum(earned(kind, bought_in(rules.first_mask)) for kind in alike(everybody, population.start)) / len(q)


def alike(customers: np.ndarray, look: np.ndarray) -> list[np.ndarray]:
    """Customers, in a list for each different look."""
    return [customers[look == one] for one in np.unique(look)]
