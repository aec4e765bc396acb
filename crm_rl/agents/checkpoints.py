"""Training that survives being killed: files put in place whole or not at all, and no pickle in any of them.

A file is written under a temporary name and renamed, which the system does in one go; a folder likewise. So whoever
finds a checkpoint finds a complete one, wherever the run before was killed.
"""

import contextlib
import hashlib
import io
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from crm_rl.data.problems import DataError
from crm_rl.files import beside, named, write_whole

VERSION = 1

#: After so many seconds without a change, nobody is at work on a half-written checkpoint any more.
ABANDONED = 3600


class PolicyError(DataError):
    """A policy or a checkpoint cannot be used. The message names the file, the place and the remedy."""


def write_arrays(path: Path, about: dict, **arrays: np.ndarray) -> None:
    """Write arrays, and beside them a text in JSON, to an .npz file, whole or not at all.

    Raises:
        OSError: it cannot be written. The error names `path`.
    """
    archive = io.BytesIO()
    np.savez(archive, allow_pickle=False, about=np.array(json.dumps({"version": VERSION} | about)), **arrays)
    write_whole(path, archive.getvalue())


def read_arrays(path: str | Path, *kinds: str) -> tuple[dict, dict[str, np.ndarray]]:
    """Read such a file.

    Args:
        path: the file.
        kinds: what it may be, by its `about["kind"]`.

    Returns:
        `about`, and the arrays by name.

    Raises:
        PolicyError: the file isn't there, is damaged, is of another kind or version, or holds a number that is none.
    """
    if not Path(path).is_file():
        raise PolicyError(f"{path}: no such file. Remedy: name the .npz file that a training run wrote.")
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: np.asarray(archive[name]) for name in archive.files}
        about = json.loads(str(arrays.pop("about")))
        kind, version = about["kind"], about["version"]
    except Exception as error:  # a damaged archive makes its readers raise almost anything
        fault = type(error).__name__
        raise PolicyError(
            f"{path}: not a policy or a checkpoint of ours, or a damaged one ({fault}). Remedy: train it again."
        ) from error
    if kind not in kinds:
        raise PolicyError(f"{path}: this holds {kind!r}. Remedy: name a file that holds a {' or '.join(kinds)}.")
    if version != VERSION:
        raise PolicyError(
            f"{path}: written in format {version!r}; this version of crm_rl reads format {VERSION}. "
            "Remedy: train it again, or use the version of crm_rl that wrote it."
        )
    for name in sorted(arrays):
        if arrays[name].dtype.kind == "f" and not name.startswith("history") and not np.isfinite(arrays[name]).all():
            place = np.argwhere(~np.isfinite(arrays[name]))[0].tolist()
            raise PolicyError(f"{path}: {name}{place} is not a number. Remedy: train it again.")
    return about, arrays


def require(path: str | Path, arrays: dict[str, np.ndarray], **shapes: tuple[int | None, ...] | None) -> None:
    """Check that the arrays are there and have these shapes; None stands for any length, or for any shape.

    Raises:
        PolicyError: otherwise, with all problems at once.
    """
    problems = []
    for name, wanted in shapes.items():
        if name not in arrays:
            problems.append(f"no array {name!r}")
        elif wanted is not None and not _has_shape(arrays[name].shape, wanted):
            problems.append(f"{name} has shape {arrays[name].shape}, not {wanted}".replace("None", "any"))
    if problems:
        raise PolicyError(f"{path}: {'; '.join(problems)}. Remedy: train it again.")


def _has_shape(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(want in (None, length) for want, length in zip(wanted, shape, strict=True))


def same_run(path: str | Path, found: dict, asked: dict) -> None:
    """Check that a checkpoint belongs to the run that is to go on.

    Raises:
        PolicyError: the settings differ.
    """
    asked = json.loads(json.dumps(asked))
    other = [name for name in asked if found.get(name) != asked[name]]
    different = [f"{name} {found.get(name)} there, {asked[name]} asked" for name in other]
    if different:
        raise PolicyError(
            f"{path}: a run with other settings ({'; '.join(different)}). "
            "Remedy: choose another folder, or delete this one."
        )


def put_folder(place: Path, fill: Callable[[Path], None]) -> None:
    """Fill a folder and put it in place; take away what killed runs left half-way beside it.

    Raises:
        OSError: it cannot be written. The error names `place`, and nothing half-way is left.
    """
    for left_behind in place.parent.glob("*step_*.tmp*"):
        if time.time() - left_behind.stat().st_mtime > ABANDONED:
            shutil.rmtree(left_behind, ignore_errors=True)
    unfinished = beside(place)
    try:
        with named(place, unfinished):
            unfinished.mkdir(parents=True)
            fill(unfinished)
            if place.exists():
                drop_folder(place)
            os.replace(unfinished, place)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def drop_folder(place: Path) -> None:
    """Take a folder away; at no time does a part of it stand under its name."""
    leaving = beside(place)
    with contextlib.suppress(FileNotFoundError):  # another run took it away
        os.replace(place, leaving)
        shutil.rmtree(leaving)


def checkpoints_in(folder: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted(place for place in folder.glob("step_*") if place.is_dir() and place.name[5:].isdigit())


def random_state(rng: np.random.Generator) -> dict:
    """Where a generator stands, for JSON."""
    return rng.bit_generator.state


def generator_at(state: dict) -> np.random.Generator:
    """A generator that stands there."""
    rng = np.random.Generator(np.random.PCG64())
    rng.bit_generator.state = state
    return rng


def tuples(value):
    """A value from JSON with its lists made tuples again."""
    return tuple(tuples(part) for part in value) if isinstance(value, list) else value


def fingerprint(parts: tuple) -> str:
    """A short sum of all arrays and values in nested tuples, such as a world: a run goes on only where it began."""
    digest = hashlib.sha256()
    _digest(parts, digest)
    return digest.hexdigest()[:16]


def _digest(part, digest) -> None:
    if isinstance(part, tuple):
        for each in part:
            _digest(each, digest)
    else:
        digest.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
