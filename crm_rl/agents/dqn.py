"""A DQN for the responsive world, with each later improvement as a switch (chapter 10).

Chapter 6 spelled out the library's algorithm. Here is the same in plain PyTorch, so that every improvement is a line or
two that can be switched on and off: double (van Hasselt et al. 2016), dueling (Wang et al. 2016), n-step returns
(Sutton and Barto 2018, chapter 7; Hessel et al. 2018), and weights by which small values are learned as well as large
ones. Several seeds learn side by side: every array has an axis for them, so that a computer is busy with numbers
and not with Python. They share nothing else.
"""

from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import mse_loss, smooth_l1_loss

from crm_rl.worlds.base import n_actions, observation_size
from crm_rl.worlds.responsive_world import ResponsiveWorld


class Settings(NamedTuple):
    """How to train.

    Attributes:
        hidden: the hidden layers, each of so many rectified linear units.
        learning_rate: of Adam, at the start.
        last_rate: the share of it that is left at the end; it falls on a straight line.
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
        n_step: rewards taken from the episode itself before the target network says what follows. The actions behind
            them were partly random, which is not corrected for.
        hurries: where there are few steps, learn more from each, sooner, and renew the target network more often.
        relative: weigh a state by 1 / (its value + a floor) ** 2, so that an error counts relative to what is at stake.
            The floor is this many times the median value of the batch; 0 weighs all states alike. The weight depends
            on the state alone, which leaves the minimiser of the squared error the mean.
    """

    hidden: tuple[int, ...] = (128, 128)
    learning_rate: float = 1e-3
    last_rate: float = 0.02
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
    hurries: bool = True
    relative: float = 0.0


#: What chapter 6 had, with three differences: there is no discount, gradients are not clipped, and one unit of the
#: output is 100 dollars, so that is where the Huber loss changes from square to straight.
CHAPTER_6 = Settings(
    learning_rate=1e-4,
    last_rate=1.0,
    batch_size=64,
    steps_per_update=4,
    buffer_size=100_000,
    copies=16,
    learning_starts=1_000,
    epsilon_end=0.01,
    exploration=0.3,
    huber=True,
    hurries=False,
)

#: Chapter 6's loss and targets with rates, batches and exploration that suit this world; and what was chosen on the
#: validation customers. What each of its parts is worth is another question, which `rematch.ablation` asks.
PLAIN = Settings(huber=True)
TUNED = Settings(double=True, relative=0.3)


class Layer(nn.Module):
    """A linear layer for each seed: y = x W + b."""

    def __init__(self, inputs: int, outputs: int, generators: list[torch.Generator]):
        super().__init__()
        bound = inputs**-0.5  # as PyTorch draws the first weights of its own linear layers
        drawn = torch.stack([torch.rand(inputs + 1, outputs, generator=generator) for generator in generators])
        self.weight, self.bias = (nn.Parameter(bound * (2 * part - 1)) for part in drawn.split([inputs, 1], dim=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class Networks(nn.Module):
    """A network for each seed: observations of shape (seeds, n, inputs) in, Q-values (seeds, n, actions) out."""

    def __init__(self, inputs: int, actions: int, settings: Settings, seeds: list[int]):
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        widths = (inputs, *settings.hidden)
        self.body = nn.ModuleList(Layer(a, b, generators) for a, b in pairwise(widths))
        self.head = Layer(widths[-1], actions, generators)
        self.value = Layer(widths[-1], 1, generators) if settings.dueling else None

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        hidden = observations
        for layer in self.body:
            hidden = torch.relu(layer(hidden))
        q = self.head(hidden)
        return q if self.value is None else self.value(hidden) + q - q.mean(dim=2, keepdim=True)


class Replay:
    """The last transitions of each seed's copies, in the order in which they happened."""

    def __init__(self, settings: Settings, inputs: int, seeds: int):
        self.rows, self.copies = settings.buffer_size // settings.copies, settings.copies
        shape = (self.rows, seeds, self.copies)
        self.seen, self.after = (np.zeros((*shape, inputs), dtype=np.float32) for _ in range(2))
        self.actions = np.zeros(shape, dtype=np.int64)
        self.rewards, self.ended = (np.zeros(shape, dtype=np.float32) for _ in range(2))
        self.added = 0

    def add(self, seen, actions, rewards, after, ended) -> None:
        """Remember one step of all copies of all seeds."""
        row = self.added % self.rows
        self.seen[row], self.actions[row], self.rewards[row] = seen, actions, rewards
        self.after[row], self.ended[row] = after, ended
        self.added += 1

    def sample(self, size: int, n_step: int, rngs: list[np.random.Generator]) -> tuple[torch.Tensor, ...]:
        """Draw transitions: what was seen, the action, the rewards of up to n steps, what was seen then, and an end.

        Returns:
            Five tensors, the first axes of each of shape (seeds, size).
        """
        filled = min(self.added, self.rows)
        drawn = np.stack([rng.integers(0, filled * self.copies, size) for rng in rngs])
        seeds, rows, copies = np.arange(len(rngs))[:, None], drawn // self.copies, drawn % self.copies
        last = rows.copy()
        rewards = self.rewards[rows, seeds, copies].copy()
        for _ in range(n_step - 1):
            following = (last + 1) % self.rows
            newest = (following == self.added % self.rows) | (following >= self.added)
            goes_on = (self.ended[last, seeds, copies] == 0) & ~newest
            last = np.where(goes_on, following, last)
            rewards += goes_on * self.rewards[last, seeds, copies]
        first, final = (rows, seeds, copies), (last, seeds, copies)
        arrays = self.seen[first], self.actions[first], rewards, self.after[final], self.ended[final]
        return tuple(torch.from_numpy(array) for array in arrays)


@contextmanager
def tiny_numbers_are_zero():
    """Numbers below 1e-38 count as 0, in here and nowhere else: Adam is full of them, and they are slow."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


@tiny_numbers_are_zero()
def train_networks(worlds: list[ResponsiveWorld], settings: Settings, steps: int, seeds: list[int]) -> Networks:
    """Train a network for each seed.

    Args:
        worlds: where each seed learns, by the same rules; rewards in dollars, no discount.
        settings: how.
        steps: how many each seed takes, in all its copies together.
        seeds: each decides everything that is left to chance in its own run. Sums of a run that has no others beside
            it are rounded in another order, so its last digits can differ.

    Returns:
        The networks; their Q-values are in units of `settings.dollars`.
    """
    settings = in_time(settings, steps)
    rngs = [np.random.default_rng(seed) for seed in seeds]
    inputs, actions = observation_size(worlds[0].rules), n_actions(worlds[0].rules)
    networks, target = (Networks(inputs, actions, settings, seeds) for _ in range(2))
    optimizer = torch.optim.Adam(networks.parameters(), lr=settings.learning_rate, fused=True)
    replay, copies = Replay(settings, inputs, len(seeds)), settings.copies
    states = [world.start(drawn(world, copies, rng)) for world, rng in zip(worlds, rngs, strict=True)]
    for taken in range(copies, steps + 1, copies):
        seen = observed(worlds, states)
        epsilon = max(settings.epsilon_end, 1 - taken / (settings.exploration * steps))
        choice = epsilon_greedy(networks, seen, epsilon, rngs)
        states, rewards, ended = stepped(worlds, states, choice, rngs)
        replay.add(seen, choice, rewards / settings.dollars, observed(worlds, states), ended)
        for world, state, ends, rng in zip(worlds, states, ended, rngs, strict=True):
            begin_anew(world, state, np.flatnonzero(ends), rng)
        if taken > settings.learning_starts:
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * max(settings.last_rate, 1 - taken / steps)
            for _ in range(due(taken, copies, settings.steps_per_update)):
                update(networks, target, optimizer, replay.sample(settings.batch_size, settings.n_step, rngs), settings)
        if due(taken, copies, settings.target_every):
            target.load_state_dict(networks.state_dict())
    return networks


def update(networks: Networks, target: Networks, optimizer: torch.optim.Optimizer, batch: tuple, settings: Settings):
    """Move the Q-values of a batch of actions towards what came of them."""
    seen, actions, rewards, after, ended = batch
    q = networks(seen)
    with torch.no_grad():
        later = target(after)
        best = (networks(after) if settings.double else later).argmax(dim=2, keepdim=True)
        goal = rewards + (1 - ended) * later.gather(2, best)[:, :, 0]
        weights = torch.ones_like(goal)
        if settings.relative:
            value = q.max(dim=2).values.abs()
            floor = settings.relative * value.median(dim=1, keepdim=True).values
            weights = (value + floor + 1e-6) ** -2
            weights = weights / weights.mean(dim=1, keepdim=True)
    values = q.gather(2, actions[:, :, None])[:, :, 0]
    errors = (smooth_l1_loss if settings.huber else mse_loss)(values, goal, reduction="none")
    optimizer.zero_grad()
    (weights * errors).mean(dim=1).sum().backward()
    optimizer.step()


def in_time(settings: Settings, steps: int) -> Settings:
    """The settings for so many steps."""
    if not settings.hurries:
        return settings
    return settings._replace(
        steps_per_update=max(1, min(settings.steps_per_update, settings.steps_per_update * steps // 200_000)),
        target_every=min(settings.target_every, steps // 100),
        learning_starts=min(settings.learning_starts, steps // 10),
    )


def stepped(worlds: list[ResponsiveWorld], states: list, choice: np.ndarray, rngs: list[np.random.Generator]):
    """One week in every copy of every seed: states, rewards and ends; arrays of shape (seeds, copies)."""
    outcomes = [
        world.step(state, actions, rng.random((len(actions), world.chances)))
        for world, state, actions, rng in zip(worlds, states, choice, rngs, strict=True)
    ]
    rewards, ended = (np.stack([getattr(o, name) for o in outcomes]) for name in ("reward", "terminated"))
    return [outcome.state for outcome in outcomes], rewards, ended


def observed(worlds: list[ResponsiveWorld], states: list) -> np.ndarray:
    """What each copy of each seed sees, shape (seeds, copies, inputs)."""
    return np.stack([world.observe(state) for world, state in zip(worlds, states, strict=True)])


def epsilon_greedy(networks: Networks, seen: np.ndarray, epsilon: float, rngs: list[np.random.Generator]) -> np.ndarray:
    """With probability epsilon any action, else the best; one for each observation, shape (seeds, copies)."""
    with torch.no_grad():
        q = networks(torch.from_numpy(seen)).numpy()
    copies, actions = q.shape[1:]
    anything = np.stack([rng.integers(0, actions, copies) for rng in rngs])
    explores = np.stack([rng.random(copies) < epsilon for rng in rngs])
    return np.where(explores, anything, q.argmax(axis=2))


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


def q_values(networks: Networks, place: int, observations: np.ndarray, settings: Settings) -> np.ndarray:
    """What the network at a place says of observations of shape (n, inputs): shape (n, actions), in dollars."""
    alone = [parameter[place : place + 1] for parameter in networks.parameters()]
    with torch.no_grad():
        named = dict(zip(dict(networks.named_parameters()), alone, strict=True))
        q = torch.func.functional_call(networks, named, torch.from_numpy(observations)[None])
    return settings.dollars * q[0].numpy().astype(float)
