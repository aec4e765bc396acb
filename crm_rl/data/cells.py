"""Reading one cell of an export: what does it say, and what is wrong with it?

Each reader takes one non-empty value, as the file holds it, and returns a `Reading`. Columns of a million cells have
few distinct values, so `read_column` reads each distinct value once.
"""

import datetime
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from crm_rl.data.columns import BOOTCAMPS, CONTACTS, EARLIEST_DATE, EVENTS, SNAPSHOT_DATE, STAGES, STATUSES
from crm_rl.data.countries import country_named

WHOLE_NUMBER = re.compile(r"0*[1-9]\d{0,14}(\.0*)?")
TIME_OF_DAY = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?Z?"
ISO_DATE = re.compile(rf"(\d{{4}})-(\d\d)-(\d\d)(?:[ T]{TIME_OF_DAY})?")
GERMAN_DATE = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})")
EXCEL_DAY_ZERO = datetime.datetime(1899, 12, 30)
LAST_EXCEL_DAY = 2_958_465  # 9999-12-31

#: How people say that something has not happened, where they do not write No.
NEGATIVE = re.compile(r"(no|not|none|nope|never|nein|false|n/?a|0|-+|–|—)([\s,;.:!(].*)?", re.IGNORECASE | re.DOTALL)


class Reading(NamedTuple):
    """What a cell says (`None` if nothing), and the name of its fault in `problems.PROBLEMS` (or `None`)."""

    value: Any
    problem: str | None


NOTHING = Reading(None, None)


def read_id(cell: Any) -> Reading:
    """Read a customer's number: a whole number from 1, of at most 15 digits."""
    text = str(cell).strip()
    if WHOLE_NUMBER.fullmatch(text):
        return Reading(int(float(text)), None)
    return Reading(None, "ID is not a whole number")


def read_date(cell: Any, snapshot: pd.Timestamp = SNAPSHOT_DATE) -> Reading:
    """Read a date cell: a date, text as YYYY-MM-DD (a time of day may follow) or DD.MM.YYYY, a day number, or "No".

    The value is a day, also where it lies outside the years we trust (the problem then says so), and `None` where the
    cell says "No" or names no day. `0000-00-00` is readable: it says "on a day nobody wrote down".
    """
    if isinstance(cell, str) and cell.strip().casefold() == "no":
        return Reading(None, "answered No")
    if isinstance(cell, str) and cell.strip() == "0000-00-00":
        return Reading(None, "unknown date")
    day, problem = _day(cell)
    if day is None:
        return Reading(None, "unreadable date")
    if day < EARLIEST_DATE:
        return Reading(day, "before 2000")
    if day > snapshot:
        return Reading(day, "after the snapshot")
    return Reading(day, problem)


def read_milestone(cell: Any, snapshot: pd.Timestamp = SNAPSHOT_DATE) -> Reading:
    """Read the date of a milestone, where some write "n/a" or "no, thanks" for No. Only No is read as No."""
    reading = read_date(cell, snapshot)
    if reading.problem == "unreadable date" and NEGATIVE.fullmatch(str(cell).strip()):
        return Reading(None, "looks like a negative")
    return reading


def _day(cell: Any) -> Reading:
    """The day a cell names, if any, whatever the year."""
    if isinstance(cell, (datetime.date, np.datetime64)):  # pandas' Timestamp is one too
        return Reading(pd.Timestamp(cell).tz_localize(None).normalize(), None)
    text = str(cell).strip()
    if match := ISO_DATE.fullmatch(text):
        year, month, day = match.groups()
        problem = None
    elif match := GERMAN_DATE.fullmatch(text):
        day, month, year = match.groups()
        problem = "date as text"
    elif re.fullmatch(r"\d+(\.\d+)?", text) and 1 <= float(text) <= LAST_EXCEL_DAY:
        return Reading(pd.Timestamp(EXCEL_DAY_ZERO + datetime.timedelta(int(float(text)))), "date as number")
    else:
        return NOTHING
    try:
        return Reading(pd.Timestamp(int(year), int(month), int(day)), problem)
    except ValueError:  # the 13th month, the 30th of February, the year 0
        return NOTHING


def read_country(cell: Any) -> Reading:
    """Read a country's name: official (ISO 3166), former and everyday names are known, in any spelling."""
    name = country_named(str(cell))
    if name is None:
        return Reading(None, "not one country")
    return Reading(name, None if cell == name else "other spelling")


def read_education(cell: Any) -> Reading:
    """Read a bootcamp's alias, B1 to B30."""
    return _one_of(cell, {name.casefold(): name for name in BOOTCAMPS}, "unknown bootcamp")


def read_status(cell: Any) -> Reading:
    """Read the state of the message sequence."""
    return _one_of(cell, {name.casefold(): name for name in STATUSES}, "unknown status")


def read_stage(cell: Any) -> Reading:
    """Read the sales team's note."""
    return _one_of(cell, {name.casefold(): name for name in STAGES}, "unknown stage")


def _one_of(cell: Any, names: dict[str, str], problem: str) -> Reading:
    """Look a cell up among known names, forgiving capitals and stray spaces."""
    name = names.get(" ".join(str(cell).split()).casefold())
    if name is None:
        return Reading(None, problem)
    return Reading(name, None if cell == name else "other spelling")


def read_column(column: pd.Series, reader) -> pd.DataFrame:
    """Read a whole column, each distinct value once.

    Args:
        column: the raw cells, shape (rows,); empty cells are missing values.
        reader: one of the readers above.

    Returns:
        A frame of shape (rows, 2) with the column's index: `value` and `problem`.
    """
    codes, distinct = pd.factorize(column)  # an empty cell has code -1 ...
    readings = [*map(reader, distinct), NOTHING]  # ... which picks the last reading
    values = np.array([reading.value for reading in readings], dtype=object)
    problems = np.array([reading.problem for reading in readings], dtype=object)
    return pd.DataFrame({"value": values[codes], "problem": problems[codes]}, index=column.index)


DATE_FAULTS = (
    "date as text",
    "date as number",
    "unknown date",
    "unreadable date",
    "before 2000",
    "after the snapshot",
    "answered No",
)

#: How the cells of each column are read, and the faults that its reader may find.
READERS = {
    "ID": (read_id, ("ID is not a whole number",)),
    "Country": (read_country, ("other spelling", "not one country")),
    "Education": (read_education, ("other spelling", "unknown bootcamp")),
    "Status": (read_status, ("other spelling", "unknown status")),
    "Stage": (read_stage, ("other spelling", "unknown stage")),
    **dict.fromkeys(CONTACTS.values(), (read_date, DATE_FAULTS)),
    **dict.fromkeys(EVENTS.values(), (read_milestone, (*DATE_FAULTS, "looks like a negative"))),
}
