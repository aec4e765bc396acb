"""The runner of all studies: jobs side by side, each leaving a small file, so that what was stopped goes on.

A job is a `NamedTuple` of plain values that says all that its result depends on but the code. Results are JSON.
"""

import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import joblib
import numpy as np
from tqdm import tqdm

from crm_rl.data.load import ORIGINAL_SHA256, TWIN
from crm_rl.files import PROJECT, sha256, write_whole

#: What the book reads; what is less than a whole study, or on another export, is recorded elsewhere.
RESULTS = PROJECT / "data" / "results"


class Job(Protocol):
    """One piece of work.

    Attributes:
        data: the path of the export.
    """

    data: str

    def identity(self) -> list:
        """All that the result depends on but the code and the data, as JSON can hold it."""

    def seconds(self) -> float:
        """What the job takes of one core, roughly: measured on the authors' machine."""

    def run(self, folder: Path) -> Any:
        """Do it, going on with checkpoints in the folder if there are any; returns what JSON can hold."""


def file_of(job: Job, folder: str | Path) -> Path:
    """Where a job's result is kept; no other job has this name, nor this one on other data."""
    content = json.dumps([sha256(job.data), *job.identity()])
    kind = type(job).__module__.rsplit(".", 1)[-1]
    return Path(folder) / f"{kind}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"


def run_job(job: Job, folder: str | Path) -> Any:
    """Run one job, or go on with it, or fetch its result if it has one."""
    done = file_of(job, folder)
    if done.exists():
        return json.loads(done.read_text())
    checkpoints = done.with_suffix("")
    result = json.loads(json.dumps(job.run(checkpoints), default=_plain))
    write_whole(done, json.dumps(result))
    shutil.rmtree(checkpoints, ignore_errors=True)  # they have served
    return result


def _plain(value):
    return value.item() if isinstance(value, np.generic) else value.tolist()


def run(jobs: list[Job], folder: str | Path, workers: int = -1, dask: str | None = None) -> list:
    """Run jobs side by side.

    Args:
        jobs: what to do.
        folder: where checkpoints and results of jobs are kept; on a cluster, one that every worker sees.
        workers: processes; -1 for as many as there are cores.
        dask: the address of a Dask scheduler, to use its workers instead.

    Returns:
        The results, in the order of the jobs.
    """
    if dask is None:
        return _side_by_side(jobs, folder, n_jobs=workers)
    from dask.distributed import Client

    with Client(dask), joblib.parallel_config(backend="dask"):
        return _side_by_side(jobs, folder)


def _side_by_side(jobs: list[Job], folder: str | Path, **options) -> list:
    tasks = (joblib.delayed(run_job)(job, folder) for job in jobs)
    results = joblib.Parallel(return_as="generator", **options)(tasks)
    return list(tqdm(results, total=len(jobs), unit="job", disable=None))


def expected_minutes(jobs: Iterable[Job], folder: str | Path, workers: int = -1) -> float:
    """How long the jobs that have no result yet will take on this machine's cores, roughly."""
    cores = (os.cpu_count() or 1) if workers < 0 else workers
    return sum(job.seconds() for job in jobs if not file_of(job, folder).exists()) / cores / 60


def provenance(data: str | Path) -> dict:
    """What every record says of where it comes from: the input's checksum, versions, machine and date."""
    packages = ("numpy", "pandas", "scipy", "scikit-learn", "numba", "torch", "gymnasium")
    return {
        "input_sha256": sha256(str(data)),
        "python": platform.python_version(),
        "packages": {name: importlib.metadata.version(name) for name in packages},
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "date": datetime.date.today().isoformat(),
    }


def data_name(data: str | Path) -> str:
    """What a record of this data is called: "twin", "original", or the file's own name for any other export."""
    known = {sha256(str(TWIN)): "twin", ORIGINAL_SHA256: "original"}
    return known.get(sha256(str(data)), Path(data).stem)


def write_record(stem: Path, source: dict, **tables) -> list[Path]:
    """Write a record: `STEM.json` for where it comes from, and a .csv for each table.

    Args:
        stem: the path without ending.
        source: for JSON, see `provenance`.
        tables: what to write, as text; `runs` goes to `STEM.csv`, any other to `STEM_NAME.csv`.

    Returns:
        The files written.
    """
    texts = {("" if name == "runs" else f"_{name}") + ".csv": text for name, text in tables.items()}
    texts[".json"] = json.dumps(source, indent=1) + "\n"
    files = [stem.with_name(stem.name + ending) for ending in texts]
    for file, text in zip(files, texts.values(), strict=True):
        write_whole(file, text)
    return files
