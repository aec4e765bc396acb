"""State-space explosion: how many states a table meets, how often, and what is left of them later on."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from tiny_worlds import CALL_ONCE, world

from crm_rl import plots
from crm_rl.agents.q_learning import STUDY, train_q_learning
from crm_rl.worlds.base import N_FEATURES
from crm_rl.worlds.replay_settings import AS_CODED, AS_CODED_SELECTION, DESCRIBED, DESCRIBED_SELECTION

RECORDS = ["call", "call demo", "survey", "subscribed", ""]


@pytest.mark.parametrize("params", [DESCRIBED, AS_CODED, DESCRIBED_SELECTION, AS_CODED_SELECTION])
def test_states_and_tries_are_counted_on_the_way(params):
    features = np.random.default_rng(0).random((20, N_FEATURES)).astype(np.float32)
    crowd = world([RECORDS[i % len(RECORDS)] for i in range(20)], params, features)
    policy = train_q_learning(crowd, STUDY, 1_500, seed=3)
    assert policy.tries.sum() == policy.about["steps"]
    met = policy.history["states"]
    assert len(met) == 1_500 and (np.diff(met) >= 0).all() and met[-1] == len(policy.q) == len(policy.tries)
    first = train_q_learning(crowd, STUDY, 1, seed=3)
    assert met[0] == len(first.q)


def test_one_customer_has_two_states():
    policy = train_q_learning(CALL_ONCE, episodes=50)
    assert len(policy.q) == 2  # before the call, and at stage 1 after it
    assert policy.tries.sum() == 500


def test_rounding_less_tells_more_states_apart():
    features = np.zeros((40, N_FEATURES), dtype=np.float32)
    features[:, 0] = np.linspace(0, 1, 40)
    crowd = world([""] * 40, DESCRIBED, features)
    states = [len(train_q_learning(crowd, episodes=600, resolution=decimals).q) for decimals in (0, 1, 2)]
    assert states[0] < states[1] < states[2] == 40


def test_a_customer_who_was_not_met_is_not_known():
    policy = train_q_learning(CALL_ONCE, episodes=50)
    features = np.full((1, N_FEATURES), 0.31, dtype=np.float32)
    unseen = CALL_ONCE._replace(population=CALL_ONCE.population._replace(features=features))
    for place, met in ((CALL_ONCE, True), (unseen, False)):
        assert policy.known(place.start(np.array([0])), place).tolist() == [met]


def shares_of(means: list[float], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"mean": means, "low": np.array(means) - 0.1, "high": np.array(means) + 0.1}, names)


def test_the_arch_has_a_dot_a_table_and_a_line_a_world():
    names = ["coarse", "middle", "fine"]
    scores = {"smooth": shares_of([0.1, 0.2, -0.3], names), "rough": shares_of([0.1, 0.0, -0.2], names)}
    axes = plots.arch_by_rows(scores, pd.Series([3, 40, 5_000], names), dict(zip(names, "abc", strict=True)))
    dots = [line.get_ydata() for line in axes.lines if len(line.get_xdata()) == 3]
    assert np.allclose(dots, [[10, 20, -30], [10, 0, -20]])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["3\na", "40\nb", "5,000\nc"]
    assert axes.get_ylim()[0] < -40
    plt.close(axes.figure)


def test_the_figure_of_unseen_customers_has_a_dot_a_learner_and_group():
    names = ["table", "sum"]
    groups = {"all": shares_of([0.1, 0.3], names), "unseen": shares_of([-1.5, 0.2], names)}
    panels = plots.met_and_unseen({"smooth": groups, "rough": groups})
    assert [axes.get_title("left") or axes.get_title() for axes in panels] == ["smooth", "rough"]
    dots = [line.get_xdata() for line in panels[0].lines if line.get_marker() in "oD"]
    assert np.allclose(dots, [[10, 30], [-150, 20]])
    plt.close(panels[0].figure)
