"""The responsive world: customer-steps per second, and seconds to plan (`python benchmarks/responsive.py`, a minute).

Simulation: random actions in every state that the test customers' episodes come to, many at once, begun anew as they
end. Planning: the best policy of all test customers and the exact value of one policy, solved once for each distinct
customer and start, and once for every customer as if no two were alike. In both worlds, on the twin; the first turn,
which compiles, is not counted.
"""

import argparse
import importlib.metadata
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from crm_rl.data import clean, load
from crm_rl.data.load import TWIN
from crm_rl.files import PROJECT
from crm_rl.planning.exact import always, evaluate, optimal, starts_of
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.base import N_ACTIONS, WAIT
from crm_rl.worlds.responsive import CHANCES, State, observe_all, start_all, step_all
from crm_rl.worlds.responsive_world import KINDS, ResponsiveWorld, recorded_rates, responsive_worlds
from data import provenance

RESULTS = Path(__file__).parent / "results" / "responsive.json"
PACKAGES = ("numpy", "numba")
MANY = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=9, help="how often each job is measured")
    options = parser.parse_args()
    customers, measured = clean(load(TWIN))[0], []
    for kind in KINDS:
        worlds = responsive_worlds(customers, recorded_rates(), kind)
        for name, job, steps in jobs(worlds):
            wall, processor = measure(job, options.turns)
            measured.append(
                {
                    "world": kind,
                    "job": name,
                    "seconds": round(float(np.median(wall)), 4),
                    "slowest": round(max(wall), 4),
                    "processor seconds": round(float(np.median(processor)), 4),
                }
                | (
                    {"million customer-steps per second": round(steps / 1e6 / float(np.median(wall)), 2)}
                    if steps
                    else {}
                )
            )
    print(pd.DataFrame(measured).to_string(index=False, na_rep=""))
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**provenance(), "versions": versions, "jobs": measured}, indent=1) + "\n")
    print(f"recorded in {RESULTS.relative_to(PROJECT)}")


def jobs(worlds: dict[str, ResponsiveWorld]) -> list[tuple[str, Callable[[], object], int]]:
    """Each job, and how many customer-steps it takes (0 where that is not what is measured)."""
    test, rules = worlds["test"].population, worlds["test"].rules
    train = worlds["train"].population
    people, _ = starts_of(test)
    waiting = np.full((1, rules.weeks, 32, rules.most_contacts + 1), WAIT)
    all_alike = np.zeros(len(train.start), dtype=np.int64)
    return [
        ("rules, with the random numbers", simulation(worlds["test"], observe=False), 120 * MANY),
        ("rules and observation, with the random numbers", simulation(worlds["test"], observe=True), 120 * MANY),
        (
            f"optimum of {len(test.start):,} test customers, {len(people.start)} distinct",
            lambda: _optimum(test, rules),
            0,
        ),
        (f"optimum of {len(test.start):,} test customers, each apart", lambda: optimal(test, rules), 0),
        ("value of a policy, all test customers", lambda: evaluate(always(0), starts_of(test)[0], rules), 0),
        ("shared policy of the training customers", lambda: shared_policy(waiting, all_alike, train, rules), 0),
    ]


def _optimum(population, rules) -> np.ndarray:
    people, place = starts_of(population)
    return optimal(people, rules).at_start(people)[place]


def simulation(world: ResponsiveWorld, observe: bool) -> Callable[[], object]:
    """120 steps of many customers, with random actions."""
    population, rules, rng = world.population, world.rules, np.random.default_rng(0)

    def run() -> None:
        states = start_all(rng.integers(0, len(population.start), MANY), population, rules)
        for _ in range(120):
            chances, actions = rng.random((MANY, CHANCES)), rng.integers(0, N_ACTIONS, MANY)
            outcome = step_all(states, actions, population, rules, chances)
            fresh = start_all(rng.integers(0, len(population.start), MANY), population, rules)
            again = outcome.terminated
            states = State(*(np.where(again, new, old) for new, old in zip(fresh, outcome.state, strict=True)))
            if observe:
                observe_all(states, population, rules)

    return run


def measure(job: Callable[[], object], turns: int) -> tuple[list[float], list[float]]:
    """Wall and processor seconds of each turn, after one that only warms up (and compiles)."""
    job()
    wall, processor = [], []
    for _ in range(turns):
        started, used = time.perf_counter(), time.process_time()
        job()
        wall.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    return wall, processor


if __name__ == "__main__":
    main()
