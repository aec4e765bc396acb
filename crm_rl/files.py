"""Where the project keeps its files, and the one way in which they are written: whole or not at all.

A file is written under a name that nobody else uses and then renamed, which the system does in one go: whoever finds a
file finds a complete one, wherever a run was killed, and however many runs write at once.
"""

import contextlib
import errno
import functools
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_PACKAGE = Path(__file__).parent
_IN_A_CHECKOUT = (_PACKAGE.parent / "data" / "raw" / "crm_twin_spec.json").is_file()

#: Where outputs go: the project's own folder or, if the package was installed without it, the working folder.
PROJECT = _PACKAGE.parent if _IN_A_CHECKOUT else Path.cwd()


def shipped(name: str) -> Path:
    """A file or folder that comes with the package, by its name in the project's `data` folder."""
    return (PROJECT if _IN_A_CHECKOUT else _PACKAGE) / "data" / name


def sha256(path: str | Path) -> str:
    """A file's checksum, computed again only if the file has changed.

    Raises:
        OSError: it cannot be read.
    """
    path = Path(path).resolve()
    about = path.stat()
    return _sha256(path, about.st_mtime_ns, about.st_size)


@functools.cache
def _sha256(path: Path, _modified: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one place, by links of any kind or another way of writing it."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def beside(path: Path) -> Path:
    """A name in the same folder that no other run uses, for what is not yet complete."""
    return path.with_name(f".{path.name}-{secrets.token_hex(4)}.tmp")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Write to the path that this gives; if the block ends well, the file is put in place. A link stays a link.

    Raises:
        OSError: the file cannot be written. The error names `path`, and what was there before is there still.
    """
    place = path.resolve()
    unfinished = beside(place)
    with folder_above(place), named(path, unfinished):
        try:
            yield unfinished
            _put(unfinished, place)
        finally:
            unfinished.unlink(missing_ok=True)


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text in UTF-8, with the line ends that it has.

    Raises:
        OSError: as for `writing`.
    """
    with writing(path) as unfinished:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)


def write_together(folder: Path, contents: dict[str, str]) -> None:
    """Write several files into a folder, all of them or none.

    The last one is the seal: it is taken away first and put in place last, so that files beside a seal belong to one
    another even after a run that was killed on the way.

    Args:
        folder: where; other files in it are left alone.
        contents: the text of each file, by its name.

    Raises:
        OSError: as for `writing`; also if another run is at work in the folder.
    """
    *others, seal = contents
    with folder_above(folder / seal), named(folder, folder), alone_in(folder), _room_in(folder) as (fresh, stale):
        for name, text in contents.items():
            (fresh / name).write_bytes(text.encode())
        try:
            for name in (seal, *others):
                if (folder / name).exists():
                    os.replace(folder / name, stale / name)
            for name in (*others, seal):
                os.replace(fresh / name, folder / name)
        except BaseException:
            for name in contents:
                if (stale / name).exists():
                    os.replace(stale / name, folder / name)
                elif not (fresh / name).exists():
                    (folder / name).unlink()
            raise


@contextlib.contextmanager
def _room_in(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Two folders for a while, for what is not yet there and for what is there no longer."""
    for left_behind in folder.glob(".unfinished-*"):  # by a run that was killed: nobody else is at work here
        shutil.rmtree(left_behind)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as name:
        room = Path(name, "fresh"), Path(name, "stale")
        for part in room:
            part.mkdir()
        yield room


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


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder as long as the block lasts, where the system can; a killed run keeps nobody out.

    Raises:
        BlockingIOError: another run is at work there.
    """
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            remedy = "another run is at work in this folder. Remedy: wait for its end, or name another folder"
            raise BlockingIOError(error.errno, remedy, str(folder)) from error
        except OSError:  # some network drives have no locks
            pass
        yield
    finally:
        os.close(handle)


def _put(unfinished: Path, place: Path) -> None:
    try:
        os.replace(unfinished, place)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        shutil.copyfile(unfinished, place)  # a file that is a mount point of its own can only be filled anew


@contextlib.contextmanager
def named(path: Path, hidden: Path) -> Iterator[None]:
    """Let an error of the system name the file that was to be written, not nothing or a name that nobody knows."""
    try:
        yield
    except OSError as error:
        if error.errno is None or not str(error.filename or hidden).startswith(str(hidden)):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
