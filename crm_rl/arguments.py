"""What the arguments of the command line may be: their types, and checks of what is to be written before any work."""

import argparse
from collections.abc import Iterable
from pathlib import Path

from crm_rl.files import same_file

#: As `data.split`, `worlds.replay_world` and `experiments.studies` know them, which are slow to import.
SPLITS = ("published", "sound")
SETTINGS = ("described", "as_coded")
STUDIES = ("funnel", "ablation", "comparison", "comparison_why", "email", "budgets", "offers", "logs")

#: Endings of files, which no folder has that is to be made.
ENDINGS = (".csv", ".json", ".npz", ".xlsx")


def day(text: str):
    """A day written as YYYY-MM-DD, as a pandas.Timestamp."""
    import pandas as pd

    from crm_rl.data.columns import EARLIEST_DATE

    try:
        found = pd.to_datetime(text, format="%Y-%m-%d")
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day written as YYYY-MM-DD") from error
    if found < EARLIEST_DATE:
        raise argparse.ArgumentTypeError(f"{text} is before {EARLIEST_DATE.date()}, the first day that counts")
    return found


def count(text: str) -> int:
    """A whole number, 1 or more; digits may be grouped by _ or commas."""
    return _number(text, 1)


def seed(text: str) -> int:
    """A whole number, 0 or more."""
    return _number(text, 0)


def workers(text: str) -> int:
    """A number of processes, or -1 for as many as there are cores."""
    return -1 if text == "-1" else count(text)


def _number(text: str, least: int) -> int:
    try:
        number = int(text.replace("_", "").replace(",", ""))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error
    if number < least:
        raise argparse.ArgumentTypeError(f"{text} is less than {least}")
    return number


def check_file(out: Path, ending: str, inputs: Iterable[Path]) -> None:
    """Check that a file can be written without harm.

    Args:
        out: the file.
        ending: of its name.
        inputs: what the command reads.

    Raises:
        DataError: it cannot, with all reasons at once.
    """
    problems = _in_the_way(out)
    if out.suffix.lower() != ending:
        problems.append(f"{out}: what is written is a {ending} file. Remedy: give it a name that ends in {ending}.")
    if out.exists() and not out.is_file():
        problems.append(f"{out}: what stands there is not a file. Remedy: name another place with --out.")
    if any(same_file(out, path) for path in inputs):
        problems.append(f"{out}: an input, would be written over. Remedy: name another file with --out.")
    _refuse(problems)


def check_folder(out: Path, inputs: Iterable[Path] = (), written: str = "") -> None:
    """Check that files can be written into a folder without harm.

    Args:
        out: the folder.
        inputs: what the command reads.
        written: a pattern of the names of what it writes there.

    Raises:
        DataError: they cannot, with all reasons at once.
    """
    problems = _in_the_way(out)
    if out.exists() and not out.is_dir():
        problems.append(f"{out}: a file stands where the folder should be. Remedy: name another folder.")
    if not out.exists() and out.suffix.lower() in ENDINGS:
        problems.append(f"{out}: what is written is a folder, and this is a file's name. Remedy: name a folder.")
    for path in inputs:
        if written and any(same_file(there, path) for there in out.glob(written)):
            problems.append(f"{path}: an input, would be written over. Remedy: name another folder.")
    _refuse(problems)


def _in_the_way(out: Path) -> list[str]:
    above = next(folder for folder in out.absolute().parents if folder.exists())
    return [] if above.is_dir() else [f"{above}: a file stands where a folder should be. Remedy: name another place."]


def _refuse(problems: list[str]) -> None:
    if problems:
        from crm_rl.data.problems import DataError

        raise DataError("\n".join(problems))
