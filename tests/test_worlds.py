"""The worlds of both settings, on the twin and, where it is, on the original."""

import numpy as np
import pytest

from crm_rl.data import customers as cached_customers
from crm_rl.data.split import published_split
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay import MILESTONE_OF, start_all, step_all
from crm_rl.worlds.replay_settings import PARAMS
from crm_rl.worlds.replay_world import SETTINGS, replay_worlds


@pytest.fixture(params=["twin", "original"])
def customers(request):
    return cached_customers(request.getfixturevalue(request.param))[0]


@pytest.mark.parametrize("selection", [False, True])
@pytest.mark.parametrize("setting", SETTINGS)
def test_parts_params_and_pools(customers, setting, selection):
    worlds = replay_worlds(customers, setting, selection)
    assert {name: len(world.population.stage) for name, world in worlds.items()} == {
        "train": 7722,
        "val": 1655,
        "test": 1655,
    }
    assert all(world.params == PARAMS[setting, selection] for world in worlds.values())
    shares = {name: world.pools.shares for name, world in worlds.items()}
    assert shares == {"train": (0.3, 0.3), "val": (0, 0), "test": (0, 0)}
    for world in worlds.values():
        population = world.population
        assert np.isfinite(population.features).all()
        np.testing.assert_array_equal(world.pools.first, np.flatnonzero(population.subscribed))
        # the flags that the agent sees are the record by which it is paid
        np.testing.assert_array_equal(population.features[:, 7:12], population.reached)


@pytest.mark.parametrize("setting", SETTINGS)
def test_25_of_the_test_customers_have_subscribed(customers, setting):
    worlds = replay_worlds(customers, setting)
    assert worlds["test"].population.subscribed.sum() == 25
    assert worlds["val"].population.subscribed.sum() == 3


def test_as_coded_only_dated_events_count(customers):
    described, as_coded = (replay_worlds(customers, setting)["train"].population for setting in SETTINGS)
    assert (described.subscribed.sum(), as_coded.subscribed.sum()) == (20, 19)
    assert (as_coded.reached <= described.reached).all()


def test_as_described_everything_seen_is_normalised(customers):
    for world in replay_worlds(customers, "described").values():
        population = world.population
        assert (population.features.min(), population.features.max()) == (0, 1)
        assert population.stage_unit * population.stage.max() <= 1
        np.testing.assert_allclose(population.features[:, 1], population.stage / 6, rtol=1e-6)


def test_as_coded_country_and_stage_are_seen_as_they_are(customers):
    population = replay_worlds(customers, "as_coded")["test"].population
    assert population.stage_unit == 1
    assert population.features[:, 0].max() > 50
    np.testing.assert_array_equal(population.features[:, 1], population.stage)
    np.testing.assert_array_equal(population.features[:, 14], population.reached.sum(axis=1))
    others = np.delete(population.features, [0, 1, 14], axis=1)
    assert others.min() >= 0 and others.max() <= 1


def test_as_coded_each_part_has_country_codes_of_its_own(customers):
    """The same country is seen as another number in train than in test; as described, as the same."""

    def codes(setting: str, part: str) -> dict:
        world, rows = replay_worlds(customers, setting)[part], published_split(customers).parts()[part]
        return dict(zip(rows["country"], world.population.features[:, 0].tolist(), strict=True))

    alike = {}
    for setting in SETTINGS:
        train, test = codes(setting, "train"), codes(setting, "test")
        both = [country for country in test if isinstance(country, str) and country in train]
        assert len(both) > 30
        alike[setting] = np.mean([train[country] == test[country] for country in both])
    assert alike["described"] == 1
    assert alike["as_coded"] < 0.2


def test_as_coded_the_test_customers_whom_some_action_can_win(original):
    """The best that any policy can do, with a manager on record or with any: 24 or 25 of 1,655."""
    world = replay_worlds(cached_customers(original)[0], "as_coded")["test"]
    for always, best in ((False, 24), (True, 25)):
        params = world.params._replace(manager_always_lifts=always)
        everyone = start_all(np.arange(1655), world.population, params)
        after = step_all(everyone, np.full(1655, Action.MANAGER), world.population, params)
        assert after.subscribed.sum() == best


@pytest.mark.parametrize("setting", SETTINGS)
def test_in_a_world_an_action_pays_who_has_its_milestone_and_nobody_else(customers, setting):
    world = replay_worlds(customers, setting)["test"]
    population, params, _ = world
    everyone = start_all(np.arange(1655), population, params)
    for action in (Action.CALL, Action.DEMO, Action.SURVEY):
        outcome = step_all(everyone, np.full(1655, action), population, params)
        paid = outcome.state.paid > 0
        np.testing.assert_array_equal(paid, population.reached[:, MILESTONE_OF[action]])


def test_an_unknown_setting_is_refused(customers):
    with pytest.raises(ValueError, match="choose one of described, as_coded"):
        replay_worlds(customers, "published")
