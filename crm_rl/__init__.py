"""The shared package of the book "From Q-tables to Deep Q-Networks"."""

import atexit
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

_HOME = Path(__file__).parent

#: Where functions are compiled, and what they take constants from.
COMPILED = ("data", "worlds", "planning", "agents", "case_studies/email")


def _choose_numba_cache() -> None:
    """Tell numba where to keep compiled functions, for it fails where it can keep none.

    It does not notice either when a function that they call, in another file, has changed. So each state of our
    sources gets a cache of its own: in the package, else below the user's home, else until this process ends.
    """
    files = (path for room in COMPILED for path in sorted((_HOME / room).rglob("*.py")))
    sources = b"".join(path.read_bytes() for path in files)
    name = f"numba-{hashlib.sha256(sources).hexdigest()[:12]}"
    places = [_HOME / "__pycache__" / name, Path(os.path.expanduser("~"), ".cache", "crm_rl", name).absolute()]
    place = next(filter(_has_room, places), None) or _passing_place()
    if place is None:
        os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # plain Python: slow, and the same to the bit
    else:
        os.environ["NUMBA_CACHE_DIR"] = str(place)


def _has_room(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 20))
    except OSError:
        return False
    return True


def _passing_place() -> Path | None:
    try:
        place = Path(tempfile.mkdtemp(prefix="crm_rl-numba-"))
    except OSError:
        return None
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place if _has_room(place) else None


if "NUMBA_CACHE_DIR" not in os.environ:
    _choose_numba_cache()
