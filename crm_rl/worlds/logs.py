"""Logs: what was observed, done and paid, step by step, under a known policy."""

from typing import Any, NamedTuple

import numpy as np

from crm_rl.worlds.base import N_FEATURES, World, n_actions


class Episodes(NamedTuple):
    """Whole episodes under a policy whose choices are known: what off-policy evaluation needs (chapter 13).

    Attributes:
        states: the world's `State`, each field of shape (episodes, weeks), int64; after the end they mean nothing.
        observations: what the agent saw of them, shape (episodes, weeks, 15), float32.
        going: shape (episodes, weeks), bool: whether the episode still went on in this week.
        actions: shape (episodes, weeks), int64: what was done.
        propensities: shape (episodes, weeks), above 0, at most 1: how likely the policy was to do it; 1 after the end.
        rewards: shape (episodes, weeks), in dollars; 0 after the end.
    """

    states: Any
    observations: np.ndarray
    going: np.ndarray
    actions: np.ndarray
    propensities: np.ndarray
    rewards: np.ndarray

    def probabilities(self, policy: Any, world: World) -> np.ndarray:
        """How likely a policy is to take each action in each logged state, shape (episodes, weeks, actions)."""
        flat = type(self.states)(*(field.ravel() for field in self.states))
        return policy.probabilities(flat, world).reshape(*self.actions.shape, -1)

    def steps(self) -> "Log":
        """The weeks one by one, for who learns from them."""
        on, week = self.going, np.broadcast_to(np.arange(self.going.shape[1]), self.going.shape)
        after, last = np.roll(self.observations, -1, axis=1), np.roll(~on, -1, axis=1)
        last[:, -1] = True
        return Log(self.observations[on], week[on], self.actions[on], self.rewards[on], after[on], last[on])


def play_episodes(policy: Any, world: World, episodes: int, rng: np.random.Generator) -> Episodes:
    """Let a policy treat so many customers, and log how likely each of its choices was.

    Args:
        policy: with `probabilities`, see `agents.policies`.
        world: who comes goes by its pools; without feature selection.
        episodes: at least 1.
        rng: decides everything that is left to chance.
    """
    customers = np.zeros(episodes, dtype=np.int64)
    world.draw(rng, customers)
    states, going, weeks = world.start(customers), np.full(episodes, True), []
    for _ in range(world.longest()):
        chances = policy.probabilities(states, world)
        actions = (rng.random((episodes, 1)) * chances.sum(1, keepdims=True) >= chances.cumsum(axis=1)).sum(axis=1)
        taken = np.where(going, chances[np.arange(episodes), actions], 1.0)
        done = world.step(states, actions, rng.random((episodes, world.chances)))
        weeks.append((states, world.observe(states), going, actions, taken, going * done.reward))
        going, states = going & ~(done.terminated | done.truncated), done.state
    states, *rest = zip(*weeks, strict=True)
    fields = (np.stack(field, axis=1) for field in zip(*states, strict=True))
    return Episodes(type(states[0])(*fields), *(np.stack(column, axis=1) for column in rest))


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
            actions = rng.integers(0, n_actions(world.params), len(states.customer))
            done = world.step(states, actions, rng.random((len(actions), world.chances)))
            ended = done.terminated | done.truncated
            observed, after = world.observe(states), world.observe(done.state)
            step = (observed, states.steps, actions, done.reward, after, ended)
            parts.append([column[:left] for column in step])
            left, taken = left - len(actions), taken + 1
            states = type(states)(*(field[~ended] for field in done.state))
    return Log(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def action_costs(params: Any) -> np.ndarray:
    """What each action costs, shape (6,), or (21,) with feature selection, whose toggles count as free here."""
    toggles = np.zeros(N_FEATURES if params.selects_features else 0)
    return np.concatenate([toggles, params.action_cost])
