"""How customers respond to offers when value, channel, timing, fatigue and cost matter (chapter 11).

A customer's type comes from five of their features. In each of 12 weeks they get one action of the catalogue or none,
buy or do not, and change: messages tire them (fatigue), and price cuts teach them to wait for the next one (habit). So
there is a finite decision process for each type: 4 levels of fatigue, 3 of habit, a week; solved by backward induction.

Everything here is a pure function of arrays. Numbers come from `data/worlds/offers_response.yaml`.
"""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from crm_rl.case_studies.offers.catalogue import CHANNELS, OFFERS, TIMINGS, Catalogue
from crm_rl.case_studies.offers.features import FEATURES, RESPONSIVENESS
from crm_rl.files import shipped

RESPONSE = shipped("worlds/offers_response.yaml")

#: Levels of fatigue and of habit; a customer starts with none of either.
FATIGUE, HABIT = 4, 3

#: What makes a type: four questions with the answers no and yes, then the customer's own channel.
QUESTIONS = ("discount_sensitivity", "free_shipping_preference", "monetary", "engagement")
TYPES = 2 ** len(QUESTIONS) * len(CHANNELS)


@functools.cache
def load_response(path: Path = RESPONSE) -> dict:
    """The numbers of the response model, as they are written."""
    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))


class Response(NamedTuple):
    """What actions do, for each type of customer; the last action is to send nothing.

    Attributes:
        buys: shape (types, fatigue, habit, actions): the chance of a purchase in the week.
        profit: shape (types, actions): what a purchase leaves, in dollars.
        cost: shape (actions,): of the message, in dollars, paid whether or not the customer buys.
        tires: shape (actions, fatigue, fatigue): chances of the next level of fatigue.
        teaches: shape (actions, habit, habit): chances of the next level of habit.
        weeks: how many there are.
    """

    buys: np.ndarray
    profit: np.ndarray
    cost: np.ndarray
    tires: np.ndarray
    teaches: np.ndarray
    weeks: int

    @property
    def reward(self) -> np.ndarray:
        """The expected profit of a week, shape (types, fatigue, habit, actions), in dollars."""
        return self.buys * self.profit[:, None, None, :] - self.cost


def answers_of(types: np.ndarray) -> dict[str, np.ndarray]:
    """What types mean: for each of `QUESTIONS` 0 or 1, and `channel`, a place in `CHANNELS`."""
    answers = {name: types // 3 >> bit & 1 for bit, name in enumerate(QUESTIONS)}
    return answers | {"channel": types % 3}


def types_of(features: np.ndarray, numbers: dict | None = None) -> np.ndarray:
    """The type of each customer.

    Args:
        features: shape (n, 10), in the order of `features.FEATURES`.
        numbers: of the response model; None is the one of the book.

    Returns:
        Shape (n,), from 0 to `TYPES` - 1. Of channels that a customer uses equally, the first counts.
    """
    cuts = (numbers or load_response())["cuts"]
    columns = {name: features[:, FEATURES.index(name)] for name in QUESTIONS}
    yes = sum((columns[name] > cuts[name]).astype(np.int64) << bit for bit, name in enumerate(QUESTIONS))
    channel = features[:, [FEATURES.index(name) for name in RESPONSIVENESS]].argmax(axis=1)
    return yes * len(CHANNELS) + channel


def response_of(catalogue: Catalogue, numbers: dict | None = None) -> Response:
    """The response of all types to all actions of a catalogue, and to nothing, which comes last."""
    numbers = numbers or load_response()
    answers = answers_of(np.arange(TYPES))
    yes = {name: answers[name][:, None] for name in QUESTIONS}  # a row a type, against a column an action
    cut = catalogue.value / 10  # in tens of percent
    fatigue, habit = np.arange(FATIGUE)[:, None, None], np.arange(HABIT)[:, None]

    appeal = np.zeros((TYPES, len(OFFERS)))
    for place, offer in enumerate(OFFERS):
        ((question, added),) = numbers["appeal"][offer].items()
        appeal[:, place] = np.array(added)[answers[question]]
    of_timing = np.array([numbers["timing"][name] for name in TIMINGS])
    lift = appeal[:, catalogue.offer]
    lift = lift + np.array(numbers["per_10_percent"])[yes["discount_sensitivity"]] * cut
    lift = lift + np.array(numbers["channel_fit"])[(catalogue.channel == answers["channel"][:, None]).astype(int)]
    lift = lift + of_timing[catalogue.timing, yes["engagement"]]
    lift = lift[:, None, None, :] - numbers["fatigue"]["message"] * fatigue

    lift = np.concatenate([lift, np.zeros((*lift.shape[:3], 1))], axis=3)  # to send nothing adds nothing
    cut = np.append(cut, 0.0)
    unprompted = np.array(numbers["log_odds"])[answers["engagement"]][:, None, None, None]
    waits = numbers["habit"] * habit * (cut == 0)
    buys = 1 / (1 + np.exp(-(unprompted + lift - waits - numbers["fatigue"]["always"] * fatigue)))

    offer = np.append(catalogue.offer, len(OFFERS))
    share = numbers["margin"] - cut / 10 - numbers["bundle_share"] * (offer == OFFERS.index("bundle"))
    basket = np.array(numbers["basket"])[yes["monetary"]]
    profit = basket * share - numbers["shipping_cost"] * (offer == OFFERS.index("free_shipping"))
    cost = np.append(np.array([numbers["message_cost"][name] for name in CHANNELS])[catalogue.channel], 0.0)

    rises = np.append(np.array([numbers["fatigue_rises"][name] for name in CHANNELS])[catalogue.channel], 0.0)
    falls = np.append(np.zeros(len(catalogue.value)), numbers["fatigue_falls"])
    learns = np.minimum(numbers["habit_rises_per_10_percent"] * cut, 1.0)
    forgets = np.where(cut == 0, numbers["habit_falls"], 0.0)
    return Response(
        buys, profit, cost, _ladder(FATIGUE, rises, falls), _ladder(HABIT, learns, forgets), numbers["weeks"]
    )


def _ladder(levels: int, up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Chances to move between levels by one, shape (actions, levels, levels); nobody leaves the first or the last."""
    moves = np.zeros((len(up), levels, levels))
    for level in range(levels):
        moves[:, level, min(level + 1, levels - 1)] += up
        moves[:, level, max(level - 1, 0)] += down
        moves[:, level, level] += 1 - up - down
    return moves


# ---- The exact answer -----------------------------------------------------------------------------------------------


def q_values(response: Response, after: np.ndarray) -> np.ndarray:
    """What actions are worth in a week, if what follows is known.

    Args:
        response: the model.
        after: shape (n, fatigue, habit): the value of the next week's states; n is the number of types.

    Returns:
        Shape (n, fatigue, habit, actions).
    """
    return response.reward + _expected(response, after)


def _expected(response: Response, after: np.ndarray) -> np.ndarray:
    return np.einsum("afg,ahk,ngk->nfha", response.tires, response.teaches, after, optimize=True)


def optimal(response: Response) -> np.ndarray:
    """Backward induction: the best values, shape (weeks, types, fatigue, habit, actions), in dollars to the end."""
    after, weeks = np.zeros(response.buys.shape[:3]), []
    for _ in range(response.weeks):
        weeks.append(q_values(response, after))
        after = weeks[-1].max(axis=3)
    return np.array(weeks[::-1])


def evaluate(response: Response, types: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """What a policy is worth to the end, exactly.

    Args:
        response: the model.
        types: shape (n,): the type of each customer.
        actions: shape (weeks, n, fatigue, habit): what the policy does.

    Returns:
        Shape (n,): the expected profit of all weeks from a fresh start, in dollars.
    """
    after = np.zeros((len(types), FATIGUE, HABIT))
    who = types[:, None, None]
    fatigue, habit = np.arange(FATIGUE)[:, None], np.arange(HABIT)
    for action in actions[::-1]:
        reward = response.buys[who, fatigue, habit, action] * response.profit[who, action] - response.cost[action]
        after = reward + np.einsum(
            "nfhg,nfhk,ngk->nfh",
            response.tires[action, fatigue],
            response.teaches[action, habit],
            after,
            optimize=True,
        )
    return after[:, 0, 0]


def share_of_gain(values: np.ndarray, silent: np.ndarray, best: np.ndarray) -> float:
    """The share of the attainable gain, a ratio of sums over customers: 0 is to send nothing, 1 the optimum."""
    return float((values - silent).sum() / (best - silent).sum())
