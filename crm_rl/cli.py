"""The command line: `python -m crm_rl COMMAND`; each system of the book has its commands in a module of `commands`.

A command is a function that does its work and returns what is to be said of it. It imports what it needs: so no command
waits for, or fails with, what only others use.
"""

import argparse
import contextlib
import sys

from crm_rl.commands import budgets, email, funnel, logs, offers, serve
from crm_rl.commands.output import say

#: In the order in which help lists them.
SYSTEMS = (funnel, email, offers, budgets, logs, serve)


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Returns 0 if it worked, 1 if it could not be done, 130 if stopped; wrong usage exits with 2."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that lacks a letter shows its number
            stream.reconfigure(errors="backslashreplace")
    failed = stopped = ""
    try:
        options = _parser().parse_args(arguments)
        failed, stopped = options.failed, options.stopped
        text = options.run(options)
        failed = stopped = ""  # what is done is done
        say(text)
    except (Exception, KeyboardInterrupt) as error:
        return _explain(error, failed, stopped)
    return 0


def _explain(error: BaseException, failed: str, stopped: str) -> int:
    """Say on stderr what went wrong and what became of files, and return the exit code; a fault of ours is raised."""
    cause = error
    while cause and not isinstance(cause, KeyboardInterrupt):  # compiled code and imports wrap it in their own errors
        cause = cause.__cause__ or cause.__context__
    if cause:
        message, code = f"stopped. {stopped}", 130
    elif isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        message, code = f"error: {where}{error.strerror or error}.\n{failed}", 1
    elif isinstance(error, MemoryError):
        message, code = f"error: this needs more memory than there is. Remedy: a smaller file.\n{failed}", 1
    else:
        from crm_rl.data.problems import DataError

        if not isinstance(error, DataError):
            raise error
        message, code = f"error: {error}\n{failed}", 1
    with contextlib.suppress(OSError):  # there is nobody left to tell
        print(message.rstrip(), file=sys.stderr, flush=True)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m crm_rl", description="The data and the agents of the book.")
    parser.set_defaults(failed="", stopped="")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for system in SYSTEMS:
        system.add(commands)
    return parser
