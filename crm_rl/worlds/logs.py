"""Logs: what was observed, done and paid, step by step, under a known policy."""

from typing import Any, NamedTuple

import numpy as np

from crm_rl.worlds.base import N_FEATURES, World, n_actions


class Log(NamedTuple):
    """Steps of experience, in no particular order.

    Attributes:
        observations, next_observations: shape (steps, 15 or 30), float32: before and after the step.
        steps: shape (steps,): how many steps the episode had had, as its state counts them.
        actions: shape (steps,): what was done.
        rewards: shape (steps,).
        ended: shape (steps,): whether the episode was over.
    """

    observations: np.ndarray
    steps: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    next_observations: np.ndarray
    ended: np.ndarray


def random_log(world: World, steps: int, rng: np.random.Generator) -> Log:
    """So many steps of whole episodes in which every action is equally likely; the last few may be cut.

    Args:
        world: who starts an episode goes by its pools.
        steps: at least 1.
        rng: decides everything that is left to chance.
    """
    parts, left = [], steps
    while left > 0:
        customers = np.zeros(-(-left // world.longest()), dtype=np.int64)
        world.draw(rng, customers)
        states, taken = world.start(customers), 0
        while len(states.customer) and left > 0 and taken < world.longest():
            actions = rng.integers(0, n_actions(world.rules), len(states.customer))
            done = world.step(states, actions, rng.random((len(actions), world.chances)))
            ended = done.terminated | done.truncated
            observed, after = world.observe(states), world.observe(done.state)
            step = (observed, states.steps, actions, done.reward, after, ended)
            parts.append([column[:left] for column in step])
            left, taken = left - len(actions), taken + 1
            states = type(states)(*(field[~ended] for field in done.state))
    return Log(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def action_costs(rules: Any) -> np.ndarray:
    """What each action costs, shape (6,), or (21,) with feature selection, whose toggles count as free here."""
    toggles = np.zeros(N_FEATURES if rules.selects_features else 0)
    return np.concatenate([toggles, rules.action_cost])
