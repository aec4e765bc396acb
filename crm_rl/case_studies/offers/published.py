"""The published reward of the offer recommender, and the rule that is best for it (chapter 11).

A reward of 0.1; 0.5 more if the offer is a discount and the customer is sensitive to discounts; 0.3 more if the channel
is email and the customer opens more than half of them; at most 1. Nothing else counts, and actions change nothing.
"""

import gymnasium
import numpy as np

from crm_rl.case_studies.offers.catalogue import CHANNELS, OFFERS, Catalogue
from crm_rl.case_studies.offers.features import FEATURES, scaled

DISCOUNT, EMAIL = OFFERS.index("discount"), CHANNELS.index("email")


def published_reward(features: np.ndarray, offer: np.ndarray, channel: np.ndarray) -> np.ndarray:
    """The reward of an offer to a customer; the shapes of the arguments broadcast.

    Args:
        features: the last axis has the ten of `features.FEATURES`; of the email's open rate its responsiveness stands
            for it, and who is sensitive to discounts has a sensitivity above 0.5.
        offer, channel: places in `OFFERS` and `CHANNELS`.

    Returns:
        From 0.1 to 0.9.
    """
    sensitive = features[..., FEATURES.index("discount_sensitivity")] > 0.5
    opens = features[..., FEATURES.index("email_responsiveness")] > 0.5
    reward = 0.1 + 0.5 * (sensitive & (offer == DISCOUNT)) + 0.3 * (opens & (channel == EMAIL))
    return np.minimum(reward, 1.0)


def rewards_of_all(features: np.ndarray, catalogue: Catalogue) -> np.ndarray:
    """Of features of shape (customers, 10), the reward of every action, shape (customers, actions)."""
    return published_reward(features[:, None, :], catalogue.offer, catalogue.channel)


def one_line_rule(catalogue: Catalogue) -> np.ndarray:
    """Send everybody a discount by email: the actions that do, of which each is as good as the others."""
    return np.flatnonzero((catalogue.offer == DISCOUNT) & (catalogue.channel == EMAIL))


class PublishedEnv(gymnasium.Env):
    """The published environment: a customer, an offer, a reward, the next customer in a fixed order.

    Observation: ten features, scaled, from 0 to 1. Action: a number of the catalogue. Reward: `published_reward`.
    An episode ends when everyone has had an offer once.

    Args:
        features: shape (customers, 10).
        catalogue: what may be offered.
    """

    metadata = {"render_modes": []}

    def __init__(self, features: np.ndarray, catalogue: Catalogue):
        self.features, self._seen = features, scaled(features).astype(np.float32)
        self._rewards = rewards_of_all(features, catalogue)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (features.shape[1],), np.float32)
        self.action_space = gymnasium.spaces.Discrete(len(catalogue.actions))
        self._at = 0

    def reset(self, *, seed: int | None = None, options: dict | None = None):
        """Begin with the first customer; nothing is left to chance."""
        super().reset(seed=seed)
        self._at = 0
        return self._seen[0].copy(), {}

    def step(self, action: int):
        """Give the customer this offer."""
        reward = float(self._rewards[self._at, action])
        self._at += 1
        terminated = self._at == len(self.features)
        return self._seen[min(self._at, len(self.features) - 1)].copy(), reward, terminated, False, {}
