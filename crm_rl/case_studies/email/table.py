"""The permutation table: how many emails each cell was sent, and how many were answered."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from crm_rl.case_studies.email.cells import ATTRIBUTES, FIRST, N_CELLS, SHAPE, Counts, decode, encode
from crm_rl.case_studies.email.twin import draw_twin
from crm_rl.data.problems import DataError
from crm_rl.files import write_whole

ANSWERED, SENT = "Response_Received", "Sent_Emails"
COLUMNS = [*(attribute.column for attribute in ATTRIBUTES), ANSWERED, SENT]


def base_rate(counts: Counts) -> float:
    """The share of all emails that were answered."""
    return float(counts.answered.sum() / counts.sent.sum())


def split(counts: Counts, parts: int, rng: np.random.Generator) -> list[Counts]:
    """Put each email at random into one of so many equal parts; returns the counts of each part."""
    even = np.full(parts, 1 / parts)
    answered = rng.multinomial(counts.answered, even)
    silent = rng.multinomial(counts.sent - counts.answered, even)
    return [Counts(sent, hit) for sent, hit in zip((answered + silent).T, answered.T, strict=True)]


def load_counts(path: str | Path | None = None) -> Counts:
    """The table of a file, of the file that CRM_RL_EMAIL names, or of the twin, which is drawn in a moment.

    Raises:
        DataError: as for `read_table`.
    """
    chosen = path or os.environ.get("CRM_RL_EMAIL")
    if chosen:
        return read_table(Path(chosen))
    return draw_twin()


def read_table(path: Path) -> Counts:
    """Read a permutation table.

    Args:
        path: a .csv file with the columns `COLUMNS`, a row a cell; cells without emails may be left out.

    Raises:
        DataError: it is no such table; the message names all faults, with the first rows of each.
    """
    try:
        table = pd.read_csv(path, skipinitialspace=True, encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}. Remedy: name a file that can be read.") from error
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise DataError(
            f"{path}: not a table in UTF-8 ({str(error).strip()}). Remedy: save it as 'CSV UTF-8'."
        ) from error
    if missing := [name for name in COLUMNS if name not in table]:
        raise DataError(f"{path}: no column {', '.join(missing)}. Remedy: make the table with `email prepare`.")
    numbers = table[COLUMNS].apply(pd.to_numeric, errors="coerce")
    whole = numbers.notna() & (numbers % 1 == 0) & (numbers.abs() < 2**53)
    numbers = numbers.where(whole, -1).astype("int64")
    states, answered, sent = numbers[COLUMNS[:7]].to_numpy(), numbers[ANSWERED], numbers[SENT]
    least, most = FIRST, FIRST + np.array(SHAPE) - 1
    faults = {f"{name} is not a whole number": ~whole[name] for name in COLUMNS}
    for name, column, low, high in zip(COLUMNS, states.T, least, most, strict=False):
        faults[f"{name} is not one of {low} to {high}"] = whole[name] & ((column < low) | (column > high))
    faults["a cell stands here a second time"] = pd.DataFrame(states).duplicated() & whole.all(axis=1)
    faults[f"{SENT} or {ANSWERED} is negative"] = whole[SENT] & whole[ANSWERED] & ((sent < 0) | (answered < 0))
    faults["more answers than emails"] = whole[SENT] & whole[ANSWERED] & (answered > sent)
    lines = [f"    {fault}: {_rows(np.flatnonzero(where))}" for fault, where in faults.items() if where.any()]
    if lines:
        raise DataError("\n".join([f"{path}: no permutation table.", *lines, "Remedy: correct these rows."]))
    cells, counts = encode(states), Counts(np.zeros(N_CELLS, dtype=np.int64), np.zeros(N_CELLS, dtype=np.int64))
    counts.sent[cells], counts.answered[cells] = sent, answered
    if not counts.sent.any():
        raise DataError(f"{path}: not one email was sent. Remedy: name another table.")
    return counts


def _rows(places: np.ndarray, most: int = 5) -> str:
    shown = ", ".join(f"{place + 2:,}" for place in places[:most])  # row 1 has the names
    more = f" and {len(places) - most:,} more" if len(places) > most else ""
    return f"row{'s' if len(places) > 1 else ''} {shown}{more}"


def write_table(counts: Counts, path: Path) -> None:
    """Write the cells that were sent an email as a .csv file that `read_table` reads.

    Raises:
        OSError: it cannot be written.
    """
    cells = np.flatnonzero(counts.sent)
    rows = np.column_stack([decode(cells), counts.answered[cells], counts.sent[cells]])
    write_whole(path, pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False, lineterminator="\n"))
