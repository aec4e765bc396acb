"""The published MDP over cells: solved exactly, and learned by a Q-table (chapter 10).

A state is a cell, an action moves one attribute to its next value. Where a move leads is certain and known, and so is
what it pays: it depends on the cell that it leads to alone. An episode ends in a cell that meets the goal.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import njit

from crm_rl.agents.checkpoints import read_arrays, require, write_arrays
from crm_rl.case_studies.email.cells import MOVED, N_CELLS, Counts, encode, neighbours
from crm_rl.data.problems import DataError

#: An episode is cut off here: with a goal that hardly a cell meets, a poor table would walk on for ever.
LONGEST = 1_000

#: What our files say they hold.
KIND = "email Q-table"


class Params(NamedTuple):
    """What a move pays and how the agent learns; the defaults are the published ones.

    Attributes:
        goal: the rate of answers that a cell must exceed, in [0, 1).
        least_sent: how many emails it must have been sent.
        at_goal, answered, silent: what a move pays into a cell that meets the goal, into another one with an answer,
            and into one without.
        gamma: the discount, in [0, 1).
        alpha: the learning rate, in (0, 1].
        epsilon: how often the agent explores.
    """

    goal: float = 0.30
    least_sent: int = 10
    at_goal: float = 30.0
    answered: float = 10.0
    silent: float = -1.0
    gamma: float = 0.6
    alpha: float = 0.1
    epsilon: float = 0.1


PUBLISHED = Params()


def meets_goal(counts: Counts, params: Params = PUBLISHED) -> np.ndarray:
    """Which cells meet the goal, shape (17640,), bool."""
    rates = np.nan_to_num(counts.rates(), nan=-1.0)
    return (rates > params.goal) & (counts.sent >= params.least_sent)


def rewards(counts: Counts, params: Params = PUBLISHED) -> np.ndarray:
    """What a move into each cell pays, shape (17640,)."""
    paid = np.where(counts.answered > 0, params.answered, params.silent)
    return np.where(meets_goal(counts, params), params.at_goal, paid)


def exact_q(counts: Counts, params: Params = PUBLISHED, tolerance: float = 1e-9) -> np.ndarray:
    """The optimal Q, shape (17640, 7), by value iteration.

    Args:
        counts: the table.
        params: what a move pays, and the discount.
        tolerance: no entry is further than this from the solution of the Bellman equation.
    """
    following, ends, paid = neighbours(), meets_goal(counts, params), rewards(counts, params)
    q, change = np.zeros((N_CELLS, len(MOVED))), np.inf
    while change * params.gamma > tolerance * (1 - params.gamma):
        values = np.where(ends, 0.0, q.max(axis=1))
        before, q = q, (paid + params.gamma * values)[following]
        change = np.abs(q - before).max()
    return q


def policy_values(policy: np.ndarray, counts: Counts, params: Params = PUBLISHED) -> np.ndarray:
    """The exact value of taking `policy[cell]` in each cell for ever, shape (17640,)."""
    ends, paid = meets_goal(counts, params), rewards(counts, params)
    to = neighbours()[np.arange(N_CELLS), policy]
    values = np.zeros(N_CELLS)
    for _ in range(int(np.ceil(np.log(1e-12) / np.log(params.gamma)))):
        values = paid[to] + params.gamma * np.where(ends[to], 0.0, values[to])
    return values


def train(
    counts: Counts,
    params: Params = PUBLISHED,
    episodes: int = 20_000,
    seed: int = 0,
    published_update: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Learn a Q-table as published: random restarts, epsilon-greedy, ties go to the first action.

    Args:
        counts: the table.
        params: what a move pays, and how the agent learns.
        episodes: how many to run.
        seed: decides everything that is left to chance.
        published_update: subtract Q twice, as the published code does.

    Returns:
        The Q-table and how often each entry was updated, both of shape (17640, 7).

    Raises:
        DataError: no cell meets the goal, so that no episode would end.
    """
    ends = meets_goal(counts, params)
    if not ends.any():
        raise DataError(
            f"no cell has a rate above {params.goal:g} with {params.least_sent} emails or more. "
            "Remedy: a lower goal, or fewer emails."
        )
    twice = 2.0 if published_update else 1.0
    inside = (neighbours(), rewards(counts, params), ends, params.gamma, params.alpha, params.epsilon, twice)
    return run_episodes(*inside, episodes, LONGEST, np.random.default_rng(seed))


@njit(cache=True)
def run_episodes(following, paid, ends, gamma, alpha, epsilon, twice, episodes, longest, rng):
    """Q-learning on the cells; `twice` is how often the old value is subtracted: 1 is right, 2 as published."""
    cells, actions = following.shape
    q, updates = np.zeros((cells, actions)), np.zeros((cells, actions), dtype=np.int64)
    for episode in range(episodes):
        cell = rng.integers(0, cells) if episode else 0
        for _ in range(longest):
            action = rng.integers(0, actions) if rng.random() < epsilon else np.argmax(q[cell])
            after = following[cell, action]
            target = paid[after] + gamma * (0.0 if ends[after] else q[after].max())
            q[cell, action] += alpha * (target - twice * q[cell, action])
            updates[cell, action] += 1
            cell = after
            if ends[cell]:
                break
    return q, updates


def next_action(q: np.ndarray, state: list[int], action: int) -> int:
    """The published answer: take `action` in `state`; which action is best in the cell where that leads?

    Args:
        q: shape (17640, 7).
        state: seven whole numbers, as for `cells.encode`.
        action: 0 to 6.

    Raises:
        ValueError: there is no such state or action.
    """
    if action not in range(q.shape[1]):
        raise ValueError(f"action is {action}. Remedy: 0 to {q.shape[1] - 1}.")
    return int(q[neighbours()[encode(np.array(state)), action]].argmax())


def save_table(q: np.ndarray, params: Params, path: Path) -> None:
    """Write a Q-table and the rules it was learned under as a .npz file.

    Raises:
        OSError: it cannot be written.
    """
    write_arrays(path, {"kind": KIND, "settings": params._asdict()}, q=q)


def load_table(path: Path) -> tuple[np.ndarray, Params]:
    """What `save_table` wrote: the Q-table, shape (17640, 7), and the params it was learned with.

    Raises:
        PolicyError: the file holds no such table.
    """
    about, arrays = read_arrays(path, KIND)
    require(path, arrays, q=(N_CELLS, len(MOVED)))
    return arrays["q"], Params(**about["settings"])
