"""The library's own learners (Stable-Baselines3; Raffin et al. 2021) in any world, with the library's settings.

What they learn is handed on as plain arrays, like our own networks. A policy-gradient learner's network says how
strongly it prefers each action (logits) instead of what it expects; the greedy action is the same.
"""

from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.vec_env import VecNormalize

from crm_rl.agents.arithmetic import one_thread
from crm_rl.agents.policies import NetworkPolicy
from crm_rl.worlds.base import World
from crm_rl.worlds.gym_envs import FunnelVecEnv

#: Hidden layers as ours, and episodes side by side. Rewards are divided by the running spread of returns, as the
#: library offers.
HIDDEN, ENVS = [128, 128], 16


def library_dqn(world: World, steps: int, seed: int, settings: dict | None = None) -> NetworkPolicy:
    """The library's DQN; `settings` replace its own."""
    return _learned(DQN, world, steps, seed, settings or {}, lambda policy: policy.q_net.q_net)


def library_ppo(world: World, steps: int, seed: int, settings: dict | None = None) -> NetworkPolicy:
    """The library's PPO (Schulman et al. 2017); `settings` replace its own."""
    layers = lambda policy: [*policy.mlp_extractor.policy_net, policy.action_net]  # noqa: E731
    return _learned(PPO, world, steps, seed, settings or {}, layers)


def _learned(algorithm: type, world: World, steps: int, seed: int, settings: dict, layers: Any) -> NetworkPolicy:
    network = {"net_arch": HIDDEN, "activation_fn": torch.nn.ReLU}
    envs = VecNormalize(FunnelVecEnv(ENVS, world=world), norm_obs=False, clip_reward=np.inf)
    with one_thread():
        model = algorithm("MlpPolicy", envs, policy_kwargs=network, seed=seed, **{"gamma": 1.0, **settings})
        model.learn(steps)
    linear = [layer for layer in layers(model.policy) if isinstance(layer, torch.nn.Linear)]
    weights = [layer.weight.numpy(force=True).copy() for layer in linear]
    biases = [layer.bias.numpy(force=True).copy() for layer in linear]
    return NetworkPolicy(weights, biases, world.params)
