"""Tabular Q-learning (chapter 4; Watkins and Dayan 1992; Sutton and Barto 2018, section 6.5).

`run_episodes` is the chapter's pseudocode. Compiled by numba it returns the same bits as in plain Python
(`run_episodes.py_func`), some hundred times faster.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.typed import Dict
from tqdm import tqdm

from crm_rl.agents.checkpoints import PolicyError, fingerprint, generator_at, random_state, same_run
from crm_rl.agents.policies import KEY, TablePolicy, keys_of, rows_of
from crm_rl.worlds.base import World, n_actions
from crm_rl.worlds.sampling import draw
from crm_rl.worlds.stepping import advance, begin, state_key

NO_LIMIT = 2**62


class Hyperparameters(NamedTuple):
    """The settings of Q-learning; the defaults are the study's.

    Attributes:
        alpha: the learning rate of the first try of an action in a state, in (0, 1].
        alpha_decay: after n tries it is alpha / (1 + n * alpha_decay); 0 keeps it constant.
        gamma: the discount, in [0, 1].
        epsilon_start: how often the agent explores in the first episode.
        epsilon_end: and at the least.
        epsilon_decay: the factor from one episode to the next.
        exploration: if above 0, epsilon falls instead on a straight line, from 1 to 0 over this share of the steps.
    """

    alpha: float = 0.1
    alpha_decay: float = 0.0
    gamma: float = 0.95
    epsilon_start: float = 1.0
    epsilon_end: float = 0.01
    epsilon_decay: float = 0.995
    exploration: float = 0.0


STUDY = Hyperparameters()

#: For the responsive worlds: no discount, and a step size that falls with the number of tries.
RESPONSIVE = Hyperparameters(alpha=0.5, alpha_decay=1.0, gamma=1.0, epsilon_end=0.05, exploration=0.9)


@dataclass
class QTable:
    """A table of Q-values that grows as states are met.

    Attributes:
        rows: the row of each state key met so far.
        q: shape (capacity, actions), float64; rows from `len(rows)` on are not yet in use.
        tries: of the same shape, int64: how often each action was taken.
        epsilon: the exploration rate of the next episode.
        episodes: how many have been run.
        steps: how many updates have been made.
    """

    rows: Dict
    q: np.ndarray
    tries: np.ndarray
    epsilon: float
    episodes: int = 0
    steps: int = 0


def empty_table(n_actions: int, hyper: Hyperparameters, capacity: int = 1024) -> QTable:
    """A table that has met no state."""
    shape = (capacity, n_actions)
    return QTable(Dict.empty(KEY, types.int64), np.zeros(shape), np.zeros(shape, dtype=np.int64), hyper.epsilon_start)


def train_q_learning(
    world: World,
    hyper: Hyperparameters = STUDY,
    episodes: int | None = 100_000,
    seed: int = 0,
    folder: str | Path | None = None,
    checkpoint_every: int = 10_000,
    progress: bool = False,
    steps: int | None = None,
    resolution: Any = None,
) -> TablePolicy:
    """Train a table, or go on training it where a run in the same folder was stopped.

    Args:
        world: where to train.
        hyper: the settings.
        episodes: how many to run in all; None for as many as `steps` allow.
        seed: decides everything that is left to chance.
        folder: where to keep `q_table.npz`, written anew after each `checkpoint_every` episodes; None keeps nothing.
        checkpoint_every: in episodes.
        progress: show a bar, in a terminal.
        steps: how many to take at most; the last episode may be cut off.
        resolution: how finely states are told apart, see `World.levels`; None is the world's own.

    Returns:
        The table, which acts and has `history`. A run that was killed and resumed ends with the same bytes.

    Raises:
        PolicyError: the folder holds a damaged file, or a run with other settings or more episodes.
        ValueError: there is nothing to do.
    """
    most, budget = NO_LIMIT if episodes is None else episodes, NO_LIMIT if steps is None else steps
    if min(most, budget, checkpoint_every) < 1 or most == budget == NO_LIMIT:
        raise ValueError(
            f"{episodes} episodes, {steps} steps, a checkpoint every {checkpoint_every}. Remedy: 1 or more of each."
        )
    levels = world.levels(resolution)
    inside = (world.population, world.params, world.pools, world.coder(levels))
    settings = {
        "hyper": hyper._asdict(),
        "seed": seed,
        "checkpoint_every": checkpoint_every,
        "levels": fingerprint(levels),
        "world": fingerprint(world),
    }
    if hyper.exploration:
        settings["budget"] = budget  # it decides how fast epsilon falls
    path = Path(folder) / "q_table.npz" if folder is not None else None
    table, rng = empty_table(n_actions(world.params), hyper), np.random.default_rng(seed)
    history = {"reward": np.zeros(0), "subscribed": np.zeros(0, dtype=bool), "states": np.zeros(0, dtype=np.int64)}
    if path is not None and path.exists():
        policy = TablePolicy.load(path)
        same_run(path, policy.about, settings)
        table, rng, history = resumed(policy), generator_at(policy.about["rng"]), policy.history
        if table.episodes > most or table.steps > budget:
            raise PolicyError(
                f"{path}: holds a run of {table.episodes:,} episodes and {table.steps:,} steps, more than asked. "
                "Remedy: choose another folder, or delete this one."
            )
    policy = _policy(table, levels, world, settings, rng, history)
    with tqdm(total=episodes, initial=table.episodes, unit=" episodes", disable=None if progress else True) as bar:
        while table.episodes < most and table.steps < budget:
            before = table.episodes
            chunk = min(checkpoint_every - before % checkpoint_every, most - before)
            met = train(table, inside, hyper, chunk, rng, budget)
            history = {name: np.concatenate([history[name], new]) for name, new in zip(history, met, strict=True)}
            policy = _policy(table, levels, world, settings, rng, history)
            if path is not None:
                policy.save(path)
            bar.update(table.episodes - before)
    return policy


def _policy(table, levels, world, settings, rng, history) -> TablePolicy:
    facts = {"episodes": table.episodes, "steps": table.steps, "epsilon": table.epsilon, "rng": random_state(rng)}
    used = len(table.rows)
    q, tries = table.q[:used].copy(), table.tries[:used].copy()
    return TablePolicy(keys_of(table.rows), q, tries, levels, world.params, settings | facts, history)


def resumed(policy: TablePolicy) -> QTable:
    """The table as it was when training stopped."""
    about, (used, n_actions) = policy.about, policy.q.shape
    table = empty_table(n_actions, STUDY, 1024 * 2 ** max(0, (used // 1024).bit_length()))
    table.q[:used], table.tries[:used] = policy.q, policy.tries
    return QTable(rows_of(policy.keys), table.q, table.tries, about["epsilon"], about["episodes"], about["steps"])


def train(table, world, hyper, episodes, rng, budget=NO_LIMIT):
    """Run episodes of Q-learning on a table, which changes in place.

    Args:
        table: where learning starts from and ends.
        world: population, params, pools and coder, as a tuple.
        hyper: the settings.
        episodes: how many to run.
        rng: the only source of chance.
        budget: where to stop, in steps since the table was empty.

    Returns:
        The reward of each episode, whether the customer subscribed, and how many states had been met by its end, each
        of shape (episodes,), or shorter where the budget ended first.
    """
    inside = (table.rows, table.q, table.tries, *world, hyper)
    table.q, table.tries, table.epsilon, table.steps, *met = run_episodes(
        *inside, table.epsilon, episodes, table.steps, budget, rng
    )
    table.episodes += len(met[0])
    return met


@njit(cache=True)
def run_episodes(rows, q, tries, population, params, pools, coder, hyper, epsilon, episodes, taken, budget, rng):
    """Q-learning: after each step, Q(s, a) moves towards r + gamma max Q(s', .), or towards r where the task ended.

    Where an episode was only cut off (truncated), what would have followed still counts.

    Args:
        rows: a numba dictionary from state keys to rows; grows.
        q, tries: shape (capacity, actions); change in place until they have to grow.
        population, params, pools, coder: the world, and how its states are numbered.
        hyper: the settings.
        epsilon: the exploration rate of the first episode.
        episodes: how many to run.
        taken: steps taken before.
        budget: where to stop, in steps.
        rng: the only source of chance.

    Returns:
        `q`, `tries`, the next episode's epsilon, the steps taken, and for each episode its reward, whether the customer
        subscribed, and how many states had been met by its end.
    """
    rewards, subscribed = np.zeros(episodes), np.zeros(episodes, dtype=np.bool_)
    states, episode = np.zeros(episodes, dtype=np.int64), 0
    while episode < episodes and taken < budget:
        state = begin(draw(pools, rng), population, params)
        row = row_of(state_key(state, coder, params), rows)
        q, tries = with_room(q, len(rows)), with_room(tries, len(rows))
        ended = False
        while not ended and taken < budget:
            action = epsilon_greedy(q[row], epsilon, rng)
            outcome = advance(state, action, population, params, rng)
            state = outcome.state
            next_row = row_of(state_key(state, coder, params), rows)
            q, tries = with_room(q, len(rows)), with_room(tries, len(rows))
            future = 0.0 if outcome.terminated else q[next_row].max()
            target = outcome.reward + hyper.gamma * future
            alpha = hyper.alpha / (1 + hyper.alpha_decay * tries[row, action])
            q[row, action] += alpha * (target - q[row, action])
            tries[row, action] += 1
            row = next_row
            ended = outcome.terminated or outcome.truncated
            rewards[episode] += outcome.reward
            subscribed[episode] |= outcome.subscribed
            taken += 1
        states[episode] = len(rows)
        epsilon = next_epsilon(epsilon, taken, budget, hyper)
        episode += 1
    return q, tries, epsilon, taken, rewards[:episode], subscribed[:episode], states[:episode]


@njit(cache=True)
def next_epsilon(epsilon: float, taken: int, budget: int, hyper: Hyperparameters) -> float:
    """The exploration rate of the next episode."""
    if hyper.exploration > 0:
        return max(hyper.epsilon_end, 1 - taken / (hyper.exploration * budget))
    return max(hyper.epsilon_end, epsilon * hyper.epsilon_decay)


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
def with_room(table: np.ndarray, needed: int) -> np.ndarray:
    """The table, twice as large if the next row would not fit."""
    if needed < len(table):
        return table
    return np.concatenate((table, np.zeros_like(table)))
