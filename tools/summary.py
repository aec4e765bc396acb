"""What a run of checks passed, failed and skipped, from the exit codes of its steps and pytest's reports (JUnit)."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How one step went: counts of tests (a step that counts none is one test), and the names behind them."""

    name: str
    seconds: float
    passed: int
    failures: tuple[str, ...] = ()
    skips: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return bool(self.failures)


def outcome_of(name: str, code: int, seconds: float, report: Path | None) -> Outcome:
    """The outcome of a step that ended with `code`; `report` is where pytest was told to count, if it was pytest."""
    if report is None:
        return Outcome(name, seconds, int(code == 0), () if code == 0 else (f"{name} (exit code {code}, see above)",))
    try:
        cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        cases = []
    failures = tuple(called(case) for case in cases if has(case, "failure") or has(case, "error"))
    skipped = [case for case in cases if has(case, "skipped")]
    skips = tuple(f"{called(case)}: {case.find('skipped').get('message', '')}" for case in skipped)
    if code and not failures:
        failures = (f"{name} (pytest ended with exit code {code}, see above)",)
    if not cases and not failures:
        failures = (f"{name} (no test was counted)",)
    return Outcome(name, seconds, len(cases) - sum(map(failing, cases)) - len(skips), failures, skips)


def has(case: ElementTree.Element, what: str) -> bool:
    return case.find(what) is not None


def failing(case: ElementTree.Element) -> bool:
    return has(case, "failure") or has(case, "error")


def called(case: ElementTree.Element) -> str:
    """A test's name as a reader looks for it: tests.test_x::test_y, or notebooks/01_x.ipynb::Cell 3."""
    return f"{case.get('classname')}::{case.get('name')}".removeprefix("::")


def summary(outcomes: list[Outcome]) -> str:
    """A line for each step, every failure and every reason for a skip, and the counts."""
    lines = ["", "---- summary " + "-" * 60]
    for one in outcomes:
        counts = f"{one.passed} passed, {len(one.failures)} failed, {len(one.skips)} skipped"
        lines.append(f"{'FAILED' if one.failed else 'passed'}  {one.name:<10} {counts}, {one.seconds:.0f} s")
    skips = list(dict.fromkeys(skip for one in outcomes for skip in one.skips))
    lines += ["skipped: " + ("" if skips else "nothing"), *(f"  {skip}" for skip in skips)]
    failures = [failure for one in outcomes for failure in one.failures]
    lines += ["failed: " + ("" if failures else "nothing"), *(f"  {failure}" for failure in failures)]
    passed, skipped = sum(one.passed for one in outcomes), sum(len(one.skips) for one in outcomes)
    lines.append(f"total: {passed} passed, {len(failures)} failed, {skipped} skipped")
    return "\n".join(lines)
