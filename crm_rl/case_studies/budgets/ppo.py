"""PPO under a weekly budget (Schulman et al. 2017; the library's, and its maskable one; chapter 12).

Three arms: one customer a step as published, the same with what is too expensive masked, and the prices of a week. What
is learned is read out into NumPy, and all customers of a world are served by it.
"""

from typing import NamedTuple

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecNormalize

from crm_rl.agents.arithmetic import one_thread
from crm_rl.case_studies.budgets.catalogue import CENTS
from crm_rl.case_studies.budgets.envs import InTurn, SetPrices, crowd_seen, customers_seen, prices_of, values_at
from crm_rl.case_studies.budgets.knapsack import plan_week
from crm_rl.case_studies.budgets.policies import Policy
from crm_rl.case_studies.budgets.world import WEEKS, World

#: Seasons side by side, and customers of each type in training: few, so that a season is short.
SEASONS, FEW = {"in turn": 16, "prices": 8}, {"in turn": 2, "prices": 10}
#: What differs from the library's settings. None of it was tuned.
SETTINGS = {
    "in turn": {"n_steps": 144, "batch_size": 256, "gamma": 0.999, "gae_lambda": 0.99},
    "prices": {"n_steps": 48, "batch_size": 64, "gamma": 1.0},
}
#: In so many groups a week's customers are served: within a group the share of the budget left is the same for all.
GROUPS = 48


class Network(NamedTuple):
    """What was learned: weights of shape (in, out) and biases, a layer each, with tanh between layers."""

    weights: list[np.ndarray]
    biases: list[np.ndarray]

    def __call__(self, seen: np.ndarray) -> np.ndarray:
        """Logits of actions, or the mean of a continuous action, for observations of shape (n, numbers)."""
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            seen = np.tanh(seen @ weight + bias)
        return seen @ self.weights[-1] + self.biases[-1]


def train_in_turn(world: World, steps: int, seed: int, masked: bool) -> Policy:
    """Learn to serve one customer after the other; returns the policy for all customers of the world."""
    env = InTurn(_with(world, FEW["in turn"]), SEASONS["in turn"], seed)
    return serve_in_turn(world, _learned(MaskablePPO if masked else PPO, env, steps, seed, SETTINGS["in turn"]), masked)


def serve_in_turn(world: World, network: Network, masked: bool) -> Policy:
    """Serve one customer after the other, in a random order, by what a network prefers and the money left allows."""

    def policy(week, types, states, budget, rng):
        actions, left = np.zeros(len(types), dtype=int), budget
        order, served = rng.permutation(len(types)), 0
        for group in np.array_split(order, GROUPS):
            same = np.tile([week / WEEKS, left / max(budget, 1), served / len(types)], (len(group), 1))
            logits = network(np.hstack([customers_seen(world, types[group], states[group]), same]))
            for customer, row in zip(group, logits, strict=True):
                chosen = np.where(left >= CENTS, row, -np.inf).argmax() if masked else row.argmax()
                actions[customer] = chosen if CENTS[chosen] <= left else 0
                left -= CENTS[actions[customer]]
            served += len(group)
        return actions

    return policy


def train_prices(world: World, steps: int, seed: int) -> Policy:
    """Learn to set a week's prices; returns the policy for all customers of the world."""
    env = SetPrices(_with(world, FEW["prices"]), SEASONS["prices"], seed)
    network = _learned(PPO, env, steps, seed, SETTINGS["prices"])

    def policy(week, types, states, budget, rng):
        floor, bonus, contact = prices_of(network(crowd_seen(week, states)[None]))[0]
        return plan_week(values_at(world, types, states, bonus, contact), CENTS, budget, floor).actions

    return policy


def _with(world: World, customers: int) -> World:
    """The same types, each with so many customers."""
    return world._replace(customers=np.full_like(world.customers, customers))


def _learned(algorithm: type, env, steps: int, seed: int, settings: dict) -> Network:
    with one_thread():
        model = algorithm("MlpPolicy", VecNormalize(env, norm_obs=False), seed=seed, device="cpu", **settings)
        model.learn(steps)
    layers = [*model.policy.mlp_extractor.policy_net, model.policy.action_net]
    linear = [layer for layer in layers if isinstance(layer, torch.nn.Linear)]
    return Network(
        *([getattr(layer, name).detach().numpy().T.copy() for layer in linear] for name in ("weight", "bias"))
    )
