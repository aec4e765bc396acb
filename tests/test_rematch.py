"""The learners of the rematch: each finds an optimum known by hand, and its parts do what they say."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from crm_rl.funnel import N_ACTIONS, Action
from crm_rl.planning import all_observations, best_of, evaluate, optimal
from crm_rl.rematch import SEEDS, Job, case_of, plan, record, run, run_job
from crm_rl.rematch_dqn import PLAIN, TUNED, Network, Replay, Settings, epsilon_greedy, q_values, train_network, update
from crm_rl.rematch_tables import DIAL, probabilities, told, train_table
from crm_rl.rematch_tables import Settings as TableSettings
from crm_rl.responsive import BASELINE, N_EVENTS, N_PATTERNS, SUBSCRIPTION, Population
from crm_rl.responsive_worlds import ResponsiveWorld

CALLS = tuple(tuple(float(a == Action.CALL and e == SUBSCRIPTION) for e in range(N_EVENTS)) for a in range(N_ACTIONS))

#: Two weeks; a call doubles the chance of a subscription for some, and does nothing for the others.
TWO_WEEKS = BASELINE._replace(
    weeks=2, lift=1.0, organic=0.0, drives=CALLS, action_cost=(1.0,) * 4 + (0.0, 1.0), value=100.0, opt_out=0.0
)


@pytest.fixture
def world() -> ResponsiveWorld:
    """Two kinds of customers, told apart by their country: only the first listen to calls."""
    affinity = np.ones((2, N_ACTIONS))
    affinity[1, Action.CALL] = 0.0
    quiet = np.full((2, N_PATTERNS, N_EVENTS), np.log(0.9))
    quiet[:, :, :SUBSCRIPTION] = 0.0  # no milestone ever happens
    nothing = np.zeros(2, dtype=np.int64)
    people = Population(nothing, np.array([0.1, 0.9]), np.array([0.5, 0.5]), nothing, affinity, quiet)
    return ResponsiveWorld(people, TWO_WEEKS._replace(expected_reward=True), 0.0, np.arange(2))


def value_of(probabilities: np.ndarray, world: ResponsiveWorld) -> np.ndarray:
    return evaluate(probabilities, world.population, world.rules).at_start(world.population)


def test_the_optimum_by_hand(world):
    assert optimal(world.population, world.rules).at_start(world.population) == pytest.approx([32.58, 19.0])


def test_a_table_that_is_told_enough_finds_it_and_one_that_is_not_does_not(world):
    best = optimal(world.population, world.rules).at_start(world.population)
    learned = {}
    for setting in ("episode only", "+ country x bootcamp"):
        table = train_table(world, setting, TableSettings(), 50_000, seed=0)
        learned[setting] = value_of(probabilities(table, world.population, setting), world)
    np.testing.assert_allclose(learned["+ country x bootcamp"], best)
    assert learned["episode only"].sum() < best.sum() - 0.5


def test_a_group_never_met_gets_any_action(world):
    table = train_table(world, "+ country x bootcamp", TableSettings(), 2_000, seed=0)
    stranger = world.population._replace(country=np.array([0.1, 0.4]))
    chances = probabilities(table, stranger, "+ country x bootcamp")
    assert (chances[1] == 1 / N_ACTIONS).all() and chances[0, 0, 0, 0].max() == 1


def test_one_seed_gives_the_same_bytes(world):
    tables = [train_table(world, "episode only", TableSettings(), 5_000, seed) for seed in (3, 3, 4)]
    assert tables[0].q.tobytes() == tables[1].q.tobytes() != tables[2].q.tobytes()
    settings = Settings(hidden=(16,), copies=8, learning_starts=100)
    networks = [train_network(world, settings, 2_000, seed).state_dict() for seed in (3, 3, 4)]
    same, other = ([bool(torch.equal(networks[0][name], net[name])) for name in net] for net in networks[1:])
    assert all(same) and not any(other)


def test_every_setting_of_the_dial_tells_more_than_the_one_before(world):
    rng = np.random.default_rng(0)
    people = world.population._replace(
        inbound=rng.integers(0, 2, 300), country=rng.random(300), bootcamp=rng.random(300)
    )
    groups = [len(np.unique(told(people, setting), axis=0)) for setting in DIAL]
    assert groups[0] == 1 and groups == sorted(set(groups))


@pytest.mark.parametrize(
    "change", [{}, {"double": True}, {"dueling": True}, {"n_step": 2}, {"relative": True}], ids=lambda c: ", ".join(c)
)
def test_a_network_finds_the_optimum_with_every_improvement(world, change):
    settings = Settings(hidden=(32,), copies=16, steps_per_update=8, dollars=30.0, target_every=200)._replace(**change)
    network = train_network(world, settings, 40_000, seed=1)
    q = q_values(network, all_observations(world.population, world.rules), settings)
    shape = (2, 2, N_PATTERNS, world.rules.most_contacts + 1, N_ACTIONS)
    best = optimal(world.population, world.rules).at_start(world.population)
    assert value_of(best_of(q.reshape(shape)), world).sum() > 0.97 * best.sum()


def test_n_steps_stop_at_the_end_of_an_episode_and_at_the_newest_row():
    replay = Replay(Settings(copies=1, buffer_size=6), inputs=1)
    ends = (0, 0, 1, 0)
    for i, end in enumerate(ends):
        replay.add(np.full((1, 1), i), np.zeros(1), np.full(1, 10.0**i), np.full((1, 1), i + 1), np.full(1, end))
    batch = replay.sample(200, 3, np.random.default_rng(0))
    found = {
        int(seen): (float(reward), int(after), int(end)) for seen, _, reward, after, end in zip(*batch, strict=True)
    }
    assert found == {0: (111, 3, 1), 1: (110, 3, 1), 2: (100, 3, 1), 3: (1000, 4, 0)}


def test_n_steps_do_not_cross_from_the_newest_row_to_the_oldest():
    replay = Replay(Settings(copies=1, buffer_size=4), inputs=1)
    for i in range(6):
        replay.add(np.full((1, 1), i), np.zeros(1), np.full(1, float(i)), np.full((1, 1), i + 1), np.zeros(1))
    batch = replay.sample(200, 3, np.random.default_rng(0))
    found = {int(seen): (float(reward), int(after)) for seen, _, reward, after, _ in zip(*batch, strict=True)}
    assert found == {2: (9, 5), 3: (12, 6), 4: (9, 6), 5: (5, 6)}


def one_state(settings: Settings, rewards: list[float]) -> float:
    """What a network learns for one state and action that ends with one of these rewards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, target = Network(1, 2, settings), Network(1, 2, settings)
    optimizer, n = torch.optim.Adam(network.parameters(), lr=0.01), len(rewards)
    seen, ones = torch.ones((n, 1)), torch.ones(n)
    batch = (seen, torch.zeros(n, dtype=torch.int64), torch.tensor(rewards), seen, ones)
    for _ in range(1_500):
        update(network, target, optimizer, batch, settings)
    return network(seen[:1])[0, 0].item()


def test_the_squared_error_learns_the_mean_and_huber_does_not():
    rewards = [0.0, 0.0, 0.0, 100.0]
    assert one_state(Settings(hidden=(8,)), rewards) == pytest.approx(25, abs=0.5)
    assert one_state(Settings(hidden=(8,), relative=True), rewards) == pytest.approx(25, abs=0.5)
    assert one_state(Settings(hidden=(8,), huber=True), rewards) == pytest.approx(1 / 3, abs=0.1)


def test_dueling_is_value_plus_what_an_action_adds():
    network = Network(3, N_ACTIONS, Settings(hidden=(8,), dueling=True))
    seen = torch.rand((5, 3))
    torch.testing.assert_close(network(seen).mean(dim=1, keepdim=True), network.value(network.body(seen)))


def test_exploring_is_as_frequent_as_epsilon_says():
    network = Network(1, N_ACTIONS, Settings(hidden=(8,)))
    seen, rng = np.ones((6_000, 1), dtype=np.float32), np.random.default_rng(0)
    best = network(torch.from_numpy(seen)).argmax(dim=1).numpy()
    assert (epsilon_greedy(network, seen, 0.0, rng) == best).all()
    assert (epsilon_greedy(network, seen, 0.6, rng) == best).mean() == pytest.approx(0.4 + 0.6 / 6, abs=0.02)


@pytest.fixture(scope="module")
def twin_jobs(twin) -> list[Job]:
    return plan(twin)


def test_no_two_jobs_share_a_file(twin_jobs, tmp_path):
    assert len({job.file(tmp_path) for job in twin_jobs}) == len(twin_jobs) == len(set(twin_jobs))
    whole = [job for job in twin_jobs if job.steps == 1_000_000 and job.learner in ("plain", "tuned")]
    assert len(whole) == 2 * 2 * SEEDS, "where the verdict hangs, every seed has every step"


def test_a_job_is_judged_exactly_and_done_once(twin, tmp_path):
    job = Job(str(twin), "smooth", "table: + inbound", 2_000, 0)
    result = run_job(job, tmp_path)
    case = case_of(str(twin), "smooth", "test")
    scores = case.scores(np.array(result["values"]))
    assert scores["gain"] == pytest.approx(result["gain_test"], abs=1e-4)
    assert scores["money"] == pytest.approx(result["money_test"], rel=1e-4)
    assert case.scores(case.best)["gain"] == 1 and case.scores(case.waiting)["gain"] == 0
    job.file(tmp_path).write_text(json.dumps(result | {"gain_test": "from the file"}))
    assert run_job(job, tmp_path)["gain_test"] == "from the file"


def test_a_record_has_a_row_a_job_and_the_values_beside_it(twin, tmp_path):
    jobs = [Job(str(twin), "rough", "table: episode only", 1_000, seed) for seed in range(2)]
    files = record("spring", run(jobs, tmp_path, workers=1), {"input_sha256": "..."}, tmp_path / "out")
    rows, values = pd.read_csv(files[0]), pd.read_csv(files[1], header=None)
    assert len(rows) == len(values) == 2 and rows["seed"].tolist() == [0, 1]
    assert not set(rows) & {"data", "values"}, "no path of this machine goes into a record"
    assert values.shape[1] == len(case_of(str(twin), "rough", "test").best)


def test_plain_is_chapter_6s_and_tuned_is_not():
    assert PLAIN.huber and not (PLAIN.double or PLAIN.dueling or PLAIN.relative) and PLAIN.n_step == 1
    assert not TUNED.huber
