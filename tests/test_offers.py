"""Offers (chapter 11): the catalogue, features, the published reward, the response model and its exact answer."""

import gymnasium.utils.env_checker as checker
import numpy as np
import pandas as pd
import pytest

from crm_rl.case_studies.offers import contact_caps
from crm_rl.case_studies.offers import response as model
from crm_rl.case_studies.offers.catalogue import load_catalogue
from crm_rl.case_studies.offers.events import COLUMNS, draw_preferences, generate
from crm_rl.case_studies.offers.features import FEATURES, NEVER, features_of
from crm_rl.case_studies.offers.log_files import load_log
from crm_rl.case_studies.offers.published import PublishedEnv, one_line_rule, published_reward, rewards_of_all
from crm_rl.case_studies.offers.recommend import recommend_offer
from crm_rl.case_studies.offers.simulator import generated, greedy_actions, make_world, start, step, values_of
from crm_rl.data.problems import DataError

CATALOGUE = load_catalogue()


@pytest.fixture(scope="module")
def world():
    return make_world(CATALOGUE, generated(60, 0))


def number_of(offer, value, channel, timing):
    return CATALOGUE.actions.index((offer, value, channel, timing))


# ---- The catalogue --------------------------------------------------------------------------------------------------


def written(tmp_path, text):
    path = tmp_path / "catalogue.yaml"
    path.write_text(text)
    return path


def test_the_default_has_the_144_and_without_the_value_0_there_are_108():
    assert len(CATALOGUE.actions) == len(set(CATALOGUE.actions)) == 144
    assert (CATALOGUE.value > 0).sum() == 108


def test_a_grid_leaves_out_what_is_impossible_and_a_list_is_taken_as_it_is(tmp_path):
    grid = "offers: [discount, bundle]\nvalues: [0, 10]\nchannels: [sms]\ntimings: [immediate]\n"
    catalogue = load_catalogue(written(tmp_path, grid + "impossible: [{offer: discount, value: 0}]\n"))
    assert [action[:2] for action in catalogue.actions] == [("discount", 10), ("bundle", 0), ("bundle", 10)]
    (tmp_path / "list.yaml").write_text("actions: [{offer: bundle, value: 7, channel: push, timing: delay_1hour}]")
    assert str(load_catalogue(tmp_path / "list.yaml").actions[0]) == "bundle with 7% off via push (after 1 hour)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("offers: [discount, coupon]\nvalues: [5, 5, 99]\nchannels: []\ntimings: [noon]\n",
         ["'coupon' is an unknown offer", "5 stands there twice", "99 is no value", "channels: needs", "'noon'"]),
        ("actions: []", ["it is empty"]),
        ("actions: [{offer: bundle, value: 5, channel: sms}, 3]", ["number 1: no timing", "number 2: 3 has no"]),
        ("actions: [{offer: bundle, value: 5, channel: sms, timing: immediate},"
         " {offer: bundle, value: 5, channel: sms, timing: immediate}]\nimpossible: [{channel: sms}]",
         ["stands there twice", "number 1: bundle 5 sms immediate is impossible"]),
        ("offers: [bundle]\nvalues: [true]\nchannels: [sms]\ntimings: [immediate]\nstyle: 1\n", ["True is", "style"]),
        ("offers: [bundle]\nvalues: [5]\nchannels: [sms]\ntimings: [immediate]\nimpossible: [{offer: bundle}]\n",
         ["it is empty"]),
        ("offers: [bundle]\nvalues: [5]\nchannels: [sms]\ntimings: [immediate]\nimpossible: [{value: 7}]\n",
         ["7 rules out nothing"]),
        ("- 1", ["neither `actions` nor"]),
        ("a: [", ["not YAML"]),
    ],
)  # fmt: skip
def test_a_wrong_catalogue_is_refused_with_all_its_faults(tmp_path, text, said):
    with pytest.raises(DataError) as error:
        load_catalogue(written(tmp_path, text))
    assert all(part in str(error.value) for part in said)


# ---- Features -------------------------------------------------------------------------------------------------------


def log_by_hand() -> pd.DataFrame:
    """User 7 has three sessions, two by email, with a purchase of 40 dollars at a discount; user 9 only looked."""
    rows = [
        (7, 1, "2026-01-01", "view", "books", "email", 0, 0, 0),
        (7, 2, "2026-01-05", "add_to_cart", "books", "email", 0, 0, 0),
        (7, 2, "2026-01-05", "purchase", "books", "email", 40, 10, 0),
        (7, 3, "2026-01-09", "view", "books", "push", 0, 0, 0),
        (9, 4, "2026-01-11", "view", "books", "direct", 0, 0, 0),
    ]
    return pd.DataFrame(rows, columns=COLUMNS).assign(time=lambda log: pd.to_datetime(log["time"]))


def test_the_ten_features_by_hand():
    table = features_of(log_by_hand())
    points = 1 + 3 + 5 + 1
    assert table.loc[7].tolist() == pytest.approx(
        [2, 3, 40, points / (points + 50), 1.5 / 2, 0.5 / 2, 2.5 / 4, 0.5 / 4, 1.5 / 4, 6]
    )
    assert table.loc[9].tolist() == pytest.approx([0, 1, 0, 1 / 51, 0.5, 0.5, 0.25, 0.25, 0.25, NEVER])


def test_what_comes_later_does_not_count():
    early = features_of(log_by_hand(), pd.Timestamp("2026-01-02"))
    assert early.index.tolist() == [7] and early.loc[7, ["recency", "frequency", "monetary"]].tolist() == [1, 1, 0]


def test_features_of_a_file_are_those_of_the_log(tmp_path):
    rng = np.random.default_rng(2)
    log = generate(draw_preferences(3, rng), rng)
    log.to_csv(tmp_path / "log.csv", index=False)
    log.to_excel(tmp_path / "log.xlsx", index=False)
    for name in ("log.csv", "log.xlsx"):
        pd.testing.assert_frame_equal(features_of(load_log(tmp_path / name)), features_of(log), check_exact=True)


def test_the_features_show_what_the_generator_knows():
    rng = np.random.default_rng(3)
    people = draw_preferences(400, rng)
    answers = model.answers_of(model.types_of(features_of(generate(people, rng)).to_numpy()))
    assert (answers["discount_sensitivity"] == people.discount_sensitive).mean() > 0.8
    assert (answers["channel"] == people.channel).mean() > 0.9


# ---- The published reward -------------------------------------------------------------------------------------------


def test_the_published_reward_by_hand():
    someone = np.zeros(10)
    someone[[FEATURES.index("discount_sensitivity"), FEATURES.index("email_responsiveness")]] = 0.6
    offers, channels = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert published_reward(someone, offers, channels) == pytest.approx([0.9, 0.6, 0.4, 0.1])
    assert published_reward(np.zeros(10), offers, channels) == pytest.approx([0.1] * 4)


def test_one_rule_is_best_for_everybody():
    rewards = rewards_of_all(generated(200, 1).features, CATALOGUE)
    best = rewards == rewards.max(axis=1, keepdims=True)
    assert np.array_equal(np.flatnonzero(best.all(axis=0)), one_line_rule(CATALOGUE))
    assert len(one_line_rule(CATALOGUE)) == 12 and set(best.sum(axis=1)) == {12, 36, 48, 144}


def test_the_published_environment(world):
    env = PublishedEnv(world.customers.features[:3], CATALOGUE)
    checker.check_env(env, skip_render_check=True)
    env.reset()
    assert [env.step(0)[2] for _ in range(3)] == [False, False, True]


# ---- The response model ---------------------------------------------------------------------------------------------


def test_a_chance_and_a_profit_by_hand(world):
    """Type 0: nothing applies, and email is the customer's own channel. Type 3: sensitive to discounts."""
    plain = number_of("recommendation", 0, "email", "delay_6hours")
    log_odds = -2.6 + 0.2 + 0.5 + 0.3
    assert world.response.buys[0, 0, 0, plain] == pytest.approx(1 / (1 + np.exp(-log_odds)))
    assert world.response.buys[0, 2, 1, plain] == pytest.approx(1 / (1 + np.exp(-(log_odds - 2 * 0.35 - 0.8))))
    cut = number_of("discount", 10, "email", "immediate")
    assert world.response.buys[3, 0, 2, cut] == pytest.approx(1 / (1 + np.exp(-(-2.6 + 0.6 + 0.7 + 0.5 - 0.1))))
    assert world.response.profit[3, cut] == pytest.approx(45 * 0.3) and world.response.cost[cut] == 0.03
    assert world.response.buys[0, 0, 0, -1] == pytest.approx(1 / (1 + np.exp(2.6))) and world.response.cost[-1] == 0


def test_fatigue_rises_with_messages_and_habit_with_price_cuts(world):
    response, cut = world.response, number_of("bundle", 10, "sms", "immediate")
    assert response.tires[cut, 0] == pytest.approx([0.4, 0.6, 0, 0])
    assert response.tires[-1, 3] == pytest.approx([0, 0, 0.7, 0.3])
    assert response.teaches[cut, 0] == pytest.approx([0.6, 0.4, 0])
    assert response.teaches[-1, 2] == pytest.approx([0, 0.2, 0.8])
    for chances in (response.tires, response.teaches):
        assert chances.min() >= 0 and np.allclose(chances.sum(axis=2), 1)


def test_backward_induction_agrees_with_evaluation_and_nothing_beats_it(world):
    q, types = model.optimal(world.response), np.arange(model.TYPES)
    best = model.evaluate(world.response, types, q.argmax(axis=4))
    assert best == pytest.approx(q[0, :, 0, 0].max(axis=1))
    rng = np.random.default_rng(0)
    for _ in range(5):
        other = rng.integers(world.n_actions, size=q.shape[:4])
        assert (model.evaluate(world.response, types, other) < best).all()
    assert q[-1] == pytest.approx(world.response.reward)


def test_the_simulator_earns_what_the_evaluation_says(world):
    """20,000 customers of the book's world get 10% off by SMS every week; three standard errors are allowed."""
    action, rng = number_of("discount", 10, "sms", "immediate"), np.random.default_rng(5)
    state, earned = start(np.arange(20_000) % 60), 0.0
    for _ in range(world.response.weeks):
        state, reward = step(world, state, np.full(20_000, action), rng)
        earned = earned + reward
    exact = values_of(world, np.full((12, 60, model.FATIGUE, model.HABIT), action))
    difference = earned - exact[np.arange(20_000) % 60]
    assert abs(difference.mean()) < 3 * difference.std() / np.sqrt(len(difference))


def test_scores_become_actions_week_by_week(world):
    last = lambda seen: np.eye(world.n_actions)[np.where(seen[:, 12] > 0.9, 7, 144)]  # noqa: E731
    actions = greedy_actions(world, last)
    assert (actions[:11] == 144).all() and (actions[11] == 7).all()


# ---- Fatigue that nobody sees ---------------------------------------------------------------------------------------


def myopic_of(world) -> np.ndarray:
    return world.response.reward.round(9).argmax(axis=3)


def test_a_cap_by_count_is_what_the_simulator_earns_under_it(world):
    """20,000 customers get the myopic offer, at most twice in any 3 weeks; three standard errors are allowed."""
    actions, nothing = myopic_of(world), world.n_actions - 1
    exact = contact_caps.with_cap(world.response, actions, most=2, weeks=3)
    rng, who = np.random.default_rng(6), np.arange(20_000) % 60
    state, types = start(who), world.customers.types[who]
    earned, sent = 0.0, np.zeros((world.response.weeks, 20_000), dtype=int)
    for week in range(world.response.weeks):
        action = actions[types, state.fatigue, state.habit]
        action = np.where(sent[max(week - 2, 0) : week].sum(axis=0) < 2, action, nothing)
        sent[week] = action != nothing
        state, reward = step(world, state, action, rng)
        earned = earned + reward
    for simulated, expected in ((earned, exact.values), (sent.sum(axis=0), exact.messages)):
        difference = simulated - expected[types]
        assert abs(difference.mean()) < 3 * difference.std() / np.sqrt(len(difference)) + 1e-9


def test_no_cap_and_a_full_stop(world):
    actions, types = myopic_of(world), np.arange(model.TYPES)
    every_week = np.broadcast_to(actions, (world.response.weeks, *actions.shape))
    free = contact_caps.with_cap(world.response, actions, most=4, weeks=4)
    assert free.values == pytest.approx(model.evaluate(world.response, types, every_week))
    silent = contact_caps.with_cap(world.response, actions, most=0, weeks=4)
    assert silent.values == pytest.approx(model.evaluate(world.response, types, np.full_like(every_week, 144)))
    assert not silent.messages.any()
    for most, weeks in ((1, 1), (4, 3), (-1, 3)):
        with pytest.raises(ValueError, match="Remedy"):
            contact_caps.with_cap(world.response, actions, most, weeks)


def test_no_other_week_makes_a_planned_schedule_better(world):
    response, schedule = world.response, contact_caps.planned_schedule(world.response)

    def worth(schedule: np.ndarray, types: np.ndarray) -> np.ndarray:
        everywhere = (*schedule.shape, model.FATIGUE, model.HABIT)
        return model.evaluate(response, types, np.broadcast_to(schedule[..., None, None], everywhere))

    every = np.arange(model.TYPES)
    best = model.optimal(response)[0, :, 0, 0].max(axis=1)
    assert (worth(schedule, every) <= best + 1e-9).all()
    for type_, week in ((0, 0), (7, 5), (40, 11)):
        others = np.repeat(schedule[:, [type_]], world.n_actions, axis=1)
        others[week] = np.arange(world.n_actions)
        assert worth(others, np.full(world.n_actions, type_)).max() <= worth(schedule, every)[type_] + 1e-8


# ---- A recommendation -----------------------------------------------------------------------------------------------


def test_a_recommendation_is_the_exact_plan_s(world):
    features = world.customers.features[0]
    answer = recommend_offer(dict(zip(FEATURES, features, strict=True)))
    q = model.optimal(world.response)[0, world.customers.types[0], 0, 0]
    assert answer.gain == pytest.approx(q.max() - q[-1])
    assert len(answer.alternatives) == 3 and answer.alternatives[0][1] <= answer.gain
    assert answer.as_dict()["offer"] == (answer.action.offer if answer.action else "none")


def test_a_policy_decides_and_the_tired_get_nothing(world):
    wanted = number_of("bundle", 5, "push", "delay_1hour")
    answer = recommend_offer(world.customers.features[0], scores=lambda seen: np.eye(145)[[wanted]])
    assert answer.action == CATALOGUE.actions[wanted]
    tired = recommend_offer(world.customers.features[0], fatigue=3)
    assert tired.action is None and tired.as_dict()["channel"] is None and "fatigue is 3 of 3" in tired.reason


def test_bad_features_are_all_named():
    with pytest.raises(DataError) as error:
        recommend_offer({"recency": -1, "engagement": 2, "monetary": "much", "mood": 1}, week=12, habit=True)
    for part in ("frequency: missing", "recency: -1", "engagement: 2", "'much'", "mood: no such", "week: 12", "habit"):
        assert part in str(error.value)
    with pytest.raises(DataError, match="features"):
        recommend_offer(np.zeros(3))
