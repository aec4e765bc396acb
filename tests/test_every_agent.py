"""Every agent trains and is evaluated in every world."""

import numpy as np
import pytest

from crm_rl.agents.registry import AGENTS
from crm_rl.evaluation.rollouts import play
from crm_rl.worlds.base import n_actions, observation_size
from crm_rl.worlds.registry import WORLDS, worlds

STEPS = 640


PLACES = [(name, selection) for name in WORLDS for selection in (False, True)]


@pytest.fixture(scope="module", params=PLACES, ids=[f"{name}{', selection' * chosen}" for name, chosen in PLACES])
def parts(request, twin):
    """The worlds of train, val and test."""
    return worlds(*request.param, data=twin)


def with_60_customers(world):
    """Every 27th of val: boosted trees take seconds for all of them, who may look at features for 500 steps."""
    some = np.linspace(0, world.size() - 1, 60).astype(int)
    people = world.population
    columns = [each[some] if np.ndim(each) and len(each) == world.size() else each for each in people]
    return world._replace(population=type(people)(*columns))


@pytest.mark.parametrize("agent", AGENTS)
def test_every_agent_trains_and_acts_in_every_world(agent, parts):
    policy = AGENTS[agent](parts["train"], STEPS, 3)
    test = parts["val"]
    states = test.start(np.arange(test.size()))
    assert test.observe(states).shape == (test.size(), observation_size(test.params))
    actions = policy(states, test, np.random.default_rng(0))
    assert actions.shape == (test.size(),) and actions.min() >= 0 and actions.max() < n_actions(test.params)
    few = with_60_customers(test)
    episodes = play(few, policy, np.random.default_rng(1))
    assert len(episodes.reward) == few.size() == 60
    assert np.isfinite(episodes.reward).all()
    assert (episodes.steps >= 1).all() and episodes.steps.max() <= test.longest()
    again = play(few, policy, np.random.default_rng(1))
    np.testing.assert_array_equal(episodes.reward, again.reward)
    if hasattr(policy, "probabilities"):
        np.testing.assert_allclose(policy.probabilities(states, test).sum(axis=1), 1.0)
        assert policy.q_values(states, test).shape == (test.size(), n_actions(test.params))


def test_the_dial_stands_at_both_ends(twin):
    """The rough world has the smooth one's customers and rates, and other channels suit them."""
    smooth, rough = (worlds(name, data=twin)["test"].population for name in ("smooth", "rough"))
    for name in smooth._fields:
        assert np.array_equal(getattr(smooth, name), getattr(rough, name)) == (name != "affinity")
    assert (np.abs(smooth.affinity - rough.affinity).max(axis=1) > 0.1).mean() > 0.9


def test_an_unknown_world_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match="described, as_coded, smooth, rough"):
        worlds("flat")
