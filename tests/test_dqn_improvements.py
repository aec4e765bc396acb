"""The improvements of DQN in the responsive world: each finds an optimum known by hand, and does what it says."""

import numpy as np
import pytest
import torch
from small_responsive import CALLS, CALLS_OPTIMUM

from crm_rl.agents.dqn import in_time, train_dqn, train_seeds, update
from crm_rl.agents.dqn_settings import DESCRIBED, RESPONSIVE, Hyperparameters
from crm_rl.agents.networks import Networks, Replay
from crm_rl.agents.policies import NetworkPolicy, load_policy
from crm_rl.evaluation.gain import exact_values
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.responsive import BASELINE, BOOTCAMP, COUNTRY

torch.set_num_threads(1)

#: Learns the two weeks within seconds; the error is squared, for means are to be learned.
QUICK = Hyperparameters(
    **{"hidden": (32,), "learning_rate": 3e-3, "gamma": 1.0, "batch_size": 64, "train_every": 16, "target_every": 200},
    **{"learning_starts": 400, "exploration": 0.5, "epsilon_end": 0.05, "huber": False, "reward_scale": 30.0},
)


@pytest.mark.parametrize(
    "change",
    [
        *({}, {"double": True}, {"dueling": True}, {"n_step": 2}, {"relative": 0.3}),
        *({"embedding": 4}, {"known_costs": True}),
    ],
    ids=lambda c: ", ".join(c),
)
def test_a_network_finds_the_optimum_with_every_improvement(change):
    policy = train_dqn(CALLS, QUICK._replace(**change), 16_000, seed=1)
    assert exact_values(policy, CALLS).sum() > 0.9 * sum(CALLS_OPTIMUM)


def test_each_seed_learns_in_its_own_world():
    deaf = CALLS._replace(population=CALLS.population._replace(affinity=np.zeros((2, N_ACTIONS))))
    listening, unreached = train_seeds([CALLS, deaf], QUICK, 16_000, [1, 2])
    first = CALLS.start(np.array([0]))
    gains = [
        policy.q_values(first, world)[0, Action.CALL] - policy.q_values(first, world)[0, Action.WAIT]
        for policy, world in ((listening, CALLS), (unreached, deaf))
    ]
    assert gains[0] > 5 > 3 > gains[1]


def test_a_name_has_a_vector_of_its_own_and_a_stranger_none(tmp_path):
    """Trained with two countries and one bootcamp; asked about a third and another, also from a file."""
    policy = train_dqn(CALLS, QUICK._replace(embedding=4), 1_600, seed=1)
    assert list(policy.names) == [COUNTRY, BOOTCAMP]
    numbers, vectors = policy.names[COUNTRY]
    np.testing.assert_array_equal(numbers, np.float32([0.1, 0.9]))
    assert vectors.shape == (3, 4) and (vectors[2] == 0).all() and (vectors[0] != vectors[1]).all()
    seen = CALLS.observe(CALLS.start(np.array([0, 1, 1])))
    seen[2, COUNTRY], seen[2, BOOTCAMP] = 0.5, 0.1
    np.testing.assert_array_equal(policy.vectors(seen, COUNTRY), vectors)
    np.testing.assert_array_equal(policy.vectors(seen, BOOTCAMP)[2], np.zeros(4))
    policy.save(tmp_path / "policy.npz")
    np.testing.assert_array_equal(
        load_policy(tmp_path / "policy.npz").of_observations(seen), policy.of_observations(seen)
    )


@pytest.mark.parametrize("dueling", [False, True])
def test_arrays_answer_as_the_networks_that_they_come_from_do(dueling):
    """Two seeds whose worlds have other names, one of them fewer; costs are known."""
    known = [{COUNTRY: np.float32([0.1, 0.9])}, {COUNTRY: np.float32([0.2, 0.3, 0.4])}]
    costs = np.arange(N_ACTIONS)
    networks = Networks(15, N_ACTIONS, (8,), dueling, seeds=[0, 1], names=known, size=3, costs=costs)
    with torch.no_grad():
        for each in networks.embeddings:
            each.vectors[:, -1] = 0.5
    seen = torch.rand((2, 6, 15), generator=torch.Generator().manual_seed(0))
    seen[:, :, COUNTRY] = torch.tensor([0.1, 0.2, 0.3, 0.4, 0.9, 0.99])
    answers = networks(seen).detach().numpy()
    for seed in (0, 1):
        policy = NetworkPolicy(*networks.layers_of(seed), BASELINE, names=networks.names_of(seed))
        np.testing.assert_allclose(policy.of_observations(seen[seed].numpy()), answers[seed], rtol=1e-4, atol=1e-5)


def one_step(seen: float, reward: float) -> tuple[np.ndarray, ...]:
    """A step of one environment of one seed, which does not end."""
    grid = np.ones((1, 1))
    return seen * grid[..., None], (seen + 1) * grid[..., None], 0 * grid, reward * grid, 0 * grid, 0 * grid


def test_n_steps_do_not_cross_from_the_newest_row_to_the_oldest():
    replay = Replay(size=4, inputs=1, seeds=1, num_envs=1)
    for i in range(6):
        replay.add(*one_step(i, float(i)))
    seen, _, rewards, after, discount = (part[0] for part in replay.sample(200, 3, 1.0, [np.random.default_rng(0)]))
    found = {int(s): (float(r), int(a)) for s, r, a in zip(seen, rewards, after, strict=True)}
    assert found == {2: (9, 5), 3: (12, 6), 4: (9, 6), 5: (5, 6)} and (discount == 1).all()


def learned_of_one_state(hyper: Hyperparameters, rewards: list[float]) -> float:
    """What a network learns for one state and action that ends with one of these rewards."""
    networks, target = (Networks(1, 2, hyper.hidden, hyper.dueling, seeds=[0]) for _ in range(2))
    optimizer, n = torch.optim.Adam(networks.parameters(), lr=0.02), len(rewards)
    seen, nothing = torch.ones((1, n, 1)), torch.zeros((1, n))
    batch = (seen, torch.zeros((1, n), dtype=torch.int64), torch.tensor([rewards]), seen, nothing)
    for _ in range(1_000):
        update(networks, target, optimizer, batch, hyper)
    return networks(seen[:, :1])[0, 0, 0].item()


def test_the_squared_error_learns_the_mean_and_huber_does_not():
    rewards, small = [0.0, 0.0, 0.0, 100.0], QUICK._replace(hidden=(8,), max_gradient=float("inf"))
    assert learned_of_one_state(small, rewards) == pytest.approx(25, abs=0.5)
    assert learned_of_one_state(small._replace(relative=0.3), rewards) == pytest.approx(25, abs=0.5)
    assert learned_of_one_state(small._replace(huber=True), rewards) == pytest.approx(1 / 3, abs=0.1)


def test_dueling_is_value_plus_what_an_action_adds():
    networks = Networks(3, N_ACTIONS, (8,), dueling=True, seeds=[0, 1])
    seen = torch.rand((2, 5, 3), generator=torch.Generator().manual_seed(0))
    value = networks.value(torch.relu(networks.body[0](seen)))
    torch.testing.assert_close(networks(seen).mean(dim=2, keepdim=True), value)


def test_the_study_learns_as_it_did_and_the_others_make_haste():
    assert in_time(DESCRIBED, 10_000) == DESCRIBED
    few, many = in_time(RESPONSIVE, 10_000), in_time(RESPONSIVE, 1_000_000)
    assert many == RESPONSIVE
    assert (few.train_every, few.target_every, few.learning_starts) == (1, 100, 1_000)
