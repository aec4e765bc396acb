"""Learners of offers (chapter 11): bandits by hand, factored actions, networks as arrays, commands."""

import numpy as np
import pytest

from crm_rl.agents.checkpoints import PolicyError
from crm_rl.case_studies.offers import bandits, linear
from crm_rl.case_studies.offers.catalogue import catalogue_of, load_catalogue
from crm_rl.case_studies.offers.gym_envs import OfferVecEnv, factors_of
from crm_rl.case_studies.offers.networks import ENVS, NetworkScores, _heads, load_scores, ppo
from crm_rl.case_studies.offers.response import FATIGUE, HABIT
from crm_rl.case_studies.offers.simulator import INPUTS, generated, greedy_actions, make_world, values_of
from crm_rl.cli import main
from crm_rl.data.problems import DataError
from crm_rl.experiments.offers_study import load_offers


@pytest.fixture(scope="module")
def world():
    return make_world(load_catalogue(), generated(60, 0))


# ---- Bandits --------------------------------------------------------------------------------------------------------


def test_linucb_by_hand():
    """One example x = (1, 0) with reward 2: A = diag(2, 1), b = (2, 0), theta = (1, 0)."""
    sums = bandits.update(bandits.no_data(2), np.array([[1.0, 0.0]]), np.array([2.0]))
    assert sums.A.tolist() == [[2, 0], [0, 1]] and sums.b.tolist() == [2, 0] and sums.theta.tolist() == [1, 0]
    seen = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    assert bandits.upper_bounds(sums, seen, 2.0) == pytest.approx([1 + 2**0.5, 2, 1 + 6**0.5])


def test_two_correlated_examples_by_hand():
    """x = (1, 1) with 3 and x = (1, 0) with 1: A = [[3, 1], [1, 2]], b = (4, 3), theta = (1, 1)."""
    sums = bandits.update(bandits.no_data(2), np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([3.0, 1.0]))
    assert sums.A.tolist() == [[3, 1], [1, 2]] and sums.theta == pytest.approx([1, 1])
    assert bandits.upper_bounds(sums, np.array([[0.0, 1.0]]), 1.0) == pytest.approx([1 + 0.6**0.5])


def test_thompson_draws_around_the_estimate_as_widely_as_it_should():
    sums = bandits.update(bandits.no_data(2), np.array([[1.0, 1.0], [1.0, 0.0]]), np.array([3.0, 1.0]))
    drawn = bandits.draw_theta(sums, 2.0, 200_000, np.random.default_rng(0))
    assert drawn.mean(axis=0) == pytest.approx([1, 1], abs=0.02)
    assert np.cov(drawn.T) == pytest.approx(4 * np.linalg.inv(sums.A), abs=0.03)


def test_scores_of_all_pairs_are_those_of_each_pair(world):
    pairs, rng = bandits.Pairs(bandits.parts_of(world.catalogue), INPUTS), np.random.default_rng(1)
    seen, theta = rng.random((3, INPUTS)), rng.normal(size=pairs.d)
    sums = bandits.update(bandits.no_data(pairs.d), rng.normal(size=(50, pairs.d)), rng.normal(size=50))
    scores, errors = pairs.scores(seen, theta), pairs.errors(seen, np.linalg.inv(sums.A))
    each = pairs.scores(seen, np.tile(theta, (3, 1)))
    for action in (0, 77, 144):
        x = pairs.x(seen, np.full(3, action))
        assert np.allclose(scores[:, action], x @ theta) and np.allclose(each[:, action], x @ theta)
        assert errors[:, action] == pytest.approx(np.einsum("nd,de,ne->n", x, np.linalg.inv(sums.A), x))


def test_nothing_shares_no_part_with_an_offer(world):
    parts = bandits.parts_of(world.catalogue)
    assert parts[-1].sum() == 1 and (parts[:-1].sum(axis=1) == 4 + world.catalogue.value / 10).all()


@pytest.mark.parametrize(
    "learn", [lambda *a: linear.linucb(*a, 5.0), lambda *a: linear.thompson(*a, 5.0), linear.fitted_greedy]
)
def test_a_linear_learner_beats_silence(world, learn):
    """With 12,000 customer-weeks in a world of 60 customers; in the record each has more than half of the gain."""
    actions = greedy_actions(world, learn(world, 12_000, 0))
    silence = np.full((12, 60, FATIGUE, HABIT), 144)
    assert values_of(world, actions).mean() > values_of(world, silence).mean() + 10


def test_fitted_q_has_a_model_a_week(world):
    assert linear.fitted_q(world, 2_400, 0).theta.shape == (12, 14 * 12)


def test_a_log_has_no_more_than_it_may(world):
    log = linear.random_log(world, 130, np.random.default_rng(0))
    assert log.actions.shape == (12, 10) and log.seen.shape == (12, 10, INPUTS) and log.seen[3, 0, 12] == 0.25


# ---- Interfaces -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factored", [False, True])
def test_what_is_seen_and_done_is_in_the_spaces(world, factored):
    envs = OfferVecEnv(world, 3, factored)
    envs.action_space.seed(0)
    seen = envs.reset()
    for _ in range(30):
        assert seen.dtype == np.float32 and all(each in envs.observation_space for each in seen)
        seen, reward, _, _ = envs.step(np.array([envs.action_space.sample() for _ in range(3)]))
        assert reward.shape == (3,) and np.isfinite(reward).all()


def test_who_is_done_makes_room_for_another(world):
    envs = OfferVecEnv(world, 4)
    envs.reset()
    for _ in range(12):
        seen, _, done, infos = envs.step(np.zeros(4, dtype=int))
    assert done.all() and (seen[:, 12] == 0).all()
    assert all(info["terminal_observation"][12] == 1 and not info["TimeLimit.truncated"] for info in infos)


def test_four_choices_are_an_action(world):
    index = factors_of(world.catalogue)
    assert index.shape == (5, 4, 3, 3) and (index[4] == 144).all()
    assert sorted(index[:4].ravel()) == list(range(144))
    assert world.catalogue.actions[index[1, 2, 0, 1]] == ("free_shipping", 10, "email", "delay_1hour")
    with pytest.raises(DataError, match="not in the catalogue"):
        factors_of(catalogue_of(world.catalogue.actions[:-1]))


def test_the_best_score_is_the_best_of_each_choice(world):
    outputs, heads = np.random.default_rng(0).normal(size=(50, 15)), _heads(world)
    ends = np.cumsum([5, 4, 3])
    choices = [part.argmax(axis=1) for part in np.split(outputs, ends, axis=1)]
    expected = factors_of(world.catalogue)[tuple(choices)]
    assert np.array_equal((outputs @ heads.T).argmax(axis=1)[expected != 144], expected[expected != 144])


def test_ppo_trains_the_same_twice_and_is_read_again(world, tmp_path):
    one, two = (ppo(world, ENVS * 12, 3, factored=True) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one.weights, two.weights, strict=True))
    one.save(tmp_path / "policy.npz")
    seen = np.random.default_rng(0).random((5, INPUTS)).astype(np.float32)
    assert np.array_equal(load_scores(tmp_path / "policy.npz", 145)(seen), one(seen))
    with pytest.raises(PolicyError):
        load_scores(tmp_path / "policy.npz", 100)


def test_a_policy_with_parts_that_do_not_fit_is_refused(tmp_path):
    NetworkScores((np.zeros((4, 12)),), (np.zeros(4),), "tanh", np.zeros((145, 4))).save(tmp_path / "policy.npz")
    with pytest.raises(PolicyError, match="do not fit"):
        load_scores(tmp_path / "policy.npz", 145)


# ---- Commands -------------------------------------------------------------------------------------------------------


def test_from_a_log_to_a_card(tmp_path, capsys):
    log, out = tmp_path / "log.csv", tmp_path / "features.csv"
    assert main(["offers", "generate", "--out", str(log), "--users", "20"]) == 0
    assert main(["offers", "features", str(log), "--out", str(out)]) == 0
    assert out.read_text().startswith("user_id,recency,frequency") and len(out.read_text().splitlines()) == 21
    capsys.readouterr()
    assert main(["offers", "recommend", "--user", "7", "--log", str(log)]) == 0
    card = capsys.readouterr().out
    assert card.startswith("Recommendation for User 7:") and "Why: " in card and "\n3. " in card
    assert "exact plan" in card and str(log) in card


def test_what_is_wrong_is_said(tmp_path, capsys):
    log = tmp_path / "log.csv"
    header = "user_id,session_id,time,action,category,channel,amount,discount,free_shipping"
    log.write_text(f"{header}\n1,1,2026-01-01,look,books,email,0,0,0\n1.5,1,soon,view,books,fax,-1,101,2\n")
    assert main(["offers", "features", str(log)]) == 1
    said = capsys.readouterr().err
    for part in ("row 2: 'look'", "row 3: '1.5'", "'soon'", "'fax'", "'-1'", "'101'", "'2' is not 0 or 1"):
        assert part in said
    log.write_text(f"{header},Amount\n")
    assert main(["offers", "features", str(log)]) == 1 and "more than once: amount" in capsys.readouterr().err
    log.write_text("user_id,time\n")
    assert main(["offers", "features", str(log)]) == 1 and "missing columns: session_id" in capsys.readouterr().err
    assert (
        main(["offers", "recommend", "--user", "9999"]) == 1 and "Remedy: one of 1 to 1000" in capsys.readouterr().err
    )
    assert main(["offers", "recommend", "--user", "1", "--week", "12"]) == 1 and "week: 12" in capsys.readouterr().err
    assert main(["offers", "features", "none.txt"]) == 1 and "not a .csv" in capsys.readouterr().err


# ---- The record -----------------------------------------------------------------------------------------------------


def test_the_record_is_whole_and_nothing_beats_the_optimum():
    runs, source = load_offers()
    assert (runs.groupby("arm").size() >= 3).all() and source["users"] == 1_000
    assert runs[["share_met", "share_unseen"]].to_numpy().max() < 1
    recorded = runs[(runs["arm"] == "LinUCB") | (runs["arm"] == "Thompson sampling")]
    assert recorded["share_unseen"].min() > 0.4
