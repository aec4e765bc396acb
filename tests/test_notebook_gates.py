"""The gates on notebooks are tested like code: each lets a good pair pass and stops a damaged one.

A tiny pair is made once, by the very command of `make notebooks`; each test damages a copy.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOL = ROOT / "tools" / "notebooks.py"

sys.path.insert(0, str(ROOT / "tools"))  # where the tool looks for its neighbours
import checks  # noqa: E402
import console  # noqa: E402

specification = importlib.util.spec_from_file_location("notebooks_tool", TOOL)
notebooks = importlib.util.module_from_spec(specification)
sys.modules["notebooks_tool"] = notebooks  # dataclasses look their module up
specification.loader.exec_module(notebooks)

SOURCE = """\
# %% [markdown]
# # A tiny chapter

# %% tags=["remove-cell"]
{setup}

# %%
total = 40 + 8
print(f"{{total}} subscribers")

# %%
total / 2

# %% mystnb={{"image": {{"alt": "A line that rises."}}}}
import matplotlib.pyplot as plt  # here, for it takes a second and many tests stop before

plt.figure(figsize=(1, 1))
plt.plot([1, 2])
plt.show()
"""


def tool(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    """tools/notebooks.py as the Makefile calls it, but in this process, which saves a start per test."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            console.finish(lambda: notebooks.main([str(argument) for argument in arguments]))
    return subprocess.CompletedProcess(arguments, ended.value.code, out.getvalue(), err.getvalue())


def nbval(directory: Path) -> subprocess.CompletedProcess:
    """nbval with the options and the environment of `make nbval`; it names each cell and says how it went."""
    command = [sys.executable, "-m", "pytest", "-v", "-p", "nbval.plugin", "-p", "no:cacheprovider", *checks.NBVAL]
    command += ["--rootdir", str(directory), str(directory)]
    with notebooks.clean_environment() as environment:
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the other plug-ins take longer than the notebooks
        return subprocess.run(command, capture_output=True, text=True, cwd=directory, env=environment, check=False)


def cells_of(done: subprocess.CompletedProcess, name: str) -> list[str]:
    """How each cell of a notebook went, by what nbval printed."""
    return re.findall(rf"^{name}::ipynb::Cell \d+ (\w+)", done.stdout, re.MULTILINE)


@pytest.fixture(scope="session")
def good_pair(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("good")
    setup = tool("setup-cell").stdout.split("\n", 1)[1].strip()
    (directory / "01_tiny.py").write_text(SOURCE.format(setup=setup), encoding="utf-8")
    done = tool("execute", "--dir", directory)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


@pytest.fixture
def pair(good_pair, tmp_path) -> Path:
    shutil.copytree(good_pair, tmp_path / "notebooks")
    return tmp_path / "notebooks"


def edit(pair: Path, change, name: str = "01_tiny") -> None:
    """Change the notebook's JSON in place; change(code_cells) gets its code cells."""
    path = pair / f"{name}.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    change([cell for cell in notebook["cells"] if cell["cell_type"] == "code"])
    path.write_text(json.dumps(notebook), encoding="utf-8")


def refused(pair: Path, *expected: str) -> str:
    done = tool("check", pair)
    assert done.returncode == 1, f"the gate let it pass:\n{done.stdout}{done.stderr}"
    for text in expected:
        assert text in done.stdout
    assert "remedy:" in done.stdout and "Traceback (most" not in done.stderr
    return done.stdout


def test_a_good_pair_passes(pair):
    done = tool("check", pair)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 pair(s) in order" in done.stdout


def strip(cells) -> None:
    for cell in cells:
        cell["outputs"], cell["execution_count"] = [], None


def falsify(cells) -> None:
    cells[1]["outputs"][0]["text"] = ["480 subscribers\n"]


@pytest.fixture(scope="session")
def compared(good_pair, tmp_path_factory) -> subprocess.CompletedProcess:
    """One run of nbval over a good notebook, one without outputs, and one with a false output."""
    directory = tmp_path_factory.mktemp("compared")
    for name, change in (("good", None), ("stripped", strip), ("false", falsify)):
        shutil.copy(good_pair / "01_tiny.ipynb", directory / f"{name}.ipynb")
        if change:
            edit(directory, change, name)
    return nbval(directory)


def test_a_good_pair_passes_nbval(compared):
    assert cells_of(compared, "good") == ["PASSED"] * 4, compared.stdout


# ---- What the issue of a book with stored outputs is about -----------------------------------------------


def test_without_outputs_nbval_passes_and_the_gate_does_not(pair, compared):
    edit(pair, strip)
    assert cells_of(compared, "stripped") == ["PASSED"] * 4, "nbval began to notice: the reason for the gate is gone"
    assert refused(pair, "was not executed").count("was not executed") == 4


def test_a_skipped_count_is_refused(pair):
    def skip(cells):
        cells[2]["execution_count"] = 4

    edit(pair, skip)
    refused(pair, "has count 4 where 3 is due")


def test_one_cell_not_executed_is_refused(pair):
    def skip(cells):
        cells[1]["execution_count"] = None

    edit(pair, skip)
    refused(pair, "cell 3: was not executed")


def test_an_edited_output_fails_nbval(compared):
    assert cells_of(compared, "false") == ["PASSED", "FAILED", "PASSED", "PASSED"], compared.stdout
    assert compared.returncode == 1 and "480 subscribers" in compared.stdout


def test_out_of_step_with_its_py_is_refused(pair):
    path = pair / "01_tiny.py"
    path.write_text(path.read_text(encoding="utf-8").replace("40 + 8", "40 + 9"), encoding="utf-8")
    refused(pair, "is out of step with 01_tiny.py", "make notebooks")


def test_an_edited_ipynb_is_out_of_step(pair):
    def retouch(cells):
        cells[2]["source"] = ["total / 3"]

    edit(pair, retouch)
    refused(pair, "is out of step with 01_tiny.py")


@pytest.mark.parametrize("missing", [".py", ".ipynb"])
def test_half_a_pair_is_refused(pair, missing):
    (pair / f"01_tiny{missing}").unlink()
    refused(pair, f"has no 01_tiny{missing}")


def test_a_truncated_notebook_is_refused(pair):
    path = pair / "01_tiny.ipynb"
    path.write_text(path.read_text(encoding="utf-8")[:500], encoding="utf-8")
    refused(pair, "can't be read as a notebook")


# ---- Outputs that no page may show -----------------------------------------------------------------------

FORBIDDEN = {
    "an error": (
        {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []},
        "ended in an error: ValueError: no",
    ),
    "stderr": (
        {"output_type": "stream", "name": "stderr", "text": ["FutureWarning: old\n"]},
        "writes to stderr",
    ),
    "a traceback": (
        {"output_type": "stream", "name": "stdout", "text": ["Traceback (most recent call last):\n"]},
        "shows a traceback",
    ),
    "a widget": (
        {
            "output_type": "display_data",
            "metadata": {},
            "data": {"application/vnd.jupyter.widget-view+json": {}},
        },
        "a widget",
    ),
    "a progress bar": (
        {"output_type": "stream", "name": "stdout", "text": [" 50%|#####     | 5/10 [00:01<00:01, 5.0it/s]"]},
        "a progress bar",
    ),
    "an address": (
        {"output_type": "stream", "name": "stdout", "text": ["<Line2D object at 0x7f3a1c2b>\n"]},
        "a memory address",
    ),
    "a home path": (
        {"output_type": "stream", "name": "stdout", "text": ["read /home/ann/book/x.csv\n"]},
        "an absolute path",
    ),
    "a temporary path": (
        {"output_type": "stream", "name": "stdout", "text": ["'/tmp/x.csv'\n"]},
        "an absolute path",
    ),
    "a Windows path": (
        {"output_type": "stream", "name": "stdout", "text": ["read C:\\Users\\ann\\x.csv\n"]},
        "an absolute path",
    ),
    "JavaScript": (
        {"output_type": "display_data", "metadata": {}, "data": {"application/javascript": "alert(1)"}},
        "JavaScript",
    ),
    "a script in HTML": (
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<p><script>x</script>"}},
        "JavaScript",
    ),
    "a Styler's id": (
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": '<table id="T_3fa9c">'}},
        "pandas Styler",
    ),
    "a timing": ({"output_type": "stream", "name": "stdout", "text": ["Wall time: 3.1 s\n"]}, "a timing"),
}


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_a_forbidden_output_is_refused(pair, kind):
    output, expected = FORBIDDEN[kind]
    edit(pair, lambda cells: cells[1]["outputs"].append(output))
    refused(pair, expected)


def test_addresses_of_the_web_are_no_paths(pair):
    text = {
        "output_type": "stream",
        "name": "stdout",
        "text": ["see https://example.org/home/x and 1/2, a/b\n"],
    }
    edit(pair, lambda cells: cells[1]["outputs"].append(text))
    assert tool("check", pair).returncode == 0


@pytest.mark.parametrize("alt", [None, "", "  "])
def test_a_figure_without_alt_text_is_refused(pair, alt):
    def drop(cells):
        cells[3]["metadata"] = {} if alt is None else {"mystnb": {"image": {"alt": alt}}}

    edit(pair, drop)
    refused(pair, "a figure without alt text")


def test_two_figures_in_a_cell_are_refused(pair):
    edit(pair, lambda cells: cells[3]["outputs"].append(cells[3]["outputs"][0]))
    refused(pair, "2 figures share one alt text")


# ---- Cells that nbval does not compare -------------------------------------------------------------------


def ignoring(source: list[str]):
    def change(cells):
        cells[2]["source"] = source

    return change


def step_with(pair: Path, source: str) -> None:
    """Put a source into the third code cell of both halves of the pair."""
    path = pair / "01_tiny.py"
    path.write_text(path.read_text(encoding="utf-8").replace("total / 2", source), encoding="utf-8")
    edit(pair, ignoring(source.splitlines(keepends=True)))


def test_an_unlisted_ignored_output_is_refused(pair):
    step_with(pair, "# NBVAL_IGNORE_OUTPUT\nassert total == 48\ntotal / 2")
    refused(pair, "not listed", "01_tiny.ipynb | assert total == 48 |")


def test_a_listed_ignored_output_with_an_assertion_passes_and_is_counted(pair):
    step_with(pair, "# NBVAL_IGNORE_OUTPUT\nassert total == 48\ntotal / 2")
    line = "# why\n01_tiny.ipynb | assert total == 48 | depends on the processor\n"
    (pair / "nbval_ignored.txt").write_text(line, encoding="utf-8")
    done = tool("check", pair)
    assert done.returncode == 0, done.stdout
    assert "1 cell(s) with ignored output" in done.stdout


def test_a_listed_ignored_output_without_an_assertion_is_refused(pair):
    step_with(pair, "# NBVAL_IGNORE_OUTPUT\ntotal / 2")
    (pair / "nbval_ignored.txt").write_text("01_tiny.ipynb | total / 2 | why\n", encoding="utf-8")
    refused(pair, "nothing is asserted")


def test_a_listed_cell_that_is_gone_is_refused(pair):
    (pair / "nbval_ignored.txt").write_text("01_tiny.ipynb | gone() | why\n", encoding="utf-8")
    refused(pair, "lists a cell that isn't there")


def test_a_list_without_a_reason_is_refused(pair):
    (pair / "nbval_ignored.txt").write_text("01_tiny.ipynb | gone()\n", encoding="utf-8")
    done = tool("check", pair)
    assert done.returncode == 2 and "nbval_ignored.txt, line 1" in done.stderr


@pytest.mark.parametrize("switch", ["NBVAL_SKIP", "NBVAL_RAISES_EXCEPTION", "PYTEST_VALIDATE_IGNORE_OUTPUT"])
def test_other_switches_of_nbval_are_refused(pair, switch):
    step_with(pair, f"# {switch}\ntotal / 2")
    refused(pair, f"uses {switch}")


def test_a_switch_as_a_tag_is_refused(pair):
    def tag(cells):
        cells[2]["metadata"] = {"tags": ["nbval-skip"]}

    edit(pair, tag)
    refused(pair, "has the tag nbval-skip")


# ---- The set-up cell, and all problems at once -----------------------------------------------------------


def test_another_address_in_the_setup_cell_is_refused(pair):
    def move(cells):
        cells[0]["source"] = [
            line.replace("https://github.com/", "https://github.com/other-") for line in cells[0]["source"]
        ]

    edit(pair, move)
    refused(pair, "the first code cell isn't the hidden set-up cell")


def test_all_problems_are_listed_at_once(pair):
    def damage(cells):
        cells[0]["execution_count"] = None
        cells[1]["outputs"].append(FORBIDDEN["stderr"][0])
        cells[3]["metadata"] = {}

    edit(pair, damage)
    told = refused(pair, "was not executed", "writes to stderr", "without alt text", "is out of step")
    assert "4 problem(s) in 1 file(s)" in told


# ---- Making notebooks ------------------------------------------------------------------------------------


def test_executing_again_gives_the_same_bytes(pair):
    before = (pair / "01_tiny.ipynb").read_bytes()
    assert tool("execute", "--all", "--dir", pair).returncode == 0
    assert (pair / "01_tiny.ipynb").read_bytes() == before


def test_only_what_changed_is_executed_and_file_times_play_no_part(pair):
    os.utime(pair / "01_tiny.py", (2e9, 2e9))
    assert "01_tiny: unchanged" in tool("execute", "--dir", pair).stdout
    path = pair / "01_tiny.py"
    path.write_text(path.read_text(encoding="utf-8").replace("40 + 8", "40 + 9"), encoding="utf-8")
    os.utime(path, (1e9, 1e9))
    assert "01_tiny: made in" in tool("execute", "--dir", pair).stdout
    assert "49 subscribers" in (pair / "01_tiny.ipynb").read_text(encoding="utf-8")
    assert tool("check", pair).returncode == 0


def test_a_failing_cell_is_named_and_nothing_is_saved(pair):
    before = (pair / "01_tiny.ipynb").read_bytes()
    path = pair / "01_tiny.py"
    path.write_text(path.read_text(encoding="utf-8").replace("total / 2", "total / 0"), encoding="utf-8")
    for command in ("execute", "run"):
        done = tool(command, "--dir", pair)
        assert done.returncode == 1
        assert "cell 4 ('total / 0') failed" in done.stdout
        assert "ZeroDivisionError: division by zero" in done.stdout
        assert "Traceback" not in done.stdout + done.stderr
    assert (pair / "01_tiny.ipynb").read_bytes() == before
    assert not list(pair.glob("*.tmp"))


def test_run_passes_the_data_on_and_saves_nothing(pair, tmp_path):
    path = pair / "01_tiny.py"
    shown = "import os\nprint(os.environ['CRM_RL_DATA'])\nassert os.path.isfile(os.environ['CRM_RL_DATA'])"
    path.write_text(path.read_text(encoding="utf-8").replace("total / 2", shown), encoding="utf-8")
    before = (pair / "01_tiny.ipynb").read_bytes()
    (tmp_path / "mine.csv").write_text("x\n", encoding="utf-8")
    relative = os.path.relpath(tmp_path / "mine.csv")  # the kernel works elsewhere than the reader
    done = tool("run", "01", "--dir", pair, CRM_RL_DATA=relative)
    assert done.returncode == 0 and "01_tiny: passed" in done.stdout, done.stdout + done.stderr
    assert (pair / "01_tiny.ipynb").read_bytes() == before
    done = tool("run", "01", "--dir", pair, CRM_RL_DATA="absent.csv")
    assert done.returncode == 2 and "absent.csv, which doesn't exist" in done.stderr


def test_the_book_is_made_from_the_twin_even_where_the_original_is_named(pair):
    path = pair / "01_tiny.py"
    shown = "import os\nassert 'CRM_RL_DATA' not in os.environ"
    path.write_text(path.read_text(encoding="utf-8").replace("total / 2", shown), encoding="utf-8")
    assert tool("execute", "--dir", pair, CRM_RL_DATA=str(path)).returncode == 0


@pytest.fixture
def personal(tmp_path) -> dict[str, str]:
    """The settings of somebody whose sessions begin with code of their own, and draw elsewhere."""
    startup = tmp_path / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-mine.py").write_text("import builtins\nbuiltins.print = repr\n", encoding="utf-8")
    config = "c.InteractiveShell.ast_node_interactivity = 'all'\n"
    (startup.parent / "ipython_config.py").write_text(config, encoding="utf-8")
    (tmp_path / "mine.py").write_text("sum = max\n", encoding="utf-8")
    names = {"IPYTHONDIR": str(startup.parents[1]), "PYTHONSTARTUP": str(tmp_path / "mine.py")}
    return names | {"MPLBACKEND": "agg", "PYTHONOPTIMIZE": "1"}


def test_what_is_personal_does_not_change_a_notebook(pair, personal):
    before = (pair / "01_tiny.ipynb").read_bytes()
    done = tool("execute", "--all", "--dir", pair, **personal)
    assert done.returncode == 0, done.stdout
    assert (pair / "01_tiny.ipynb").read_bytes() == before


def test_what_is_personal_does_not_fail_nbval(pair, personal, monkeypatch):
    for name, value in personal.items():
        monkeypatch.setenv(name, value)
    done = nbval(pair)
    assert done.returncode == 0 and cells_of(done, "01_tiny") == ["PASSED"] * 4, done.stdout


def test_run_asserts_even_where_python_is_told_not_to(pair):
    path = pair / "01_tiny.py"
    path.write_text(path.read_text(encoding="utf-8").replace("total / 2", "assert total == 49"), encoding="utf-8")
    assert tool("run", "--dir", pair, PYTHONOPTIMIZE="1").returncode == 1


def test_a_notebook_that_cannot_be_written_is_a_clean_error(pair):
    (pair / "01_tiny.ipynb.tmp").mkdir()  # as good as a read-only folder, and root can't write here either
    before = (pair / "01_tiny.ipynb").read_bytes()
    done = tool("execute", "--all", "--dir", pair)
    assert done.returncode == 1
    assert "01_tiny.ipynb can't be written (Is a directory)" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert (pair / "01_tiny.ipynb").read_bytes() == before


def test_a_reader_who_leaves_is_no_error_to_talk_about(pair):
    command = [sys.executable, str(TOOL), "check", str(pair)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()  # long before the first line
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_an_unknown_name_is_a_clean_error(pair):
    done = tool("run", "99_absent", "--dir", pair)
    assert done.returncode == 2 and "no notebook is called '99_absent'" in done.stderr


# ---- `make gates` is these very gates ----------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_gates_fails_on_a_damaged_notebook(pair, tmp_path):
    """The target itself, in a copy of the frame with a damaged notebook."""
    for name in ("Makefile", "_config.yml", "jupytext.toml", "requirements-book.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    environment = tmp_path / "environment"
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
    (environment / "bin" / "python").chmod(0o755)
    (environment / ".pages-installed").touch()
    command = ["make", "gates", f"VENV={environment}"]
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stdout + good.stderr

    def forget(cells):
        cells[1]["execution_count"], cells[1]["outputs"] = None, []

    edit(pair, forget)
    damaged = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert damaged.returncode != 0
    assert "was not executed" in damaged.stdout
