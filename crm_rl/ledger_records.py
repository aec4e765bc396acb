"""What the claims of the ledger are held against: counts of a data set, recorded runs, settings of the published code.

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

from crm_rl.crm_data import clean, load
from crm_rl.crm_data.split import published_split
from crm_rl.evaluation import interquartile_mean, play, random_policy
from crm_rl.funnel import N_FEATURES, observe_all, start_all
from crm_rl.intervals import wilson
from crm_rl.state_keys import DECIMALS
from crm_rl.study import RESULTS, load_study
from crm_rl.worlds import World, replay_worlds

SEEDS = 20

#: Read off the published repository, where it is no setting of our runs: features of the state, shares of the balanced
#: draw in %, decimals of a state key, test episodes, and the subscribers in a log of DQN with feature selection.
SEEN = {
    "features": N_FEATURES,
    "drawn_subscribed": 30,
    "drawn_called": 30,
    "q_learning.test_episodes": 1000,
    "dqn.test_episodes": 1655,
    "dqn_selection.log_subscribers": 18,
    "key_decimals": DECIMALS,
}


class Measure(NamedTuple):
    """A number and how far it may lie from there; for exact numbers the three are equal."""

    value: float
    low: float
    high: float


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

    worlds = replay_worlds(customers, "as_coded")
    train, test = worlds["train"], worlds["test"]
    drawn, natural = drawn_subscribed(train)
    counts |= {
        "as_coded.drawn_subscribed": drawn,
        "as_coded.natural_subscribed": natural,
        "as_coded.largest_feature": float(train.population.features.max()),
        "as_coded.train_states": len(np.unique(start_observations(train).round(DECIMALS), axis=0)),
        "as_coded.test_subscribers": int(test.population.subscribed.sum()),
    }
    selection = replay_worlds(customers, "as_coded", selection=True)["test"]
    games = (play(selection, random_policy, np.random.default_rng([seed, 1])) for seed in range(SEEDS))
    counts["random_selection.subscribers"] = [int(game.subscribed.sum()) for game in games]
    return counts


def drawn_subscribed(world: World) -> tuple[float, float]:
    """How often an episode is a subscriber's, in %: drawn in balanced batches, and drawn naturally."""
    subscribed, pools = world.population.subscribed, world.pools
    shares = (*pools.shares, 1 - sum(pools.shares))
    of_pools = [subscribed[pool].mean() for pool in pools[:3]]
    return float(100 * np.dot(shares, of_pools)), float(100 * subscribed.mean())


def start_observations(world: World) -> np.ndarray:
    """What an agent sees of each customer before its first action."""
    everyone = np.arange(len(world.population.stage))
    return observe_all(start_all(everyone, world.population, world.rules), world.population, world.rules)


def counts_path(data: str) -> Path:
    """Where the counts of the "original" or the "twin" are on record."""
    return RESULTS / f"counts_{data}.json"


# ---- Asking ---------------------------------------------------------------------------------------------------------


class Records:
    """All records of one data set, by name.

    | name | record |
    |---|---|
    | `test.customers`, `as_coded.train_states`, ... | a count of `counts_of`; a list gives its middle and its range |
    | `runs.as_coded.dqn.states` | a column of the recorded study: interquartile mean and range over seeds |
    | `rate.as_coded.dqn` | its subscription rate in %, with the interval over seeds and customers together |
    | `curve.as_coded.dqn.subscribed` | a column of the learning curves: mean and range over training |
    | `code.rules.as_coded.horizon` | a setting that the study ran with; `.max`, `.length` and `.0` look into a list |
    | `seen.key_decimals` | what was read off the published repository |

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
        readers = {"runs": self._runs, "rate": self._rate, "curve": self._curve, "code": self._code}
        if kind in readers:
            return readers[kind](rest)
        if kind == "seen":
            return exactly(SEEN[rest])
        return _spread(self.counts[name])

    def _runs(self, name: str) -> Measure:
        setting, row, column = name.split(".")
        runs = self.runs[(self.runs["setting"] == setting) & (self.runs["row"] == row)]
        return _spread(runs[column])

    def _rate(self, name: str) -> Measure:
        rate, customers = (self._runs(f"{name}.{column}") for column in ("subscription_rate", "customers"))
        low, high = wilson(round(rate.value / 100 * customers.value), int(customers.value))
        return Measure(rate.value, min(rate.low, 100 * low), max(rate.high, 100 * high))

    def _curve(self, name: str) -> Measure:
        setting, row, column = name.split(".")
        values = self.curves.loc[(self.curves["setting"] == setting) & (self.curves["row"] == row), column]
        return Measure(float(values.mean()), float(values.min()), float(values.max()))

    def _code(self, name: str) -> Measure:
        found = self.source
        for key in name.split("."):
            if isinstance(found, list):
                found = {"max": max, "length": len}[key](found) if key.isalpha() else found[int(key)]
            else:
                found = found[key]
        return exactly(found)


def _spread(values) -> Measure:
    """A number, or one a seed: their interquartile mean and their range."""
    values = np.atleast_1d(np.asarray(values, dtype=float))
    if not len(values) or np.isnan(values).any():
        raise KeyError("the record is empty")
    return Measure(interquartile_mean(values), float(values.min()), float(values.max()))


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
    return Measure(100 * part.value / whole.value, 100 * low, 100 * high)


def _monotone(function: Callable[..., float]) -> Callable[..., Measure]:
    """A function that grows with each argument, taken to measures."""
    return lambda *measures: Measure(*(function(*ends) for ends in zip(*measures, strict=True)))


FUNCTIONS = {"share": _share, "log": _monotone(math.log), "max": _monotone(max)}


def calculate(expression: str, look_up: Callable[[str], Measure]) -> Measure:
    """Work out an expression in which `[name]` stands for a record.

    Two intervals are combined at their worst, as if nothing tied the two numbers together.

    Args:
        expression: numbers, names in brackets, + - * / **, `log`, `max`, and `share(part, whole)`: a share in % with
            its Wilson interval.
        look_up: gives the record of a name.

    Raises:
        ValueError: the expression holds anything else.
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
            ends = [combine(a, b) for a in first[1:] for b in second[1:]]
            return Measure(combine(first.value, second.value), min(ends), max(ends))
    raise ValueError(f"{ast.unparse(node)!r} is no arithmetic of the ledger. Remedy: see `calculate`.")


def names_in(expression: str) -> list[str]:
    """The names of the records that an expression asks for."""
    return re.findall(r"\[([^\]]+)\]", expression)
