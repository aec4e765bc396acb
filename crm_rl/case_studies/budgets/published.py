"""The published system: its simulator, as coded and as described, and its bandit (chapter 12).

As coded, what happens depends on the offer and the channel alone: nothing of the customer, of the week or of chance.
The description has a simulator that makes up profits at random; how, it does not say. Either way the cost of a discount
counts towards the budget, and is never taken off the reward.
"""

from typing import Any, NamedTuple

import gymnasium
import numpy as np
from gymnasium import spaces
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

OFFERS, CHANNELS, FEATURES = 6, 5, 20
CHANNEL_COSTS = np.array([0.0, 0.02, 0.03, 0.05, 0.07])
CUSTOMERS, BUDGET = 10_000, 1_000_000.0


class Params(NamedTuple):
    """How the simulator pays.

    Attributes:
        noise: standard deviation of the profit of an outcome, in dollars.
        charged: whether the reward pays for discount and channel. The published one does not.
        trip_weight: dollars a trip.
        penalty: reward of an offer that the budget does not allow.
        weeks: of an episode.
    """

    noise: float = 0.0
    charged: bool = False
    trip_weight: float = 0.5
    penalty: float = -5.0
    weeks: int = 12


AS_CODED = Params()
#: The description says that profits are random, not how: the standard deviation is ours.
DESCRIBED = Params(noise=0.5)
CHARGED = Params(charged=True)


class Outcome(NamedTuple):
    """What an offer brings: chance of a trip, expected profit in dollars, and dollars spent."""

    trip: np.ndarray
    profit: np.ndarray
    spend: np.ndarray


def outcome(offer: np.ndarray, channel: np.ndarray) -> Outcome:
    """The published outcome of an offer, 0 (none) to 5, over a channel, 0 to 4; arrays broadcast."""
    offer, channel = np.asarray(offer), np.asarray(channel)
    spend = 0.5 * offer + CHANNEL_COSTS[channel]
    return Outcome(0.05 + 0.02 * offer + 0.005 * channel, 0.5 + 0.3 * offer - 0.1 * channel, spend)


def expected_reward(offer: np.ndarray, channel: np.ndarray, params: Params = AS_CODED) -> np.ndarray:
    """The expected reward of an offer that the budget allows, in dollars."""
    trip, profit, spend = outcome(offer, channel)
    return profit + params.trip_weight * trip - (spend if params.charged else 0.0)


def most_spent(customers: int = CUSTOMERS) -> float:
    """The most that can be spent in a week, in dollars: the dearest offer over the dearest channel for everybody."""
    return customers * float(outcome(OFFERS - 1, CHANNELS - 1).spend)


class OfferEnv(gymnasium.Env):
    """One customer a step, all customers in turn, twelve weeks an episode.

    **Observation**: float32, shape (22,): 20 features of the customer (standard normal, any size), week / 12 (0 to 1),
    share of the week's budget left (0 to 1).

    **Actions**: MultiDiscrete [6, 5]: offer (0 is none), channel.

    **Reward**: in dollars, profit + 0.5 x trip; -5, and nothing is sent, if the spend exceeds what is left.

    **Start**: week 0, the first customer, the whole budget, which comes back each week.

    **Episode end**: terminated after the last customer of the last week.

    Args:
        customers: how many.
        budget: dollars a week.
        params: `AS_CODED`, `DESCRIBED` or `CHARGED`.
        seed: of the customers' features.
    """

    def __init__(
        self, customers: int = CUSTOMERS, budget: float = BUDGET, params: Params = AS_CODED, seed: int | None = None
    ):
        self.features = np.random.default_rng(seed).normal(size=(customers, FEATURES)).astype(np.float32)
        self.budget, self.params = budget, params
        self.observation_space = spaces.Box(-np.inf, np.inf, (FEATURES + 2,), np.float32)
        self.action_space = spaces.MultiDiscrete([OFFERS, CHANNELS])
        self.week = self.customer = 0
        self.left = budget

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        """Begin a season with the first customer and the whole budget."""
        super().reset(seed=seed)
        self.week, self.customer, self.left = 0, 0, self.budget
        return self._observe(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Give the customer whose turn it is an offer by a channel; the next one follows.

        Raises:
            gymnasium.error.ResetNeeded: the season is over.
        """
        if self.week >= self.params.weeks:
            raise gymnasium.error.ResetNeeded("the episode is over. Remedy: call reset first.")
        reward, info = self._serve(*action)
        self.customer += 1
        if self.customer == len(self.features):
            self.week, self.customer, self.left = self.week + 1, 0, self.budget
        return self._observe(), reward, self.week == self.params.weeks, False, info

    def _serve(self, offer: int, channel: int) -> tuple[float, dict[str, Any]]:
        trip, profit, spend = outcome(offer, channel)
        if spend > self.left:
            return self.params.penalty, {"trip": False, "spend": 0.0}
        self.left -= float(spend)
        travelled = bool(self.np_random.random() < trip)
        profit = profit + self.params.noise * self.np_random.normal() if self.params.noise else profit
        reward = profit + self.params.trip_weight * travelled - (spend if self.params.charged else 0.0)
        return float(reward), {"trip": travelled, "spend": float(spend)}

    def _observe(self) -> np.ndarray:
        return np.append(self.features[self.customer], [self.week / self.params.weeks, self.left / self.budget]).astype(
            np.float32
        )


def logistic_bandit(features: np.ndarray, actions: np.ndarray, rewards: np.ndarray, n_actions: int) -> list:
    """The published bandit: for each action a logistic regression of reward > 0 on the features.

    Args:
        features: shape (rounds, features).
        actions, rewards: shape (rounds,).
        n_actions: how many there are.

    Returns:
        A fitted model for each action; `predict_proba` gives the chance that the reward is above 0.

    Raises:
        ValueError: the rewards of an action are all above 0, or all not, so that there is nothing to tell apart.
    """
    models = []
    for action in range(n_actions):
        mine = actions == action
        models.append(make_pipeline(StandardScaler(), LogisticRegression()).fit(features[mine], rewards[mine] > 0))
    return models
