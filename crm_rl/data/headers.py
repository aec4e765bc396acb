"""Row 1 of an export: can its columns be told apart, and which name stands for one of ours in other letters?"""

import difflib
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from crm_rl.data.columns import COLUMNS
from crm_rl.data.problems import DataError


def plain(name: str) -> str:
    """A name without what people overlook: capitals, stray or odd blanks, line breaks, underscores for blanks."""
    return " ".join(unicodedata.normalize("NFKC", name).replace("_", " ").split()).casefold()


def look_alike(name: str, present: Iterable[str]) -> str | None:
    """The name in a file, none of ours, that comes closest to one of ours; None where none comes close."""
    others = {plain(other): other for other in present if other not in COLUMNS and plain(other)}
    close = difflib.get_close_matches(plain(name), others, n=1)
    return others[close[0]] if close else None


def check_header(path: Path, header: list[str]) -> None:
    """Refuse a file whose first row cannot be told apart into the columns of an export.

    Args:
        path: the file, for the message.
        header: the names in row 1.

    Raises:
        DataError: none of the names is one of ours, or one of ours stands there twice.
    """
    known = [name for name in header if name in COLUMNS]
    if not known:
        raise DataError(f"{path}: row 1 holds none of the {len(COLUMNS)} column names {_what_it_holds(header)}")
    twice = sorted({name for name in known if known.count(name) > 1})
    if twice:
        raise DataError(
            f"{path}: row 1 holds more than once: {', '.join(twice)}. Remedy: keep one column of each name."
        )


def _what_it_holds(header: list[str]) -> str:
    found = {name: look_alike(name, header) for name in COLUMNS}
    should_be = [f"{other!r} should be {name!r}" for name, other in found.items() if other]
    if should_be:
        return f"as they are written: {', '.join(should_be)}. Remedy: give the columns these names, to the letter."
    begins = ", ".join(repr(name[:40]) for name in header[:3] if name) or "nothing"
    return (
        f"(it begins with {begins}). Remedy: put the column names in row 1, of a workbook's first sheet, and commas "
        "between the columns of a .csv file."
    )
