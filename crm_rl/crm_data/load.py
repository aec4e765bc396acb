"""Load an export as it stands: the cells of its 13 columns, unjudged, numbered as the spreadsheet numbers its rows."""

import os
import zipfile
from pathlib import Path

import pandas as pd
import python_calamine

from crm_rl.crm_data.columns import COLUMNS

PROJECT = Path(__file__).parents[2]

#: The synthetic twin of the original export: what everything runs on unless told otherwise.
TWIN = PROJECT / "data" / "raw" / "crm_twin.csv"


class DataError(ValueError):
    """The data cannot be used. The message names the file, the places and the remedies."""


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
    if not path.is_file():
        raise DataError(
            f"{path}: there is no such file. Remedy: check the name, or run `python -m crm_rl fetch`."
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty. Remedy: export the customers again.")
    readers = {".csv": _load_csv, ".xlsx": _load_excel}
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: not a .csv or .xlsx file. Remedy: save the export as one of these.")
    raw = readers[path.suffix.lower()](path)
    raw.index = pd.RangeIndex(2, len(raw) + 2, name="row")
    return raw


def _load_csv(path: Path) -> pd.DataFrame:
    try:
        raw = pd.read_csv(
            path, dtype=str, keep_default_na=False, skip_blank_lines=False, encoding="utf-8-sig"
        )
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not text in UTF-8 ({error}). Remedy: save it as 'CSV UTF-8'.") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            f"{path}: cannot be read as a table ({error}). Remedy: save it as CSV again."
        ) from error
    return raw.replace("", None)


def _load_excel(path: Path) -> pd.DataFrame:
    # calamine hands over a day number that Excel cannot show as a date as the number it is; openpyxl loses it
    try:
        sheet = python_calamine.CalamineWorkbook.from_path(path).get_sheet_by_index(0)
        header, *rows = sheet.to_python(skip_empty_area=False) or [list(COLUMNS)]
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError) as error:
        raise DataError(
            f"{path}: not a readable Excel workbook ({error}). Remedy: if it was cut off in a download, fetch it again; "
            "if it is another kind of file, save it as .xlsx."
        ) from error
    raw = pd.DataFrame(rows, columns=[str(name) for name in header], dtype=object)
    return raw.mask(raw == "", None)
