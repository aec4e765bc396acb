"""Look after the notebook pairs: check them, execute them, run them.

Each chapter is a pair. `notebooks/NN_name.py` (percent format) is what people edit and diff;
`notebooks/NN_name.ipynb` is made from it, executed, and is what the book shows and nbval compares.
Everything goes one way, from .py to .ipynb.

    python tools/notebooks.py check          the gates: every problem of every pair, each with its remedy
    python tools/notebooks.py execute        make again the notebooks whose .py changed (--all: every one)
    python tools/notebooks.py run 01_data    execute without saving, for instance on your data (CRM_RL_DATA)
    python tools/notebooks.py setup-cell     print the first code cell that every notebook must have

Why gates, when nbval compares the outputs? Because nbval passes a notebook that has no stored outputs: it
compares nothing where the execution count is null. The gates make sure that there is something to compare.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import yaml
from console import CannotRun, finish
from jupytext.config import load_jupytext_configuration_file
from kernels import clean_environment

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
FORMAT = "py:percent"

# What every notebook's metadata is set to, so that the same .py gives the same .ipynb on every machine.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}

IGNORE = "# NBVAL_IGNORE_OUTPUT"
# nbval's other switches, and tags that mean the same: none may be used, for each compares nothing.
OTHER_SWITCHES = re.compile(r"#\s*(NBVAL_(?!IGNORE_OUTPUT\b|CHECK_OUTPUT\b)\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)")
SWITCH_TAGS = {"nbval-ignore-output", "nbval-skip", "raises-exception"}

FORBIDDEN_MIME = {
    "application/vnd.jupyter.widget-view+json": "a widget (a progress bar, probably)",
    "application/javascript": "JavaScript",
}
# What a text output must not hold: it would differ from run to run or machine to machine, or is no result.
FORBIDDEN_TEXT = [
    (
        re.compile(r"Traceback \(most recent call last\)"),
        "a traceback",
        "catch the error and print its message",
    ),
    (
        re.compile(r"\bat 0x[0-9a-fA-F]{4,}"),
        "a memory address",
        "print what it holds; end a plot with plt.show()",
    ),
    (
        re.compile(r"(?<![\w.:/])/(home|tmp|root|Users|private|var|opt|usr|mnt|work|workspace|content)/\S"),
        "an absolute path of this machine",
        "print a path relative to the project",
    ),
    (
        re.compile(r"(?<!\w)[A-Z]:\\\w"),
        "an absolute path of this machine",
        "print a path relative to the project",
    ),
    (re.compile(r"<script\b", re.I), "JavaScript", "show a static figure or table"),
    (
        re.compile(r"(id=\"|#)T_[0-9a-f]{5}"),
        "a random id of pandas Styler",
        "show the DataFrame itself, rounded",
    ),
    (
        re.compile(r"\d+%\|.*\|\s*\d+/\d+|\bit/s\b"),
        "a progress bar",
        "turn the progress bar off in notebooks",
    ),
    (re.compile(r"\b(Wall time|CPU times):"), "a timing", "leave timings to the benchmarks"),
]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a pair, where, and what to do about it."""

    notebook: str
    cell: int | None  # counted from 1 over all cells of the notebook
    what: str
    remedy: str

    def __str__(self) -> str:
        where = self.notebook if self.cell is None else f"{self.notebook}, cell {self.cell}"
        return f"{where}: {self.what}\n    remedy: {self.remedy}"


# ---- The pair --------------------------------------------------------------------------------------------


def config():
    """The project's jupytext settings, wherever the notebooks are."""
    return load_jupytext_configuration_file(str(ROOT / "jupytext.toml"))


def read_py(path: Path) -> nbformat.NotebookNode:
    return jupytext.reads(path.read_text(encoding="utf-8"), fmt=FORMAT, config=config())


def as_py(notebook: nbformat.NotebookNode) -> str:
    """The text of the .py that belongs to a notebook."""
    return jupytext.writes(notebook, fmt=FORMAT, config=config())


def read_ipynb(path: Path) -> nbformat.NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # a broken file raises whatever its content leads to
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CannotRun(f"{path.name} can't be read as a notebook ({reason}); make it again: make notebooks") from None


def write_text(path: Path, text: str) -> None:
    """Write to a temporary file beside the target, then rename: nobody ever sees half a notebook."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_text(text, encoding="utf-8", newline="\n")
        os.replace(temporary, path)
    except OSError as error:
        raise CannotRun(f"{path} can't be written ({error.strerror})") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def stems(directory: Path) -> list[str]:
    if not directory.is_dir():
        raise CannotRun(f"there is no directory {directory}")
    return sorted({p.stem for p in directory.iterdir() if p.suffix in {".py", ".ipynb"} and not p.name.startswith(".")})


def select(directory: Path, names: list[str]) -> list[str]:
    """The notebooks that names mean: a stem, a file name, a path, or the start of a stem ('01')."""
    known = stems(directory)
    if not names:
        return known
    chosen = []
    for name in names:
        stem = Path(name).name.removesuffix(".py").removesuffix(".ipynb")
        found = [s for s in known if s == stem] or [s for s in known if s.startswith(stem)]
        if not found:
            raise CannotRun(f"no notebook is called {name!r}; there are: {', '.join(known) or 'none'}")
        chosen += [s for s in found if s not in chosen]
    return chosen


def setup_cell() -> str:
    """The first code cell of every notebook, with the project's address from _config.yml."""
    url = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    return f'''\
# On Google Colab this cell fetches the project and installs it; anywhere else it does nothing.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess

    home, url = "/content/book", "{url}"
    if not os.path.isdir(home):
        subprocess.run(["git", "clone", "--depth=1", url, home], check=True)
        pip = [sys.executable, "-m", "pip"]
        subprocess.run([*pip, "install", "-q", "-e", home], check=True)
    sys.path.insert(0, home)
    os.chdir(home + "/notebooks")'''


# ---- The gates -------------------------------------------------------------------------------------------


def check_pair(directory: Path, stem: str, allowed: dict[tuple[str, str], str]) -> Iterator[Problem]:
    """Every problem of one pair. Keys of `allowed` that are met are noted by check_all."""
    py, ipynb = directory / f"{stem}.py", directory / f"{stem}.ipynb"
    if not py.exists():
        yield Problem(
            ipynb.name, None, f"has no {py.name}", f"make it once with: jupytext --to py:percent {ipynb.name}"
        )
    if not ipynb.exists():
        yield Problem(py.name, None, f"has no {ipynb.name}", "make notebooks")
        return
    try:
        notebook = read_ipynb(ipynb)
    except CannotRun as error:
        yield Problem(ipynb.name, None, str(error), "make notebooks")
        return
    if py.exists() and as_py(notebook) != py.read_text(encoding="utf-8"):
        yield Problem(
            ipynb.name,
            None,
            f"is out of step with {py.name}",
            "make notebooks (it makes the .ipynb from the .py)",
        )
    yield from check_setup_cell(ipynb.name, notebook)
    yield from check_counts(ipynb.name, notebook)
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type == "code":
            yield from check_outputs(ipynb.name, number, cell)
            yield from check_alt(ipynb.name, number, cell)
            yield from check_switches(ipynb.name, number, cell, allowed)
        elif cell.cell_type == "markdown" and re.search(r"!\[\s*\]\(", cell.source):
            yield Problem(
                ipynb.name,
                number,
                "an image without alt text",
                "write it between the brackets: ![alt text](...)",
            )


def check_setup_cell(name: str, notebook: nbformat.NotebookNode) -> Iterator[Problem]:
    remedy = "make the output of `python tools/notebooks.py setup-cell` the first code cell of the .py"
    code = [(n, c) for n, c in enumerate(notebook.cells, 1) if c.cell_type == "code"]
    if not code:
        yield Problem(name, None, "has no code cell", remedy)
    elif code[0][1].source.strip() != setup_cell() or "remove-cell" not in code[0][1].metadata.get("tags", []):
        yield Problem(name, code[0][0], "the first code cell isn't the hidden set-up cell for Colab", remedy)


def check_counts(name: str, notebook: nbformat.NotebookNode) -> Iterator[Problem]:
    """Counts are exactly 1..N: every cell was executed, once, from top to bottom, in one fresh kernel."""
    expected = 0
    for number, cell in enumerate(notebook.cells, 1):
        if cell.cell_type != "code":
            continue
        if not cell.source.strip():
            yield Problem(name, number, "an empty code cell", "delete it")
            continue
        expected += 1
        if cell.execution_count is None:
            yield Problem(name, number, "was not executed (nbval would compare nothing)", "make notebooks")
        elif cell.execution_count != expected:
            yield Problem(name, number, f"has count {cell.execution_count} where {expected} is due", "make notebooks")


def output_texts(output: nbformat.NotebookNode) -> Iterator[str]:
    if output.output_type == "stream":
        yield output.text
    for mime, content in output.get("data", {}).items():
        if mime.startswith("text/") and isinstance(content, str):
            yield content


def check_outputs(name: str, number: int, cell: nbformat.NotebookNode) -> Iterator[Problem]:
    for output in cell.outputs:
        if output.output_type == "error":
            yield Problem(
                name,
                number,
                f"ended in an error: {output.ename}: {output.evalue}",
                "fix the cell, then make notebooks",
            )
        if output.output_type == "stream" and output.name == "stderr":
            first = output.text.strip().splitlines()[0] if output.text.strip() else ""
            yield Problem(
                name,
                number,
                f"writes to stderr: {first[:80]}",
                "mend what the warning is about; send logs elsewhere",
            )
        for mime in output.get("data", {}):
            if mime in FORBIDDEN_MIME:
                yield Problem(
                    name,
                    number,
                    f"has an output that is {FORBIDDEN_MIME[mime]}",
                    "turn it off, or show a static result",
                )
        seen = set()
        for text in output_texts(output):
            for pattern, what, remedy in FORBIDDEN_TEXT:
                found = pattern.search(text)
                if found and what not in seen:
                    seen.add(what)
                    yield Problem(name, number, f"its output shows {what}: {found.group(0)[:60]!r}", remedy)


def check_alt(name: str, number: int, cell: nbformat.NotebookNode) -> Iterator[Problem]:
    images = [o for o in cell.outputs if any(m.startswith("image/") for m in o.get("data", {}))]
    if not images:
        return
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    if not str(alt).strip():
        remedy = 'on the cell\'s "# %%" line write mystnb={"image": {"alt": "what the figure shows"}}'
        yield Problem(name, number, "a figure without alt text", remedy)
    if len(images) > 1:
        yield Problem(name, number, f"{len(images)} figures share one alt text", "draw one figure in a cell")


def first_line(source: str) -> str:
    """The first line of a cell that says what the cell does: not empty, not nbval's switch."""
    lines = [line.strip() for line in source.splitlines()]
    return next((line for line in lines if line and not line.startswith(IGNORE)), "")


def check_switches(name: str, number: int, cell, allowed: dict[tuple[str, str], str]) -> Iterator[Problem]:
    other = OTHER_SWITCHES.search(cell.source)
    if other:
        yield Problem(
            name,
            number,
            f"uses {other.group(1)}",
            "let the cell be compared, or use NBVAL_IGNORE_OUTPUT and list it",
        )
    for tag in SWITCH_TAGS.intersection(cell.metadata.get("tags", [])):
        yield Problem(name, number, f"has the tag {tag}", f"write {IGNORE} in the cell and list it, or drop the tag")
    if IGNORE not in cell.source:
        return
    if not re.search(r"^\s*assert\b", cell.source, re.M):
        yield Problem(name, number, "its output is ignored and nothing is asserted", "assert the claim the cell makes")
    if (name, first_line(cell.source)) not in allowed:
        line = f"{name} | {first_line(cell.source)} | why its output depends on the processor"
        yield Problem(name, number, "its output is ignored but not listed", f"add to nbval_ignored.txt: {line}")


def read_allowed(directory: Path) -> dict[tuple[str, str], str]:
    """(notebook, first line) -> reason, from nbval_ignored.txt: the cells whose output nbval may ignore."""
    path = directory / "nbval_ignored.txt"
    allowed = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.exists() else [], 1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = [part.strip() for part in line.split(" | ")]
        if len(parts) < 3 or not all(parts):
            raise CannotRun(f"{path.name}, line {number}: write `notebook.ipynb | first line of the cell | reason`")
        allowed[parts[0], " | ".join(parts[1:-1])] = parts[-1]
    return allowed


def check_all(directory: Path) -> tuple[list[Problem], list[str], int]:
    """All problems, the notebooks looked at, and how many cells have their output ignored."""
    allowed = read_allowed(directory)
    names = stems(directory)
    problems = [problem for stem in names for problem in check_pair(directory, stem, allowed)]
    used = set()
    for stem in names:
        path = directory / f"{stem}.ipynb"
        try:
            cells = read_ipynb(path).cells if path.exists() else []
        except CannotRun:
            continue
        used |= {(path.name, first_line(c.source)) for c in cells if c.cell_type == "code" and IGNORE in c.source}
    for name, line in sorted(set(allowed) - used):
        problems.append(
            Problem(
                "nbval_ignored.txt",
                None,
                f"lists a cell that isn't there: {name} | {line}",
                "delete the line",
            )
        )
    return problems, names, len(used)


# ---- Executing -------------------------------------------------------------------------------------------


def execute(
    notebook: nbformat.NotebookNode, directory: Path, name: str, timeout: int, environment: dict[str, str]
) -> float:
    """Execute a notebook in place, in a fresh kernel of this very Python, in `directory`; return the seconds.

    Raises CannotRun with the failing cell's number, first line and error.
    """
    import ipykernel.kernelspec
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    class ThisPython(KernelSpecManager):
        """Whatever kernels are registered on the machine, use the Python that runs this script."""

        def get_kernel_spec(self, kernel_name):
            return self.kernel_spec_class(
                resource_dir=str(ipykernel.kernelspec.RESOURCES), **ipykernel.kernelspec.get_kernel_dict()
            )

    class Manager(AsyncKernelManager):
        def __init__(self, **keywords):
            super().__init__(kernel_spec_manager=ThisPython(), **keywords)

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        kernel_manager_class=Manager,
        extra_arguments=["--IPKernelApp.log_level=40"],
        timeout=timeout,
        startup_timeout=timeout,  # a busy machine may need minutes
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": directory}},
    )
    start = time.perf_counter()
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        raise CannotRun(failure(notebook, name, f"{error.ename}: {error.evalue}")) from None
    except CellTimeoutError:
        raise CannotRun(failure(notebook, name, f"ran longer than {timeout} s")) from None
    except DeadKernelError:
        raise CannotRun(failure(notebook, name, "the kernel died (out of memory?)")) from None
    return time.perf_counter() - start


def failure(notebook: nbformat.NotebookNode, name: str, reason: str) -> str:
    """Where a notebook stopped: the cell that ended in an error, or the last that was begun."""
    code = [(n, c) for n, c in enumerate(notebook.cells, 1) if c.cell_type == "code"]
    wrong = [(n, c) for n, c in code if any(o.output_type == "error" for o in c.outputs)]
    begun = [(n, c) for n, c in code if c.execution_count is not None]
    after = [(n, c) for n, c in code if not begun or n > begun[-1][0]]
    number, cell = (wrong or after or begun or code)[0]
    message = f"{name}, cell {number} ({first_line(cell.source)!r}) failed\n    {reason}"
    for output in cell.outputs:
        if output.output_type == "error":
            plain = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(output.traceback))
            arrow = [line.strip() for line in plain.splitlines() if re.match(r"\s*-+> \d", line)]
            if arrow:
                message += f"\n    in the cell's line: {arrow[0].lstrip('-> ')}"
    return message


def settle(notebook: nbformat.NotebookNode) -> None:
    """Make what is stored depend on sources and outputs alone: fixed metadata, ids from the content."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] = seen.get(digest, 0) + 1
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            for output in cell.outputs:
                output.pop("transient", None)


def make_notebook(directory: Path, stem: str, timeout: int) -> float:
    """Make NN_name.ipynb from NN_name.py: convert, execute, settle, write; return the seconds of executing.

    If the .py is not exactly as jupytext writes it (a blank line more, a header), it is tidied to that form.
    """
    py, ipynb = directory / f"{stem}.py", directory / f"{stem}.ipynb"
    notebook = read_py(py)
    with clean_environment() as environment:
        seconds = execute(notebook, directory, py.name, timeout, environment)
    settle(notebook)
    nbformat.validate(notebook)
    write_text(ipynb, nbformat.writes(notebook, version=4) + "\n")
    canonical = as_py(read_ipynb(ipynb))
    if canonical != py.read_text(encoding="utf-8"):
        write_text(py, canonical)
        print(f"  {py.name}: tidied to the form jupytext writes")
    return seconds


def is_current(directory: Path, stem: str) -> bool:
    """Whether the .ipynb has the cells of the .py, all executed without error: by content, never by times."""
    py, ipynb = directory / f"{stem}.py", directory / f"{stem}.ipynb"
    if not ipynb.exists():
        return False
    try:
        notebook = read_ipynb(ipynb)
    except CannotRun:
        return False
    errors = [o for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]
    return as_py(notebook) == py.read_text(encoding="utf-8") and not errors and not list(check_counts("", notebook))


# ---- Commands --------------------------------------------------------------------------------------------


def command_check(args: argparse.Namespace) -> int:
    directory = Path(args.directory)
    problems, names, ignored = check_all(directory)
    for problem in problems:
        print(problem)
    if problems:
        print(f"\n{len(problems)} problem(s) in {len({p.notebook for p in problems})} file(s)")
        return 1
    print(f"notebook gates: {len(names)} pair(s) in order, {ignored} cell(s) with ignored output")
    return 0


def command_execute(args: argparse.Namespace) -> int:
    directory = Path(args.dir)
    chosen = [stem for stem in select(directory, args.names) if (directory / f"{stem}.py").exists()]
    failed = []
    for stem in chosen:
        if not args.all and not args.names and is_current(directory, stem):
            print(f"{stem}: unchanged")
            continue
        print(f"{stem}: executing ...", flush=True)
        try:
            print(f"{stem}: made in {make_notebook(directory, stem, args.timeout):.1f} s", flush=True)
        except CannotRun as error:
            failed.append(stem)
            print(f"{error}\n    {stem}.ipynb was left as it was", flush=True)
    if failed:
        print(f"\nfailed: {', '.join(failed)}")
    return 1 if failed else 0


def command_run(args: argparse.Namespace) -> int:
    directory = Path(args.dir)
    chosen = {}
    if data := os.environ.get("CRM_RL_DATA"):
        if not Path(data).exists():
            raise CannotRun(f"CRM_RL_DATA names {data}, which doesn't exist (seen from {Path.cwd()})")
        chosen = {"CRM_RL_DATA": str(Path(data).resolve())}  # the notebooks run in their own directory
        print(f"data: {data}")
    failed = 0
    for stem in select(directory, args.names):
        py = directory / f"{stem}.py"
        notebook = read_py(py) if py.exists() else read_ipynb(directory / f"{stem}.ipynb")
        try:
            with clean_environment() as environment:
                seconds = execute(notebook, directory, stem, args.timeout, environment | chosen)
            print(f"{stem}: passed, {seconds:.1f} s", flush=True)
        except CannotRun as error:
            failed += 1
            print(f"{stem}: FAILED\n{error}", flush=True)
    return 1 if failed else 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)

    check = commands.add_parser("check", help="the gates")
    check.add_argument("directory", nargs="?", default=NOTEBOOKS, help="where the pairs are (default: notebooks/)")
    check.set_defaults(run=command_check)

    for name, run, text in [
        ("execute", command_execute, "make the .ipynb from the .py, executed"),
        ("run", command_run, "execute without saving"),
    ]:
        sub = commands.add_parser(name, help=text)
        sub.add_argument("names", nargs="*", help="notebooks (default: all)")
        sub.add_argument("--dir", default=NOTEBOOKS, help="where the pairs are (default: notebooks/)")
        sub.add_argument("--timeout", type=int, default=600, help="seconds that one cell may take (default: 600)")
        sub.set_defaults(run=run)
        if name == "execute":
            which = sub.add_mutually_exclusive_group()
            which.add_argument("--all", action="store_true", help="every notebook, changed or not")
            which.add_argument("--changed", action="store_true", help="those whose .py changed (the default)")

    cell = commands.add_parser("setup-cell", help="print the first code cell of every notebook")
    cell.set_defaults(run=lambda args: print('# %% tags=["remove-cell"]\n' + setup_cell()) or 0)

    args = parser.parse_args(argv)
    return args.run(args)


if __name__ == "__main__":
    finish(main)
