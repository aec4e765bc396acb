"""Learning from a log of random actions, in any world, with boosted trees (chapter 7).

Two policies: one looks one step ahead, the other to the end (fitted Q iteration: Ernst, Geurts and Wehenkel 2005).
"""

from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from crm_rl.agents.policies import GreedyPolicy
from crm_rl.worlds.base import World, n_actions
from crm_rl.worlds.logs import action_costs, random_log

#: The boosted trees, unless told otherwise.
TREES = {"max_iter": 100, "max_leaf_nodes": 16, "min_samples_leaf": 60}

#: Added to every target: a Poisson model cannot learn from zeros alone.
TINY = 1e-6


class Model:
    """What an action is worth, learned by boosted trees from examples.

    The costs of the actions are known. What is left is never far below zero, small for most and large for few: the
    trees add up to its logarithm, and the Poisson deviance takes the mean for what is to be learned but minds errors
    relative to it more than the squared error does.

    Args:
        observations: shape (n, inputs).
        actions: shape (n,).
        worth: shape (n,): the examples.
        costs: shape (actions,): what each action costs.
        seed: of the trees.
        trees: their settings, in scikit-learn's words.
    """

    def __init__(
        self,
        observations: np.ndarray,
        actions: np.ndarray,
        worth: np.ndarray,
        costs: np.ndarray,
        seed: int,
        trees: dict = TREES,
    ):
        self.costs = costs
        target = worth + costs[actions]
        self.lowest = min(0.0, target.min(initial=0.0))
        self.trees = HistGradientBoostingRegressor(loss="poisson", early_stopping=False, random_state=seed, **trees)
        self.trees.fit(self._inputs(observations, actions), target - self.lowest + TINY)

    def _inputs(self, observations: np.ndarray, actions: np.ndarray) -> np.ndarray:
        return np.column_stack([observations, np.eye(len(self.costs), dtype=np.float32)[actions]])

    def __call__(self, observations: np.ndarray) -> np.ndarray:
        """What each action is worth, shape (n, actions)."""
        n, actions = len(observations), len(self.costs)
        each = self._inputs(np.repeat(observations, actions, axis=0), np.tile(np.arange(actions), n))
        return self.trees.predict(each).reshape(n, actions) + self.lowest - self.costs


class FittedPolicy(GreedyPolicy):
    """The policy that goes by the model of the step at which an episode is; after the last model, by that one."""

    def __init__(self, models: list[Model]):
        self.models = models

    def q_values(self, states: Any, world: World) -> np.ndarray:
        """What the model of each state's step expects, shape (n, actions)."""
        observations = world.observe(states)
        q = np.empty((len(observations), n_actions(world.params)))
        step = np.minimum(states.steps, len(self.models) - 1)
        for which in np.unique(step):
            here = step == which
            alike, place = np.unique(observations[here], axis=0, return_inverse=True)
            q[here] = self.models[which](alike)[place.ravel()]
        return q


def one_step_greedy(world: World, steps: int, seed: int, trees: dict = TREES) -> FittedPolicy:
    """Predict the reward of one step and take the action that promises most: what comes later does not count.

    Args:
        world: where the log comes from.
        steps: how long it is.
        seed: decides everything that is left to chance.
        trees: the settings of the trees.
    """
    log = random_log(world, steps, np.random.default_rng(seed))
    costs = action_costs(world.params)
    return FittedPolicy([Model(log.observations, log.actions, log.rewards, costs, seed, trees)])


def fitted_q_iteration(world: World, steps: int, seed: int, trees: dict = TREES) -> FittedPolicy:
    """Fitted Q iteration for a known end: a model for each step of an episode, from the last to the first.

    Each learns the reward of its step plus what the next step's model says of the best action then. Steps that the log
    hardly ever reaches, with fewer than ten transitions, share the last model that there is. With feature selection
    looking at an attribute counts as if it took the step.

    Args:
        world, steps, seed, trees: as for `one_step_greedy`.
    """
    log, costs = random_log(world, steps, np.random.default_rng(seed)), action_costs(world.params)
    reached = np.flatnonzero(np.bincount(log.steps) >= 10)
    models: list[Model] = []
    for step in reversed(range(reached.max() + 1)):
        observations, _, actions, rewards, after, ended = (column[log.steps == step] for column in log)
        worth = rewards.copy()
        if models:
            worth[~ended] += models[0](after[~ended]).max(axis=1)
        models.insert(0, Model(observations, actions, worth, costs, seed, trees))
    return FittedPolicy(models)


class PlanPolicy(GreedyPolicy):
    """One action a customer, for the whole episode: the one of which a model of whole episodes expects most."""

    def __init__(self, model: Model):
        self.model = model

    def q_values(self, states: Any, world: World) -> np.ndarray:
        """What each action is expected to earn when it is taken in every week, shape (n, actions)."""
        customers, place = np.unique(states.customer, return_inverse=True)
        return self.model(world.observe(world.start(customers)))[place]


def contextual_bandit(world: World, steps: int, seed: int, trees: dict = TREES) -> PlanPolicy:
    """Try each action for whole episodes, on customers as they come, and learn for whom which earns most.

    Args:
        world: where to try.
        steps: of experience; an episode that they cut off does not count.
        seed: decides everything that is left to chance.
        trees: the settings of the trees.
    """
    rng, costs = np.random.default_rng(seed), np.zeros(n_actions(world.params))
    seen, actions, returns, taken = [], [], [], 0
    while taken < steps:
        customers = np.zeros(min(10_000, steps // world.longest() + 1), dtype=np.int64)
        world.draw(rng, customers)
        chosen = rng.integers(len(costs), size=len(customers))
        earned, lengths = returns_of(world, customers, chosen, rng)
        within = taken + lengths.cumsum() <= steps
        seen.append(world.observe(world.start(customers))[within])
        actions.append(chosen[within])
        returns.append(earned[within])
        taken += int(lengths.sum())
    log = (np.concatenate(part) for part in (seen, actions, returns))
    return PlanPolicy(Model(*log, costs, seed, trees))


def returns_of(world: World, customers: np.ndarray, actions: np.ndarray, rng: np.random.Generator):
    """What episodes earn in which one action is taken for ever, and their lengths, each of shape (customers,)."""
    states, going = world.start(customers), np.full(len(customers), True)
    earned, lengths = np.zeros(len(customers)), np.zeros(len(customers), dtype=np.int64)
    for _ in range(world.longest()):
        outcome = world.step(states, actions, rng.random((len(customers), world.chances)))
        earned += going * outcome.reward
        lengths += going
        going &= ~(outcome.terminated | outcome.truncated)
        states = outcome.state
    return earned, lengths
