"""The claims ledger: each number that the four descriptions state, what we measured, and what follows by a fixed rule.

`claims.csv` has the claims in words, `JUDGED` how each is measured and judged. No verdict is written anywhere: the
rules derive it, and tests/test_ledger.py compares it with the page that shows it.
"""

import csv
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from .records import Measure, Records, exactly, log, share
from .rules import (
    CODE,
    TEXT,
    Finding,
    Rule,
    agree,
    another,
    derived,
    difference,
    number_of,
    possible,
    same,
    sampled,
    unnamed,
    unnoted,
    untestable,
)

SYSTEMS = {
    "funnel": "Sales funnel agent",
    "offers": "Offer recommender",
    "email": "Email campaign",
    "budget": "Budgeted offers",
}


class Claim(NamedTuple):
    """A claim in words.

    Attributes:
        id: never changes.
        system: a key of `SYSTEMS`.
        where: the section of the description.
        claim: in our words.
        stated: the number as text: "1.39", "~1000" (about), "30 to 35", ">50".
        unit: of the number.
        note: what a reader needs to know besides; for what is not testable, the reason.
    """

    id: str
    system: str
    where: str
    claim: str
    stated: str
    unit: str
    note: str


def load_claims() -> list[Claim]:
    """All claims, in the order of the descriptions."""
    with Path(__file__).with_name("claims.csv").open(encoding="utf-8", newline="") as file:
        return [Claim(**row) for row in csv.DictReader(file)]


# ---- How each claim is judged ---------------------------------------------------------------------------------------


def random_rate(r) -> Measure:
    """A random policy's subscription rate in %."""
    return r["runs.as_coded.random.subscription_rate"]


def random_rate_selecting(r) -> Measure:
    """The same in the game with feature selection."""
    return 100 * r["random_selection.subscribers"] / r["test.customers"]


def times_random(row: str, rate: str) -> Rule:
    """Our rate over that of a random policy in the same game; the study divided the claimed `rate` by 0.44%."""
    chance = random_rate_selecting if row.endswith("_selection") else random_rate
    return another(
        lambda r: r[f"runs.as_coded.{row}.subscription_rate"] / chance(r),
        lambda r: r[rate] / r["funnel-14"],
        "its rate over 0.44%",
    )


def of_successes(row: str, feature: str | None = None) -> Rule:
    """In what share of successes a feature is visible: of 23 of DQN, 8 of Q-learning, or of neither."""

    def visible(name: str):
        return lambda r: 100 * r[f"runs.as_coded.{row}.visible_{name}"]

    learner = "DQN" if row.startswith("dqn") else "Q-learning"
    called = f"In our {learner} with feature selection, Status_Active, the same for everybody and so without any use,"
    return unnamed((23, 8), visible("Status_Active"), called, visible(feature) if feature else None)


JUDGED: dict[str, Rule] = {
    "funnel-01": times_random("dqn_selection", "funnel-04"),
    "funnel-02": same("runs.as_coded.q_learning_selection.states"),
    "funnel-03": sampled(8, "seen.q_learning.test_episodes", "as_coded.q_learning_selection", random_rate_selecting),
    "funnel-04": sampled(23, "seen.dqn.test_episodes", "as_coded.dqn_selection", random_rate_selecting),
    "funnel-05": difference((23, 1655), (8, 1000)),
    "funnel-06": same("seen.hidden_neurons"),
    "funnel-07": agree("funnel-69"),
    "funnel-08": agree("funnel-71"),
    "funnel-09": same("all.bootcamps"),
    "funnel-10": same("seen.features"),
    "funnel-108": derived(lambda r: r["funnel-10"] + 1),
    "funnel-11": same("seen.actions"),
    "funnel-12": another(
        lambda r: share(r["all.subscribers"], r["all.customers"]),
        lambda r: 100 * r["test.subscribers"] / r["test.customers"],
        "the share among the test customers alone",
    ),
    "funnel-13": another(
        lambda r: (r["all.customers"] - r["all.subscribers"]) / r["all.subscribers"],
        lambda r: (r["test.customers"] - r["test.subscribers"]) / r["test.subscribers"],
        "the ratio among the test customers alone",
    ),
    "funnel-14": another(
        "rate.as_coded.random",
        lambda r: 100 * r["all.subscribers"] / r["all.customers"],
        "the share of subscribers in all rows, whatever was done to them",
    ),
    "funnel-15": same("runs.as_coded.q_learning.states"),
    "funnel-16": sampled(18, "seen.q_learning.test_episodes", "as_coded.q_learning", random_rate),
    "funnel-17": times_random("q_learning", "funnel-16"),
    "funnel-18": difference((18, 1000), (13, 1000)),
    "funnel-19": another(
        lambda r: (
            r["runs.as_coded.q_learning_selection.training_steps"] / r["runs.as_coded.q_learning_selection.states"]
        ),
        lambda r: r["funnel-79"] / r["funnel-02"],
        "customers of the whole file by states",
    ),
    "funnel-20": another("train.customers", "all.customers", "all customers, those of validation and test among them"),
    "funnel-22": another(
        lambda r: 2 * r["runs.as_coded.dqn_selection.training_steps"],
        "funnel-02",
        "the size of the other learner's table",
    ),
    "funnel-23": same("seen.selection.buffer_size"),
    "funnel-24": sampled(24, "seen.dqn.test_episodes", "as_coded.dqn", random_rate),
    "funnel-25": times_random("dqn", "funnel-24"),
    "funnel-26": times_random("q_learning_selection", "funnel-03"),
    "funnel-27": another(
        lambda r: r["rate.as_coded.random"] / r["funnel-14"],
        lambda r: r["funnel-14"] / r["funnel-14"],
        "0.44% divided by itself",
    ),
    "funnel-107": difference((18, 1000), (24, 1655)),
    "funnel-34": difference((18, 1000), (8, 1000)),
    "funnel-37": derived(lambda r: r["funnel-35"] * r["funnel-14"] / 100),
    "funnel-38": derived(lambda r: r["funnel-36"] / (r["funnel-14"] / 100)),
    "funnel-39": derived(lambda r: r["funnel-35"] * r["funnel-04"] / 100),
    "funnel-40": derived(lambda r: r["funnel-39"] - r["funnel-37"]),
    "funnel-41": derived(lambda r: r["funnel-36"] / (r["funnel-04"] / 100)),
    "funnel-42": derived(lambda r: 100 * (1 - r["funnel-41"] / r["funnel-38"])),
    "funnel-43": derived(lambda r: r["funnel-39"] / r["funnel-37"]),
    "funnel-44": of_successes("dqn_selection", "Country_ConvRate"),
    "funnel-45": of_successes("dqn_selection", "Education_ConvRate"),
    "funnel-46": of_successes("q_learning_selection"),
    "funnel-47": of_successes("q_learning_selection", "Country"),
    "funnel-48": of_successes("q_learning_selection", "Days_Since_First_Contact"),
    "funnel-49": unnoted("ours.q_learning.alpha"),
    "funnel-50": unnoted("ours.q_learning.gamma"),
    "funnel-51": same("seen.hidden_layers"),
    "funnel-52": same("seen.buffer_size"),
    "funnel-53": same("seen.batch_size"),
    "funnel-54": same("seen.selection.batch_size"),
    "funnel-55": same("seen.train_every"),
    "funnel-56": same("seen.target_every"),
    "funnel-57": unnoted("ours.budget.episodes"),
    "funnel-58": unnoted("ours.budget.steps"),
    "funnel-59": unnoted("ours.q_learning.epsilon_start"),
    "funnel-60": unnoted("ours.q_learning.epsilon_end"),
    "funnel-61": agree("funnel-29"),
    "funnel-62": unnoted("as_coded.share_subscribed"),
    "funnel-63": unnoted("as_coded.share_called"),
    "funnel-64": derived(lambda r: 100 - r["funnel-62"] - r["funnel-63"]),
    "funnel-65": another(
        lambda r: r["as_coded.drawn_subscribed"] / r["as_coded.natural_subscribed"],
        lambda r: r["funnel-62"] / r["funnel-14"],
        "30% over 0.44%, the share in the whole file",
    ),
    "funnel-66": agree(2 + 2 + 3 + 5 + 4),
    "funnel-67": same("seen.largest_feature"),
    "funnel-68": derived(lambda r: r["funnel-09"] - 1),
    "funnel-69": same(lambda r: r["seen.selection.mask"] + r["seen.features"]),
    "funnel-70": derived(lambda r: 2**15 * r["funnel-15"]),
    "funnel-71": derived(lambda r: r["funnel-10"] + r["funnel-11"]),
    "funnel-72": derived(lambda r: r["funnel-71"] - 1),
    "funnel-73": same("seen.subscription_reward"),
    "funnel-74": same("seen.call_reward"),
    "funnel-75": same("seen.demo_reward"),
    "funnel-76": same("seen.survey_reward"),
    "funnel-77": same("seen.dearest_action"),
    "funnel-78": same("seen.selection.decision_cost"),
    "funnel-79": same("all.customers"),
    "funnel-80": same(lambda r: 100 * r["train.customers"] / r["all.customers"]),
    "funnel-81": same(lambda r: 100 * r["val.customers"] / r["all.customers"]),
    "funnel-82": same(lambda r: 100 * r["test.customers"] / r["all.customers"]),
    "funnel-84": agree("funnel-16"),
    "funnel-85": possible("test.customers"),
    "funnel-86": derived(lambda r: r["funnel-84"] / r["funnel-14"]),
    "funnel-87": same("seen.key_decimals"),
    "funnel-88": unnoted(lambda r: log(r["ours.q_learning.epsilon_end"]) / log(r["ours.q_learning.epsilon_decay"])),
    "funnel-89": same(lambda r: 100 * r["curve.as_coded.q_learning.subscribed"]),
    "funnel-90": same("seen.q_learning.test_episodes"),
    "funnel-91": same(lambda r: 100 * r["test.subscribers"] / r["test.customers"]),
    "funnel-92": agree("funnel-15"),
    "funnel-95": derived(7 + 7 + 2 + 3 + 2),
    "funnel-97": derived(lambda r: r["funnel-95"] - r["funnel-96"]),
    "funnel-98": same("train.customers"),
    "funnel-99": same("val.customers"),
    "funnel-100": same("test.customers"),
    "funnel-101": agree("funnel-24"),
    "funnel-102": agree(lambda r: 100 * r["seen.dqn_selection.log_subscribers"] / r["seen.dqn.test_episodes"]),
    "funnel-103": agree(7),
    "offers-01": derived(lambda r: r["offers-02"] * r["offers-03"] * r["offers-04"] * r["offers-05"]),
    "offers-02": same("seen.offers.types"),
    "offers-03": same("seen.offers.values"),
    "offers-04": same("seen.offers.channels"),
    "offers-05": same("seen.offers.timings"),
    "offers-06": derived(6 + 3 + 1),
    "email-01": same("seen.email.state"),
    "email-03": same("email.next_action"),
    "email-05": same("email.first_rate"),
    "email-06": same("email.second_rate"),
    "email-07": same("seen.email.first_age"),
    "email-08": same("seen.email.next_age"),
    "email-09": same("seen.email.first_tenure"),
    "budget-01": same("seen.budget.offers"),
    "budget-02": same("seen.budget.features"),
    "budget-03": same("seen.budget.offer_value"),
    "budget-05": same("seen.budget.channel_costs.0"),
    "budget-06": same("seen.budget.channel_costs.1"),
    "budget-07": same("seen.budget.channel_costs.2"),
    "budget-08": same("seen.budget.channel_costs.3"),
    "budget-09": same("seen.budget.channel_costs.4"),
    "budget-10": same("seen.budget.channels"),
    "budget-11": same("seen.budget.steps"),
    "budget-12": derived(lambda r: r["budget-02"] + 2),
    "budget-13": same("seen.budget.trip_weight"),
    "budget-14": same("seen.budget.weeks"),
    "budget-15": same("seen.budget.choices"),
    "budget-16": same("seen.budget.trips"),
    "budget-17": same("seen.budget.ahead"),
    "budget-19": same("seen.budget.offers"),
}

#: What nothing at hand could show right or wrong; the note of each says why.
NOT_TESTABLE = (
    "funnel-21 funnel-28 funnel-29 funnel-30 funnel-31 funnel-32 funnel-35 funnel-36 funnel-83 funnel-93 funnel-94 "
    "funnel-96 funnel-104 funnel-105 funnel-106 funnel-109 funnel-110 budget-18 "
    "email-02 email-04 email-10 email-11 "
    "offers-07 offers-08 offers-09 offers-10 offers-11"
).split()


def rule_of(claim: Claim) -> Rule:
    """How a claim is judged.

    Raises:
        KeyError: nothing is said of it.
    """
    if claim.id in NOT_TESTABLE:
        return untestable
    return JUDGED[claim.id]


class Ledger:
    """The claims and their findings, on the records of one data set; by name, it has records and stated numbers.

    Args:
        data: "original" or "twin".
        rules: the claims with the rule of each, unless those of the four descriptions.
        on_record: the records, unless others are given.
    """

    def __init__(self, data: str = "original", rules: dict[Claim, Rule] | None = None, on_record=None):
        self.data = data
        self.rules = {claim: rule_of(claim) for claim in load_claims()} if rules is None else rules
        self.claims = {claim.id: claim for claim in self.rules}
        self.records = Records(data) if on_record is None else on_record
        self.found: dict[str, Finding] = {}

    def __getitem__(self, name: str) -> Measure:
        return exactly(number_of(self.claims[name].stated), name) if name in self.claims else self.records[name]

    def finding(self, name: str) -> Finding:
        """What became of the claim with this id."""
        if name not in self.found:
            claim = self.claims[name]
            self.found[name] = self.rules[claim](claim.stated, self)
        return self.found[name]

    def source(self, measure: Measure) -> str:
        """On what a measure was taken, in words."""
        names = [name for name in measure.names if name not in self.claims]
        kinds = {name.partition(".")[0] for name in names}
        if kinds & {"runs", "rate", "curve"} or "random_selection.subscribers" in names:
            return f"{self.data}, {len(self.records.source['seeds'])} seeds"
        if kinds - {"seen"}:
            return f"{self.data}, counted"
        return CODE if kinds else TEXT

    def table(self) -> pd.DataFrame:
        """The whole ledger: a row a claim, with the columns of `Claim` and of `Finding`."""
        return pd.DataFrame(
            [{**claim._asdict(), **self.finding(name)._asdict()} for name, claim in self.claims.items()]
        )
