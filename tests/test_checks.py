"""`make test` runs every step whatever fails, and its summary names what did; make, before anything is set up."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import checks  # noqa: E402
import console  # noqa: E402
import portable  # noqa: E402
from checks import STEPS, Step  # noqa: E402
from summary import outcome_of  # noqa: E402

PYTEST = ["pytest", "-q", "-p", "no:cacheprovider", "--rootdir=.", "-c", "/dev/null"]
needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """An empty folder as the project's top."""
    monkeypatch.setattr(checks, "ROOT", tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the plug-ins take longer than the tests
    return tmp_path


# ---- Steps and their summary -----------------------------------------------------------------------------


def test_a_step_that_fails_hides_none_of_the_next(project, capfd):
    (project / "test_one.py").write_text("def test_wrong(): assert 1 == 2\ndef test_right(): pass\n", encoding="utf-8")
    (project / "test_two.py").write_text(
        "import pytest\n@pytest.fixture\ndef broken(): raise OSError\ndef test_set_up(broken): pass\n"
        "def test_skipped(): pytest.skip('no browser')\n",
        encoding="utf-8",
    )
    (project / "bad.py").write_text("raise SystemExit(3)", encoding="utf-8")
    (project / "good.py").write_text("print('all is well')", encoding="utf-8")
    steps = [
        Step("first", "fails", ["bad.py"]),
        Step("second", "fails", [*PYTEST, "test_one.py"]),
        Step("third", "fails", [*PYTEST, "test_two.py"]),
        Step("fourth", "passes", ["good.py"]),
    ]
    assert checks.run_all(steps) == 1
    told = capfd.readouterr().out.split("---- summary")[1].splitlines()
    assert [line.rpartition(", ")[0].split() for line in told[1:5]] == [
        "FAILED first 0 passed, 1 failed, 0 skipped".split(),
        "FAILED second 1 passed, 1 failed, 0 skipped".split(),
        "FAILED third 0 passed, 1 failed, 1 skipped".split(),
        "passed fourth 1 passed, 0 failed, 0 skipped".split(),
    ]
    assert told[5:] == [
        "skipped: ",
        "  test_two::test_skipped: no browser",
        "failed: ",
        "  first (exit code 3, see above)",
        "  test_one::test_wrong",
        "  test_two::test_set_up",
        "total: 2 passed, 3 failed, 1 skipped",
    ]


def test_when_all_is_well_the_code_is_zero(project, capfd):
    (project / "good.py").write_text("", encoding="utf-8")
    assert checks.run_all([Step("only", "passes", ["good.py"])]) == 0
    assert capfd.readouterr().out.endswith("skipped: nothing\nfailed: nothing\ntotal: 1 passed, 0 failed, 0 skipped\n")


def test_steps_side_by_side_are_told_of_one_after_the_other(project, capfd):
    """Each waits for the other's file, so that they end only if they run at the same time."""
    code = "import pathlib, sys, time\npathlib.Path({!r}).touch()\nfor _ in range(6_000):\n    time.sleep(0.01)\n"
    code += "    if pathlib.Path({!r}).exists():\n        print('I am {}')\n        sys.exit({})\nprint('alone')"
    (project / "one.py").write_text(code.format("a", "b", "one", 0), encoding="utf-8")
    (project / "two.py").write_text(code.format("b", "a", "two", 3), encoding="utf-8")
    (project / "last.py").write_text("print('I am last')", encoding="utf-8")
    steps = [Step(name, name, [f"{name}.py"], beside="one" * (name == "two")) for name in ("one", "two", "last")]
    assert checks.run_all(steps) == 1
    told = capfd.readouterr().out.split("---- summary")
    lines = [line for line in told[0].splitlines() if line]
    assert lines == ["== one: one", "I am one", "== two: two", "I am two", "== last: last", "I am last"]
    assert "total: 2 passed, 1 failed, 0 skipped" in told[1] and "two (exit code 3, see above)" in told[1]


def test_a_step_whose_tests_cannot_be_read_has_failed(project, capfd):
    (project / "test_broken.py").write_text("import nothing_of_the_kind\n", encoding="utf-8")
    assert checks.run_all([Step("only", "fails", [*PYTEST, "test_broken.py"])]) == 1
    assert "test_broken" in capfd.readouterr().out.split("failed: ")[-1]


def test_tests_that_were_not_counted_have_failed(tmp_path):
    """A run that was killed leaves no report, and one that collected nothing an empty one."""
    assert outcome_of("unit", -9, 1.0, tmp_path / "absent.xml").failures == (
        "unit (pytest ended with exit code -9, see above)",
    )
    (tmp_path / "empty.xml").write_text("<testsuites><testsuite/></testsuites>", encoding="utf-8")
    assert outcome_of("unit", 0, 1.0, tmp_path / "empty.xml").failed


def test_an_old_report_is_not_taken_for_a_new_one(project, capfd):
    (project / "test_one.py").write_text("def test_right(): pass\n", encoding="utf-8")
    step = Step("only", "passes, then cannot start", [*PYTEST, "test_one.py"])
    assert checks.run_all([step]) == 0
    assert checks.run_all([Step("only", "cannot start", [*PYTEST, "--no-such-option"])]) == 1


def test_the_steps_are_the_ones_the_page_describes():
    """Those that tests/test_notebook_gates.py tries on damaged notebooks, and no test is left out of all of them."""
    commands = {step.name: step.command for step in STEPS}
    assert list(commands) == ["lint", "gates", "unit", "nbval", "book", "browser"]
    assert commands["gates"] == ["tools/notebooks.py", "check", "notebooks"]
    assert {"--nbval", "--nbval-current-env", "notebooks"} <= set(commands["nbval"])
    assert "--nbval-lax" not in commands["nbval"]
    assert "--ignore=tests/test_book.py" in commands["unit"] and "tests/test_book.py" in commands["browser"]
    assert not {"-x", "-k", "-m", "--lf", "--maxfail"} & {word for command in commands.values() for word in command}


def test_an_unknown_step_is_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["checks.py", "lnit"])
    with pytest.raises(SystemExit) as ended:
        console.finish(checks.main)
    assert ended.value.code == 2
    assert "no step is called lnit; there are: lint, gates" in capsys.readouterr().err


def test_what_is_not_run_in_disguise_is_there_to_be_left_out():
    assert len(portable.DISGUISES) >= 3
    files = {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")}
    assert set(portable.SAME_ANYWHERE) <= files


# ---- make ------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(tmp_path) -> Path:
    """The Makefile in a fresh clone, and a Python that notes its arguments, one a line, instead of doing anything."""
    for name in ("Makefile", "requirements.txt", "requirements-book.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\necho "== call" >> "{tmp_path}/calls"\n'
        f'for one in "$@"; do echo "$one" >> "{tmp_path}/calls"; done\n'
        'if [ "$1 $2" = "-m venv" ]; then sleep 0.3; mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str) -> list[list[str]]:
    """Run make; the arguments of each call of Python, in order."""
    command = ["make", f"PYTHON={folder / 'python'}", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    calls = (folder / "calls").read_text(encoding="utf-8").split("== call\n")[1:]
    return [call.splitlines() for call in calls]


def installed(calls: list[list[str]]) -> list[str]:
    return [call[-1] for call in calls if call[:3] == ["-m", "pip", "install"]]


@needs_make
def test_the_book_needs_only_the_first_stage(bare):
    calls = make(bare, "book")
    assert installed(calls) == ["requirements-book.txt"] and calls[-1] == ["tools/book.py"]


@needs_make
def test_two_targets_at_once_make_one_environment(bare):
    calls = make(bare, "-j4", "book", "check", "unit")
    assert [call for call in calls if call[:2] == ["-m", "venv"]] == [["-m", "venv", ".venv"]]
    assert installed(calls) == ["requirements-book.txt", "requirements.txt"]


@needs_make
def test_the_second_stage_follows_the_first_and_nothing_is_installed_twice(bare):
    make(bare, "book")
    calls = make(bare, "test")
    assert installed(calls) == ["requirements-book.txt", "requirements.txt"]
    assert calls[-1] == ["tools/checks.py"]


@needs_make
@pytest.mark.parametrize("name", ["data/raw/SalesCRM.xlsx", "Sales CRM.xlsx", "o'brien (1) & co; x.xlsx"])
def test_the_name_of_the_original_stays_in_one_piece(bare, name):
    runs = [call for call in make(bare, "study", f"ORIGINAL={name}") if call[:2] == ["-m", "crm_rl"]]
    data = ["--data", "data/raw/crm_twin.csv", name]
    assert runs == [["-m", "crm_rl", "study", *data]]


@needs_make
def test_without_the_original_the_study_runs_on_the_twin(bare):
    runs = [call for call in make(bare, "study") if call[:2] == ["-m", "crm_rl"]]
    assert [call[3:] for call in runs] == [["--data", "data/raw/crm_twin.csv"]]
