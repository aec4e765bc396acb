"""What training leaves behind: policies that are saved, loaded and asked for Q-values and actions.

Both kinds see only observations: a customer's 15 features, and with feature selection the 15 mask bits after them.
"""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numba import njit, types
from numba.typed import Dict

from crm_rl.agents.checkpoints import PolicyError, read_arrays, require, rules_from, write_arrays
from crm_rl.agents.state_keys import DECIMALS, N_STAGES, Coder, Levels, coder_of, state_key
from crm_rl.worlds.base import N_FEATURES, n_actions, observation_size
from crm_rl.worlds.replay import STAGE_FEATURE, Population, Rules, State, observe_all

KEY = types.UniTuple(types.int64, 2)


@dataclass
class TablePolicy:
    """A Q-table that acts.

    Attributes:
        keys: shape (states, 2), int64: each state's number and mask, in the order in which training met them.
        q: shape (states, actions), float64.
        levels: the rounded values that the numbers count by.
        stage_unit: what one stage adds to the observed stage.
        rules: of the world it was trained in.
        about: settings and provenance, as saved.
        history: of training, arrays by name: `reward` and `subscribed` of each episode; `states`, how many had been
            met after each `checkpoint_every` episodes.
    """

    keys: np.ndarray
    q: np.ndarray
    levels: Levels
    stage_unit: float
    rules: Rules
    about: dict = field(default_factory=dict)
    history: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def _rows(self) -> Dict:
        return rows_of(self.keys)

    def find(self, observations: np.ndarray) -> np.ndarray:
        """The row of each observation, shape (n,); -1 where training never met the state.

        Args:
            observations: shape (n, 15) or (n, 30).
        """
        seen = checked(observations, self.rules)
        n = len(seen)
        masks = np.full(n, self.rules.first_mask)
        if self.rules.selects_features:
            masks = (seen[:, N_FEATURES:] > 0.5) @ (1 << np.arange(N_FEATURES))
        stages = np.rint(seen[:, STAGE_FEATURE] / self.stage_unit).clip(0, N_STAGES - 1).astype(np.int64)
        none = np.zeros(n, dtype=bool)
        people = Population(seen[:, :N_FEATURES], none[:, None], none, stages, self.stage_unit)
        coder = coder_of(people, self.levels, self.about.get("decimals", DECIMALS))
        return _find(stages, masks, coder, self.rules, self._rows)

    def known(self, observations: np.ndarray) -> np.ndarray:
        """Whether training met the state, shape (n,), bool."""
        return self.find(observations) >= 0

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        """Shape (n, actions); zeros where training never met the state."""
        rows = self.find(observations)
        return np.where((rows >= 0)[:, None], self.q[rows], 0.0)

    def act(self, observations: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """The best action, shape (n,), ties broken at random as in training: a state never met gets any action."""
        values = self.q_values(observations)
        best = values == values.max(axis=1, keepdims=True)
        return np.where(best, rng.random(values.shape), -1.0).argmax(axis=1)

    def __call__(self, states: State, population: Population, rules: Rules, rng: np.random.Generator) -> np.ndarray:
        """As `evaluation.play` asks."""
        return self.act(observe_all(states, population, rules), rng)

    def save(self, path: str | Path) -> None:
        """Write it to an .npz file."""
        levels = {"levels": np.concatenate(self.levels.values), "level_counts": [len(v) for v in self.levels.values]}
        history = {f"history_{name}": array for name, array in self.history.items()}
        about = self.about | {"kind": "q_table", "rules": self.rules._asdict()}
        write_arrays(Path(path), about, keys=self.keys, q=self.q, stage_unit=self.stage_unit, **levels, **history)

    @classmethod
    def load(cls, path: str | Path) -> "TablePolicy":
        """Read it again.

        Raises:
            PolicyError: the file cannot be used.
        """
        about, arrays = read_arrays(path, "q_table")
        rules = _rules(path, about)
        shapes = {"keys": (None, 2), "q": (None, n_actions(rules)), "levels": (None,), "level_counts": (N_FEATURES,)}
        require(path, arrays, stage_unit=(), **shapes)
        if len(arrays["keys"]) != len(arrays["q"]) or arrays["level_counts"].sum() != len(arrays["levels"]):
            raise PolicyError(f"{path}: the parts of the table do not fit together. Remedy: train it again.")
        levels = Levels(tuple(np.split(arrays["levels"], np.cumsum(arrays["level_counts"])[:-1])))
        return cls(arrays["keys"], arrays["q"], levels, float(arrays["stage_unit"]), rules, about, _history(arrays))


@dataclass
class NetworkPolicy:
    """A trained network, as plain arrays: it acts without torch.

    Attributes:
        weights: of each layer, shape (outputs, inputs), float32.
        biases: of each layer, shape (outputs,), float32.
        rules: of the world it was trained in.
        about: settings and provenance, as saved.
        history: of training, arrays by name with an entry for each 1,000 steps: see `dqn.history_of`.
    """

    weights: list[np.ndarray]
    biases: list[np.ndarray]
    rules: Rules
    about: dict = field(default_factory=dict)
    history: dict[str, np.ndarray] = field(default_factory=dict)

    def known(self, observations: np.ndarray) -> np.ndarray:
        """All true: a network has an answer for every state, met or not."""
        return np.ones(len(checked(observations, self.rules)), dtype=bool)

    def q_values(self, observations: np.ndarray) -> np.ndarray:
        """The forward pass, shape (n, actions), float32."""
        hidden = np.asarray(checked(observations, self.rules), dtype=np.float32)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = np.maximum(hidden @ weight.T + bias, 0)
        return hidden @ self.weights[-1].T + self.biases[-1]

    def act(self, observations: np.ndarray, rng: np.random.Generator | None = None) -> np.ndarray:
        """The best action, shape (n,); of equals the first. `rng` is not used."""
        return self.q_values(observations).argmax(axis=1)

    def __call__(self, states: State, population: Population, rules: Rules, rng: np.random.Generator) -> np.ndarray:
        """As `evaluation.play` asks."""
        return self.act(observe_all(states, population, rules))

    def save(self, path: str | Path) -> None:
        """Write it to an .npz file."""
        layers = {f"weight_{i}": w for i, w in enumerate(self.weights)}
        layers |= {f"bias_{i}": b for i, b in enumerate(self.biases)}
        history = {f"history_{name}": array for name, array in self.history.items()}
        about = self.about | {"kind": "dqn", "layers": len(self.weights), "rules": self.rules._asdict()}
        write_arrays(Path(path), about, **layers, **history)

    @classmethod
    def load(cls, path: str | Path) -> "NetworkPolicy":
        """Read it again.

        Raises:
            PolicyError: the file cannot be used.
        """
        about, arrays = read_arrays(path, "dqn")
        rules, layers = _rules(path, about), range(int(about.get("layers", 0)))
        inputs = observation_size(rules)
        for i in layers:
            outputs = n_actions(rules) if i == len(layers) - 1 else None
            require(path, arrays, **{f"weight_{i}": (outputs, inputs)})
            inputs = len(arrays[f"weight_{i}"])
            require(path, arrays, **{f"bias_{i}": (inputs,)})
        if not layers:
            raise PolicyError(f"{path}: no layers. Remedy: train it again.")
        weights, biases = [arrays[f"weight_{i}"] for i in layers], [arrays[f"bias_{i}"] for i in layers]
        return cls(weights, biases, rules, about, _history(arrays))


def load_policy(path: str | Path) -> TablePolicy | NetworkPolicy:
    """Read a policy of either kind.

    Raises:
        PolicyError: the file cannot be used.
    """
    about, _ = read_arrays(path, "q_table", "dqn")
    return TablePolicy.load(path) if about["kind"] == "q_table" else NetworkPolicy.load(path)


def checked(observations: np.ndarray, rules: Rules) -> np.ndarray:
    """Observations that a policy can use.

    Raises:
        PolicyError: another number of columns, or a value that is not a number.
    """
    observations = np.asarray(observations)
    wanted = observation_size(rules)
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
def _find(stages: np.ndarray, masks: np.ndarray, coder: Coder, rules: Rules, rows: Dict) -> np.ndarray:
    found = np.full(len(stages), -1, dtype=np.int64)
    for i in range(len(stages)):
        key = state_key(State(i, 0, stages[i], -1, 0, masks[i]), coder, rules)
        if key in rows:
            found[i] = rows[key]
    return found


def _rules(path: str | Path, about: dict) -> Rules:
    try:
        return rules_from(about["rules"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PolicyError(f"{path}: its rules are not ours ({error}). Remedy: train it again.") from error


def _history(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name[8:]: array for name, array in arrays.items() if name.startswith("history_")}
