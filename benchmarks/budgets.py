"""A week and a season of weekly budgets: `python benchmarks/budgets.py` (about ten seconds).

A week: 100,000 customers, 26 actions, the price by bisection, the bound and a choice within the budget, from values at
hand. A season: the bound of 24 types over twelve weeks. The median of the turns is recorded, with processor seconds.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from crm_rl.case_studies.budgets.bound import price_budgets
from crm_rl.case_studies.budgets.catalogue import CENTS
from crm_rl.case_studies.budgets.customers import season
from crm_rl.case_studies.budgets.knapsack import plan_week
from crm_rl.case_studies.budgets.world import N_STATES
from crm_rl.files import PROJECT
from data import provenance

RESULTS = Path(__file__).parent / "results" / "budgets.json"
CUSTOMERS, BUDGET = 100_000, 2_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="how often each job is measured")
    turns = parser.parse_args().turns
    world, q = season()
    rng = np.random.default_rng(0)
    values = q[0][rng.integers(len(q[0]), size=CUSTOMERS), rng.integers(N_STATES, size=CUSTOMERS)]
    values = values + rng.normal(0, 0.05, values.shape) * (CENTS > 0)  # no two customers alike
    week = plan_week(values, CENTS, BUDGET)
    measured = {
        "week": timed(lambda: plan_week(values, CENTS, BUDGET), turns)
        | {"customers": CUSTOMERS, "actions": len(CENTS), "share of the bound": round(week.value / week.bound, 8)},
        "season": timed(lambda: price_budgets(world, world.budget()), turns) | {"types": len(world.customers)},
    }
    for name, figures in measured.items():
        print(name, figures)
    RESULTS.write_text(json.dumps({**provenance(), **measured}, indent=1) + "\n")
    print(f"recorded in {RESULTS.relative_to(PROJECT)}")


def timed(job: Callable[[], object], turns: int) -> dict[str, float]:
    """The median of some turns, in seconds by the clock and of the processor."""
    clock, processor = [], []
    for _ in range(turns):
        began, worked = time.perf_counter(), time.process_time()
        job()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    return {
        "seconds": round(statistics.median(clock), 3),
        "processor seconds": round(statistics.median(processor), 3),
    }


if __name__ == "__main__":
    main()
