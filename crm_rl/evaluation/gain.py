"""By whom policies are judged in the rematch (chapter 10): exactly, on customers that were put aside.

Customers who come from one country and bootcamp, both by themselves or not, with the same milestones, are of one kind:
whatever the world deals out, a policy is worth the same for each of them. So one customer a kind is worked out.
"""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from crm_rl.data import clean, load
from crm_rl.planning.exact import always, evaluate, optimal, share_of_gain
from crm_rl.worlds.base import Action
from crm_rl.worlds.responsive import Population, Rules
from crm_rl.worlds.responsive_world import ResponsiveWorld, pairs_of, rates_of, responsive_worlds, subset

#: Pairs of country and bootcamp are dealt into so many folds; hiding one from training makes its customers strangers.
FOLDS, FOLD_SEED = 5, 11

GROUPS = ("all", "inbound", "outbound")


class Case(NamedTuple):
    """The customers of a part in one world, and the two policies that the share of the gain lies between.

    Attributes:
        people: one customer of each kind.
        counts: shape (kinds,): how many customers are of it.
        pairs: shape (kinds,): the number of each kind's pair of country and bootcamp.
        folds: shape (kinds,): the fold of each kind's pair.
        rules: the rules.
        waiting, best: shape (kinds,): the exact value of always waiting, and of the optimum, in dollars.
    """

    people: Population
    counts: np.ndarray
    pairs: np.ndarray
    folds: np.ndarray
    rules: Rules
    waiting: np.ndarray
    best: np.ndarray

    def scores(self, values: np.ndarray, fold: int | None = None) -> dict[str, float]:
        """Scores of a policy: shares of the attainable gain as ratios of sums over customers, and dollars a customer.

        Args:
            values: the policy's exact value for each kind, shape (kinds,), in dollars.
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
        """Which kinds belong to one of `GROUPS`, shape (kinds,)."""
        return np.full(len(self.counts), True) if group == "all" else (self.people.inbound == 1) == (group == "inbound")


@functools.lru_cache(maxsize=64)
def case_of(data: str, kind: str, part: str, rules: Rules, deal: int) -> Case:
    """The customers of a part, "val" or "test", as judges in a world of that kind, by rules and deal."""
    world = worlds_of(data, kind, rules, deal)[part]
    pairs, people = pairs_of(_customers(data)[0])[world.rows], world.population
    alike = np.column_stack([pairs, people.inbound, people.start])
    _, first, counts = np.unique(alike, axis=0, return_index=True, return_counts=True)
    judges = subset(people, first)
    waiting = evaluate(always(Action.WAIT), judges, rules).at_start(judges)
    best = optimal(judges, rules).at_start(judges)
    return Case(judges, counts, pairs[first], folds_of(data)[pairs[first]], rules, waiting, best)


@functools.lru_cache(maxsize=64)
def worlds_of(data: str, kind: str, rules: Rules, deal: int) -> dict[str, ResponsiveWorld]:
    """The worlds of the three parts, "train", "val" and "test", from the export at a path."""
    return responsive_worlds(*_customers(data), kind, rules, deal)


def without(world: ResponsiveWorld, data: str, fold: int) -> ResponsiveWorld:
    """A world that the customers of one fold have left."""
    stay = np.flatnonzero(folds_of(data)[pairs_of(_customers(data)[0])[world.rows]] != fold)
    return world._replace(population=subset(world.population, stay), rows=world.rows[stay])


def folds_of(data: str) -> np.ndarray:
    """The fold of every pair of country and bootcamp, shape (pairs,), 0 to `FOLDS` - 1."""
    return np.random.default_rng(FOLD_SEED).permutation(pairs_of(_customers(data)[0]).max() + 1) % FOLDS


@functools.lru_cache(maxsize=2)
def _customers(data: str):
    customers = clean(load(data))[0]
    return customers, rates_of(Path(data), customers)


def base_rates(data: str):
    """The base rates of the world that is made from an export."""
    return _customers(data)[1]
