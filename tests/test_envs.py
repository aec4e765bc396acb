"""The three faces of the replay world: the contracts of their libraries, and that they go the same ways."""

import json
import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from stable_baselines3.common.env_checker import check_env as sb3_check
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from crm_rl.data.load import TWIN
from crm_rl.data.problems import DataError
from crm_rl.worlds.base import MAX_STEPS, Action
from crm_rl.worlds.episodes import world_for
from crm_rl.worlds.gym_envs import FunnelEnv, FunnelVecEnv, FunnelVectorEnv
from crm_rl.worlds.replay import RULES

IDS = {False: "crm_rl/Funnel-v0", True: "crm_rl/FunnelSelection-v0"}
RESPONSIVE = [("smooth", False, "train"), ("smooth", True, "test"), ("rough", False, "test")]
WORLDS = [(setting, selection, part) for setting, selection in RULES for part in ("train", "test")] + RESPONSIVE
COPIES = 5


@pytest.fixture(params=WORLDS, ids=lambda which: f"{which[0]}{', selection' * which[1]}, {which[2]}")
def which(request):
    """A world, as the arguments of a face."""
    setting, selection, part = request.param
    return {"setting": setting, "selection": selection, "part": part, "data": TWIN}


@pytest.fixture
def world(which):
    return world_for(**which)


def assert_same(one, other) -> None:
    """Equal values, shapes and kinds, all the way down."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (tuple, list)):
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        np.testing.assert_array_equal(one, other, strict=isinstance(one, np.ndarray))


# The single environment


def test_registered_and_to_both_checkers_content(which):
    env_id = IDS[which.pop("selection")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(env_id, **which)
        assert isinstance(env.unwrapped, FunnelEnv)
        gymnasium_check(env.unwrapped)
        sb3_check(env)
        envs = gymnasium.make_vec(env_id, num_envs=3, **which)
        assert isinstance(envs.unwrapped, FunnelVectorEnv)
        assert envs.reset(seed=0)[0] in envs.observation_space


def rollout(env: FunnelEnv, seed: int, steps: int = 50) -> list:
    actions = np.random.default_rng(99).integers(0, env.action_space.n, size=steps)
    history = [env.reset(seed=seed)]
    for action in actions:
        history.append(env.step(action))
        if history[-1][2] or history[-1][3]:
            history.append(env.reset())
    return history


def test_one_seed_one_history_and_another_seed_another(which):
    first, second = FunnelEnv(**which), FunnelEnv(**which)
    history = rollout(first, seed=1)
    np.random.seed(0)  # noqa: NPY002 the global state must not matter
    assert_same(history, rollout(second, seed=1))
    assert_same(history, rollout(first, seed=1))
    customers, others = ([entry[-1]["customer"] for entry in rollout(first, seed=seed)] for seed in (1, 2))
    assert customers != others


def test_every_observation_is_in_the_space(which, world):
    """Every customer's first one, and with every feature visible."""
    env, responsive = FunnelEnv(world=world), which["setting"] in ("smooth", "rough")
    assert env.observation_space.shape == ((30,) if which["selection"] else (15,))
    assert env.action_space.n == (21 if which["selection"] else 6)
    for customer in range(world.size()):
        observation, info = env.reset(options={"customer": customer})
        assert observation in env.observation_space
        people = world.population
        own = (
            {"milestones": people.start, "contacts": np.zeros(world.size())} if responsive else {"stage": people.stage}
        )
        told = {name: values[customer] for name, values in own.items()}
        assert info == {"customer": customer, "subscribed": False, "mask": world.rules.first_mask, **told}


def test_a_chosen_customer_draws_nobody(world):
    env, other = FunnelEnv(world=world), FunnelEnv(world=world)
    env.reset(seed=3)
    other.reset(seed=3)
    env.reset(options={"customer": 7})
    assert env.reset()[1]["customer"] == other.reset()[1]["customer"]


def endless() -> FunnelEnv:
    """Feature selection as coded, with a customer who never subscribes: no action of the firm ends the episode."""
    env = FunnelEnv("as_coded", "test", TWIN, selection=True)
    customer = int(np.flatnonzero(~env.world.population.subscribed)[0])
    env.reset(options={"customer": customer})
    return env


def test_what_would_go_on_for_ever_is_cut_off_without_a_penalty():
    env, wait = endless(), 15 + Action.WAIT
    steps = [env.step(wait) for _ in range(MAX_STEPS)]
    assert [step[3] for step in steps] == [False] * (MAX_STEPS - 1) + [True]
    assert not any(step[2] for step in steps)
    assert [step[1] for step in steps] == [-1.5] * MAX_STEPS


def test_a_cap_of_ones_own():
    world = endless().world
    customer = int(np.flatnonzero(~world.population.subscribed)[0])
    env = FunnelEnv(world=world, max_steps=3)
    env.reset(options={"customer": customer})
    assert [env.step(15)[3] for _ in range(3)] == [False, False, True]
    for envs in (FunnelVectorEnv(1, world=world, max_steps=3), FunnelVecEnv(1, world=world, max_steps=3)):
        assert envs.episodes.max_steps == 3


def test_a_subscription_in_the_last_step_is_no_truncation():
    """Who has a manager on record and is below stage 4 subscribes when one is assigned, here in the tenth step."""
    world = world_for("as_coded", "test", TWIN)
    people = world.population
    customer = int(np.flatnonzero(people.subscribed & people.reached[:, 4] & (people.stage < 4))[0])
    actions = [Action.WAIT] * 9 + [Action.MANAGER]
    single, vector, sb3 = FunnelEnv(world=world), FunnelVectorEnv(2, world=world), FunnelVecEnv(2, world=world)
    for face in (single, vector):
        face.reset(options={"customer": customer})
    sb3.set_options({"customer": customer})
    sb3.reset()
    for action in actions:
        alone, two, for_sb3 = single.step(action), vector.step(np.full(2, action)), sb3.step(np.full(2, action))
    assert alone[2:4] == (True, False)
    assert [flags.tolist() for flags in two[2:4]] == [[True, True], [False, False]]
    assert [info["TimeLimit.truncated"] for info in for_sb3[3]] == [False, False]
    assert [info["is_success"] for info in for_sb3[3]] == [True, True]


def test_ansi_tells_the_journey():
    env = FunnelEnv("as_coded", "test", TWIN, selection=True, render_mode="ansi")
    subscriber = int(np.flatnonzero(env.world.population.subscribed & (env.world.population.stage == 6))[0])
    env.reset(options={"customer": subscriber})
    env.step(0)
    env.step(0)
    reward = env.step(15 + Action.WAIT)[1]
    lines = env.render().splitlines()
    assert lines[0].startswith(f"customer {subscriber}, stage 6, record: ") and lines[0].endswith("subscribed")
    assert lines[1:] == [
        "  1. hide Country: -0.14",
        "  2. show Country: -0.15",
        f"  3. wait: {reward:+.2f}; subscribed; the end",
    ]
    env.reset(seed=0)
    assert len(env.render().splitlines()) == 1
    assert FunnelEnv(data=TWIN).render() is None


def test_a_responsive_journey_in_words():
    env = FunnelEnv("smooth", "test", TWIN, selection=True, render_mode="ansi")
    outbound = int(np.flatnonzero(env.world.population.inbound == 0)[0])
    env.reset(seed=0, options={"customer": outbound})
    env.step(12)
    env.step(15 + Action.EMAIL)
    lines = env.render().splitlines()
    assert lines[0] == f"customer {outbound}, outbound, at arrival: nothing"
    assert lines[1:] == ["  1. show Country_Standing: -1.00", "  2. email: -0.10"]


# The faces together


def test_the_vector_environment_goes_as_single_ones_side_by_side(world):
    one_by_one = SyncVectorEnv([lambda: FunnelEnv(world=world)] * COPIES, autoreset_mode=AutoresetMode.NEXT_STEP)
    together = FunnelVectorEnv(COPIES, world=world)
    assert together.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    assert together.single_observation_space == one_by_one.single_observation_space
    assert together.observation_space == one_by_one.observation_space
    assert together.action_space == one_by_one.action_space
    rng = np.random.default_rng(0)
    for seed in (3, [9, 8, 7, 6, 5], None):
        assert_same(one_by_one.reset(seed=seed), together.reset(seed=seed))
        for _ in range(120):
            actions = rng.integers(0, together.single_action_space.n, COPIES)
            (*left, left_info), (*right, right_info) = one_by_one.step(actions), together.step(actions)
            assert_same(left, right)
            assert left_info.keys() == right_info.keys()
            for name in left_info:
                np.testing.assert_array_equal(left_info[name], right_info[name])


def test_the_sb3_environment_goes_as_single_ones_side_by_side(world):
    one_by_one = DummyVecEnv([lambda: FunnelEnv(world=world)] * COPIES)
    together = FunnelVecEnv(COPIES, world=world)
    assert together.observation_space == one_by_one.observation_space
    assert together.action_space == one_by_one.action_space
    rng = np.random.default_rng(0)
    for seed in (3, None):
        for face in (one_by_one, together):
            if seed is not None:
                face.seed(seed)
        assert_same(one_by_one.reset(), together.reset())
        for _ in range(120):
            actions = rng.integers(0, together.action_space.n, COPIES)
            (*left, left_infos), (*right, right_infos) = one_by_one.step(actions), together.step(actions)
            assert_same(left, right)
            for done, info, other in zip(left[2], left_infos, right_infos, strict=True):
                if done:
                    for name in ("terminal_observation", "TimeLimit.truncated", "customer", "subscribed"):
                        np.testing.assert_array_equal(info[name], other[name])
                else:
                    assert other == {}


def test_chosen_customers_come_in_every_face(world):
    single, vector, sb3 = FunnelEnv(world=world), FunnelVectorEnv(3, world=world), FunnelVecEnv(3, world=world)
    chosen = [4, 1, 10]
    alone = [single.reset(options={"customer": customer})[0] for customer in chosen]
    np.testing.assert_array_equal(vector.reset(options={"customer": chosen})[0], alone)
    sb3.set_options([{"customer": customer} for customer in chosen])
    np.testing.assert_array_equal(sb3.reset(), alone)
    np.testing.assert_array_equal(vector.reset(options={"customer": 4})[0], [alone[0]] * 3)


def test_a_reset_changes_nothing_handed_out_before(world):
    for face in (FunnelVectorEnv(3, world=world), FunnelVecEnv(3, world=world)):
        before = face.reset()
        copy = json.dumps(before, default=np.ndarray.tolist)
        for _ in range(30):
            face.reset()
            face.step(np.zeros(3, dtype=np.int64))
        assert json.dumps(before, default=np.ndarray.tolist) == copy


# For stable-baselines3


def test_a_saved_state_goes_on_as_if_never_saved(world, tmp_path):
    face = FunnelVecEnv(COPIES, world=world)
    face.seed(5)
    face.reset()
    rng = np.random.default_rng(0)
    actions = rng.integers(0, face.action_space.n, (700, COPIES))
    for step in actions[:130]:
        face.step(step)

    saved = face.get_state()
    generators = json.dumps(saved.pop("generators"))
    np.savez(tmp_path / "state.npz", **saved)
    expected = face.observe()
    futures = [face.step(step) for step in actions[130:]]

    with np.load(tmp_path / "state.npz", allow_pickle=False) as file:
        restored = {**file, "generators": json.loads(generators)}
    other = FunnelVecEnv(COPIES, world=world)
    other.set_state(restored)
    np.testing.assert_array_equal(other.observe(), expected)
    for step, future in zip(actions[130:], futures, strict=True):
        assert_same(other.step(step), future)
    assert_same(other.get_state(), face.get_state())


def test_a_saved_state_does_not_move_with_its_environment(world):
    face = FunnelVecEnv(COPIES, world=world)
    face.seed(5)
    face.reset()
    saved = face.get_state()
    before = json.dumps(saved, default=np.ndarray.tolist)
    for _ in range(100):
        face.step(np.zeros(COPIES, dtype=np.int64))
    assert json.dumps(saved, default=np.ndarray.tolist) == before
    face.set_state(saved)
    face.reset()
    assert json.dumps(saved, default=np.ndarray.tolist) == before


def test_returns_and_lengths_are_those_that_sb3s_monitor_finds(world):
    face, monitored = FunnelVecEnv(COPIES, world=world), VecMonitor(FunnelVecEnv(COPIES, world=world))
    rng, ended = np.random.default_rng(0), 0
    for env in (face, monitored):
        env.seed(1)
        env.reset()
    for _ in range(100):
        actions = rng.integers(0, face.action_space.n, COPIES)
        for ours, theirs in zip(face.step(actions)[3], monitored.step(actions)[3], strict=True):
            assert ("episode" in ours) == ("episode" in theirs)
            if "episode" in ours:
                ended += 1
                assert ours["episode"]["l"] == theirs["episode"]["l"]
                assert ours["episode"]["r"] == pytest.approx(theirs["episode"]["r"], abs=1e-3)
    assert ended > 10


# What is refused


def test_what_cannot_be_done_is_refused(world):
    single, vector, sb3 = FunnelEnv(world=world), FunnelVectorEnv(2, world=world), FunnelVecEnv(2, world=world)
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        FunnelEnv(world=world).step(0)
    single.reset(), vector.reset(), sb3.reset()
    beyond = single.action_space.n
    for action in (-1, beyond, 0.5):
        with pytest.raises(ValueError, match=f"choose one from 0 to {beyond - 1}"):
            single.step(action)
    for face in (vector, sb3):
        for actions in ([0, beyond], [-1, 0], [0], [0.5, 0], [[0, 0]]):
            with pytest.raises(ValueError, match=f"2 whole numbers from 0 to {beyond - 1}"):
                face.step(np.array(actions))
    for face in (single, vector):
        for customer in (-1, world.size()):
            with pytest.raises(ValueError, match="no such customer"):
                face.reset(options={"customer": customer})
        with pytest.raises(ValueError, match="the only one is 'customer'"):
            face.reset(options={"custmer": 1})
    with pytest.raises(ValueError, match="3 seeds for 2 copies"):
        vector.reset(seed=[1, 2, 3])
    with pytest.raises(ValueError, match="a state of 2 copies"):
        FunnelVecEnv(3, world=world).set_state(sb3.get_state())
    with pytest.raises(ValueError, match="max_steps of 1 or more"):
        FunnelEnv(world=world, max_steps=0)


def test_arguments_that_name_nothing_are_refused(tmp_path):
    with pytest.raises(ValueError, match="choose one of described, as_coded"):
        FunnelEnv("published", data=TWIN)
    with pytest.raises(ValueError, match="choose one of train, val, test"):
        FunnelEnv(part="dev", data=TWIN)
    with pytest.raises(DataError):
        FunnelEnv(data=tmp_path / "nothing.csv")
    with pytest.raises(ValueError, match="selects_features=True"):
        gymnasium.make(IDS[True], world=world_for(data=TWIN))
