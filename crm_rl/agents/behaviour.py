"""What a firm does today, with some of its choices left to chance so that its log can be used (chapter 13)."""

from typing import Any

import numpy as np

from crm_rl.agents.policies import Policy
from crm_rl.worlds.base import World, n_actions


class Exploring:
    """A policy that does what another says, and with some probability takes any action.

    Args:
        policy: one that leaves nothing to chance.
        epsilon: how likely it is to take any action, all equally, 0 to 1: 0 is the policy itself, 1 is random.
    """

    def __init__(self, policy: Policy, epsilon: float):
        self.policy, self.epsilon = policy, epsilon

    def probabilities(self, states: Any, world: World) -> np.ndarray:
        """How likely each action is, shape (n, actions)."""
        actions = n_actions(world.params)
        return (1 - self.epsilon) * np.eye(actions)[self.policy(states, world, None)] + self.epsilon / actions
