"""Load an export as it stands: the cells of its 13 columns, unjudged, numbered as the spreadsheet numbers its rows."""

import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import python_calamine

from crm_rl.data.columns import COLUMNS
from crm_rl.data.problems import DataError
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
        `row`, is the row's number in a spreadsheet: the header is row 1. Nothing is left out or changed.

    Raises:
        DataError: the file is missing, of another kind, damaged or empty.
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
    readers = {".csv": _load_csv, ".xlsx": _load_excel}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: not a .csv or .xlsx file. Remedy: save the export as one of these.")
    header, rows = readers[path.suffix.lower()](path)
    _check_header(path, header)
    return as_rows(pd.DataFrame(rows, columns=header, dtype=object))


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


def _check_header(path: Path, header: list[str]) -> None:
    """Refuse a file whose first row cannot be told apart into the columns of an export."""
    known = [name for name in header if name in COLUMNS]
    if not known:
        begins = ", ".join(repr(name[:40]) for name in header[:3] if name) or "nothing"
        raise DataError(
            f"{path}: row 1 holds none of the {len(COLUMNS)} column names (it begins with {begins}). Remedy: put the "
            "column names in row 1, of a workbook's first sheet, and commas between the columns of a .csv file."
        )
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: row 1 holds more than once: {', '.join(twice)}. Remedy: keep one column of each name."
        )


def _load_csv(path: Path) -> tuple[list[str], np.ndarray]:
    try:
        # the header is read as any other row: pandas would rename a second "Country" and go on
        cells = pd.read_csv(
            path,
            header=None,
            dtype=object,
            keep_default_na=False,
            skip_blank_lines=False,
            encoding="utf-8-sig",
        )
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not text in UTF-8 ({error}). Remedy: save it as 'CSV UTF-8'.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            f"{path}: cannot be read as a table ({str(error).strip()}). Remedy: save it as CSV again, with the column "
            "names in row 1 and as many cells in every row."
        ) from error
    return cells.iloc[0].tolist(), cells.iloc[1:].to_numpy()


def _load_excel(path: Path) -> tuple[list[str], list[list[Any]]]:
    # calamine hands over a day number that Excel cannot show as a date as the number it is; openpyxl loses it
    try:
        sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
        table = sheet.to_python(skip_empty_area=False) or [[]]
        if _mentions_errors(path):
            _put_back_errors(path, table)
    except (python_calamine.CalamineError, zipfile.BadZipFile, zlib.error, OSError) as error:
        raise DataError(
            f"{path}: not a readable Excel workbook ({error}). Remedy: if it was cut off in a download, fetch it "
            "again; if it is another kind of file, save it as .xlsx."
        ) from error
    header, *rows = table
    return [str(name) for name in header], [list(map(_as_in_a_csv, row)) for row in rows]


def _mentions_errors(path: Path) -> bool:
    """Whether a cell of any sheet holds a formula's error, such as #N/A."""
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            if name.startswith("xl/worksheets/"):
                with parts.open(name) as sheet:
                    before = b""
                    while chunk := sheet.read(1 << 20):
                        if b't="e"' in before + chunk:
                            return True
                        before = chunk[-8:]
    return False


def _put_back_errors(path: Path, table: list[list[Any]]) -> None:
    """Fill in the errors, which calamine hands over as if the cells were empty."""
    sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0]
    for row, cells in zip(table, sheet.iter_rows(), strict=False):
        for column, cell in enumerate(cells):
            if cell.data_type == "e" and row[column] == "":
                row[column] = cell.value


def _as_in_a_csv(cell: Any) -> Any:
    """A cell as the same sheet saved as CSV would show it, but for dates: no `1.0` for 1, and TRUE is a word."""
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    return cell
