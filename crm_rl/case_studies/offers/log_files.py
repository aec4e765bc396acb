"""Event logs as files: read one of anybody's, with every fault named at once (chapter 11)."""

from functools import partial
from pathlib import Path

import pandas as pd

from crm_rl.case_studies.offers.events import ACTIONS, CHANNELS, COLUMNS, DIRECT
from crm_rl.data.problems import DataError

#: How many rows of a fault are named.
ROWS = 5

#: What a cell of a column must be, in words, for the message.
MEANS = {
    "user_id": "a whole number",
    "session_id": "filled in",
    "time": "a date and time such as 2026-03-31 18:05:00",
    "action": f"one of {', '.join(ACTIONS)}",
    "category": "filled in",
    "channel": f"one of {', '.join((*CHANNELS, DIRECT))}",
    "amount": "a number, 0 or more (dollars, of a purchase)",
    "discount": "a number from 0 to 100 (percent)",
    "free_shipping": "0 or 1",
}


def load_log(path: Path) -> pd.DataFrame:
    """Read a log of events.

    Args:
        path: a .csv or .xlsx file with the columns of `events.COLUMNS`, a row an event, in any order. Other columns do
            not count. An empty amount, discount or free_shipping is 0.

    Returns:
        The log as `features.features_of` wants it.

    Raises:
        DataError: the file cannot be read, a column is missing, or cells cannot be used: all of them at once, by row
            as a spreadsheet counts.
    """
    text = _cells(Path(path))
    missing = [name for name in COLUMNS if name not in text]
    if missing:
        raise DataError(
            f"{path}: missing columns: {', '.join(missing)}. Remedy: name the columns {', '.join(COLUMNS)} in row 1."
        )
    if text.columns.duplicated().any():
        twice = ", ".join(sorted(set(text.columns[text.columns.duplicated()])))
        raise DataError(f"{path}: row 1 holds more than once: {twice}. Remedy: keep one column of each name.")
    if text.empty:
        raise DataError(f"{path}: no event below the column names. Remedy: export the log again.")
    log = pd.DataFrame({name: _read(name, text[name].str.strip()) for name in COLUMNS})
    faults = [
        f"{name}, {_rows(bad)}: {text[name][bad].iloc[0]!r} is not {MEANS[name]}"
        for name in COLUMNS
        if (bad := log[name].isna()).any()
    ]
    if faults:
        listed = "".join(f"\n    {fault}" for fault in faults)
        raise DataError(
            f"{path}: cells that cannot be used:{listed}\nRemedy: correct these cells, or leave their rows out."
        )
    return log.astype({"user_id": int, "free_shipping": int}).sort_values("time", kind="stable").reset_index(drop=True)


def _cells(path: Path) -> pd.DataFrame:
    """All cells as text, and "" where there is nothing."""
    readers = {".csv": pd.read_csv, ".xlsx": partial(pd.read_excel, engine="openpyxl")}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: not a .csv or .xlsx file. Remedy: save the log as one of these.")
    if not path.is_file():
        raise DataError(f"{path}: no such file. Remedy: check the name; `offers generate` makes a log to try.")
    try:
        cells = readers[path.suffix.lower()](path, dtype=str, keep_default_na=False)
    except Exception as error:  # damaged files make their readers raise almost anything
        raise DataError(
            f"{path}: cannot be read as a table ({type(error).__name__}). Remedy: save it again."
        ) from error
    return cells.rename(columns=lambda name: str(name).strip().lower()).astype(str)


def _read(name: str, cells: pd.Series) -> pd.Series:
    """A column's values; missing where a cell cannot be used."""
    if name in ("amount", "discount", "free_shipping", "user_id"):
        numbers = pd.to_numeric(cells if name == "user_id" else cells.replace("", "0"), errors="coerce")
        top = {"discount": 100, "free_shipping": 1}.get(name, 1e12)
        good = numbers.between(0, top) & ((numbers % 1 == 0) | (name in ("amount", "discount")))
        return numbers.where(good)
    if name == "time":
        return pd.to_datetime(cells, errors="coerce", format="ISO8601", utc=True).dt.tz_localize(None)
    words = {"action": ACTIONS, "channel": (*CHANNELS, DIRECT)}.get(name)
    cells = cells.str.lower() if words else cells
    return cells.where(cells.isin(words) if words else cells != "")


def _rows(bad: pd.Series) -> str:
    places = [f"{place + 2:,}" for place in bad.index[bad]]  # the column names are row 1
    more = f" and {len(places) - ROWS:,} more" if len(places) > ROWS else ""
    return f"row{'s' if len(places) > 1 else ''} {', '.join(places[:ROWS])}{more}"
