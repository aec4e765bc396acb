"""The 17,640 cells: seven attributes, what their values are called, the counts, and all arithmetic on cells.

A cell is one value of each attribute, so one kind of email to one kind of customer. As a **state** it is seven whole
numbers, in the order of `ATTRIBUTES`; as an **index** it is its row in every table, from 0 to 17,639.
"""

from typing import NamedTuple

import numpy as np


class Attribute(NamedTuple):
    """One of the seven parts of a state.

    Attributes:
        column: its name in the permutation table.
        label: its name in the service's answers.
        values: what each code stands for, from the lowest.
        edges: for a band: where the next one begins, in years; a customer of 20 is in "20 - 25".
        first: the lowest code.
    """

    column: str
    label: str
    values: tuple[str, ...]
    edges: tuple[int, ...] = ()
    first: int = 0


#: In the order of a state. The weekday is that of pandas: 0 is Monday.
ATTRIBUTES = (
    Attribute("SubjectLine_ID", "Email Subject", ("Email Subject 1", "Email Subject 2", "Email Subject 3"), first=1),
    Attribute(
        "Sent_Day",
        "Day of Week",
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    ),
    Attribute(
        "Tenure_Group",
        "Tenure Group",
        ("< 5", "5 - 10", "10 - 15", "15 - 20", "20 - 25", "25 - 30", "> 30"),
        (5, 10, 15, 20, 25, 30),
    ),
    Attribute(
        "Email_Domain",
        "Email Domain",
        ("aol.com", "comcast.net", "gmail.com", "hotmail.com", "msn.com", "yahoo.com"),
    ),
    Attribute("Age_Group", "Age Group", ("< 20", "20 - 25", "25 - 35", "35 - 45", "> 45"), (20, 25, 35, 45)),
    Attribute("Gender", "Gender", ("Female", "Male")),
    Attribute("Type", "Customer Type", ("Business", "Consumer")),
)
SUBJECT, WEEKDAY, TENURE, DOMAIN, AGE, GENDER, TYPE = range(7)

#: What the published service called the codes of the weekday, one day off.
PUBLISHED_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

SHAPE = tuple(len(attribute.values) for attribute in ATTRIBUTES)
FIRST = np.array([attribute.first for attribute in ATTRIBUTES])
N_CELLS = int(np.prod(SHAPE))

#: The attributes of a customer; a combination of them is a **group**, numbered from 0 to 839.
CUSTOMER = (TENURE, DOMAIN, AGE, GENDER, TYPE)
GROUPS = tuple(SHAPE[attribute] for attribute in CUSTOMER)

#: An action moves one attribute to its next value, and from the last to the first: these, in the published order.
MOVED = (WEEKDAY, TENURE, DOMAIN, AGE, GENDER, TYPE, SUBJECT)


class Counts(NamedTuple):
    """What became of the emails of each cell.

    Attributes:
        sent: shape (17640,), int64.
        answered: of the same shape; never more than were sent.
    """

    sent: np.ndarray
    answered: np.ndarray

    def rates(self) -> np.ndarray:
        """The share of each cell's emails that were answered, shape (17640,); missing where none were sent."""
        return np.divide(self.answered, self.sent, out=np.full(len(self.sent), np.nan), where=self.sent > 0)


def encode(states: np.ndarray) -> np.ndarray:
    """The indices of states.

    Args:
        states: shape (..., 7), whole numbers: subject 1 to 3, every other attribute from 0.

    Returns:
        Shape (...), from 0 to 17,639; a plain state gives one number.

    Raises:
        ValueError: a state has another length, or a number that its attribute does not have; all such are named.
    """
    states = np.asarray(states)
    if states.shape[-1:] != (len(SHAPE),) or states.dtype.kind not in "iu":
        raise ValueError(f"a state is {len(SHAPE)} whole numbers: {', '.join(a.column for a in ATTRIBUTES)}.")
    codes = states - FIRST
    wrong = ((codes < 0) | (codes >= SHAPE)).reshape(-1, len(SHAPE)).any(axis=0)
    if wrong.any():
        allowed = [
            f"{a.column} is {a.first} to {a.first + len(a.values) - 1}"
            for a, bad in zip(ATTRIBUTES, wrong, strict=True)
            if bad
        ]
        raise ValueError(f"no such state: {', '.join(allowed)}.")
    return np.ravel_multi_index(tuple(np.moveaxis(codes, -1, 0)), SHAPE)


def decode(cells: np.ndarray) -> np.ndarray:
    """The states of cells, shape (..., 7), as `encode` takes them."""
    return np.stack(np.unravel_index(cells, SHAPE), axis=-1) + FIRST


def cells_of(subjects: np.ndarray, weekdays: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The cells of emails by subject (from 0), weekday and customer group, each of the same shape."""
    return np.ravel_multi_index((subjects, weekdays, groups), (*SHAPE[:TENURE], int(np.prod(GROUPS))))


def neighbours() -> np.ndarray:
    """Where each action leads from each cell: indices, shape (17640, 7)."""
    cells = np.arange(N_CELLS).reshape(SHAPE)
    return np.stack([np.roll(cells, -1, axis=axis).ravel() for axis in MOVED], axis=1)


def profile(cell: int, weekdays: tuple[str, ...] = ATTRIBUTES[WEEKDAY].values) -> dict[str, str]:
    """What a cell is, in words, under the names that the service answers with; the subject among them.

    Args:
        cell: an index.
        weekdays: what codes 0 to 6 are called; the published service's are `PUBLISHED_WEEKDAYS`.
    """
    codes = np.unravel_index(cell, SHAPE)
    words = {a.label: a.values[code] for a, code in zip(ATTRIBUTES, codes, strict=True)}
    return words | {ATTRIBUTES[WEEKDAY].label: weekdays[codes[WEEKDAY]]}


def band(values: np.ndarray, attribute: int) -> np.ndarray:
    """The codes of ages or tenures in years: `attribute` is AGE or TENURE."""
    return np.searchsorted(ATTRIBUTES[attribute].edges, values, side="right")
