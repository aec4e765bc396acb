"""Policies that know the responsive world: what a plan is worth that cannot tell some customers apart (chapter 7).

They learn nothing. The optimum and one plan for everybody bound what learners can get; a plan for each group of a
table's resolution is what the table could express if there were nothing to learn.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from crm_rl.agents.reference import HAND_WRITTEN, rule_policy
from crm_rl.planning.exact import all_states, always, best_of, chunks, evaluate, optimal, shape_of, starts_of
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import Population, subset
from crm_rl.worlds.responsive_world import ResponsiveWorld


class PlannedPolicy:
    """A plan for every state of a responsive world without feature selection.

    Args:
        plan: from a population to how likely each action is, shape `(customers, weeks, *SITUATIONS, 6)`, or one that
            broadcasts to it. It plans for each customer alone, so that it may be asked for some of them.
    """

    def __init__(self, plan: Callable[[Population], np.ndarray]):
        self.plan, self._worked_out = plan, (None, None, None)

    def probabilities(self, states: Any, world: ResponsiveWorld) -> np.ndarray:
        """How likely each action is, shape (n, 6)."""
        population, table, place = self._worked_out
        if population is not world.population:
            people, place = starts_of(world.population)
            table = np.broadcast_to(self.plan(people), (*shape_of(people, world.params), N_ACTIONS))
            self._worked_out = world.population, table, place
        who = place[states.customer]
        return table[who, states.steps, states.milestones, states.fatigue, states.channel, states.interest]

    def __call__(self, states: Any, world: ResponsiveWorld, rng: np.random.Generator) -> np.ndarray:
        """An action drawn by these probabilities, shape (n,)."""
        chances = self.probabilities(states, world).cumsum(axis=1)
        return (rng.random((len(chances), 1)) * chances[:, -1:] >= chances).sum(axis=1)


def optimum(world: ResponsiveWorld) -> PlannedPolicy:
    """The best policy."""
    return PlannedPolicy(lambda people: best_of(optimal(people, world.params).q))


def optimum_of_one_week(world: ResponsiveWorld) -> PlannedPolicy:
    """What is best for the week itself, whatever comes later."""
    return PlannedPolicy(lambda people: best_of(optimal(people, world.params._replace(weeks=1)).q))


def best_single_action(world: ResponsiveWorld) -> PlannedPolicy:
    """For each customer the one action that is worth most when it is taken for ever: a contextual bandit's best."""

    def plan(people: Population) -> np.ndarray:
        values = [evaluate(always(action), people, world.params).at_start(people) for action in range(N_ACTIONS)]
        chosen = np.eye(N_ACTIONS)[np.argmax(values, axis=0)]
        return chosen.reshape(len(chosen), *[1] * 5, N_ACTIONS)

    return PlannedPolicy(plan)


def best_rule(world: ResponsiveWorld) -> PlannedPolicy:
    """The hand-written rule that is worth most to the training customers; nothing else is learned."""
    return max((_as_plan(rule, world) for rule in HAND_WRITTEN), key=lambda policy: worth(policy, world))


def _as_plan(rule: Callable, world: ResponsiveWorld) -> PlannedPolicy:
    def plan(people: Population) -> np.ndarray:
        there = world._replace(population=people)
        actions = rule_policy(rule)(all_states(people, world.params), there, None)
        return np.eye(N_ACTIONS)[actions].reshape(*shape_of(people, world.params), N_ACTIONS)

    return PlannedPolicy(plan)


def one_plan_for_everybody(world: ResponsiveWorld) -> PlannedPolicy:
    """A plan that knows the world exactly and goes by the week and its situation, but not by who the customer is.

    `shared_policy` may stop short of the best such plan, so it starts from several; the training customers choose.
    """
    people, which = starts_of(world.population)
    averaged = np.average(optimal(people, world.params).q, axis=0, weights=np.bincount(which)).argmax(axis=-1)
    constant = [np.full_like(averaged, action) for action in (Action.EMAIL, Action.DEMO, Action.WAIT)]
    nobody_differs = np.zeros(len(which), dtype=np.int64)
    plans = [
        shared_policy(first[None], nobody_differs, world.population, world.params) for first in (averaged, *constant)
    ]
    policies = [_for_all(np.eye(N_ACTIONS)[plan]) for plan in plans]
    return max(policies, key=lambda policy: worth(policy, world))


def _for_all(plan: np.ndarray) -> PlannedPolicy:
    return PlannedPolicy(lambda people: plan)


def worth(policy: PlannedPolicy, world: ResponsiveWorld) -> float:
    """The exact value of a plan to all customers of a world together, in dollars."""
    types, which = starts_of(world.population)
    values = []
    for people in (subset(types, place) for place in chunks(len(types.start))):  # the tables of all would be large
        chances = np.broadcast_to(policy.plan(people), (*shape_of(people, world.params), N_ACTIONS))
        values.append(evaluate(chances, people, world.params).at_start(people))
    return np.concatenate(values)[which].sum()
