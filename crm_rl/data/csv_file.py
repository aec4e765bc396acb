"""Load a .csv file, or say where a stray quote has swallowed rows."""

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.data.columns import COLUMNS
from crm_rl.data.headers import plain
from crm_rl.data.problems import DataError

END = "the end of the file"


class Quoted(NamedTuple):
    """A cell in quotes that goes on over a line end: its column, and the rows in which the quotes open and close."""

    column: str
    opens: int
    closes: int | None

    def __str__(self) -> str:
        closes = "never closes" if self.closes is None else f"closes in row {self.closes:,}"
        return f"a quote opens in row {self.opens:,} ({self.column}) and {closes}"


def load_csv(path: Path) -> tuple[list[str], np.ndarray]:
    """Load a .csv file in UTF-8.

    Args:
        path: the file.

    Returns:
        The names in row 1, and the cells below as text, shape (rows, columns).

    Raises:
        DataError: the file is not in UTF-8 or no table, or a cell in quotes holds line ends or whole rows. The message
            names all such places.
    """
    try:
        _refuse_swallowed_rows(path)
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


def _refuse_swallowed_rows(path: Path, most: int = 20) -> None:
    places = [str(quoted) for quoted in _over_line_ends(path)]
    if places:
        more = [f"and {len(places) - most:,} more"] if len(places) > most else []
        shown = "".join(f"\n    {place}" for place in [*places[:most], *more])
        raise DataError(
            f"{path}: cells go on over the end of their row, and no column of an export holds line breaks:{shown}\n"
            'Remedy: remove the stray quotes ("), or the line breaks inside the cells.'
        )


def _over_line_ends(path: Path) -> Iterator[Quoted]:
    """Each cell that holds a line break, but for those in wrapped names and in notes of other people's columns."""
    header: list[str] = []
    with path.open(encoding="utf-8-sig", newline="") as file, _cells_of_any_length():
        row, reader = 1, csv.reader(chain(file, [END]))  # a quote that never closes swallows END, too
        for cells in reader:
            never_closes = cells != [END] and cells[-1:] != [] and cells[-1].endswith(END)
            if reader.line_num > row or never_closes:
                yield from _in_record(cells, header, row, never_closes)
            header = header or cells
            row = reader.line_num + 1


def _in_record(cells: list[str], header: list[str], row: int, never_closes: bool) -> Iterator[Quoted]:
    for place, cell in enumerate(cells):
        breaks = len(re.findall(r"\r\n|\r|\n", cell))
        name = header[place].strip() if place < len(header) else ""
        quoted = Quoted(name or f"column {place + 1}", row, row + breaks)
        if never_closes and place == len(cells) - 1:
            yield quoted._replace(closes=None)
        elif breaks and not (_is_note(cell, cells, header, name) if header else _is_wrapped_name(cell)):
            yield quoted
        row += breaks


def _is_wrapped_name(cell: str) -> bool:
    return plain(cell) in map(plain, COLUMNS)


def _is_note(cell: str, cells: list[str], header: list[str], name: str) -> bool:
    """Whether a cell in a column that is not ours is text of several lines, and has swallowed no row."""
    is_ours = plain(name) in map(plain, COLUMNS)
    return not is_ours and len(cells) == len(header) and cell.count(",") < len(header) - 1


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    """The csv module gives up on long cells: those that have swallowed a whole file."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)
