"""A DQN for the responsive world, with each later improvement as a switch (chapter 10).

Chapter 6 spelled out the library's algorithm. Here is the same on a page of plain PyTorch, so that every improvement is
a line or two that can be switched on and off: double (van Hasselt et al. 2016), dueling (Wang et al. 2016), n-step
returns (Sutton and Barto 2018, chapter 7; Hessel et al. 2018), and weights by which small values are learned as well
as large ones. Everything depends on the seed alone.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss, smooth_l1_loss

from crm_rl.funnel import n_actions, observation_size
from crm_rl.responsive_worlds import ResponsiveWorld


class Settings(NamedTuple):
    """How to train.

    Attributes:
        hidden: the hidden layers, each of so many rectified linear units.
        learning_rate: of Adam, at the start; it falls on a straight line to a fiftieth.
        batch_size: transitions that an update learns from.
        steps_per_update: how many steps are taken for one update.
        target_every: the target network is renewed after so many steps.
        buffer_size: how many transitions are remembered.
        copies: episodes side by side.
        learning_starts: steps before the first update.
        epsilon_end: how often the agent explores at last; at first, always.
        exploration: the share of training over which epsilon falls, on a straight line.
        dollars: what one unit of the network's output stands for.
        huber: the Huber loss of chapter 6 instead of the squared error; its minimiser is not the mean.
        double: the network in training chooses the next action, the target network says what it is worth.
        dueling: the last layer learns the value of the state and what each action adds.
        n_step: rewards taken from the episode itself before the target network says what follows.
        relative: weigh a state by 1 / (30 dollars + its value) ** 2, so that an error counts relative to what is at
            stake. The weight depends on the state alone, which leaves the minimiser of the squared error the mean.
    """

    hidden: tuple[int, ...] = (128, 128)
    learning_rate: float = 1e-3
    batch_size: int = 256
    steps_per_update: int = 16
    target_every: int = 1_000
    buffer_size: int = 200_000
    copies: int = 64
    learning_starts: int = 2_000
    epsilon_end: float = 0.05
    exploration: float = 0.5
    dollars: float = 100.0
    huber: bool = False
    double: bool = False
    dueling: bool = False
    n_step: int = 1
    relative: bool = False


#: Chapter 6's loss and targets, without any improvement, and with those that helped on the validation customers. The
#: rest (learning rate, batch, copies, exploration) is the same for both, and not what chapter 6 had.
PLAIN = Settings(huber=True)
TUNED = Settings(double=True, relative=True)

#: In dollars: below it, values count as equally small.
FLOOR = 30.0


class Network(nn.Module):
    """Observations in, a Q-value for each action out."""

    def __init__(self, inputs: int, actions: int, settings: Settings):
        super().__init__()
        widths = (inputs, *settings.hidden)
        layers = [part for a, b in zip(widths, widths[1:], strict=False) for part in (nn.Linear(a, b), nn.ReLU())]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], actions)
        self.value = nn.Linear(widths[-1], 1) if settings.dueling else None

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        hidden = self.body(observations)
        q = self.head(hidden)
        return q if self.value is None else self.value(hidden) + q - q.mean(dim=1, keepdim=True)


class Replay:
    """The last transitions of each copy, in the order in which they happened."""

    def __init__(self, settings: Settings, inputs: int):
        self.rows, copies = settings.buffer_size // settings.copies, settings.copies
        self.seen, self.after = (np.zeros((self.rows, copies, inputs), dtype=np.float32) for _ in range(2))
        self.actions = np.zeros((self.rows, copies), dtype=np.int64)
        self.rewards, self.ended = (np.zeros((self.rows, copies), dtype=np.float32) for _ in range(2))
        self.added = 0

    def add(self, seen, actions, rewards, after, ended) -> None:
        """Remember one step of all copies."""
        row = self.added % self.rows
        self.seen[row], self.actions[row], self.rewards[row] = seen, actions, rewards
        self.after[row], self.ended[row] = after, ended
        self.added += 1

    def sample(self, size: int, n_step: int, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        """Draw transitions: what was seen, the action, the rewards of up to n steps, what was seen then, and an end."""
        rows = rng.integers(0, min(self.added, self.rows), size)
        copies = rng.integers(0, self.seen.shape[1], size)
        last, rewards = rows.copy(), self.rewards[rows, copies].copy()
        for _ in range(n_step - 1):
            following = (last + 1) % self.rows
            goes_on = (self.ended[last, copies] == 0) & (following != self.added % self.rows) & (following < self.added)
            last = np.where(goes_on, following, last)
            rewards += goes_on * self.rewards[last, copies]
        arrays = self.seen[rows, copies], self.actions[rows, copies], rewards, self.after[last, copies]
        return tuple(torch.from_numpy(array) for array in (*arrays, self.ended[last, copies]))


def train_network(world: ResponsiveWorld, settings: Settings, steps: int, seed: int) -> Network:
    """Train a network.

    Args:
        world: where to train; rewards in dollars, no discount.
        settings: how.
        steps: how many to take in all copies together.
        seed: decides everything that is left to chance.

    Returns:
        The network; its Q-values are in units of `settings.dollars`.
    """
    rng = np.random.default_rng(seed)
    inputs, actions = observation_size(world.rules), n_actions(world.rules)
    with torch.random.fork_rng(devices=[]):  # the first weights depend on the seed, and leave no trace
        torch.manual_seed(seed)
        network, target = Network(inputs, actions, settings), Network(inputs, actions, settings)
    target.load_state_dict(network.state_dict())
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)
    replay, copies = Replay(settings, inputs), settings.copies
    states = world.start(drawn(world, copies, rng))
    for taken in range(copies, steps + 1, copies):
        seen = world.observe(states)
        epsilon = max(settings.epsilon_end, 1 - taken / (settings.exploration * steps))
        choice = epsilon_greedy(network, seen, epsilon, rng)
        outcome = world.step(states, choice, rng.random((copies, world.chances)))
        states, ended = outcome.state, outcome.terminated
        replay.add(seen, choice, outcome.reward / settings.dollars, world.observe(states), ended)
        begin_anew(world, states, np.flatnonzero(ended), rng)
        if taken > settings.learning_starts:
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * max(0.02, 1 - taken / steps)
            for _ in range(due(taken, copies, settings.steps_per_update)):
                batch = replay.sample(settings.batch_size, settings.n_step, rng)
                update(network, target, optimizer, batch, settings)
        if due(taken, copies, settings.target_every):
            target.load_state_dict(network.state_dict())
    return network


def update(network: Network, target: Network, optimizer: torch.optim.Optimizer, batch: tuple, settings: Settings):
    """Move the Q-values of a batch of actions towards what came of them."""
    seen, actions, rewards, after, ended = batch
    with torch.no_grad():
        later = target(after)
        best = (network(after) if settings.double else later).argmax(dim=1, keepdim=True)
        goal = rewards + (1 - ended) * later.gather(1, best)[:, 0]
        weights = torch.ones_like(goal)
        if settings.relative:
            weights = (FLOOR / settings.dollars + target(seen).max(dim=1).values.abs()) ** -2
            weights = weights / weights.mean()
    values = network(seen).gather(1, actions[:, None])[:, 0]
    errors = (smooth_l1_loss if settings.huber else mse_loss)(values, goal, reduction="none")
    optimizer.zero_grad()
    (weights * errors).mean().backward()
    nn.utils.clip_grad_norm_(network.parameters(), 10.0)
    optimizer.step()


def epsilon_greedy(network: Network, seen: np.ndarray, epsilon: float, rng: np.random.Generator) -> np.ndarray:
    """With probability epsilon any action, else the best; one for each observation, shape (copies,)."""
    with torch.no_grad():
        q = network(torch.from_numpy(seen)).numpy()
    anything = rng.integers(0, q.shape[1], len(q))
    return np.where(rng.random(len(q)) < epsilon, anything, q.argmax(axis=1))


def drawn(world: ResponsiveWorld, n: int, rng: np.random.Generator) -> np.ndarray:
    """Customers for n episodes, shape (n,)."""
    customers = np.zeros(n, dtype=np.int64)
    world.draw(rng, customers)
    return customers


def begin_anew(world: ResponsiveWorld, states, ended: np.ndarray, rng: np.random.Generator) -> None:
    """Begin an episode with another customer, in place, wherever one has ended."""
    begun = world.start(drawn(world, len(ended), rng))
    for field, new in zip(states, begun, strict=True):
        field[ended] = new


def due(taken: int, copies: int, every: int) -> int:
    """How many multiples of `every` the last step of all copies has passed."""
    return taken // every - (taken - copies) // every


def q_values(network: Network, observations: np.ndarray, settings: Settings) -> np.ndarray:
    """In dollars, shape (n, actions)."""
    with torch.no_grad():
        return settings.dollars * network(torch.from_numpy(observations)).numpy().astype(float)
