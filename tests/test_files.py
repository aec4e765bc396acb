"""Writing: whole or not at all, whatever fails and whoever else writes; checksums; what an installed package finds."""

import errno
import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crm_rl import files
from crm_rl.files import PROJECT, alone_in, same_file, sha256, shipped, write_together, write_whole, writing

FULL, STOPPED = OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()
ERRORS = pytest.mark.parametrize("error", [FULL, STOPPED], ids=["disk full", "stopped"])
OLD, NEW = ({name: f"{name}, {state}\n" for name in ("a.csv", "b.csv", "seal.json")} for state in ("old", "new"))


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def fill(folder: Path, texts: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text)


def failing(function, number: int, error: BaseException):
    """The function, but for its call of this number, which fails half-way."""
    calls = iter(range(99))

    def fails(*arguments):
        if next(calls) == number:
            if function == Path.write_bytes:
                function(arguments[0], arguments[1][:3])
            raise error
        return function(*arguments)

    return fails


# ---- One file ----


@ERRORS
@pytest.mark.parametrize(("owner", "name"), [(Path, "write_bytes"), (os, "replace")])
@pytest.mark.parametrize("earlier", [True, False])
def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch, owner, name, error, earlier):
    path = tmp_path / "new" / "file.csv"
    if earlier:
        fill(path.parent, {path.name: "old"})
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), 0, error))
    with pytest.raises(type(error)) as caught:
        write_whole(path, "new text")
    assert (contents(path.parent) == {"file.csv": "old"}) if earlier else os.listdir(tmp_path) == []
    if error is FULL:
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
    monkeypatch.undo()
    write_whole(path, "new text")
    assert contents(path.parent) == {"file.csv": "new text"}


def test_the_bytes_are_the_same_on_every_system(tmp_path):
    write_whole(tmp_path / "a", "é\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\n"


def test_two_runs_that_write_one_file_do_not_meet(tmp_path):
    with writing(tmp_path / "a") as one, writing(tmp_path / "a") as other:
        one.write_text("one")
        other.write_text("other")
        assert not (tmp_path / "a").exists()
    assert contents(tmp_path) == {"a": "one"}


def test_a_file_that_others_may_read_stays_readable(tmp_path):
    (tmp_path / "plain").touch()
    write_whole(tmp_path / "a", "text")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_stays_a_link(tmp_path):
    fill(tmp_path / "there", {"a": "old"})
    (tmp_path / "link").symlink_to(tmp_path / "there" / "a")
    write_whole(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and contents(tmp_path / "there") == {"a": "new"}


def test_a_file_that_is_a_mount_point_is_filled(tmp_path, monkeypatch):
    fill(tmp_path, {"a": "an old and longer text"})
    monkeypatch.setattr(os, "replace", failing(os.replace, 0, OSError(errno.EBUSY, "Device or resource busy")))
    write_whole(tmp_path / "a", "new")
    assert contents(tmp_path) == {"a": "new"}


def test_an_error_names_what_stands_in_the_way(tmp_path):
    fill(tmp_path, {"a": ""})
    with pytest.raises(OSError) as caught:
        write_whole(tmp_path / "a" / "below" / "b", "")
    assert Path(caught.value.filename) in (tmp_path / "a", tmp_path / "a" / "below")


# ---- Several files ----


def test_files_are_replaced_together_and_others_left_alone(tmp_path):
    fill(tmp_path, OLD | {".DS_Store": "x"})
    write_together(tmp_path, NEW)
    assert contents(tmp_path) == NEW | {".DS_Store": "x"}


def test_the_folder_itself_is_neither_moved_nor_replaced(tmp_path):
    """So that it may be a mount point."""
    fill(tmp_path / "mounted", OLD)
    before = (tmp_path / "mounted").stat().st_ino
    write_together(tmp_path / "mounted", NEW)
    assert (tmp_path / "mounted").stat().st_ino == before
    assert os.listdir(tmp_path) == ["mounted"]


STEPS = [*((Path, "write_bytes", number) for number in range(3)), *((os, "replace", number) for number in range(6))]


@ERRORS
@pytest.mark.parametrize(("owner", "name", "number"), STEPS)
def test_a_failure_at_any_step_leaves_what_was_there(tmp_path, monkeypatch, owner, name, number, error):
    fill(tmp_path / "out", OLD)
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), number, error))
    with pytest.raises(type(error)) as caught:
        write_together(tmp_path / "out", NEW)
    assert contents(tmp_path / "out") == OLD
    assert error is STOPPED or caught.value.filename == str(tmp_path / "out")


@ERRORS
@pytest.mark.parametrize(("owner", "name", "number"), STEPS[:-3])
def test_a_failure_at_any_step_leaves_nothing_where_nothing_was(tmp_path, monkeypatch, owner, name, number, error):
    monkeypatch.setattr(owner, name, failing(getattr(owner, name), number, error))
    with pytest.raises(type(error)):
        write_together(tmp_path / "new" / "out", NEW)
    assert os.listdir(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from crm_rl import files
function, calls = os.replace, iter(range(9))
def dying(*names):
    if next(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    function(*names)
os.replace = dying
files.write_together(Path(sys.argv[1]), dict.fromkeys(("a.csv", "b.csv", "seal.json"), "half"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on this system")
@pytest.mark.parametrize("number", range(6))
def test_beside_a_seal_stands_what_belongs_to_it_wherever_a_run_was_killed(tmp_path, number):
    fill(tmp_path, OLD)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(number)], cwd=PROJECT)
    assert killed.returncode == -signal.SIGKILL
    here = {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()}
    assert here == OLD if number == 0 else "seal.json" not in here
    write_together(tmp_path, NEW)
    assert contents(tmp_path) == NEW, "what the killed run left is gone"


@pytest.mark.skipif(files.fcntl is None, reason="no locks on this system")
def test_a_second_run_in_the_folder_is_told_to_wait(tmp_path):
    with alone_in(tmp_path), pytest.raises(BlockingIOError, match="another run is at work.*Remedy") as caught:
        write_together(tmp_path, NEW)
    assert caught.value.filename == str(tmp_path)
    assert os.listdir(tmp_path) == []
    write_together(tmp_path, NEW)
    assert contents(tmp_path) == NEW


# ---- Checksums, and one place by two names ----


def test_a_checksum_follows_the_file(tmp_path):
    for text in ("one", "three"):
        (tmp_path / "a").write_text(text)
        assert sha256(tmp_path / "a") == sha256(str(tmp_path / "a")) == hashlib.sha256(text.encode()).hexdigest()


def test_one_place_is_known_by_every_name(tmp_path, monkeypatch):
    fill(tmp_path, {"a": "same", "b": "same"})
    (tmp_path / "link").symlink_to("a")
    os.link(tmp_path / "a", tmp_path / "hard")
    monkeypatch.chdir(tmp_path)
    for name in ("a", "link", "hard", "./x/../a"):
        assert same_file(Path(name), tmp_path / "a"), name
    assert not same_file(tmp_path / "b", tmp_path / "a")
    assert same_file(Path("new"), tmp_path / "new"), "also if it is not there yet"


# ---- Where things are ----


def test_in_a_checkout_everything_is_in_its_data_folder():
    assert shipped("raw/crm_twin.csv") == PROJECT / "data" / "raw" / "crm_twin.csv"
    assert (PROJECT / "pyproject.toml").is_file()
