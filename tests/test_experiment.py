"""Sizes, intervals and looks of the experiment of chapter 9: worked out by hand, by simulation, and as published."""

import numpy as np
import pytest
from scipy.stats import norm

from crm_rl.evaluation.power import customers_per_arm, difference, largest_z


def test_customers_per_arm_by_hand():
    """0.44% against 0.528%: 7.849 x (0.0043806 + 0.0052521) / 0.00088^2."""
    z = norm.ppf(0.975) + norm.ppf(0.8)
    by_hand = z**2 * (0.0044 * 0.9956 + 0.00528 * 0.99472) / 0.00088**2
    assert customers_per_arm(0.0044, 1.2) == int(np.ceil(by_hand)) == 97_633
    with pytest.raises(ValueError, match="Remedy"):
        customers_per_arm(0.0044, 1)


def test_so_many_customers_find_the_difference_four_times_in_five():
    n, rng = customers_per_arm(0.0044, 1.5), np.random.default_rng(0)
    first, second = rng.binomial(n, 0.0044, size=20_000), rng.binomial(n, 0.0044 * 1.5, size=20_000)
    both = (first + second) / (2 * n)
    z = (second - first) / n / np.sqrt(2 * both * (1 - both) / n)
    assert (z > 1.96).mean() == pytest.approx(0.8, abs=0.02)


def test_newcombe_s_example():
    """Newcombe (1998), table II, contrast (a): 56/70 - 48/80 has the interval 0.0524 to 0.3339 by his method 10."""
    found = difference((56, 70), (48, 80))
    assert found == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_looking_five_times_finds_too_much_and_pocock_s_bound_mends_it():
    """Pocock (1977): five looks at 1.96 give 14.2%; the bound is 2.413."""
    largest = largest_z(5, np.random.default_rng(0))
    assert (largest > 1.96).mean() == pytest.approx(0.142, abs=0.004)
    assert np.quantile(largest, 0.95) == pytest.approx(2.413, abs=0.015)
    assert (largest_z(1, np.random.default_rng(0)) > 1.96).mean() == pytest.approx(0.05, abs=0.003)
