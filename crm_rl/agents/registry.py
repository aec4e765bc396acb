"""Every agent of the book by its name, one line each: what trains it in a world, by a budget of steps and a seed."""

from collections.abc import Callable

from crm_rl.agents import dqn, dqn_settings, q_learning
from crm_rl.agents.fitted_q import contextual_bandit, fitted_q_iteration, one_step_greedy
from crm_rl.agents.policies import Policy
from crm_rl.agents.reference import CONSTANTS, random_policy
from crm_rl.agents.tile_coding import train_sum_of_tables
from crm_rl.worlds.base import World
from crm_rl.worlds.stepping import dynamics_of

Trainer = Callable[[World, int, int], Policy]


def _q_learning(world: World, steps: int, seed: int) -> Policy:
    hyper = q_learning.STUDY if dynamics_of(world.params).name == "replay" else q_learning.RESPONSIVE
    return q_learning.train_q_learning(world, hyper, None, seed, steps=steps)


def _dqn(world: World, steps: int, seed: int) -> Policy:
    hyper = dqn_settings.DESCRIBED if dynamics_of(world.params).name == "replay" else dqn_settings.RESPONSIVE
    return dqn.train_dqn(world, hyper, steps, seed)


def _learns_nothing(policy: Policy) -> Trainer:
    return lambda world, steps, seed: policy


#: (world, steps, seed) -> policy.
AGENTS: dict[str, Trainer] = {
    "q_learning": _q_learning,
    "sum_of_tables": train_sum_of_tables,
    "dqn": _dqn,
    "contextual_bandit": contextual_bandit,
    "one_step_greedy": one_step_greedy,
    "fitted_q": fitted_q_iteration,
    "random": _learns_nothing(random_policy),
    **{name: _learns_nothing(policy) for name, policy in CONSTANTS.items()},
}
