"""The library's own learners (Stable-Baselines3; Raffin et al. 2021) in any world, with the library's settings.

What they learn is handed on as plain arrays, like our own networks. A policy-gradient learner's network says how
strongly it prefers each action (logits) instead of what it expects; the greedy action is the same.
"""

from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN, PPO

from crm_rl.agents.arithmetic import one_thread
from crm_rl.agents.policies import NetworkPolicy
from crm_rl.worlds.base import World
from crm_rl.worlds.gym_envs import FunnelVecEnv

HIDDEN = [128, 128]


def library_dqn(world: World, steps: int, seed: int, **settings: Any) -> NetworkPolicy:
    """The library's DQN; `settings` replace its own."""
    return _learned(DQN, world, steps, seed, {"gamma": 1.0, **settings}, lambda policy: policy.q_net.q_net)


def library_ppo(world: World, steps: int, seed: int, **settings: Any) -> NetworkPolicy:
    """The library's PPO (Schulman et al. 2017); `settings` replace its own."""
    layers = lambda policy: [*policy.mlp_extractor.policy_net, policy.action_net]  # noqa: E731
    return _learned(PPO, world, steps, seed, {"gamma": 1.0, **settings}, layers)


def _learned(algorithm: type, world: World, steps: int, seed: int, settings: dict, layers: Any) -> NetworkPolicy:
    network = {"net_arch": HIDDEN, "activation_fn": torch.nn.ReLU}
    with one_thread():
        model = algorithm(
            "MlpPolicy", FunnelVecEnv(settings.pop("num_envs", 16), world=world), policy_kwargs=network, seed=seed, **settings
        )
        model.learn(steps)
    linear = [layer for layer in layers(model.policy) if isinstance(layer, torch.nn.Linear)]
    weights, biases = ([np.array(getattr(layer, name).detach()) for layer in linear] for name in ("weight", "bias"))
    return NetworkPolicy(weights, biases, world.rules)
