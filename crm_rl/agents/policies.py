"""What training leaves behind: policies that are saved, loaded and asked for Q-values and actions, in any world.

A policy is a function (states, world, rng) -> actions of a batch of n episodes; `rng` serves those that choose at
random. Those that have learned also say what they expect, `q_values(states, world)`, shape (n, actions), and how likely
they take each action, `probabilities(states, world)`, of the same shape.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit, types
from numba.typed import Dict

from crm_rl.agents.checkpoints import PolicyError, read_arrays, require, write_arrays
from crm_rl.agents.policy_files import history_of, params_of, params_to_json
from crm_rl.worlds.base import World, n_actions, observation_size
from crm_rl.worlds.stepping import dynamics_of, state_at, state_key

KEY = types.UniTuple(types.int64, 2)

Policy = Callable[[Any, World, np.random.Generator], np.ndarray]


class GreedyPolicy:
    """A policy that takes the action of which it expects most; whoever inherits says what it expects."""

    def q_values(self, states: Any, world: World) -> np.ndarray:
        """What the policy expects of each action, shape (n, actions)."""
        raise NotImplementedError

    def probabilities(self, states: Any, world: World) -> np.ndarray:
        """How likely each action is, shape (n, actions): the best ones, all equally."""
        values = self.q_values(states, world)
        best = values == values.max(axis=1, keepdims=True)
        return best / best.sum(axis=1, keepdims=True)

    def __call__(self, states: Any, world: World, rng: np.random.Generator) -> np.ndarray:
        """The best action, shape (n,); ties are broken at random."""
        values = self.q_values(states, world)
        best = values == values.max(axis=1, keepdims=True)
        return np.where(best, rng.random(values.shape), -1.0).argmax(axis=1)


@dataclass
class TablePolicy(GreedyPolicy):
    """A Q-table that acts; in a state that training never met it takes any action.

    Attributes:
        keys: shape (states, 2), int64: each state's key, in the order in which training met them.
        q: shape (states, actions), float64.
        tries: of the same shape, int64: how often training took each action there.
        levels: what the keys tell apart, see `World.levels`.
        params: of the world it was trained in.
        about: settings and provenance, as saved.
        history: of training, arrays with an entry for each episode: `reward`, `subscribed`, and `states`, how many had
            been met by its end.
    """

    keys: np.ndarray
    q: np.ndarray
    tries: np.ndarray
    levels: Any
    params: Any
    about: dict = field(default_factory=dict)
    history: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def _rows(self) -> Dict:
        return rows_of(self.keys)

    def find(self, states: Any, world: World) -> np.ndarray:
        """The row of each state, shape (n,); -1 where training never met it."""
        same_shape(self.params, world)
        population, coder = getattr(self, "_numbered", (None, None))
        if population is not world.population:
            coder = world.coder(self.levels)
            self._numbered = world.population, coder
        return _find(states, len(states.customer), coder, world.params, self._rows)

    def known(self, states: Any, world: World) -> np.ndarray:
        """Whether training met the state, shape (n,), bool."""
        return self.find(states, world) >= 0

    def q_values(self, states: Any, world: World) -> np.ndarray:
        """Shape (n, actions); zeros where training never met the state."""
        rows = self.find(states, world)
        return np.where((rows >= 0)[:, None], self.q[rows], 0.0)

    def save(self, path: str | Path) -> None:
        """Write it to an .npz file."""
        arrays = {f"levels_{name}": np.asarray(part) for name, part in self.levels._asdict().items()}
        arrays |= {f"history_{name}": array for name, array in self.history.items()}
        about = {**self.about, "kind": "q_table", **params_to_json(self.params)}
        write_arrays(Path(path), about, keys=self.keys, q=self.q, tries=self.tries, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> "TablePolicy":
        """Read it again.

        Raises:
            PolicyError: the file cannot be used.
        """
        about, arrays = read_arrays(path, "q_table")
        params = params_of(path, about)
        kind = dynamics_of(params).levels
        wanted = (None, n_actions(params))
        levels = {f"levels_{name}": None for name in kind._fields}
        require(path, arrays, keys=(None, 2), q=wanted, tries=wanted, **levels)
        levels = kind(*(arrays[f"levels_{name}"] for name in kind._fields))
        if len(arrays["keys"]) != len(arrays["q"]) or arrays["q"].shape != arrays["tries"].shape or not levels.fits():
            raise PolicyError(f"{path}: the parts of the table do not fit together. Remedy: train it again.")
        return cls(arrays["keys"], arrays["q"], arrays["tries"], levels, params, about, history_of(arrays))


@dataclass
class NetworkPolicy(GreedyPolicy):
    """A trained network, as plain arrays: it acts without torch.

    Attributes:
        weights: of each layer, shape (outputs, inputs), float32; with a dueling head, the last layer has one output
            more, first the value of the state and then what each action adds.
        biases: of each layer, shape (outputs,), float32.
        params: of the world it was trained in.
        reward_scale: what one unit of its output stands for.
        names: by column of the observation whose numbers stand for names, these numbers, in rising order, and a vector
            for each, shape (names + 1, size), float32; the last is for names that training never met.
        about: settings and provenance, as saved.
        history: of training, arrays by name with an entry for each 1,000 steps: see `dqn.history_of`.
    """

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    params: Any
    reward_scale: float = 1.0
    names: dict[int, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    about: dict = field(default_factory=dict)
    history: dict[str, np.ndarray] = field(default_factory=dict)

    def known(self, states: Any, world: World) -> np.ndarray:
        """All true: a network has an answer for every state, met or not."""
        return np.ones(len(states.customer), dtype=bool)

    def of_observations(self, observations: np.ndarray) -> np.ndarray:
        """The forward pass: Q-values, shape (n, actions), float32.

        Args:
            observations: shape (n, 15) or (n, 30).

        Raises:
            PolicyError: another number of columns, or a value that is not a number.
        """
        observations = np.asarray(checked(observations, self.params), dtype=np.float32)
        hidden = np.hstack([observations, *(self.vectors(observations, column) for column in self.names)])
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight.T + bias, 0)
        out = hidden @ self.weights[-1].T + self.biases[-1]
        if out.shape[1] > n_actions(self.params):
            value, adds = out[:, :1], out[:, 1:]
            out = value + adds - adds.mean(axis=1, keepdims=True)
        return np.float32(self.reward_scale) * out

    def vectors(self, observations: np.ndarray, column: int) -> np.ndarray:
        """The vectors of the names in a column of observations, shape (n, size), float32."""
        numbers, vectors = self.names[column]
        place = np.searchsorted(numbers, observations[:, column]).clip(max=len(numbers) - 1)
        return vectors[np.where(numbers[place] == observations[:, column], place, len(numbers))]

    def q_values(self, states: Any, world: World) -> np.ndarray:
        """What it expects of each action, shape (n, actions), float32."""
        same_shape(self.params, world)
        return self.of_observations(world.observe(states))

    def __call__(self, states: Any, world: World, rng: np.random.Generator | None = None) -> np.ndarray:
        """The best action, shape (n,); of equals the first. `rng` is not used."""
        return self.q_values(states, world).argmax(axis=1)

    def save(self, path: str | Path) -> None:
        """Write it to an .npz file."""
        layers = {f"weight_{i}": w for i, w in enumerate(self.weights)}
        layers |= {f"bias_{i}": b for i, b in enumerate(self.biases)}
        for column, (numbers, vectors) in self.names.items():
            layers |= {f"names_{column}": numbers, f"vectors_{column}": vectors}
        history = {f"history_{name}": array for name, array in self.history.items()}
        facts = {"kind": "dqn", "layers": len(self.weights), "reward_scale": self.reward_scale}
        facts["names"] = list(self.names)
        write_arrays(Path(path), {**self.about, **facts, **params_to_json(self.params)}, **layers, **history)

    @classmethod
    def load(cls, path: str | Path) -> "NetworkPolicy":
        """Read it again.

        Raises:
            PolicyError: the file cannot be used.
        """
        about, arrays = read_arrays(path, "dqn")
        params, layers = params_of(path, about), range(int(about.get("layers", 0)))
        if not layers:
            raise PolicyError(f"{path}: no layers. Remedy: train it again.")
        inputs, names = observation_size(params), {}
        for column in about.get("names", []):
            require(path, arrays, **{f"names_{column}": (None,), f"vectors_{column}": (None, None)})
            names[column] = arrays[f"names_{column}"], arrays[f"vectors_{column}"]
            if not 0 <= column < inputs or len(names[column][1]) != len(names[column][0]) + 1:
                raise PolicyError(f"{path}: the names of column {column} do not fit. Remedy: train it again.")
        inputs += sum(vectors.shape[1] for _, vectors in names.values())
        for i in layers:
            require(path, arrays, **{f"weight_{i}": (None, inputs)})
            inputs = len(arrays[f"weight_{i}"])
            require(path, arrays, **{f"bias_{i}": (inputs,)})
        if inputs not in (n_actions(params), 1 + n_actions(params)):
            raise PolicyError(f"{path}: {inputs} outputs for {n_actions(params)} actions. Remedy: train it again.")
        weights, biases = [arrays[f"weight_{i}"] for i in layers], [arrays[f"bias_{i}"] for i in layers]
        scale = float(about.get("reward_scale", 1.0))
        return cls(weights, biases, params, scale, names, about, history_of(arrays))


def load_policy(path: str | Path) -> TablePolicy | NetworkPolicy:
    """Read a policy of either kind.

    Raises:
        PolicyError: the file cannot be used.
    """
    about, _ = read_arrays(path, "q_table", "dqn")
    return TablePolicy.load(path) if about["kind"] == "q_table" else NetworkPolicy.load(path)


def same_shape(params: Any, world: World) -> None:
    """Check that a policy trained with these params can act in a world.

    Raises:
        PolicyError: the world is of another kind, or has other observations and actions.
    """
    if type(params) is not type(world.params) or params.selects_features != world.params.selects_features:
        raise PolicyError(
            "the policy was trained in another kind of world, or with feature selection where this has none. "
            "Remedy: use it in the world it was trained in, or train another."
        )


def checked(observations: np.ndarray, params: Any) -> np.ndarray:
    """Observations that a network can use.

    Raises:
        PolicyError: another number of columns, or a value that is not a number.
    """
    observations = np.asarray(observations)
    wanted = observation_size(params)
    if observations.ndim != 2 or observations.shape[1] != wanted:
        raise PolicyError(
            f"observations of shape {observations.shape}; this policy was trained on {wanted} columns. "
            "Remedy: pass one row a customer, made by the encoder of the same setting."
        )
    if not np.isfinite(observations).all():
        row, column = np.argwhere(~np.isfinite(observations))[0]
        raise PolicyError(
            f"observations, row {row}, column {column}: not a number. Remedy: fill or drop missing values."
        )
    return observations


@njit(cache=True)
def rows_of(keys: np.ndarray) -> Dict:
    """Each key's row, for keys of shape (states, 2)."""
    rows = Dict.empty(KEY, types.int64)
    for row in range(len(keys)):
        rows[(keys[row, 0], keys[row, 1])] = row
    return rows


@njit(cache=True)
def keys_of(rows: Dict) -> np.ndarray:
    """The keys in the order of their rows, shape (states, 2)."""
    keys = np.empty((len(rows), 2), dtype=np.int64)
    for key, row in rows.items():
        keys[row, 0], keys[row, 1] = key
    return keys


@njit(cache=True)
def _find(states: Any, n: int, coder: Any, params: Any, rows: Dict) -> np.ndarray:
    found = np.full(n, -1, dtype=np.int64)
    for i in range(n):
        key = state_key(state_at(states, i, params), coder, params)
        if key in rows:
            found[i] = rows[key]
    return found
