"""State-space explosion (chapter 5): how many states a table meets, how often, and what is left of them later on."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.typed import Dict

from crm_rl.agents.policies import TablePolicy, keys_of
from crm_rl.agents.q_learning import STUDY, Hyperparameters, empty_table, epsilon_greedy, row_of, with_room
from crm_rl.agents.state_keys import DECIMALS, Coder, coder_of, levels_of, state_key
from crm_rl.worlds.base import n_actions
from crm_rl.worlds.replay import Population, Rules, start, step
from crm_rl.worlds.replay_world import World
from crm_rl.worlds.sampling import Pools, draw


class Counted(NamedTuple):
    """A trained table, and what training met.

    Attributes:
        policy: the table.
        decisions: shape (states,): how often an action was chosen in each state; 0 if it only ended episodes.
        met_in: shape (states,): the episode that met it first, counted from 0.
    """

    policy: TablePolicy
    decisions: np.ndarray
    met_in: np.ndarray

    def met_after(self, episodes: np.ndarray) -> np.ndarray:
        """How many states had been met after so many episodes, shape as given."""
        return np.searchsorted(self.met_in, episodes)  # rows are in the order in which they were met


def with_visible(world: World, features: Iterable[int]) -> World:
    """The same world, but only these features are seen, from the first step to the last."""
    mask = sum(1 << feature for feature in set(features))
    return world._replace(rules=world.rules._replace(hides_features=True, first_mask=mask))


def train_counting(
    world: World,
    hyper: Hyperparameters = STUDY,
    episodes: int = 100_000,
    seed: int = 0,
    decimals: int = DECIMALS,
) -> Counted:
    """Train a table as `q_learning.train_q_learning` does, to the same bits, and count on the way.

    Args:
        world: where to train.
        hyper: the settings.
        episodes: how many to run.
        seed: decides everything that is left to chance.
        decimals: to how many the features are rounded.
    """
    levels, rng = levels_of(world.population, decimals), np.random.default_rng(seed)
    coder = coder_of(world.population, levels, decimals)
    table = empty_table(n_actions(world.rules), hyper)
    q, counts = _run_counting(
        table.rows, table.q, world.population, coder, world.rules, world.pools, hyper, episodes, rng
    )
    n = len(table.rows)
    about = {"hyper": hyper._asdict(), "seed": seed, "episodes": episodes, "decimals": decimals}
    policy = TablePolicy(keys_of(table.rows), q[:n].copy(), levels, world.population.stage_unit, world.rules, about)
    return Counted(policy, counts[:n, 0], counts[:n, 1])


@njit(cache=True)
def _run_counting(
    rows: Dict,
    q: np.ndarray,
    population: Population,
    coder: Coder,
    rules: Rules,
    pools: Pools,
    hyper: Hyperparameters,
    episodes: int,
    rng: np.random.Generator,
):
    """`q_learning.run_episodes` with two counters a row: decisions, and the episode that met it first."""
    counts, epsilon = np.zeros((len(q), 2), dtype=np.int64), hyper.epsilon_start
    for episode in range(episodes):
        state = start(draw(pools, rng), population, rules)
        met = len(rows)
        row = row_of(state_key(state, coder, rules), rows)
        q, counts = with_room(q, len(rows)), with_room(counts, len(rows))
        counts[met : len(rows), 1] = episode
        ended = False
        while not ended:
            counts[row, 0] += 1
            action = epsilon_greedy(q[row], epsilon, rng)
            outcome = step(state, action, population, rules)
            state = outcome.state
            met = len(rows)
            next_row = row_of(state_key(state, coder, rules), rows)
            q, counts = with_room(q, len(rows)), with_room(counts, len(rows))
            counts[met : len(rows), 1] = episode
            future = 0.0 if outcome.terminated else q[next_row].max()
            q[row, action] += hyper.alpha * (outcome.reward + hyper.gamma * future - q[row, action])
            row = next_row
            ended = outcome.terminated or outcome.truncated
        epsilon = max(hyper.epsilon_end, epsilon * hyper.epsilon_decay)
    return q, counts
