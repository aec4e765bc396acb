"""What a command says."""

import contextlib
import sys


def say(text: str) -> None:
    """Print a text at once; a reader who has left is no fault."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = None
    except OSError as error:
        sys.stdout = None
        raise OSError(error.errno, error.strerror, "standard output") from error


def wait_for(what: str) -> None:
    """Say on stderr what takes its time, so that what a command prints stays free of it."""
    with contextlib.suppress(OSError):
        print(f"{what} ...", file=sys.stderr, flush=True)
