"""The learners of the rematch: each finds an optimum known by hand, and its parts do what they say."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from crm_rl.agents.responsive_tables import Settings as TableSettings
from crm_rl.agents.responsive_tables import probabilities, train_table

from crm_rl.agents.dqn import (
    CHAPTER_6,
    TUNED,
    Networks,
    Replay,
    Settings,
    epsilon_greedy,
    in_time,
    q_values,
    train_networks,
    update,
)
from crm_rl.agents.dqn_settings import DESCRIBED
from crm_rl.cli import main
from crm_rl.evaluation.gain import FOLDS, folds_of, judges_of
from crm_rl.experiments.comparison import (
    NETWORKS,
    SEEDS,
    SIDE_BY_SIDE,
    TABLES,
    TUNING_SEEDS,
    Job,
    known,
    record,
    run,
    run_job,
    train_world,
)
from crm_rl.experiments.comparison_plan import plan
from crm_rl.experiments.runner import RESULTS
from crm_rl.planning.exact import all_observations, best_of, evaluate, optimal
from crm_rl.worlds.attributes import RESOLUTIONS, abstract
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import BASELINE, N_EVENTS, N_PATTERNS, SUBSCRIPTION, Population
from crm_rl.worlds.responsive_world import DEAL_SEED, ResponsiveWorld, subset

CALLS = tuple(tuple(float(a == Action.CALL and e == SUBSCRIPTION) for e in range(N_EVENTS)) for a in range(N_ACTIONS))

#: Two weeks; a call doubles the chance of a subscription for some, and does nothing for the others.
TWO_WEEKS = BASELINE._replace(
    weeks=2, lift=1.0, organic=0.0, drives=CALLS, action_cost=(1.0,) * 4 + (0.0, 1.0), value=100.0, opt_out=0.0
)


@pytest.fixture
def world() -> ResponsiveWorld:
    """Two kinds of customers, abstract apart by their country: only the first listen to calls."""
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
        table = train_table(world, setting, TableSettings(), 200_000, seed=0)
        learned[setting] = value_of(probabilities(table, world.population, setting), world)
    np.testing.assert_allclose(learned["+ country x bootcamp"], best)
    assert learned["episode only"].sum() < best.sum() - 0.5


def test_a_group_never_met_gets_any_action(world):
    table = train_table(world, "+ country x bootcamp", TableSettings(), 2_000, seed=0)
    stranger = world.population._replace(country=np.array([0.1, 0.4]))
    chances = probabilities(table, stranger, "+ country x bootcamp")
    assert (chances[1] == 1 / N_ACTIONS).all() and chances[0, 0, 0, 0].max() == 1
    email = np.eye(N_ACTIONS)[Action.EMAIL]
    answered = probabilities(table, stranger, "+ country x bootcamp", unknown=email)
    assert (answered[1] == email).all() and (answered[0, 0, 0, 0] == chances[0, 0, 0, 0]).all()
    never = chances[0] == 1 / N_ACTIONS
    assert (answered[0][never.all(axis=-1)] == email).all() and never.all(axis=-1).any()


def test_one_seed_gives_the_same_bytes(world):
    tables = [train_table(world, "episode only", TableSettings(), 5_000, seed) for seed in (3, 3, 4)]
    assert tables[0].q.tobytes() == tables[1].q.tobytes() != tables[2].q.tobytes()
    settings = Settings(hidden=(16,), copies=8, learning_starts=100)
    same, again, other = (weights(train_networks([world] * 2, settings, 2_000, [seed, 9])) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(same, again, strict=True))
    assert not any(torch.equal(a[0], b[0]) for a, b in zip(same, other, strict=True))
    assert all(torch.equal(a[1], b[1]) for a, b in zip(same, other, strict=True)), "nobody minds who learns beside him"


def test_training_leaves_the_arithmetic_of_the_process_alone(world):
    train_networks([world] * 2, Settings(hidden=(4,), copies=8), 800, [0, 1])
    assert torch.tensor([1e-40]).mul(0.5).item() > 0 and np.float32(1e-40) * np.float32(0.5) > 0


def weights(networks: Networks) -> list[torch.Tensor]:
    return list(networks.parameters())


def test_each_seed_learns_in_its_own_world(world):
    deaf = world._replace(population=world.population._replace(affinity=np.zeros((2, N_ACTIONS))))
    settings = Settings(hidden=(16,), copies=16, steps_per_update=8, dollars=30.0)
    networks = train_networks([world, deaf], settings, 20_000, [1, 2])
    first = [q_values(networks, place, seen_at_start(world), settings)[0] for place in (0, 1)]
    assert first[0].argmax() == Action.CALL and first[1].argmax() == Action.WAIT


def seen_at_start(world: ResponsiveWorld) -> np.ndarray:
    return world.observe(world.start(np.array([0])))


def test_every_setting_of_the_dial_tells_more_than_the_one_before(world):
    rng = np.random.default_rng(0)
    people = world.population._replace(
        inbound=rng.integers(0, 2, 300), country=rng.random(300), bootcamp=rng.random(300)
    )
    groups = [len(np.unique(abstract(people, setting), axis=0)) for setting in RESOLUTIONS]
    assert groups[0] == 1 and groups == sorted(set(groups))


@pytest.mark.parametrize(
    "change", [{}, {"double": True}, {"dueling": True}, {"n_step": 2}, {"relative": 0.3}], ids=lambda c: ", ".join(c)
)
def test_a_network_finds_the_optimum_with_every_improvement(world, change):
    settings = Settings(hidden=(32,), copies=16, steps_per_update=8, dollars=30.0, target_every=200)._replace(**change)
    networks = train_networks([world] * 2, settings, 40_000, [1, 2])
    q = q_values(networks, 0, all_observations(world.population, world.rules), settings)
    shape = (2, 2, N_PATTERNS, world.rules.most_contacts + 1, N_ACTIONS)
    best = optimal(world.population, world.rules).at_start(world.population)
    assert value_of(best_of(q.reshape(shape)), world).sum() > 0.97 * best.sum()


def one_step(seen: float, reward: float, end: int) -> tuple[np.ndarray, ...]:
    """A step of one copy of one seed: what was seen, action, reward, what was seen then, end."""
    grid = np.ones((1, 1))
    return seen * grid[..., None], 0 * grid, reward * grid, (seen + 1) * grid[..., None], end * grid


def test_n_steps_stop_at_the_end_of_an_episode_and_at_the_newest_row():
    replay = Replay(Settings(copies=1, buffer_size=6), inputs=1, seeds=1)
    ends = (0, 0, 1, 0)
    for i, end in enumerate(ends):
        replay.add(*one_step(i, 10.0**i, end))
    batch = [part[0] for part in replay.sample(200, 3, [np.random.default_rng(0)])]
    found = {
        int(seen): (float(reward), int(after), int(end)) for seen, _, reward, after, end in zip(*batch, strict=True)
    }
    assert found == {0: (111, 3, 1), 1: (110, 3, 1), 2: (100, 3, 1), 3: (1000, 4, 0)}


def test_n_steps_do_not_cross_from_the_newest_row_to_the_oldest():
    replay = Replay(Settings(copies=1, buffer_size=4), inputs=1, seeds=1)
    for i in range(6):
        replay.add(*one_step(i, float(i), 0))
    batch = [part[0] for part in replay.sample(200, 3, [np.random.default_rng(0)])]
    found = {int(seen): (float(reward), int(after)) for seen, _, reward, after, _ in zip(*batch, strict=True)}
    assert found == {2: (9, 5), 3: (12, 6), 4: (9, 6), 5: (5, 6)}


def one_state(settings: Settings, rewards: list[float]) -> float:
    """What a network learns for one state and action that ends with one of these rewards."""
    networks, target = (Networks(1, 2, settings, seeds=[0]) for _ in range(2))
    optimizer, n = torch.optim.Adam(networks.parameters(), lr=0.01), len(rewards)
    seen, ones = torch.ones((1, n, 1)), torch.ones((1, n))
    batch = (seen, torch.zeros((1, n), dtype=torch.int64), torch.tensor([rewards]), seen, ones)
    for _ in range(1_500):
        update(networks, target, optimizer, batch, settings)
    return networks(seen[:, :1])[0, 0, 0].item()


def test_the_squared_error_learns_the_mean_and_huber_does_not():
    rewards = [0.0, 0.0, 0.0, 100.0]
    assert one_state(Settings(hidden=(8,)), rewards) == pytest.approx(25, abs=0.5)
    assert one_state(Settings(hidden=(8,), relative=0.3), rewards) == pytest.approx(25, abs=0.5)
    assert one_state(Settings(hidden=(8,), huber=True), rewards) == pytest.approx(1 / 3, abs=0.1)


def test_dueling_is_value_plus_what_an_action_adds():
    networks = Networks(3, N_ACTIONS, Settings(hidden=(8,), dueling=True), seeds=[0, 1])
    seen = torch.rand((2, 5, 3))
    value = networks.value(torch.relu(networks.body[0](seen)))
    torch.testing.assert_close(networks(seen).mean(dim=2, keepdim=True), value)


def test_exploring_is_as_frequent_as_epsilon_says():
    networks = Networks(1, N_ACTIONS, Settings(hidden=(8,)), seeds=[0])
    seen, rngs = np.ones((1, 6_000, 1), dtype=np.float32), [np.random.default_rng(0)]
    best = networks(torch.from_numpy(seen)).argmax(dim=2).numpy()
    assert (epsilon_greedy(networks, seen, 0.0, rngs) == best).all()
    assert (epsilon_greedy(networks, seen, 0.6, rngs) == best).mean() == pytest.approx(0.4 + 0.6 / 6, abs=0.02)


@pytest.fixture(scope="module")
def twin_jobs(twin) -> list[Job]:
    return plan(twin)


def test_no_two_jobs_share_a_file(twin_jobs, tmp_path):
    assert len({job.file(tmp_path) for job in twin_jobs}) == len(set(twin_jobs)) == len(twin_jobs)
    other_world = [job._replace(lift=9.0).file(tmp_path) for job in twin_jobs[:1]]
    assert other_world[0] != twin_jobs[0].file(tmp_path)


def test_every_seed_runs_where_the_verdict_hangs(twin_jobs):
    data = twin_jobs[0].data
    for learner in ("tuned", *TABLES):
        whole = Job(data, "smooth", learner, 1_000_000, SEEDS)
        runs = [seed for job in twin_jobs if job._replace(seeds=SEEDS) == whole for seed in job.seeds]
        assert runs == list(SEEDS) and len(SEEDS) == 20


def test_tuning_has_seeds_of_its_own(twin_jobs):
    assert not set(TUNING_SEEDS) & set(SEEDS)
    assert max(len(job.seeds) for job in twin_jobs if job.learner in NETWORKS) <= SIDE_BY_SIDE


def test_the_constants_of_the_world_name_the_file(twin, tmp_path, monkeypatch):
    job = Job(str(twin), "smooth", "waiting", 0, (0,))
    before = job.file(tmp_path)
    monkeypatch.setattr("crm_rl.experiments.comparison.FOCUS", 4.0)
    assert job.file(tmp_path) != before


def test_a_job_is_judged_exactly_and_done_once(twin, tmp_path):
    job = Job(str(twin), "smooth", "table: + inbound", 2_000, (0, 1))
    first, second = run_job(job, tmp_path)
    case = judges_of(str(twin), "smooth", "test", BASELINE, DEAL_SEED)
    scores = case.scores(np.array(first["values"]))
    assert scores["gain"] == pytest.approx(first["gain_test"], abs=1e-4)
    assert scores["money"] == pytest.approx(first["money_test"], rel=1e-4)
    assert first["gain_test"] != second["gain_test"] and (first["seed"], second["seed"]) == (0, 1)
    assert case.scores(case.best)["gain"] == 1 and case.scores(case.waiting)["gain"] == 0
    job.file(tmp_path).write_text(json.dumps([first | {"gain_test": "from the file"}, second]))
    assert run_job(job, tmp_path)[0]["gain_test"] == "from the file"


def test_a_kind_stands_for_all_customers_of_it(twin):
    data = str(twin)
    case = judges_of(data, "rough", "test", BASELINE, 3)
    world = train_world(Job(data, "rough", "waiting", 0, (3,)), 3)
    assert case.counts.sum() == pytest.approx(world.size() * 0.15 / 0.7, rel=0.01)
    assert set(np.unique(case.folds)) == set(range(FOLDS))
    fold = case.scores(case.best, fold=2)
    assert fold["gain"] == 1 and fold["money"] != pytest.approx(case.scores(case.best)["money"])


def test_strangers_are_never_met_in_training(twin):
    data = str(twin)
    job = Job(data, "smooth", "waiting", 0, (7,), strangers=True)
    everybody = train_world(job._replace(strangers=False), 7)
    others = train_world(job, 7)
    assert 0.6 < others.size() / everybody.size() < 0.95
    sizes = np.bincount(folds_of(data))
    assert len(sizes) == FOLDS and sizes.max() - sizes.min() <= 1
    look = [np.column_stack([w.population.country, w.population.bootcamp]) for w in (others, everybody)]
    judged = judges_of(data, "smooth", "test", BASELINE, DEAL_SEED)
    strangers = subset(judged.people, judged.folds == job.fold(7))
    strange = np.column_stack([strangers.country, strangers.bootcamp])
    met = [(strange[:, None] == rows[None]).all(axis=2).any(axis=1).mean() for rows in look]
    assert met[0] < 0.2 < 0.8 < met[1], "but for pairs of countries that stand alike"


def test_a_record_has_a_row_a_run_and_the_values_beside_it(twin, tmp_path):
    jobs = [Job(str(twin), "rough", "table: episode only", 1_000, (0, 1))]
    files = record("spring", jobs, run(jobs, tmp_path, workers=1), {"date": "..."}, tmp_path / "out")
    rows, values, kinds = (pd.read_csv(file, header=None if "values" in file.name else 0) for file in files[:3])
    assert len(rows) == len(values) == 2 and rows["seed"].tolist() == [0, 1]
    assert not set(rows) & {"data", "values"}, "no path of this machine goes into a record"
    assert values.shape[1] == len(kinds)
    source = json.loads(files[3].read_text())
    assert source["rules"]["lift"] == 10 and source["learners"]["tuned"]["double"] and "spring" not in source


def test_the_command_records_an_export_of_ones_own_away_from_the_books_record(twin, tmp_path, monkeypatch, capsys):
    mine = tmp_path / "mine.csv"
    mine.write_bytes(twin.read_bytes() + b"\n")  # another checksum
    monkeypatch.setattr(
        "crm_rl.experiments.comparison.plan", lambda data: [Job(str(data), "smooth", "waiting", 0, (0,))]
    )
    assert main(["rematch", "--data", str(mine), "--work", str(tmp_path / "work"), "--workers", "1"]) == 0
    names = {"rematch_mine.csv", "rematch_mine.json", "rematch_mine_kinds.csv", "rematch_mine_values.csv"}
    assert {file.name for file in (tmp_path / "work" / "results").iterdir()} == names
    assert not list(RESULTS.glob("rematch_mine*")) and "1 jobs" in capsys.readouterr().out


def test_chapter_6_learns_as_it_did_and_the_others_make_haste():
    assert in_time(CHAPTER_6, 10_000) == CHAPTER_6
    assert (CHAPTER_6.batch_size, CHAPTER_6.steps_per_update, CHAPTER_6.learning_rate) == (
        DESCRIBED.batch_size,
        DESCRIBED.train_every,
        DESCRIBED.learning_rate,
    )
    few, many = in_time(TUNED, 10_000), in_time(TUNED, 1_000_000)
    assert many == TUNED
    assert (few.steps_per_update, few.target_every, few.learning_starts) == (1, 100, 1_000)


def test_the_optimum_of_one_week_does_not_pay_for_what_comes_later():
    """A demo costs 4 and leads to a milestone that doubles next week's chance: worth it only for who looks ahead."""
    quiet = np.zeros((2, N_PATTERNS, N_EVENTS))
    quiet[:, 0, 1] = quiet[:, 0, SUBSCRIPTION] = np.log(0.9)
    quiet[:, 2, SUBSCRIPTION] = np.log(0.1)
    rules = TWO_WEEKS._replace(drives=((0.0,) * 6, (0.0,) * 6, (0.0, 1.0, 0.0, 0.0, 0.0, 0.0), *((0.0,) * 6,) * 3))
    one = Population(*(np.zeros(1, dtype=np.int64),) * 3, np.zeros(1, dtype=np.int64), np.ones((1, N_ACTIONS)), quiet)
    first = {name: known(name, rules, one)[0] for name in ("optimum", "optimum of one week")}
    assert first["optimum"][0, 0, 0].argmax() == Action.DEMO
    assert first["optimum of one week"][0, 0, 0].argmax() == Action.WAIT
