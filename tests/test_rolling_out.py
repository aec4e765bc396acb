"""The steps of a rollout, by hand and by simulation."""

import numpy as np
import pytest
from scipy.stats import binom

from crm_rl.evaluation.rolling_out import cusum, evidence, ramp, shadow


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


def test_a_cusum_by_hand():
    sums = cusum(np.array([[0, 0, 3, 9]]), expected=2.0)
    np.testing.assert_allclose(sums, [[1, 2, 3 - 3 * np.log(2), 0]])
