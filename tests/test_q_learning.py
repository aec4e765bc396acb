import hashlib
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numba import types
from numba.typed import Dict
from runs import files, finished, kill_inside
from tiny_worlds import CALL_ONCE, CALL_ONCE_VALUES, DEMO_FLAG, LOOK_THEN_ACT, VALUE_OF_LOOKING, crowd, world

from crm_rl.agents.checkpoints import PolicyError
from crm_rl.agents.policies import KEY, load_policy
from crm_rl.agents.q_learning import (
    STUDY,
    Hyperparameters,
    empty_table,
    epsilon_greedy,
    next_epsilon,
    run_episodes,
    train,
    train_q_learning,
)
from crm_rl.evaluation.rollouts import play
from crm_rl.worlds.base import ALL_VISIBLE, N_FEATURES, Action
from crm_rl.worlds.replay import State
from crm_rl.worlds.replay_keys import state_key
from crm_rl.worlds.replay_settings import AS_CODED, AS_CODED_SELECTION, DESCRIBED, DESCRIBED_SELECTION

PARAMS = {
    "described": DESCRIBED,
    "as coded": AS_CODED,
    "described, selection": DESCRIBED_SELECTION,
    "as coded, selection": AS_CODED_SELECTION,
}


def inside(world):
    return world.population, world.params, world.pools, world.coder(world.levels())


# ---- The algorithm ----


def test_one_update_by_hand():
    """Q(s, call) = 5 and alpha = 0.1: the call earns 14 and leads to a state whose best action is worth 10, so
    5 + 0.1 (14 + 0.95 * 10 - 5) = 6.85."""
    population, params, pools, coder = inside(CALL_ONCE)
    params = params._replace(horizon=1)
    rows = Dict.empty(KEY, types.int64)
    for row, stage in enumerate((0, 1)):
        rows[state_key(State(0, 0, stage, -1, 0, ALL_VISIBLE), coder, params)] = row
    q = np.zeros((8, 6))
    q[0, 1], q[1, 2] = 5, 10
    hyper = Hyperparameters(epsilon_start=0.0, epsilon_end=0.0)
    rng = np.random.default_rng(0)
    tries = np.zeros(q.shape, dtype=np.int64)
    world = population, params, pools, coder
    q, tries, epsilon, steps, rewards, _, states = run_episodes(rows, q, tries, *world, hyper, 0.0, 1, 0, 99, rng)
    assert q[0, 1] == pytest.approx(6.85)
    assert np.count_nonzero(q) == 2 and (steps, len(rows), rewards.tolist()) == (1, 2, [14.0])
    assert tries[0].tolist() == [0, 1, 0, 0, 0, 0] and states.tolist() == [2]


def test_the_step_size_falls_with_the_tries_of_the_action():
    """Waiting costs 1 a step and nothing follows (gamma 0): with alpha 1 / (1 + n) Q is the mean of what was paid, and
    with a constant half it is -1 + 2 ** -n."""
    one = world([""], DESCRIBED._replace(horizon=1))
    mean = train_q_learning(one, Hyperparameters(alpha=1.0, alpha_decay=1.0, gamma=0.0), episodes=50)
    assert mean.q[mean.tries > 0].tolist() == [-1.0] * np.count_nonzero(mean.tries) and mean.tries.sum() == 50
    half = train_q_learning(one, Hyperparameters(alpha=0.5, gamma=0.0), episodes=50)
    np.testing.assert_allclose(half.q, -1 + 0.5**half.tries)


def test_a_budget_of_steps_ends_inside_an_episode():
    policy = train_q_learning(CALL_ONCE, episodes=None, steps=25)
    assert policy.about["steps"] == policy.tries.sum() == 25 and policy.about["episodes"] == 3


def test_epsilon_can_fall_on_a_straight_line_over_a_share_of_the_steps():
    hyper = Hyperparameters(exploration=0.5, epsilon_end=0.05)
    assert [next_epsilon(0.3, taken, 1_000, hyper) for taken in (0, 250, 490, 900)] == [1.0, 0.5, 0.05, 0.05]


def test_an_episode_that_ends_has_no_future():
    """The subscription ends it: Q = 0.5 * (100 - 1), whatever the state after it may seem worth."""
    one = world(["subscribed"], DESCRIBED)
    hyper = STUDY._replace(alpha=0.5)
    policy = train_q_learning(one, hyper, episodes=1)
    assert sorted(policy.q[0]) == [0, 0, 0, 0, 0, 49.5]
    assert policy.history["subscribed"].all()


def test_the_known_optimum_of_one_customer_is_reached():
    policy = train_q_learning(CALL_ONCE, STUDY._replace(epsilon_end=0.3), episodes=3_000)
    np.testing.assert_allclose(policy.q_values(start_of(CALL_ONCE), CALL_ONCE)[0], CALL_ONCE_VALUES, atol=1e-3)
    assert play(CALL_ONCE, policy, np.random.default_rng(0)).reward.tolist() == [14.0]


def test_looking_before_acting_is_learned_where_it_pays():
    policy = train_q_learning(LOOK_THEN_ACT, STUDY._replace(alpha=0.02, epsilon_end=0.3), episodes=60_000)
    at_first = policy.q_values(start_of(LOOK_THEN_ACT), LOOK_THEN_ACT)[0]
    assert at_first.max() == pytest.approx(VALUE_OF_LOOKING, abs=0.5)
    assert at_first.argmax() in (7, DEMO_FLAG)
    assert at_first[N_FEATURES + Action.CALL] == pytest.approx(6.5, abs=1.5)
    episodes = play(LOOK_THEN_ACT, policy, np.random.default_rng(0))
    np.testing.assert_allclose(episodes.reward, [-1 + 13.9, -1 + 8.9])


def start_of(world):
    return world.start(np.arange(world.size()))


def test_epsilon_falls_by_its_factor_down_to_its_end():
    table, rng = empty_table(6, STUDY), np.random.default_rng(0)
    train(table, inside(CALL_ONCE), STUDY, 100, rng)
    assert table.epsilon == pytest.approx(0.995**100)
    train(table, inside(CALL_ONCE), STUDY, 1_000, rng)
    assert table.epsilon == 0.01 and table.episodes == 1_100


def test_exploration_and_ties_are_fair():
    rng = np.random.default_rng(0)
    values = np.array([1.0, 3.0, 3.0])
    explored = np.bincount([epsilon_greedy(values, 1.0, rng) for _ in range(3_000)])
    greedy = np.bincount([epsilon_greedy(values, 0.0, rng) for _ in range(3_000)], minlength=3)
    assert explored.min() > 900 and greedy[0] == 0 and greedy[1:].min() > 1_350


# ---- Determinism ----


@pytest.mark.parametrize("params", PARAMS.values(), ids=PARAMS)
def test_compiled_and_plain_give_the_same_bits(params):
    some, results = crowd(params), []
    for run in (run_episodes, run_episodes.py_func):
        table = empty_table(21 if params.selects_features else 6, STUDY)
        out = run(table.rows, table.q, table.tries, *inside(some), STUDY, 1.0, 60, 0, 10**6, np.random.default_rng(3))
        results.append((dict(table.rows), *(np.asarray(part).tobytes() for part in out)))
    assert results[0] == results[1]


def test_plain_python_all_through_gives_the_same_bits():
    """With numba switched off nothing at all is compiled, not even what `run_episodes` calls."""
    code = "import test_q_learning as tests; print(tests.sum_of_a_run())"
    tests = Path(__file__).parent
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(tests)}
    plain = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert plain.stdout.strip() == sum_of_a_run()


def sum_of_a_run():
    table = empty_table(21, STUDY)
    rewards, *_ = train(table, inside(crowd(DESCRIBED_SELECTION)), STUDY, 200, np.random.default_rng(5))
    return hashlib.sha256(table.q[: len(table.rows)].tobytes() + rewards.tobytes()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        np.random.seed(len(name))  # noqa: NPY002 (a global state that must not matter)
        train_q_learning(crowd(), episodes=500, seed=seed, folder=tmp_path / name)
    a, b, c = ((tmp_path / name / "q_table.npz").read_bytes() for name in "abc")
    assert a == b != c


# ---- Saved, killed, resumed ----


def test_chunks_leave_no_trace():
    whole = train_q_learning(crowd(), episodes=900)
    pieces = train_q_learning(crowd(), episodes=900, checkpoint_every=70)
    assert whole.q.tobytes() == pieces.q.tobytes() and whole.keys.tobytes() == pieces.keys.tobytes()
    assert whole.history["reward"].tobytes() == pieces.history["reward"].tobytes()
    assert whole.history["states"].tolist() == pieces.history["states"].tolist()
    assert len(pieces.history["states"]) == 900 and pieces.history["states"][-1] == len(pieces.q)


def test_a_killed_run_ends_with_the_same_bytes(tmp_path):
    some = crowd(AS_CODED_SELECTION, people=500)
    settings = dict(episodes=20_000, seed=7, checkpoint_every=1_000)
    train_q_learning(some, folder=tmp_path / "whole", **settings)
    killed = tmp_path / "killed" / "q_table.npz"
    rng = np.random.default_rng(11)
    for so_far in (1_000, 5_000, 11_000):
        reached = partial(episodes_in, killed, so_far)
        run = partial(train_q_learning, some, folder=killed.parent, **settings)
        kill_inside(run, reached, delay=rng.uniform(0, 0.05))
        assert episodes_in(killed, so_far) and not episodes_in(killed, 20_000)
    train_q_learning(some, folder=killed.parent, **settings)
    assert files(tmp_path / "whole") == finished(tmp_path / "killed")


def episodes_in(path, so_far):
    if not path.exists():
        return False
    with np.load(path) as archive:
        return json.loads(str(archive["about"]))["episodes"] >= so_far


def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path):
    train_q_learning(crowd(), episodes=400, folder=tmp_path, checkpoint_every=100)
    longer = train_q_learning(crowd(), episodes=900, folder=tmp_path, checkpoint_every=100)
    whole = train_q_learning(crowd(), episodes=900, checkpoint_every=100)
    assert longer.q.tobytes() == whole.q.tobytes()
    assert {name: len(part) for name, part in longer.history.items()} == dict.fromkeys(whole.history, 900)
    with pytest.raises(PolicyError, match="900 episodes and 6,390 steps, more than asked"):
        train_q_learning(crowd(), episodes=400, folder=tmp_path, checkpoint_every=100)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (dict(seed=1), "seed 0 there, 1 asked"),
        (dict(hyper=STUDY._replace(alpha=0.2)), "hyper"),
        (dict(world=crowd(seed=1)), "world"),
    ],
)
def test_a_run_with_other_settings_does_not_go_on(tmp_path, change, named):
    settings = dict(world=crowd(), episodes=200, folder=tmp_path)
    train_q_learning(**settings)
    with pytest.raises(PolicyError, match=f"{named}.*Remedy: choose another folder"):
        train_q_learning(**(settings | change))


@pytest.mark.parametrize("nothing", [dict(episodes=0), dict(checkpoint_every=0)])
def test_nothing_to_do_is_refused(nothing):
    with pytest.raises(ValueError, match="Remedy: 1 or more"):
        train_q_learning(CALL_ONCE, **nothing)


# ---- A table that acts ----


@pytest.mark.parametrize("params", PARAMS.values(), ids=PARAMS)
def test_a_loaded_table_finds_what_training_met(params, tmp_path):
    some = crowd(params)
    trained = train_q_learning(some, episodes=300, folder=tmp_path)
    policy = load_policy(tmp_path / "q_table.npz")
    assert policy.params == params and policy.q.tobytes() == trained.q.tobytes()
    rng, (population, *_, coder) = np.random.default_rng(0), inside(some)
    masks = np.where(rng.random(500) < 0.3, params.first_mask, rng.integers(0, ALL_VISIBLE + 1, size=500))
    n = len(masks)
    states = State(
        rng.integers(0, len(population.stage), size=n),
        np.zeros(n, dtype=np.int64),
        rng.choice([0, 0, 0, 1, 5], size=n),
        np.full(n, -1),
        np.zeros(n, dtype=np.int64),
        masks if params.selects_features else np.full(n, ALL_VISIBLE),
    )
    rows = {tuple(key): row for row, key in enumerate(policy.keys.tolist())}
    keys = [state_key(State(*(int(field[i]) for field in states)), coder, params) for i in range(n)]
    assert policy.find(states, some).tolist() == [rows.get(key, -1) for key in keys]
    known = policy.known(states, some)
    assert 0 < known.mean() < 1
    assert (policy.q_values(states, some)[~known] == 0).all()


def test_a_state_never_met_gets_any_action():
    policy = train_q_learning(CALL_ONCE, episodes=300)
    strange = world([""] * 6_000, CALL_ONCE.params, np.full((6_000, N_FEATURES), 0.31, dtype=np.float32))
    states = start_of(strange)
    assert not policy.known(states, strange).any()
    assert (policy.probabilities(states, strange) == 1 / 6).all()
    drawn, again = (policy(states, strange, np.random.default_rng(0)) for _ in range(2))
    assert np.bincount(drawn, minlength=6).min() > 850 and drawn.tolist() == again.tolist()


def test_a_policy_refuses_a_world_of_another_kind():
    policy = train_q_learning(CALL_ONCE, episodes=10)
    with pytest.raises(PolicyError, match="another kind of world.*Remedy"):
        policy.q_values(start_of(LOOK_THEN_ACT), LOOK_THEN_ACT)
