"""The responsive world: its chances by hand, its ends, what is seen, and the population behind it."""

import numpy as np
import pandas as pd
import pytest

from crm_rl.data import DataError, clean, load
from crm_rl.data.columns import EVENTS
from crm_rl.worlds.base import N_FEATURES, Action
from crm_rl.worlds.base_rates import (
    COVARIATES,
    FEWEST,
    at_risk,
    customer_weeks,
    expected_events,
    fit_base_rates,
    weekly_chances,
)
from crm_rl.worlds.responsive import (
    BASELINE,
    CHANCES,
    SELECTION,
    SUBSCRIPTION,
    Population,
    State,
    event_chance,
    observe_all,
    opt_out_chance,
    start,
    step,
    step_all,
)
from crm_rl.worlds.responsive_world import (
    FOCUS,
    HOME,
    RESPONSIVE_FEATURES,
    affinities,
    recorded_rates,
    responsive_population,
    responsive_worlds,
    standing,
)

NEVER, SURELY = np.full(CHANCES, 0.999999), np.zeros(CHANCES)


@pytest.fixture
def one() -> Population:
    """An outbound customer with base rates of 10%, and channels of one strength but for the call's, which is 2."""
    affinity = np.ones((1, 6))
    affinity[0, Action.CALL] = 2
    quiet = np.full((2, 32, 6), np.log(0.9))
    return Population(np.zeros(1, np.int64), np.array([0.25]), np.array([0.75]), np.zeros(1, np.int64), affinity, quiet)


def at(steps: int = 0, milestones: int = 0, contacts: int = 0, mask: int = BASELINE.first_mask) -> State:
    return State(0, steps, milestones, contacts, mask)


def test_the_chance_of_an_event_by_hand(one):
    # (1 - 0.3) * 10 * drive 1 * affinity 2 = 14 more chances of 10% each
    assert event_chance(0, 0, 0, int(Action.CALL), one, BASELINE) == pytest.approx(1 - 0.9**15)
    assert event_chance(0, 0, 0, int(Action.WAIT), one, BASELINE) == pytest.approx(0.1)
    assert event_chance(0, 0, 0, int(Action.CALL), one, BASELINE._replace(organic=1.0)) == pytest.approx(0.1)


def test_the_chance_of_losing_a_customer_by_hand():
    chances = [opt_out_chance(contacts, int(Action.EMAIL), BASELINE) for contacts in range(6)]
    assert chances == pytest.approx([0, 0, 0.035, 0.07, 0.105, 0.14])  # 0.7 * 0.05 a contact beyond the second
    assert opt_out_chance(5, int(Action.WAIT), BASELINE) == 0


def test_a_week_in_which_everything_happens_and_one_in_which_nothing_does(one):
    outcome = step(at(), int(Action.CALL), one, BASELINE, SURELY)
    assert outcome.subscribed and outcome.terminated and outcome.reward == BASELINE.value - 2
    outcome = step(at(contacts=2), int(Action.CALL), one, BASELINE, NEVER)
    assert not outcome.terminated and outcome.reward == -2 and outcome.state == at(1, 0, 3)


def test_a_customer_who_opts_out_ends_the_episode(one):
    chance = NEVER.copy()
    chance[CHANCES - 1] = 0
    assert step(at(contacts=2), int(Action.EMAIL), one, BASELINE, chance).terminated
    assert not step(at(contacts=1), int(Action.EMAIL), one, BASELINE, chance).terminated


def test_the_last_week_ends_the_task(one):
    outcome = step(at(steps=11), int(Action.WAIT), one, BASELINE, NEVER)
    assert outcome.terminated and not outcome.truncated and outcome.reward == 0


def test_milestones_stay_and_the_rate_follows_them(one):
    quiet = one.quiet.copy()
    quiet[0, 0b00010, SUBSCRIPTION] = np.log(0.5)  # who has had a demo subscribes with 50%
    chance = NEVER.copy()
    chance[1] = 0
    after = step(at(), int(Action.WAIT), one, BASELINE, chance).state
    assert after.milestones == 0b00010
    assert event_chance(SUBSCRIPTION, 0, after.milestones, int(Action.WAIT), one._replace(quiet=quiet), BASELINE) == 0.5


def test_the_expected_reward_is_chance_times_value(one):
    rules = BASELINE._replace(expected_reward=True)
    p = event_chance(SUBSCRIPTION, 0, 0, int(Action.DEMO), one, rules)
    for chance in (NEVER, SURELY):
        assert step(at(), int(Action.DEMO), one, rules, chance).reward == pytest.approx(p * rules.value - 4)


def test_shaping_pays_for_milestones_and_its_potential_ends_at_zero(one):
    rules = BASELINE._replace(stage_reward=(15.0, 10.0, 5.0, 0.0, 0.0))
    chance = NEVER.copy()
    chance[0] = 0
    assert step(at(), int(Action.WAIT), one, rules, chance).reward == 15
    based = rules._replace(potential_based=True)
    assert step(at(), int(Action.WAIT), one, based, chance).reward == 15
    assert step(at(milestones=0b001), int(Action.WAIT), one, based, NEVER).reward == 0
    assert step(at(11, 0b001), int(Action.WAIT), one, based, NEVER).reward == -15


def test_buying_an_attribute_takes_no_time_and_asking_twice_wastes_a_week(one):
    hidden = start(0, one, SELECTION)
    seen = observe_all(State(*(np.array([field]) for field in hidden)), one, SELECTION)[0]
    assert seen[12] == 0 and seen[N_FEATURES + 12] == 0 and seen[N_FEATURES + 3] == 1
    outcome = step(hidden, 12, one, SELECTION, NEVER)
    assert outcome.reward == -1 and outcome.state.steps == 0 and not outcome.terminated
    seen = observe_all(State(*(np.array([field]) for field in outcome.state)), one, SELECTION)[0]
    assert seen[12] == pytest.approx(0.25) and seen[N_FEATURES + 12] == 1
    again = step(outcome.state, 12, one, SELECTION, NEVER)
    assert again.reward == -1 and again.state.steps == 1 and again.state.contacts == 0
    assert step(hidden, N_FEATURES + int(Action.CALL), one, SELECTION, NEVER).reward == -2


def test_a_batch_goes_as_single_episodes_do(one):
    rng = np.random.default_rng(0)
    states = [at(int(rng.integers(12)), int(rng.integers(32)), int(rng.integers(6))) for _ in range(50)]
    actions, chances = rng.integers(0, 6, 50), rng.random((50, CHANCES))
    batch = step_all(State(*np.array(states).T.copy()), actions, one, BASELINE, chances)
    for i, state in enumerate(states):
        single = step(state, actions[i], one, BASELINE, chances[i])
        assert tuple(field[i] for field in batch.state) == tuple(single.state)
        assert (batch.reward[i], batch.subscribed[i], batch.terminated[i]) == single[1:4]


def test_observations_stay_between_0_and_1(one):
    states = [at(week, pattern, contacts) for week in range(12) for pattern in range(32) for contacts in range(6)]
    seen = observe_all(State(*np.array(states).T.copy()), one, BASELINE)
    assert seen.min() >= 0 and seen.max() <= 1
    assert len(RESPONSIVE_FEATURES) == N_FEATURES


# What is fitted


@pytest.fixture(scope="module")
def twin_customers(twin) -> pd.DataFrame:
    return clean(load(twin))[0]


@pytest.fixture(scope="module")
def rates(twin_customers) -> pd.DataFrame:
    return fit_base_rates(twin_customers)


def test_customer_weeks_by_hand():
    days = {f"{event}_date": [pd.NaT, pd.NaT] for event in EVENTS}
    customers = pd.DataFrame(
        {"arrival": pd.to_datetime(["2022-01-03", "2022-04-01"]), "inbound": [False, True], **days}
    )
    customers["call_date"] = pd.to_datetime(["2022-01-11", None])  # day 8: in the second week
    customers["subscribed_date"] = pd.to_datetime(["2022-01-24", None])  # day 21: the end of the third
    weeks = customer_weeks(customers)
    first, second = weeks[weeks["customer"] == 0], weeks[weeks["customer"] == 1]
    assert first["call happens"].tolist() == [False, True, False] and first["call"].tolist() == [0, 0, 1]
    assert first["subscribed happens"].tolist() == [False, False, True]  # and no week after that
    assert len(second) == 3  # the export ends 27 days after this arrival
    assert len(at_risk(weeks, "call")) == 5


def test_the_fit_expects_as_many_events_as_there_were(rates, twin_customers):
    weeks, chances = customer_weeks(twin_customers), weekly_chances(rates)
    for place, event in enumerate(EVENTS):
        exposed = at_risk(weeks, event)
        patterns = sum(exposed[name].astype(int) * 2**bit for bit, name in enumerate(COVARIATES[1:]))
        expected = chances[exposed["inbound"].astype(int), patterns, place].sum()
        assert rates.loc[event, "events"] == exposed[f"{event} happens"].sum()
        assert expected == pytest.approx(rates.loc[event, "events"], abs=0.6)


def test_few_events_make_an_assumption_and_no_fit(rates):
    few = rates["events"] < FEWEST
    assert few.any() and not few.all()
    assert (rates.loc[few, list(COVARIATES)] == 0).all(axis=None) and rates.loc[few, "slope"].isna().all()


def test_the_committed_rates_are_those_of_the_fit(rates):
    pd.testing.assert_frame_equal(
        recorded_rates("twin"), rates.astype(float), check_dtype=False, check_names=False, rtol=1e-4, atol=1e-4
    )
    with pytest.raises(DataError, match="fit_base_rates"):
        recorded_rates("nobody's")


# Who is in the worlds


def test_a_standing_by_hand():
    names = pd.Series(["a", "a", "b", "b", "b", None])
    subscribed = pd.Series([True, False, False, False, False, False])
    # b has the lowest smoothed rate, then the missing, then a: 3 customers, 1, 2; ties count half
    assert standing(names, subscribed) == pytest.approx([5 / 6, 5 / 6, 1.5 / 6, 1.5 / 6, 1.5 / 6, 3.5 / 6])


def test_affinities_add_up_and_are_highest_at_home():
    places = np.array(list(HOME.values()))
    table = affinities(places[:, 0], places[:, 1])
    np.testing.assert_allclose(table.sum(axis=1), len(HOME))
    actions = [Action[name.upper()] for name in HOME]
    assert [table[row].argmax() for row in range(len(HOME))] == actions
    assert (table[:, Action.WAIT] == 0).all()
    np.testing.assert_allclose(affinities(places[:, 0], places[:, 1], focus=0.0)[:, actions], 1)
    near = affinities(np.array([0.5, 0.501]), np.array([0.5, 0.5]), FOCUS)
    assert np.abs(near[0] - near[1]).max() < 0.02  # neighbours are alike


def test_the_rough_world_deals_the_smooth_ones_affinities_to_pairs(twin_customers):
    (smooth, rows), (rough, _) = (
        responsive_population(twin_customers, recorded_rates(), kind) for kind in ("smooth", "rough")
    )
    known = {tuple(row) for row in smooth.affinity.round(9)}
    assert {tuple(row) for row in rough.affinity.round(9)} <= known
    people = twin_customers.iloc[rows][["country", "education"]].fillna("missing").reset_index(drop=True)
    per_pair = pd.DataFrame(rough.affinity.round(9)).groupby([people["country"], people["education"]]).nunique()
    assert (per_pair == 1).all(axis=None)
    assert (smooth.affinity != rough.affinity).any()
    with pytest.raises(ValueError, match="no kind of world"):
        responsive_population(twin_customers, recorded_rates(), "bumpy")


def test_starts_are_what_was_known_at_arrival(twin_customers):
    population, rows = responsive_population(twin_customers, recorded_rates())
    people = twin_customers.iloc[rows]
    for bit, event in enumerate(COVARIATES[1:]):
        known = (people[f"{event}_date"] <= people["arrival"]).to_numpy()
        np.testing.assert_array_equal(population.start >> bit & 1, known)
    outbound = population.inbound == 0
    assert (population.start[outbound] == 0).mean() > 0.99 and (population.start[~outbound] > 0).all()


def test_the_parts_are_alike_and_nobody_is_in_two(twin_customers):
    worlds = responsive_worlds(twin_customers, recorded_rates())
    rows = np.concatenate([world.rows for world in worlds.values()])
    assert len(np.unique(rows)) == len(rows) == twin_customers["arrival"].notna().sum()
    shares = [world.population.inbound.mean() for world in worlds.values()]
    assert max(shares) - min(shares) < 0.001
    subscribers = [twin_customers["subscribed"].to_numpy()[world.rows].mean() for world in worlds.values()]
    assert max(subscribers) - min(subscribers) < 0.001


def test_what_is_expected_adds_up_over_groups(rates, twin_customers):
    table = expected_events(twin_customers, rates)
    sums = table.groupby("event")[["observed", "expected"]].sum()
    assert sums["observed"].to_dict() == rates["events"].astype(int).to_dict()
    assert (sums["expected"] - sums["observed"]).abs().max() < 0.6
    assert set(table["week"]) == set(range(1, 13)) and table["milestones"].between(0, 5).all()


def test_another_deal_moves_affinities_and_nothing_else(twin_customers):
    first, second = (responsive_population(twin_customers, recorded_rates(), "rough", deal)[0] for deal in (0, 1))
    assert not np.array_equal(first.affinity, second.affinity)
    assert all(np.array_equal(a, b) for a, b in zip(first[:4], second[:4], strict=True))
    np.testing.assert_allclose(first.affinity.sum(axis=1), 5.0)


def test_no_contact_is_riskier_than_the_sixth():
    risks = [opt_out_chance(min(made, BASELINE.most_contacts), int(Action.EMAIL), BASELINE) for made in range(8)]
    np.testing.assert_allclose(risks, [0, 0, 0.035, 0.07, 0.105, 0.14, 0.14, 0.14])
