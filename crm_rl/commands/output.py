"""What a command says."""

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
