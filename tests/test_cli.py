"""The command line: every damaged export is a clear error, exit code 1 and nothing written; never a traceback."""

import io
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import openpyxl
import pandas as pd
import pytest
from exports import export, with_cells, write_csv, write_xlsx

import crm_rl
from crm_rl import arguments
from crm_rl.agents.checkpoints import read_arrays
from crm_rl.cli import main
from crm_rl.data import COLUMNS
from crm_rl.data.prepare import FILES
from crm_rl.data.problems import DataError
from crm_rl.files import PROJECT, alone_in


def command(*arguments: object, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "crm_rl", *map(str, arguments)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
        capture_output=True,
        text=True,
    )


# ---- damaged exports: how each is made, and what the error says beside the file's name ----


def text(path: Path, change) -> None:
    path.write_bytes(change(export().to_csv(index=False)))


def table(path: Path, change) -> None:
    (write_csv if path.suffix == ".csv" else write_xlsx)(change(export()), path)


def cells(path: Path, changes: dict) -> None:
    table(path, lambda _: with_cells(changes))


def second_sheet(path: Path) -> None:
    write_xlsx(export(), path, sheets_before=1)


def title_above(path: Path) -> None:
    write_xlsx(export(), path, above=2)
    workbook = openpyxl.load_workbook(path)
    workbook.active["A1"] = "CRM export"
    workbook.save(path)


def repeated_column(path: Path) -> None:
    table(path, lambda good: pd.concat([good, good[["Country"]]], axis=1))


OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)

DAMAGED = {
    "a missing file": ("x.csv", lambda path: None, ["there is no such file. Remedy: check the name"]),
    "a folder": ("x.csv", Path.mkdir, ["a folder, not a file. Remedy: name the export in it"]),
    "0 bytes, .csv": ("x.csv", Path.touch, ["the file is empty. Remedy: export the customers again"]),
    "0 bytes, .xlsx": ("x.xlsx", Path.touch, ["the file is empty. Remedy: export the customers again"]),
    "blank lines": ("x.csv", lambda path: path.write_text("\n\n\n"), ["cannot be read as a table", "Remedy"]),
    "a header only": (
        "x.csv",
        lambda path: table(path, lambda good: good[:0]),
        ["no rows", "export the customers again"],
    ),
    "a header only, .xlsx": ("x.xlsx", lambda path: table(path, lambda good: good[:0]), ["no rows"]),
    "empty rows only": (
        "x.csv",
        lambda path: text(path, lambda good: (",".join(COLUMNS) + "\n,,\n\n").encode()),
        ["no rows", "2 x empty row"],
    ),
    "another kind of file": (
        "x.pdf",
        lambda path: path.write_bytes(b"%PDF-1.4"),
        ["not a .csv or .xlsx file. Remedy: save"],
    ),
    "an old .xls": ("x.xls", lambda path: path.write_bytes(OLD_EXCEL), ["not a .csv or .xlsx file. Remedy: save"]),
    "an old .xls renamed": (
        "x.xlsx",
        lambda path: path.write_bytes(OLD_EXCEL),
        ["not a readable Excel workbook", "save it as .xlsx"],
    ),
    "text as .xlsx": (
        "x.xlsx",
        lambda path: text(path, str.encode),
        ["not a readable Excel workbook", "save it as .xlsx"],
    ),
    "a workbook as .csv": (
        "x.csv",
        lambda path: write_xlsx(export(), path.with_suffix(".xlsx")).rename(path),
        ["not text in UTF-8", "Remedy"],
    ),
    "UTF-16": (
        "x.csv",
        lambda path: text(path, lambda good: good.encode("utf-16")),
        ["not text in UTF-8", "save it as 'CSV UTF-8'"],
    ),
    "Latin-1": (
        "x.csv",
        lambda path: text(path, lambda good: good.replace("Germany", "Türkei").encode("latin-1")),
        ["not text in UTF-8", "save it as 'CSV UTF-8'"],
    ),
    "semicolons": (
        "x.csv",
        lambda path: text(path, lambda good: good.replace(",", ";").encode()),
        ["row 1 holds none of the 13 column names", "commas"],
    ),
    "no header": (
        "x.csv",
        lambda path: text(path, lambda good: good.split("\n", 1)[1].encode()),
        ["row 1 holds none of the 13 column names", "Remedy: give the columns these names"],
    ),
    "a long row": (
        "x.csv",
        lambda path: text(path, lambda good: (good + "," * 20).encode()),
        ["Expected 13 fields in line 102, saw 21", "Remedy"],
    ),
    "long rows throughout": (
        "x.csv",
        lambda path: text(path, lambda good: good.replace("\n", ",x\n").replace(",x", "", 1).encode()),
        ["Expected 13 fields in line 2, saw 14"],
    ),
    "an open quote": (
        "x.csv",
        lambda path: text(path, lambda good: (good + '101,"Germany').encode()),
        ["cells go on over the end of their row", "never closes", "Remedy: remove the stray quotes"],
    ),
    "an empty first sheet": (
        "x.xlsx",
        second_sheet,
        ["row 1 holds none of the 13 column names (it begins with nothing)", "first sheet"],
    ),
    "a title above the header": (
        "x.xlsx",
        title_above,
        ["row 1 holds none of the 13 column names (it begins with 'CRM export')", "in row 1"],
    ),
    "a column twice": ("x.csv", repeated_column, ["row 1 holds more than once: Country", "keep one column"]),
    "a column twice, .xlsx": ("x.xlsx", repeated_column, ["row 1 holds more than once: Country", "keep one column"]),
    "missing and renamed columns": (
        "x.csv",
        lambda path: table(
            path,
            lambda good: good.drop(columns="Stage").rename(columns={"Country": "Contry", "Subscribed": "SUBSCRIBED"}),
        ),
        [
            "1 x Stage: missing column -> add it",
            "Country: missing column (is it 'Contry'?) -> add it",
            "Subscribed: missing column (is it 'SUBSCRIBED'?) -> add it",
        ],
    ),
    "duplicate IDs": (
        "x.csv",
        lambda path: cells(path, {(5, "ID"): "1"}),
        ["2 x ID: duplicate ID", "row 2 ('1')", "row 5 ('1')"],
    ),
    "IDs that are none": (
        "x.xlsx",
        lambda path: cells(path, {(5, "ID"): "A7", (6, "ID"): 1.5, (7, "ID"): None, (8, "ID"): True}),
        [
            "3 x ID: ID is not a whole number",
            "row 5 ('A7')",
            "row 6 ('1.5')",
            "row 8 ('TRUE')",
            "1 x ID: missing ID, first in row 7",
        ],
    ),
    "too many unreadable dates": (
        "x.csv",
        lambda path: cells(path, {(row, "First Contact"): "2021-13-12" for row in range(2, 8)}),
        ["First Contact: too many unreadable dates (6 of 100) -> write dates as YYYY-MM-DD row 2 ('2021-13-12') row 3"],
    ),
    "everything at once": (
        "x.csv",
        lambda path: cells(
            path,
            {(5, "ID"): "1", (6, "ID"): "x", (7, "ID"): None, **{(row, "First Call"): "soon" for row in range(2, 50)}},
        ),
        ["duplicate ID", "ID is not a whole number", "missing ID", "First Call: too many unreadable dates"],
    ),
    "too few to split": (
        "x.csv",
        lambda path: table(path, lambda good: good[:2]),
        ["cannot be split by time", "Remedy"],
    ),
    "dates all after the snapshot": (
        "x.csv",
        lambda path: table(path, lambda good: good.assign(**{"First Contact": "2030-01-01"})),
        [
            "cannot be split by time: nobody has a date to go by",
            "choose the right one (on the command line with --snapshot)",
            "100 x First Contact: after the snapshot",
            "1 x First Contact: many dates after the snapshot (100 of 100)",
        ],
    ),
    "days that nobody wrote down": (
        "x.csv",
        lambda path: table(path, lambda good: good.assign(**{"First Contact": "0000-00-00"})),
        ["nobody has a date to go by. Remedy: write the dates down", "100 x First Contact: unknown date"],
    ),
}


@pytest.mark.parametrize(("name", "damage", "parts"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_export_is_a_clear_error_and_nothing_is_written(tmp_path, capsys, name, damage, parts):
    (tmp_path / "made").mkdir()
    path = tmp_path / name
    damage(path)
    assert main(["prepare", str(path), "--out", str(tmp_path / "made" / "out")]) == 1
    printed = capsys.readouterr()
    error = " ".join(printed.err.split())
    assert error.startswith(f"error: {path}: ")
    assert error.endswith("Nothing was written.")
    for part in parts:
        assert part in error
    assert printed.out == ""
    assert list((tmp_path / "made").iterdir()) == []


def test_in_a_process_of_its_own_it_is_no_traceback_either(tmp_path):
    file, damage, parts = DAMAGED["everything at once"]
    damage(tmp_path / file)
    done = command("prepare", tmp_path / file, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert all(part in " ".join(done.stderr.split()) for part in parts)
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_a_truncated_workbook_is_a_clear_error(tmp_path, capsys):
    whole = write_xlsx(export(), tmp_path / "whole.xlsx").read_bytes()
    (tmp_path / "cut.xlsx").write_bytes(whole[: len(whole) // 2])
    assert main(["prepare", str(tmp_path / "cut.xlsx"), "--out", str(tmp_path / "out")]) == 1
    assert "if it was cut off in a download, fetch it again" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# ---- exports that can be mended ----


def test_prepare_ends_with_the_report_the_split_and_what_was_written(tmp_path, capsys):
    path = write_csv(with_cells({(3, "Country"): "uSA", (4, "Last Contact"): "06.01.2042"}), tmp_path / "x.csv")
    assert main(["prepare", str(path), "--out", str(tmp_path / "out")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    for part in (
        f"{path}: 100 rows read, 100 customers kept",
        "1 x Country: other spelling, first in row 3 ('uSA') -> read as the known value",
        "1 x Last Contact: after the snapshot, first in row 4 ('06.01.2042')",
        "The published split:",
        f"Written to {tmp_path / 'out'}: {', '.join(FILES)}",
    ):
        assert part in printed
    assert printed.index("Repaired") < printed.index("The published split") < printed.index("Written to")


def test_the_snapshot_and_the_split_can_be_chosen(tmp_path, capsys):
    path = write_csv(with_cells({(3, "First Contact"): "2022-06-01"}), tmp_path / "x.csv")
    arguments = ["prepare", str(path), "--out", str(tmp_path / "out"), "--split", "sound"]
    assert main([*arguments, "--snapshot", "2022-06-30"]) == 0
    assert "after the snapshot" not in capsys.readouterr().out
    assert main(arguments) == 0
    assert "after the snapshot" in capsys.readouterr().out


@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "from the working folder"])
def test_the_export_is_the_one_that_crm_rl_data_names(tmp_path, monkeypatch, capsys, absolute):
    path = write_csv(export(), tmp_path / "x.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_RL_DATA", str(path) if absolute else "x.csv")
    assert main(["prepare", "--out", "out"]) == 0
    assert "x.csv: 100 rows read" in capsys.readouterr().out
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_prepare_without_a_file_takes_the_twin(twin, tmp_path, capsys):
    assert main(["prepare", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.startswith(f"{twin}: 11,032 rows read")


def test_a_folder_with_other_files_is_refused(tmp_path, capsys):
    path = write_csv(export(), tmp_path / "x.csv")
    assert main(["prepare", str(path), "--out", str(tmp_path)]) == 1
    assert "the folder holds other files (x.csv)" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["x.csv"]


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path, capsys):
    path = write_csv(export(), tmp_path / "x.csv")
    assert main(["prepare", str(path), "--out", str(path / "below")]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}: ")
    assert "Errno" not in error
    assert error.endswith("Nothing was written.\n")
    assert os.listdir(tmp_path) == ["x.csv"]


@pytest.mark.parametrize("snapshot", ["2020-01-01", "2000-01-01"])
def test_a_snapshot_that_is_too_early_is_suspected(twin, tmp_path, capsys, snapshot):
    arguments = ["prepare", str(twin), "--out", str(tmp_path / "new" / "out"), "--snapshot", snapshot]
    assert main([*arguments, "--split", "sound"]) == 1
    error = capsys.readouterr().err
    assert "First Contact: many dates after the snapshot" in error
    assert "--snapshot" in error
    assert os.listdir(tmp_path) == []


# ---- the twin's file ----


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("precious.txt", "the twin is a .csv file. Remedy"),
        ("precious.csv", "something stands there. Remedy"),
        ("folder", "the twin is a .csv file. Remedy"),
        ("folder.csv", "something stands there. Remedy"),
        ("new/twin.xlsx", "the twin is a .csv file. Remedy"),
        ("precious.txt/twin.csv", "precious.txt: "),
    ],
)
def test_the_twin_is_written_over_nothing(tmp_path, capsys, name, reason):
    for folder in ("folder", "folder.csv"):
        (tmp_path / folder).mkdir()
    for file in ("precious.txt", "precious.csv"):
        (tmp_path / file).write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    assert main(["twin", "--out", str(tmp_path / name)]) == 1
    error = capsys.readouterr().err
    assert reason in error
    assert "Errno" not in error
    assert error.endswith("Nothing was written.\n")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "precious.txt").read_text() == (tmp_path / "precious.csv").read_text() == "mine"


# ---- nothing that is read is written over ----


@pytest.fixture
def inputs(tmp_path, monkeypatch) -> Path:
    """A folder of inputs, which no command below gets to read, for its arguments are refused before."""
    for name in ("policy.npz", "customers.csv", "export.csv", "calls.xlsx", "precious.txt"):
        (tmp_path / name).write_text(f"{name}, mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to("customers.csv")
    os.link(tmp_path / "export.csv", tmp_path / "hard.csv")
    (tmp_path / "study_twin.csv").write_text("a record's name")
    (tmp_path / "ablation_twin_curves.csv").symlink_to("export.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


ASK = ["recommend", "policy.npz", "customers.csv", "--data", "export.csv", "--out"]
OVER, SUFFIX = "would be written over. Remedy", "what is written is a .csv file. Remedy"
IN_PLACE, NAME = "a file stands where", "what is written is a folder, and this is a file's name. Remedy"
REFUSED = [
    ([*ASK, "customers.csv"], [OVER]),
    ([*ASK, "./folder/../customers.csv"], [OVER]),
    ([*ASK, "link.csv"], [OVER]),
    ([*ASK, "export.csv"], [OVER]),
    ([*ASK, "hard.csv"], [OVER]),
    ([*ASK, "policy.npz"], [OVER, SUFFIX]),
    ([*ASK, "calls.xlsx"], [SUFFIX]),
    ([*ASK, "new"], [SUFFIX]),
    ([*ASK, "folder"], [SUFFIX, "not a file"]),
    ([*ASK, "folder.csv"], ["not a file"]),
    ([*ASK, "precious.txt/out.csv"], [IN_PLACE]),
    (["prepare", "export.csv", "--out", "export.csv"], [IN_PLACE]),
    (["prepare", "export.csv", "--out", "new.xlsx"], [NAME]),
    (["train", "dqn", "--data", "export.csv", "--out", "precious.txt"], [IN_PLACE]),
    (["train", "dqn", "--data", "export.csv", "--out", "precious.txt/a/b"], [IN_PLACE]),
    (["train", "dqn", "--data", "export.csv", "--out", "new.npz"], [NAME]),
    (["train", "dqn", "--data", "policy.npz", "--out", "."], [OVER]),
    (["study", "--data", "export.csv", "study_twin.csv", "--out", "."], ["study_twin.csv: an input, " + OVER]),
    (["study", "--data", "export.csv", "--work", "precious.txt"], [IN_PLACE]),
    (["study", "ablation", "--data", "export.csv", "--out", "."], [OVER]),
    (["study", "funnel", "--data", "export.csv", "--out", "calls.xlsx"], [IN_PLACE]),
    (["twin", "--out", "customers.csv"], ["something stands there. Remedy"]),
    (["fetch", "--to", "customers.csv"], ["something else stands there. Remedy"]),
    (["fetch", "--to", "new.csv"], ["the original is an .xlsx file. Remedy"]),
]


@pytest.mark.parametrize(("arguments", "reasons"), REFUSED, ids=[" ".join(arguments) for arguments, _ in REFUSED])
def test_an_output_that_would_do_harm_is_refused_before_any_work(inputs, capsys, arguments, reasons):
    before = {path: path.read_bytes() if path.is_file() else None for path in inputs.rglob("*")}
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert all(reason in error for reason in reasons)
    assert {path: path.read_bytes() if path.is_file() else None for path in inputs.rglob("*")} == before


def test_a_device_is_no_place_for_a_file(inputs, capsys):
    os.mkfifo("pipe.csv")
    assert main([*ASK, "pipe.csv"]) == 1
    assert "not a file" in capsys.readouterr().err
    assert Path("pipe.csv").is_fifo()


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["budgets", "plan", "none.csv", "--budget", "5"], "`budgets example none.csv` writes one to try"),
        (["budgets", "bound", "--types", "none.csv"], "is one to start from"),
        (["offers", "recommend", "--user", "1", "--log", "none.csv"], "`offers generate` makes a log to try"),
    ],
)
def test_a_file_that_is_not_there_is_said_with_what_writes_one(arguments, remedy, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert "none.csv: no such file. Remedy: " in error and remedy in error


# ---- stopped, a full disk, a reader that is gone, a console of few letters ----


def raising(error: BaseException, cause: BaseException | None = None):
    def fails(*_, **__):
        raise error from cause

    return fails


def test_stopping_by_hand_is_no_traceback(monkeypatch, capsys):
    monkeypatch.setattr("crm_rl.data.prepare.prepare", raising(KeyboardInterrupt()))
    assert main(["prepare"]) == 130
    assert capsys.readouterr().err == "stopped. Nothing was written.\n"


@pytest.mark.parametrize("wrapped", [SystemError("a result with an exception set"), ImportError("torch")])
def test_stopping_in_compiled_code_or_an_import_is_stopping(monkeypatch, capsys, wrapped):
    monkeypatch.setattr("crm_rl.commands.funnel._train", raising(wrapped, KeyboardInterrupt()))
    assert main(["train", "q-learning"]) == 130
    assert capsys.readouterr().err == ("stopped. The same command goes on from the last checkpoint, if there is one.\n")


def test_stopping_before_the_command_line_is_there_is_stopping(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "crm_rl.cli", SimpleNamespace(main=raising(KeyboardInterrupt())))
    with pytest.raises(SystemExit) as stop:
        runpy.run_module("crm_rl", run_name="__main__")
    assert stop.value.code == 130


def test_a_fault_of_ours_is_not_hidden(monkeypatch):
    monkeypatch.setattr("crm_rl.commands.funnel._train", raising(SystemError("ours")))
    with pytest.raises(SystemError, match="ours"):
        main(["train", "q-learning"])


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another kind")
def test_a_training_run_stopped_by_ctrl_c_keeps_what_it_reached(tmp_path):
    data, out = write_csv(export(), tmp_path / "x.csv"), tmp_path / "out"
    arguments = ["train", "q-learning", "--budget", "1_000_000_000", "--data", str(data), "--out", str(out)]
    # What runs in a shell's background ignores Ctrl-C, and hands that on to what it starts.
    listens = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    command = [sys.executable, "-m", "crm_rl", *arguments]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True, **listens) as run:
        try:
            while run.poll() is None and not (out / "q_table.npz").exists():
                time.sleep(0.05)
            run.send_signal(signal.SIGINT)
            _, error = run.communicate(timeout=60)
        finally:
            run.kill()
    assert run.returncode == 130 and error.startswith("stopped.") and "Traceback" not in error
    assert os.listdir(out) == ["q_table.npz"]
    assert read_arrays(out / "q_table.npz", "q_table")[0]["episodes"] % 10_000 == 0


@pytest.mark.parametrize(("learner", "file"), [("q-learning", "q_table.npz"), ("dqn", "step_000000208")])
def test_a_full_disk_in_training_is_an_error_that_names_the_file(tmp_path, monkeypatch, capsys, learner, file):
    data, out = write_csv(export(), tmp_path / "x.csv"), tmp_path / "new" / "out"
    monkeypatch.setattr(Path, "write_bytes", raising(OSError(28, "No space left on device")))
    assert main(["train", learner, "--budget", "200", "--data", str(data), "--out", str(out)]) == 1
    assert capsys.readouterr().err == f"error: {out / file}: No space left on device.\n"
    assert os.listdir(tmp_path) == ["x.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="no locks of this kind")
def test_a_second_training_run_in_the_folder_is_told_so(tmp_path, capsys):
    data, out = write_csv(export(), tmp_path / "x.csv"), tmp_path / "out"
    out.mkdir()
    with alone_in(out):
        assert main(["train", "q-learning", "--budget", "100", "--data", str(data), "--out", str(out)]) == 1
    assert f"error: {out}: another run is at work in this folder. Remedy" in capsys.readouterr().err
    assert os.listdir(out) == []


class Full(io.StringIO):
    """An output that takes nothing any more."""

    def __init__(self, error: OSError):
        super().__init__()
        self.error = error

    def write(self, _):
        raise self.error


def test_after_the_work_it_is_not_said_that_nothing_was_written(tmp_path, monkeypatch, capsys):
    data, out = write_csv(export(), tmp_path / "x.csv"), tmp_path / "out"
    monkeypatch.setattr(sys, "stdout", Full(OSError(28, "No space left on device")))
    assert main(["prepare", str(data), "--out", str(out)]) == 1
    assert capsys.readouterr().err == "error: standard output: No space left on device.\n"
    assert len(os.listdir(out)) == 4


def test_a_reader_who_has_seen_enough_is_no_error(monkeypatch, capsys):
    monkeypatch.setattr("crm_rl.commands.funnel._twin", lambda _: "text")
    monkeypatch.setattr(sys, "stdout", Full(BrokenPipeError(32, "Broken pipe")))
    assert main(["twin"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device on this system")
def test_a_full_device_gives_one_message_and_exit_code_1(tmp_path):
    code = """if True:
        import sys
        from crm_rl import cli
        from crm_rl.commands import funnel
        funnel._twin = lambda _: "text"
        sys.exit(cli.main(["twin"]))
    """
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, "error: standard output: No space left on device.\n")


@pytest.mark.parametrize("fails", [False, True])
def test_a_console_that_lacks_a_letter_shows_its_number(monkeypatch, fails):
    console = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr(sys, "stderr" if fails else "stdout", console)
    text = "Türkiye → T\u0131p"
    monkeypatch.setattr("crm_rl.commands.funnel._twin", raising(DataError(text)) if fails else lambda _: text)
    assert main(["twin"]) == fails
    assert "Türkiye \\u2192 T\\u0131p" in console.buffer.getvalue().decode("cp1252")


def test_too_little_memory_is_said(monkeypatch, capsys):
    monkeypatch.setattr("crm_rl.data.prepare.prepare", raising(MemoryError()))
    assert main(["prepare"]) == 1
    assert capsys.readouterr().err.startswith("error: this needs more memory than there is. Remedy: ")


def test_only_what_is_true_is_said_of_a_command_that_writes_as_it_goes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("crm_rl.commands.funnel._train", raising(OSError(28, "No space left on device", "q_table.npz")))
    assert main(["train", "q-learning", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: q_table.npz: No space left on device.\n"


# ---- imports, and where nothing can be kept ----


def test_a_command_imports_nothing_slow_that_it_does_not_need(tmp_path):
    """Nothing that could fail, either: numba does where it can keep no compiled functions."""
    path = write_csv(export(), tmp_path / "x.csv")
    code = """if True:
        import sys
        from crm_rl.cli import main
        def loaded(*names):
            return [name for name in names if name in sys.modules]
        try:
            main(["--help"])
        except SystemExit:
            print("after --help:", loaded("pandas", "numpy"))
        assert main(["prepare", sys.argv[1], "--out", sys.argv[2]]) == 0
        assert main(["twin", "--out", sys.argv[2] + ".txt"]) == 1
        assert main(["fetch", "--to", sys.argv[1]]) == 1
        print("after all:", loaded("numba", "torch", "gymnasium", "sklearn", "scipy", "matplotlib"))
    """
    arguments = [sys.executable, "-c", code, str(path), str(tmp_path / "out")]
    done = subprocess.run(arguments, cwd=PROJECT, capture_output=True, text=True)
    assert "after --help: []" in done.stdout, done.stderr
    assert "after all: []" in done.stdout, done.stderr


def test_the_choices_are_those_of_the_modules_that_know_them():
    from crm_rl.data.split import SPLITS
    from crm_rl.experiments.studies import STUDIES
    from crm_rl.worlds.replay_world import SETTINGS

    assert (*SPLITS,) == arguments.SPLITS
    assert (*SETTINGS,) == arguments.SETTINGS
    assert (*STUDIES,) == arguments.STUDIES


@pytest.fixture
def read_only(tmp_path) -> Path:
    """A copy of the package that can keep nothing (for the administrator as well, who may write everywhere)."""
    package = tmp_path / "tree" / "crm_rl"
    shutil.copytree(PROJECT / "crm_rl", package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (package, *(path for path in package.rglob("*") if path.is_dir())):
        (folder / "__pycache__").write_text("a file where the cache should be")
    return package.parent


@pytest.mark.parametrize("home", [True, False])
def test_compiled_functions_work_where_the_package_can_keep_none(read_only, tmp_path, home):
    (tmp_path / "temporary").mkdir()
    code = """if True:
        import os, numpy as np, crm_rl
        from crm_rl.worlds.sampling import Pools, draw  # imports and compiles fastest
        pools = Pools(*[np.array([7])] * 3, shares=(0.5, 0.5))
        print(draw(pools, np.random.default_rng(0)), crm_rl.__file__, os.environ["NUMBA_CACHE_DIR"])
    """
    places = {"HOME": str(tmp_path) if home else "/dev/null", "TMPDIR": str(tmp_path / "temporary")}
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=read_only,
        env=environment | places | {"PYTHONPATH": str(read_only), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    drawn, package, cache = done.stdout.split()
    assert drawn == "7" and Path(package).is_relative_to(read_only)
    assert Path(cache).is_relative_to(tmp_path / (".cache" if home else "temporary"))
    assert Path(cache).exists() == home, "what is only for this process goes with it"
    assert os.listdir(tmp_path / "temporary") == []


def test_where_nothing_can_be_kept_anywhere_python_runs_plainly(monkeypatch):
    for name in ("NUMBA_CACHE_DIR", "NUMBA_DISABLE_JIT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(crm_rl, "_has_room", lambda folder: False)
    crm_rl._choose_numba_cache()
    assert os.environ.get("NUMBA_DISABLE_JIT") == "1" and "NUMBA_CACHE_DIR" not in os.environ


# ---- usage ----


@pytest.mark.parametrize("arguments", [["--help"], ["prepare", "--help"], ["fetch", "--help"], ["twin", "--help"]])
def test_help_says_what_there_is(arguments, capsys):
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 0
    assert "usage: python -m crm_rl" in capsys.readouterr().out


def test_help_names_the_columns_that_are_read(capsys):
    from crm_rl.case_studies.email.etl import USERBASE

    with pytest.raises(SystemExit):
        main(["email", "prepare", "--help"])
    assert ", ".join(USERBASE) in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ([], "required: COMMAND"),
        (["prepaer"], "invalid choice: 'prepaer'"),
        (["prepare", "--split", "random"], "invalid choice: 'random'"),
        (["prepare", "--snapshot", "yesterday"], "'yesterday' is not a day written as YYYY-MM-DD"),
        (["prepare", "--snapshot", "2022-02-30"], "'2022-02-30' is not a day written as YYYY-MM-DD"),
        (["prepare", "--snapshot", "28.04.2022"], "'28.04.2022' is not a day written as YYYY-MM-DD"),
        (["prepare", "--snapshot", "1999-12-31"], "1999-12-31 is before 2000-01-01"),
    ],
)
def test_wrong_usage_is_said_and_ends_with_2(arguments, part, capsys):
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 2
    assert part in capsys.readouterr().err


def test_the_original_from_the_command_line(original, tmp_path, capsys):
    assert main(["prepare", str(original), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "11,032 rows read, 11,032 customers kept" in printed
    rows = {
        line.split()[0]: line.split()[1] for line in printed.splitlines() if line.startswith(("train", "val", "test"))
    }
    assert rows == {"train": "7722", "val": "1655", "test": "1655"}
