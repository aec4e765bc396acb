"""The responsive world: customer-steps a second, and seconds to plan (`python benchmarks/responsive.py`, two minutes).

Simulation: random actions in every state that the test customers' episodes come to, many at once, begun anew as they
end. Planning: the best policy of all test customers, the exact value of policies, and one round of improving a plan for
everybody in training; each is worked out once for customers of one type and start. In both worlds, on the twin; the
first turn, which compiles, is not counted.
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

from crm_rl.agents.planned import PlannedPolicy
from crm_rl.data.load import TWIN
from crm_rl.evaluation.gain import exact_values
from crm_rl.files import PROJECT
from crm_rl.planning.exact import SITUATIONS, always, optimal_values, starts_of
from crm_rl.planning.feature_selection import selection_values
from crm_rl.planning.shared import shared_policy
from crm_rl.worlds.base import N_ACTIONS, N_FEATURES, WAIT, Action
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.responsive import CHANCES, SELECTION, State
from crm_rl.worlds.responsive_batch import start_all, step_all
from crm_rl.worlds.responsive_world import ResponsiveWorld
from crm_rl.worlds.stepping import observe_all
from data import provenance

RESULTS = Path(__file__).parent / "results" / "responsive.json"
PACKAGES = ("numpy", "numba")
MANY = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=9, help="how often each job is measured")
    parser.add_argument("--show-only", action="store_true", help="record nothing")
    options = parser.parse_args()
    measured = []
    for name in ("smooth", "rough"):
        for job, run, steps in jobs(worlds(name, data=TWIN)):
            wall, processor = measure(run, options.turns)
            seconds = float(np.median(wall))
            measured.append(
                {
                    "world": name,
                    "job": job,
                    "seconds": round(seconds, 4),
                    "slowest": round(max(wall), 4),
                    "processor seconds": round(float(np.median(processor)), 4),
                }
            )
            if steps:
                measured[-1]["million customer-steps per second"] = round(steps / 1e6 / seconds, 2)
    print(pd.DataFrame(measured).to_string(index=False, na_rep=""))
    if options.show_only:
        return
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**provenance(), "versions": versions, "jobs": measured}, indent=1) + "\n")
    print(f"recorded in {RESULTS.relative_to(PROJECT)}")


class BuysAndWrites:
    """Buys every attribute at once and then sends emails."""

    def probabilities(self, states: State, world: ResponsiveWorld) -> np.ndarray:
        chosen = np.full(len(states.mask), N_FEATURES + Action.EMAIL)
        for attribute in np.flatnonzero(SELECTION.first_mask >> np.arange(N_FEATURES) & 1 == 0):
            chosen[states.mask >> attribute & 1 == 0] = attribute
        return np.eye(N_FEATURES + N_ACTIONS)[chosen]


def jobs(parts: dict[str, ResponsiveWorld]) -> list[tuple[str, Callable[[], object], int]]:
    """Each job, and how many customer-steps it takes (0 where that is not what is measured)."""
    test, train = parts["test"], parts["train"].population
    people, types = test.population, len(starts_of(test.population)[0].start)
    selection = test._replace(params=SELECTION._replace(drives=test.params.drives))
    waiting = np.full((1, test.params.weeks, *SITUATIONS), WAIT)
    all_alike = np.zeros(len(train.start), dtype=np.int64)
    anything = np.full(N_ACTIONS, 1 / N_ACTIONS)
    return [
        ("rules, with the random numbers", simulation(test, observe=False), 120 * MANY),
        ("rules and observation, with the random numbers", simulation(test, observe=True), 120 * MANY),
        (
            f"optimum of {len(people.start):,} test customers, {types} distinct",
            lambda: optimal_values(people, test.params),
            0,
        ),
        ("value of always email", lambda: exact_values(PlannedPolicy(lambda people: always(Action.EMAIL)), test), 0),
        ("value of random actions", lambda: exact_values(PlannedPolicy(lambda people: anything), test), 0),
        ("value of buying all attributes, then always email", lambda: selection_values(BuysAndWrites(), selection), 0),
        (
            "one round of a shared policy of the training customers",
            lambda: shared_policy(waiting, all_alike, train, test.params, 1),
            0,
        ),
    ]


def simulation(world: ResponsiveWorld, observe: bool) -> Callable[[], object]:
    """120 steps of many customers, with random actions."""
    population, params, rng = world.population, world.params, np.random.default_rng(0)

    def run() -> None:
        states = start_all(rng.integers(0, len(population.start), MANY), population, params)
        for _ in range(120):
            chances, actions = rng.random((MANY, CHANCES)), rng.integers(0, N_ACTIONS, MANY)
            outcome = step_all(states, actions, population, params, chances)
            fresh = start_all(rng.integers(0, len(population.start), MANY), population, params)
            again = outcome.terminated
            states = State(*(np.where(again, new, old) for new, old in zip(fresh, outcome.state, strict=True)))
            if observe:
                observe_all(states, population, params)

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
