import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from crm_rl.worlds.replay import Population
from crm_rl.worlds.replay_world import balanced
from crm_rl.worlds.sampling import Pools, draw, draw_many

DRAWS = 20_000
#: An interval so wide that a right draw leaves it once in a million times.
CONFIDENCE = 1 - 1e-6


def people(n: int = 1000, subscribers: int = 10, called: int = 40) -> Population:
    """The first have subscribed, and the last have had a call."""
    places = np.arange(n)
    reached = np.zeros((n, 5), dtype=bool)
    reached[:, 0] = places >= n - called
    features = np.zeros((n, 15), dtype=np.float32)
    return Population(features, reached, places < subscribers, np.zeros(n, dtype=np.int64), 1 / 6)


def drawn(pools: Pools, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.array([draw(pools, rng) for _ in range(DRAWS)])


def assert_share(hits: np.ndarray, expected: float) -> None:
    interval = binomtest(int(hits.sum()), len(hits)).proportion_ci(CONFIDENCE, method="wilson")
    assert interval.low <= expected <= interval.high


def test_three_in_ten_have_subscribed_and_three_in_ten_had_a_call():
    customers = drawn(balanced(people()))
    assert_share(customers < 10, 0.3 + 0.4 * 10 / 1000)
    assert_share(customers >= 960, 0.3 + 0.4 * 40 / 1000)
    assert_share((customers >= 10) & (customers < 960), 0.4 * 950 / 1000)


def test_other_shares():
    customers = drawn(balanced(people(), (0.5, 0.1)))
    assert_share(customers < 10, 0.5 + 0.4 * 10 / 1000)
    assert_share(customers >= 960, 0.1 + 0.4 * 40 / 1000)


def test_within_a_pool_everybody_comes_equally_often():
    customers = drawn(balanced(people(), (1.0, 0.0)))
    assert chisquare(np.bincount(customers, minlength=10)).pvalue > 1e-6
    assert customers.max() == 9


def test_the_natural_draw_is_uniform():
    customers = drawn(balanced(people(n=50), (0.0, 0.0)))
    assert chisquare(np.bincount(customers, minlength=50)).pvalue > 1e-6


@pytest.mark.parametrize(
    ("subscribers", "called", "share_of_called"),
    [(0, 40, 0.6 + 0.4 * 40 / 1000), (10, 0, 0.0), (0, 0, 0.0)],
    ids=["no subscribers", "no calls", "neither"],
)
def test_an_empty_pool_is_passed_over(subscribers, called, share_of_called):
    """Without subscribers their share goes to those with a call, without these to everybody."""
    customers = drawn(balanced(people(subscribers=subscribers, called=called)))
    share_of_subscribers = 0.3 + 0.7 * subscribers / 1000 if subscribers else 0.0
    assert_share(customers < subscribers, share_of_subscribers)
    assert_share(customers >= 1000 - called, share_of_called)


def test_plain_python_draws_the_same_and_leaves_the_generator_alike():
    pools = balanced(people())
    compiled, plain = np.random.default_rng(7), np.random.default_rng(7)
    assert [draw(pools, compiled) for _ in range(500)] == [draw.py_func(pools, plain) for _ in range(500)]
    assert compiled.bit_generator.state == plain.bit_generator.state


def test_many_at_once_are_the_same_as_one_after_the_other():
    pools = balanced(people())
    together, apart = np.random.default_rng(7), np.random.default_rng(7)
    out = np.empty(500, dtype=np.int64)
    draw_many(pools, together, out)
    assert out.tolist() == [draw(pools, apart) for _ in range(500)]
    assert together.bit_generator.state == apart.bit_generator.state


def test_pools_hold_places():
    pools = balanced(people(n=5, subscribers=1, called=2))
    assert [pool.tolist() for pool in pools[:3]] == [[0], [3, 4], [0, 1, 2, 3, 4]]
