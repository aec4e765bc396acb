"""What the claims of the ledger are held against: counts of a data set, recorded runs, notes of the published code.

A record is asked for by name, in arithmetic as the ledger writes it: `100 * [test.subscribers] / [test.customers]`.
"""

import ast
import json
import math
import operator
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from crm_rl.agents.reference import random_policy
from crm_rl.data import clean, load
from crm_rl.data.split import published_split
from crm_rl.evaluation.intervals import interquartile_mean, over_seeds, widened, wilson
from crm_rl.evaluation.rollouts import play
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
}


class Measure(NamedTuple):
    """A number and how far it may lie from there; for exact numbers the three are equal.

    `interval` says what `low` to `high` is: "95%" (an interval at that level), "range" (the lowest and the highest
    seed, for the customers at hand) or "range over training".
    """

    value: float
    low: float
    high: float
    interval: str = ""


def exactly(value: float) -> Measure:
    return Measure(float(value), float(value), float(value))


# ---- Counting -------------------------------------------------------------------------------------------------------


def counts_of(data: str | Path) -> dict[str, float | list[int]]:
    """Count in one export all that the ledger asks of data, in a few seconds.

    Args:
        data: the export, a file that `crm_data.load` reads.

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
    | `seen.key_decimals` | what was read off the published repository (`SEEN`) |

    Args:
        data: "original" or "twin".
    """

    def __init__(self, data: str = "original"):
        self.data = data
        self.runs, self.curves, self.source = load_study(data)
        self.counts = json.loads(counts_path(data).read_text(encoding="utf-8"))["counts"]

    def __getitem__(self, name: str) -> Measure:
        """The record of that name.

        Raises:
            KeyError: there is none.
        """
        kind, _, rest = name.partition(".")
        readers = {"runs": self._runs, "rate": self._rate, "curve": self._curve, "ours": self._ours}
        if kind in readers:
            return readers[kind](rest)
        if kind == "seen":
            return exactly(SEEN[rest].value)
        return _spread(self.counts[name])

    def _column(self, name: str) -> np.ndarray:
        setting, row, column = name.split(".")
        values = self.runs.loc[(self.runs["setting"] == setting) & (self.runs["row"] == row), column].to_numpy()
        if not len(values) or np.isnan(values).any():
            raise KeyError("the record is empty")
        return values

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


@cache
def records(data: str = "original") -> Records:
    """The records of a data set, read once."""
    return Records(data)


# ---- Arithmetic -----------------------------------------------------------------------------------------------------

OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def _share(part: Measure, whole: Measure) -> Measure:
    low, high = wilson(int(part.value), int(whole.value))
    return Measure(100 * part.value / whole.value, 100 * low, 100 * high, "95%")


def _log(measure: Measure) -> Measure:
    return Measure(*(math.log(end) for end in measure[:3]), measure.interval)


FUNCTIONS = {"share": _share, "log": _log}


def calculate(expression: str, look_up: Callable[[str], Measure]) -> Measure:
    """Work out an expression in which `[name]` stands for a record.

    Two intervals are combined at their worst, as if nothing tied the two numbers together.

    Args:
        expression: numbers, names in brackets, + - * / **, `log`, and `share(part, whole)`: a share in % with its
            Wilson interval.
        look_up: gives the record of a name.

    Raises:
        ValueError: the expression holds anything else, or combines two kinds of interval.
        KeyError: a name is not on record.
    """
    names: list[str] = []

    def placed(match: re.Match) -> str:
        names.append(match[1])
        return f"m{len(names) - 1}"

    return _worked_out(
        ast.parse(re.sub(r"\[([^\]]+)\]", placed, expression.strip()), mode="eval").body,
        lambda place: look_up(names[int(place[1:])]),
    )


def _worked_out(node: ast.AST, look_up: Callable[[str], Measure]) -> Measure:
    match node:
        case ast.Constant(value=int() | float() as number):
            return exactly(number)
        case ast.Name(id=place):
            return look_up(place)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_worked_out(argument, look_up) for argument in arguments))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            first, second = _worked_out(left, look_up), _worked_out(right, look_up)
            combine = OPERATORS[type(op)]
            ends = [combine(a, b) for a in first[1:3] for b in second[1:3]]
            (interval,) = {first.interval, second.interval} - {""} or {""}
            return Measure(combine(first.value, second.value), min(ends), max(ends), interval)
    raise ValueError(f"{ast.unparse(node)!r} is no arithmetic of the ledger. Remedy: see `calculate`.")


def names_in(expression: str) -> list[str]:
    """The names of the records that an expression asks for."""
    return re.findall(r"\[([^\]]+)\]", expression)
