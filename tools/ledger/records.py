"""What the claims of the ledger are held against: counts of a data set, recorded runs, notes of the published code."""

import json
import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from crm_rl.agents.reference import random_policy
from crm_rl.data import clean, load
from crm_rl.data.split import published_split
from crm_rl.evaluation.intervals import interquartile_mean, over_seeds, widened, wilson
from crm_rl.evaluation.rollouts import play
from crm_rl.experiments.email_study import load_email
from crm_rl.experiments.funnel_study import load_study
from crm_rl.experiments.runner import RESULTS
from crm_rl.worlds.replay_world import ReplayWorld, replay_worlds

SEEDS = 20


class Seen(NamedTuple):
    """A number of the published code, and what our notes of it say there."""

    value: float
    note: str


#: What was read off the published repository. What is not here we do not know, whatever our own runs are set to.
SEEN = {
    # the environments
    "features": Seen(15, "a customer is shown by 15 numbers"),
    "largest_feature": Seen(103, "the country goes in as its code, from 0 to 103, and the stage as 0 to 6"),
    "actions": Seen(6, "each of six actions has a cost"),
    "dearest_action": Seen(20, "waiting costs 0, an account manager 20"),
    "subscription_reward": Seen(100, "a subscription pays 100"),
    "call_reward": Seen(15, "a call pays 15"),
    "demo_reward": Seen(12, "a demo pays 12"),
    "survey_reward": Seen(8, "a survey pays 8"),
    "selection.mask": Seen(15, "a bit for each of the 15 features goes before them"),
    "selection.decision_cost": Seen(
        0.1, "an action of the firm costs 0.1, and a toggle 0.01, for each visible feature"
    ),
    # the agents
    "key_decimals": Seen(2, "a key of the table is the observation with 2 decimals"),
    "hidden_layers": Seen(2, "the network is the library's default, and that has two hidden layers"),
    "hidden_neurons": Seen(64, "the network is the library's default, not the described one, and that has 64 in each"),
    "train_every": Seen(4, "the network learns after every fourth step"),
    "target_every": Seen(1000, "the target network is renewed every 1,000 steps"),
    "buffer_size": Seen(100_000, "without feature selection the buffer holds 100,000"),
    "batch_size": Seen(64, "without feature selection a batch has 64"),
    "selection.buffer_size": Seen(10_000, "with feature selection the buffer holds 10,000"),
    "selection.batch_size": Seen(32, "with feature selection a batch has 32"),
    # the evaluation
    "q_learning.test_episodes": Seen(1000, "the Q-learning rows draw 1,000 test customers, with replacement"),
    "dqn.test_episodes": Seen(1655, "the DQN rows have 1,655 episodes"),
    "dqn_selection.log_subscribers": Seen(18, "a log has 18 of 1,655"),
    # the offer recommender
    "offers.types": Seen(4, "the catalogue has 4 offers"),
    "offers.values": Seen(4, "besides 5, 10 and 15 there is a fourth value, 0, which free shipping uses"),
    "offers.channels": Seen(3, "the catalogue has 3 channels"),
    "offers.timings": Seen(3, "the catalogue has 3 timings"),
    # email audiences
    "email.state": Seen(7, "a state is subject, weekday, tenure, domain, age, gender and type"),
    "email.first_age": Seen(20, "after the band below 20 comes one from 20 to below 25"),
    "email.next_age": Seen(25, "after it comes one from 25 to below 35"),
    "email.first_tenure": Seen(5, "the first band of tenure is below 5"),
    # weekly budgets
    "budget.offers": Seen(5, "the offer is chosen from six, 0 being none"),
    "budget.channels": Seen(5, "the channel is chosen from five"),
    "budget.choices": Seen(1, "an action is one offer and one channel"),
    "budget.features": Seen(20, "a customer is shown by 20 features, before the week and the share of budget left"),
    "budget.offer_value": Seen(0.5, "the discount costs 0.5 times the number of the offer"),
    "budget.channel_costs.0": Seen(0.0, "channel costs are 0, 0.02, 0.03, 0.05 and 0.07"),
    "budget.channel_costs.1": Seen(0.02, "channel costs are 0, 0.02, 0.03, 0.05 and 0.07"),
    "budget.channel_costs.2": Seen(0.03, "channel costs are 0, 0.02, 0.03, 0.05 and 0.07"),
    "budget.channel_costs.3": Seen(0.05, "channel costs are 0, 0.02, 0.03, 0.05 and 0.07"),
    "budget.channel_costs.4": Seen(0.07, "channel costs are 0, 0.02, 0.03, 0.05 and 0.07"),
    "budget.steps": Seen(200_000, "PPO trains for 200,000 steps"),
    "budget.trip_weight": Seen(0.5, "the reward is the profit plus 0.5 a trip"),
    "budget.weeks": Seen(12, "an episode has 12 weeks"),
    "budget.trips": Seen(1, "a trip comes or not, with a chance of 0.05 + 0.02 offer + 0.005 channel"),
    "budget.ahead": Seen(1, "the bandit is a logistic regression for each offer, of this step's reward above 0"),
}


@dataclass(frozen=True)
class Measure:
    """A number and how far it may lie from there; for exact numbers the three are equal.

    Arithmetic combines two intervals at their worst, as if nothing tied the two numbers together.

    Attributes:
        value, low, high: the number and its interval.
        interval: what `low` to `high` is: "95%" (an interval at that level), "range" (the lowest and the highest seed,
            for the customers at hand) or "range over training".
        names: the records and claims that the number was made of.
    """

    value: float
    low: float
    high: float
    interval: str = ""
    names: tuple[str, ...] = ()

    def __add__(self, other):
        return _combined(operator.add, self, other)

    def __sub__(self, other):
        return _combined(operator.sub, self, other)

    def __rsub__(self, other):
        return _combined(operator.sub, other, self)

    def __mul__(self, other):
        return _combined(operator.mul, self, other)

    def __truediv__(self, other):
        return _combined(operator.truediv, self, other)

    __rmul__ = __mul__


def exactly(value: "float | Measure", *names: str) -> Measure:
    """A number as a measure; a measure stays as it is."""
    return value if isinstance(value, Measure) else Measure(*3 * (float(value),), names=names)


def _combined(combine: Callable[[float, float], float], first, second) -> Measure:
    first, second = exactly(first), exactly(second)
    ends = [combine(a, b) for a in (first.low, first.high) for b in (second.low, second.high)]
    kinds = {first.interval, second.interval} - {""} or {""}
    if len(kinds) > 1:
        raise ValueError(f"two kinds of interval do not combine: {sorted(kinds)}. Remedy: use records of one kind.")
    return Measure(combine(first.value, second.value), min(ends), max(ends), *kinds, first.names + second.names)


def share(part: Measure, whole: Measure) -> Measure:
    """A share in %, with its Wilson interval."""
    low, high = wilson(int(part.value), int(whole.value))
    return Measure(100 * part.value / whole.value, 100 * low, 100 * high, "95%", part.names + whole.names)


def log(measure: Measure) -> Measure:
    ends = (math.log(end) for end in (measure.value, measure.low, measure.high))
    return Measure(*ends, measure.interval, measure.names)


# ---- Counting -------------------------------------------------------------------------------------------------------


def counts_of(data: str | Path) -> dict[str, float | list[int]]:
    """Count in one export all that the ledger asks of data, in a few seconds.

    Args:
        data: the export, a file that `crm_rl.data.load` reads.

    Returns:
        Numbers by name. `all`, `train`, `val` and `test` are the file and the published parts; `as_coded` is what the
        published code makes of them; `random_selection.subscribers` has a number a seed.
    """
    customers, _ = clean(load(data))
    parts = {"all": customers, **published_split(customers).parts()}
    counts = {f"{name}.customers": len(part) for name, part in parts.items()}
    counts |= {f"{name}.subscribers": int(part["subscribed"].sum()) for name, part in parts.items()}
    counts["all.bootcamps"] = int(customers["education"].nunique())

    train = replay_worlds(customers, "as_coded")["train"]
    counts["as_coded.drawn_subscribed"], counts["as_coded.natural_subscribed"] = drawn_subscribed(train)
    for pool, share in zip(("subscribed", "called"), train.pools.shares, strict=True):
        counts[f"as_coded.share_{pool}"] = 100 * share
    selection = replay_worlds(customers, "as_coded", selection=True)["test"]
    games = (play(selection, random_policy, np.random.default_rng([seed, 1])) for seed in range(SEEDS))
    counts["random_selection.subscribers"] = [int(game.subscribed.sum()) for game in games]
    return counts


def drawn_subscribed(world: ReplayWorld) -> tuple[float, float]:
    """How often an episode is a subscriber's, in %: drawn in balanced batches, and drawn naturally."""
    subscribed, pools = world.population.subscribed, world.pools
    shares = (*pools.shares, 1 - sum(pools.shares))
    of_pools = [subscribed[pool].mean() for pool in pools[:3]]
    return float(100 * np.dot(shares, of_pools)), float(100 * subscribed.mean())


def counts_path(data: str) -> Path:
    """Where the counts of the "original" or the "twin" are on record."""
    return RESULTS / f"counts_{data}.json"


# ---- Asking ---------------------------------------------------------------------------------------------------------


class Records:
    """All records of one data set, by name.

    | name | record |
    |---|---|
    | `test.customers`, `all.bootcamps`, ... | a count of `counts_of`; a list gives its middle and its range |
    | `runs.as_coded.dqn.states` | a column of the recorded study: interquartile mean and range over seeds |
    | `rate.as_coded.dqn` | its subscription rate in %, with a 95% interval over customers, widened by that over seeds |
    | `curve.as_coded.dqn.subscribed` | a column of the learning curves: mean and range over training |
    | `ours.q_learning.alpha` | a setting that our study ran with |
    | `email.first_rate` | what the study of email audiences counted in the table of emails |
    | `seen.key_decimals` | what was read off the published repository (`SEEN`) |

    Args:
        data: "original" or "twin".
    """

    def __init__(self, data: str = "original"):
        self.data = data
        self.runs, self.curves, self.source = load_study(data)
        self.counts = json.loads(counts_path(data).read_text(encoding="utf-8"))["counts"]
        self.emails = load_email(data)[-1]["facts"]

    def __getitem__(self, name: str) -> Measure:
        """The record of that name.

        Raises:
            KeyError: there is none.
        """
        kind, _, rest = name.partition(".")
        readers = {
            "runs": self._runs,
            "rate": self._rate,
            "curve": self._curve,
            "ours": self._ours,
            "email": self._email,
        }
        if kind in readers:
            found = readers[kind](rest)
        else:
            found = exactly(SEEN[rest].value) if kind == "seen" else _spread(self.counts[name])
        return replace(found, names=(name,))

    def _column(self, name: str) -> np.ndarray:
        setting, row, column = name.split(".")
        values = self.runs.loc[(self.runs["setting"] == setting) & (self.runs["row"] == row), column].to_numpy()
        if not len(values) or np.isnan(values).any():
            raise KeyError("the record is empty")
        return values

    def _email(self, name: str) -> Measure:
        found = self.emails[name]
        return exactly(math.nan if found is None else found)  # the rate of a cell without emails

    def _runs(self, name: str) -> Measure:
        return _spread(self._column(name))

    def _rate(self, name: str) -> Measure:
        rate, low, high = (
            self._column(f"{name}.{column}") for column in ("subscription_rate", "rate_low", "rate_high")
        )
        seeds = over_seeds(rate, np.random.default_rng(0))
        customers = interquartile_mean(low), interquartile_mean(high)
        low, high = widened(seeds["iqm"], customers, (seeds["low"], seeds["high"]))
        return Measure(seeds["iqm"], max(0.0, low), high, "95%")

    def _curve(self, name: str) -> Measure:
        setting, row, column = name.split(".")
        values = self.curves.loc[(self.curves["setting"] == setting) & (self.curves["row"] == row), column]
        return Measure(float(values.mean()), float(values.min()), float(values.max()), "range over training")

    def _ours(self, name: str) -> Measure:
        found = self.source
        for key in name.split("."):
            found = found[key]
        return exactly(found)


def _spread(values) -> Measure:
    """A number, or one a seed: their interquartile mean and their range."""
    values = np.atleast_1d(np.asarray(values, dtype=float))
    low, high = float(values.min()), float(values.max())
    return Measure(interquartile_mean(values), low, high, "range" if low < high else "")
