"""The steps of a rollout, by hand and by simulation."""

import numpy as np
import pytest
from scipy.stats import binom, norm

from crm_rl.evaluation.rolling_out import always_valid, chance_of_new, cusum, evidence, ramp, shadow, verdict


def test_a_shadow_by_hand():
    """Three customers; an email costs 1, a call 3, waiting nothing. The budget is 3, and the best call comes first."""
    old, new = np.array([1, 2, 2]), np.array([1, 1, 0])
    told = shadow(old, new, gains=np.array([2.0, 9.0, 5.0]), costs=np.array([1.0, 3.0, 0.0]))
    assert told["agree"] == pytest.approx(1 / 3)
    assert (told["old spends"], told["new would spend"]) == (3, 7)
    # The email has 5 a dollar and goes first; then the second customer's call no longer fits.
    assert told["new within budget"] == 1 and told["share that fits"] == pytest.approx(1 / 3)


def test_a_ramp_goes_to_the_better_policy():
    rng = np.random.default_rng(0)
    worse, better = rng.normal(0, 1, 500), rng.normal(1, 1, 500)
    up, down = ramp(worse, better, 300, 10, rng), ramp(better, worse, 300, 10, rng)
    assert up[0] == down[0] == 0.1 and up[-1] == 0.9 and down[-1] == 0.1


def test_a_ramp_waits_for_outcomes():
    """Customers of week 0 are known after three weeks: only then may the share change."""
    shares = ramp(np.zeros(5), np.ones(5), 20, 5, np.random.default_rng(0), delay=3)
    np.testing.assert_allclose(shares, [0.1, 0.1, 0.1, 0.9, 0.9])


def test_a_ramp_is_not_misled_by_a_season():
    """Equal policies whose customers bring more from week to week: pooled, whoever is ahead early stays ahead."""
    rng = np.random.default_rng(1)
    season = rng.random((20, 2_000)) < np.linspace(0.1, 0.2, 20)[:, None]
    flat = np.broadcast_to(rng.random(5_000) < 0.1, (20, 5_000))

    def taken_over(returns: np.ndarray, within: bool) -> float:
        shares = [ramp(returns, returns, 1_000, 20, rng, within=within)[-1] for _ in range(100)]
        return np.mean(np.array(shares) > 0.85)

    assert taken_over(season, within=False) > 0.6
    assert abs(taken_over(season, within=True) - taken_over(flat, within=True)) < 0.15
    assert taken_over(season, within=True) < 0.3


def test_a_ramp_within_weeks_by_hand():
    """After one week the chance is that of a difference of 1/2 with its standard error."""
    old, new = np.array([-1.0, 1.0]), np.array([-0.5, 1.5])

    class Everyone:
        """Draws each example once."""

        def choice(self, returns, count):
            return np.resize(returns, count)

    shares = ramp(old, new, 20, 2, Everyone(), first=0.1)  # 18 and 2 customers, variance 1 each
    assert shares[1] == pytest.approx(norm.cdf(0.5 / np.sqrt(1 / 18 + 1 / 2)))


def test_evidence_by_hand():
    assert evidence(0, 0) == pytest.approx(1)
    assert evidence(9, 10) == pytest.approx(2**10 / (11 * 10))
    assert evidence(1, 1, share=0.1) == pytest.approx(0.5 / 0.1)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_evidence_is_1_on_average_if_the_policies_are_equal(share):
    wins = np.arange(31)
    assert (binom.pmf(wins, 30, share) * evidence(wins, 30, share)).sum() == pytest.approx(1)


def test_looking_always_stops_at_most_one_equal_pair_in_twenty():
    wins = (np.random.default_rng(5).random((2_000, 400)) < 0.5).cumsum(axis=1)
    assert (evidence(wins, np.arange(1, 401)) >= 20).any(axis=1).mean() < 0.05


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_always_valid_interval_ends_where_the_evidence_reaches_20(share):
    low, high = always_valid(60, 80, share)
    for ratio in (low, high):
        assert evidence(60, 80, chance_of_new(ratio, 1 - share)) == pytest.approx(20)
    assert low < 3 * (1 - share) / share < high  # three times as many winners


def test_the_always_valid_interval_before_and_after_anything_is_seen():
    assert always_valid(0, 0) == (0, np.inf)
    low, high = always_valid(0, 100)
    assert low == 0 and high < 0.2
    low, high = always_valid(20_000, 30_000)
    assert 1.85 < low < 2 < high < 2.15


def test_always_valid_intervals_hold_the_truth_at_all_times():
    rng = np.random.default_rng(2)
    wins = (rng.random((100, 200)) < chance_of_new(1.5, 0.5)).cumsum(axis=1)
    never_missed = [
        all(low <= 1.5 <= high for low, high in (always_valid(row[n - 1], n) for n in range(20, 201, 20)))
        for row in wins
    ]
    assert np.mean(never_missed) >= 0.95


def test_a_verdict_has_a_direction():
    assert [verdict(k, 20) for k in (10, 18, 2)] == ["go on", "better", "worse"]
    assert verdict(6, 20, share=0.1) == "go on" and verdict(9, 20, share=0.1) == "better"


def test_a_cusum_by_hand():
    """Nine in ten winners are the new policy's when all is well, half of them when it is ill."""
    step = np.log(0.5 / 0.9), np.log(0.5 / 0.1)
    sums = cusum(np.array([[1, 2, 9]]), np.array([[2, 3, 9]]), well=0.9, ill=0.5)
    np.testing.assert_allclose(sums, [[step[0] + step[1], 3 * step[0] + 2 * step[1], 0]])


def test_a_season_raises_no_alarm():
    """Rates that fall to a third for everybody: the holdout falls as well."""
    rng, mean = np.random.default_rng(3), 100 * np.linspace(1, 1 / 3, 26)
    holdout, well, ill = 0.05, chance_of_new(1.2, 0.05), chance_of_new(0.6, 0.05)
    new, held = rng.poisson((1 - holdout) * 1.2 * mean, (500, 26)), rng.poisson(holdout * mean, (500, 26))
    assert (cusum(new, new + held, well, ill) > 5).any(axis=1).mean() < 0.1
    broken = rng.poisson((1 - holdout) * 0.6 * mean, (500, 26))
    assert (cusum(broken, broken + held, well, ill) > 5).any(axis=1).mean() > 0.8


def test_chances_of_winners_by_hand():
    assert chance_of_new(1, 0.5) == 0.5 and chance_of_new(2, 1 / 3) == pytest.approx(0.8)
