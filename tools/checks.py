"""Run the checks of this project, every one or those named, and say at the end what failed.

    python tools/checks.py                 everything, as `make test` does
    python tools/checks.py lint gates      the quick ones, as `make check` does

A step that fails does not hide the next ones: all of them run, and the summary names each step and each failed test.
The book keeps one core busy, so it is built beside the notebooks, and no core waits.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from console import finish
from kernels import kernel_environment
from summary import Outcome, outcome_of, summary

ROOT = Path(__file__).resolve().parent.parent
REPORTS = Path("_build", "reports")

#: Without plug-ins that nothing asks for: each process takes seconds to import them, and each worker is a process.
PYTEST = ["pytest", "-q", "-p", "no:schemathesis"]
TESTS = [*PYTEST, "-p", "no:nbval"]

#: A worker for each core, up to four: each holds about a gigabyte. (PYTEST_XDIST_AUTO_NUM_WORKERS=1: one.)
WORKERS = ["-n", "logical", "--dist"]
MOST_WORKERS = 4

#: Times out of reach, so that a busy machine fails nothing.
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=600", "--nbval-kernel-startup-timeout=600"]


@dataclass(frozen=True)
class Step:
    """One step: what it looks at, and the module of this very Python that does it, with its arguments.

    A step that runs `beside` another starts together with it, if that comes just before; what it says is shown when the
    other has ended.
    """

    name: str
    what: str
    command: list[str] = field(default_factory=list)
    beside: str = ""

    @property
    def counts(self) -> bool:
        """Whether the step counts its tests in a report."""
        return self.command[0] == "pytest"

    @property
    def report(self) -> Path:
        return REPORTS / f"{self.name}.xml"

    def title(self) -> str:
        """What announces the step."""
        return f"\n== {self.name}: {self.what}"

    def line(self) -> list[str]:
        """The command line."""
        start = [sys.executable] if self.command[0].endswith(".py") else [sys.executable, "-m"]
        return start + self.command + ([f"--junitxml={self.report}"] if self.counts else [])


#: From quick to slow. What the steps after `book` look at is made by it.
STEPS = [
    Step("lint", "ruff", ["ruff", "check", "--quiet", "--output-format=concise", "."]),
    Step("gates", "notebook gates", ["tools/notebooks.py", "check", "notebooks"]),
    # A worker that has nothing left to do takes tests from the other.
    Step("unit", "tests", [*TESTS, *WORKERS, "worksteal", "--ignore=tests/test_book.py"]),
    # The cells of a notebook belong to one kernel, so a notebook belongs to one worker.
    Step(
        "nbval",
        "notebooks executed and compared, strictly",
        [*PYTEST, *WORKERS, "loadfile", *NBVAL, "notebooks"],
    ),
    Step("book", "the book built, warnings as errors", ["tools/book.py"], beside="nbval"),
    # What is seen at one width is one group.
    Step("browser", "the built book in a browser", [*TESTS, *WORKERS, "loadgroup", "tests/test_book.py"]),
]


def run(step: Step, environment: Mapping[str, str] = os.environ) -> Outcome:
    """Run one step from the project's top, its output as it comes."""
    print(step.title(), flush=True)
    return outcome(step, None, environment)


def outcome(step: Step, output: IO | None, environment: Mapping[str, str]) -> Outcome:
    """How a step goes; its output goes into a file, or where ours goes."""
    defaults = {
        "OMP_NUM_THREADS": "1",  # small networks want one thread; more make them slower
        "PYTEST_XDIST_AUTO_NUM_WORKERS": str(min(os.cpu_count() or 1, MOST_WORKERS)),
    }
    (ROOT / REPORTS).mkdir(parents=True, exist_ok=True)
    (ROOT / step.report).unlink(missing_ok=True)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        environment = {**defaults, **environment, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
        if "--nbval" in step.command:
            environment = kernel_environment(environment, profile)
        how = {"cwd": ROOT, "env": environment, "stdout": output, "stderr": output}
        code = subprocess.run(step.line(), check=False, **how).returncode
    return outcome_of(step.name, code, time.perf_counter() - start, ROOT / step.report if step.counts else None)


def run_beside(first: Step, others: list[Step], environment: Mapping[str, str]) -> list[Outcome]:
    """Run steps at the same time; what the others say is shown when the first has ended."""
    with contextlib.ExitStack() as opened, ThreadPoolExecutor() as pool:
        how = {"encoding": "utf-8", "errors": "replace"}
        files = [opened.enter_context(tempfile.TemporaryFile("w+", **how)) for _ in others]
        started = [pool.submit(outcome, *each, environment) for each in zip(others, files, strict=True)]
        outcomes = [run(first, environment)]
        for step, one, file in zip(others, started, files, strict=True):
            outcomes.append(one.result())
            file.seek(0)
            print(step.title(), file.read(), sep="\n", end="", flush=True)
    return outcomes


def run_all(steps: list[Step], environment: Mapping[str, str] = os.environ) -> int:
    """Run the steps, whatever fails, and print the summary; 1 if any failed."""
    groups: list[list[Step]] = []
    for step in steps:
        if groups and step.beside == groups[-1][0].name:
            groups[-1].append(step)
        else:
            groups.append([step])
    return conclude([one for first, *others in groups for one in run_beside(first, others, environment)])


def conclude(outcomes: list[Outcome]) -> int:
    """Print the summary; 1 if any step failed."""
    print(summary(outcomes), flush=True)
    return int(any(one.failed for one in outcomes))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [step.name for step in STEPS]
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"any of {', '.join(names)} (default: all)")
    wanted = parser.parse_args().steps
    if unknown := [name for name in wanted if name not in names]:
        parser.error(f"no step is called {', '.join(unknown)}; there are: {', '.join(names)}")
    return run_all([step for step in STEPS if not wanted or step.name in wanted])


if __name__ == "__main__":
    finish(main)
