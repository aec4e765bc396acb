"""Folders made for what is to be written in them, and taken away again if that fails."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


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
