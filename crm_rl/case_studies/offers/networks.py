"""The library's learners on offers, and what they learn as plain arrays (chapter 11).

Stable-Baselines3 (Raffin et al. 2021): PPO with one number an action (flat) or four choices (factored), and DQN. The
network that is left scores actions with NumPy alone.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from crm_rl.agents.checkpoints import PolicyError, read_arrays, require, write_arrays
from crm_rl.case_studies.offers.simulator import INPUTS, World

#: Customers side by side, hidden layers, and settings; what is not here is the library's own. No discount, as money of
#: week 12 counts as much as that of week 1.
ENVS, HIDDEN = 128, [64, 64]
PPO_SETTINGS = {"n_steps": 12, "batch_size": 256, "learning_rate": 1e-3, "gamma": 1.0}
DQN_SETTINGS = {
    "learning_rate": 5e-4,
    "gamma": 1.0,
    "buffer_size": 100_000,
    "learning_starts": 2_000,
    "batch_size": 128,
    "gradient_steps": 32,
    "target_update_interval": 1_000,
    "exploration_fraction": 0.5,
}


class NetworkScores(NamedTuple):
    """Scores of actions by a network.

    Attributes:
        weights, biases: of each layer, shape (outputs, inputs) and (outputs,).
        activation: "tanh" or "relu", between layers.
        heads: shape (actions, outputs): the outputs that add up to an action's score.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    activation: str
    heads: np.ndarray

    def __call__(self, seen: np.ndarray) -> np.ndarray:
        """Shape (n, actions), of observations of shape (n, inputs)."""
        bend = np.tanh if self.activation == "tanh" else lambda layer: np.maximum(layer, 0)
        layer = seen
        for place, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            layer = (bend(layer) if place else layer) @ weight.T + bias
        return layer @ self.heads.T

    def save(self, path: Path) -> None:
        """Write it to an .npz file."""
        arrays = {f"weight_{place}": weight for place, weight in enumerate(self.weights)}
        arrays |= {f"bias_{place}": bias for place, bias in enumerate(self.biases)}
        write_arrays(path, {"kind": "offers", "activation": self.activation}, heads=self.heads, **arrays)


def load_scores(path: Path, n_actions: int) -> NetworkScores:
    """Read a network that `NetworkScores.save` wrote.

    Raises:
        PolicyError: the file cannot be used, or is of another catalogue.
    """
    about, arrays = read_arrays(path, "offers")
    layers = sum(name.startswith("weight_") for name in arrays)
    names = [f"{part}_{place}" for part in ("weight", "bias") for place in range(layers)]
    require(path, arrays, heads=(n_actions, None), **dict.fromkeys(names))
    weights, biases = (tuple(arrays[f"{part}_{place}"] for place in range(layers)) for part in ("weight", "bias"))
    shapes = [weight.shape for weight in weights]
    fits = layers and all(len(shape) == 2 for shape in shapes) and about.get("activation") in ("tanh", "relu")
    if fits:
        outputs = [INPUTS, *(shape[0] for shape in shapes)]
        fits = all(shape[1] == before for shape, before in zip(shapes, outputs, strict=False))
        fits = fits and all(bias.shape == shape[:1] for bias, shape in zip(biases, shapes, strict=True))
        fits = fits and arrays["heads"].shape[1] == outputs[-1]
    if not fits:
        raise PolicyError(f"{path}: the parts of the network do not fit together. Remedy: train it again.")
    return NetworkScores(weights, biases, about["activation"], arrays["heads"])


def ppo(world: World, weeks: int, seed: int, factored: bool = False) -> NetworkScores:
    """PPO (Schulman et al. 2017) in the world of the response model.

    Args:
        world: where it is trained.
        weeks: how many customer-weeks, at least; whole batches are played.
        seed: decides everything that is left to chance.
        factored: whether it chooses offer, value, channel and timing on their own.
    """
    from stable_baselines3 import PPO

    model = _learned(PPO, world, weeks, seed, PPO_SETTINGS, factored)
    layers = [*model.policy.mlp_extractor.policy_net, model.policy.action_net]
    return _scores(layers, "tanh", _heads(world) if factored else np.eye(world.n_actions))


def dqn(world: World, weeks: int, seed: int) -> NetworkScores:
    """The library's DQN (Mnih et al. 2015) in the world of the response model; arguments as for `ppo`."""
    from stable_baselines3 import DQN

    model = _learned(DQN, world, weeks, seed, DQN_SETTINGS)
    return _scores(model.policy.q_net.q_net, "relu", np.eye(world.n_actions))


def published_ppo(env, steps: int, seed: int) -> NetworkScores:
    """PPO with the library's own settings, as published, in the published environment."""
    from stable_baselines3 import PPO

    from crm_rl.agents.arithmetic import one_thread

    with one_thread():
        model = PPO("MlpPolicy", env, seed=seed, device="cpu").learn(steps)
    layers = [*model.policy.mlp_extractor.policy_net, model.policy.action_net]
    return _scores(layers, "tanh", np.eye(int(env.action_space.n)))


def _learned(algorithm: type, world: World, weeks: int, seed: int, settings: dict, factored: bool = False):
    from stable_baselines3.common.vec_env import VecNormalize

    from crm_rl.agents.arithmetic import one_thread
    from crm_rl.case_studies.offers.gym_envs import OfferVecEnv

    envs = VecNormalize(OfferVecEnv(world, ENVS, factored, seed), norm_obs=False, clip_reward=np.inf)
    with one_thread():
        model = algorithm("MlpPolicy", envs, policy_kwargs={"net_arch": HIDDEN}, seed=seed, device="cpu", **settings)
        return model.learn(weeks)


def _scores(layers, activation: str, heads: np.ndarray) -> NetworkScores:
    linear = [layer for layer in layers if hasattr(layer, "weight")]
    weights = tuple(layer.weight.detach().numpy().copy() for layer in linear)
    return NetworkScores(weights, tuple(layer.bias.detach().numpy().copy() for layer in linear), activation, heads)


def _heads(world: World) -> np.ndarray:
    """Which of the outputs of four choices an action takes; nothing takes only its own offer."""
    from crm_rl.case_studies.offers.gym_envs import factors_of

    index = factors_of(world.catalogue)
    first = np.cumsum([0, *index.shape])
    heads = np.zeros((world.n_actions, first[-1]))
    for choice in np.ndindex(index.shape):
        heads[index[choice], first[:-1] + np.array(choice)] = 1
    heads[-1, first[1] :] = 0
    return heads
