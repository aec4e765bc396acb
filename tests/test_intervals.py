"""Intervals and paired comparisons, against numbers worked by hand."""

import math

import numpy as np
import pytest

from crm_rl.evaluation.intervals import (
    in_digits,
    in_words,
    mean_over_seeds,
    mean_over_seeds_and_customers,
    paired,
    poisson,
    widened,
    wilson,
)


def outcomes(both: int, only_first: int, only_second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Two policies' successes with these four counts of customers."""
    counts = (both, only_first, only_second, neither)
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


def test_wilson_by_hand():
    low, high = wilson(25, 1655)
    z, n, p = 1.959964, 1655, 25 / 1655
    centre, reach = (p + z**2 / (2 * n)) / (1 + z**2 / n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (low, high) == pytest.approx((centre - reach / (1 + z**2 / n), centre + reach / (1 + z**2 / n)), abs=1e-6)


@pytest.mark.parametrize(("count", "p_value"), [(1, 1.0), (3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_the_test_is_a_toss_of_coins(count, p_value):
    """If all discordant customers are on one side, the two-sided p-value is 2 times a half for each."""
    assert paired(*outcomes(22, count, 0, 1600)).p_value == pytest.approx(p_value)


def test_the_interval_by_hand():
    found = paired(*outcomes(22, 3, 0, 1630))
    assert (found.only_first, found.only_second, found.difference) == (3, 0, 3 / 1655)
    reach = 1.959964 * math.sqrt((5 - 9 / 1657) / 1657**2)
    assert (found.low, found.high) == pytest.approx((3 / 1657 - reach, 3 / 1657 + reach), abs=1e-8)
    assert found.low < 0 < found.high


def test_turned_round_it_says_the_opposite():
    first, second = outcomes(1, 7, 1, 12)
    one, other = paired(first, second), paired(second, first)
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert one.p_value == other.p_value


def test_two_that_never_differ_leave_room_for_doubt():
    same = paired(*outcomes(25, 0, 0, 1630))
    assert same.p_value == 1.0 and same.difference == 0 and same.low < 0 < same.high


def test_the_interval_covers():
    """Of 2,000 samples of 1,655 customers with rare discordance, some 95% or more of the intervals hold the truth."""
    rng, n = np.random.default_rng(0), 1655
    draws = rng.multinomial(n, [0.012, 0.003, 0.001, 0.984], size=2000)
    held = [(ends := paired(*outcomes(*draw))).low <= 0.002 <= ends.high for draw in draws]
    assert np.mean(held) > 0.94


@pytest.mark.parametrize("second", [np.zeros(3), np.zeros((2, 2)), np.zeros(0)])
def test_other_customers_are_refused(second):
    with pytest.raises(ValueError, match="Remedy"):
        paired(np.zeros(2), second)


def test_the_interval_of_a_count_by_hand():
    assert poisson(0) == pytest.approx((0, -np.log(0.025)))  # none seen: exp(-mean) is 2.5%
    low, high = poisson(10)
    assert (low, high) == pytest.approx((4.795, 18.390), abs=1e-3)  # Garwood's table


def test_the_mean_of_three_seeds_by_hand():
    middle, low, high = mean_over_seeds(np.array([1.0, 2.0, 3.0]))
    assert (middle, high - middle) == (2, pytest.approx(4.302653 / math.sqrt(3), abs=1e-6))
    assert middle - low == pytest.approx(high - middle)


def test_few_seeds_are_covered():
    """Of 2,000 intervals from four normal seeds, 95% hold the mean."""
    rng = np.random.default_rng(0)
    ends = np.array([mean_over_seeds(rng.normal(size=4))[1:] for _ in range(2_000)])
    assert ((ends[:, 0] < 0) & (ends[:, 1] > 0)).mean() == pytest.approx(0.95, abs=0.015)


def test_seeds_and_customers_both_count():
    gap = np.array([[0.0, 2.0, 4.0], [2.0, 4.0, 6.0]])
    middle, low, high = mean_over_seeds_and_customers(gap)
    assert middle == 3 and high - middle == pytest.approx(12.7062 * math.sqrt(2 / 2 + 4 / 3), abs=1e-3)
    assert mean_over_seeds_and_customers(gap[0]) == pytest.approx(mean_over_seeds(gap[0]))


def test_an_interval_in_words_and_in_digits():
    assert [in_words(*ends) for ends in ((1, 2), (-2, -1), (-1, 1))] == [
        "lies above zero",
        "lies below zero",
        "includes zero",
    ]
    assert in_digits(-0.214, -0.4, 0.03) == "−0.21 (−0.40 to 0.03)"
    assert in_digits(1.25, -0.4, 3, decimals=1, sign="+") == "+1.2 (−0.4 to +3.0)"


def test_two_kinds_of_chance_add_up_like_the_sides_of_a_triangle():
    assert widened(10.0, (7.0, 13.0)) == (7.0, 13.0)
    assert widened(10.0, (7.0, 13.0), (6.0, 10.0)) == (5.0, 13.0)
