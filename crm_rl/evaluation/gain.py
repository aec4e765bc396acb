"""What a policy is worth in a responsive world, exactly, and how much of what there is to gain that is (chapter 7).

Customers who come from one country and bootcamp, both inbound or not, with the same milestones, are of one type:
however the world is drawn, a policy is worth the same for each of them. So one customer a type is worked out.
"""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from crm_rl.agents.policies import Policy
from crm_rl.data import customers
from crm_rl.planning.exact import all_states, always, evaluate, optimal, share_of_gain
from crm_rl.planning.feature_selection import ANY, evaluate_selection
from crm_rl.worlds.attributes import N_MASKS, mask_of
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import N_PATTERNS, Population, Rules
from crm_rl.worlds.responsive_world import (
    ResponsiveWorld,
    half_inbound,
    pairs_of,
    rates_of,
    responsive_worlds,
    subset,
)

#: Pairs of country and bootcamp are put into so many folds; hiding one from training makes its customers unseen.
FOLDS, FOLD_SEED = 5, 11

GROUPS = ("all", "inbound", "outbound")


def exact_values(policy: Policy, world: ResponsiveWorld) -> np.ndarray:
    """The exact value of a policy at each customer's start, shape (customers,), in dollars.

    The policy is asked only where it can come to by its own actions.

    Args:
        policy: with `probabilities`, see `agents.policies`.
        world: without feature selection.
    """
    types, which = starts_of(world.population)
    values = [_values(policy, world._replace(population=subset(types, place))) for place in chunks(len(types.start))]
    return np.concatenate(values)[which]


def _values(policy: Policy, world: ResponsiveWorld) -> np.ndarray:
    people, rules = world.population, world.rules
    probabilities = np.zeros((*shape_of(people, rules), N_ACTIONS))
    reached = np.zeros((len(people.start), *SITUATIONS), dtype=bool)
    reached[np.arange(len(people.start)), people.start, 0, NO_CHANNEL, FRESH] = True
    for week in range(rules.weeks):
        customer, *rest = np.nonzero(reached)
        masks = np.full(len(customer), rules.first_mask)
        states = State(customer, np.full(len(customer), week), *rest, masks)
        probabilities[customer, week, *rest] = policy.probabilities(states, world)
        reached = spread(reached, probabilities[:, week] > 0)
    return evaluate(probabilities, people, rules).at_start(people)


class Judges(NamedTuple):
    """The customers of a part in one world, and the two policies that the share of the gain lies between.

    Attributes:
        people: one customer of each type.
        counts: shape (types,): how many customers are of it.
        pairs: shape (types,): the number of each type's pair of country and bootcamp.
        folds: shape (types,): the fold of each type's pair.
        rules: the rules.
        waiting, best: shape (types,): the exact value of always waiting, and of the optimum, in dollars.
    """

    people: Population
    counts: np.ndarray
    pairs: np.ndarray
    folds: np.ndarray
    rules: Rules
    waiting: np.ndarray
    best: np.ndarray

    def world(self, rules: Rules | None = None) -> ResponsiveWorld:
        """A world of one customer of each type, by these rules or by others."""
        return world_of_people(self.people, self.rules if rules is None else rules)

    def scores(self, values: np.ndarray, fold: int | None = None) -> dict[str, float]:
        """Scores of a policy: shares of the attainable gain as ratios of sums over customers, and dollars a customer.

        Args:
            values: the policy's exact value for each type, shape (types,), in dollars.
            fold: judge by the customers of this fold alone.

        Returns:
            `gain`, `gain_inbound`, `gain_outbound` (missing with less than a dollar a customer to gain) and `money`.
        """
        counts = self.counts * (True if fold is None else self.folds == fold)
        scores = {}
        for group in GROUPS:
            customers = np.repeat(np.arange(len(counts)), counts * self.belongs(group))
            chosen = (part[customers] for part in (values, self.waiting, self.best))
            scores["gain" if group == "all" else f"gain_{group}"] = share_of_gain(*chosen)
        return scores | {"money": float(np.average(values, weights=counts))}

    def belongs(self, group: str) -> np.ndarray:
        """Which types belong to one of `GROUPS`, shape (types,)."""
        return np.full(len(self.counts), True) if group == "all" else (self.people.inbound == 1) == (group == "inbound")


def world_of_people(people: Population, rules: Rules) -> ResponsiveWorld:
    """A world of these customers, each as likely to come as any other."""
    return ResponsiveWorld(people, rules, half_inbound(people, 0.0), np.arange(len(people.start)))


@functools.lru_cache(maxsize=64)
def judges_of(data: str, kind: str, part: str, rules: Rules, world_seed: int) -> Judges:
    """The customers of a part, "val" or "test", as judges in a world of that kind."""
    world = worlds_of(data, kind, rules, world_seed)[part]
    pairs, people = pairs_of(_customers(data)[0])[world.rows], world.population
    types = np.column_stack([pairs, people.inbound, people.start])
    _, first, counts = np.unique(types, axis=0, return_index=True, return_counts=True)
    judges = subset(people, first)
    waiting = evaluate(always(Action.WAIT), judges, rules).at_start(judges)
    best = optimal(judges, rules).at_start(judges)
    return Judges(judges, counts, pairs[first], folds_of(data)[pairs[first]], rules, waiting, best)


@functools.lru_cache(maxsize=64)
def worlds_of(data: str, kind: str, rules: Rules, world_seed: int) -> dict[str, ResponsiveWorld]:
    """The worlds of the three parts, "train", "val" and "test", from the export at a path."""
    return responsive_worlds(*_customers(data), kind, rules, world_seed)


def without(world: ResponsiveWorld, data: str, fold: int) -> ResponsiveWorld:
    """A world that the customers of one fold have left."""
    stay = np.flatnonzero(folds_of(data)[pairs_of(_customers(data)[0])[world.rows]] != fold)
    people = subset(world.population, stay)
    return world._replace(population=people, pools=half_inbound(people, world.pools.shares[0]), rows=world.rows[stay])


def folds_of(data: str) -> np.ndarray:
    """The fold of every pair of country and bootcamp, shape (pairs,), 0 to `FOLDS` - 1."""
    return np.random.default_rng(FOLD_SEED).permutation(pairs_of(_customers(data)[0]).max() + 1) % FOLDS


@functools.lru_cache(maxsize=2)
def _customers(data: str):
    people = customers(data)[0]
    return people, rates_of(Path(data), people)


def base_rates(data: str):
    """The base rates of the world that is made from an export."""
    return _customers(data)[1]
