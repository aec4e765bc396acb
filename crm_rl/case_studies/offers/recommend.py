"""Which offer for whom, why, and what else comes close: from NumPy alone, for the command line and the service.

`recommend_offer` needs the ten features of a customer (`features.features_of` makes them of a log; offline and online
alike) and nothing else. Without a policy it looks the answer up in the exact plan of the response model, which takes
0.1 s to compute and is kept.
"""

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from crm_rl.case_studies.offers.catalogue import CHANNELS, Catalogue, Offer, catalogue_of, load_catalogue
from crm_rl.case_studies.offers.features import FEATURES, RESPONSIVENESS, SHARES
from crm_rl.case_studies.offers.response import (
    FATIGUE,
    HABIT,
    answers_of,
    load_response,
    optimal,
    response_of,
    types_of,
)
from crm_rl.case_studies.offers.simulator import State, customers_of, observe
from crm_rl.data.problems import DataError

#: What a recommendation says where it is to send nothing.
NOTHING = "no offer"

#: How many alternatives are named.
ALTERNATIVES = 3

#: Dollars that are not worth choosing by.
CLOSE = 0.05


class Recommendation(NamedTuple):
    """An answer.

    Attributes:
        action: the offer, or None to send nothing.
        reason: why, or in spite of what; and whether the alternatives are as good.
        gain: dollars by which the response model puts it above sending nothing this week, the best plan following both.
        alternatives: the next best, best first: (offer or None for nothing, gain).
    """

    action: Offer | None
    reason: str
    gain: float
    alternatives: tuple[tuple[Offer | None, float], ...]

    def as_dict(self) -> dict:
        """For JSON: `offer` ("none" to send nothing), `value`, `channel`, `timing` (null then), `gain`, `reason`,
        `alternatives`, each with the first five."""

        def flat(action: Offer | None, gain: float) -> dict:
            parts = action._asdict() if action else {"offer": "none", "value": 0, "channel": None, "timing": None}
            return parts | {"gain": round(gain, 2)}

        others = [flat(*each) for each in self.alternatives]
        return flat(self.action, self.gain) | {"reason": self.reason, "alternatives": others}


@functools.lru_cache(maxsize=4)
def _plan(actions: tuple[Offer, ...]) -> np.ndarray:
    return optimal(response_of(catalogue_of(actions)))


def recommend_offer(
    features: Mapping[str, float] | np.ndarray,
    week: int = 0,
    fatigue: int = 0,
    habit: int = 0,
    catalogue: Catalogue | None = None,
    scores: Callable[[np.ndarray], np.ndarray] | None = None,
) -> Recommendation:
    """Recommend an offer for one customer.

    Args:
        features: the ten of `features.FEATURES`, by name or in that order: days, sessions, dollars, shares from 0 to 1.
        week: how many of the plan's 12 weeks are over, 0 to 11.
        fatigue: 0 (no message lately) to 3.
        habit: 0 (does not wait for price cuts) to 2.
        catalogue: what may be offered; None is the published one.
        scores: a trained policy, as `networks.load_scores` returns it; None is the exact plan of the response model.

    Raises:
        DataError: a feature is missing, unknown, no number or out of range, or so is week, fatigue or habit; all
            problems at once.
    """
    row = checked(features, week=week, fatigue=fatigue, habit=habit)
    catalogue = catalogue or load_catalogue()
    type_ = int(types_of(row[None])[0])
    q = _plan(catalogue.actions)[week, type_, fatigue, habit]
    ranked_by = q
    if scores is not None:
        state = State(*(np.array([each]) for each in (0, fatigue, habit, week)))
        ranked_by = scores(observe(customers_of(row[None]), state, load_response()["weeks"]))[0]
    order = np.argsort(-ranked_by.round(9), kind="stable")[: ALTERNATIVES + 1]  # equal ones by their number
    named = [((*catalogue.actions, None)[place], float(q[place] - q[-1])) for place in order]
    reason = _reason(named[0][0], row, type_, fatigue, habit, float(q.max() - q[-1]))
    gains = [gain for _, gain in named]
    if len(named) > 1 and max(gains) - min(gains) <= CLOSE:
        reason += f" The alternatives are within ${CLOSE:.2f} of it: any of them will do."
    return Recommendation(named[0][0], reason, named[0][1], tuple(named[1:]))


def checked(features: Mapping[str, float] | np.ndarray, **places: int) -> np.ndarray:
    """The features in their order, shape (10,).

    Raises:
        DataError: see `recommend_offer`.
    """
    problems = []
    if isinstance(features, Mapping):
        problems += [f"{name}: missing" for name in FEATURES if name not in features]
        problems += [f"{name}: no such feature" for name in features if name not in FEATURES]
        features = [features.get(name, 0.0) for name in FEATURES]
    elif np.shape(features) != (len(FEATURES),):
        raise DataError(f"{np.shape(features)} features. Remedy: give {', '.join(FEATURES)}, in this order.")
    row = np.zeros(len(FEATURES))
    for place, (name, value) in enumerate(zip(FEATURES, features, strict=True)):
        top = 1.0 if name in SHARES else np.inf
        try:
            row[place] = float(value)
        except (TypeError, ValueError):
            problems.append(f"{name}: {value!r} is not a number")
            continue
        if not (0 <= row[place] <= top and np.isfinite(row[place])):
            problems.append(f"{name}: {value!r} is not " + ("from 0 to 1" if name in SHARES else "0 or more"))
    limits = {"week": load_response()["weeks"], "fatigue": FATIGUE, "habit": HABIT}
    for name, value in places.items():
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 0 <= value < limits[name]:
            problems.append(f"{name}: {value!r} is not a whole number from 0 to {limits[name] - 1}")
    if problems:
        raise DataError("no offer can be recommended: " + "; ".join(problems) + ". Remedy: correct these.")
    return row


def _reason(action: Offer | None, row: np.ndarray, type_: int, fatigue: int, habit: int, missed: float) -> str:
    """Why this action, or in spite of what: a clause for each of its parts.

    Args:
        action: the action, None for nothing.
        row: the features.
        type_: the customer's type.
        fatigue, habit: where the customer stands.
        missed: dollars by which the best action is above sending nothing.
    """
    answers = {name: int(part[0]) for name, part in answers_of(np.array([type_])).items()}
    value = dict(zip(FEATURES, row, strict=True))
    if action is None:
        why = "no message earns what it costs later"
        if missed > CLOSE:
            why = f"so the policy decides; by the response model the best offer would bring ${missed:.2f} more"
        elif fatigue:
            why = f"fatigue is {fatigue} of {FATIGUE - 1}, and a message now would weaken the next ones"
        elif habit:
            why = f"habit is {habit} of {HABIT - 1}, and it falls while prices stay full"
        return f"Send nothing this week: {why}."
    sensitive, engaged, own = answers["discount_sensitivity"], answers["engagement"], CHANNELS[answers["channel"]]
    buys = f"{'buy mostly' if sensitive else 'seldom buy'} at a discount ({value['discount_sensitivity']:.2f})"
    attention = f"are {'' if engaged else 'not '}highly engaged ({value['engagement']:.2f})"
    parts = [(f"{action.value}% off" if action.value else "no price cut", sensitive == bool(action.value), buys)]
    if action.offer == "free_shipping":
        likes = answers["free_shipping_preference"]
        uses = f"{'mostly' if likes else 'seldom'} use it ({value['free_shipping_preference']:.2f})"
        parts.append(("free shipping", likes, uses))
    elif action.offer == "recommendation":
        parts.append(("a recommendation", engaged, attention))
    elif action.offer == "bundle":
        only = "" if answers["monetary"] else "only "
        parts.append(("a bundle", answers["monetary"], f"have spent {only}${value['monetary']:,.0f}"))
    share = value[RESPONSIVENESS[answers["channel"]]]
    parts.append((f"by {action.channel}", action.channel == own, f"come most often by {own} ({share:.2f})"))
    if action.timing != "delay_1hour":  # which suits everybody
        at_once = action.timing == "immediate"
        parts.append(("at once" if at_once else "after 6 hours", engaged == at_once, attention))
    said = "; ".join(f"{part}, {'as' if fits else 'although'} they {do}" for part, fits, do in parts)
    return f"{said[0].upper()}{said[1:]}."
