"""Policies that learn nothing: what every learner is held against (chapters 3 and 7).

They are policies as `agents.policies` says, in any world; the hand-written rules are for the responsive worlds.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from crm_rl.agents.policies import Policy
from crm_rl.worlds.base import N_FEATURES, Action, World, n_actions


def random_policy(states: Any, world: World, rng: np.random.Generator) -> np.ndarray:
    """Every action with the same chance."""
    return rng.integers(0, n_actions(world.rules), size=len(states.customer))


def by_firm(actions: np.ndarray, world: World) -> np.ndarray:
    """Actions as in `Action`, shape (n,), as a world with feature selection numbers them."""
    return np.asarray(actions, dtype=np.int64) + N_FEATURES * world.rules.selects_features


def constant_policy(action: Action) -> Policy:
    """The same action of the firm at every step, for everybody."""
    return lambda states, world, rng: by_firm(np.full(len(states.customer), action), world)


#: Policies by name, for tables that compare: each action for everybody.
CONSTANTS = {f"always_{action.name.lower()}": constant_policy(action) for action in Action}

SIGNUP = 3  # the place of this milestone's bit


def two_emails(inbound, country, milestones, contacts) -> np.ndarray:
    """Two emails, then leave the customer alone."""
    return np.where(contacts < 2, Action.EMAIL, Action.WAIT)


def playbook(inbound, country, milestones, contacts) -> np.ndarray:
    """Inbound customers get what leads to the first thing they have not done yet; the others get two emails."""
    next_step = np.full(milestones.shape, Action.WAIT)
    steps = (Action.CALL, Action.DEMO, Action.SURVEY, Action.EMAIL, Action.MANAGER)
    for milestone, action in reversed(list(enumerate(steps))):
        next_step = np.where(milestones >> milestone & 1, next_step, action)
    return np.where(inbound, next_step, two_emails(inbound, country, milestones, contacts))


def demo_after_signup(inbound, country, milestones, contacts) -> np.ndarray:
    """An email a week; an inbound customer who has signed up gets a demo a week instead."""
    return np.where(inbound & (milestones >> SIGNUP & 1), Action.DEMO, Action.EMAIL)


def survey_elsewhere(inbound, country, milestones, contacts) -> np.ndarray:
    """An email a week; a survey instead for the half of the customers whose countries subscribe least."""
    return np.where(country < 0.5, Action.SURVEY, Action.EMAIL)


#: Hand-written rules. Each takes inbound, the country's standing, the milestones (bits) and the contacts, arrays of
#: shape (n,), and returns actions. Seventeen were tried on the twin's training customers; these are two that a sales
#: team might begin with and the two that were best, one in the smooth world and one in the rough.
HAND_WRITTEN = (two_emails, playbook, demo_after_signup, survey_elsewhere)


def rule_policy(rule: Callable) -> Policy:
    """The policy of doing what a hand-written rule says, in a responsive world."""

    def act(states: Any, world: World, rng: np.random.Generator) -> np.ndarray:
        people, who = world.population, states.customer
        return by_firm(rule(people.inbound[who], people.country[who], states.milestones, states.contacts), world)

    return act
