"""The best plans of the replay world, exactly (chapter 8): with an eye on the clock, and without one.

The record decides, so for one customer the world is a small graph: what follows an action is certain. `tabulate` lists
the situations that can be reached (stage, last action, milestones paid) and what each of the six actions brings there.
Two plans are made of it:

- `best_in_time`: the highest sum of rewards within the horizon, without a discount. It knows the step, and so when the
  cut and its penalty come. By backward induction (Puterman 1994, section 4.5).
- `values_without_clock`: what the study's Q-learning aims at. Its states hold no clock, and it takes what follows a
  cut for worth what the table says. So to the table the world never ends, and the penalty comes at any step. A table
  learns the mean of what it meets: the penalty times the share of visits that were cut. That share is 1 / horizon for a
  situation that lasts all episode, as for a customer whom nothing changes, and wherever all steps of the clock are met
  equally often; elsewhere it hangs on who acts, which is the one thing that is simplified here. By value iteration
  (Sutton and Barto 2018, section 4.4).

Feature selection is another game, see `planning.feature_selection`. Arrays are indexed [situation, action].
"""

from typing import NamedTuple

import numpy as np

from crm_rl.worlds.base import N_ACTIONS, Outcome
from crm_rl.worlds.replay import Population, State, start_all, step_all
from crm_rl.worlds.replay_settings import Rules


class Graph(NamedTuple):
    """Every situation that can be reached, and what follows each action there.

    Attributes:
        first: shape (customers,): the situation in which each customer begins.
        reward: shape (situations, 6): of one step, in points, without the penalty of the cut.
        after: shape (situations, 6): the situation that follows; where the episode ends it counts for nothing.
        ends: shape (situations, 6), bool: whether the episode terminates.
        horizon: the step after which an episode is cut.
        penalty: what the cut costs, in points, at a step that does not terminate.
    """

    first: np.ndarray
    reward: np.ndarray
    after: np.ndarray
    ends: np.ndarray
    horizon: int
    penalty: float


def tabulate(population: Population, rules: Rules) -> Graph:
    """List the situations of all customers; those with the same record share theirs.

    Raises:
        ValueError: the agent selects features.
    """
    if rules.selects_features:
        raise ValueError("the graph has no masks. Remedy: plan the game without feature selection.")
    records = np.column_stack([population.reached, population.subscribed, population.stage])
    _, one_of_each, kind = np.unique(records, axis=0, return_index=True, return_inverse=True)
    uncut = rules._replace(horizon=10**9)
    found = _situations(start_all(one_of_each, population, uncut))
    number = {situation: row for row, situation in enumerate(found)}
    lines = []
    while found:
        outcome = _each_action(found, population, uncut)
        follows = _situations(outcome.state)
        found = [situation for situation in dict.fromkeys(follows) if situation not in number]
        number |= {situation: len(number) + place for place, situation in enumerate(found)}
        lines.append((outcome.reward, [number[situation] for situation in follows], outcome.terminated))
    reward, after, ends = (np.concatenate(parts).reshape(-1, N_ACTIONS) for parts in zip(*lines, strict=True))
    return Graph(kind.ravel(), reward, after, ends, rules.horizon, rules.timeout_penalty)


def best_in_time(graph: Graph) -> np.ndarray:
    """The highest sum of rewards that any plan brings within the horizon, shape (customers,)."""
    value = np.full(len(graph.reward), -graph.penalty)  # of what is left when the steps are used up
    for _ in range(graph.horizon):
        value = (graph.reward + np.where(graph.ends, 0.0, value[graph.after])).max(axis=1)
    return value[graph.first]


def values_without_clock(graph: Graph, gamma: float, tolerance: float = 1e-9) -> np.ndarray:
    """The best discounted endless return from each action on, as a table without a clock aims at it.

    Args:
        graph: of `tabulate`.
        gamma: the discount, in [0, 1).
        tolerance: how far from exact the values may be, in points.

    Returns:
        Shape (situations, 6). A step that does not terminate costs penalty / horizon, the mean over the clock.

    Raises:
        ValueError: without a discount the return may be endless, too.
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"a discount of {gamma}. Remedy: choose one from 0 on and below 1.")
    reward = graph.reward - np.where(graph.ends, 0.0, graph.penalty / graph.horizon)
    q, change = np.zeros_like(reward), np.inf
    while change * gamma > tolerance * (1 - gamma):  # then nothing is further off than the tolerance
        before, q = q, reward + gamma * np.where(graph.ends, 0.0, q.max(axis=1)[graph.after])
        change = np.abs(q - before).max()
    return q


def follow(graph: Graph, actions: np.ndarray) -> np.ndarray:
    """What a plan earns within the horizon, without a discount.

    Args:
        graph: of `tabulate`.
        actions: shape (situations,): the action that the plan takes in each.

    Returns:
        The sum of rewards, the penalty of a cut included, shape (customers,).
    """
    here, total = graph.first, np.zeros(len(graph.first))
    running = np.full(len(here), True)
    for _ in range(graph.horizon):
        action = actions[here]
        total += np.where(running, graph.reward[here, action], 0.0)
        running &= ~graph.ends[here, action]
        here = graph.after[here, action]
    return total - graph.penalty * running


def _situations(states: State) -> list[tuple[int, ...]]:
    """Customer, stage, last action and milestones paid of each state."""
    columns = (states.customer, states.stage, states.last_action, states.paid)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _each_action(situations: list[tuple[int, ...]], population: Population, rules: Rules) -> Outcome:
    """Take every action in every situation, in this order."""
    customer, stage, last_action, paid = np.repeat(np.array(situations, dtype=np.int64), N_ACTIONS, axis=0).T.copy()
    states = State(customer, np.zeros_like(customer), stage, last_action, paid, np.zeros_like(customer))
    return step_all(states, np.tile(np.arange(N_ACTIONS), len(situations)), population, rules)
