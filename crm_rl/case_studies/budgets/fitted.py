"""Models fitted to a random log where the budget binds: the published one, and one to plan with (chapter 12).

Each week of the log some customers, chosen at random, get a random offer, as many as the budget pays for on average.
The published classifier learns how likely a reward above 0 is, and knows no budget. The response model is told of a
customer what a firm may know: the segment and its margin, habit and fatigue. It learns the chance of a trip and how
habits move, and so gives a world as the log shows it, in which one can plan as in the true one.
"""

from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from crm_rl.case_studies.budgets.catalogue import CENTS, CHANNEL, DOLLARS, N_ACTIONS, NOTHING, OFFER
from crm_rl.case_studies.budgets.policies import Policy
from crm_rl.case_studies.budgets.published import logistic_bandit
from crm_rl.case_studies.budgets.world import (
    BUDGET_A_CUSTOMER,
    FATIGUE,
    FATIGUES,
    HABIT,
    HABITS,
    LIFETIME_WEEKS,
    N_STATES,
    TRIP_WEIGHT,
    WEEKS,
    World,
    step,
)

#: How likely a customer of the log gets an offer in a week: all cost the budget on average.
CONTACTED = BUDGET_A_CUSTOMER / DOLLARS[1:].mean()
#: Columns of `_design`: segment, habit, fatigue, offer, channel. A habit or a bigger offer never makes a trip less
#: likely, fatigue never more. Of five models tried in worlds 21 to 23, which the study does not have, the best.
BOOSTING = {
    "max_iter": 150,
    "learning_rate": 0.05,
    "categorical_features": [0, 4],
    "monotonic_cst": [0, 1, -1, 1, 0],
    "random_state": 0,
}


class Log(NamedTuple):
    """Weeks of customers: types, states, actions, trips (bool), rewards in dollars, next states; shape (rounds,)."""

    types: np.ndarray
    states: np.ndarray
    actions: np.ndarray
    trips: np.ndarray
    rewards: np.ndarray
    after: np.ndarray


def random_log(world: World, seasons: int, rng: np.random.Generator) -> Log:
    """Some seasons in which everybody has the same chance of a random offer each week."""
    types, rounds = world.types_of_all(), []
    worth = world.features[types, 0] + TRIP_WEIGHT
    for _ in range(seasons):
        states = np.zeros(len(types), dtype=int)
        for _ in range(WEEKS):
            offers = rng.integers(1, N_ACTIONS, size=len(types))
            actions = np.where(rng.random(len(types)) < CONTACTED, offers, NOTHING)
            trips, after = step(world, types, states, actions, rng)
            rounds.append((types, states, actions, trips, worth * trips - DOLLARS[actions], after))
            states = after
    return Log(*map(np.concatenate, zip(*rounds, strict=True)))


def published_classifier(world: World, log: Log) -> Policy:
    """The action whose reward is most likely above 0; the safety layer serves customers as they come.

    It sees a type's eight numbers, habit and fatigue.
    """

    def seen(types: np.ndarray, states: np.ndarray) -> np.ndarray:
        return np.column_stack([world.features[types], HABIT[states], FATIGUE[states]])

    models = logistic_bandit(seen(log.types, log.states), log.actions, log.rewards, N_ACTIONS)
    every = np.divmod(np.arange(len(world.customers) * N_STATES), N_STATES)
    chances = np.stack([model.predict_proba(seen(*every))[:, 1] for model in models], axis=1)
    best = chances.reshape(len(world.customers), N_STATES, N_ACTIONS).argmax(axis=-1)
    return lambda week, types, states, budget, rng: best[types, states]


def world_as_logged(world: World, log: Log) -> World:
    """The world as the log shows it.

    Args:
        world: of which segments, numbers of customers and margins are used, and nothing else.
        log: of `random_log`.

    Returns:
        A world whose trips are those of boosted trees, and whose habits move as in the log. What it says of a policy
        is an estimate, and too high for one that was chosen by it.
    """
    shape = (len(world.customers), N_STATES, N_ACTIONS)
    model = HistGradientBoostingClassifier(**BOOSTING).fit(_design(log.types, log.states, log.actions), log.trips)
    every = _design(*np.unravel_index(np.arange(np.prod(shape)), shape))
    trip = model.predict_proba(every)[:, 1].reshape(shape)
    worth = world.features[:, :1] + TRIP_WEIGHT
    alone = trip[..., NOTHING].reshape(-1, HABITS, FATIGUES).mean(axis=-1)  # fatigue does not matter without an offer
    stayed, travelled = (_moves(log, log.trips == trips) for trips in (False, True))
    return world._replace(
        trip=trip,
        reward=worth[..., None] * trip - DOLLARS,
        end=LIFETIME_WEEKS * worth * alone[:, HABIT],
        travelled=travelled,
        stayed=stayed,
    )


def _design(types: np.ndarray, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
    channel = np.maximum(CHANNEL[actions], 0)  # without an offer the channel says nothing
    return np.column_stack([types, HABIT[states], FATIGUE[states], OFFER[actions], channel])


def _moves(log: Log, mine: np.ndarray) -> np.ndarray:
    """How likely each next state is, shape (12, 26, 12), after the rounds marked.

    Habits are counted. Fatigue counts the firm's own contacts, so how it moves is known.
    """
    counts = np.zeros((HABITS, HABITS))
    np.add.at(counts, (HABIT[log.states[mine]], HABIT[log.after[mine]]), 1)
    chance = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    moves = np.zeros((N_STATES, N_ACTIONS, N_STATES))
    for state in range(N_STATES):
        for contacted in (False, True):
            fatigue = np.clip(FATIGUE[state] + (1 if contacted else -1), 0, FATIGUES - 1)
            actions = np.flatnonzero((CENTS > 0) == contacted)
            moves[state][np.ix_(actions, FATIGUES * np.arange(HABITS) + fatigue)] = chance[HABIT[state]]
    return moves
