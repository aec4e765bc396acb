"""Validate raw cells, and list every fault at once: column, row, value.

Cells are read once (`cells.py`), for validation and for cleaning alike: the readers' verdicts are only collected here,
beside what no single cell shows.
"""

import functools
from collections.abc import Iterator
from typing import Any

import pandas as pd

from crm_rl.data.cells import READERS, read_column
from crm_rl.data.columns import COLUMNS, DATE_COLUMNS, SNAPSHOT_DATE
from crm_rl.data.headers import look_alike
from crm_rl.data.problems import TOO_OFTEN

#: A fault that a few cells may have is too much in more than this share of a column's non-empty cells.
A_FEW = 0.05

Readings = dict[str, pd.DataFrame]
Fault = tuple[str, str | None, int | None, Any]  # the name of the problem, the column, the row, the cell


def read_cells(raw: pd.DataFrame, snapshot: pd.Timestamp = SNAPSHOT_DATE) -> Readings:
    """Read the cells of every column that the export has: `value` and `problem`, by the column's name."""
    readings = {}
    for name, (reader, _) in READERS.items():
        if name in raw:
            of_the_day = functools.partial(reader, snapshot=snapshot) if name in DATE_COLUMNS else reader
            readings[name] = read_column(raw[name], of_the_day)
    return readings


def duplicated(reading: pd.DataFrame) -> pd.Series:
    """Which numbers stand in more than one row, shape (rows,); 3, 03 and 3.0 are one number."""
    return reading["value"].notna() & reading["value"].duplicated(keep=False)


def drag_filled(days: pd.Series) -> pd.Series:
    """Find what a spreadsheet's fill handle leaves: neighbouring rows, each exactly a year after the one above.

    Args:
        days: dates in the order of the file, shape (rows,); missing where there is none.

    Returns:
        True for every member of a run of two or more, the first one too: nobody can tell which of them was typed.
        (Two dates that are a year apart by chance look the same.)
    """
    days = pd.to_datetime(days)
    following = days.shift(-1)
    goes_on = (
        (following.dt.year == days.dt.year + 1)
        & (following.dt.month == days.dt.month)
        & (following.dt.day == days.dt.day)
    )
    return goes_on | goes_on.shift(fill_value=False)


def validate(raw: pd.DataFrame, readings: Readings) -> pd.DataFrame:
    """List every fault of an export.

    Args:
        raw: the cells as `load` returns them.
        readings: what they say, from `read_cells`.

    Returns:
        A row a fault: `problem` (a name in `problems.PROBLEMS`), `column`, `row` (the spreadsheet's number; missing
        where the fault is the whole column's) and `value`.
    """
    filled = raw.dropna(how="all")
    faults: list[Fault] = [("no rows", None, None, None)] if filled.empty else []
    for name in READERS:
        if name not in raw:
            other = look_alike(name, raw.columns)
            faults.append(("missing column", name, None, f"is it {other!r}?" if other else None))
    for name, reading in readings.items():
        faults += _in_column(filled[name], reading)
    faults += _too_often(_as_table(faults), filled)
    faults += [("empty row", None, row, None) for row in raw.index.difference(filled.index)]
    faults += [("unexpected column", name, None, None) for name in raw.columns if name not in COLUMNS]
    return _as_table(faults).sort_values("row", kind="stable", ignore_index=True)


def _as_table(faults: list[Fault]) -> pd.DataFrame:
    return pd.DataFrame(faults, columns=["problem", "column", "row", "value"], dtype=object)


def _in_column(cells: pd.Series, reading: pd.DataFrame) -> Iterator[Fault]:
    """The faults of one column, in rows that are not empty: what shows only beside other rows, and the reader's."""
    faulty = {}
    if cells.name == "ID":
        faulty = {
            "missing ID": reading["value"].isna() & reading["problem"].isna(),
            "duplicate ID": duplicated(reading),
        }
    if cells.name == "Last Contact":
        faulty = {"drag-fill": drag_filled(reading["value"])}
    for fault in READERS[cells.name][1]:
        faulty[fault] = reading["problem"] == fault
    for fault, mask in faulty.items():
        yield from ((fault, cells.name, row, cell) for row, cell in cells[mask.loc[cells.index]].items())


def _too_often(found: pd.DataFrame, filled: pd.DataFrame) -> Iterator[Fault]:
    """A fault for each column of which too many cells have faults that a few may have. Drag-fill explains its own."""
    is_fill = found["problem"] == "drag-fill"
    explained = found["column"].isin(found.loc[is_fill, "column"]) & found["row"].isin(found.loc[is_fill, "row"])
    for problem, faults in TOO_OFTEN.items():
        counts = found.loc[found["problem"].isin(faults) & ~explained, "column"].value_counts(sort=False)
        for column, count in counts.items():
            cells = filled[column].count()
            if count > A_FEW * cells:
                yield problem, column, None, f"{count:,} of {cells:,}"
