"""The interfaces of a world: the contracts of their libraries, and that they go the same ways."""

import json
import warnings
from functools import cache

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env as gymnasium_check
from gymnasium.vector import SyncVectorEnv
from stable_baselines3.common.env_checker import check_env as sb3_check
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecMonitor

from crm_rl.data import customers as cached_customers
from crm_rl.data.load import TWIN
from crm_rl.data.problems import DataError
from crm_rl.worlds.base import MAX_STEPS, Action
from crm_rl.worlds.episodes import world_for
from crm_rl.worlds.gym_envs import FunnelEnv, FunnelVecEnv
from crm_rl.worlds.registry import WORLDS as MAKERS
from crm_rl.worlds.replay_settings import PARAMS
from crm_rl.worlds.responsive import FRESH, NO_CHANNEL, SPOKEN, WRITTEN

IDS = {False: "crm_rl/Funnel-v0", True: "crm_rl/FunnelSelection-v0"}
RESPONSIVE = [("smooth", False, "train"), ("smooth", True, "test"), ("rough", False, "all")]
WORLDS = [(setting, selection, part) for setting, selection in PARAMS for part in ("train", "test")] + RESPONSIVE
N_ENVS = 5


@cache
def customers():
    return cached_customers(TWIN)[0]


@cache
def parts(setting, selection):
    """Worlds by part, all of one reading of the twin."""
    return MAKERS[setting](setting, customers(), TWIN, selection)


def replay(setting="described", part="test", selection=False):
    return parts(setting, selection)[part]


@pytest.fixture(params=WORLDS, ids=lambda which: f"{which[0]}{', selection' * which[1]}, {which[2]}")
def which(request):
    return request.param


@pytest.fixture
def world(which):
    setting, selection, part = which
    return parts(setting, selection)[part]


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


def test_registered_and_to_both_checkers_content(which, world):
    env_id = IDS[which[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gymnasium.make(env_id, world=world)
        assert isinstance(env.unwrapped, FunnelEnv)
        gymnasium_check(env.unwrapped)
        sb3_check(env)
        envs = gymnasium.make_vec(env_id, num_envs=3, world=world)
        assert isinstance(envs.unwrapped, SyncVectorEnv)
        assert envs.reset(seed=0)[0] in envs.observation_space


@pytest.mark.parametrize("selection", IDS)
def test_an_id_and_names_find_the_world_of_an_export(selection):
    named = {"setting": "as_coded", "part": "val", "data": TWIN}
    found = world_for(**named, selection=selection)
    assert found.size() == replay("as_coded", "val").size() and found.params.selects_features == selection
    assert gymnasium.make(IDS[selection], **named).unwrapped.world is found
    assert all(one.unwrapped.world is found for one in gymnasium.make_vec(IDS[selection], 2, **named).unwrapped.envs)
    assert FunnelVecEnv(2, **named, selection=selection).world is found


def rollout(env: FunnelEnv, seed: int, steps: int = 50) -> list:
    actions = np.random.default_rng(99).integers(0, env.action_space.n, size=steps)
    history = [env.reset(seed=seed)]
    for action in actions:
        history.append(env.step(action))
        if history[-1][2] or history[-1][3]:
            history.append(env.reset())
    return history


def test_one_seed_one_history_and_another_seed_another(world):
    first, second = FunnelEnv(world=world), FunnelEnv(world=world)
    history = rollout(first, seed=1)
    np.random.seed(0)  # noqa: NPY002 the global state must not matter
    assert_same(history, rollout(second, seed=1))
    assert_same(history, rollout(first, seed=1))
    customers, others = ([entry[-1]["customer"] for entry in rollout(first, seed=seed)] for seed in (1, 2))
    assert customers != others


def test_every_observation_is_in_the_space(which, world):
    """Every customer's first one, and what is told of them."""
    setting, selection, _ = which
    env, people, everybody = FunnelEnv(world=world), world.population, np.arange(world.size())
    assert env.observation_space.shape == ((30,) if selection else (15,))
    assert env.action_space.n == (21 if selection else 6)
    states = world.start(everybody)
    observations, info = world.observe(states), world.info(states)
    low, high = env.observation_space.low, env.observation_space.high
    assert observations.dtype == np.float32 and ((low <= observations) & (observations <= high)).all()
    responsive = setting in ("smooth", "rough")
    begins = {"milestones": people.start, "fatigue": 0, "channel": NO_CHANNEL, "interest": FRESH} if responsive else {}
    told = {"customer": everybody, "mask": world.params.first_mask, **(begins or {"stage": people.stage})}
    assert info.keys() == told.keys()
    for name, values in told.items():
        np.testing.assert_array_equal(info[name], np.broadcast_to(values, world.size()))

    for customer in (0, world.size() - 1):
        observation, alone = env.reset(options={"customer": customer})
        np.testing.assert_array_equal(observation, observations[customer])
        assert observation in env.observation_space
        assert alone == {name: info[name][customer] for name in told} | {"subscribed": False}


def test_a_chosen_customer_draws_nobody(world):
    env, other = FunnelEnv(world=world), FunnelEnv(world=world)
    env.reset(seed=3)
    other.reset(seed=3)
    env.reset(options={"customer": 7})
    assert env.reset()[1]["customer"] == other.reset()[1]["customer"]


def endless() -> FunnelEnv:
    """Feature selection as coded, with a customer who never subscribes: no action of the firm ends the episode."""
    env = FunnelEnv(world=replay("as_coded", selection=True))
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
    chosen, cap = {"customer": customer}, {"world": world, "max_episode_steps": 3}
    toggle = np.full(2, 15)
    for env in (FunnelEnv(**cap), gymnasium.make(IDS[True], **cap)):
        env.reset(options=chosen)
        assert [env.step(15)[2:4] for _ in range(3)] == [(False, False), (False, False), (False, True)]
    envs = gymnasium.make_vec(IDS[True], num_envs=2, **cap)
    envs.reset(options=chosen)
    assert [envs.step(toggle)[3].tolist() for _ in range(3)] == [[False] * 2, [False] * 2, [True] * 2]
    sb3 = FunnelVecEnv(2, **cap)
    sb3.set_options(chosen)
    sb3.reset()
    assert [sb3.step(toggle)[2].tolist() for _ in range(3)] == [[False] * 2, [False] * 2, [True] * 2]
    for own in (None, -1):  # Gymnasium's make takes -1 for no cap of one's own
        assert FunnelVecEnv(2, world=world, max_episode_steps=own).episodes.max_episode_steps == MAX_STEPS


@pytest.mark.parametrize("ending", ["termination", "truncation"])
def test_no_step_after_the_end(ending):
    """Who subscribes in the first step, or who never does, cut off in the second one."""
    world = replay("as_coded")
    people = world.population
    subscribes = people.subscribed & (people.stage == 6) if ending == "termination" else ~people.subscribed
    env = FunnelEnv(world=world, max_episode_steps=2)
    for _ in range(2):
        env.reset(options={"customer": int(np.flatnonzero(subscribes)[0])})
        steps = 0
        while (flags := env.step(Action.WAIT)[2:4]) != (ending == "termination", ending == "truncation"):
            assert flags == (False, False) and (steps := steps + 1) < 2
        for _ in range(2):
            with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
                env.step(Action.WAIT)
    env.reset()
    env.step(Action.WAIT)


def test_no_step_before_the_first_reset(world):
    zeros = np.zeros(2, dtype=np.int64)
    for env, action in ((FunnelEnv(world=world), 0), (FunnelVecEnv(2, world=world), zeros)):
        with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
            env.step(action)
        env.reset()
        for _ in range(25 if hasattr(env, "num_envs") else 1):
            env.step(action)  # where an episode ends, the next begins by itself


def test_a_generator_of_ones_own_draws_from_the_next_reset_on(world):
    env, seeded = FunnelEnv(world=world), FunnelEnv(world=world)
    env.reset(seed=1)
    env.np_random = np.random.default_rng(8)
    came = [env.reset()[1]["customer"] for _ in range(100)]
    assert came == [seeded.reset(seed=8 if first else None)[1]["customer"] for first in [True] + [False] * 99]


def test_workers_that_begin_empty_find_the_id_by_its_module():
    """What a spawned process has not imported, it has not registered; the module before the colon makes it import."""
    name, one = f"crm_rl.worlds.gym_envs:{IDS[False]}", replay("as_coded", "val")
    workers = SubprocVecEnv([lambda: gymnasium.make(name, world=one)], start_method="spawn")
    try:
        workers.seed(3)
        np.testing.assert_array_equal(workers.reset()[0], FunnelEnv(world=one).reset(seed=3)[0])
    finally:
        workers.close()


def test_a_subscription_in_the_last_step_is_no_truncation():
    """Who has a manager on record and is below stage 4 subscribes when one is assigned, here in the tenth step."""
    world = replay("as_coded")
    people = world.population
    customer = int(np.flatnonzero(people.subscribed & people.reached[:, 4] & (people.stage < 4))[0])
    actions = [Action.WAIT] * 9 + [Action.MANAGER]
    single, sb3 = interfaces(world=world)
    single.reset(options={"customer": customer})
    sb3.set_options({"customer": customer})
    sb3.reset()
    for action in actions:
        alone, for_sb3 = single.step(action), sb3.step(np.full(2, action))
    assert alone[2:4] == (True, False)
    assert [info["TimeLimit.truncated"] for info in for_sb3[3]] == [False, False]
    assert [info["is_success"] for info in for_sb3[3]] == [True, True]


def test_ansi_tells_the_journey():
    env = FunnelEnv(world=replay("as_coded", selection=True), render_mode="ansi")
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
    assert FunnelEnv(world=env.world).render() is None


def patient(setting, selection=False):
    """A responsive world in which no customer is lost."""
    world = replay(setting, selection=selection)
    return world._replace(params=world.params._replace(opt_out=(0.0, 0.0, 0.0)))


def test_a_responsive_journey_in_words():
    env = FunnelEnv(world=patient("smooth", selection=True), render_mode="ansi")
    outbound = int(np.flatnonzero(env.world.population.inbound == 0)[0])
    env.reset(seed=0, options={"customer": outbound})
    env.step(12)
    env.step(15 + Action.EMAIL)
    lines = env.render().splitlines()
    assert lines[0] == f"customer {outbound}, outbound, at arrival: nothing"
    assert lines[1:] == ["  1. show Country_Standing: -1.00", "  2. email: -0.10"]


def test_what_is_told_of_a_responsive_week():
    env = FunnelEnv(world=patient("rough"))
    told = env.reset(seed=0)[1]
    weeks = ((Action.EMAIL, WRITTEN, 1), (Action.CALL, SPOKEN, 2), (Action.WAIT, NO_CHANNEL, 1))
    for action, channel, fatigue in weeks:
        before = told
        seen, _, _, _, told = env.step(action)
        cooler = max(0, before["interest"] - 1)
        assert told["interest"] == (FRESH if told["milestones"] != before["milestones"] else cooler)
        assert (told["channel"], told["fatigue"]) == (channel, fatigue)
        assert seen[2] == fatigue / 2 and seen[6] == told["interest"] / 2


# The interfaces together


def test_the_sb3_environment_goes_as_single_ones_side_by_side(world):
    one_by_one = DummyVecEnv([lambda: FunnelEnv(world=world)] * N_ENVS)
    together = FunnelVecEnv(N_ENVS, world=world)
    assert together.observation_space == one_by_one.observation_space
    assert together.action_space == one_by_one.action_space
    rng = np.random.default_rng(0)
    for seed in (3, None):
        for env in (one_by_one, together):
            if seed is not None:
                env.seed(seed)
        assert_same(one_by_one.reset(), together.reset())
        for _ in range(120):
            actions = rng.integers(0, together.action_space.n, N_ENVS)
            (*left, left_infos), (*right, right_infos) = one_by_one.step(actions), together.step(actions)
            assert_same(left, right)
            for done, info, other in zip(left[2], left_infos, right_infos, strict=True):
                if done:
                    for name in ("terminal_observation", "TimeLimit.truncated", "customer", "subscribed"):
                        np.testing.assert_array_equal(info[name], other[name])
                else:
                    assert other == {}


def test_chosen_customers_come_in_every_interface(world):
    single, sb3 = interfaces(3, world=world)
    chosen = [4, 1, 10]
    alone = [single.reset(options={"customer": customer})[0] for customer in chosen]
    sb3.set_options([{"customer": customer} for customer in chosen])
    np.testing.assert_array_equal(sb3.reset(), alone)
    sb3.set_options({"customer": 4})
    np.testing.assert_array_equal(sb3.reset(), [alone[0]] * 3)


def test_a_reset_changes_nothing_handed_out_before(world):
    env = FunnelVecEnv(3, world=world)
    before = env.reset()
    copy = json.dumps(before, default=np.ndarray.tolist)
    for _ in range(30):
        env.reset()
        env.step(np.zeros(3, dtype=np.int64))
    assert json.dumps(before, default=np.ndarray.tolist) == copy


# For stable-baselines3


def test_returns_and_lengths_are_those_that_sb3s_monitor_finds(world):
    env, monitored = FunnelVecEnv(N_ENVS, world=world), VecMonitor(FunnelVecEnv(N_ENVS, world=world))
    rng, ended = np.random.default_rng(0), 0
    for each in (env, monitored):
        each.seed(1)
        each.reset()
    for _ in range(100):
        actions = rng.integers(0, env.action_space.n, N_ENVS)
        for ours, theirs in zip(env.step(actions)[3], monitored.step(actions)[3], strict=True):
            assert ("episode" in ours) == ("episode" in theirs)
            if "episode" in ours:
                ended += 1
                assert ours["episode"]["l"] == theirs["episode"]["l"]
                assert ours["episode"]["r"] == pytest.approx(theirs["episode"]["r"], abs=1e-3)
    assert ended > 10


# What is refused


def interfaces(n=2, **which):
    return FunnelEnv(**which), FunnelVecEnv(n, **which)


def test_actions_that_are_none_are_refused(world):
    single, sb3 = interfaces(world=world)
    single.reset(), sb3.reset()
    beyond = single.action_space.n
    for action in (-1, beyond, 0.5, 1.0, np.float64(1), np.nan, True, np.True_, np.array([1]), "1", None):
        with pytest.raises(ValueError, match=f"choose one from 0 to {beyond - 1}"):
            single.step(action)
    for actions in ([0, beyond], [-1, 0], [0], [0.5, 0], [[0, 0]], [True, False], [1.0, 2.0], ["0", "1"], 0):
        with pytest.raises(ValueError, match=f"2 whole numbers from 0 to {beyond - 1}"):
            sb3.step(np.array(actions))


@pytest.mark.parametrize("action", [1, np.int64(1), np.uint8(1), np.array(1), Action.CALL], ids=repr)
def test_a_whole_number_is_an_action_whatever_its_kind(action):
    world, chosen = replay(), {"customer": 5}
    env, other = FunnelEnv(world=world, render_mode="ansi"), FunnelEnv(world=world, render_mode="ansi")
    env.reset(options=chosen), other.reset(options=chosen)
    assert_same(env.step(action), other.step(1))
    assert env.render() == other.render()


@pytest.mark.parametrize(
    "customer", [3.7, 3.0, np.nan, np.inf, True, np.True_, "3", [], [1, 2, 3], [[1, 2]], [1, True]]
)
def test_a_customer_that_is_no_place_is_refused_and_nothing_begins(customer):
    single, sb3 = interfaces(world=replay())
    sb3.set_options({"customer": customer})
    for reset in (lambda: single.reset(seed=1, options={"customer": customer}), sb3.reset):
        with pytest.raises(ValueError, match="is no place. Remedy: one whole number"):
            reset()
    for env in (single, sb3):
        assert not env.episodes.running.any()


def test_a_place_beyond_the_customers_is_refused(world):
    single, sb3 = interfaces(world=world)
    for customer in (-1, world.size(), 2**70, np.int64(-3)):
        with pytest.raises(ValueError, match=f"choose places from 0 to {world.size() - 1}"):
            single.reset(options={"customer": customer})
        sb3.set_options([{}, {"customer": customer}])
        with pytest.raises(ValueError, match="no such customer"):
            sb3.reset()


@pytest.mark.parametrize("options, said", [({"custmer": 1}, "the only one is 'customer'"), ([3], "no dictionary")])
def test_other_options_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        FunnelEnv(world=replay()).reset(options=options)


@pytest.mark.parametrize("seed", [-1, 1.5, 2.0, True, "1", np.nan, np.int64(-2)], ids=repr)
def test_what_is_no_seed_is_refused_as_gymnasium_does(seed):
    single, sb3 = interfaces(world=replay())
    sb3._seeds = [seed, None]
    for reset in (lambda: single.reset(seed=seed), sb3.reset):
        with pytest.raises(gymnasium.error.Error, match="is no seed. Remedy: a whole number"):
            reset()


def test_seeds_of_numpy_are_seeds():
    env = FunnelEnv(world=replay())
    assert_same(env.reset(seed=np.int64(7)), env.reset(seed=7))


@pytest.mark.parametrize("mode", ["human", "rgb_array"])
def test_a_render_mode_that_is_none_is_refused(mode):
    world = replay()
    with pytest.raises(ValueError, match="Remedy: None or 'ansi'"):
        FunnelEnv(world=world, render_mode=mode)
    for wrong in (mode, "ansi"):
        with pytest.raises(ValueError, match="Remedy: None"):
            FunnelVecEnv(2, world=world, render_mode=wrong)


@pytest.mark.parametrize("number", [0, -2, 1.5, True, np.nan], ids=repr)
def test_numbers_of_steps_and_environments_are_counted(number):
    world = replay()
    for kind in (FunnelEnv, FunnelVecEnv):
        with pytest.raises(ValueError, match="max_episode_steps of 1 or more"):
            kind(world=world, max_episode_steps=number)
    with pytest.raises(ValueError, match="num_envs of 1 or more"):
        FunnelVecEnv(number, world=world)


def test_arguments_that_name_nothing_are_refused(tmp_path):
    with pytest.raises(ValueError, match="choose one of described, as_coded"):
        FunnelEnv("published", data=TWIN)
    with pytest.raises(ValueError, match="choose one of train, val, test"):
        FunnelEnv(part="dev", data=TWIN)
    with pytest.raises(DataError):
        FunnelEnv(data=tmp_path / "nothing.csv")
    with pytest.raises(ValueError, match="selects_features=True"):
        gymnasium.make(IDS[True], world=replay())
