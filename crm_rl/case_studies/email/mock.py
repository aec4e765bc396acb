"""Three raw files as a company might have them, drawn from the twin's spec, so that what is in them is known."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from crm_rl.case_studies.email.cells import (
    AGE,
    ATTRIBUTES,
    DOMAIN,
    GENDER,
    GROUPS,
    N_CELLS,
    SHAPE,
    SUBJECT,
    TENURE,
    TYPE,
    WEEKDAY,
    Counts,
    cells_of,
)
from crm_rl.case_studies.email.etl import RESPONDED, SENT, USERBASE
from crm_rl.case_studies.email.twin import expected
from crm_rl.files import writing

FILES = ("sent_emails.csv", "responded.csv", "userbase.csv")
FIRST_DAY = np.datetime64("2018-01-01")  # a Monday
EACH = 5

#: One row in so many is faulty, for each kind of fault.
FAULTY = 500


class Truth(NamedTuple):
    """What is in the files.

    Attributes:
        counts: the permutation table that a right ETL finds.
        left_out: how many faulty rows there are, by the names that `etl.Report` has.
    """

    counts: Counts
    left_out: dict[str, int]


def make_mock(folder: Path, emails: int = 2_500_000, seed: int = 0) -> Truth:
    """Write the three files.

    A customer gets five emails, at least eight days apart, and answers within six days or not at all: so it is certain
    which email an answer belongs to.

    Args:
        folder: where to.
        emails: how many, roughly; faulty rows come on top.
        seed: decides everything.

    Raises:
        OSError: a file cannot be written.
    """
    rng = np.random.default_rng(seed)
    n = max(1, emails // EACH)
    people, group = _people(n, rng)
    customer = np.repeat(np.arange(1, n + 1), EACH)
    slots = rng.integers(0, 20, (n, 1)) + rng.integers(1, 6, (n, EACH)).cumsum(axis=1)
    day = (14 * slots + rng.integers(0, 7, (n, EACH))).ravel()
    subject = rng.integers(0, SHAPE[SUBJECT], len(customer))
    cell = cells_of(subject, day % 7, group[customer - 1])
    hit = rng.random(len(cell)) < expected()[1][cell]
    counts = Counts(*(np.bincount(part, minlength=N_CELLS) for part in (cell, cell[hit])))

    sent = _rows(SENT, day, customer, subject)
    answers = _rows(RESPONDED, (day + rng.integers(0, 7, len(day)))[hit], customer[hit], subject[hit])
    few, some = max(1, len(sent) // FAULTY), max(1, len(answers) // FAULTY)
    again = sent.iloc[:few]
    strangers = sent.iloc[:few].assign(Customer_ID=n + 1 + np.arange(few))
    no_day = sent.iloc[:few].assign(Sent_Date="2018-02-30")
    no_subject = sent.iloc[:few].assign(SubjectLine_ID=SHAPE[SUBJECT] + 1)
    twice = answers.iloc[:some]
    early = answers.iloc[:some].assign(Responded_Date="2017-12-31")
    tables = {
        FILES[0]: _shuffled([sent, again, strangers, no_day, no_subject], rng),
        FILES[1]: _shuffled([answers, twice, early], rng),
        FILES[2]: people,
    }
    for name, table in tables.items():
        with writing(folder / name) as unfinished:
            table.to_csv(unfinished, index=False, lineterminator="\n")
    left_out = {
        "emails of unknown customers": few,
        "emails of unknown subjects": few,
        "emails with a bad date": few,
        "emails a second time to the same customer on the same day": few,
        "answers without an email before them": len(early),
        "answers to an email that has one": len(twice),
    }
    return Truth(counts, left_out)


def _people(n: int, rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """The customers, and the group of each."""
    sizes = expected()[0].reshape(SHAPE).sum(axis=(SUBJECT, WEEKDAY)).ravel()
    group = rng.choice(len(sizes), size=n, p=sizes / sizes.sum())
    tenure, domain, age, gender, kind = np.unravel_index(group, GROUPS)
    ids = np.arange(1, n + 1)
    names = np.array(ATTRIBUTES[DOMAIN].values)[domain]
    columns = {
        "Customer_ID": ids,
        "Gender": np.array([word[0] for word in ATTRIBUTES[GENDER].values])[gender],
        "Age": _within(ATTRIBUTES[AGE].edges, 16, 80, age, rng),
        "Email_Address": pd.Series(ids).astype(str).radd("customer").str.cat(names, sep="@").to_numpy(),
        "Tenure": _within(ATTRIBUTES[TENURE].edges, 0, 40, tenure, rng),
        "Type": np.array([word[0] for word in ATTRIBUTES[TYPE].values])[kind],
    }
    return pd.DataFrame(columns)[list(USERBASE)], group


def _within(edges: tuple[int, ...], least: int, most: int, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    ends = np.array([least, *edges, most])
    return rng.integers(ends[codes], ends[codes + 1])


def _rows(columns: tuple[str, ...], day: np.ndarray, customer: np.ndarray, subject: np.ndarray) -> pd.DataFrame:
    dates = np.datetime_as_string(FIRST_DAY + np.arange(day.max(initial=0) + 1))
    values = (pd.Categorical.from_codes(day, dates).astype(object), customer, subject + 1)
    return pd.DataFrame(dict(zip(columns, values, strict=True)))


def _shuffled(tables: list[pd.DataFrame], rng: np.random.Generator) -> pd.DataFrame:
    table = pd.concat(tables, ignore_index=True)
    return table.iloc[rng.permutation(len(table))]
