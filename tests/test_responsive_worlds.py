"""Behind the responsive worlds: the fitted rates, the customers, and what is drawn of nature."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_responsive import world_of

from crm_rl.data import DataError
from crm_rl.data import customers as cached_customers
from crm_rl.data.columns import EVENTS
from crm_rl.worlds import nature
from crm_rl.worlds.base import Action
from crm_rl.worlds.base_rates import (
    COVARIATES,
    FEWEST,
    MILESTONES,
    at_risk,
    customer_weeks,
    fit_base_rates,
    weekly_chances,
)
from crm_rl.worlds.nature import BOOK, affinities, drawn, driven, places_of
from crm_rl.worlds.responsive import (
    BASELINE,
    BOOTCAMP,
    COUNTRY,
    Population,
)
from crm_rl.worlds.responsive_world import (
    recorded_rates,
    responsive_population,
    responsive_worlds,
    standing,
)

# What is fitted


@pytest.fixture(scope="module")
def twin_customers(twin) -> pd.DataFrame:
    return cached_customers(twin)[0]


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


def test_the_rates_expect_as_many_events_as_there_were(rates, twin_customers):
    weeks, chances = customer_weeks(twin_customers), weekly_chances(rates)
    for place, event in enumerate(EVENTS):
        exposed = at_risk(weeks, event)
        reached = exposed[list(MILESTONES)].to_numpy(dtype=int) @ (1 << np.arange(len(MILESTONES)))
        expected = chances[exposed["inbound"].to_numpy(dtype=int), reached, place].sum()
        observed = exposed[f"{event} happens"].sum()
        assert observed == rates["events"].astype(int)[event] and abs(expected - observed) < 0.6


# Who is in the worlds


def test_a_standing_by_hand():
    names = pd.Series(["a", "a", "b", "b", "b", None])
    subscribed = pd.Series([True, False, False, False, False, False])
    # b has the lowest smoothed rate, then the missing, then a: 3 customers, 1, 2; one's own group counts half
    assert standing(names, subscribed) == pytest.approx([5 / 6, 5 / 6, 1.5 / 6, 1.5 / 6, 1.5 / 6, 3.5 / 6])


def test_no_two_names_have_one_standing_though_their_rates_be_equal():
    names = pd.Series(["b", "a", "c", "c", "a", "b"])
    assert standing(names, pd.Series([False] * 6)) == pytest.approx([3 / 6, 1 / 6, 5 / 6, 5 / 6, 1 / 6, 3 / 6])


@given(st.lists(st.tuples(st.sampled_from([*"abcdef", None]), st.booleans()), min_size=1, max_size=30))
def test_a_standing_is_a_name(rows):
    names, subscribed = (pd.Series(list(column)) for column in zip(*rows, strict=True))
    found = standing(names, subscribed)
    pairs = set(zip(names.fillna("missing"), found.tolist(), strict=True))
    assert len(pairs) == names.fillna("missing").nunique() == len(np.unique(found))
    assert found.min() > 0 and found.max() < 1


@pytest.fixture(scope="module")
def smooth(twin_customers) -> Population:
    return responsive_population(twin_customers, recorded_rates())[0]


def test_in_the_twin_every_name_has_a_standing_of_its_own_in_single_precision(twin_customers, smooth):
    _, rows = responsive_population(twin_customers, recorded_rates())
    table = twin_customers.iloc[rows]
    known = world_of(smooth, BASELINE).names()
    for column, place, standings in (
        ("country", COUNTRY, smooth.country),
        ("education", BOOTCAMP, smooth.bootcamp),
    ):
        names = table[column].fillna("missing")
        pairs = set(zip(names, np.float32(standings), strict=True))
        assert len(pairs) == names.nunique() == len(known[place])
        assert known[place].dtype == np.float32 and (np.diff(known[place]) > 0).all()


def test_starts_are_what_was_known_at_arrival(twin_customers):
    population, rows = responsive_population(twin_customers, recorded_rates())
    table = twin_customers.iloc[rows]
    for bit, event in enumerate(COVARIATES[1:]):
        known = (table[f"{event}_date"] <= table["arrival"]).to_numpy()
        np.testing.assert_array_equal(population.start >> bit & 1, known)
    outbound = population.inbound == 0
    assert (population.start[outbound] == 0).mean() > 0.99 and (population.start[~outbound] > 0).all()
    assert not (table["subscribed_date"] <= table["arrival"]).any()


def test_the_parts_are_alike_and_nobody_is_in_two(twin_customers):
    worlds = responsive_worlds(twin_customers, recorded_rates())
    parts = {name: worlds[name] for name in ("train", "val", "test")}
    rows = np.concatenate([world.rows for world in parts.values()])
    np.testing.assert_array_equal(np.sort(rows), worlds["all"].rows)
    assert len(np.unique(rows)) == worlds["all"].size()
    shares = [world.population.inbound.mean() for world in parts.values()]
    assert max(shares) - min(shares) < 0.001
    subscribers = [twin_customers["subscribed"].to_numpy()[world.rows].mean() for world in parts.values()]
    assert max(subscribers) - min(subscribers) < 0.001
    assert {name: world.pools.shares[0] for name, world in worlds.items()} == {
        "train": 0.5,
        "val": 0,
        "test": 0,
        "all": 0,
    }


# What nobody knows


def test_affinities_add_up_to_five_and_are_highest_at_home():
    homes = np.array(BOOK.homes)
    table = affinities(homes[:, 0], homes[:, 1], BOOK)
    np.testing.assert_allclose(table.sum(axis=1), 5)
    actions = [action for action in Action if action != Action.WAIT]
    assert table.argmax(axis=1).tolist() == actions and (table[:, Action.WAIT] == 0).all()
    np.testing.assert_allclose(affinities(homes[:, 0], homes[:, 1], BOOK._replace(focus=0.0))[:, actions], 1)
    near = affinities(np.array([0.5, 0.5001]), np.array([0.5, 0.5]), BOOK)
    assert np.abs(near[0] - near[1]).max() < 0.02  # neighbours are alike


def test_two_channels_at_equal_distance_suit_equally():
    middle = BOOK._replace(homes=((0.0, 0.5), (1.0, 0.5), (9.0, 9.0), (9.0, 9.0), (9.0, 9.0)))
    table = affinities(np.array([0.5]), np.array([0.3]), middle)[0]
    assert table[Action.EMAIL] == pytest.approx(2.5) and table[Action.CALL] == pytest.approx(2.5)


def test_a_drawn_nature_is_reproducible_and_within_the_prior():
    natures = [drawn(seed) for seed in range(200)]
    assert natures[3] == drawn(3) and len(set(natures)) == 200
    homes, focus = np.array([each.homes for each in natures]), np.array([each.focus for each in natures])
    assert homes.shape == (200, 5, 2) and homes.min() >= 0 and homes.max() <= 1
    assert homes.mean() == pytest.approx(0.5, abs=0.05)
    low, high = nature.FOCUS
    assert low <= focus.min() < 1.2 * low and high / 1.2 < focus.max() <= high
    for name, spread in (("drives", nature.SPREAD_OF_DRIVES), ("hazards", nature.SPREAD_OF_HAZARDS)):
        logs = np.log([getattr(each, name) for each in natures])
        assert logs.shape == (200, 6)
        assert logs.std() == pytest.approx(spread, rel=0.15) and abs(logs.mean()) < 0.1 * spread + 0.02
    assert len({seed for each in natures for seed in (each.countries, each.bootcamps)}) == 400


def test_natures_multiply_drives_by_action_and_rates_by_event(twin_customers, smooth):
    factors = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    table = driven(BASELINE.drives, BOOK._replace(drives=factors))
    np.testing.assert_allclose(table, np.array(BASELINE.drives) * np.array(factors)[:, None])
    one = BOOK._replace(drives=factors, hazards=factors)
    worlds = responsive_worlds(twin_customers, recorded_rates(), nature=one)
    assert worlds["test"].params.drives == table
    np.testing.assert_allclose(worlds["test"].population.quiet, smooth.quiet * np.array(factors))


@pytest.fixture
def standings() -> np.ndarray:
    """300 names with three customers each."""
    return np.repeat(np.linspace(0.01, 0.99, 300), 3)


def test_on_a_smooth_map_everybody_lives_where_the_standing_says(standings):
    np.testing.assert_array_equal(places_of(standings, 0.0, seed=1), standings)


def test_in_a_rough_world_every_name_lives_elsewhere_and_its_customers_together(standings):
    places = places_of(standings, 1.0, seed=1)
    assert (places != standings).all() and places.min() >= 0 and places.max() <= 1
    assert len(np.unique(places)) == 300 and (places.reshape(300, 3) == places[::3, None]).all()
    assert abs(np.corrcoef(places, standings)[0, 1]) < 0.2
    assert (places != places_of(standings, 1.0, seed=2)).all()


def test_whoever_has_moved_stays_there_as_the_dial_goes_on(standings):
    before = standings
    for roughness in (0.0, 0.1, 0.3, 0.5, 0.9, 1.0):
        places = places_of(standings, roughness, seed=1)
        moved = before != standings
        np.testing.assert_array_equal(places[moved], before[moved])
        assert (places != standings).mean() == pytest.approx(roughness, abs=0.08)
        before = places


def test_the_dial_changes_whom_channels_suit_and_nothing_else(twin_customers, smooth):
    rough = responsive_population(twin_customers, recorded_rates(), roughness=1.0)[0]
    for name in Population._fields:
        assert np.array_equal(getattr(smooth, name), getattr(rough, name)) == (name != "affinity")
    np.testing.assert_allclose(rough.affinity.sum(axis=1), 5.0)
    pairs = pd.DataFrame(rough.affinity).groupby([rough.country, rough.bootcamp]).nunique()
    assert (pairs == 1).all(axis=None)
    neighbours = np.argsort(smooth.country + smooth.bootcamp)
    changes = [np.abs(np.diff(each.affinity[neighbours], axis=0)).mean() for each in (smooth, rough)]
    assert changes[1] > changes[0]


@pytest.mark.parametrize("roughness", [-0.1, 1.1])
def test_a_roughness_off_the_dial_is_refused(roughness, twin_customers):
    with pytest.raises(ValueError, match=r"from 0 \(smooth\) to 1 \(rough\)"):
        responsive_population(twin_customers, recorded_rates(), roughness=roughness)
