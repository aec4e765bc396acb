"""Intervals and paired comparisons, against numbers worked by hand."""

import math

import numpy as np
import pytest

from crm_rl.evaluation.intervals import (
    in_digits,
    interquartile_mean,
    over_seeds,
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
    middle, low, high = over_seeds([1.0, 2.0, 3.0], statistic="mean")
    assert (middle, high - middle) == (2, pytest.approx(4.302653 / math.sqrt(3), abs=1e-6))
    assert middle - low == pytest.approx(high - middle)


def test_the_interquartile_mean_by_hand():
    """A quarter of the four is cut on either side; a wild seed shows in the interval alone."""
    middle, low, high = over_seeds([0.0, 1.0, 3.0, 100.0], np.random.default_rng(0))
    assert middle == interquartile_mean(np.array([0.0, 1.0, 3.0, 100.0])) == 2
    assert low < 1 and high > 50


@pytest.mark.parametrize("statistic", ["mean", "iqm"])
def test_what_does_not_scatter_has_no_interval(statistic):
    for values in ([3.0], [3.0] * 5):
        assert over_seeds(values, np.random.default_rng(0), statistic).tolist() == [3, 3, 3]


def test_the_difference_of_two_learners_scatters_with_both():
    ours, theirs = np.arange(20.0), np.arange(20.0) + 5
    apart = over_seeds(ours, np.random.default_rng(0), minus=theirs)
    alone = over_seeds(ours - 14.5, np.random.default_rng(0))
    assert apart["iqm"] == -5 and apart["high"] - apart["low"] > 1.2 * (alone["high"] - alone["low"])
    sure = over_seeds(ours, np.random.default_rng(0), minus=np.array([9.5]))
    assert sure.tolist() == pytest.approx(over_seeds(ours - 9.5, np.random.default_rng(0)).tolist())


def test_an_unknown_statistic_is_refused():
    with pytest.raises(ValueError, match="Remedy"):
        over_seeds([1.0, 2.0], statistic="median")
    with pytest.raises(ValueError, match="Remedy"):
        over_seeds([1.0, 2.0], statistic="mean", minus=np.array([1.0]))


def share_that_holds_zero(intervals) -> float:
    return float(np.mean([each["low"] < 0 < each["high"] for each in intervals]))


@pytest.mark.parametrize(("seeds", "held"), [(5, 0.90), (10, 0.94), (20, 0.94)])
def test_how_many_intervals_over_normal_seeds_hold_the_truth(seeds, held):
    """The mean's 95% by Student, and fewer of the interquartile mean by bootstrap: as the docstring says."""
    rng = np.random.default_rng(0)
    by_student = [over_seeds(rng.normal(size=seeds), statistic="mean") for _ in range(1_000)]
    assert share_that_holds_zero(by_student) == pytest.approx(0.95, abs=0.02)
    by_bootstrap = [over_seeds(rng.normal(size=seeds), rng) for _ in range(200)]
    assert share_that_holds_zero(by_bootstrap) == pytest.approx(held, abs=0.04)


def test_two_kinds_of_chance_add_up_like_the_sides_of_a_triangle():
    assert widened(10.0, (7.0, 13.0)) == (7.0, 13.0)
    assert widened(10.0, (7.0, 13.0), (6.0, 10.0)) == (5.0, 13.0)


def test_an_interval_in_digits_has_true_minus_signs():
    assert in_digits(-0.214, -0.4, 0.03) == "−0.21 (−0.40 to 0.03)"
    assert in_digits(1.25, -0.4, 3, decimals=1, sign="+") == "+1.2 (−0.4 to +3.0)"
