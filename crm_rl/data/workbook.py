"""Load the first sheet of an .xlsx workbook, or say in which cells values are lost that the sheet once had."""

import zipfile
import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from openpyxl.utils.cell import get_column_letter, range_boundaries

from crm_rl.data.cells import LAST_EXCEL_DAY
from crm_rl.data.columns import COLUMNS, DATE_COLUMNS
from crm_rl.data.problems import DataError
from crm_rl.data.xlsx import DAYS_TO_1904, UNSAVED, Workbook

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    OSError,
    EOFError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
)


def load_workbook(path: Path) -> tuple[list[str], list[list[Any]]]:
    """Load the first sheet.

    Args:
        path: the .xlsx file.

    Returns:
        The names in row 1, and the cells of row 2 and those below, as many as there are names; None where there is
        nothing. Columns with neither a name nor a cell are left out, so are rows after the last that holds anything. A
        day number that is not shown as a date counts as in a workbook that counts from 1900.

    Raises:
        DataError: the file is no workbook or a damaged one, its first sheet is hidden or a chart, or cells of ours are
            formulas without results or lie in merged ranges. The message names them all.
    """
    try:
        with zipfile.ZipFile(path) as parts:
            book = Workbook(parts)
            rows = dict(book.rows()) if book.is_worksheet else {}
    except DAMAGE as error:
        raise DataError(
            f"{path}: not a readable Excel workbook ({error}). Remedy: if it was cut off in a download, fetch it "
            "again; if it is another kind of file or has a password, save it as .xlsx without one."
        ) from error
    if book.hidden or not book.is_worksheet:
        kind = "is hidden" if book.hidden else "is a chart"
        raise DataError(
            f"{path}: the first sheet, {book.sheet!r}, {kind}. Remedy: move the sheet with the customers to the front."
        )
    header = {column: str(name) for column, name in rows.pop(1, {}).items()}
    last_row = max((row for row, cells in rows.items() if cells), default=1)
    _refuse_lost_values(path, header, rows, book.merged, last_row)
    return _table(header, rows, last_row, book.from_1904)


def _refuse_lost_values(path: Path, header: dict[int, str], rows: dict, merged: list[str], last_row: int) -> None:
    """Name every place in our columns where the sheet shows, or has shown, more than the file holds."""
    ours = [column for column, name in header.items() if name in COLUMNS]
    unsaved = [
        f"{get_column_letter(column)}{row}"
        for row, cells in rows.items()
        for column in ours
        if cells.get(column) is UNSAVED
    ]
    over_data = []
    for place in merged:
        left, top, right, bottom = range_boundaries(place)
        if (left, top) != (right, bottom) and top <= last_row and any(left <= column <= right for column in ours):
            over_data.append(place)
    faults = []
    if unsaved:
        faults.append(
            f"{len(unsaved):,} formulas without their results: {_some(unsaved)}. Remedy: open the file in a "
            "spreadsheet program, save it there, and try again."
        )
    if over_data:
        faults.append(
            f"{len(over_data):,} merged ranges, which keep the value of their first cell alone: {_some(over_data)}. "
            "Remedy: unmerge them, and fill in the cells."
        )
    if faults:
        raise DataError("\n".join(f"{path}: {fault}" for fault in faults))


def _some(places: list[str], most: int = 20) -> str:
    more = f" and {len(places) - most:,} more" if len(places) > most else ""
    return ", ".join(places[:most]) + more


def _table(header: dict[int, str], rows: dict, last_row: int, from_1904: bool) -> tuple[list[str], list[list[Any]]]:
    columns = sorted(header.keys() | {column for cells in rows.values() for column in cells})
    names = [header.get(column, "") for column in columns]
    if from_1904:
        dates = [column for column in columns if header.get(column) in DATE_COLUMNS]
        for cells in rows.values():
            cells |= {column: _from_1900(cells[column]) for column in dates if column in cells}
    nothing: dict[int, Any] = {}
    table = []
    for row in range(2, last_row + 1):
        cells = rows.get(row, nothing)
        table.append([_known(cells.get(column)) for column in columns])
    return names, table


def _from_1900(cell: Any) -> Any:
    """A day number as a workbook that counts from 1900 has it, whether it is a number or text."""
    try:
        day = float(cell)
    except (TypeError, ValueError):
        return cell
    return type(cell)(day + DAYS_TO_1904) if 1 <= day <= LAST_EXCEL_DAY - DAYS_TO_1904 else cell


def _known(cell: Any) -> Any:
    return None if cell is UNSAVED else cell  # in a column that is not ours
