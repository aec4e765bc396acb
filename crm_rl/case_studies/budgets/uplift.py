"""Uplift: what an offer adds to the chance of a trip, learned from randomised data (chapter 12).

The published simulator makes its outcomes up. Here half of the customers, chosen at random, get one offer, and the rest
nothing; a learner estimates for each customer what the offer adds. Since the world is known, so is the truth.
T-learner and X-learner are those of Künzel et al. (2019); the Qini curve is Radcliffe's (2007).
"""

from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from crm_rl.case_studies.budgets.catalogue import DOLLARS
from crm_rl.case_studies.budgets.world import FATIGUES, HABITS, NUMBERS, TRIP_WEIGHT, draw_types, world_of

#: 1.50 dollars by email.
OFFER = 12
MODEL = {"max_iter": 60, "learning_rate": 0.1, "max_leaf_nodes": 15, "random_state": 0}


class Trial(NamedTuple):
    """A randomised trial of one offer.

    Attributes:
        features: shape (customers, 9): the numbers of `world.NUMBERS`, and habit. Sensitivity and channels are the
            world's own parameters: no firm has them, see `without`.
        treated: shape (customers,), bool: who got the offer.
        trip: shape (customers,), bool.
        uplift: shape (customers,): the true effect on the chance of a trip, which no learner sees.
        worth: shape (customers,): dollars that a trip is worth.
    """

    features: np.ndarray
    treated: np.ndarray
    trip: np.ndarray
    uplift: np.ndarray
    worth: np.ndarray


def randomised_trial(customers: int, rng: np.random.Generator) -> Trial:
    """A trial with customers drawn from the world's prior, each of a type of their own, rested, with any habit."""
    types = draw_types(rng, customers, 1)
    world, habit, who = world_of(types), rng.integers(HABITS, size=customers), np.arange(customers)
    without, treatment = (world.trip[who, FATIGUES * habit, action] for action in (0, OFFER))
    treated = rng.random(customers) < 0.5
    trip = rng.random(customers) < np.where(treated, treatment, without)
    features = np.column_stack([types[list(NUMBERS)], habit])
    return Trial(features, treated, trip, treatment - without, features[:, 0] + TRIP_WEIGHT)


def without(trial: Trial, names: tuple[str, ...]) -> Trial:
    """The same trial for learners that are not told some of `world.NUMBERS`.

    Raises:
        ValueError: there is no such number.
    """
    if unknown := set(names) - set(NUMBERS):
        raise ValueError(f"no number {', '.join(sorted(unknown))}. Remedy: some of {', '.join(NUMBERS)}.")
    return trial._replace(features=np.delete(trial.features, [NUMBERS.index(name) for name in names], axis=1))


def _trip_models(trial: Trial) -> list:
    """A model of the chance of a trip without the offer, and one with it."""
    groups = (~trial.treated, trial.treated)
    return [HistGradientBoostingClassifier(**MODEL).fit(trial.features[mine], trial.trip[mine]) for mine in groups]


def t_learner(trial: Trial, features: np.ndarray) -> np.ndarray:
    """The difference of two models: one of the treated, one of the others. Returns uplifts, shape (customers,)."""
    without, treated = (model.predict_proba(features)[:, 1] for model in _trip_models(trial))
    return treated - without


def x_learner(trial: Trial, features: np.ndarray) -> np.ndarray:
    """Models of what the offer seems to have added to each outcome, averaged over both groups."""
    without, treated = _trip_models(trial)
    mine = trial.treated
    added = trial.trip[mine] - without.predict_proba(trial.features[mine])[:, 1]
    missed = treated.predict_proba(trial.features[~mine])[:, 1] - trial.trip[~mine]
    first = HistGradientBoostingRegressor(**MODEL).fit(trial.features[mine], added)
    second = HistGradientBoostingRegressor(**MODEL).fit(trial.features[~mine], missed)
    return (first.predict(features) + second.predict(features)) / 2


def response_model(trial: Trial, features: np.ndarray) -> np.ndarray:
    """The wrong model: the chance of a trip with the offer, whoever would come anyway."""
    return _trip_models(trial)[1].predict_proba(features)[:, 1]


def qini_curve(scores: np.ndarray, uplift: np.ndarray) -> np.ndarray:
    """True trips added for each customer of all, if the best-scored are served first.

    Args:
        scores, uplift: shape (customers,).

    Returns:
        Shape (customers + 1,), from 0 for nobody to the mean uplift for everybody.
    """
    order = np.argsort(-scores, kind="stable")
    return np.concatenate([[0.0], np.cumsum(uplift[order])]) / len(scores)


def observed_qini(scores: np.ndarray, treated: np.ndarray, trip: np.ndarray) -> np.ndarray:
    """The same curve estimated from a trial, without the truth: what the treated among the first did more."""
    order = np.argsort(-scores, kind="stable")
    treated, trip = treated[order], trip[order]
    with_offer, without = np.cumsum(treated), np.cumsum(~treated)
    rates = [np.cumsum(trip & group) / np.maximum(np.cumsum(group), 1) for group in (treated, ~treated)]
    return np.concatenate([[0.0], (with_offer + without) * (rates[0] - rates[1])]) / len(scores)


def qini_coefficient(scores: np.ndarray, uplift: np.ndarray) -> float:
    """The area between the curve and that of a random order, as a share of that of the true order: 1 is perfect."""
    random = np.linspace(0, uplift.mean(), len(uplift) + 1)
    own, best = ((qini_curve(by, uplift) - random).mean() for by in (scores, uplift))
    return float(own / best)


def dollars_of(scores: np.ndarray, trial: Trial, share: float = 0.2) -> float:
    """True dollars for each customer of all, if the offer goes to the share with the highest worth x score - cost."""
    gain = trial.worth * trial.uplift - DOLLARS[OFFER]
    by_score = trial.worth * scores - DOLLARS[OFFER]
    served = np.argsort(-by_score, kind="stable")[: round(share * len(scores))]
    return float(gain[served].sum() / len(scores))
