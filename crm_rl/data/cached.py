"""From an export to its customers in one step, which is taken once for each file as it stands."""

import functools
from dataclasses import replace
from pathlib import Path

import pandas as pd

from crm_rl.data.clean import CleaningReport, clean
from crm_rl.data.load import load


def customers(path: str | Path) -> tuple[pd.DataFrame, CleaningReport]:
    """Load and clean an export, or hand out again what came of it while the file is unchanged.

    Args:
        path: the export, `.csv` or `.xlsx`.

    Returns:
        The customers and the report, as `clean` gives them for the snapshot of the book. Both are copies of your own.

    Raises:
        DataError: as `load` and `clean` raise it; an error is not remembered.
    """
    path = Path(path)
    if not path.is_file():
        load(path)  # says what is wrong
    facts = path.stat()
    table, report = _cleaned(path.resolve(), facts.st_mtime_ns, facts.st_size, str(path))
    return table.copy(), replace(report, findings=report.findings.copy())


@functools.lru_cache(maxsize=4)
def _cleaned(path: Path, modified: int, size: int, source: str) -> tuple[pd.DataFrame, CleaningReport]:
    return clean(load(path), source=source)
