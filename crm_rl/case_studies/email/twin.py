"""The twin of the permutation table, drawn from a spec of low-order sums: no cell of the original is in it.

The spec has how many emails went to each value of subject and weekday and to each pair of values of the five customer
attributes, and which share of the emails to each pair of values (the weekday aside) was answered. Iterative
proportional fitting (Deming and Stephan 1940) finds what is most like "all independent" and has these sums.
"""

import functools
import itertools
import json
from pathlib import Path

import numpy as np

from crm_rl.case_studies.email.cells import ATTRIBUTES, CUSTOMER, GROUPS, SHAPE, SUBJECT, WEEKDAY, Counts
from crm_rl.files import shipped

SPEC = shipped("raw") / "email_twin_spec.json"
ROUNDED_TO = 5


def draw_twin(spec: Path = SPEC) -> Counts:
    """The twin: always the same for one spec.

    A customer gets as many emails as the spec says, so that emails come in bunches and small cells stay empty.
    """
    content = json.loads(spec.read_text(encoding="utf-8"))
    rng, (sent, answered) = np.random.default_rng(content["seed"]), expected(spec)
    groups = sent.reshape(SHAPE).sum(axis=(SUBJECT, WEEKDAY)).ravel()
    each = content["emails a customer"]
    customers = rng.multinomial(round(content["emails"] / each), groups / groups.sum())
    kinds = sent.reshape(SHAPE).sum(axis=CUSTOMER).ravel()
    emails = rng.multinomial(customers * each, kinds / kinds.sum()).T.ravel()
    return Counts(emails, rng.binomial(emails, answered))


@functools.cache
def expected(spec: Path = SPEC) -> tuple[np.ndarray, np.ndarray]:
    """What the twin is drawn from: of each cell, the expected number of emails and the **true rate** of answers.

    Both have shape (17640,).
    """
    content = json.loads(spec.read_text(encoding="utf-8"))
    to_pairs = {key: np.array(content["sent"][name(*key)]) for key in itertools.combinations(CUSTOMER, 2)}
    groups = rake(np.ones(GROUPS), CUSTOMER, to_pairs)
    subject, weekday = (np.array(content["sent"][name(axis)]) for axis in (SUBJECT, WEEKDAY))
    axes = (SUBJECT, *CUSTOMER)
    sent = subject.reshape(-1, *[1] * len(CUSTOMER)) / subject.sum() * groups
    answers = {
        key: np.array(content["rate"][name(*key)]) * _sums(sent, axes, key) for key in itertools.combinations(axes, 2)
    }
    rates = np.clip(rake(0.34 * sent, axes, answers) / np.maximum(sent, 1e-12), 0.01, 0.99)
    by_day = weekday.reshape(1, -1, *[1] * len(CUSTOMER)) / weekday.sum()
    return (sent[:, None] * by_day).ravel(), np.broadcast_to(rates[:, None], SHAPE).ravel()


def rake(table: np.ndarray, axes: tuple[int, ...], sums: dict[tuple[int, int], np.ndarray], rounds: int = 30):
    """Scale a table until it has the sums that are asked for (iterative proportional fitting).

    Args:
        table: where to start, an axis for each of `axes`.
        axes: which attributes they are.
        sums: the sums over all but two attributes, by the pair.
        rounds: how often to go through all pairs.
    """
    for _ in range(rounds):
        for pair, wanted in sums.items():
            has = _sums(table, axes, pair)
            factor = np.divide(wanted, has, out=np.zeros_like(has), where=has > 0)
            table = table * factor.reshape([SHAPE[axis] if axis in pair else 1 for axis in axes])
    return table


def _sums(table: np.ndarray, axes: tuple[int, ...], pair: tuple[int, ...]) -> np.ndarray:
    return table.sum(axis=tuple(place for place, axis in enumerate(axes) if axis not in pair))


def name(*axes: int) -> str:
    """What a table over these attributes is called in the spec."""
    return " x ".join(ATTRIBUTES[axis].column for axis in axes)


def make_spec(counts: Counts, seed: int = 10, each: int = 5) -> dict:
    """The spec of a table, in numbers rounded so that none is about single emails.

    Args:
        counts: the table.
        seed: of the twin.
        each: how many emails a customer of the twin gets.
    """
    sent, answered = (part.reshape(SHAPE).astype(float) for part in counts)
    every = tuple(range(len(SHAPE)))
    sizes = {name(axis): _sums(sent, every, (axis,)) for axis in (SUBJECT, WEEKDAY)}
    sizes |= {name(*pair): _sums(sent, every, pair) for pair in itertools.combinations(CUSTOMER, 2)}
    rates = {}
    for pair in itertools.combinations((SUBJECT, *CUSTOMER), 2):
        rates[name(*pair)] = (_sums(answered, every, pair) / np.maximum(_sums(sent, every, pair), 1)).round(4).tolist()
    rounded = {key: (ROUNDED_TO * np.round(size / ROUNDED_TO)).astype(int).tolist() for key, size in sizes.items()}
    return {
        "seed": seed,
        "emails": int(counts.sent.sum()),
        "emails a customer": each,
        "sent, rounded to": ROUNDED_TO,
        "sent": rounded,
        "rate": rates,
    }
