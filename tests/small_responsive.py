"""Responsive worlds of two weeks and two customers, whose best policy is known by hand."""

import numpy as np

from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import BASELINE, N_EVENTS, N_PATTERNS, SUBSCRIPTION, Population
from crm_rl.worlds.responsive_world import ResponsiveWorld, half_inbound


def world_of(population: Population, rules) -> ResponsiveWorld:
    return ResponsiveWorld(population, rules, half_inbound(population, 0.0), np.arange(len(population.start)))


def two_customers(quiet: np.ndarray) -> Population:
    """Told apart by their country: calls do not reach the second."""
    affinity = np.ones((2, N_ACTIONS))
    affinity[1, Action.CALL] = 0.0
    nothing = np.zeros(2, dtype=np.int64)
    return Population(nothing, np.array([0.1, 0.9]), np.array([0.5, 0.5]), nothing, affinity, quiet)


def two_weeks(quiet: np.ndarray, drives: dict, lift: float) -> ResponsiveWorld:
    """An action costs a dollar, a subscription is worth 100; `drives` by action and event."""
    table = tuple(tuple(drives.get((action, event), 0.0) for event in range(N_EVENTS)) for action in range(N_ACTIONS))
    costs = tuple(float(action != Action.WAIT) for action in range(N_ACTIONS))
    rules = BASELINE._replace(
        weeks=2, lift=lift, organic=0.0, drives=table, action_cost=costs, value=100.0, opt_out=0.0, expected_reward=True
    )
    return world_of(two_customers(quiet), rules)


#: No milestone ever happens, and a subscription by 10% a week.
ONLY_SUBSCRIPTIONS = np.tile(np.where(np.arange(N_EVENTS) == SUBSCRIPTION, np.log(0.9), 0.0), (2, N_PATTERNS, 1))

#: A call lifts the chance of a subscription from 10% to 19%, for the first customer. Called twice, he is worth
#: 18 + 0.81 x 18; the second, left alone, 10 + 0.9 x 10.
CALLS = two_weeks(ONLY_SUBSCRIPTIONS, {(Action.CALL, SUBSCRIPTION): 1.0}, lift=1.0)
CALLS_OPTIMUM = [32.58, 19.0]

_AFTER_DEMO = np.zeros((2, N_PATTERNS, N_EVENTS))
_AFTER_DEMO[:, :, SUBSCRIPTION] = np.log(0.99)
_AFTER_DEMO[:, :, 1] = np.log(0.9)
_AFTER_DEMO[:, np.arange(N_PATTERNS) >> 1 & 1 == 1, SUBSCRIPTION] = np.log(0.5)

#: An email brings 1% now; a demo brings nothing now, but whoever has had one subscribes by 50% next week.
DEMO_FIRST = two_weeks(_AFTER_DEMO, {(Action.DEMO, 1): 1.0, (Action.EMAIL, SUBSCRIPTION): 1.0}, lift=9.0)
