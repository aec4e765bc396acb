"""Learning policies from logs alone, with small networks (chapter 13): four learners that share one training loop.

Behaviour cloning does what the log did. Fitted Q learns the values of actions and takes the best one, which may be one
that the log hardly ever tried: there the value is a guess, and the highest of several guesses is too high. Conservative
Q-learning (Kumar et al. 2020) pushes the values of untried actions down; batch-constrained Q-learning (Fujimoto et al.
2019) does not choose among them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from crm_rl.agents.arithmetic import one_thread
from crm_rl.agents.networks import Networks
from crm_rl.agents.policies import GreedyPolicy, NetworkPolicy
from crm_rl.worlds.base import World, n_actions, observation_size
from crm_rl.worlds.logs import Log, action_costs


class Hyperparameters(NamedTuple):
    """What all four learners share.

    Attributes:
        hidden: the hidden layers, each of so many rectified linear units.
        updates: steps of Adam.
        batch_size: weeks of the log in each.
        learning_rate: of Adam.
        target_every: after so many updates the target network is copied.
        reward_scale: in dollars, what one unit of a network's output stands for.
        conservatism: alpha of conservative Q-learning, in units of the squared error.
        threshold: of batch-constrained Q-learning: an action may be chosen if the log takes it at least this often,
            relative to the action that it takes most often, 0 to 1.
    """

    hidden: tuple[int, ...] = (64, 64)
    updates: int = 1_000
    batch_size: int = 256
    learning_rate: float = 2e-3
    target_every: int = 50
    reward_scale: float = 1_000.0
    conservatism: float = 0.1
    threshold: float = 0.3


class Batch(NamedTuple):
    """Some weeks of each seed's log: tensors of shape (seeds, batch size), observations with 15 more."""

    observations: torch.Tensor
    actions: torch.Tensor
    rewards: torch.Tensor
    next_observations: torch.Tensor
    goes_on: torch.Tensor


Loss = Callable[[Networks, Networks, Batch], torch.Tensor]


def behaviour_cloning(logs: list[Log], world: World, seeds: list[int], hyper: Hyperparameters) -> list[GreedyPolicy]:
    """Learn how likely the log is to take each action, and take the likeliest.

    Args:
        logs: what was done and paid, one log a seed.
        world: of it the params alone, and nothing of its customers or their chances.
        seeds: each decides what is left to chance in its own run.
        hyper: see `Hyperparameters`.

    Returns:
        A policy for each seed.
    """
    return _policies(_cloned(logs, world, seeds, hyper), world, 1.0)


def fitted_q(logs: list[Log], world: World, seeds: list[int], hyper: Hyperparameters) -> list[GreedyPolicy]:
    """Q-learning with a target network on a fixed log; arguments as for `behaviour_cloning`."""
    loss = lambda networks, target, batch: _squared_error(*_values_and_goals(networks, target, batch))  # noqa: E731
    return _policies(_trained(loss, logs, world, seeds, hyper), world, hyper.reward_scale)


def conservative_q(logs: list[Log], world: World, seeds: list[int], hyper: Hyperparameters) -> list[GreedyPolicy]:
    """Fitted Q that also lowers the values of all actions and raises that of the logged one (CQL, equation 4).

    Arguments as for `behaviour_cloning`.
    """

    def loss(networks: Networks, target: Networks, batch: Batch) -> torch.Tensor:
        values, goals = _values_and_goals(networks, target, batch)
        gap = networks(batch.observations).logsumexp(dim=2) - values
        return _squared_error(values, goals) + hyper.conservatism * gap.mean(dim=1)

    return _policies(_trained(loss, logs, world, seeds, hyper), world, hyper.reward_scale)


def batch_constrained_q(logs: list[Log], world: World, seeds: list[int], hyper: Hyperparameters) -> list[GreedyPolicy]:
    """Fitted Q among the actions that the log takes often enough (discrete BCQ); arguments as for `behaviour_cloning`.

    From Fujimoto et al. (2019), "Benchmarking Batch Deep Reinforcement Learning Algorithms".
    """
    cloned = _cloned(logs, world, seeds, hyper)

    def loss(networks: Networks, target: Networks, batch: Batch) -> torch.Tensor:
        likely = cloned(batch.next_observations).softmax(dim=2)
        allowed = likely >= hyper.threshold * likely.amax(dim=2, keepdim=True)
        return _squared_error(*_values_and_goals(networks, target, batch, allowed))

    learned = _policies(_trained(loss, logs, world, seeds, hyper), world, hyper.reward_scale)
    pairs = zip(learned, _policies(cloned, world, 1.0), strict=True)
    return [ConstrainedPolicy(*pair, hyper.threshold) for pair in pairs]


class ConstrainedPolicy(GreedyPolicy):
    """The best action by one network, among those that another finds likely enough."""

    def __init__(self, learned: NetworkPolicy, cloned: NetworkPolicy, threshold: float):
        self.learned, self.cloned, self.threshold = learned, cloned, threshold

    def q_values(self, states: Any, world: World) -> np.ndarray:
        """What the policy expects of each action, shape (n, actions); minus infinity if it may not be chosen."""
        preferences = self.cloned.q_values(states, world)
        allowed = preferences - preferences.max(axis=1, keepdims=True) >= np.log(self.threshold)
        return np.where(allowed, self.learned.q_values(states, world), -np.inf)


#: The four by name.
LEARNERS = {
    "behaviour cloning": behaviour_cloning,
    "fitted Q": fitted_q,
    "conservative Q": conservative_q,
    "batch-constrained Q": batch_constrained_q,
}


def _cloned(logs: list[Log], world: World, seeds: list[int], hyper: Hyperparameters) -> Networks:
    def loss(networks: Networks, target: Networks, batch: Batch) -> torch.Tensor:
        likely = networks(batch.observations).log_softmax(dim=2)
        return -likely.gather(2, batch.actions[:, :, None])[:, :, 0].mean(dim=1)

    return _trained(loss, logs, world, seeds, hyper, known_costs=False)


def _values_and_goals(networks: Networks, target: Networks, batch: Batch, allowed: torch.Tensor | None = None):
    """What the networks expect of the logged actions, and what came of them: reward plus the best of the next week."""
    values = networks(batch.observations).gather(2, batch.actions[:, :, None])[:, :, 0]
    with torch.no_grad():
        later = target(batch.next_observations)
        later = later if allowed is None else later.masked_fill(~allowed, -torch.inf)
        return values, batch.rewards + batch.goes_on * later.amax(dim=2)


def _squared_error(values: torch.Tensor, goals: torch.Tensor) -> torch.Tensor:
    return (values - goals).square().mean(dim=1)


def _trained(
    loss: Loss, logs: list[Log], world: World, seeds: list[int], hyper: Hyperparameters, known_costs: bool = True
) -> Networks:
    """The one training loop: draw a batch, take a step of Adam, now and then copy the target network."""
    costs = action_costs(world.params) / hyper.reward_scale if known_costs else None
    shape = observation_size(world.params), n_actions(world.params), hyper.hidden, False, seeds
    networks, target = Networks(*shape, costs=costs), Networks(*shape, costs=costs)
    optimizer = torch.optim.Adam(networks.parameters(), lr=hyper.learning_rate, fused=True)
    rngs = [np.random.default_rng(seed) for seed in seeds]
    with one_thread():
        for update in range(hyper.updates):
            if update % hyper.target_every == 0:
                target.load_state_dict(networks.state_dict())
            optimizer.zero_grad()
            loss(networks, target, _batch(logs, rngs, hyper)).sum().backward()
            optimizer.step()
    return networks.requires_grad_(False)


def _batch(logs: list[Log], rngs: list[np.random.Generator], hyper: Hyperparameters) -> Batch:
    drawn = [rng.integers(0, len(log.actions), hyper.batch_size) for log, rng in zip(logs, rngs, strict=True)]
    batches = (Log(*(part[rows] for part in log)) for log, rows in zip(logs, drawn, strict=True))
    observations, _, actions, rewards, after, ended = map(np.stack, zip(*batches, strict=True))
    rewards, goes_on = (rewards / hyper.reward_scale).astype(np.float32), (~ended).astype(np.float32)
    return Batch(*map(torch.from_numpy, (observations, actions, rewards, after, goes_on)))


def _policies(networks: Networks, world: World, scale: float) -> list[NetworkPolicy]:
    seeds = range(len(networks.head.weight))
    return [NetworkPolicy(*networks.layers_of(place), world.params, scale) for place in seeds]
