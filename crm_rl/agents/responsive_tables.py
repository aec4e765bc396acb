"""Q-tables in the responsive world, at each setting of the state dial (chapter 10).

The milestones, the week and the contacts are always part of the state. The dial says what else of the customer is:
nothing, whether he came by himself, his standings rounded, or his standings as they are. Where attributes have to be
bought, it says so only of those that were, and which they are is part of the state as well.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.agents.q_learning import epsilon_greedy
from crm_rl.planning.feature_selection import ANY
from crm_rl.worlds.attributes import ALL, N_MASKS, SEEN, attributes_of, bought_in, place_among
from crm_rl.worlds.base import N_ACTIONS, n_actions
from crm_rl.worlds.responsive import CHANCES, N_PATTERNS, Population, start, step
from crm_rl.worlds.responsive_world import ResponsiveWorld, draw_starts

#: The dial: to how many decimals inbound, the country's and the bootcamp's standing are told; None leaves one out.
DIAL = {
    "episode only": (None, None, None),
    "+ inbound": (0, None, None),
    "+ standings to halves": (0, 0, 0),
    "+ standings, 1 decimal": (0, 1, 1),
    "+ country x bootcamp": (0, 6, 6),
}


#: Each of the six actions equally likely.
DICE = np.full(N_ACTIONS, 1 / N_ACTIONS)


class Settings(NamedTuple):
    """How to train a table.

    Attributes:
        alpha: the learning rate of the first tries.
        decay: after n tries of an action it is alpha / (1 + n * decay): 0 keeps it as it is.
        epsilon_end: how often the agent explores at last; at first, always.
        exploration: the share of training over which epsilon falls, on a straight line.
    """

    alpha: float = 0.5
    decay: float = 1.0
    epsilon_end: float = 0.05
    exploration: float = 0.9


#: Chosen on the validation customers, at each setting of the dial: where groups are few, rates fall more slowly.
TUNED = {setting: Settings(decay=0.2 if setting in ("episode only", "+ inbound") else 1.0) for setting in DIAL}


class Table(NamedTuple):
    """A trained table.

    Attributes:
        groups: how customers look, a row a group, shape (groups, 4): what the dial tells of the attributes that are
            visible, 0 for the others, and the number of the mask (see `selection`); without feature selection it is 7.
        q: shape (groups, weeks, 32, contacts, 6 or 21), in dollars.
        tries: how often each action was tried, of the same shape.
    """

    groups: np.ndarray
    q: np.ndarray
    tries: np.ndarray


def told(population: Population, setting: str) -> np.ndarray:
    """What the dial tells of each customer, shape (customers, 3); 0 for what is left out."""
    columns = [
        np.zeros(len(attribute)) if decimals is None else np.round(attribute, decimals)
        for attribute, decimals in zip(attributes_of(population).T, DIAL[setting], strict=True)
    ]
    return np.column_stack(columns)


def looks(population: Population, setting: str, bought: int) -> np.ndarray:
    """How each customer looks with this mask number, shape (customers, 4): what is told of him, and the number."""
    return np.column_stack([SEEN[bought] * told(population, setting), np.full(len(population.start), bought)])


def train_table(world: ResponsiveWorld, setting: str, settings: Settings, steps: int, seed: int) -> Table:
    """Train a table for so many steps of experience.

    Args:
        world: where to train.
        setting: of the dial, a name in `DIAL`.
        settings: how to learn.
        steps: weeks of all episodes together; a purchase counts as one too.
        seed: decides everything that is left to chance.
    """
    masks = np.arange(N_MASKS) if world.rules.selects_features else np.array([ALL])
    every_look = np.concatenate([looks(world.population, setting, bought) for bought in masks])
    groups, which = np.unique(every_look, axis=0, return_inverse=True)
    group_of = np.full((world.size(), N_MASKS), -1)
    group_of[:, masks] = which.reshape(len(masks), -1).T
    shape = (len(groups), world.rules.weeks, N_PATTERNS, world.rules.most_contacts + 1, n_actions(world.rules))
    q, tries = np.zeros(shape), np.zeros(shape, dtype=np.int32)
    rng = np.random.default_rng(seed)
    run_weeks(q, tries, group_of, world.population, world.rules, world.inbound_share, settings, steps, rng)
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
            group = group_of[state.customer, bought_in(state.mask)]
        here = q[group, state.steps, state.milestones, state.contacts]
        epsilon = max(settings.epsilon_end, 1 - taken / (settings.exploration * steps))
        action = epsilon_greedy(here, epsilon, rng)
        tried = tries[group, state.steps, state.milestones, state.contacts]
        outcome = step(state, action, population, rules, rng.random(CHANCES))
        state, ended = outcome.state, outcome.terminated
        group = group_of[state.customer, bought_in(state.mask)]
        future = 0.0 if ended else q[group, state.steps, state.milestones, state.contacts].max()
        alpha = settings.alpha / (1 + settings.decay * tried[action])
        here[action] += alpha * (outcome.reward + future - here[action])
        tried[action] += 1


def probabilities(table: Table, population: Population, setting: str, unknown: np.ndarray = DICE) -> np.ndarray:
    """How likely the greedy policy of a table takes each action, shape (customers, weeks, 32, contacts, 6).

    Args:
        table: a trained one.
        population, setting: who is to be treated, and what is told of them.
        unknown: how likely each action is where none was ever tried or the customer's group was never met, shape (6,);
            unless said otherwise all alike, as in chapter 4.
    """
    group = place_among(looks(population, setting, ALL), table.groups)
    best = table.q == table.q.max(axis=-1, keepdims=True)
    greedy = np.where(table.tries.any(axis=-1, keepdims=True), best / best.sum(axis=-1, keepdims=True), unknown)
    nobody = np.broadcast_to(unknown, (1, *greedy.shape[1:]))  # the last: for group -1
    return np.concatenate([greedy, nobody])[group]


def greedy_actions(table: Table, population: Population, setting: str) -> np.ndarray:
    """What the greedy policy of a table that buys attributes does, for `selection.evaluate_selection`.

    Returns:
        Shape (customers, weeks, 32, contacts, 8), int8: the best action, the first of equals; `ANY` where no action was
        ever tried, or the customer's group was never met.
    """
    best = np.where(table.tries.any(axis=-1), table.q.argmax(axis=-1), ANY).astype(np.int8)
    best = np.concatenate([best, np.full((1, *best.shape[1:]), ANY, dtype=np.int8)])  # the last: for group -1
    masks = [place_among(looks(population, setting, bought), table.groups) for bought in range(N_MASKS)]
    return np.stack([best[group] for group in masks], axis=-1)
