"""The tests and notebooks that compute, run again as on other processors: this one in disguises.

    python tools/portable.py                     every disguise, as `make test-portable` does
    python tools/portable.py threads             one of them
    python tools/portable.py --list              what they are, and what the libraries make of them here
    python tools/portable.py vectors --tests tests/test_dqn.py      one file of tests in one disguise

Libraries choose the code they run by the processor, and other code adds the same numbers in another order. Results that
must be the same anywhere are held to that here, so far as one processor can play another.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
from dataclasses import replace

from checks import ROOT, STEPS, conclude, run
from console import finish
from summary import Outcome

#: Each disguise: why, and the environment that makes it. "all" stands for every feature that this numpy can do without.
DISGUISES = {
    "vectors": (
        "an old processor: torch and numpy without AVX2, AVX-512 and fused multiply-add",
        {"ATEN_CPU_CAPABILITY": "default", "NPY_DISABLE_CPU_FEATURES": "all", "ONEDNN_MAX_CPU_ISA": "SSE41"},
    ),
    "kernels": (
        "another maker's processor: other kernels in the linear algebra, numba compiling for any processor",
        {
            "OPENBLAS_CORETYPE": "Nehalem",
            "MKL_CBWR": "COMPATIBLE",
            "NUMBA_CPU_NAME": "generic",
            "NUMBA_CPU_FEATURES": "",
        },
    ),
    "threads": (
        "sums split over two threads, as where nobody says otherwise",
        {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "PYTEST_XDIST_AUTO_NUM_WORKERS": "1"},
    ),
}

#: Tests that compute nothing with fractions: of files, texts, tools and pages. Every other file of tests runs.
SAME_ANYWHERE = "book cli fetch frame ledger load notebook_gates package prose validate".split()

#: Asks the libraries what they use; two threads and one thread of OpenBLAS differ, too.
ASK = """
import numpy, scipy.linalg, torch, numba, threadpoolctl
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
blas = [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
print({
    "numpy": [name for name in __cpu_dispatch__ if __cpu_features__[name]],
    "torch": torch.backends.cpu.get_cpu_capability(),
    "BLAS, threads": sorted({(one["architecture"], one["num_threads"]) for one in blas}),
    "torch's threads": torch.get_num_threads(),
    "numba": numba.core.config.CPU_NAME or "this processor",
})
"""


def libraries(environment: dict[str, str]) -> dict:
    """What the libraries say they use in an environment."""
    command = [sys.executable, "-c", ASK]
    told = subprocess.run(command, env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return ast.literal_eval(told)


def disguised(name: str) -> dict[str, str]:
    """The environment of a disguise."""
    plain = {"OMP_NUM_THREADS": "1", **os.environ}
    worn = dict(DISGUISES[name][1])
    if worn.get("NPY_DISABLE_CPU_FEATURES") == "all":
        worn["NPY_DISABLE_CPU_FEATURES"] = " ".join(libraries(plain)["numpy"])
    return plain | worn


def checks(name: str, tests: list[str], notebooks: list[str]) -> list[Outcome]:
    """The outcomes of the unit tests and the notebooks in one disguise."""
    what = {"unit": tests, "nbval": notebooks}
    if not tests and not notebooks:
        what = {"unit": [f"--ignore=tests/test_{file}.py" for file in SAME_ANYWHERE], "nbval": ["notebooks"]}
    outcomes = []
    for step in STEPS:
        if chosen := what.get(step.name):
            command = [*(word for word in step.command if word != "notebooks" and "test_book" not in word), *chosen]
            worn = replace(step, name=f"{name}-{step.name}", what=f"{step.what} ({name})", command=command)
            outcomes.append(run(worn, disguised(name)))
    return outcomes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(DISGUISES)
    parser.add_argument("disguises", nargs="*", metavar="DISGUISE", help=f"any of {names} (default: all)")
    parser.add_argument("--list", action="store_true", help="say what the disguises are, and run nothing")
    parser.add_argument("--tests", nargs="*", default=[], metavar="FILE", help="only these files of tests")
    parser.add_argument("--notebooks", nargs="*", default=[], metavar="FILE", help="only these notebooks")
    options = parser.parse_args()
    if unknown := set(options.disguises) - set(DISGUISES):
        parser.error(f"no disguise is called {', '.join(sorted(unknown))}; there are: {names}")
    chosen = options.disguises or list(DISGUISES)
    plain = libraries({"OMP_NUM_THREADS": "1", **os.environ})
    print(f"this processor: {plain}")
    for name in chosen:
        worn = libraries(disguised(name))
        print(f"{name}: {DISGUISES[name][0]}")
        print(f"    {worn if worn != plain else 'no library takes notice of it here'}", flush=True)
    if options.list:
        return 0
    return conclude([outcome for name in chosen for outcome in checks(name, options.tests, options.notebooks)])


if __name__ == "__main__":
    finish(main)
