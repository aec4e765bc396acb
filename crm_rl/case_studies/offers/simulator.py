"""Customers who live through the weeks: the response model as something to act in (chapter 11).

Pure functions on many customers at once; `gym_envs` has thin interfaces to them.
"""

from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.offers.catalogue import Catalogue
from crm_rl.case_studies.offers.events import draw_preferences, generate
from crm_rl.case_studies.offers.features import features_of, scaled
from crm_rl.case_studies.offers.response import FATIGUE, HABIT, Response, evaluate, response_of, types_of

#: Ten features, fatigue, habit, week.
INPUTS = 13


class Customers(NamedTuple):
    """Whom an offer may go to.

    Attributes:
        features: shape (n, 10), in the order of `features.FEATURES`.
        types: shape (n,): what the response model makes of them.
    """

    features: np.ndarray
    types: np.ndarray


class State(NamedTuple):
    """Where customers are, arrays of shape (n,): places in `Customers`, levels of fatigue and habit, weeks gone by."""

    customer: np.ndarray
    fatigue: np.ndarray
    habit: np.ndarray
    week: np.ndarray


class World(NamedTuple):
    """A catalogue, how customers respond to it, and the customers; the last action is to send nothing."""

    catalogue: Catalogue
    response: Response
    customers: Customers

    @property
    def n_actions(self) -> int:
        """Actions of the catalogue, and nothing."""
        return len(self.catalogue.actions) + 1


def customers_of(features: np.ndarray) -> Customers:
    """Customers with these features, shape (n, 10)."""
    return Customers(features, types_of(features))


def generated(users: int, seed: int) -> Customers:
    """Customers from a log that the generator makes."""
    rng = np.random.default_rng(seed)
    return customers_of(features_of(generate(draw_preferences(users, rng), rng)).to_numpy())


def make_world(catalogue: Catalogue, customers: Customers, numbers: dict | None = None) -> World:
    """The world in which these customers get these offers."""
    return World(catalogue, response_of(catalogue, numbers), customers)


def start(customer: np.ndarray) -> State:
    """The first week of these customers, places in `Customers`, shape (n,)."""
    return State(customer, *np.zeros((3, len(customer)), dtype=np.int64))


def observe(customers: Customers, state: State, weeks: int) -> np.ndarray:
    """What a learner sees: ten scaled features, fatigue, habit and week, each from 0 to 1; shape (n, 13), float32."""
    rest = np.column_stack([state.fatigue / (FATIGUE - 1), state.habit / (HABIT - 1), state.week / weeks])
    return np.hstack([scaled(customers.features[state.customer]), rest]).astype(np.float32)


def step(world: World, state: State, action: np.ndarray, rng: np.random.Generator) -> tuple[State, np.ndarray]:
    """A week.

    Args:
        world: with the customers.
        state: of n customers.
        action: shape (n,): one each.
        rng: decides who buys and what becomes of fatigue and habit.

    Returns:
        The next state, and what was earned: the profit of a purchase, if there was one, minus the cost of the message,
        in dollars, shape (n,).
    """
    response, type_ = world.response, world.customers.types[state.customer]
    buys, tires, learns = rng.random((3, len(action)))
    bought = buys < response.buys[type_, state.fatigue, state.habit, action]
    reward = bought * response.profit[type_, action] - response.cost[action]
    fatigue = _drawn(response.tires[action, state.fatigue], tires)
    habit = _drawn(response.teaches[action, state.habit], learns)
    return State(state.customer, fatigue, habit, state.week + 1), reward


def _drawn(chances: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The level at which the sum of chances passes a number from 0 to 1, for each row."""
    return (chances.cumsum(axis=1)[:, :-1] <= at[:, None]).sum(axis=1)


def greedy_actions(world: World, scores) -> np.ndarray:
    """What a policy does everywhere, shape (weeks, customers, fatigue, habit): the action with the highest score.

    Args:
        world: with the customers.
        scores: observations, shape (n, 13) -> scores, shape (n, actions).
    """
    n, weeks = len(world.customers.types), world.response.weeks
    actions = np.empty((weeks, n, FATIGUE, HABIT), dtype=np.int64)
    customer, fatigue, habit = (grid.ravel() for grid in np.indices((n, FATIGUE, HABIT)))
    for week in range(weeks):
        state = State(customer, fatigue, habit, np.full(len(customer), week))
        seen = observe(world.customers, state, weeks)
        actions[week] = scores(seen).argmax(axis=1).reshape(n, FATIGUE, HABIT)
    return actions


def values_of(world: World, actions: np.ndarray) -> np.ndarray:
    """What a policy is worth for each customer, exactly; see `response.evaluate`."""
    return evaluate(world.response, world.customers.types, actions)
