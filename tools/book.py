"""Build the book from the outputs stored in the notebooks, with warnings as errors.

    python tools/book.py            build, unless the built book is of exactly these sources
    python tools/book.py --force    build in any case

Sphinx rebuilds page by page, and two things go wrong with that: a page that was built with a warning is not
read again, so the second build passes; and an edited table of contents leaves the old one on pages that
didn't change. So a build here starts from nothing whenever the content of any source differs from what was
built last, and is skipped when none does.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from console import finish

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
INDEX = BUILD / "html" / "index.html"
FINGERPRINT = BUILD / "html" / ".built-from"


def sources() -> list[Path]:
    """Every file that the book is made of, in a fixed order."""
    settings = ("_config.yml", "_toc.yml", "requirements-book.txt", "tools/api_pages.py", "tools/book_pages.py")
    files = [ROOT / name for name in settings]
    for directory, pattern in (("book", "**/*"), ("notebooks", "*.ipynb"), ("crm_rl", "**/*.py")):
        files += [path for path in (ROOT / directory).glob(pattern) if path.is_file()]
    return sorted(path for path in files if ".ipynb_checkpoints" not in path.parts and path.suffix != ".tmp")


def fingerprint() -> str:
    """A digest of the content of all sources: file times play no part."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build(verbose: bool) -> int:
    """Build into _build/html; on failure nothing is left that a later run could take for a good book."""
    for leftover in (BUILD / "html", BUILD / ".doctrees"):
        shutil.rmtree(leftover, ignore_errors=True)
    (BUILD / "html").mkdir(parents=True, exist_ok=True)  # where nothing can be written, this says so in one line
    start_it = "from jupyter_book.cli.main import main; main()"  # the package has no `python -m` form
    command = [sys.executable, "-c", start_it, "build", str(ROOT), "-W", "--keep-going"]
    if not verbose:
        command += ["--quiet"]
    # The outputs are stored, so nothing here needs a kernel or a display; one thread is enough.
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"}
    start = time.perf_counter()
    wanted = fingerprint()
    told = None if verbose else subprocess.PIPE
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, stdout=told, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0 or not INDEX.exists():
        shutil.rmtree(BUILD / ".doctrees", ignore_errors=True)
        FINGERPRINT.unlink(missing_ok=True)
        print("\n".join(line for line in (done.stdout or "").splitlines() if line.strip(" =")))
        print("book: FAILED (warnings are errors; each is listed above)", file=sys.stderr)
        return done.returncode or 1
    FINGERPRINT.write_text(wanted, encoding="ascii")
    print(f"book: built in {time.perf_counter() - start:.0f} s")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    parser.add_argument("--verbose", action="store_true", help="show all that Sphinx says")
    args = parser.parse_args()
    built = FINGERPRINT.read_text(encoding="ascii") if FINGERPRINT.exists() and INDEX.exists() else ""
    if built == fingerprint() and not args.force:
        print("book: up to date")
    else:
        code = build(args.verbose)
        if code:
            return code
    print(f"open this page: {INDEX.as_uri()}")
    return 0


if __name__ == "__main__":
    finish(main)
