"""Validate raw cells with one pandera schema, and list every fault at once: column, row, value."""

import difflib
import functools
from collections.abc import Iterable

import pandas as pd
import pandera.pandas as pa

from crm_rl.crm_data import cells
from crm_rl.crm_data.columns import COLUMNS, DATE_COLUMNS, SNAPSHOT_DATE

#: A date column with more unreadable cells than this share of its non-empty ones is refused.
MOST_UNREADABLE = 0.05

DATE_PROBLEMS = (
    "date as text",
    "date as number",
    "unknown date",
    "unreadable date",
    "before 2000",
    "after the snapshot",
    "answered No",
)

#: The faults that a cell of each column can have.
CELL_PROBLEMS = {
    "ID": ("ID is not a whole number",),
    "Country": ("other spelling", "not one country"),
    "Education": ("other spelling", "unknown bootcamp"),
    "Status": ("other spelling", "unknown status"),
    "Stage": ("other spelling", "unknown stage"),
    **dict.fromkeys(DATE_COLUMNS, DATE_PROBLEMS),
}

Readings = dict[str, pd.DataFrame]


def read_cells(raw: pd.DataFrame, snapshot: pd.Timestamp = SNAPSHOT_DATE) -> Readings:
    """Read the cells of every column that the export has: `value` and `problem`, by the column's name."""
    readers = {
        "ID": cells.read_id,
        "Country": cells.read_country,
        "Education": cells.read_education,
        "Status": cells.read_status,
        "Stage": cells.read_stage,
        **dict.fromkeys(DATE_COLUMNS, functools.partial(cells.read_date, snapshot=snapshot)),
    }
    return {name: cells.read_column(raw[name], reader) for name, reader in readers.items() if name in raw}


def schema(readings: Readings) -> pa.DataFrameSchema:
    """What a raw export must be: a schema whose failures bear the names in `problems.PROBLEMS`."""
    columns = {}
    for name, problems in CELL_PROBLEMS.items():
        checks = [_free_of(problem, readings.get(name)) for problem in problems]
        if name in DATE_COLUMNS:
            checks.append(_mostly_readable(readings.get(name)))
        if name == "Last Contact":
            checks.append(_no_drag_fill(readings.get(name)))
        if name == "ID":
            checks.append(_unique(readings.get(name)))
        columns[name] = pa.Column(checks=checks, nullable=name != "ID")
    return pa.DataFrameSchema(columns)


def _free_of(problem: str, reading: pd.DataFrame | None) -> pa.Check:
    return pa.Check(lambda column: reading["problem"].loc[column.index] != problem, error=problem)


def _unique(reading: pd.DataFrame | None) -> pa.Check:
    # by what the cells say, not by how they are written: 3, 03 and 3.0 are one customer
    def check(column: pd.Series) -> pd.Series:
        numbers = reading["value"].loc[column.index]
        return numbers.isna() | ~numbers.duplicated(keep=False)

    return pa.Check(check, error="duplicate ID")


def _mostly_readable(reading: pd.DataFrame | None) -> pa.Check:
    def check(column: pd.Series) -> bool:
        filled = column.dropna().index
        return (reading["problem"].loc[filled] == "unreadable date").sum() <= MOST_UNREADABLE * len(filled)

    return pa.Check(check, error="too many unreadable dates")


def _no_drag_fill(reading: pd.DataFrame | None) -> pa.Check:
    return pa.Check(lambda column: ~drag_filled(reading["value"]).loc[column.index], error="drag-fill")


def drag_filled(days: pd.Series) -> pd.Series:
    """Find what a spreadsheet's fill handle leaves: neighbouring rows, each exactly a year after the one above.

    Args:
        days: dates in the order of the file, shape (rows,); missing where there is none.

    Returns:
        True for every member of a run of two or more, the first one too: nobody can tell which of them was typed.
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
        too_many = cases["problem"] == "too many unreadable dates"
        cases.loc[too_many, "value"] = [
            _share_unreadable(readings[name], filled[name]) for name in cases.loc[too_many, "column"]
        ]
        found = pd.concat([found, cases], ignore_index=True)
    empty_rows = raw.index.difference(filled.index)
    strangers = [name for name in raw.columns if name not in COLUMNS]
    empty = pd.DataFrame({"problem": "empty row", "row": empty_rows})
    strange = pd.DataFrame({"problem": "unexpected column", "column": strangers})
    return pd.concat([found, empty, strange], ignore_index=True).sort_values("row", kind="stable", ignore_index=True)


def _lookalike(name: str, present: Iterable[str]) -> str | None:
    """A column of the file whose name comes close to a missing one, in any capitals."""
    strangers = {other.casefold(): other for other in present if other not in COLUMNS}
    close = difflib.get_close_matches(name.casefold(), strangers, n=1)
    return f"is it {strangers[close[0]]!r}?" if close else None


def _share_unreadable(reading: pd.DataFrame, column: pd.Series) -> str:
    return f"{(reading['problem'] == 'unreadable date').sum():,} of {column.count():,}"
