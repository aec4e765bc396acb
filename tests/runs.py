"""Training runs in processes of their own, to be killed."""

import multiprocessing
import signal
import time
from collections.abc import Callable
from pathlib import Path

#: A copy of this process is ready at once; where there is none, a new one has to import everything first.
CONTEXT = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn")


def kill_inside(train: Callable[[], object], at_least: Callable[[], bool], delay: float, limit: float = 60) -> None:
    """Begin a run, wait until it has come so far and a little longer, and kill it.

    Args:
        train: the run.
        at_least: whether it has come so far.
        delay: seconds to wait after that.
        limit: seconds after which the test gives up.
    """
    process = CONTEXT.Process(target=train)
    process.start()
    started = time.monotonic()
    while not at_least() and process.is_alive() and time.monotonic() - started < limit:
        time.sleep(0.001)
    time.sleep(delay)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL, "the run had ended before it could be killed"


def files(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, by its name there."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def finished(folder: Path) -> dict[str, bytes]:
    """Every file but what a killed run left half-written, under names that nobody reads."""
    return {name: content for name, content in files(folder).items() if ".tmp" not in name}
