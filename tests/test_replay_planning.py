"""Plans of the replay world: against cases solved by hand, every sequence of actions, and a table that was trained."""

import itertools

import numpy as np
import pytest
from tiny_worlds import world

from crm_rl.agents.q_learning import Hyperparameters, train_q_learning
from crm_rl.planning.replay import best_in_time, follow, tabulate, values_without_clock
from crm_rl.worlds.base import N_ACTIONS, Action
from crm_rl.worlds.replay import start, step
from crm_rl.worlds.replay_settings import AS_CODED, DESCRIBED, DESCRIBED_SELECTION


def graph_of(records: list[str], rules):
    return tabulate(world(records, rules).population, rules)


def test_as_described_by_hand():
    """A subscriber: one step, a call for -1 + 15 + 100. Others: ten steps, and each milestone once."""
    graph = graph_of(["subscribed call", "subscribed", "call survey", ""], DESCRIBED)
    assert best_in_time(graph).tolist() == [114, 99, 10, -10]


def test_as_coded_by_hand():
    """With a call on record: call and wait in turn, five times 15 - 5, and the penalty. With nothing: wait for it."""
    graph = graph_of(["call", ""], AS_CODED)
    assert best_in_time(graph).tolist() == [10 * 10 - 9 * 5 - 10, -10]
    alternating = follow(graph, np.where(np.arange(len(graph.reward)) == graph.first[0], Action.CALL, Action.WAIT))
    assert alternating.tolist() == [10 - 10, -10]  # one call, then waiting till the cut


@pytest.mark.parametrize("rules", [DESCRIBED, AS_CODED])
def test_no_sequence_of_actions_earns_more(rules):
    rules = rules._replace(horizon=3, timeout_penalty=7.0)
    records = ["call demo", "subscribed manager call", "signup manager", "subscribed", ""]
    people = world(records, rules).population
    for customer, best in enumerate(best_in_time(tabulate(people, rules))):
        totals = []
        for actions in itertools.product(range(N_ACTIONS), repeat=3):
            state, total = start(customer, people, rules), 0.0
            for action in actions:
                outcome = step(state, action, people, rules)
                state, total = outcome.state, total + outcome.reward
                if outcome.terminated or outcome.truncated:
                    break
            totals.append(total)
        assert best == pytest.approx(max(totals))


def test_without_a_clock_the_penalty_comes_at_any_step():
    """Waiting for ever with a tenth of 10 points at each step: -1 / 0.05 = -20. Who ends pays none of it."""
    q = values_without_clock(graph := graph_of(["", "subscribed manager"], AS_CODED), 0.95)
    assert q[graph.first[0]].tolist() == pytest.approx([-21, -25, -30, -22, -20, -40])
    assert q[graph.first[1], Action.MANAGER] == pytest.approx(-20 + 10 + 100)
    free = values_without_clock(graph._replace(penalty=0.0), 0.95)
    assert free[graph.first[0], Action.WAIT] == 0


def test_a_trained_table_comes_to_the_values_without_a_clock():
    """All six, of a customer whom nothing changes, so that every step of the clock is met equally often."""
    rules = AS_CODED._replace(repeat_penalty=0.0)  # the table's states do not hold the last action
    here = world([""], rules)
    slow = Hyperparameters(alpha=0.002, epsilon_end=1.0)
    tables = [train_q_learning(here, slow, episodes=50_000, seed=seed) for seed in range(8)]
    learned = np.mean([table.q_values(here.start(np.arange(1)), here)[0] for table in tables], axis=0)
    graph = tabulate(here.population, rules)
    assert learned == pytest.approx(values_without_clock(graph, 0.95)[graph.first[0]], abs=0.6)


def test_customers_with_the_same_record_share_their_situations():
    graph = graph_of(["call", "", "call"], DESCRIBED)
    assert graph.first[0] == graph.first[2] != graph.first[1]


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(ValueError, match="Remedy"):
        graph_of([""], DESCRIBED_SELECTION)
    with pytest.raises(ValueError, match="Remedy"):
        values_without_clock(graph_of([""], DESCRIBED), 1.0)
