"""Responsive worlds of two weeks and two customers, whose best policy is known by hand, and made-up customers."""

import numpy as np

from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import BASELINE, DEMO, N_EVENTS, N_PATTERNS, SUBSCRIPTION, Params, Population
from crm_rl.worlds.responsive_world import ResponsiveWorld, half_inbound


def world_of(population: Population, params: Params) -> ResponsiveWorld:
    return ResponsiveWorld(population, params, half_inbound(population, 0.0), np.arange(len(population.start)))


def people(n: int = 1, seed: int = 0) -> Population:
    """Customers with made-up rates."""
    rng = np.random.default_rng(seed)
    return Population(
        inbound=rng.integers(0, 2, n),
        country=rng.random(n),
        bootcamp=rng.random(n),
        start=rng.integers(0, N_PATTERNS, n),
        affinity=rng.uniform(0.2, 2.0, (n, N_ACTIONS)),
        quiet=np.log1p(-rng.uniform(0.01, 0.2, (2, N_PATTERNS, N_EVENTS))),
    )


def drives(strong: dict[tuple[int, int], float]) -> tuple[tuple[float, ...], ...]:
    """A table of drives, 0 but for some, by action and event."""
    return tuple(tuple(strong.get((action, event), 0.0) for event in range(N_EVENTS)) for action in range(N_ACTIONS))


def tireless(params: Params) -> Params:
    """Params by which one week does not bear on the next, but for milestones."""
    return params._replace(
        needs=(0,) * N_EVENTS, unready=1.0, repeated=1.0, interest=(1.0, 1.0, 1.0), opt_out=(0.0, 0.0, 0.0)
    )


#: Two weeks; an action costs a dollar, waiting nothing, and a subscription is worth 100.
TWO_WEEKS = tireless(BASELINE)._replace(
    weeks=2,
    lift=1.0,
    action_cost=tuple(float(action != Action.WAIT) for action in range(N_ACTIONS)),
    value=100.0,
    expected_reward=True,
)


def two_customers(quiet: np.ndarray) -> Population:
    """Told apart by their country: calls do not reach the second."""
    affinity = np.ones((2, N_ACTIONS))
    affinity[1, Action.CALL] = 0.0
    nothing = np.zeros(2, dtype=np.int64)
    return Population(nothing, np.array([0.1, 0.9]), np.array([0.5, 0.5]), nothing, affinity, quiet)


#: No milestone ever happens, and a subscription by 10% a week.
ONLY_SUBSCRIPTIONS = np.tile(np.where(np.arange(N_EVENTS) == SUBSCRIPTION, np.log(0.9), 0.0), (2, N_PATTERNS, 1))

#: A call lifts the chance of a subscription from 10% to 19%, for the first customer. Called twice, he is worth
#: 18 + 0.81 x 18; the second, left alone, 10 + 0.9 x 10.
CALLS = world_of(
    two_customers(ONLY_SUBSCRIPTIONS), TWO_WEEKS._replace(drives=drives({(Action.CALL, SUBSCRIPTION): 1.0}))
)
CALLS_OPTIMUM = [32.58, 19.0]

_AFTER_DEMO = np.zeros((2, N_PATTERNS, N_EVENTS))
_AFTER_DEMO[:, :, SUBSCRIPTION] = np.log(0.99)
_AFTER_DEMO[:, :, DEMO] = np.log(0.9)
_AFTER_DEMO[:, np.arange(N_PATTERNS) >> DEMO & 1 == 1, SUBSCRIPTION] = np.log(0.5)

#: An email lifts the chance of a subscription now, from 1% to 10%. A demo lifts nothing now, but by 65% the milestone
#: is reached, and then an email next week brings a subscription almost surely.
DEMO_FIRST = world_of(
    two_customers(_AFTER_DEMO),
    TWO_WEEKS._replace(lift=9.0, drives=drives({(Action.DEMO, DEMO): 1.0, (Action.EMAIL, SUBSCRIPTION): 1.0})),
)
