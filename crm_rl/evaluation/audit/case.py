"""What is audited and what is found (chapter 9): a `Case`, and a `Report`."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from crm_rl.agents.reference import constant_policy, random_policy
from crm_rl.data.features import PUBLISHED_FEATURES
from crm_rl.data.split import published_split
from crm_rl.evaluation.rollouts import PUBLISHED_BASE_RATE, play
from crm_rl.worlds.base import Action
from crm_rl.worlds.replay_world import ReplayWorld, balanced, replay_worlds

FAULT, LOOK, UNSURE, FINE, SKIPPED = "FAULT", "look", "cannot tell", "nothing found", "not checked"

Play = Callable[[Any, np.random.Generator], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A claim to be audited, and what is needed to check it. Leave out what you have not got.

    Attributes:
        parts: customers by part, a row each; the first is the training part, the last the test part.
        label: the column that holds the outcome on record, True or False.
        features: the columns that the policy may look at.
        names: columns of names, each with the feature that was made from it as a code.
        policies: by name: the one that does nothing, rivals, and the candidate. What a policy *is* only `play` needs to
            know.
        reference: the name of the policy that does nothing.
        candidate: the name of the policy that is claimed to be good.
        play: `play(policy, rng)` lets a policy treat every test customer once and returns who came to a success,
            shape (test customers,), bool.
        claimed_base: the rate, from 0 to 1, by which the improvement was divided.
        known: shape (test customers,): whether training met the state in which the policy first decides.
        retrain: `retrain(order)` trains the candidate's method on outcomes `order[i]` for training customer i, and
            returns the policy. `order` is a permutation of the training rows.
        score: `score(policy, rng)` says how good a policy is on the test customers by a finer measure than successes,
            such as the mean reward; larger is better.
    """

    parts: dict[str, pd.DataFrame]
    label: str
    features: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)
    reference: str | None = None
    candidate: str | None = None
    play: Play | None = None
    claimed_base: float | None = None
    known: np.ndarray | None = None
    retrain: Callable[[np.ndarray], Any] | None = None
    score: Callable[[Any, np.random.Generator], float] | None = None

    def __post_init__(self):
        for name, part in self.parts.items():
            wanted = {self.label, *self.features, *self.names, *self.names.values()}
            if missing := sorted(wanted - set(part)):
                raise ValueError(f"part {name!r} has no column {', '.join(missing)}. Remedy: add it, or leave it out.")
        for name in (self.reference, self.candidate):
            if name is not None and name not in self.policies:
                raise ValueError(f"{name!r} is not among the policies {list(self.policies)}. Remedy: add it.")
        if self.policies and self.reference is None:
            raise ValueError("policies without a reference. Remedy: name the one that does nothing.")

    @property
    def train(self) -> pd.DataFrame:
        return next(iter(self.parts.values()))

    @property
    def test(self) -> pd.DataFrame:
        return self.parts[list(self.parts)[-1]]


class Finding(NamedTuple):
    """What one check found: the question, the answer in words, and FAULT, LOOK, UNSURE, FINE or SKIPPED."""

    question: str
    answer: str
    verdict: str


class Report(NamedTuple):
    """All findings of an audit; a notebook shows it as a table."""

    findings: list[Finding]

    def table(self) -> pd.DataFrame:
        """A row a question."""
        return pd.DataFrame(self.findings, columns=["question", "answer", "verdict"])

    def verdict(self, question: str) -> str:
        """The verdict on one question, by its first words."""
        return next(found.verdict for found in self.findings if found.question.startswith(question))

    def faults(self) -> list[str]:
        """The questions whose answer is a fault."""
        return [found.question for found in self.findings if found.verdict == FAULT]

    def __repr__(self) -> str:
        return "\n".join(f"{found.verdict:>13}  {found.question} {found.answer}" for found in self.findings)

    def _repr_html_(self) -> str:
        """Two columns, so that it fits a phone: the verdict; the question and its answer."""
        cell = '<td style="text-align: left; white-space: normal; vertical-align: top; padding-right: 1em">'
        rows = [
            f"<tr>{cell}<b>{escape(found.verdict)}</b></td>"
            f"{cell}<b>{escape(found.question)}</b><br>{escape(found.answer)}</td></tr>"
            for found in self.findings
        ]
        return '<table class="dataframe"><tbody>' + "\n".join(rows) + "</tbody></table>"


def replay_case(
    customers: pd.DataFrame,
    setting: str = "as_coded",
    policies: dict[str, Any] | None = None,
    candidate: str | None = None,
    learn: Callable[[ReplayWorld], Any] | None = None,
) -> Case:
    """The case of the study: its split, its features, its game without feature selection.

    Args:
        customers: as `crm_rl.data.clean` returns them.
        setting: "as_coded" or "described".
        policies: beside waiting, a random one and the other five constants: policies as `evaluation.play` takes them.
        candidate: the name of the one to audit.
        learn: trains a policy in a training world, the same policy in the same world; for `retrain`, where the record
            of each customer (milestones and subscription) becomes another one's.
    """
    worlds = replay_worlds(customers, setting)
    features = [feature.name for feature in PUBLISHED_FEATURES]
    parts = {
        name: part.assign(**dict(zip(features, worlds[name].population.features.T.astype(float), strict=True)))
        for name, part in published_split(customers).parts().items()
    }
    constants = {f"always {action.name.lower()}": constant_policy(action) for action in Action}
    everybody = {"always wait": constants.pop("always wait"), **constants, "random": random_policy, **(policies or {})}
    train, test = worlds["train"], worlds["test"]
    states = test.start(np.arange(test.size()))
    known = everybody[candidate].known(states, test) if hasattr(everybody.get(candidate), "known") else None

    @functools.cache  # chapter 9 and the audit ask for the same orders
    def learn_from(order: tuple[int, ...]) -> Any:
        place, people = np.array(order), train.population
        people = people._replace(reached=people.reached[place], subscribed=people.subscribed[place])
        return learn(ReplayWorld(people, train.params, balanced(people, train.pools.shares)))

    return Case(
        parts=parts,
        label="subscribed",
        features=features,
        names={"country": "Country"},
        policies=everybody,
        reference="always wait",
        candidate=candidate,
        play=lambda policy, rng: play(test, policy, rng).subscribed,
        claimed_base=PUBLISHED_BASE_RATE / 100,
        known=known,
        retrain=(lambda order: learn_from(tuple(order.tolist()))) if learn else None,
        score=lambda policy, rng: float(play(test, policy, rng).reward.mean()),
    )
