"""Where the project keeps its files, and how they are written: whole or not at all."""

import contextlib
import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[1]


@functools.cache
def sha256(path: str) -> str:
    """A file's checksum."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write beside, then rename: a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".tmp")
    unfinished.write_text(text)
    os.replace(unfinished, path)


@contextlib.contextmanager
def folder_above(path: Path) -> Iterator[Path]:
    """Make the folder that `path` is to stand in; if the block fails, the folders that were not there go again.

    Raises:
        OSError: the folder cannot be made.
    """
    new = [folder for folder in path.parents if not folder.exists()]  # the innermost first
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path.parent
    except BaseException:
        for folder in new:
            with contextlib.suppress(OSError):  # not made, or no longer empty
                folder.rmdir()
        raise
