"""A sum of tables, from coarse to fine: tile coding (Sutton and Barto 2018, section 9.5.4) with Q-learning.

What an action is worth is the sum of one entry of each table. What a coarse table learns holds for many states; a finer
one learns what is different in its own. So states share experience, and nothing is out of reach.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numba.typed import Dict

from crm_rl.agents.policies import GreedyPolicy
from crm_rl.agents.q_learning import Hyperparameters, empty_table, epsilon_greedy, next_epsilon, row_of, with_room
from crm_rl.worlds.base import World, n_actions
from crm_rl.worlds.sampling import draw
from crm_rl.worlds.stepping import advance, begin, state_at, state_key

#: The keys of one table are below this number, so that all tables fit into one.
TABLE = 1 << 40

SUM_OF_TABLES = Hyperparameters(alpha=0.5, alpha_decay=1.0, gamma=1.0, epsilon_end=0.05, exploration=0.9)


@dataclass
class SumOfTables(GreedyPolicy):
    """A greedy policy on a sum of tables; a table that has never met a state adds nothing there.

    Attributes:
        rows: the row of each key, a numba dictionary.
        q: shape (rows, actions): the entries of all tables.
        levels: by table, what it tells apart.
    """

    rows: Dict
    q: np.ndarray
    levels: list[Any]

    def q_values(self, states: Any, world: World) -> np.ndarray:
        """Shape (n, actions)."""
        total = np.zeros((len(states.customer), n_actions(world.params)))
        _add(total, states, tuple(world.coder(levels) for levels in self.levels), world.params, self.rows, self.q)
        return total


def train_sum_of_tables(
    world: World, steps: int, seed: int, hyper: Hyperparameters = SUM_OF_TABLES, resolutions: Iterable[Any] = ()
) -> SumOfTables:
    """Learn a table for each resolution, whose sum is the Q-function.

    Args:
        world: where to learn.
        steps: how many to take; the last episode may be cut off.
        seed: decides everything that is left to chance.
        hyper: the settings; each table takes its share of a step's size.
        resolutions: how finely each table tells states apart, see `World.levels`; without any, one table as fine as the
            world's own.
    """
    levels = [world.levels(resolution) for resolution in resolutions or [None]]
    coders = tuple(world.coder(each) for each in levels)
    table = empty_table(n_actions(world.params), hyper)
    inside = (table.rows, table.q, table.tries, world.population, world.params, world.pools)
    q = run_episodes(*inside, coders, hyper, steps, np.random.default_rng(seed))
    return SumOfTables(table.rows, q[: len(table.rows)], levels)


@njit(cache=True)
def run_episodes(rows, q, tries, population, params, pools, coders, hyper, budget, rng):
    """Q-learning in which the entries of all tables move by a share of one error; returns the entries."""
    taken, epsilon = 0, 1.0
    while taken < budget:
        state = begin(draw(pools, rng), population, params)
        here = rows_at(state, coders, params, rows)
        ended = False
        while not ended and taken < budget:
            q, tries = with_room(q, len(rows) + len(coders)), with_room(tries, len(rows) + len(coders))
            action = epsilon_greedy(values_of(q, here), epsilon, rng)
            outcome = advance(state, action, population, params, rng)
            state = outcome.state
            after = rows_at(state, coders, params, rows)
            q, tries = with_room(q, len(rows)), with_room(tries, len(rows))
            future = 0.0 if outcome.terminated else values_of(q, after).max()
            error = outcome.reward + hyper.gamma * future - values_of(q, here)[action]
            for row in here:
                q[row, action] += hyper.alpha / len(coders) / (1 + hyper.alpha_decay * tries[row, action]) * error
                tries[row, action] += 1
            here, ended = after, outcome.terminated or outcome.truncated
            taken += 1
        epsilon = next_epsilon(epsilon, taken, budget, hyper)
    return q


@njit(cache=True)
def rows_at(state, coders, params, rows) -> np.ndarray:
    """The row of a state in each table, new ones where it has not been met, shape (tables,)."""
    found = np.empty(len(coders), dtype=np.int64)
    for table, coder in enumerate(coders):
        number, mask = state_key(state, coder, params)
        found[table] = row_of((table * TABLE + number, mask), rows)
    return found


@njit(cache=True)
def values_of(q: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The sum of the tables' entries, shape (actions,)."""
    total = np.zeros(q.shape[1])
    for row in rows:
        total += q[row]
    return total


@njit(cache=True)
def _add(total, states, coders, params, rows, q) -> None:
    for i in range(len(total)):
        state = state_at(states, i, params)
        for table, coder in enumerate(coders):
            number, mask = state_key(state, coder, params)
            key = (table * TABLE + number, mask)
            if key in rows:
                total[i] += q[rows[key]]
