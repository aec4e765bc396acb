"""All studies of the book by name, one line each, and the one way to run and record them (`make study`)."""

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

from crm_rl.case_studies.budgets.world import TYPES
from crm_rl.case_studies.offers.response import RESPONSE
from crm_rl.experiments import (
    budgets_study,
    comparison,
    comparison_plan,
    dqn_ablation,
    email_study,
    funnel_study,
    logs_study,
    offers_study,
)
from crm_rl.experiments.runner import RESULTS, Job, data_name, expected_minutes, run


class Study(NamedTuple):
    """What a study runs, and how it is recorded.

    Attributes:
        plan: (data, seeds, budget) -> jobs; None for seeds or budget is what the book's record has.
        record: (jobs, results, folder) -> files written.
        input: what it runs on in place of an export of the CRM, if it does.
    """

    plan: Callable[[str, int | None, int | None], list[Job]]
    record: Callable[[list[Job], list, Path], list[Path]]
    input: Path | None = None


STUDIES = {
    "funnel": Study(funnel_study.plan, funnel_study.record),
    "ablation": Study(dqn_ablation.plan, dqn_ablation.record),
    "comparison": Study(comparison_plan.plan, comparison.record),
    "comparison_why": Study(comparison_plan.plan_why, partial(comparison.record, name="comparison_why")),
    "email": Study(email_study.plan, email_study.record, input=email_study.INPUT),
    "budgets": Study(budgets_study.plan, budgets_study.record, input=TYPES),
    "offers": Study(offers_study.plan, offers_study.record, input=RESPONSE),
    "logs": Study(logs_study.plan, logs_study.record),
}


def run_and_record(
    names: list[str],
    data: list[Path],
    work: Path,
    out: Path | None = None,
    seeds: int | None = None,
    budget: int | None = None,
    workers: int = -1,
    dask: str | None = None,
) -> Iterator[list[Path]]:
    """Run studies, going on where they were stopped, and record each as soon as it is complete.

    Args:
        names: keys of `STUDIES`.
        data: the exports.
        work: the folder in which jobs keep checkpoints and results.
        out: where records go; None is `data/results` for whole studies of the twin and the original, so that nobody
            overwrites the book's record by trying, and a folder in `work` for anything else.
        seeds, budget: how many seeds, and how many episodes or steps each; None is as on record.
        workers, dask: as for `runner.run`.

    Returns:
        For each study and export, the files written.
    """
    chosen = dict.fromkeys((name, STUDIES[name].input or path) for path in data for name in names)
    plans = [(name, path, STUDIES[name].plan(str(path), seeds, budget)) for name, path in chosen]
    jobs = [job for *_, planned in plans for job in planned]
    print(f"{len(jobs):,} jobs, about {expected_minutes(jobs, work, workers):.0f} minutes", flush=True)
    for name, path, planned in plans:
        results = run(planned, work, workers, dask)
        ours = STUDIES[name].input is not None or data_name(path) in ("twin", "original")
        whole = seeds is None and budget is None and ours
        place = out or (RESULTS if whole else work / "results")
        yield STUDIES[name].record(planned, results, place) + keep_policies(work, place, f"{name}_{data_name(path)}")


def keep_policies(work: Path, place: Path, study: str) -> list[Path]:
    """Put the policies that jobs of a study left in `work/policies` beside its record; returns the files written."""
    kept = []
    for file in sorted((work / "policies").glob(f"{study}-*.npz")):
        kept.append(place / "policies" / file.name)
        kept[-1].parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, kept[-1])
    return kept
