"""A third world costs two new files (`third_dynamics.py`, `third_world.py`) and one registration."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from crm_rl.files import PROJECT


def test_then_every_learner_plays_in_it(tmp_path):
    """In a process with a numba cache of its own: what is compiled for this world is of no use without its files.

    It begins with a copy of what is compiled for the others, but for what another process is just writing.
    """
    cache, half_written = tmp_path / "cache", shutil.ignore_patterns("*.tmp.*")
    if "NUMBA_CACHE_DIR" in os.environ:
        shutil.copytree(os.environ["NUMBA_CACHE_DIR"], cache, ignore=half_written)
    settings = {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(PROJECT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "third_world_tests.py"]
    run = subprocess.run(command, cwd=Path(__file__).parent, env=os.environ | settings, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
