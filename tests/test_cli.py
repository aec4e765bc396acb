"""The command line: every damaged export is a clear error, exit code 1 and nothing written; never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from exports import export, with_cells, write_csv, write_xlsx

from crm_rl.cli import main
from crm_rl.data import COLUMNS
from crm_rl.data.prepare import FILES
from crm_rl.files import PROJECT


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
        ["row 1 holds none of the 13 column names (it begins with '1', 'Germany', 'B1')"],
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
        ["cannot be read as a table", "Remedy"],
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


IN_A_PROCESS_OF_ITS_OWN = (
    "a missing file", "a folder", "0 bytes, .csv", "a header only", "an old .xls renamed", "Latin-1", "semicolons",
    "missing and renamed columns", "duplicate IDs", "everything at once", "too few to split",
)  # fmt: skip


@pytest.mark.parametrize("name", IN_A_PROCESS_OF_ITS_OWN)
def test_no_damaged_export_gives_a_traceback(tmp_path, name):
    file, damage, parts = DAMAGED[name]
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


def test_the_export_is_the_one_that_crm_rl_data_names(tmp_path):
    path = write_csv(export(), tmp_path / "x.csv")
    done = command("prepare", "--out", tmp_path / "out", CRM_RL_DATA=str(path))
    assert done.returncode == 0
    assert f"{path}: 100 rows read" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_relative_crm_rl_data_counts_from_the_working_folder(tmp_path, monkeypatch, capsys):
    write_csv(export(), tmp_path / "x.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_RL_DATA", "x.csv")
    assert main(["prepare", "--out", "out"]) == 0
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


def test_only_what_is_true_is_said_of_a_command_that_writes_as_it_goes(tmp_path, monkeypatch, capsys):
    def failing(*_):
        raise OSError(28, "No space left on device", "q_table.npz")

    monkeypatch.setattr("crm_rl.cli_study._train", failing)
    assert main(["train", "q-learning", "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "error: q_table.npz: No space left on device.\n"


# ---- usage ----


@pytest.mark.parametrize("arguments", [["--help"], ["prepare", "--help"], ["fetch", "--help"], ["twin", "--help"]])
def test_help_says_what_there_is(arguments, capsys):
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 0
    assert "usage: python -m crm_rl" in capsys.readouterr().out


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


def test_stopping_by_hand_is_no_traceback(monkeypatch, capsys):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("crm_rl.data.prepare.prepare", stopped)
    assert main(["prepare"]) == 130
    assert capsys.readouterr().err == "stopped. Nothing was written.\n"


def test_the_original_from_the_command_line(original, tmp_path):
    done = command("prepare", original, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert "11,032 rows read, 11,032 customers kept" in done.stdout
    rows = {
        line.split()[0]: line.split()[1]
        for line in done.stdout.splitlines()
        if line.startswith(("train", "val", "test"))
    }
    assert rows == {"train": "7722", "val": "1655", "test": "1655"}
