"""Learning from logs alone, in a world whose best policy is known by hand."""

import numpy as np
import pytest
from small_responsive import CALLS

from crm_rl.agents.behaviour import Exploring
from crm_rl.agents.offline import LEARNERS, Hyperparameters
from crm_rl.agents.reference import constant_policy
from crm_rl.evaluation.gain import exact_values
from crm_rl.worlds.base import Action
from crm_rl.worlds.logs import play_episodes

FAST = Hyperparameters(hidden=(16,), updates=250, batch_size=64, learning_rate=0.01, target_every=25, reward_scale=10.0)


def log_of(action: Action, epsilon: float, customers: int = 500, seed: int = 0):
    return play_episodes(
        Exploring(constant_policy(action), epsilon), CALLS, customers, np.random.default_rng(seed)
    ).steps()


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_seed_gives_the_same_policy_whoever_trains_beside_it(name):
    log, few = log_of(Action.WAIT, 1.0), FAST._replace(updates=20)
    (first,), (again, other) = (LEARNERS[name]([log] * len(seeds), CALLS, seeds, few) for seeds in ([3], [3, 4]))
    states = CALLS.start(np.array([0, 1]))
    np.testing.assert_allclose(first.q_values(states, CALLS), again.q_values(states, CALLS), rtol=1e-4, atol=1e-5)
    assert not np.allclose(first.q_values(states, CALLS), other.q_values(states, CALLS))


def test_who_learns_values_finds_whom_to_call():
    """The best plan is worth 32.58 and 19; always calling 32.58 and 17.1, always waiting 19 and 19."""
    log = log_of(Action.WAIT, 1.0)
    for name in ("fitted Q", "conservative Q", "batch-constrained Q"):
        (policy,) = LEARNERS[name]([log], CALLS, [0], FAST)
        assert exact_values(policy, CALLS)[0] > 28, name


def test_a_log_of_one_action_teaches_no_other():
    log = log_of(Action.SURVEY, 0.05)
    for name in ("behaviour cloning", "batch-constrained Q"):
        (policy,) = LEARNERS[name]([log], CALLS, [0], FAST)
        assert (policy(CALLS.start(np.array([0, 1])), CALLS, np.random.default_rng(0)) == Action.SURVEY).all(), name
