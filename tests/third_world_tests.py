"""What `test_a_third_world.py` runs in a process of its own."""

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from third_world import third_worlds

from crm_rl.agents.dqn import train_dqn
from crm_rl.agents.dqn_settings import Hyperparameters as Network
from crm_rl.agents.policies import load_policy
from crm_rl.agents.q_learning import Hyperparameters as Table
from crm_rl.agents.q_learning import train_q_learning
from crm_rl.agents.registry import AGENTS
from crm_rl.evaluation.rollouts import play
from crm_rl.worlds import registry
from crm_rl.worlds.gym_envs import FunnelEnv


@pytest.fixture
def world(monkeypatch):
    """The one registration."""
    monkeypatch.setitem(registry.WORLDS, "third", third_worlds)
    return registry.worlds("third")["train"]


#: With a discount: an episode that is cut off counts as going on, and without one nothing would hold such values down.
QUICK = Network(hidden=(32,), learning_rate=3e-3, batch_size=32, learning_starts=200, target_every=100)

LEARNERS = {
    "q_learning": lambda world: train_q_learning(world, Table(alpha=0.5, gamma=1.0, epsilon_end=0.3), 2_000),
    "dqn": lambda world: train_dqn(world, QUICK, 8_000),
    "fitted_q": lambda world: AGENTS["fitted_q"](world, 3_000, 0),
}


@pytest.mark.parametrize("learn", LEARNERS.values(), ids=LEARNERS)
def test_who_looks_ahead_reaches_the_optimum(learn, world):
    """A call for 1 dollar, then a demo that pays 10."""
    policy = learn(world)
    assert play(world, policy, np.random.default_rng(0)).reward.tolist() == [9.0] * 20


def test_who_does_not_look_ahead_never_calls(world):
    """Every single step costs 1 but the demo after a call, and nobody calls for the call's sake."""
    policy = AGENTS["one_step_greedy"](world, 3_000, 0)
    assert play(world, policy, np.random.default_rng(0)).reward.mean() < 7.0


def test_it_has_the_interface_of_gymnasium_and_its_policies_are_kept(world, tmp_path):
    check_env(FunnelEnv(world=world), skip_render_check=True)
    trained = train_q_learning(world, episodes=200, folder=tmp_path)
    loaded = load_policy(tmp_path / "q_table.npz")
    states = world.start(np.arange(20))
    np.testing.assert_array_equal(loaded.q_values(states, world), trained.q_values(states, world))
