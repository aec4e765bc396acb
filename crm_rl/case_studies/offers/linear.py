"""Learners that act on many customers at once and keep a linear model: bandits, a fitted model, fitted Q (chapter 11).

Each gets the same number of customer-weeks. What it has learned is a matrix of weights a week, which scores actions.
"""

from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.offers.bandits import Pairs, Sums, draw_theta, no_data, parts_of, update
from crm_rl.case_studies.offers.simulator import INPUTS, World, observe, start, step

#: How many customers are treated before a bandit sees what came of it.
BATCH = 100


class LinearScores(NamedTuple):
    """Scores of actions that are linear in each number of the customer.

    Attributes:
        parts: shape (actions, p): the actions, see `bandits.parts_of`.
        theta: shape (d,) for all weeks, or (weeks, d).
    """

    parts: np.ndarray
    theta: np.ndarray

    def __call__(self, seen: np.ndarray) -> np.ndarray:
        """Shape (n, actions), of observations of shape (n, 13)."""
        pairs = Pairs(self.parts, seen.shape[1])
        if self.theta.ndim == 1:
            return pairs.scores(seen, self.theta)
        week = np.minimum(np.rint(seen[:, -1] * len(self.theta)).astype(int), len(self.theta) - 1)
        scores = np.empty((len(seen), len(self.parts)))
        for each in np.unique(week):
            scores[week == each] = pairs.scores(seen[week == each], self.theta[each])
        return scores


def linucb(world: World, weeks: int, seed: int, alpha: float) -> LinearScores:
    """LinUCB with one model for all actions; `alpha` is in dollars, as the spread of rewards is."""

    def choose(pairs, sums, seen, rng):
        bonus = alpha * np.sqrt(pairs.errors(seen, np.linalg.inv(sums.A)))
        return (pairs.scores(seen, sums.theta) + bonus).argmax(axis=1)

    return _bandit(world, weeks, seed, choose)


def thompson(world: World, weeks: int, seed: int, spread: float) -> LinearScores:
    """Thompson sampling with one model for all actions; `spread` is in dollars, as the spread of rewards is."""

    def choose(pairs, sums, seen, rng):
        return pairs.scores(seen, draw_theta(sums, spread, len(seen), rng)).argmax(axis=1)

    return _bandit(world, weeks, seed, choose)


def _bandit(world: World, weeks: int, seed: int, choose) -> LinearScores:
    """Treat customers batch by batch, week by week, and learn after each."""
    rng, pairs = np.random.default_rng(seed), Pairs(parts_of(world.catalogue), INPUTS)
    sums, taken, state = no_data(pairs.d), 0, None
    while taken < weeks:
        if state is None or state.week[0] == world.response.weeks:
            state = start(rng.integers(len(world.customers.types), size=BATCH))
        seen = observe(world.customers, state, world.response.weeks)
        actions = choose(pairs, sums, seen, rng)
        state, reward = step(world, state, actions, rng)
        sums = update(sums, pairs.x(seen, actions), reward)
        taken += BATCH
    return LinearScores(pairs.parts, sums.theta)


class Log(NamedTuple):
    """What happened under random actions: arrays whose first two axes are week and customer."""

    seen: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray


def random_log(world: World, weeks: int, rng: np.random.Generator) -> Log:
    """A log of about so many customer-weeks, never more."""
    state = start(rng.integers(len(world.customers.types), size=weeks // world.response.weeks))
    rows = []
    for _ in range(world.response.weeks):
        actions = rng.integers(world.n_actions, size=len(state.week))
        seen = observe(world.customers, state, world.response.weeks)
        state, reward = step(world, state, actions, rng)
        rows.append((seen, actions, reward))
    return Log(*map(np.array, zip(*rows, strict=True)))


def fitted_greedy(world: World, weeks: int, seed: int) -> LinearScores:
    """Fit what a week earns on a log of random actions, and take the action that promises most this week."""
    log, pairs = random_log(world, weeks, np.random.default_rng(seed)), Pairs(parts_of(world.catalogue), INPUTS)
    sums = no_data(pairs.d)
    for seen, actions, rewards in zip(*log, strict=True):
        sums = update(sums, pairs.x(seen, actions), rewards)
    return LinearScores(pairs.parts, sums.theta)


def fitted_q(world: World, weeks: int, seed: int) -> LinearScores:
    """Fitted Q iteration on the same log: a model a week, from the last to the first, that adds what may follow."""
    log, pairs = random_log(world, weeks, np.random.default_rng(seed)), Pairs(parts_of(world.catalogue), INPUTS)
    thetas, after = [], 0.0
    for week in reversed(range(world.response.weeks)):
        seen, actions, rewards = (part[week] for part in log)
        sums: Sums = update(no_data(pairs.d), pairs.x(seen, actions), rewards + after)
        thetas.insert(0, sums.theta)
        if week:  # what the best action is worth where customers are in this week: the target of the week before
            after = pairs.scores(seen, sums.theta).max(axis=1)
    return LinearScores(pairs.parts, np.array(thetas))
