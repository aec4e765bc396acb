"""Estimates from logs: answers known by hand, every trajectory written out, and a world whose values are known."""

import numpy as np
import pandas as pd
import pytest
from small_responsive import CALLS, CALLS_OPTIMUM

from crm_rl.agents.behaviour import Exploring
from crm_rl.agents.planned import optimum
from crm_rl.agents.reference import constant_policy
from crm_rl.data.load import TWIN
from crm_rl.data.problems import DataError
from crm_rl.evaluation.gain import exact_values
from crm_rl.evaluation.off_policy import (
    direct_method,
    doubly_robust,
    effective_sample_size,
    effective_winners,
    estimates,
    evaluate_decisions,
    importance_ratios,
    judged,
    per_decision_ips,
    self_normalised_ips,
    table_of,
    trajectory_ips,
    warnings,
)
from crm_rl.experiments.logs_study import EARLY, Estimating, load_earned, signed_up, summary, today
from crm_rl.worlds.base import Action
from crm_rl.worlds.logs import play_episodes

#: Chapter 13 by hand: email, email, call; email was sent with 80%, the new policy calls with 60%.
REWARDS, RATIOS = np.array([[0.0], [10], [20]]), np.array([[0.5], [0.5], [3]])
Q, VALUES = np.array([[6.0], [6], [16]]), np.full((3, 1), 12.0)


def test_three_customers_by_hand():
    ratios = importance_ratios(np.array([[0.4], [0.4], [0.6]]), np.array([[0.8], [0.8], [0.2]]))
    np.testing.assert_allclose(ratios, RATIOS)
    np.testing.assert_allclose(trajectory_ips(REWARDS, RATIOS), [0, 5, 60])
    np.testing.assert_allclose(self_normalised_ips(REWARDS, RATIOS).mean(), 65 / 4)
    np.testing.assert_allclose(doubly_robust(REWARDS, RATIOS, Q, VALUES), [9, 14, 24])
    np.testing.assert_allclose(direct_method(VALUES), 12)
    assert effective_sample_size(RATIOS[:, 0]) == pytest.approx(16 / 9.5)
    assert effective_sample_size(np.zeros(3)) == 0


def test_two_weeks_by_hand():
    rewards, ratios = np.array([[1.0, 2], [0, 4]]), np.array([[2, 0.5], [0.5, 3]])
    q, values = np.array([[1.0, 1], [2, 3]]), np.array([[5.0, 2], [4, 1]])
    np.testing.assert_allclose(trajectory_ips(rewards, ratios), [3, 6])
    np.testing.assert_allclose(per_decision_ips(rewards, ratios), [4, 6])
    # Weeks: (2 x 1 + 0.5 x 0) / 2.5 and (1 x 2 + 1.5 x 4) / 2.5.
    assert self_normalised_ips(rewards, ratios).mean() == pytest.approx(0.8 + 3.2)
    # Second week: 2 + 0.5 (2 - 1) and 1 + 3 (4 - 3); first: 5 + 2 (1 + 2.5 - 1) and 4 + 0.5 (0 + 4 - 2).
    np.testing.assert_allclose(doubly_robust(rewards, ratios, q, values), [10, 5])


def test_what_speaks_against_an_estimate():
    assert warnings(np.tile([0.5, 1.5], 200)) == []
    assert "below 100" in warnings(np.ones(50))[0]
    (missing,) = warnings(np.repeat([0.0, 1.7], [2_700, 300]))  # many have weight, and most of it is missing
    assert "should be 1" in missing


def test_many_customers_with_few_winners_are_not_believed():
    """An effective sample size of 1,000, of whom 20 buy: two of them carry nearly all that is earned."""
    weights, returns = np.ones(1_000), np.full(1_000, -5.0)
    returns[:20] = 100.0
    assert effective_winners(weights, returns) == pytest.approx(20)
    weights[:2], weights[2:20] = 100.0, 0.01  # and the others of these 20 hardly count
    assert effective_winners(weights, returns) == pytest.approx(2, abs=0.01)
    assert effective_winners(weights, np.full(1_000, -5.0)) == 0
    weights = np.tile([0.5, 1.5], 500)
    (few,) = warnings(weights, returns)
    assert "16.0 effective winners, fewer than 30" in few
    returns[:100] = 100.0
    assert warnings(weights, returns) == []


def test_all_trajectories_together_give_the_exact_value():
    """Two actions at random, two weeks: four trajectories, each as likely. The new policy takes the second by 3/4."""
    actions = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    rewards = np.array([[0.0, 7], [0, 1], [2, 3], [2, 9]])
    new = np.array([0.25, 0.75])
    truth = sum(new[a] * new[b] * r.sum() for (a, b), r in zip(actions, rewards, strict=True))
    ratios = importance_ratios(new[actions], np.full(actions.shape, 0.5))
    assert trajectory_ips(rewards, ratios).mean() == pytest.approx(truth)
    assert per_decision_ips(rewards, ratios).mean() == pytest.approx(truth)
    wrong = np.random.default_rng(0).normal(size=(2, 2, 2))  # of the week, of the first action, of this action
    week, before = np.array([0, 1]), np.column_stack([np.zeros(4, dtype=int), actions[:, 0]])
    q, values = wrong[week, before, actions], wrong[week, before] @ new
    assert doubly_robust(rewards, ratios, q, values).mean() == pytest.approx(truth)


def test_the_estimators_agree_with_loops_written_out():
    rng = np.random.default_rng(4)
    rewards, ratios, q, values = rng.exponential(size=(4, 30, 5))
    weights = [[np.prod(row[: week + 1]) for week in range(5)] for row in ratios]
    for i in range(30):
        single = sum(weights[i][t] * rewards[i, t] for t in range(5))
        assert per_decision_ips(rewards, ratios)[i] == pytest.approx(single)
        robust = values[i, 0]
        for t in range(5):
            robust += weights[i][t] * (rewards[i, t] - q[i, t] + (values[i, t + 1] if t < 4 else 0))
        assert doubly_robust(rewards, ratios, q, values)[i] == pytest.approx(robust)
    normalised = sum(
        sum(weights[i][t] * rewards[i, t] for i in range(30)) / sum(weights[i][t] for i in range(30)) for t in range(5)
    )
    assert self_normalised_ips(rewards, ratios).mean() == pytest.approx(normalised)


def test_the_spread_of_self_normalised_values_is_that_of_the_estimate():
    rng = np.random.default_rng(1)
    means, errors = [], []
    for _ in range(400):
        ratios = rng.choice([0.5, 3.0], p=[0.8, 0.2], size=(200, 1))
        values = self_normalised_ips(5 + ratios + rng.normal(size=ratios.shape), ratios)
        means.append(values.mean())
        errors.append(values.std(ddof=1) / np.sqrt(200))
    assert np.std(means) == pytest.approx(np.mean(errors), rel=0.1)


def test_estimates_meet_the_exact_value_where_the_log_tried_everything():
    behaviour, plan = Exploring(constant_policy(Action.CALL), 0.6), optimum(CALLS)
    np.testing.assert_allclose(exact_values(plan, CALLS), CALLS_OPTIMUM)
    log = play_episodes(behaviour, CALLS, 6_000, np.random.default_rng(2))
    assert set(np.round(log.propensities[log.going], 6)) == {0.5, 0.1}
    chances, model = judged(log, log.probabilities(plan, CALLS))
    table = table_of(estimates(log.rewards, importance_ratios(chances, log.propensities), model))
    assert (table["low"] < table["high"]).all()
    assert table.loc[["direct method", "doubly robust"], "estimate"].sub(np.mean(CALLS_OPTIMUM)).abs().max() < 0.7
    assert table["estimate"].sub(np.mean(CALLS_OPTIMUM)).abs().max() < 4


def test_nothing_counts_after_the_end():
    log = play_episodes(Exploring(constant_policy(Action.CALL), 0.0), CALLS, 200, np.random.default_rng(0))
    over = ~log.going
    assert over.any() and (log.rewards[over] == 0).all() and (log.propensities[over] == 1).all()
    steps = log.steps()
    assert len(steps.actions) == log.going.sum() and steps.ended.sum() == 200


def test_single_decisions_agree_with_the_estimators():
    actions, propensities, rewards = np.array([0, 0, 1]), np.array([0.8, 0.8, 0.2]), REWARDS[:, 0]
    table, size = evaluate_decisions(actions, propensities, rewards, np.tile([0.4, 0.6], (3, 1)))
    assert table.loc["IPS", "estimate"] == pytest.approx(65 / 3)
    assert table.loc["self-normalised IPS", "estimate"] == pytest.approx(65 / 4)
    assert size == pytest.approx(16 / 9.5)


def test_the_decision_log_of_the_service_can_be_evaluated(tmp_path):
    import asyncio

    from crm_rl.serving.decisions import Decision, DecisionLog, read_decisions

    url = f"sqlite:///{tmp_path / 'decisions.db'}"
    log = DecisionLog(url)
    paid = zip(("email", "email", "call"), (0.8, 0.8, 0.2), REWARDS[:, 0], strict=True)

    async def write() -> None:
        for action, propensity, reward in paid:
            (identifier,) = await log.add(Decision("test", {}, action, propensity, "p"))
            await log.reward(identifier, reward)
        await log.add(Decision("test", {}, "call", 0.2, "p"))  # nobody knows yet what came of it

    asyncio.run(write())
    log.close()
    read = read_decisions(url)
    known = ~np.isnan(read.reward)
    _, actions = np.unique(read.action[known], return_inverse=True)  # call, email
    table, _ = evaluate_decisions(actions, read.propensity[known], read.reward[known], np.tile([0.6, 0.4], (3, 1)))
    assert table.loc["IPS", "estimate"] == pytest.approx(65 / 3)


@pytest.mark.parametrize(("chance", "propensity"), [(0.5, 0.0), (1.2, 0.5), (0.5, float("nan")), (-0.1, 0.5)])
def test_probabilities_out_of_range_are_refused(chance, propensity):
    with pytest.raises(DataError, match=r"first at \[1\].*Remedy"):
        importance_ratios(np.array([0.5, chance]), np.array([0.5, propensity]))


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="differ in length"):
        evaluate_decisions([0, 1], [0.5], [1, 2], np.full((2, 2), 0.5))


def test_recorded_rates_and_dollars_are_those_of_the_world():
    """Today's rule in its first four weeks, by play; 5,000 dollars a subscription."""
    world = signed_up(TWIN, weeks=EARLY)
    earned = play_episodes(today(0.0), world, 20_000, np.random.default_rng(0)).rewards.sum(axis=1)
    recorded = load_earned().loc[("today's rule", 0.0)]
    assert (earned > 1_000).mean() == pytest.approx(recorded["subscribed"], abs=0.006)
    assert earned.mean() == pytest.approx(recorded["early"], abs=30)
    assert load_earned()["earned"].loc["today's rule"].is_monotonic_decreasing  # exploration has a price


def test_the_study_counts_customers_apart(tmp_path):
    """Logs of 40 and of 80 customers are two cells; each has its own winners and mean weight."""
    rows = sum((Estimating(str(TWIN), 1.0, 1, 3, size).run(tmp_path) for size in (40, 80)), [])
    table = summary(pd.DataFrame(rows))
    assert table.groupby("customers").size().to_dict() == {40: 5, 80: 5}
    assert (table["winners"] <= table["effective"]).all() and table["weight"].between(0.5, 2).all()
