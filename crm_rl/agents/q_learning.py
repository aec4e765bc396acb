"""Tabular Q-learning (chapter 4; Watkins and Dayan 1992; Sutton and Barto 2018, section 6.5).

`run_episodes` is the chapter's pseudocode. Compiled by numba it returns the same bits as in plain Python
(`run_episodes.py_func`), some hundred times faster.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit, types
from numba.typed import Dict
from tqdm import tqdm

from crm_rl.agents.checkpoints import PolicyError, fingerprint, generator_at, random_state, same_run
from crm_rl.agents.policies import KEY, TablePolicy, keys_of, rows_of
from crm_rl.agents.state_keys import DECIMALS, Coder, coder_of, levels_of, state_key
from crm_rl.worlds.base import n_actions
from crm_rl.worlds.replay import Population, Rules, start, step
from crm_rl.worlds.replay_world import World
from crm_rl.worlds.sampling import Pools, draw


class Hyperparameters(NamedTuple):
    """The study's settings of Q-learning.

    Attributes:
        alpha: the learning rate, in (0, 1].
        gamma: the discount, in [0, 1].
        epsilon_start: how often the agent explores in the first episode.
        epsilon_end: and at the least.
        epsilon_decay: the factor from one episode to the next.
    """

    alpha: float = 0.1
    gamma: float = 0.95
    epsilon_start: float = 1.0
    epsilon_end: float = 0.01
    epsilon_decay: float = 0.995


STUDY = Hyperparameters()


@dataclass
class QTable:
    """A table of Q-values that grows as states are met.

    Attributes:
        rows: the row of each state key met so far.
        q: shape (capacity, actions), float64; rows from `len(rows)` on are not yet in use.
        epsilon: the exploration rate of the next episode.
        episodes: how many have been run.
        steps: how many updates have been made.
    """

    rows: Dict
    q: np.ndarray
    epsilon: float
    episodes: int = 0
    steps: int = 0

    def used(self) -> np.ndarray:
        """The rows in use, shape (states, actions)."""
        return self.q[: len(self.rows)].copy()


def empty_table(n_actions: int, hyper: Hyperparameters) -> QTable:
    """A table that has met no state."""
    return QTable(Dict.empty(KEY, types.int64), np.zeros((1024, n_actions)), hyper.epsilon_start)


def train_q_learning(
    world: World,
    hyper: Hyperparameters = STUDY,
    episodes: int = 100_000,
    seed: int = 0,
    folder: str | Path | None = None,
    checkpoint_every: int = 10_000,
    progress: bool = False,
) -> TablePolicy:
    """Train a table, or go on training it where a run in the same folder was stopped.

    Args:
        world: where to train.
        hyper: the settings.
        episodes: how many to run in all.
        seed: decides everything that is left to chance.
        folder: where to keep `q_table.npz`, written anew after each `checkpoint_every` episodes; None keeps nothing.
        checkpoint_every: in episodes.
        progress: show a bar, in a terminal.

    Returns:
        The table, which acts and has `history`. A run that was killed and resumed ends with the same bytes.

    Raises:
        PolicyError: the folder holds a damaged file, or a run with other settings or more episodes.
        ValueError: there is nothing to do.
    """
    if min(episodes, checkpoint_every) < 1:
        raise ValueError(f"{episodes} episodes, a checkpoint every {checkpoint_every}. Remedy: 1 or more of each.")
    levels = levels_of(world.population)
    inside = (world.population, coder_of(world.population, levels), world.rules, world.pools)
    settings = {
        "hyper": hyper._asdict(),
        "seed": seed,
        "checkpoint_every": checkpoint_every,
        "decimals": DECIMALS,
        "world": fingerprint(world),
    }
    path = Path(folder) / "q_table.npz" if folder is not None else None
    table, rng = empty_table(n_actions(world.rules), hyper), np.random.default_rng(seed)
    history = {"reward": np.zeros(0), "subscribed": np.zeros(0, dtype=bool), "states": np.zeros(0, dtype=np.int64)}
    if path is not None and path.exists():
        policy = TablePolicy.load(path)
        same_run(path, policy.about, settings)
        table, rng, history = resumed(policy), generator_at(policy.about["rng"]), policy.history
        if table.episodes > episodes:
            raise PolicyError(
                f"{path}: holds a run of {table.episodes:,} episodes, more than {episodes:,}. "
                "Remedy: choose another folder, or delete this one."
            )
    else:
        policy = _policy(table, levels, world, settings, rng, history)
    with tqdm(total=episodes, initial=table.episodes, unit=" episodes", disable=None if progress else True) as bar:
        while table.episodes < episodes:
            chunk = min(checkpoint_every - table.episodes % checkpoint_every, episodes - table.episodes)
            rewards, subscribed = train(table, inside, hyper, chunk, rng)
            met = {"reward": rewards, "subscribed": subscribed, "states": [len(table.rows)]}
            history = {name: np.concatenate([history[name], new]) for name, new in met.items()}
            policy = _policy(table, levels, world, settings, rng, history)
            if path is not None:
                policy.save(path)
            bar.update(chunk)
    return policy


def _policy(table, levels, world, settings, rng, history) -> TablePolicy:
    facts = {"episodes": table.episodes, "steps": table.steps, "epsilon": table.epsilon, "rng": random_state(rng)}
    unit = world.population.stage_unit
    return TablePolicy(keys_of(table.rows), table.used(), levels, unit, world.rules, settings | facts, history)


def resumed(policy: TablePolicy) -> QTable:
    """The table as it was when training stopped."""
    about = policy.about
    q = np.zeros((1024 * 2 ** max(0, (len(policy.q) // 1024).bit_length()), policy.q.shape[1]))
    q[: len(policy.q)] = policy.q
    return QTable(rows_of(policy.keys), q, about["epsilon"], about["episodes"], about["steps"])


def train(table, world, hyper, episodes, rng):
    """Run episodes of Q-learning on a table, which changes in place.

    Args:
        table: where learning starts from and ends.
        world: population, coder, rules and pools, as a tuple.
        hyper: the settings.
        episodes: how many to run.
        rng: the only source of chance.

    Returns:
        The reward of each episode and whether the customer subscribed, each of shape (episodes,).
    """
    table.q, table.epsilon, steps, rewards, subscribed = run_episodes(
        table.rows, table.q, *world, hyper, table.epsilon, episodes, rng
    )
    table.episodes += episodes
    table.steps += steps
    return rewards, subscribed


@njit(cache=True)
def run_episodes(
    rows: Dict,
    q: np.ndarray,
    population: Population,
    coder: Coder,
    rules: Rules,
    pools: Pools,
    hyper: Hyperparameters,
    epsilon: float,
    episodes: int,
    rng: np.random.Generator,
):
    rewards, subscribed = np.zeros(episodes), np.zeros(episodes, dtype=np.bool_)
    steps = 0
    for episode in range(episodes):
        state = start(draw(pools, rng), population, rules)
        row = row_of(state_key(state, coder, rules), rows)
        q = with_room(q, len(rows))
        ended = False
        while not ended:
            action = epsilon_greedy(q[row], epsilon, rng)
            outcome = step(state, action, population, rules)
            state = outcome.state
            next_row = row_of(state_key(state, coder, rules), rows)
            q = with_room(q, len(rows))
            future = 0.0 if outcome.terminated else q[next_row].max()
            target = outcome.reward + hyper.gamma * future
            q[row, action] += hyper.alpha * (target - q[row, action])
            row = next_row
            ended = outcome.terminated or outcome.truncated
            rewards[episode] += outcome.reward
            subscribed[episode] |= outcome.subscribed
            steps += 1
        epsilon = max(hyper.epsilon_end, epsilon * hyper.epsilon_decay)
    return q, epsilon, steps, rewards, subscribed


@njit(cache=True)
def epsilon_greedy(values: np.ndarray, epsilon: float, rng: np.random.Generator) -> int:
    """With probability epsilon any action, else one of the best; ties are broken at random."""
    if rng.random() < epsilon:
        return rng.integers(0, len(values))
    best = np.flatnonzero(values == values.max())
    return best[rng.integers(0, len(best))] if len(best) > 1 else best[0]


@njit(cache=True)
def row_of(key: tuple[int, int], rows: Dict) -> int:
    """The row of a state, a new one if the state has not been met."""
    if key not in rows:
        rows[key] = len(rows)
    return rows[key]


@njit(cache=True)
def with_room(q: np.ndarray, needed: int) -> np.ndarray:
    """The table, twice as large if the next row would not fit."""
    if needed < len(q):
        return q
    return np.concatenate((q, np.zeros_like(q)))
