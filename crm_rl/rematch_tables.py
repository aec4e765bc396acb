"""Q-tables in the responsive world, at each setting of the state dial (chapter 10).

The milestones, the week and the contacts are always part of the state. The dial says what else of the customer is:
nothing, whether he came by himself, his standings rounded, or his standings as they are.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.funnel import N_ACTIONS
from crm_rl.q_learning import epsilon_greedy
from crm_rl.responsive import CHANCES, N_PATTERNS, Population, start, step
from crm_rl.responsive_worlds import ResponsiveWorld, draw_starts

#: The dial: to how many decimals inbound, the country's and the bootcamp's standing are told; None leaves one out.
DIAL = {
    "episode only": (None, None, None),
    "+ inbound": (0, None, None),
    "+ standings to halves": (0, 0, 0),
    "+ standings, 1 decimal": (0, 1, 1),
    "+ country x bootcamp": (0, 6, 6),
}


class Settings(NamedTuple):
    """How to train a table.

    Attributes:
        alpha: the learning rate of the first tries.
        decay: after n tries of an action it is alpha / (1 + n * decay): 0 keeps it as it is.
        epsilon_end: how often the agent explores at last; at first, always.
        exploration: the share of training over which epsilon falls, on a straight line.
    """

    alpha: float = 0.5
    decay: float = 0.2
    epsilon_end: float = 0.05
    exploration: float = 0.5


class Table(NamedTuple):
    """A trained table.

    Attributes:
        groups: what the dial tells of a customer, a row a group, shape (groups, 3).
        q: shape (groups, weeks, 32, contacts, 6), in dollars.
        tries: how often each action was tried, of the same shape.
    """

    groups: np.ndarray
    q: np.ndarray
    tries: np.ndarray


def told(population: Population, setting: str) -> np.ndarray:
    """What the dial tells of each customer, shape (customers, 3); 0 for what is left out."""
    attributes = (population.inbound, population.country, population.bootcamp)
    columns = [
        np.zeros(len(attribute)) if decimals is None else np.round(attribute, decimals)
        for attribute, decimals in zip(attributes, DIAL[setting], strict=True)
    ]
    return np.column_stack(columns)


def train_table(world: ResponsiveWorld, setting: str, settings: Settings, steps: int, seed: int) -> Table:
    """Train a table for so many weeks of experience.

    Args:
        world: where to train.
        setting: of the dial, a name in `DIAL`.
        settings: how to learn.
        steps: weeks of all episodes together.
        seed: decides everything that is left to chance.
    """
    groups, which = np.unique(told(world.population, setting), axis=0, return_inverse=True)
    shape = (len(groups), world.rules.weeks, N_PATTERNS, world.rules.most_contacts + 1, N_ACTIONS)
    q, tries = np.zeros(shape), np.zeros(shape, dtype=np.int32)
    rng = np.random.default_rng(seed)
    run_weeks(q, tries, which.ravel(), world.population, world.rules, world.inbound_share, settings, steps, rng)
    return Table(groups, q, tries)


@njit(cache=True)
def run_weeks(q, tries, group_of, population, rules, inbound_share, settings, steps, rng):
    """Q-learning as in chapter 4, on a table with a place for every state; `q` and `tries` change in place."""
    customer = np.zeros(1, dtype=np.int64)
    ended = True
    for taken in range(steps):
        if ended:
            draw_starts(population, inbound_share, rng, customer)
            state = start(customer[0], population, rules)
            group = group_of[customer[0]]
        here = q[group, state.steps, state.milestones, state.contacts]
        epsilon = max(settings.epsilon_end, 1 - taken / (settings.exploration * steps))
        action = epsilon_greedy(here, epsilon, rng)
        tried = tries[group, state.steps, state.milestones, state.contacts]
        outcome = step(state, action, population, rules, rng.random(CHANCES))
        state, ended = outcome.state, outcome.terminated
        future = 0.0 if ended else q[group, state.steps, state.milestones, state.contacts].max()
        alpha = settings.alpha / (1 + settings.decay * tried[action])
        here[action] += alpha * (outcome.reward + future - here[action])
        tried[action] += 1


def probabilities(table: Table, population: Population, setting: str) -> np.ndarray:
    """How likely the greedy policy of a table takes each action, shape (customers, weeks, 32, contacts, 6).

    Where no action was ever tried, or the customer's group was never met, each is equally likely, as in chapter 4.
    """
    wanted = told(population, setting)
    match = (wanted[:, None] == table.groups[None]).all(axis=2)
    group = np.where(match.any(axis=1), match.argmax(axis=1), -1)
    best = table.q == table.q.max(axis=-1, keepdims=True)
    greedy = np.concatenate([best / best.sum(axis=-1, keepdims=True), np.full((1, *table.q.shape[1:]), 1 / N_ACTIONS)])
    return greedy[group]
