"""Weekly budgets: the published system, the learners, uplift, the commands, and what is on record."""

import numpy as np
import pandas as pd
import pytest
from gymnasium.utils.env_checker import check_env

from crm_rl.case_studies.budgets import published, uplift
from crm_rl.case_studies.budgets.bound import price_budgets
from crm_rl.case_studies.budgets.catalogue import CENTS, CHANNELS, N_ACTIONS
from crm_rl.case_studies.budgets.customers import COLUMNS, batch_of, cents_of, offers_within, rows_of
from crm_rl.case_studies.budgets.envs import PENALTY, InTurn, SetPrices
from crm_rl.case_studies.budgets.fitted import published_classifier, random_log, world_as_logged
from crm_rl.case_studies.budgets.policies import by_price, doing_nothing, play
from crm_rl.case_studies.budgets.published import CHARGED, DESCRIBED, OfferEnv, expected_reward, outcome
from crm_rl.case_studies.budgets.world import book_world, draw_types, read_types, world_of
from crm_rl.cli import main
from crm_rl.data.problems import DataError
from crm_rl.evaluation.intervals import over_seeds
from crm_rl.experiments.budgets_study import ARMS, load_budgets

# ---- The published system ----


def test_published_outcomes_by_hand():
    found = outcome(5, 4)
    assert (found.trip, found.profit, found.spend) == pytest.approx((0.17, 1.6, 2.57))
    assert expected_reward(5, 0) == pytest.approx(0.5 + 1.5 + 0.5 * 0.15)
    assert expected_reward(5, 0, CHARGED) == pytest.approx(2.075 - 2.5)


def test_the_published_budget_cannot_bind():
    assert published.most_spent() == pytest.approx(25_700)
    assert published.most_spent() < 0.03 * published.BUDGET


def test_which_action_is_best_as_coded_and_when_offers_are_charged():
    offers, channels = np.meshgrid(range(6), range(5), indexing="ij")
    as_coded, charged = expected_reward(offers, channels), expected_reward(offers, channels, CHARGED)
    assert np.unravel_index(as_coded.argmax(), as_coded.shape) == (5, 0)  # the dearest offer, always
    assert np.unravel_index(charged.argmax(), charged.shape) == (0, 0)  # no offer at all


def test_the_published_environment():
    env = OfferEnv(customers=3, budget=5.0, seed=0)
    check_env(env, skip_render_check=True)
    observation, _ = env.reset(seed=1)
    assert observation.shape == (22,) and observation[-2:].tolist() == [0, 1]
    _, reward, *_, info = env.step(np.array([5, 0]))
    assert reward == pytest.approx(2.0 + 0.5 * info["trip"]) and info["spend"] == 2.5
    observation, reward, *_ = env.step(np.array([5, 4]))  # 2.57 of the 2.50 that are left
    assert reward == -5 and observation[-1] == pytest.approx(0.5)
    observation, *_ = env.step(np.array([0, 0]))
    assert observation[-2:].tolist() == pytest.approx([1 / 12, 1])  # the next week, with a new budget
    ended = [env.step(np.array([0, 0]))[2] for _ in range(33)]
    assert ended == [False] * 32 + [True]


def test_profits_are_random_as_described_alone():
    profits = [OfferEnv(2, params=params, seed=0) for params in (published.AS_CODED, DESCRIBED)]
    rewards = []
    for env in profits:
        env.reset(seed=3)
        rewards.append([env.step(np.array([0, 0]))[1] for _ in range(20)])
    assert set(np.round(rewards[0], 6)) <= {0.5, 1.0} and len(set(rewards[1])) == 20


def test_the_published_bandit_has_nothing_to_tell_apart():
    rng = np.random.default_rng(0)
    offers, features = rng.integers(6, size=300), rng.normal(size=(300, 20))
    with pytest.raises(ValueError, match="one class"):
        published.logistic_bandit(features, offers, expected_reward(offers, 0), 6)


# ---- Learners ----


def test_in_turn_pays_fines_and_never_overspends():
    env = InTurn(world_of(draw_types(np.random.default_rng(0), 5, 2)), 3, seed=0)
    env.reset()
    fined, rng = 0, np.random.default_rng(0)
    for _ in range(240):  # two seasons of ten customers
        before, masks, week = env.left.copy(), env.action_masks(), env.week
        actions = rng.integers(N_ACTIONS, size=3)
        _, rewards, _, _ = env.step(actions)
        fits = masks[np.arange(3), actions]
        assert (fits == (CENTS[actions] <= before)).all()
        assert week == 11 or (rewards[~fits] == PENALTY).all()  # the last week pays lifetime value besides
        fined += (~fits).sum()
        assert (env.left >= 0).all()
    assert fined > 100 and env.week == 0 and env.place == 0


def test_a_season_of_prices_ends_after_twelve_weeks():
    env = SetPrices(world_of(draw_types(np.random.default_rng(0), 5, 2)), 2, seed=0)
    assert env.reset()[0].tolist() == [0, 1, 0, 0, 0, 1, 0, 0]
    ended = [env.step(np.zeros((2, 3)))[2].tolist() for _ in range(12)]
    assert ended == [[False] * 2] * 11 + [[True] * 2]


def test_the_same_seed_learns_the_same_prices():
    from crm_rl.case_studies.budgets.ppo import train_prices

    world = world_of(draw_types(np.random.default_rng(0), 3, 2))
    types, states = world.types_of_all(), np.zeros(6, int)
    first, second = (
        [train_prices(world, 384, 0)(week, types, states, 120, np.random.default_rng(week)) for week in range(3)]
        for _ in range(2)
    )
    assert all((one == other).all() for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("masked", [True, False])
def test_a_network_served_in_turn_keeps_the_budget(masked):
    from crm_rl.case_studies.budgets.ppo import Network, serve_in_turn

    world, rng = world_of(draw_types(np.random.default_rng(0), 2, 2)), np.random.default_rng(0)
    network = Network([rng.normal(size=(13, 26))], [np.zeros(26)])
    policy, types = serve_in_turn(world, network, masked), np.repeat([0, 1], 50)
    spent = [
        CENTS[policy(week, types, np.zeros(100, int), budget, np.random.default_rng(week))].sum()
        for week, budget in enumerate((0, 60, 5000))
    ]
    assert spent[0] == 0 and spent[1] <= 60 and 0 < spent[2] <= 5000


def test_a_random_log_costs_about_the_budget():
    world = world_of(draw_types(np.random.default_rng(1), 6, 40))
    log = random_log(world, 3, np.random.default_rng(0))
    assert len(log.actions) == 3 * 12 * 240
    assert CENTS[log.actions].sum() / (3 * 12) == pytest.approx(world.budget(), rel=0.1)
    offers = np.bincount(log.actions, minlength=N_ACTIONS)[1:]
    assert offers.min() > 20 and offers.max() < 75  # every offer alike: 45 times, up to chance


def test_planning_with_a_fitted_model():
    world = world_of(draw_types(np.random.default_rng(1), 6, 200))
    log = random_log(world, 7, np.random.default_rng(0))
    logged = world_as_logged(world, log)
    assert logged.stayed == pytest.approx(world.stayed, abs=0.06) and (logged.travelled == world.travelled).all()
    assert ((logged.trip > 0) & (logged.trip < 1)).all()
    bound, found = (price_budgets(one, world.budget()) for one in (world, logged))
    season = play(world, by_price(found.plan), world.budget(), bound.plan, np.random.default_rng(0))
    assert season.lost.sum() < 0.5 * (bound.value - doing_nothing(world))
    assert season.spent.max() <= world.budget()


def test_a_fitted_model_is_told_no_more_than_the_log_and_margins():
    world = world_of(draw_types(np.random.default_rng(1), 4, 30))
    log = random_log(world, 2, np.random.default_rng(0))
    features = world.features.copy()
    features[:, 1:] = 0  # all but the margin
    blind = world._replace(
        features=features,
        **{name: getattr(world, name) * 0 for name in ("trip", "reward", "end", "travelled", "stayed")},
    )
    for name in ("trip", "reward", "end", "travelled", "stayed"):
        assert (getattr(world_as_logged(world, log), name) == getattr(world_as_logged(blind, log), name)).all()


def test_the_published_classifier_knows_no_budget():
    world = world_of(draw_types(np.random.default_rng(1), 6, 40))
    policy = published_classifier(world, random_log(world, 7, np.random.default_rng(0)))
    assert CENTS[policy(0, world.types_of_all(), np.zeros(240, int), 2000, np.random.default_rng(0))].sum() > 2000


# ---- Uplift ----


def test_qini_by_hand():
    uplift_, scores = np.array([0.4, 0.0, 0.2]), np.array([1.0, 3.0, 2.0])
    assert uplift.qini_curve(scores, uplift_) * 3 == pytest.approx([0, 0, 0.2, 0.6])
    assert uplift.qini_coefficient(uplift_, uplift_) == pytest.approx(1)
    assert uplift.qini_coefficient(-uplift_, uplift_) == pytest.approx(-1)
    observed = uplift.observed_qini(scores, np.array([True, False, True]), np.array([True, True, False]))
    assert observed * 3 == pytest.approx([0, -1, 2 * (0 - 1), 3 * (0.5 - 1)])


def test_learners_of_uplift_find_it():
    rng = np.random.default_rng(0)
    trial, fresh = uplift.randomised_trial(3000, rng), uplift.randomised_trial(2000, rng)
    scores = {learn: learn(trial, fresh.features) for learn in (uplift.t_learner, uplift.x_learner)}
    assert all(uplift.qini_coefficient(score, fresh.uplift) > 0.3 for score in scores.values())
    truth = uplift.dollars_of(fresh.uplift, fresh)
    assert all(uplift.dollars_of(score, fresh) < truth for score in scores.values())


def test_what_a_learner_of_uplift_is_not_told():
    trial = uplift.randomised_trial(50, np.random.default_rng(0))
    less = uplift.without(trial, ("sensitivity", *CHANNELS))
    assert (less.features == trial.features[:, [0, 1, 8]]).all()  # margin, base and habit
    assert less.uplift is trial.uplift and less.worth is trial.worth
    with pytest.raises(ValueError, match="no number age. Remedy"):
        uplift.without(trial, ("age",))


# ---- Customers and commands ----


def rows(n: int, rng: np.random.Generator) -> list[dict]:
    consent = rng.choice(["", "email", "push sms", "in-app phone email"], n)
    names = book_world().segments
    return [
        dict(
            zip(
                COLUMNS,
                (f"c{i}", names[rng.integers(24)], rng.integers(4), rng.integers(3), *limits, agreed),
                strict=True,
            )
        )
        for i, (limits, agreed) in enumerate(zip(rng.integers(0, (40, 4), (n, 2)).tolist(), consent, strict=True))
    ]


@pytest.mark.parametrize("budget", [0.0, 0.499, 37.77, 1e9])
def test_offers_stay_within_budget_and_rules(budget):
    given = rows(300, np.random.default_rng(0))
    batch = batch_of(given)
    offers = offers_within(batch, cents_of(budget), week=3)
    answers = rows_of(batch, offers)
    assert sum(round(100 * row["cost"]) for row in answers) == offers.spent <= 100 * budget
    assert -1e-9 <= offers.gain <= offers.bound + 1e-9
    for row, answer in zip(given, answers, strict=True):
        if answer["offer"]:
            assert row["age"] >= 18 and row["contacts"] < 2 and answer["channel"] in row["consent"].split()
            assert answer["reason"] == "sent"
        else:
            assert answer["cost"] == 0 and answer["reason"] != "sent"
        if row["age"] < 18:
            assert answer["reason"] == "too young"


def test_all_that_is_wrong_with_customers_is_said_at_once():
    good = rows(1, np.random.default_rng(0))[0]
    bad = [good, good | {"segment": "nowhere", "habit": 4, "age": "old", "consent": "email fax"}]
    with pytest.raises(DataError) as error:
        batch_of(bad, "file.csv")
    for word in ("customer 2, customer_id", "segment: 'nowhere'", "habit: 4", "age: 'old'", "consent: 'fax'"):
        assert word in str(error.value)
    with pytest.raises(DataError, match="at least one"):
        batch_of([])
    for budget in (-1, float("nan"), float("inf")):
        with pytest.raises(DataError, match="budget"):
            cents_of(budget)


def test_the_commands(tmp_path, capsys):
    people, out = tmp_path / "people.csv", tmp_path / "offers.csv"
    assert main(["budgets", "example", str(people), "--customers", "200"]) == 0
    assert main(["budgets", "plan", str(people), "--budget", "25", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    offers = pd.read_csv(out)
    assert len(offers) == 200 and 0 < offers["cost"].sum() <= 25 and "Another dollar would earn" in said
    assert main(["budgets", "plan", str(out), "--budget", "25"]) == 1
    assert "no column segment" in capsys.readouterr().err
    assert main(["budgets", "bound", "--types", str(out)]) == 1
    few = tmp_path / "few.csv"
    draw_types(np.random.default_rng(0), 2, 10).to_csv(few, index=False)
    assert main(["budgets", "simulate", "price", "--types", str(few), "--seasons", "2"]) == 0
    assert "Share of the attainable gain" in capsys.readouterr().out


def test_what_is_wrong_with_types_is_said_at_once(tmp_path):
    types = draw_types(np.random.default_rng(0), 3, 10).astype({"margin": object})
    types.loc[1, "margin"], types.loc[2, "push"], types.loc[0, "segment"] = "much", 1.5, "segment-02"
    types.to_csv(tmp_path / "types.csv", index=False)
    with pytest.raises(DataError) as error:
        read_types(tmp_path / "types.csv")
    for word in ("row 3, margin", "row 4, push", "'segment-02' comes twice"):
        assert word in str(error.value)


# ---- The record ----


def test_what_the_chapter_says_of_the_record():
    tables, source = load_budgets()
    runs = tables["runs"]
    runs = runs[runs["customers"] == 1200]
    assert set(runs["arm"]) == set(ARMS) and source["worlds"] == list(range(10))
    assert runs["share"].max() <= 1 and runs["spent"].max() <= 1
    price = over_seeds(runs.loc[runs["arm"] == "price policy", "share"].to_numpy(), statistic="mean")
    assert price["low"] > 0.98
    shares = runs.pivot(index="world", columns="arm", values="share")
    fitted, week = shares["price policy, fitted model"], shares["linear program, fitted model"]
    assert len(fitted.dropna()) == 10 and over_seeds((fitted - week).to_numpy(), statistic="mean")["low"] > 0.2
    promised = runs.loc[runs["arm"] == "price policy, fitted model", "promised"].to_numpy()
    assert over_seeds(promised - fitted.to_numpy(), statistic="mean")["low"] > 0.1


def test_what_the_chapter_says_of_uplift():
    uplifts = load_budgets()[0]["uplift"].pivot(index="seed", columns=["told", "scores"], values="dollars")
    assert len(uplifts) == 10
    assert uplifts["all", "X-learner"].min() > 0 and uplifts["all", "response model"].min() > 0
    paid = {name: over_seeds(column.to_numpy(), statistic="mean") for name, column in uplifts["less"].items()}
    assert all(row["high"] < 0 for row in paid.values())  # without sensitivity and channels none pays


def test_the_record_comes_out_again():
    """The price policy in the book's world, played anew for one season, has the share on record."""
    from crm_rl.case_studies.budgets.world import TYPES
    from crm_rl.experiments.budgets_study import Job

    row = Job(str(TYPES), "price policy", 0, 1).run(None)["row"]
    runs = load_budgets()[0]["runs"]
    recorded = runs[(runs["arm"] == "price policy") & (runs["world"] == 0) & (runs["customers"] == 1200)].iloc[0]
    assert row["bound"] == pytest.approx(recorded["bound"], rel=1e-4)
    assert row["share"] == pytest.approx(recorded["share"], abs=0.005)
