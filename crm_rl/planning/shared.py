"""One plan for all customers of a group, where they cannot be told apart."""

import numpy as np
from numba import njit

from crm_rl.planning.exact import SITUATIONS, model_of, reach, starts_of, week_q
from crm_rl.worlds.base import N_ACTIONS
from crm_rl.worlds.responsive import FRESH, NO_CHANNEL, Params, Population


def shared_policy(
    first: np.ndarray, groups: np.ndarray, population: Population, params: Params, rounds: int = 30
) -> np.ndarray:
    """Improve a policy that treats all customers of a group alike, until no change in one week makes it better.

    It goes through the weeks from the last to the first, and in each takes, in every situation, the action that is
    worth most to all customers of the group together, each weighted by how likely they are to be there. No step makes
    the policy worse. Where it stops another policy may still be better: the best one for customers who cannot be told
    apart is a harder problem (Kaelbling et al. 1998).

    Args:
        first: the actions to begin with, shape `(groups, weeks, *SITUATIONS)`.
        groups: the group of each customer, shape (customers,).
        population, params: the world.
        rounds: how often it goes through the weeks at most.

    Returns:
        The actions, shaped as `first`.
    """
    people, which = starts_of(population)
    counts = np.bincount(which).astype(float)
    group = np.empty(len(counts), dtype=np.int64)
    group[which] = groups
    policy, before = first.astype(np.int64), -np.inf
    for _ in range(rounds):
        likely = reach(np.eye(N_ACTIONS)[policy][group], people, params)
        likely *= counts.reshape(-1, *[1] * (likely.ndim - 1))
        gained = _improve(policy, likely, group, people, params)
        if gained - before < 1e-9 * abs(gained):
            break
        before = gained
    return policy


@njit(cache=True)
def _improve(
    policy: np.ndarray, likely: np.ndarray, group: np.ndarray, population: Population, params: Params
) -> float:
    """Improve a shared policy in place, last week first; return what it is worth to all customers together."""
    customers = len(population.start)
    later = np.zeros((customers, *SITUATIONS))
    for week in range(params.weeks - 1, -1, -1):
        last = week == params.weeks - 1
        q = np.empty((customers, *SITUATIONS, N_ACTIONS))
        total = np.zeros((len(policy), *SITUATIONS, N_ACTIONS))
        for customer in range(customers):
            q[customer] = week_q(later[customer], last, model_of(customer, population, params))
            for place in np.ndindex(SITUATIONS):
                for action in range(N_ACTIONS):
                    total[group[customer]][place][action] += likely[customer, week][place] * q[customer][place][action]
        for one in range(len(policy)):
            for place in np.ndindex(SITUATIONS):
                choices = total[one][place]
                if choices.max() > choices[policy[one, week][place]]:
                    policy[one, week][place] = choices.argmax()
        for customer in range(customers):
            for place in np.ndindex(SITUATIONS):
                later[customer][place] = q[customer][place][policy[group[customer], week][place]]
    worth = 0.0
    for customer in range(customers):
        begin = (population.start[customer], 0, NO_CHANNEL, FRESH)
        worth += likely[customer, 0][begin] * later[customer][begin]
    return worth
