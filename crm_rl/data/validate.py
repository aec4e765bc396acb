"""Validate raw cells with one pandera schema, and list every fault at once: column, row, value.

Cells are read once (`cells.py`), for validation and for cleaning alike. pandera goes through the raw table, so that the
failures it lists show each cell as it stands; whether a cell is at fault, its checks look up in what was read.
"""

import difflib
import functools
from collections.abc import Callable, Iterable

import pandas as pd
import pandera.pandas as pa

from crm_rl.data.cells import READERS, read_column
from crm_rl.data.columns import COLUMNS, DATE_COLUMNS, SNAPSHOT_DATE
from crm_rl.data.problems import TOO_OFTEN

#: A fault that a few cells may have is too much in more than this share of a column's non-empty cells.
A_FEW = 0.05

Readings = dict[str, pd.DataFrame]


def read_cells(raw: pd.DataFrame, snapshot: pd.Timestamp = SNAPSHOT_DATE) -> Readings:
    """Read the cells of every column that the export has: `value` and `problem`, by the column's name."""
    readings = {}
    for name, (reader, _) in READERS.items():
        if name in raw:
            of_the_day = functools.partial(reader, snapshot=snapshot) if name in DATE_COLUMNS else reader
            readings[name] = read_column(raw[name], of_the_day)
    return readings


def schema(readings: Readings) -> pa.DataFrameSchema:
    """What a raw export must be: a schema whose failures bear the names in `problems.PROBLEMS`."""
    columns = {}
    for name, (_, faults) in READERS.items():
        reading = readings.get(name)  # None for a missing column: pandera reports it and never runs its checks
        checks = [_free_of(fault, functools.partial(read_as, fault), reading) for fault in faults]
        if name == "ID":
            checks.append(_free_of("duplicate ID", duplicated, reading))
        if name == "Last Contact":
            checks.append(_free_of("drag-fill", lambda reading: drag_filled(reading["value"]), reading))
        columns[name] = pa.Column(checks=checks, nullable=name != "ID")
    return pa.DataFrameSchema(columns)


def _free_of(fault: str, has_it: Callable[[pd.DataFrame], pd.Series], reading: pd.DataFrame | None) -> pa.Check:
    """A check that fails in the rows that have the fault. pandera hands it a column without its empty cells."""
    return pa.Check(lambda column: ~has_it(reading).loc[column.index], error=fault)


def read_as(fault: str, reading: pd.DataFrame) -> pd.Series:
    """Which cells the reader found to have this fault, shape (rows,)."""
    return reading["problem"] == fault


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


#: What pandera calls the failures of its own checks -> the name in `problems.PROBLEMS`.
PANDERA_NAMES = {
    "column_in_dataframe": "missing column",
    "not_nullable": "missing ID",
}


def validate(raw: pd.DataFrame, readings: Readings) -> pd.DataFrame:
    """List every fault of an export.

    Args:
        raw: the cells as `load` returns them.
        readings: what they say, from `read_cells`.

    Returns:
        A row a fault: `problem` (a name in `problems.PROBLEMS`), `column`, `row` (the spreadsheet's number; missing
        where the fault is the whole column's) and `value`.
    """
    found = pd.DataFrame(columns=["problem", "column", "row", "value"], dtype=object)
    filled = raw.dropna(how="all")
    if filled.empty:
        found.loc[0] = ["no rows", None, None, None]
    try:
        schema(readings).validate(filled, lazy=True)
    except pa.errors.SchemaErrors as error:
        failures = error.failure_cases
        cases = pd.DataFrame(
            {
                "problem": failures["check"].replace(PANDERA_NAMES),
                "column": failures["column"],
                "row": failures["index"],
                "value": failures["failure_case"],
            },
            dtype=object,
        )
        missing = cases["problem"] == "missing column"
        cases.loc[missing, "column"] = cases.loc[missing, "value"]
        cases.loc[missing, "value"] = [_lookalike(name, raw.columns) for name in cases.loc[missing, "column"]]
        found = pd.concat([found, cases], ignore_index=True)
    empty_rows = raw.index.difference(filled.index)
    strangers = [name for name in raw.columns if name not in COLUMNS]
    empty = pd.DataFrame({"problem": "empty row", "row": empty_rows})
    strange = pd.DataFrame({"problem": "unexpected column", "column": strangers})
    found = pd.concat([found, _too_often(found, filled), empty, strange], ignore_index=True)
    return found.sort_values("row", kind="stable", ignore_index=True)


def _too_often(found: pd.DataFrame, filled: pd.DataFrame) -> pd.DataFrame:
    """A fault for each column of which too many cells have faults that a few may have. Drag-fill explains its own."""
    is_fill = found["problem"] == "drag-fill"
    explained = found["column"].isin(found.loc[is_fill, "column"]) & found["row"].isin(found.loc[is_fill, "row"])
    cases = []
    for problem, faults in TOO_OFTEN.items():
        counts = found.loc[found["problem"].isin(faults) & ~explained, "column"].value_counts(sort=False)
        for column, count in counts.items():
            cells = filled[column].count()
            if count > A_FEW * cells:
                cases.append((problem, column, None, f"{count:,} of {cells:,}"))
    return pd.DataFrame(cases, columns=found.columns, dtype=object)


def _lookalike(name: str, present: Iterable[str]) -> str | None:
    """A column of the file whose name comes close to a missing one, in any capitals."""
    strangers = {other.casefold(): other for other in present if other not in COLUMNS}
    close = difflib.get_close_matches(name.casefold(), strangers, n=1)
    return f"is it {strangers[close[0]]!r}?" if close else None
