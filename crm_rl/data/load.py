"""Load an export as it stands: the cells of its 13 columns, unjudged, numbered as the spreadsheet numbers its rows."""

import os
from pathlib import Path

import pandas as pd

from crm_rl.data.csv_file import load_csv
from crm_rl.data.headers import check_header
from crm_rl.data.problems import DataError
from crm_rl.data.workbook import load_workbook
from crm_rl.files import PROJECT, shipped

#: The synthetic twin of the original export: what everything runs on unless told otherwise.
TWIN = shipped("raw/crm_twin.csv")

#: The original export's checksum: by it we know whether a file is the one that the book describes.
ORIGINAL_SHA256 = "49b1c90ab8fc1e5636e4bd92a18d7fbcf4395017ef05f5bb79e2d0c2039aa70b"


def data_path() -> Path:
    """The export to work on: the file that the environment variable `CRM_RL_DATA` names, else the twin.

    A relative name counts from the working folder or, if nothing is there, from the project's own folder.
    """
    chosen = Path(os.environ.get("CRM_RL_DATA") or TWIN).expanduser()
    return chosen if chosen.exists() else PROJECT / chosen


def load(path: str | Path) -> pd.DataFrame:
    """Load a `.csv` or `.xlsx` export.

    Args:
        path: the file. Of a workbook the first sheet is read.

    Returns:
        The raw cells, shape (rows, columns), as Python values or text; empty cells are missing. The index, named
        `row`, is the row's number in a spreadsheet: the header is row 1. Nothing is changed, and nothing left out but
        the empty rows and columns around a workbook's table.

    Raises:
        DataError: the file is missing, of another kind, damaged, empty or too large, or has lost values (quotes that
            swallow rows, merged cells, formulas without their results). The message names the places.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path}: a folder, not a file. Remedy: name the export in it.")
    if not path.is_file():
        named = " (CRM_RL_DATA names it)" if os.environ.get("CRM_RL_DATA") and path == data_path() else ""
        raise DataError(
            f"{path}: there is no such file{named}. Remedy: check the name, or run `python -m crm_rl fetch`."
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty. Remedy: export the customers again.")
    readers = {".csv": load_csv, ".xlsx": load_workbook}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: not a .csv or .xlsx file. Remedy: save the export as one of these.")
    try:
        header, rows = readers[path.suffix.lower()](path)
        check_header(path, header)
        return as_rows(pd.DataFrame(rows, columns=header, dtype=object))
    except MemoryError as error:
        raise DataError(
            f"{path}: too large for this machine's memory. Remedy: keep the customers and their columns alone, and "
            "save the file again."
        ) from error


def as_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Number the rows of a table as a spreadsheet does, for one made by hand as for one from a file.

    Args:
        table: cells below column names, shape (rows, columns), in the order of the file.

    Returns:
        The same cells, and None where there is nothing or nothing but spaces. The index, named `row`, counts from 2:
        the header is row 1.
    """
    rows = table.astype(object).apply(_without_blanks)
    return rows.set_axis(pd.RangeIndex(2, len(table) + 2, name="row"))


def _without_blanks(column: pd.Series) -> pd.Series:
    blanks = [cell for cell in column.unique() if isinstance(cell, str) and not cell.strip()]
    return column.mask(column.isna() | column.isin(blanks), None)
