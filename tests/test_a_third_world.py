"""A third world costs two new files (`third_dynamics.py`, `third_world.py`) and one registration."""

import os
import subprocess
import sys
from pathlib import Path


def test_then_every_learner_plays_in_it(tmp_path):
    """In a process with a numba cache of its own: what is compiled for this world is of no use without its files."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "third_world_tests.py"]
    run = subprocess.run(command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
