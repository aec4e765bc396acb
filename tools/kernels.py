"""The environment in which notebooks are executed and compared; every check needs it, so it imports nothing slow."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

#: What people set for their own sessions and what would change a notebook's outputs: other data, another place to draw,
#: code that runs first, other warnings, assertions left out.
PERSONAL = ("CRM_RL_DATA", "MPLBACKEND", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONOPTIMIZE")


def kernel_environment(environment: Mapping[str, str], profile: str) -> dict[str, str]:
    """The environment of a kernel that makes or compares outputs: without what is personal, one thread, and with the
    folder `profile`, an empty one, in place of the user's IPython profile (its start-up files and settings)."""
    kept = {name: value for name, value in environment.items() if name not in PERSONAL}
    return {"OMP_NUM_THREADS": "1", **kept, "IPYTHONDIR": profile}


@contextmanager
def clean_environment() -> Iterator[dict[str, str]]:
    """`kernel_environment` of this process, with a profile that lasts as long as the block."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        yield kernel_environment(os.environ, profile)
