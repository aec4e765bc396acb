"""The verdicts, and the rules that give them: each takes what a claim names and returns how to judge it.

A quantity is a record's name, a number, or a function of the ledger, `lambda r: r["all.subscribers"] / r["funnel-79"]`,
in which a claim's id stands for the number that it states.
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from scipy.stats import fisher_exact

from crm_rl.evaluation.intervals import wilson

from .records import SEEN, Measure, exactly

#: The verdicts. A number worked out from others takes the last of `FAULTS` that any of them has.
REPRODUCED, ADDS_UP, UNTESTABLE = "reproduced", "adds up", "not testable"
NOISE, DIFFERS, ELSE, INCONSISTENT, SLIP = FAULTS = (
    "within noise",
    "differs",
    "measures something else",
    "inconsistent",
    "arithmetic slip",
)
VERDICTS = (REPRODUCED, ADDS_UP, *FAULTS, UNTESTABLE)

#: On what a claim can be held besides data: our notes of what was published with it, and the description itself.
CODE, TEXT = "notes of the code", "the description"

#: How far "about" reaches.
ABOUT = 0.1


class Finding(NamedTuple):
    """What became of a claim: the verdict, what we measured (None if nothing), on what, and why."""

    verdict: str
    measure: Measure | None
    on: str
    reason: str


Quantity = str | float | Callable[[Mapping[str, Measure]], Measure | float]
#: Judges a stated number on a ledger.
Rule = Callable[[str, "Ledger"], Finding]  # noqa: F821  (the ledger is made of rules: see claims.py)


def measured(quantity: Quantity, ledger: Mapping[str, Measure]) -> Measure:
    if isinstance(quantity, str):
        return ledger[quantity]
    return exactly(quantity(ledger) if callable(quantity) else quantity)


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


def shown(measure: Measure) -> str:
    """A measure to read: the number, and its interval if it has one; three digits, or all before the point."""

    def text(number: float) -> str:
        size = abs(number)
        decimals = 0 if size >= 1000 or number == round(number) else 1 if size >= 100 else 2 if size >= 0.1 else 3
        return f"{number:,.{decimals}f}"

    if measure.low == measure.high:
        return text(measure.value)
    return f"{text(measure.value)} ({measure.interval}: {text(measure.low)} to {text(measure.high)})"


def same(quantity: Quantity) -> Rule:
    """The quantity that the claim names. Reproduced if its interval holds the stated number to its digits.

    What our notes of the code say is given in their words.
    """

    def judge(stated, ledger):
        measure = measured(quantity, ledger)
        on, holds = ledger.source(measure), agrees(stated, measure)
        reason = "It comes out again." if holds else "Another value comes out."
        if on == CODE:
            notes = [note for name, (_, note) in SEEN.items() if f"seen.{name}" in measure.names]
            reason = f"Our notes of the code: {'; '.join(notes)}."
        return Finding(REPRODUCED if holds else DIFFERS, measure, on, reason)

    return judge


def another(quantity: Quantity, other: Quantity, called: str) -> Rule:
    """The quantity that the claim names, and one it does not name, `called` so in words.

    Measures something else if the stated number is outside the interval of the first and equals the second.
    """

    def judge(stated, ledger):
        measure, instead = measured(quantity, ledger), measured(other, ledger)
        on = ledger.source(measure)
        if agrees(stated, measure):
            return Finding(REPRODUCED, measure, on, "It comes out again.")
        if agrees(stated, instead):
            return Finding(ELSE, measure, on, f"The stated number is {called}: {shown(instead)}.")
        return Finding(DIFFERS, measure, on, "Another value comes out.")

    return judge


def sampled(count: int, of: Quantity, row: str, chance: Quantity) -> Rule:
    """A rate in %, of one run: `count` of `of` test episodes; `row`: our runs of it; `chance`: a random policy's rate.

    Reproduced if the range of our seeds, on the same test customers, reaches the stated rate; within noise if the 95%
    Wilson interval of the claim's own count holds our rate. Shown is our rate with its own interval.
    """

    def judge(stated, ledger):
        episodes, by_chance = (int(measured(of, ledger).value), measured(chance, ledger).value)
        seeds, measure = ledger[f"runs.{row}.subscription_rate"], ledger[f"rate.{row}"]
        on = ledger.source(measure)
        if not agrees(stated, exactly(100 * count / episodes)):
            return Finding(SLIP, measure, on, f"{count} of {episodes:,} is {100 * count / episodes:.2f}%.")
        low, high = (100 * end for end in wilson(count, episodes))
        own = f"The claim is {count} of {episodes:,}, which leaves {low:.2f} to {high:.2f}%"
        if agrees(stated, seeds):
            return Finding(REPRODUCED, measure, on, f"A seed of ours gives it. {own}.")
        if low <= measure.value <= high:
            too = "in there, too" if low <= by_chance <= high else "not in there"
            return Finding(NOISE, measure, on, f"{own}; a random policy's {by_chance:.2f}% is {too}.")
        return Finding(DIFFERS, measure, on, f"{own}, without our value.")

    return judge


def difference(first: tuple[int, int], second: tuple[int, int]) -> Rule:
    """One of two rates is claimed to be the higher: `first` and `second`, each (count, of).

    Within noise if Fisher's exact test of the two counts has p >= 0.05; reproduced if the first is higher beyond that.
    """

    def judge(stated, ledger):
        (a, m), (b, n) = first, second
        p = fisher_exact([[a, m - a], [b, n - b]]).pvalue
        reason = f"{a} of {m:,} against {b} of {n:,}: p = {p:.2f} (Fisher's exact test)."
        verdict = NOISE if p >= 0.05 else REPRODUCED if a / m > b / n else DIFFERS
        return Finding(verdict, None, TEXT, reason)

    return judge


def derived(quantity: Quantity) -> Rule:
    """How the description's own numbers give this one.

    An arithmetic slip if they give another. If they give it, the verdict is the worst fault of the claims it rests on;
    without a fault, reproduced if each of these is, and "adds up" if there is none, or one that nothing has shown.
    """

    def judge(stated, ledger):
        measure = measured(quantity, ledger)
        on = ledger.source(measure)
        if not agrees(stated, measure):
            return Finding(SLIP, measure, on, "The description's own numbers give another value.")
        verdicts = {name: ledger.finding(name).verdict for name in measure.names if name in ledger.claims}
        rest = [name for name in verdicts if verdicts[name] != REPRODUCED]
        faults = [name for name in rest if verdicts[name] in FAULTS]
        if rest:
            worst = max(faults or rest, key=lambda name: VERDICTS.index(verdicts[name]))
            verdict = verdicts[worst] if faults else ADDS_UP
            return Finding(verdict, measure, on, f"The arithmetic is right; it rests on {worst}: {verdicts[worst]}.")
        if verdicts:
            return Finding(REPRODUCED, measure, on, "The arithmetic is right, and what it rests on is reproduced.")
        return Finding(ADDS_UP, measure, on, "The arithmetic is right; its parts stand in the description alone.")

    return judge


def agree(other: Quantity) -> Rule:
    """Another value that the description, or a log published with it, gives for the same quantity.

    Inconsistent if the two differ. If they agree there is still nothing to hold them against: not testable.
    """

    def judge(stated, ledger):
        measure = measured(other, ledger)
        on = ledger.source(measure)
        if agrees(stated, measure):
            return Finding(UNTESTABLE, measure, on, "The two places agree; nothing else is on record.")
        return Finding(INCONSISTENT, measure, on, f"Elsewhere it is {shown(measure)}.")

    return judge


def whole_count(stated: str, of: int) -> int | None:
    """The first whole number of so many cases that makes the stated share in %, if one does."""
    low, high = stated_range(stated)
    return next((k for k in range(of + 1) if low <= 100 * k / of <= high), None)


def possible(cases: Quantity) -> Rule:
    """A share in % of so many cases: inconsistent if no whole count of these gives it; otherwise not testable."""

    def judge(stated, ledger):
        of = int(measured(cases, ledger).value)
        count = whole_count(stated, of)
        if count is None:
            return Finding(INCONSISTENT, None, TEXT, f"No whole number of {of:,} is {stated}%.")
        return Finding(UNTESTABLE, None, TEXT, f"It may be {count} of {of:,}; nothing shows it.")

    return judge


def unnamed(named: tuple[int, ...], control: Quantity, called: str, ours: Quantity | None = None) -> Rule:
    """A share in % of the successes of a run that the text does not name, so that nothing can be held against it.

    `named`: the successes of the runs that the text does name; `control`: the share of something that cannot matter,
    `called` in words; `ours`: the same share in our runs, where we have it. The reason says how many successes would
    give the number, and how far the control comes.
    """

    def judge(stated, ledger):
        of = next(of for of in (*named, *range(1, 1001)) if whole_count(stated, of) is not None)
        others = "" if of in named else f", but no whole number of {' or '.join(map(str, named))}"
        reason = (
            f"The text does not say of which run. {whole_count(stated, of)} of {of} successes would give it{others}. "
            f"{called} has a share of {shown(measured(control, ledger))}."
        )
        measure = None if ours is None else measured(ours, ledger)
        return Finding(UNTESTABLE, measure, ledger.source(measure) if measure else "", reason)

    return judge


def unnoted(setting: Quantity) -> Rule:
    """A setting of which our notes of the published code say nothing: that of our runs shows nothing."""

    def judge(stated, ledger):
        ours = measured(setting, ledger)
        how = "as described" if agrees(stated, ours) else f"to be {shown(ours)}"
        return Finding(UNTESTABLE, None, "", f"Our notes of the code do not mention it; our runs take it {how}.")

    return judge


def untestable(stated: str, ledger) -> Finding:
    """The note says why."""
    return Finding(UNTESTABLE, None, "", "")
