"""The parts of an .xlsx file: a zip of XML (ECMA-376, part 1, chapter 18), read cell by cell.

Libraries that hand over a rectangle of values pass over what would spoil them here (a formula whose result was never
saved, the cells that a merged range has swallowed, days that count from 1904), and one stray blank in the last column
of a sheet makes their rectangle gigabytes large. What is read here is what is in the file, and no more.
"""

import datetime
import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.cell import column_index_from_string
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from crm_rl.data.cells import LAST_EXCEL_DAY

#: Day 0 of a workbook that counts from 1904 is this day of one that counts from 1900.
DAYS_TO_1904 = 1462

#: Number formats that East Asian editions show as dates; a file names them by number alone.
EAST_ASIAN_DATES = (*range(27, 37), *range(50, 59))

TRUE = ("1", "true")

#: What a cell without its value is: a formula that no spreadsheet program has worked out yet.
UNSAVED = object()


class Workbook:
    """The first sheet of a workbook, and what its cells refer to: shared texts, number formats, the first day.

    Args:
        parts: the opened file.

    Attributes:
        sheet: the first sheet's name.
        hidden: whether the first sheet is hidden.
        is_worksheet: whether it has cells; a chart may fill a sheet of its own.
        from_1904: whether days count from 1904.
        merged: the merged ranges, such as "B3:B5"; complete once `rows` has come to its end.

    Raises:
        zipfile.BadZipFile, zlib.error, ElementTree.ParseError, LookupError, ValueError, RuntimeError: no workbook, or
        a damaged or encrypted one. So does `rows`.
    """

    def __init__(self, parts: zipfile.ZipFile):
        self._parts, self.merged = parts, []
        ((_, place),) = (target for target in _targets(parts, "").values() if target[0] == "officeDocument")
        book = ElementTree.fromstring(parts.read(place))
        self._xml = book.tag.removesuffix("workbook")  # the namespace, in braces
        self._row, self._v = f"{self._xml}row", f"{self._xml}v"
        targets = _targets(parts, place)
        sheet = book.find(f"{self._xml}sheets/{self._xml}sheet")
        (reference,) = (value for name, value in sheet.attrib.items() if name.endswith("}id"))
        kind, self._sheet = targets[reference]
        self.sheet, self.hidden = sheet.get("name"), sheet.get("state", "visible") != "visible"
        self.is_worksheet = kind == "worksheet"
        self.from_1904 = self._setting(book, "workbookPr", "date1904")
        self._waits_for_a_program = self._setting(book, "calcPr", "fullCalcOnLoad")
        by_kind = dict(targets.values())
        self._texts = self._shared_texts(by_kind["sharedStrings"]) if "sharedStrings" in by_kind else []
        self._formats = self._date_formats(by_kind["styles"]) if "styles" in by_kind else []

    def rows(self) -> Iterator[tuple[int, dict[int, Any]]]:
        """Each row that the file holds: its number, and column (from 1) -> cell, without the empty ones.

        A cell is text, a number, a date as Python's, an error's name such as "#N/A", or `UNSAVED`.
        """
        row = 0
        with self._parts.open(self._sheet) as file:
            for _, element in ElementTree.iterparse(file):
                if element.tag == self._row:
                    row = int(element.get("r", row + 1))
                    yield row, self._cells(element)
                    element.clear()
                elif element.tag == f"{self._xml}mergeCell":
                    self.merged.append(element.get("ref"))

    def _cells(self, row: ElementTree.Element) -> dict[int, Any]:
        cells, column = {}, 0
        for cell in row:
            place = cell.get("r")
            column = column_index_from_string(place.rstrip("0123456789")) if place else column + 1
            value = self._value(cell) if len(cell) else None
            if value is not None and not (isinstance(value, str) and not value.strip()):
                cells[column] = value
        return cells

    def _value(self, cell: ElementTree.Element) -> Any:
        kind, inside = cell.get("t", "n"), {part.tag: part for part in cell}
        if kind == "inlineStr":
            return self._text(inside[f"{self._xml}is"])
        written = inside[self._v].text or "" if self._v in inside else None
        if f"{self._xml}f" in inside and self._is_unsaved(kind, written):
            return UNSAVED
        if not written:
            return None
        if kind == "s":
            return self._texts[int(written)]
        if kind == "b":
            return "TRUE" if written in TRUE else "FALSE"
        return self._number(float(written), int(cell.get("s", 0))) if kind == "n" else _unescaped(written)

    def _is_unsaved(self, kind: str, written: str | None) -> bool:
        """Whether a formula has no result; some programs write a 0 for one and leave a note to work it out."""
        if kind == "str":  # the result may be an empty text
            return written is None
        return not written or (written == "0" and self._waits_for_a_program)

    def _number(self, number: float, style: int) -> Any:
        """A number, a day or a time; a day that no spreadsheet can show is the number it is."""
        show_as = self._formats[style] if style < len(self._formats) else None
        last = LAST_EXCEL_DAY - DAYS_TO_1904 * self.from_1904
        if show_as and 0 <= number < last + 1:
            first_day = CALENDAR_MAC_1904 if self.from_1904 else CALENDAR_WINDOWS_1900
            moment = from_excel(number, first_day, timedelta=show_as == "duration")
            midnight = isinstance(moment, datetime.datetime) and moment.time() == datetime.time()
            return moment.date() if midnight else moment
        return int(number) if number.is_integer() and abs(number) < 1e15 else number

    def _setting(self, book: ElementTree.Element, element: str, name: str) -> bool:
        found = book.find(f"{self._xml}{element}")
        return found is not None and found.get(name, "0") in TRUE

    def _shared_texts(self, place: str) -> list[str]:
        return [self._text(item) for item in ElementTree.fromstring(self._parts.read(place))]

    def _text(self, item: ElementTree.Element) -> str:
        """A text in one piece or in runs of several fonts, without the reading aids of Japanese."""
        pieces = item.findall(f"{self._xml}t") + item.findall(f"{self._xml}r/{self._xml}t")
        return _unescaped("".join(piece.text or "" for piece in pieces))

    def _date_formats(self, place: str) -> list[str | None]:
        """For each style of a cell: "date", "duration" or None."""
        styles = ElementTree.fromstring(self._parts.read(place))
        codes = {int(form.get("numFmtId")): form.get("formatCode") for form in styles.iter(f"{self._xml}numFmt")}
        numbers = [int(style.get("numFmtId", 0)) for style in styles.iterfind(f"{self._xml}cellXfs/{self._xml}xf")]
        return [_shown_as(number, codes.get(number, BUILTIN_FORMATS.get(number))) for number in numbers]


def _targets(parts: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """What a part refers to ("" is the whole file): reference -> (kind, name of the part)."""
    folder, name = posixpath.split(part)
    relations = ElementTree.fromstring(parts.read(posixpath.join(folder, "_rels", f"{name}.rels")))
    return {
        relation.get("Id"): (
            relation.get("Type").rpartition("/")[2],
            posixpath.normpath(posixpath.join("/", folder, relation.get("Target"))).lstrip("/"),
        )
        for relation in relations
    }


def _shown_as(number: int, code: str | None) -> str | None:
    if number in EAST_ASIAN_DATES or (code and is_date_format(code)):
        return "duration" if code and is_timedelta_format(code) else "date"
    return None


def _unescaped(text: str) -> str:
    """Characters that XML cannot hold are written as _x000D_ and the like."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)), text) if "_x" in text else text
