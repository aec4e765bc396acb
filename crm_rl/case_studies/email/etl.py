"""From the three raw files (emails sent, answers, customers) to the permutation table; what is faulty is counted.

Dates and words are read as categories: each spelling is then parsed once, not once for each of millions of rows.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.case_studies.email.cells import (
    AGE,
    ATTRIBUTES,
    DOMAIN,
    GROUPS,
    N_CELLS,
    SHAPE,
    SUBJECT,
    TENURE,
    Counts,
    band,
    cells_of,
)
from crm_rl.data.problems import DataError

SENT = ("Sent_Date", "Customer_ID", "SubjectLine_ID")
RESPONDED = ("Responded_Date", "Customer_ID", "SubjectLine_ID")
USERBASE = ("Customer_ID", "Gender", "Age", "Email_Address", "Tenure", "Type")

DOMAINS = {name: code for code, name in enumerate(ATTRIBUTES[DOMAIN].values)}
GENDERS = {"f": 0, "female": 0, "m": 1, "male": 1}
TYPES = {"b": 0, "business": 0, "c": 1, "consumer": 1}

#: The columns of which millions of cells share a few spellings.
WORDS = ("Sent_Date", "Responded_Date", "Gender", "Type")

#: Days after an email in which an answer counts, unless said otherwise.
WINDOW = 14

#: No age and no tenure reaches this.
MOST_YEARS = 150

#: More than the days of any calendar here, so that customer, subject and day fit into one number.
DAYS = 2**20


class Report(NamedTuple):
    """What was counted on the way.

    Attributes:
        sent: emails in the table.
        answered: of which so many were answered.
        joined: so many would be, if an answer counted for every email of its subject to its customer.
        left_out: rows that are not in the table, by what is wrong with them; a row counts once.
    """

    sent: int
    answered: int
    joined: int
    left_out: dict[str, int]

    def __str__(self) -> str:
        lines = [f"{self.sent:,} emails, {self.answered:,} answered ({self.answered / self.sent:.1%})"]
        lines += [f"{self.joined:,} ({self.joined / self.sent:.1%}) if an answer counted for each email of its subject"]
        lines += [f"left out: {number:,} {fault}" for fault, number in self.left_out.items() if number]
        return "\n".join(lines)


class Events(NamedTuple):
    """Emails or answers that can be used.

    Attributes:
        customer: shape (events,), int64: the row of the customer.
        subject: of the same shape: from 0.
        day: of the same shape: days since 1970.
    """

    customer: np.ndarray
    subject: np.ndarray
    day: np.ndarray

    def pair(self) -> np.ndarray:
        """One number for customer and subject."""
        return self.customer * SHAPE[SUBJECT] + self.subject

    def place(self) -> np.ndarray:
        """One number for customer, subject and day, which sorts in this order."""
        return self.pair() * DAYS + self.day


def prepare(sent: Path, responded: Path, userbase: Path, window: int = WINDOW) -> tuple[Counts, Report]:
    """Make the permutation table. An answer belongs to the last email of its subject that its customer got before it.

    Answers that come more than `window` days after that email are left out: they are hardly due to it.

    Args:
        sent: a row an email, with the columns `SENT`; dates as YYYY-MM-DD.
        responded: a row an answer, with the columns `RESPONDED`.
        userbase: a row a customer, with the columns `USERBASE`; age and tenure in years.
        window: days; 0 counts answers of the same day only.

    Raises:
        ValueError: the window is negative.
        DataError: a file cannot be used, or no email is left; all that is wrong is named at once.
    """
    if window < 0:
        raise ValueError(f"window is {window}. Remedy: a number of days, 0 or more.")
    emails, answers, people = _read_all({sent: SENT, responded: RESPONDED, userbase: USERBASE})
    ids, groups, left_out = _customers(people)
    emails, faults = _events(emails, ids, "emails")
    left_out |= faults
    answers, faults = _events(answers, ids, "answers")
    left_out |= faults

    places, first = np.unique(emails.place(), return_index=True)  # sorted by customer, subject and day
    left_out["emails a second time to the same customer on the same day"] = len(emails.day) - len(places)
    emails = Events(*(part[first] for part in emails))
    last = np.searchsorted(places, answers.place(), side="right") - 1
    found = (last >= 0) & (emails.pair()[last] == answers.pair()) if len(places) else np.zeros(len(last), dtype=bool)
    left_out["answers without an email before them"] = int((~found).sum())
    late = found.copy()
    late[found] = answers.day[found] - emails.day[last[found]] > window
    left_out[f"answers more than {window} days after the email"] = int(late.sum())
    found &= ~late
    answered = np.unique(last[found])
    left_out["answers to an email that has one"] = int(found.sum()) - len(answered)

    fits = groups[emails.customer] >= 0
    left_out["emails to customers who fit no cell"] = int((~fits).sum())
    if not fits.any():
        raise DataError(f"{sent}: no email can be used. Remedy: see to the following.\n" + _lines(left_out))
    weekday = (emails.day + 3) % 7  # the first day of 1970 was a Thursday
    index = cells_of(emails.subject, weekday, np.maximum(groups[emails.customer], 0))
    hit = np.zeros(len(fits), dtype=bool)
    hit[answered] = True
    counts = Counts(*(np.bincount(index[which], minlength=N_CELLS) for which in (fits, fits & hit)))
    joined = int((fits & np.isin(emails.pair(), emails.pair()[answered])).sum())
    return counts, Report(int(counts.sent.sum()), int(counts.answered.sum()), joined, left_out)


def _read_all(files: dict[Path, tuple[str, ...]]) -> list[pd.DataFrame]:
    tables, problems = [], []
    for path, columns in files.items():
        try:
            tables.append(_read(path, columns))
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    return tables


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(
            path,
            usecols=lambda name: name in columns,
            dtype={name: "category" for name in columns if name in WORDS} | {"Email_Address": str},
            encoding="utf-8-sig",
            low_memory=False,
        )
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}. Remedy: name a file that can be read.") from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise DataError(
            f"{path}: not a table in UTF-8 ({str(error).strip()}). Remedy: save it as 'CSV UTF-8'."
        ) from error
    if missing := [name for name in columns if name not in table]:
        raise DataError(f"{path}: no column {', '.join(missing)}. Remedy: name the columns {', '.join(columns)}.")
    if table.empty:
        raise DataError(f"{path}: a header and nothing below it. Remedy: export the file again.")
    return table


def _numbers(column: pd.Series, below: float) -> np.ndarray:
    """Numbers from 0 to `below`, as floats; missing for anything else."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where((numbers >= 0) & (numbers < below), numbers, np.nan)


def _whole(column: pd.Series) -> np.ndarray:
    """Whole numbers from 0; -1 for anything else."""
    numbers = _numbers(column, 2**53)
    return np.where(numbers % 1 == 0, numbers, -1).astype(np.int64)


def _days(column: pd.Series) -> np.ndarray:
    """Days since 1970; -1 for what is no date from then on."""
    spellings = column.cat.categories.astype(str).str.strip().to_series()
    dates = pd.to_datetime(spellings, format="%Y-%m-%d", errors="coerce").to_numpy()
    days = dates.astype("datetime64[D]").astype(np.int64)
    return np.append(np.where((days >= 0) & (days < DAYS), days, -1), -1)[column.cat.codes]


def _codes(column: pd.Series, words: dict[str, int]) -> np.ndarray:
    """The codes of words; -1 for any other word."""
    spellings = column.cat.categories.astype(str).str.strip().str.lower()
    return np.array([*(words.get(word, -1) for word in spellings), -1])[column.cat.codes]


def _domains(column: pd.Series) -> np.ndarray:
    """The codes of what stands behind the @ of addresses."""
    ends = (str(address).rpartition("@")[2].strip().lower() for address in column)
    return np.array([DOMAINS.get(end, -1) for end in ends])


def _customers(people: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """The customers' IDs, sorted, and the group of each (-1: it fits none)."""
    rows = len(people)
    ids, first = np.unique(_whole(people["Customer_ID"]), return_index=True)
    people = people.iloc[first[ids >= 0]]
    ids = ids[ids >= 0]
    age, tenure = (_numbers(people[name], MOST_YEARS) for name in ("Age", "Tenure"))
    domain, gender = _domains(people["Email_Address"]), _codes(people["Gender"], GENDERS)
    kind = _codes(people["Type"], TYPES)
    fits = ~np.isnan(age) & ~np.isnan(tenure) & (np.minimum(np.minimum(domain, gender), kind) >= 0)
    codes = (band(tenure, TENURE), domain, band(age, AGE), gender, kind)
    groups = np.full(len(ids), -1)
    groups[fits] = np.ravel_multi_index(tuple(code[fits] for code in codes), GROUPS)
    faults = {
        "customers with an ID that is none or not their own": rows - len(ids),
        "customers who fit no cell": int((~fits).sum()),
    }
    return ids, groups, faults


def _events(rows: pd.DataFrame, ids: np.ndarray, called: str) -> tuple[Events, dict[str, int]]:
    """The events that can be used, and how many cannot: each counts under the first of its faults."""
    date = next(name for name in rows if name.endswith("_Date"))
    customer, subject = _whole(rows["Customer_ID"]), _whole(rows["SubjectLine_ID"]) - 1
    day = _days(rows[date])
    row = np.minimum(np.searchsorted(ids, customer), len(ids) - 1)
    stranger = ids[row] != customer if len(ids) else np.ones(len(row), dtype=bool)
    wrong_subject, no_date = (subject < 0) | (subject >= SHAPE[SUBJECT]), day < 0
    faults = {
        f"{called} of unknown customers": int(stranger.sum()),
        f"{called} of unknown subjects": int((wrong_subject & ~stranger).sum()),
        f"{called} with a bad date": int((no_date & ~wrong_subject & ~stranger).sum()),
    }
    good = ~(stranger | wrong_subject | no_date)
    return Events(row[good], subject[good], day[good]), faults


def _lines(faults: dict[str, int]) -> str:
    return "\n".join(f"    {number:,} {fault}" for fault, number in faults.items() if number)
