import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import stable_baselines3
import torch
from runs import files, kill_inside
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from test_q_learning import crowd, start_of
from tiny_worlds import CALL_ONCE, LOOK_THEN_ACT

from crm_rl.agents.checkpoints import PolicyError, checkpoints_in, fingerprint
from crm_rl.agents.dqn import AS_CODED, DESCRIBED, STUDY, Hyperparameters, Run, train_dqn
from crm_rl.agents.dqn_checkpoints import save_run
from crm_rl.agents.history import LOG, history_of
from crm_rl.agents.policies import NetworkPolicy, load_policy
from crm_rl.evaluation.rollouts import play
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay import AS_CODED_SELECTION, DESCRIBED_SELECTION, observe_all

torch.set_num_threads(1)

SMALL = Hyperparameters(hidden=(16, 16), buffer_size=320, batch_size=8, learning_starts=64, target_every=160)
QUICK = Hyperparameters(hidden=(32,), learning_rate=3e-3, batch_size=32, learning_starts=200, target_every=200)


def sizes(policy):
    return [policy.weights[0].shape[1], *(len(bias) for bias in policy.biases)]


# ---- The algorithm ----


def test_the_networks_are_those_of_the_study():
    assert sizes(train_dqn(CALL_ONCE, STUDY["described", False], steps=16)) == [15, 128, 128, 6]
    assert sizes(train_dqn(LOOK_THEN_ACT, STUDY["described", True], steps=16)) == [30, 128, 128, 21]
    assert sizes(train_dqn(crowd(), STUDY["as_coded", False], steps=16)) == [15, 64, 64, 6]
    by_library = stable_baselines3.DQN("MlpPolicy", Run(crowd(), AS_CODED, 16, 0).env, buffer_size=16).q_net.q_net
    assert [tuple(p.shape) for p in by_library.parameters()] == [(64, 15), (64,), (64, 64), (64,), (6, 64), (6,)]


def test_the_known_optimum_of_one_customer_is_reached():
    policy = train_dqn(CALL_ONCE, QUICK, steps=6_400)
    values = policy.q_values(observe_all(*start_of(CALL_ONCE)))[0]
    assert values.argmax() == 1 and values[1] == pytest.approx(14, abs=1) and values[4] == pytest.approx(13.3, abs=1)
    assert play(CALL_ONCE, policy, np.random.default_rng(0)).reward.tolist() == [14.0]


def test_looking_before_acting_is_learned_where_it_pays():
    """A network looks once or twice (12.9 and 7.9, or 1.1 less); without looking the best is 14 and -1."""
    policy = train_dqn(LOOK_THEN_ACT, QUICK, steps=12_000)
    episodes = play(LOOK_THEN_ACT, policy, np.random.default_rng(0))
    assert np.argwhere(episodes.actions).tolist() == [[0, Action.CALL], [1, Action.DEMO]]
    assert (episodes.reward > [11.5, 6.5]).all()


@pytest.mark.parametrize("updates", [1, 4])
def test_an_update_is_the_one_of_the_library(updates, monkeypatch):
    """The same batches given, ours and the library's end with the same weights."""
    learned = []
    for method in ("ours", "library"):
        run = Run(crowd(), SMALL._replace(target_every=10**9), 4_000, seed=3)
        while run.steps < 400:
            run.advance()
        if method == "ours":
            run.agent.train(updates, 8)
        else:
            draw, agent = run.agent.replay_buffer.sample(updates * 8), run.agent
            parts = iter(zip(*(part.split(8) for part in draw[:5]), strict=True))
            monkeypatch.setattr(agent.replay_buffer, "sample", lambda *_, p=parts, **__: ReplayBufferSamples(*next(p)))
            agent.set_logger(Logger(None, []))
            stable_baselines3.DQN.train(agent, updates, 8)
        learned.append([p.detach().numpy().copy() for p in run.agent.q_net.parameters()])
    for ours, library in zip(*learned, strict=True):
        np.testing.assert_allclose(ours, library, rtol=1e-5, atol=1e-7)


def test_an_episode_that_was_cut_off_had_a_future_and_another_had_none():
    run = Run(crowd(AS_CODED_SELECTION), SMALL, 4_000, seed=0)
    for _ in range(40):
        run.advance()
    buffer = run.agent.replay_buffer
    ended, cut_off = buffer.dones[: buffer.size()] == 1, buffer.timeouts[: buffer.size()] == 1
    assert cut_off.any() and (ended & ~cut_off).any() and not (cut_off & ~ended).any()
    stored = buffer.sample(2_000).dones.numpy().mean()
    assert stored == pytest.approx((ended & ~cut_off).mean(), abs=0.03)


def test_epsilon_falls_on_a_straight_line_over_its_share_of_training():
    history = train_dqn(CALL_ONCE, SMALL._replace(learning_starts=10**6), steps=16_000).history
    assert history["step"].tolist() == [*(np.arange(1, 17) * 1_000 // 16 * 16)]
    assert history["epsilon"][0] == pytest.approx(1 - 0.99 * 0.5 / 4.8, abs=0.01)
    np.testing.assert_allclose(history["epsilon"][5:], 0.01)
    assert np.isnan(history["loss"]).all()


def test_each_copy_explores_for_itself():
    run = Run(crowd(), SMALL._replace(learning_starts=10**6), 100_000, seed=0)
    run.steps = 15_000  # epsilon is about a half
    greedy = []
    for _ in range(200):
        best = run.agent.best_actions(run.observations)
        run.advance()
        row = (run.agent.replay_buffer.pos - 1) % run.agent.replay_buffer.buffer_size
        greedy.append((run.agent.replay_buffer.actions[row, :, 0] == best).mean())
    assert np.std(greedy) < 0.2 and np.mean(greedy) == pytest.approx(0.505 + 0.495 / 6, abs=0.05)


@pytest.mark.parametrize("copies", [1, 3, 16])
def test_there_is_an_update_for_every_four_steps_and_a_new_target_for_every_160(copies):
    run, calls = Run(crowd(), SMALL._replace(copies=copies, learning_starts=0), 1_600, seed=0), []
    train, renew = run.agent.train, run.agent.renew_target
    run.agent.train = lambda updates, size: (calls.extend(["update"] * updates), train(updates, size))[1]
    run.agent.renew_target = lambda: (calls.append("target"), renew())
    while run.steps < 1_600:
        run.advance()
    assert calls.count("update") == run.steps // 4 and calls.count("target") == 10


def test_replay_and_the_target_network_can_be_left_out():
    forgetful = Run(crowd(), SMALL._replace(replay=False, batch_size=64), 1_600, seed=0)
    assert forgetful.agent.replay_buffer.buffer_size * 16 == 64
    alone = Run(crowd(), SMALL._replace(target_network=False), 1_600, seed=0)
    both = Run(crowd(), SMALL, 1_600, seed=0)
    for run, moves in ((alone, True), (both, False)):
        before = run.agent.q_net_target.state_dict()["q_net.0.weight"].clone()
        for _ in range(9):  # 144 steps: before the first renewal
            run.advance()
        target, network = (net.state_dict()["q_net.0.weight"] for net in (run.agent.q_net_target, run.agent.q_net))
        assert torch.equal(target, network) == moves and torch.equal(target, before) != moves


def test_history_by_hand():
    log = np.zeros((4, len(LOG)))
    log[:, 0], log[:, 1], log[:, 2] = [1, 1, 0, 2], [4, 8, 0, -6], [1, 0, 0, 1]
    log[:, 3], log[:, 4], log[:, 5] = [np.nan, np.nan, 2, 4], [1, 0.5, 0.2, 0.2], [np.nan, np.nan, 10, 30]
    history = history_of(log, copies=500)
    assert history["step"].tolist() == [1_000, 2_000]
    assert history["reward"].tolist() == [6, -3] and history["subscribed"].tolist() == [0.5, 0.5]
    assert history["epsilon"].tolist() == [0.75, 0.2]
    assert np.isnan(history["loss"][0]) and history["loss"][1] == 3 and history["max_q"][1] == 20


# ---- Determinism ----


def small_run(folder, seed=5, steps=1_600):
    return train_dqn(crowd(AS_CODED_SELECTION), SMALL, steps, seed, folder, checkpoint_every=160)


def test_the_same_seed_gives_the_same_bytes_in_any_process_and_order(tmp_path):
    code = "import sys, test_dqn as tests; tests.small_run(sys.argv[1])"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    elsewhere = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "elsewhere")], env=environment)
    small_run(tmp_path / "other seed", seed=6)
    np.random.seed(1)  # noqa: NPY002 (a global state that must not matter)
    torch.manual_seed(1)
    small_run(tmp_path / "here")
    assert elsewhere.wait() == 0
    assert files(tmp_path / "here") == files(tmp_path / "elsewhere")
    name = "policy.npz"
    assert (tmp_path / "here" / name).read_bytes() != (tmp_path / "other seed" / name).read_bytes()


def test_global_random_states_are_left_alone():
    states = []
    for train in (False, True):
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)
        if train:
            train_dqn(crowd(), SMALL, steps=160)
        states.append((np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()))  # noqa: NPY002
    assert states[0] == states[1]


def test_the_number_of_threads_is_put_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    train_dqn(CALL_ONCE, SMALL, steps=16)
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


# ---- Saved, killed, resumed ----


def test_the_last_two_checkpoints_are_kept(tmp_path):
    small_run(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["policy.npz", "step_000001440", "step_000001600"]
    saved = files(tmp_path)
    small_run(tmp_path)  # nothing is left to do
    assert files(tmp_path) == saved


def test_a_killed_run_ends_with_the_same_bytes(tmp_path):
    small_run(tmp_path / "whole", steps=6_400)
    killed, rng = tmp_path / "killed", np.random.default_rng(3)
    for so_far in (320, 1_600, 3_200):
        reached = partial(has_come_to, killed, so_far)
        kill_inside(partial(small_run, killed, steps=6_400), reached, delay=rng.uniform(0, 0.05))
        assert has_come_to(killed, so_far) and not (killed / "policy.npz").exists()
    small_run(killed, steps=6_400)
    assert files(tmp_path / "whole") == files(killed)


def has_come_to(folder, steps):
    found = checkpoints_in(folder) if folder.exists() else []
    return bool(found) and int(found[-1].name[5:]) >= steps


def test_a_resumed_run_goes_on_with_its_memory_full_or_not(tmp_path):
    """The buffer holds 320: the first checkpoint finds it half full, the others going round."""
    whole = small_run(None)
    for steps in (160, 320, 480):
        folder = tmp_path / str(steps)
        run_until(folder, steps)
        assert small_run(folder).weights[0].tobytes() == whole.weights[0].tobytes()


def run_until(folder, steps):
    world = crowd(AS_CODED_SELECTION)
    run = Run(world, SMALL, 1_600, 5)
    while run.steps < steps:
        run.advance()
    settings = {"hyper": SMALL._asdict(), "seed": 5, "steps": 1_600, "world": fingerprint(world)}
    save_run(run, folder / f"step_{run.steps:09d}", settings)


@pytest.mark.parametrize("change", [dict(seed=6), dict(steps=3_200)])
def test_a_run_with_other_settings_does_not_go_on(tmp_path, change):
    small_run(tmp_path)
    with pytest.raises(PolicyError, match="other settings.*Remedy: choose another folder"):
        small_run(tmp_path, **change)


def damage(place, name, how):
    path = place / name
    match how:
        case "missing":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "cut":
            path.write_bytes(path.read_bytes()[:-300])
        case "another":
            path.write_bytes((place.parent / "policy.npz").read_bytes())


@pytest.mark.parametrize("name", ["run.npz", "learner.pt"])
@pytest.mark.parametrize("how", ["missing", "empty", "cut", "another"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_serves(tmp_path, name, how):
    whole = small_run(tmp_path, steps=480)
    newest = checkpoints_in(tmp_path)[-1]
    damage(newest, name, how)
    with pytest.raises(PolicyError, match=f"{newest.name}: a damaged checkpoint.*Remedy: delete this folder"):
        small_run(tmp_path, steps=480)
    shutil.rmtree(newest)
    assert small_run(tmp_path, steps=480).weights[0].tobytes() == whole.weights[0].tobytes()


@pytest.mark.parametrize("nothing", [dict(steps=0), dict(steps=16, checkpoint_every=0)])
def test_nothing_to_do_is_refused(nothing):
    with pytest.raises(ValueError, match="Remedy: 1 or more"):
        train_dqn(CALL_ONCE, SMALL, **nothing)


# ---- A network that acts ----


def test_numpy_and_torch_agree(tmp_path):
    world = crowd(DESCRIBED_SELECTION)
    run = Run(world, DESCRIBED, 2_000, seed=1)
    for _ in range(100):
        run.advance()
    weights = [value.numpy() for value in run.agent.q_net.q_net.state_dict().values()]
    policy = NetworkPolicy(weights[::2], weights[1::2], world.rules)
    policy.save(tmp_path / "policy.npz")
    loaded = load_policy(tmp_path / "policy.npz")
    seen = np.random.default_rng(0).random((500, 30), dtype=np.float32)
    with torch.no_grad():
        by_torch = run.agent.q_net(torch.tensor(seen)).numpy()
    np.testing.assert_allclose(loaded.q_values(seen), by_torch, rtol=1e-5, atol=1e-5)
    assert (loaded.act(seen) == run.agent.best_actions(seen)).all()
    assert loaded.known(seen).all()


def test_of_equal_actions_the_first_is_taken():
    policy = NetworkPolicy([np.zeros((6, 15), dtype=np.float32)], [np.float32([0, 2, 2, 0, 2, 1])], CALL_ONCE.rules)
    assert policy.act(np.zeros((3, 15))).tolist() == [1, 1, 1]


def test_observations_that_no_policy_can_use():
    policy = train_dqn(CALL_ONCE, SMALL, steps=16)
    with pytest.raises(PolicyError, match="15 columns"):
        policy.q_values(np.zeros((2, 30)))
    with pytest.raises(PolicyError, match="row 1, column 3: not a number"):
        policy.act(np.where(np.arange(30).reshape(2, 15) == 18, np.nan, 0))
