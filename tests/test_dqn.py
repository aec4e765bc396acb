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
from runs import files, finished, kill_inside
from small_networks import SMALL, small_run
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.type_aliases import ReplayBufferSamples
from test_q_learning import start_of
from tiny_worlds import CALL_ONCE, LOOK_THEN_ACT, crowd

from crm_rl.agents.arithmetic import one_thread, tiny_numbers_are_zero
from crm_rl.agents.checkpoints import PolicyError, checkpoints_in, fingerprint
from crm_rl.agents.dqn import Run, epsilon_greedy, train_dqn, train_seeds, update
from crm_rl.agents.dqn_checkpoints import save_run
from crm_rl.agents.dqn_settings import STUDY, Hyperparameters
from crm_rl.agents.history import LOG, history_of
from crm_rl.agents.networks import Replay
from crm_rl.agents.policies import NetworkPolicy, load_policy
from crm_rl.evaluation.rollouts import play
from crm_rl.worlds.base import Action
from crm_rl.worlds.gym_envs import FunnelVecEnv
from crm_rl.worlds.replay_settings import AS_CODED_SELECTION, DESCRIBED_SELECTION

torch.set_num_threads(1)

QUICK = Hyperparameters(hidden=(32,), learning_rate=3e-3, batch_size=32, learning_starts=200, target_every=200)


def sizes(policy):
    return [policy.weights[0].shape[1], *(len(bias) for bias in policy.biases)]


# ---- The algorithm ----


def test_the_networks_are_those_of_the_study():
    assert sizes(train_dqn(CALL_ONCE, STUDY["described", False], steps=16)) == [15, 128, 128, 6]
    assert sizes(train_dqn(LOOK_THEN_ACT, STUDY["described", True], steps=16)) == [30, 128, 128, 21]
    assert sizes(train_dqn(crowd(), STUDY["as_coded", False], steps=16)) == [15, 64, 64, 6]


def test_the_known_optimum_of_one_customer_is_reached_by_every_seed():
    policies = train_seeds([CALL_ONCE] * 2, QUICK, 6_400, [0, 1])
    for policy in policies:
        values = policy.q_values(start_of(CALL_ONCE), CALL_ONCE)[0]
        assert values.argmax() == 1 and values[1] == pytest.approx(14, abs=1)
        assert values[4] == pytest.approx(13.3, abs=1)
        assert play(CALL_ONCE, policy, np.random.default_rng(0)).reward.tolist() == [14.0]


@pytest.mark.parametrize(
    "switch",
    [
        dict(double=True),
        dict(dueling=True),
        dict(n_step=3),
        dict(relative=0.3, huber=False),
        dict(reward_scale=10.0, max_gradient=float("inf")),
    ],
    ids=str,
)
def test_the_optimum_is_reached_with_each_improvement(switch):
    policy = train_dqn(CALL_ONCE, QUICK._replace(**switch), steps=6_400)
    assert play(CALL_ONCE, policy, np.random.default_rng(0)).reward.tolist() == [14.0]
    assert policy.q_values(start_of(CALL_ONCE), CALL_ONCE)[0].argmax() == Action.CALL


def test_looking_before_acting_is_learned_where_it_pays():
    """A network looks once or twice (12.9 and 7.9, or 1.1 less); without looking the best is 14 and -1."""
    policy = train_dqn(LOOK_THEN_ACT, QUICK._replace(exploration=0.7, epsilon_end=0.05), steps=20_000)
    episodes = play(LOOK_THEN_ACT, policy, np.random.default_rng(0))
    assert np.argwhere(episodes.actions).tolist() == [[0, Action.CALL], [1, Action.DEMO]]
    assert (episodes.reward > [11.5, 6.5]).all()


# ---- The library's DQN is the oracle of one update ----


class Batches:
    """In place of the library's replay buffer: hands out the batches that ours drew."""

    def __init__(self, batches):
        self.batches = iter(batches)

    def sample(self, size, env=None):
        return next(self.batches)


@pytest.mark.parametrize("updates", [1, 20])
@pytest.mark.parametrize("clip", [10.0, 0.05], ids=["long gradients rare", "every gradient shortened"])
def test_an_update_is_the_one_of_the_library(updates, clip):
    """The same weights and batches given, each of two seeds side by side ends with the library's weights."""
    hyper, some = SMALL._replace(target_every=10**9, max_gradient=clip), crowd()
    run = Run([some] * 2, hyper, 4_000, [3, 4])
    while run.steps < 400:
        run.advance()
    with torch.no_grad():  # a target network of its own, so that it matters which one is asked
        for parameter in run.target.parameters():
            parameter.add_(0.1)
    run.optimizer = torch.optim.Adam(run.networks.parameters(), lr=hyper.learning_rate, fused=True)
    libraries = [by_library(run, place, hyper) for place in range(2)]
    drawn = [run.replay.sample(8, 1, hyper.gamma, run.rngs) for _ in range(updates)]
    for place, library in enumerate(libraries):
        library.replay_buffer = Batches([as_the_library_has_it(batch, place, hyper) for batch in drawn])
        library.train(updates, 8)
    for batch in drawn:
        update(run.networks, run.target, run.optimizer, batch, hyper)
    for place, library in enumerate(libraries):
        weights, biases = run.networks.layers_of(place)
        theirs = [parameter.detach().numpy() for parameter in library.q_net.q_net.parameters()]
        for ours, other in zip(weights + biases, theirs[::2] + theirs[1::2], strict=True):
            np.testing.assert_allclose(ours, other, rtol=2e-4, atol=2e-6)


def by_library(run, place, hyper):
    """The library's DQN with the network and the target network of one seed."""
    env = FunnelVecEnv(1, world=run.worlds[place])
    options = {"net_arch": list(hyper.hidden)}
    settings = dict(learning_rate=hyper.learning_rate, gamma=hyper.gamma, max_grad_norm=hyper.max_gradient, tau=0.0)
    library = stable_baselines3.DQN("MlpPolicy", env, buffer_size=16, policy_kwargs=options, device="cpu", **settings)
    library.set_logger(Logger(None, []))
    for net, ours in ((library.q_net.q_net, run.networks), (library.q_net_target.q_net, run.target)):
        weights, biases = ours.layers_of(place)
        linear = [layer for layer in net if isinstance(layer, torch.nn.Linear)]
        with torch.no_grad():
            for layer, weight, bias in zip(linear, weights, biases, strict=True):
                layer.weight.copy_(torch.tensor(weight))
                layer.bias.copy_(torch.tensor(bias))
    return library


def as_the_library_has_it(batch, place, hyper):
    observations, actions, rewards, next_observations, discount = (part[place] for part in batch)
    ended = (discount == 0).float()[:, None]
    fields = {
        "observations": observations,
        "actions": actions[:, None],
        "next_observations": next_observations,
        "dones": ended,
        "rewards": rewards[:, None],
    }
    wanted = [fields.get(name) for name in ReplayBufferSamples._fields]
    return ReplayBufferSamples(*wanted)


def test_an_episode_that_was_cut_off_had_a_future_and_another_had_none():
    run = Run([crowd(AS_CODED_SELECTION)], SMALL._replace(buffer_size=6_400, learning_starts=10**6), 6_400, [0])
    for _ in range(400):
        run.advance()
    replay = run.replay
    ended, over = replay.ended == 1, replay.terminated == 1
    assert (ended & ~over).any() and over.any() and not (over & ~ended).any()
    discount = replay.sample(2_000, 1, 0.9, run.rngs)[4].numpy()
    assert set(np.unique(discount)) == {np.float32(0), np.float32(0.9)}
    assert (discount == 0).mean() == pytest.approx(over.mean(), abs=0.03)


def test_three_steps_by_hand():
    """One environment; rewards 1, 2, 4, 8, and the third step ends its episode. Half of what comes later counts."""
    replay = Replay(8, 1, 1, 1)
    for step, (reward, terminated) in enumerate([(1, 0), (2, 0), (4, 1), (8, 0)]):
        one = np.full((1, 1), 1.0)
        replay.add(
            one[..., None] * step,
            one[..., None] * (step + 1),
            one.astype(int),
            one * reward,
            one * terminated,
            one * terminated,
        )
    observed, _, rewards, after, discount = replay.sample(4_000, 3, 0.5, [np.random.default_rng(0)])
    found = {
        int(first): (float(reward), int(last), float(factor))
        for first, reward, last, factor in zip(observed[0, :, 0], rewards[0], after[0, :, 0], discount[0], strict=True)
    }
    assert found == {0: (1 + 1 + 1, 3, 0.0), 1: (2 + 2, 3, 0.0), 2: (4, 3, 0.0), 3: (8, 4, 0.5)}


def test_epsilon_falls_on_a_straight_line_over_its_share_of_training():
    history = train_dqn(CALL_ONCE, SMALL._replace(learning_starts=10**6), steps=16_000).history
    assert history["step"].tolist() == [*(np.arange(1, 17) * 1_000 // 16 * 16)]
    assert history["epsilon"][0] == pytest.approx(1 - 0.99 * 0.5 / 4.8, abs=0.01)
    np.testing.assert_allclose(history["epsilon"][5:], 0.01)
    assert np.isnan(history["loss"]).all()


def test_each_environment_explores_for_itself():
    run = Run([crowd()], SMALL._replace(learning_starts=10**6), 100_000, [0])
    greedy = []
    for _ in range(200):
        observations = run.actors.observe()
        best = epsilon_greedy(run.networks, observations, 0.0, [np.random.default_rng(0)])
        greedy.append((epsilon_greedy(run.networks, observations, 0.5, run.rngs) == best).mean())
        run.advance()
    assert np.std(greedy) < 0.2 and np.mean(greedy) == pytest.approx(0.5 + 0.5 / 6, abs=0.05)


@pytest.mark.parametrize("num_envs", [1, 3, 16])
def test_there_is_an_update_for_every_four_steps_and_a_new_target_for_every_160(num_envs, monkeypatch):
    run, calls = Run([crowd()], SMALL._replace(num_envs=num_envs, learning_starts=0), 1_600, [0]), []
    monkeypatch.setattr("crm_rl.agents.dqn.update", lambda *given: (calls.append("update"), update(*given))[1])
    renew = run.target.load_state_dict
    run.target.load_state_dict = lambda state: (calls.append("target"), renew(state))
    while run.steps < 1_600:
        run.advance()
    assert calls.count("update") == run.steps // 4 and calls.count("target") == 10


def test_replay_and_the_target_network_can_be_left_out():
    forgetful = Run([crowd()], SMALL._replace(replay=False, batch_size=64), 1_600, [0])
    assert forgetful.replay.rows * forgetful.replay.num_envs == 64
    alone = Run([crowd()], SMALL._replace(target_network=False), 1_600, [0])
    both = Run([crowd()], SMALL, 1_600, [0])
    for run, moves in ((alone, True), (both, False)):
        before = run.target.head.weight.clone()
        for _ in range(9):  # 144 steps: before the first renewal
            run.advance()
        assert torch.equal(run.target.head.weight, run.networks.head.weight) == moves
        assert torch.equal(run.target.head.weight, before) != moves


def test_seeds_side_by_side_share_nothing():
    """A seed's own draws do not depend on its neighbours: before the first update it acts to the same bits."""
    pair = Run([crowd()] * 2, SMALL._replace(learning_starts=10**6), 1_600, [5, 6])
    alone = Run([crowd()], SMALL._replace(learning_starts=10**6), 1_600, [6])
    for _ in range(60):
        pair.advance()
        alone.advance()
    assert pair.replay.actions[:20, 1].tolist() == alone.replay.actions[:20, 0].tolist()
    assert pair.replay.observations[:20, 1].tobytes() == alone.replay.observations[:20, 0].tobytes()


def test_seeds_can_learn_in_worlds_of_their_own():
    worlds = [crowd(seed=0), crowd(seed=0), crowd(seed=1)]
    run = Run(worlds, SMALL, 1_600, [0, 1, 2])
    assert [group.stop - group.start for group in run.actors.groups] == [1, 1, 1]
    same = Run([worlds[0]] * 2 + [worlds[2]], SMALL, 1_600, [0, 1, 2])
    assert [group.stop - group.start for group in same.actors.groups] == [2, 1]
    for _ in range(30):
        run.advance()
        same.advance()
    assert run.replay.observations.tobytes() == same.replay.observations.tobytes()


def test_history_by_hand():
    log = np.zeros((4, len(LOG)))
    log[:, 0], log[:, 1], log[:, 2] = [1, 1, 0, 2], [4, 8, 0, -6], [1, 0, 0, 1]
    log[:, 3], log[:, 4], log[:, 5] = [np.nan, np.nan, 2, 4], [1, 0.5, 0.2, 0.2], [np.nan, np.nan, 10, 30]
    history = history_of(log, num_envs=500)
    assert history["step"].tolist() == [1_000, 2_000]
    assert history["reward"].tolist() == [6, -3] and history["subscribed"].tolist() == [0.5, 0.5]
    assert history["epsilon"].tolist() == [0.75, 0.2]
    assert np.isnan(history["loss"][0]) and history["loss"][1] == 3 and history["max_q"][1] == 20


# ---- Determinism ----


def test_the_same_seed_gives_the_same_bytes_in_any_process_and_order(tmp_path):
    code = "import sys; from small_networks import small_run; small_run(sys.argv[1])"
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
    assert files(tmp_path / "whole") == finished(killed)


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
    run = Run([world], SMALL, 1_600, [5])
    with one_thread(), tiny_numbers_are_zero():
        while run.steps < steps:
            run.advance()
    settings = {"hyper": SMALL._asdict(), "seeds": [5], "steps": 1_600, "world": fingerprint((world,))}
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


@pytest.mark.parametrize("dueling", [False, True])
def test_numpy_and_torch_agree(tmp_path, dueling):
    world = crowd(DESCRIBED_SELECTION)
    run = Run([world] * 2, SMALL._replace(dueling=dueling, reward_scale=2.0), 2_000, [1, 2])
    for _ in range(100):
        run.advance()
    seen = np.random.default_rng(0).random((500, 30), dtype=np.float32)
    with torch.no_grad():
        by_torch = 2 * run.networks(torch.tensor(np.stack([seen, seen]))).numpy()
    for place, policy in enumerate(run.policies({"seeds": [1, 2]})):
        policy.save(tmp_path / "policy.npz")
        loaded = load_policy(tmp_path / "policy.npz")
        np.testing.assert_allclose(loaded.of_observations(seen), by_torch[place], rtol=1e-4, atol=1e-4)
        assert loaded.known(start_of(world), world).all() and loaded.about["seed"] == 1 + place


def test_of_equal_actions_the_first_is_taken():
    policy = NetworkPolicy([np.zeros((6, 15), dtype=np.float32)], [np.float32([0, 2, 2, 0, 2, 1])], CALL_ONCE.params)
    assert policy(start_of(CALL_ONCE), CALL_ONCE).tolist() == [1]


def test_observations_that_no_network_can_use():
    policy = train_dqn(CALL_ONCE, SMALL, steps=16)
    with pytest.raises(PolicyError, match="15 columns"):
        policy.of_observations(np.zeros((2, 30)))
    with pytest.raises(PolicyError, match="row 1, column 3: not a number"):
        policy.of_observations(np.where(np.arange(30).reshape(2, 15) == 18, np.nan, 0))
