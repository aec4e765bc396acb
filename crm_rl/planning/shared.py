"""One plan for all customers of a group, where they cannot be told apart (lab note of the responsive world)."""

import numpy as np
from numba import njit

from crm_rl.planning.exact import reach, starts_of, week_q
from crm_rl.worlds.base import N_ACTIONS
from crm_rl.worlds.responsive import N_PATTERNS, Population, Rules


def shared_policy(
    first: np.ndarray, groups: np.ndarray, population: Population, rules: Rules, rounds: int = 30
) -> np.ndarray:
    """Improve a policy that treats all customers of a group alike, until no change in one week makes it better.

    It goes through the weeks from the last to the first, and in each takes, for every pattern of milestones and count
    of contacts, the action that is worth most to all customers of the group together, each weighted by how likely he
    is to be in that state. No step makes the policy worse. Where it stops another policy may still be better: the best
    one for customers who cannot be told apart is a harder problem (Kaelbling et al. 1998).

    Args:
        first: the actions to begin with, shape (groups, weeks, 32, contacts).
        groups: the group of each customer, shape (customers,).
        population, rules: the world.
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
        likely = reach(np.eye(N_ACTIONS)[policy][group], people, rules)
        gained = _improve(policy, likely * counts[:, None, None, None], group, people, rules)
        if gained - before < 1e-9 * abs(gained):
            break
        before = gained
    return policy


@njit(cache=True)
def _improve(policy: np.ndarray, likely: np.ndarray, group: np.ndarray, population: Population, rules: Rules) -> float:
    """Improve a shared policy in place, last week first; return what it is worth to all customers together."""
    counts, customers = rules.most_contacts + 1, len(population.start)
    later = np.zeros((customers, N_PATTERNS, counts))
    for week in range(rules.weeks - 1, -1, -1):
        q = np.empty((customers, N_PATTERNS, counts, N_ACTIONS))
        total = np.zeros((len(policy), N_PATTERNS, counts, N_ACTIONS))
        for customer in range(customers):
            q[customer] = week_q(customer, later[customer], week == rules.weeks - 1, population, rules)
            for action in range(N_ACTIONS):
                total[group[customer], :, :, action] += likely[customer, week] * q[customer, :, :, action]
        for one in range(len(policy)):
            for milestones in range(N_PATTERNS):
                for contacts in range(counts):
                    choices = total[one, milestones, contacts]
                    if choices.max() > choices[policy[one, week, milestones, contacts]]:
                        policy[one, week, milestones, contacts] = choices.argmax()
        for customer in range(customers):
            for milestones in range(N_PATTERNS):
                for contacts in range(counts):
                    action = policy[group[customer], week, milestones, contacts]
                    later[customer, milestones, contacts] = q[customer, milestones, contacts, action]
    worth = 0.0
    for customer in range(customers):
        begin = population.start[customer]
        worth += likely[customer, 0, begin, 0] * later[customer, begin, 0]
    return worth
