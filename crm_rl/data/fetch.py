"""Download the original export from its public home, and keep it only if it is the very file the book describes."""

from pathlib import Path

import pooch
import requests

from crm_rl import files
from crm_rl.data.load import ORIGINAL_SHA256 as SHA256
from crm_rl.data.problems import DataError

URL = "https://raw.githubusercontent.com/krishna11-dot/Sales-Reinforcement-Learning-Agent/main/data/raw/SalesCRM.xlsx"
ORIGINAL = files.PROJECT / "data" / "raw" / "SalesCRM.xlsx"


def fetch(to: str | Path = ORIGINAL, url: str = URL, sha256: str = SHA256, progress: bool = True) -> Path:
    """Download a file, unless it is there already, and check its checksum.

    Args:
        to: where to keep it.
        url: where it is to be had.
        sha256: what its bytes must hash to.
        progress: show a progress bar.

    Returns:
        The file's path.

    Raises:
        DataError: the file cannot be had or is another one, or another stands in its place. Nothing has been written
            then.
        OSError: it cannot be written. The error names `to`, and nothing is left of it.
    """
    to = Path(to)
    if to.exists() and not (to.is_file() and files.sha256(to) == sha256):
        raise DataError(f"{to}: something else stands there. Remedy: move it away, or choose another place with --to.")
    if to.exists():
        return to
    if to.suffix.lower() != ".xlsx":
        raise DataError(f"{to}: the original is an .xlsx file. Remedy: give it a name that ends in .xlsx.")
    try:
        with files.writing(to) as unfinished:
            pooch.HTTPDownloader(progressbar=progress)(url, str(unfinished), None)
            if files.sha256(unfinished) != sha256:
                raise DataError(
                    f"{url}: not the file this book describes (its sha256 should be {sha256}). Remedy: try again; if "
                    "that does not help, the file has been changed at its home, and the twin is what to use."
                )
    except requests.RequestException as error:
        raise DataError(
            f"{url}: cannot be downloaded ({_cause(error)}). Remedy: check the connection, or download it by hand to "
            f"{to}."
        ) from error
    return to


def _cause(error: BaseException) -> str:
    """What went wrong at the bottom, in a few words: an error of the network comes wrapped in three others."""
    if getattr(error, "response", None) is not None:
        return f"{error.response.status_code} {error.response.reason}"
    while error.__context__:
        error = error.__context__
    return (getattr(error, "strerror", None) or str(error))[:100]
