"""Every fault an export can have: what it means, what to do about it, and how serious it is."""

from typing import NamedTuple


class DataError(ValueError):
    """The data cannot be used. The message names the file, the places and the remedies."""


ERROR, REPAIRED, NOTED, WARNING = "error", "repaired", "noted", "warning"


class Problem(NamedTuple):
    """A kind of fault. ERROR stops the work, REPAIRED is mended and counted, NOTED is left as it is and counted.

    WARNING is for what one cell may have and a whole column should not: the work goes on, and may be worth nothing.
    """

    severity: str
    meaning: str
    remedy: str


PROBLEMS = {
    "missing column": Problem(ERROR, "the column is not in the file", "add it, or give it back its name"),
    "no rows": Problem(ERROR, "the file has a header and nothing below it", "export the customers again"),
    "missing ID": Problem(ERROR, "a row has data and no ID", "give the row an ID of its own"),
    "ID is not a whole number": Problem(ERROR, "the ID cannot name a customer", "use whole numbers from 1"),
    "duplicate ID": Problem(ERROR, "two rows carry one ID", "keep one row for each customer"),
    "too many unreadable dates": Problem(
        ERROR,
        "more than 5% of the column's non-empty cells cannot be read as dates",
        "write dates as YYYY-MM-DD",
    ),
    "empty row": Problem(REPAIRED, "a row with nothing in it", "left out"),
    "date as text": Problem(REPAIRED, "a date typed as DD.MM.YYYY", "read as that day"),
    "date as number": Problem(REPAIRED, "an Excel day number without its date format", "read as that day"),
    "unknown date": Problem(
        REPAIRED,
        "0000-00-00, written where nobody knew the day",
        "the day becomes unknown (a milestone still counts as reached)",
    ),
    "unreadable date": Problem(
        REPAIRED, "no day of any calendar", "the day becomes unknown (a milestone still counts as reached)"
    ),
    "looks like a negative": Problem(
        REPAIRED,
        "a milestone's cell that says no in other words than No, as 0, n/a or a dash do",
        "counted as reached, on an unknown day; if it was not, write No or leave the cell empty",
    ),
    "before 2000": Problem(
        REPAIRED,
        "a date older than any customer relation here",
        "the day becomes unknown (a milestone still counts as reached)",
    ),
    "after the snapshot": Problem(
        REPAIRED,
        "a date after the day of the export",
        "the day becomes unknown (a milestone still counts as reached)",
    ),
    "drag-fill": Problem(
        REPAIRED,
        "contact dates in two or more neighbouring rows, each exactly a year after the one above: a spreadsheet's "
        "fill handle (now and then chance makes such a pair)",
        "the whole run becomes missing, since nobody can tell which of it was typed",
    ),
    "other spelling": Problem(REPAIRED, "a known value in other letters or spaces", "read as the known value"),
    "not one country": Problem(REPAIRED, "no country, or more than one", "becomes missing"),
    "unknown bootcamp": Problem(REPAIRED, "not one of B1 to B30", "becomes missing"),
    "unknown status": Problem(REPAIRED, "not one of the known messages", "becomes missing"),
    "unknown stage": Problem(REPAIRED, "not one of the known notes", "becomes missing"),
    "unexpected column": Problem(NOTED, "a column that the export should not have", "ignored"),
    "answered No": Problem(NOTED, "a readable negative", "the milestone has not been reached"),
    "no first contact": Problem(
        NOTED, "no readable first contact date", "kept; the arrival is the first milestone or else the last contact"
    ),
    "no arrival": Problem(NOTED, "no readable date of any use", "kept, and left out of work that needs time"),
    "milestone before first contact": Problem(NOTED, "the order of two dates is odd", "kept as written"),
    "last contact before first": Problem(NOTED, "the order of two dates is odd", "kept as written"),
    "stage alone says subscribed": Problem(NOTED, "the note says so, the date column does not", "not a subscriber"),
    "stage does not say subscribed": Problem(NOTED, "the date column says so, the note does not", "a subscriber"),
    "many unknown values": Problem(
        WARNING,
        "more than 5% of the column's non-empty cells are none of the known values, and became missing",
        "is it the right column, in the words this book knows?",
    ),
    "many dates after the snapshot": Problem(
        WARNING,
        "more than 5% of the column's non-empty cells lie after the day of the export (drag-fill aside)",
        "is the snapshot date right? choose the day of the export (on the command line with --snapshot)",
    ),
    "no subscriber": Problem(
        WARNING, "nobody has reached the goal", "there is nothing to learn from; is the column filled in?"
    ),
}

#: What a few cells may have and a column may not: more than 5% of its non-empty cells with one of these faults.
TOO_OFTEN = {
    "too many unreadable dates": ("unreadable date", "looks like a negative"),
    "many unknown values": ("not one country", "unknown bootcamp", "unknown status", "unknown stage"),
    "many dates after the snapshot": ("after the snapshot",),
}
