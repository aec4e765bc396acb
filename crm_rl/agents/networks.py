"""The networks of several seeds side by side, and what each remembers (chapter 6; Mnih et al. 2015).

Every array has an axis for the seeds, so that a computer is busy with numbers and not with Python. The seeds share
nothing else.
"""

from itertools import pairwise

import numpy as np
import torch
from torch import nn

#: The standard deviation of the numbers in a name's first vector.
FIRST_VECTORS = 0.1

#: A product with fewer columns than this can take three times as long as one with this many, so `Layer` adds columns
#: of zeros and cuts them off again.
LEAST = 16


class Layer(nn.Module):
    """A linear layer for each seed: y = x W + b."""

    def __init__(self, inputs: int, outputs: int, generators: list[torch.Generator]):
        super().__init__()
        bound = inputs**-0.5  # as PyTorch draws the first weights of its own linear layers
        drawn = torch.stack([torch.rand(inputs + 1, outputs, generator=generator) for generator in generators])
        self.weight, self.bias = (nn.Parameter(bound * (2 * part - 1)) for part in drawn.split([inputs, 1], dim=1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = self.weight.shape[2]
        if outputs >= LEAST:
            return torch.baddbmm(self.bias, x, self.weight)
        return torch.bmm(x, nn.functional.pad(self.weight, (0, LEAST - outputs)))[:, :, :outputs] + self.bias


class Embedding(nn.Module):
    """A learned vector for each name in one column of the observations, and one for names never met, for each seed.

    Args:
        column: where the number stands that stands for a name.
        numbers: for each seed, those that training can meet, shape (names,), in rising order.
        size: of a vector.
        generators: draw the first vectors; that of names never met is zero and stays so.
    """

    def __init__(self, column: int, numbers: list[np.ndarray], size: int, generators: list[torch.Generator]):
        super().__init__()
        most = max(map(len, numbers))
        padded = [np.pad(each, (0, most - len(each)), constant_values=np.inf) for each in numbers]
        self.column, self.counts = column, [len(each) for each in numbers]
        self.register_buffer("numbers", torch.from_numpy(np.stack(padded).astype(np.float32)), persistent=False)
        drawn = torch.stack([torch.randn(most, size, generator=generator) for generator in generators])
        self.vectors = nn.Parameter(torch.cat([FIRST_VECTORS * drawn, torch.zeros(len(numbers), 1, size)], dim=1))

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        column = observations[:, :, self.column].contiguous()
        place = torch.searchsorted(self.numbers, column).clamp(max=self.numbers.shape[1] - 1)
        unknown = self.vectors.shape[1] - 1
        place = torch.where(self.numbers.gather(1, place) == column, place, unknown)
        first = torch.arange(len(place))[:, None] * (unknown + 1)
        return nn.functional.embedding(first + place, self.vectors.flatten(0, 1))


class Networks(nn.Module):
    """A network for each seed: observations of shape (seeds, n, inputs) in, Q-values (seeds, n, actions) out.

    Args:
        inputs, actions: their numbers.
        hidden: the hidden layers, each of so many rectified linear units.
        dueling: the last layer learns the value of the state and what each action adds (Wang et al. 2016).
        seeds: decide the first weights, each of its own network.
        names: for each seed, by column of the observation, the numbers that stand for names, in rising order; the
            network learns a vector for each name and sees it beside the number.
        size: of such a vector.
        costs: shape (actions,): what is known of each action and need not be learned; taken off what the network says.
    """

    def __init__(
        self,
        inputs: int,
        actions: int,
        hidden: tuple[int, ...],
        dueling: bool,
        seeds: list[int],
        names: list[dict[int, np.ndarray]] | None = None,
        size: int = 0,
        costs: np.ndarray | None = None,
    ):
        super().__init__()
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        columns = list(names[0]) if names and size else []
        self.embeddings = nn.ModuleList(
            Embedding(column, [each[column] for each in names], size, generators) for column in columns
        )
        widths = (inputs + size * len(columns), *hidden)
        self.body = nn.ModuleList(Layer(a, b, generators) for a, b in pairwise(widths))
        self.head = Layer(widths[-1], actions, generators)
        self.value = Layer(widths[-1], 1, generators) if dueling else None
        costs = np.zeros(actions) if costs is None else costs
        self.register_buffer("costs", torch.from_numpy(costs.astype(np.float32)), persistent=False)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        hidden = torch.cat([observations, *(each(observations) for each in self.embeddings)], dim=2)
        for layer in self.body:
            hidden = layer(hidden).relu_()
        q = self.head(hidden)
        q = q if self.value is None else self.value(hidden) + q - q.mean(dim=2, keepdim=True)
        return q - self.costs

    def layers_of(self, place: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """The weights, shape (outputs, inputs), and biases, shape (outputs,), of one seed's network.

        A dueling network's last layer has the state's value as its first output. Costs are in the last biases.
        """
        layers = [
            (layer.weight[place].detach().numpy().T, layer.bias[place, 0].detach().numpy()) for layer in self.body
        ]
        last = [layer for layer in (self.value, self.head) if layer is not None]
        weight = np.concatenate([layer.weight[place].detach().numpy().T for layer in last])
        bias = np.concatenate([layer.bias[place, 0].detach().numpy() for layer in last])
        costs = self.costs.numpy()
        bias = bias - (costs if self.value is None else np.concatenate([[costs.mean()], costs]).astype(np.float32))
        weights, biases = zip(*layers, (weight, bias), strict=True)
        return [np.ascontiguousarray(each) for each in weights], [each.copy() for each in biases]

    def names_of(self, place: int) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """By column, one seed's names and their vectors, shape (names + 1, size); the last is for names never met."""
        known = {}
        for each in self.embeddings:
            count, vectors = each.counts[place], each.vectors[place].detach().numpy()
            known[each.column] = each.numbers[place, :count].numpy().copy(), np.vstack([vectors[:count], vectors[-1:]])
        return known


class Replay:
    """The last transitions of each seed's environments, in the order in which they happened.

    Args:
        size: how many transitions each seed remembers, at least `num_envs`.
        inputs: how many numbers an observation has.
        seeds, num_envs: how many.
    """

    ARRAYS = ("observations", "next_observations", "actions", "rewards", "terminated", "ended")

    def __init__(self, size: int, inputs: int, seeds: int, num_envs: int):
        self.rows, self.num_envs, self.added = max(1, size // num_envs), num_envs, 0
        shape = (self.rows, seeds, num_envs)
        self.observations, self.next_observations = (np.zeros((*shape, inputs), dtype=np.float32) for _ in range(2))
        self.actions = np.zeros(shape, dtype=np.int64)
        self.rewards, self.terminated, self.ended = (np.zeros(shape, dtype=np.float32) for _ in range(3))

    def add(self, *transition: np.ndarray) -> None:
        """Remember one step of all environments: arrays of shape (seeds, num_envs, ...), in the order of `ARRAYS`.

        An episode that was cut off has ended, but has not terminated: it had a future.
        """
        for name, part in zip(self.ARRAYS, transition, strict=True):
            getattr(self, name)[self.added % self.rows] = part
        self.added += 1

    def sample(self, size: int, n_step: int, gamma: float, rngs: list[np.random.Generator]) -> tuple[torch.Tensor, ...]:
        """Draw transitions for each seed, each with the same chance.

        Returns:
            Tensors whose first axes have the shape (seeds, size): the observation, the action, the discounted rewards
            of up to n steps, what was observed after these, and by how much to multiply the value of that: the
            discount, or 0 where the task ended.
        """
        filled, seeds = min(self.added, self.rows), np.arange(len(rngs))[:, None]
        drawn = np.stack([rng.integers(0, filled * self.num_envs, size) for rng in rngs])
        stride = len(rngs) * self.num_envs  # from a place to the same one in the next row: (rows, seeds, num_envs)
        first = drawn // self.num_envs * stride + seeds * self.num_envs + drawn % self.num_envs
        last, reached, rewards = first, np.ones(drawn.shape, dtype=np.float32), self.rewards.take(first)
        for _ in range(n_step - 1):
            following = (last + stride) % self.rewards.size
            row = following // stride
            newest = (row == self.added % self.rows) | (row >= self.added)
            goes_on = (self.ended.take(last) == 0) & ~newest
            last = np.where(goes_on, following, last)
            reached = np.where(goes_on, reached * np.float32(gamma), reached)
            rewards = rewards + goes_on * reached * self.rewards.take(last)
        observations, next_observations = (
            array.reshape(-1, array.shape[-1]).take(place, axis=0)
            for array, place in ((self.observations, first), (self.next_observations, last))
        )
        discount = np.float32(gamma) * reached * (1 - self.terminated.take(last))
        arrays = observations, self.actions.take(first), rewards, next_observations, discount
        return tuple(torch.from_numpy(array) for array in arrays)
