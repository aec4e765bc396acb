"""The shared package of the book "From Q-tables to Deep Q-Networks"."""

import hashlib
import os
from pathlib import Path

# numba keeps compiled functions on disk and does not notice when a function that they call, in another file, has
# changed. So each state of our sources gets a cache of its own.
_home = Path(__file__).parent
_sources = b"".join(path.read_bytes() for path in sorted(_home.rglob("*.py")))
_state = hashlib.sha256(_sources).hexdigest()[:12]
os.environ.setdefault("NUMBA_CACHE_DIR", str(_home / "__pycache__" / f"numba-{_state}"))
