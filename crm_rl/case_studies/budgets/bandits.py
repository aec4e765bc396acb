"""Two bandits in the world where the budget binds: the published one, and a fixed one (chapter 12).

Both learn from the same log: a random action for every customer of some seasons, whatever it costs.
The published one learns how likely a reward above 0 is, and knows no budget. The fixed one learns the chance of a trip
with one model for all actions, works out the reward from margin and cost, which are known, and shares out this week's
money by it. Like every bandit it does not look beyond the week.
"""

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from crm_rl.case_studies.budgets.catalogue import CENTS, CHANNEL, DOLLARS, N_ACTIONS, OFFER, OFFER_VALUES
from crm_rl.case_studies.budgets.knapsack import plan_week
from crm_rl.case_studies.budgets.policies import Policy
from crm_rl.case_studies.budgets.published import logistic_bandit
from crm_rl.case_studies.budgets.world import FATIGUE, HABIT, N_STATES, TRIP_WEIGHT, WEEKS, World, step


class Log(NamedTuple):
    """Rounds of random actions: types, states, actions, trips (bool) and rewards in dollars, shape (rounds,) each."""

    types: np.ndarray
    states: np.ndarray
    actions: np.ndarray
    trips: np.ndarray
    rewards: np.ndarray


def features_of(world: World, types: np.ndarray, states: np.ndarray) -> np.ndarray:
    """What a learner sees of customers, shape (customers, 10): the type's eight numbers, habit and fatigue."""
    return np.column_stack([world.features[types], HABIT[states], FATIGUE[states]])


def random_log(world: World, seasons: int, rng: np.random.Generator) -> Log:
    """Some seasons in which everybody gets a random action each week, without any budget."""
    types, rounds = world.types_of_all(), []
    for _ in range(seasons):
        states = np.zeros(len(types), dtype=int)
        for _ in range(WEEKS):
            actions = rng.integers(N_ACTIONS, size=len(types))
            trips, following = step(world, types, states, actions, rng)
            worth = world.features[types, 0] + TRIP_WEIGHT
            rounds.append((types, states, actions, trips, worth * trips - DOLLARS[actions]))
            states = following
    return Log(*map(np.concatenate, zip(*rounds, strict=True)))


def published_bandit(world: World, log: Log) -> Policy:
    """The action whose reward is most likely above 0; the safety layer serves customers as they come."""
    models = logistic_bandit(features_of(world, log.types, log.states), log.actions, log.rewards, N_ACTIONS)
    chances = np.stack([model.predict_proba(_all_features(world))[:, 1] for model in models], axis=1)
    best = chances.reshape(len(world.customers), N_STATES, N_ACTIONS).argmax(axis=-1)
    return lambda week, types, states, budget, rng: best[types, states]


def fixed_bandit(world: World, log: Log) -> Policy:
    """This week's learned rewards at this week's price: trips by ridge regression on products of numbers."""
    shape = (len(world.customers), N_STATES, N_ACTIONS)
    every = np.unravel_index(np.arange(np.prod(shape)), shape)
    model = make_pipeline(StandardScaler(), PolynomialFeatures(3), Ridge(1.0))
    model.fit(_design(world, log.types, log.states, log.actions), log.trips)
    trip = model.predict(_design(world, *every)).reshape(shape)
    learned = (world.features[:, 0] + TRIP_WEIGHT)[:, None, None] * trip - DOLLARS
    return lambda week, types, states, budget, rng: plan_week(learned[types, states], CENTS, budget).actions


def _design(world: World, types: np.ndarray, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """What the chance of a trip may depend on: base, sensitivity, habit, fatigue, offer and how its channel suits."""
    suits = np.hstack([world.features[:, 3:], np.zeros((len(world.features), 1))])[types, CHANNEL[actions]]
    offer = np.take(OFFER_VALUES, OFFER[actions])
    return np.column_stack([world.features[types, 1:3], HABIT[states], FATIGUE[states], offer, suits])


def _all_features(world: World) -> np.ndarray:
    types, states = np.divmod(np.arange(len(world.customers) * N_STATES), N_STATES)
    return features_of(world, types, states)
