"""Worlds so small that the best policy is known by hand."""

import numpy as np

from crm_rl.worlds.base import N_FEATURES
from crm_rl.worlds.replay import Population
from crm_rl.worlds.replay_settings import DESCRIBED, DESCRIBED_SELECTION, Params
from crm_rl.worlds.replay_world import ReplayWorld, balanced

CALL_FLAG, DEMO_FLAG, STATUS = 7, 8, 2


def world(records: list[str], params: Params, features: np.ndarray | None = None) -> ReplayWorld:
    """A world of customers whose records hold these milestones: words out of call, demo, survey, signup, manager."""
    names = ("call", "demo", "survey", "signup", "manager")
    reached = np.array([[name in record.split() for name in names] for record in records])
    if features is None:
        features = np.zeros((len(records), N_FEATURES), dtype=np.float32)
        features[:, CALL_FLAG : CALL_FLAG + 5] = reached
    subscribed = np.array(["subscribed" in record.split() for record in records])
    stage = np.zeros(len(records), dtype=np.int64)
    population = Population(features, reached, subscribed, stage, 1 / 6)
    return ReplayWorld(population, params, balanced(population, (0.0, 0.0)))


RECORDS = ["call", "call demo", "survey signup", "manager subscribed", "", "call signup manager subscribed"]


def crowd(params=DESCRIBED, people=40, seed=0):
    """A world in which there is something to learn, and customers differ."""
    rng = np.random.default_rng(seed)
    features = rng.random((people, N_FEATURES)).round(1).astype(np.float32)
    return world([RECORDS[i % len(RECORDS)] for i in range(people)], params, features)


#: One customer whom only a call moves; waiting costs nothing. So Q(first, call) = -1 + 15 and Q(first, wait) is
#: 0.95 times that; once the call is paid, waiting for ever is best and worth 0.
CALL_ONCE = world(["call"], DESCRIBED._replace(action_cost=(1.0, 1.0, 1.0, 1.0, 0.0, 1.0)))
CALL_ONCE_VALUES = [-1 + 0.95 * 14, 14, -1 + 0.95 * 14, -1 + 0.95 * 14, 0.95 * 14, -1 + 0.95 * 14]

#: Two kinds of customer, and nothing visible at first. Calling at once earns -1 + 15 / 2 = 6.5 on average. Looking
#: first costs 1, then a call earns -1 + 15 - 0.1 from one kind and a demo -1 + 10 - 0.1 from the other.
LOOK_THEN_ACT = world(["call", "demo"], DESCRIBED_SELECTION)
VALUE_OF_LOOKING = -1 + 0.95 * (13.9 + 8.9) / 2
