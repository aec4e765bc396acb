"""How every tool in this folder ends: with an exit code and, where it can't go on, one line that says why."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


class CannotRun(Exception):
    """The command can't go on; its message is what the reader sees."""


def finish(main: Callable[[], int]) -> None:
    """Run `main` and exit: 2 where it could not go on, 130 when stopped by Ctrl-C, 141 when nobody reads on."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe has left, as in `... | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at exit
        code = 141
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code = 130
    except CannotRun as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        code = 2
    sys.exit(code)
