"""The claims ledger: each number that the four descriptions state, what we measured, and what follows by a fixed rule.

`data/claims.csv` holds the claims and says by which rule each is judged, and against which records. No verdict is
written there: the rules below derive it, and `tests/test_ledger.py` compares it with the page that shows it.
"""

import csv
import re
from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from scipy.stats import fisher_exact

from crm_rl.evaluation.intervals import wilson
from crm_rl.files import PROJECT
from crm_rl.ledger_records import SEEN, Measure, Records, calculate, exactly, names_in, records

CLAIMS = PROJECT / "data" / "claims.csv"

SYSTEMS = {
    "funnel": "Sales funnel agent",
    "offers": "Offer recommender",
    "email": "Email campaign",
    "budget": "Budgeted offers",
}

KINDS = ("recorded", "arithmetic", "consistency", "data", "untestable", "open")

#: The verdicts. A number worked out from others takes the last of `FAULTS` that any of them has.
REPRODUCED, ADDS_UP, UNTESTABLE, OPEN = "reproduced", "adds up", "not testable", "open"
NOISE, DIFFERS, ELSE, INCONSISTENT, SLIP = FAULTS = (
    "within noise",
    "differs",
    "measures something else",
    "inconsistent",
    "arithmetic slip",
)
VERDICTS = (REPRODUCED, ADDS_UP, *FAULTS, UNTESTABLE, OPEN)

#: On what a claim can be held besides data: our notes of what was published with it, and the description itself.
CODE, TEXT = "notes of the code", "the description"

#: How far "about" reaches.
ABOUT = 0.1


class Claim(NamedTuple):
    """A row of `data/claims.csv`.

    Attributes:
        id: never changes.
        system: a key of `SYSTEMS`.
        where: the section of the description.
        claim: in our words.
        stated: the number as text: "1.39", "~1000" (about), "30 to 35", ">50".
        unit: of the number.
        kind: how it is checked, one of `KINDS`.
        rule: a name in `RULES`.
        against: what the rule is given, as "name = expression; name = expression".
        note: what a reader needs to know besides; for what is not testable, the reason.
    """

    id: str
    system: str
    where: str
    claim: str
    stated: str
    unit: str
    kind: str
    rule: str
    against: str
    note: str

    @property
    def inputs(self) -> dict[str, str]:
        """What the rule is given, by name."""
        pairs = (part.split("=", 1) for part in self.against.split(";") if part.strip())
        return {name.strip(): expression.strip() for name, expression in pairs}


class Finding(NamedTuple):
    """What became of a claim: the verdict, what we measured (None if nothing), on what, and why."""

    verdict: str
    measure: Measure | None
    on: str
    reason: str


def load_claims() -> list[Claim]:
    """All claims, in the order of the descriptions."""
    with CLAIMS.open(encoding="utf-8", newline="") as file:
        return [Claim(**row) for row in csv.DictReader(file)]


# ---- Stated numbers -------------------------------------------------------------------------------------------------


def stated_range(stated: str) -> tuple[float, float]:
    """What a stated number may stand for: half a unit of its last digit to both sides, or what its words say.

    "1.39" is 1.385 to 1.395; "~1000" is 900 to 1100 (`ABOUT`); "30 to 35" is just that; ">50" has no upper end.

    Raises:
        ValueError: the text is no number.
    """
    text = stated.replace(",", "")
    if between := re.fullmatch(r"(\S+) to (\S+)", text):
        return float(between[1]), float(between[2])
    if not (one := re.fullmatch(r"([~>]?)([+-]?\d+(?:\.\d+)?)", text)):
        raise ValueError(f'{stated!r} is no number. Remedy: write it like "1.39", "~1000", "30 to 35" or ">50".')
    sign, digits = one.groups()
    number = float(digits)
    if sign == ">":
        return number, float("inf")
    half = 0.5 * 10.0 ** -len(digits.partition(".")[2])
    reach = max(half, ABOUT * abs(number)) if sign == "~" else half
    return number - reach, number + reach


def number_of(stated: str) -> float:
    """The number itself; of a range, its middle."""
    text = stated.replace(",", "").lstrip("~>")
    ends = [float(end) for end in text.split(" to ")]
    return sum(ends) / len(ends)


def agrees(stated: str, measure: Measure) -> bool:
    """Whether the measure may be what was stated: its interval reaches a single number; a range holds its value."""
    low, high = stated_range(stated)
    if " to " in stated or stated.startswith(">"):
        return low <= measure.value <= high
    slack = 1e-9 * max(1.0, abs(high))
    return low - slack <= measure.high and measure.low <= high + slack


# ---- The rules ------------------------------------------------------------------------------------------------------


class Ledger:
    """The claims and their findings, on the records of one data set.

    Args:
        data: "original" or "twin".
        claims: those of `data/claims.csv`, unless others are given.
        on_record: the records, unless others are given.
    """

    def __init__(self, data: str = "original", claims: list[Claim] | None = None, on_record: Records | None = None):
        self.data = data
        self.claims = {claim.id: claim for claim in (load_claims() if claims is None else claims)}
        self.records = records(data) if on_record is None else on_record
        self.found: dict[str, Finding] = {}

    def finding(self, name: str) -> Finding:
        """What became of the claim with this id."""
        if name not in self.found:
            claim = self.claims[name]
            self.found[name] = RULES[claim.rule](claim, self)
        return self.found[name]

    def measure(self, expression: str) -> Measure:
        """Work out an expression; `[funnel-03]` is what that claim states, other names are records."""
        return calculate(
            expression,
            lambda name: exactly(number_of(self.claims[name].stated)) if name in self.claims else self.records[name],
        )

    def rests_on(self, expression: str) -> list[str]:
        """The claims that an expression uses."""
        return [name for name in names_in(expression) if name in self.claims]

    def source(self, expression: str) -> str:
        """On what a measure was taken, in words."""
        names = [name for name in names_in(expression) if name not in self.claims]
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


Rule = Callable[[Claim, Ledger], Finding]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register a rule under the name of its function."""
    RULES[function.__name__] = function
    return function


def shown(measure: Measure) -> str:
    """A measure to read: the number, and its interval if it has one; three digits, or all before the point."""

    def text(number: float) -> str:
        size = abs(number)
        decimals = 0 if size >= 1000 or number == round(number) else 1 if size >= 100 else 2 if size >= 0.1 else 3
        return f"{number:,.{decimals}f}"

    if measure.low == measure.high:
        return text(measure.value)
    return f"{text(measure.value)} ({measure.interval}: {text(measure.low)} to {text(measure.high)})"


@rule
def same(claim: Claim, ledger: Ledger) -> Finding:
    """`is`: the quantity that the claim names. Reproduced if its interval holds the stated number to its digits.

    What our notes of the code say is given in their words.
    """
    expression = claim.inputs["is"]
    measure, on = ledger.measure(expression), ledger.source(expression)
    holds = agrees(claim.stated, measure)
    reason = "It comes out again." if holds else "Another value comes out."
    if on == CODE:
        notes = [note for name, (_, note) in SEEN.items() if f"seen.{name}" in names_in(expression)]
        reason = f"Our notes of the code: {'; '.join(notes)}."
    return Finding(REPRODUCED if holds else DIFFERS, measure, on, reason)


@rule
def another(claim: Claim, ledger: Ledger) -> Finding:
    """`is`: the quantity that the claim names; `other`: one it does not name; `called`: the other one, in words.

    Measures something else if the stated number is outside the interval of the first and equals the second.
    """
    measure, other = ledger.measure(claim.inputs["is"]), ledger.measure(claim.inputs["other"])
    on = ledger.source(claim.inputs["is"])
    if agrees(claim.stated, measure):
        return Finding(REPRODUCED, measure, on, "It comes out again.")
    if agrees(claim.stated, other):
        return Finding(ELSE, measure, on, f"The stated number is {claim.inputs['called']}: {shown(other)}.")
    return Finding(DIFFERS, measure, on, "Another value comes out.")


@rule
def sampled(claim: Claim, ledger: Ledger) -> Finding:
    """A rate in %, of one run: `count` of `of` test episodes; `row`: our runs of it; `chance`: a random policy's rate.

    Reproduced if the range of our seeds, on the same test customers, reaches the stated rate; within noise if the 95%
    Wilson interval of the claim's own count holds our rate. Shown is our rate with its own interval.
    """
    count, of, chance = (ledger.measure(claim.inputs[name]).value for name in ("count", "of", "chance"))
    row = claim.inputs["row"]
    seeds, measure = ledger.measure(f"[runs.{row}.subscription_rate]"), ledger.measure(f"[rate.{row}]")
    on = ledger.source(f"[runs.{row}]")
    if not agrees(claim.stated, exactly(100 * count / of)):
        return Finding(SLIP, measure, on, f"{count:.0f} of {of:,.0f} is {100 * count / of:.2f}%.")
    low, high = (100 * end for end in wilson(int(count), int(of)))
    own = f"The claim is {count:.0f} of {of:,.0f}, which leaves {low:.2f} to {high:.2f}%"
    if agrees(claim.stated, seeds):
        return Finding(REPRODUCED, measure, on, f"A seed of ours gives it. {own}.")
    if low <= measure.value <= high:
        too = "in there, too" if low <= chance <= high else "not in there"
        return Finding(NOISE, measure, on, f"{own}; a random policy's {chance:.2f}% is {too}.")
    return Finding(DIFFERS, measure, on, f"{own}, without our value.")


@rule
def difference(claim: Claim, ledger: Ledger) -> Finding:
    """One of two rates is claimed to be the higher: `first` and `second`, each "count / of".

    Within noise if Fisher's exact test of the two counts has p >= 0.05; reproduced if the first is higher beyond that.
    """
    (a, m), (b, n) = ([int(x) for x in claim.inputs[name].split("/")] for name in ("first", "second"))
    p = fisher_exact([[a, m - a], [b, n - b]]).pvalue
    reason = f"{a} of {m:,} against {b} of {n:,}: p = {p:.2f} (Fisher's exact test)."
    verdict = NOISE if p >= 0.05 else REPRODUCED if a / m > b / n else DIFFERS
    return Finding(verdict, None, TEXT, reason)


@rule
def derived(claim: Claim, ledger: Ledger) -> Finding:
    """`is`: how the description's own numbers give this one.

    An arithmetic slip if they give another. If they give it, the verdict is the worst fault of the claims it rests on;
    without a fault, reproduced if each of these is, and "adds up" if there is none, or one that nothing has shown.
    """
    expression = claim.inputs["is"]
    measure, on = ledger.measure(expression), ledger.source(expression)
    if not agrees(claim.stated, measure):
        return Finding(SLIP, measure, on, "The description's own numbers give another value.")
    verdicts = {name: ledger.finding(name).verdict for name in ledger.rests_on(expression)}
    rest = [name for name in verdicts if verdicts[name] != REPRODUCED]
    faults = [name for name in rest if verdicts[name] in FAULTS]
    if rest:
        worst = max(faults or rest, key=lambda name: VERDICTS.index(verdicts[name]))
        verdict = verdicts[worst] if faults else ADDS_UP
        return Finding(verdict, measure, on, f"The arithmetic is right; it rests on {worst}: {verdicts[worst]}.")
    if verdicts:
        return Finding(REPRODUCED, measure, on, "The arithmetic is right, and what it rests on is reproduced.")
    return Finding(ADDS_UP, measure, on, "The arithmetic is right; its parts stand in the description alone.")


@rule
def agree(claim: Claim, ledger: Ledger) -> Finding:
    """`with`: another value that the description, or a log published with it, gives for the same quantity.

    Inconsistent if the two differ. If they agree there is still nothing to hold them against: not testable.
    """
    other = ledger.measure(claim.inputs["with"])
    on = ledger.source(claim.inputs["with"])
    if agrees(claim.stated, other):
        return Finding(UNTESTABLE, other, on, "The two places agree; nothing else is on record.")
    return Finding(INCONSISTENT, other, on, f"Elsewhere it is {shown(other)}.")


def whole_count(stated: str, of: int) -> int | None:
    """The first whole number of so many cases that makes the stated share in %, if one does."""
    low, high = stated_range(stated)
    return next((k for k in range(of + 1) if low <= 100 * k / of <= high), None)


@rule
def possible(claim: Claim, ledger: Ledger) -> Finding:
    """A share in %. `of`: the number of cases that it is a share of.

    Inconsistent if no whole count of these gives the stated share; otherwise not testable.
    """
    of = int(ledger.measure(claim.inputs["of"]).value)
    count = whole_count(claim.stated, of)
    if count is None:
        return Finding(INCONSISTENT, None, TEXT, f"No whole number of {of:,} is {claim.stated}%.")
    return Finding(UNTESTABLE, None, TEXT, f"It may be {count} of {of:,}; nothing shows it.")


@rule
def unnamed(claim: Claim, ledger: Ledger) -> Finding:
    """A share in % of the successes of a run that the text does not name, so that nothing can be held against it.

    `of`: the successes of the runs that the text does name, with commas between; `is`, where we have it: the same share
    in ours; `control`: the share of something that cannot matter, `called` in words. The reason says how many successes
    would give the number, and how far the control comes.
    """
    inputs = claim.inputs
    named = [int(of) for of in inputs["of"].split(",")]
    of = next(of for of in (*named, *range(1, 1001)) if whole_count(claim.stated, of) is not None)
    others = "" if of in named else f", but no whole number of {' or '.join(map(str, named))}"
    reason = (
        f"The text does not say of which run. {whole_count(claim.stated, of)} of {of} successes would give it{others}. "
        f"{inputs['called']} has a share of {shown(ledger.measure(inputs['control']))}."
    )
    if "is" not in inputs:
        return Finding(UNTESTABLE, None, "", reason)
    return Finding(UNTESTABLE, ledger.measure(inputs["is"]), ledger.source(inputs["is"]), reason)


@rule
def unnoted(claim: Claim, ledger: Ledger) -> Finding:
    """A setting of which our notes of the published code say nothing. `ours`: that of our runs, which shows nothing."""
    ours = ledger.measure(claim.inputs["ours"])
    how = "as described" if agrees(claim.stated, ours) else f"to be {shown(ours)}"
    return Finding(UNTESTABLE, None, "", f"Our notes of the code do not mention it; our runs take it {how}.")


@rule
def untestable(claim: Claim, ledger: Ledger) -> Finding:
    """The note says why."""
    return Finding(UNTESTABLE, None, "", "")


@rule
def later(claim: Claim, ledger: Ledger) -> Finding:
    """`chapter`: where the claim will be examined."""
    return Finding(OPEN, None, "", f"Chapter {claim.inputs['chapter']} will examine it.")


# ---- The page -------------------------------------------------------------------------------------------------------


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """How many claims of each system have each verdict."""
    counted = pd.crosstab(table["verdict"], table["system"])
    return counted.reindex(index=list(VERDICTS), columns=list(SYSTEMS), fill_value=0)
