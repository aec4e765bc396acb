"""Policies that learn nothing: what every learner is held against (chapters 3 and 7).

They are policies as `agents.policies` says, in any world; the hand-written rules are for the responsive worlds.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from crm_rl.agents.policies import Policy
from crm_rl.worlds.base import N_FEATURES, Action, World, n_actions
from crm_rl.worlds.responsive import CALL, DEMO, MEETING, SIGNUP, Population, State


def random_policy(states: Any, world: World, rng: np.random.Generator) -> np.ndarray:
    """Every action with the same chance."""
    return rng.integers(0, n_actions(world.params), size=len(states.customer))


def by_firm(actions: np.ndarray, world: World) -> np.ndarray:
    """Actions as in `Action`, shape (n,), as a world with feature selection numbers them."""
    return np.asarray(actions, dtype=np.int64) + N_FEATURES * world.params.selects_features


def constant_policy(action: Action) -> Policy:
    """The same action of the firm at every step, for everybody."""
    return lambda states, world, rng: by_firm(np.full(len(states.customer), action), world)


#: Policies by name, for tables that compare: each action for everybody.
CONSTANTS = {f"always_{action.name.lower()}": constant_policy(action) for action in Action}


def two_emails(people: Population, states: State) -> np.ndarray:
    """An email in the first week and one in the third, then leave the customer alone."""
    return np.where((states.steps == 0) | (states.steps == 2), Action.EMAIL, Action.WAIT)


def every_other_week(people: Population, states: State) -> np.ndarray:
    """An email every other week until the customer has signed up, then the account manager."""
    signed_up = states.milestones >> SIGNUP & 1 == 1
    return np.where(states.fatigue > 0, Action.WAIT, np.where(signed_up, Action.MANAGER, Action.EMAIL))


def playbook(people: Population, states: State) -> np.ndarray:
    """The first thing that the customer has not done yet: call, demo, signup, meeting; never two weeks running."""
    ladder = ((CALL, Action.CALL), (DEMO, Action.DEMO), (SIGNUP, Action.EMAIL), (MEETING, Action.MANAGER))
    next_step = np.full(len(states.steps), Action.MANAGER)
    for milestone, action in reversed(ladder):
        next_step = np.where(states.milestones >> milestone & 1, next_step, action)
    return np.where(states.fatigue > 0, Action.WAIT, next_step)


def inbound_first(people: Population, states: State) -> np.ndarray:
    """The account manager for whoever made the first contact and has signed up; two emails for the others."""
    ready = (people.inbound[states.customer] == 1) & (states.milestones >> SIGNUP & 1 == 1) & (states.fatigue == 0)
    return np.where(ready, Action.MANAGER, two_emails(people, states))


#: Hand-written rules that a sales team might begin with: (population, states) -> actions, shape (n,).
HAND_WRITTEN = (two_emails, every_other_week, playbook, inbound_first)


def rule_policy(rule: Callable) -> Policy:
    """The policy of doing what a hand-written rule says, in a responsive world."""

    def act(states: Any, world: World, rng: np.random.Generator) -> np.ndarray:
        return by_firm(rule(world.population, states), world)

    return act
