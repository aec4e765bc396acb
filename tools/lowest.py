"""The checks on the oldest versions that pyproject.toml allows, which somebody may have who installs beside other work.

    python tools/lowest.py           print those versions, as requirements for pip
    python tools/lowest.py --test    run the tests and chapters that lean most on other packages, in this very Python

`make test-lowest` makes the environment and runs the checks in it.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from pathlib import Path

from console import finish

ROOT = Path(__file__).resolve().parent.parent

#: Not at its oldest: an old torch is a download of several GB on Linux.
AS_PINNED = ["torch"]

#: What runs the checks, as pinned for everything else.
CHECKS = ["pytest", "pytest-xdist", "hypothesis", "jupytext", "nbformat", "nbclient", "httpx"]

#: From reading a file to the 15 features, the twin, the environments in every interface, the neighbours, the service.
TESTS = """
load clean validate split features encoders prepare twin envs email offers budgets off_policy service_process
""".split()
CHAPTERS = ["01", "03", "10", "11", "12", "13"]


def pinned(names: list[str]) -> list[str]:
    """The lines of the requirements that pin these packages."""
    files = [ROOT / "requirements.txt", ROOT / "requirements-book.txt"]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return [re.search(rf"^{re.escape(name)}==\S+", text, re.M)[0] for name in names]


def oldest() -> list[str]:
    """The lower bounds of pyproject.toml as exact versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [bound.replace(">=", "==") for bound in project["dependencies"] if bound.split(">=")[0] not in AS_PINNED]


def test() -> int:
    from checks import PYTEST, WORKERS, Step, run_all  # which need the packages of the environment

    files = [f"tests/test_{name}.py" for name in TESTS]
    return run_all(
        [
            Step("lowest-unit", "tests, with the oldest versions", [*PYTEST, *WORKERS, "worksteal", *files]),
            Step("lowest-run", "chapters executed, with the oldest versions", ["tools/notebooks.py", "run", *CHAPTERS]),
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", action="store_true", help="run the tests and chapters")
    if parser.parse_args().test:
        return test()
    print("\n".join(["-e .", *oldest(), *pinned(AS_PINNED + CHECKS)]))
    return 0


if __name__ == "__main__":
    finish(main)
