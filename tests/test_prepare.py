"""Preparing: four files at once or none, whatever happens on the way."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from exports import export, typed, with_cells, write_csv, write_xlsx

from crm_rl.data import DataError
from crm_rl.data.fetch import SHA256
from crm_rl.data.prepare import FILES, prepare

OLD = {name: f"an earlier {name}\n" for name in FILES}


@pytest.fixture
def good(tmp_path) -> Path:
    return write_csv(export(), tmp_path / "export.csv")


@pytest.fixture
def out(tmp_path) -> Path:
    (tmp_path / "made").mkdir()
    return tmp_path / "made" / "processed"


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def with_an_earlier_run(out: Path) -> Path:
    out.mkdir(parents=True)
    for name, text in OLD.items():
        (out / name).write_text(text)
    return out


def test_it_writes_three_parts_and_what_was_learned_from_train(good, out):
    split, report = prepare(good, out)
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    tables = {name: pd.read_csv(out / f"crm_{name}.csv", index_col="row") for name in split.parts()}
    assert [len(table) for table in tables.values()] == [70, 15, 15]
    for name, part in split.parts().items():
        assert tables[name].index.tolist() == part.index.tolist()
        assert tables[name]["customer_id"].tolist() == part["customer_id"].tolist()
        features = tables[name].filter(regex="^f_")
        assert features.shape[1] == 15
        assert features.min().min() >= 0
        assert features.max().max() <= 1
        assert features.notna().all(axis=None)
    statistics = json.loads((out / "historical_stats.json").read_text())
    assert statistics["rows"] == {"train": 70, "val": 15, "test": 15, "left_out": 0}
    assert statistics["subscription_rate"] == pytest.approx(split.train["subscribed"].mean())
    assert statistics["snapshot_date"] == "2022-04-28"
    assert len(statistics["scales"]) == 15
    assert statistics["country_rate"].keys() == {"Germany", "USA", "India", "Kenya"}
    assert report.rows_kept == 100


def test_the_same_bytes_every_time(good, tmp_path):
    for name in ("one", "two"):
        prepare(good, tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_csv_and_xlsx_of_the_same_data_give_the_same_parts(good, tmp_path):
    prepare(good, tmp_path / "one")
    prepare(write_xlsx(typed(export()), tmp_path / "export.xlsx"), tmp_path / "two")
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one.pop("historical_stats.json") != two.pop("historical_stats.json")  # it names the file
    assert one == two


def test_folders_that_are_not_there_are_made(good, tmp_path):
    prepare(good, tmp_path / "some" / "new" / "folder")
    assert len(contents(tmp_path / "some" / "new" / "folder")) == 4


def test_an_earlier_run_is_replaced_wholly(good, out):
    prepare(good, with_an_earlier_run(out))
    assert contents(out).keys() == OLD.keys()
    assert all(contents(out)[name] != text for name, text in OLD.items())
    assert os.listdir(out.parent) == [out.name]


def test_a_folder_with_other_files_is_refused_and_left_alone(good, out):
    with_an_earlier_run(out)
    (out / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match=r"the folder holds other files \(thesis.txt\)\. Remedy"):
        prepare(good, out)
    assert contents(out) == {**OLD, "thesis.txt": "mine"}


def test_a_file_in_the_folders_place_is_refused_and_left_alone(good, out):
    out.write_text("mine")
    with pytest.raises(DataError, match="a file stands where the folder should be"):
        prepare(good, out)
    assert out.read_text() == "mine"


def test_a_link_to_a_folder_stays_a_link(good, out, tmp_path):
    with_an_earlier_run(tmp_path / "elsewhere")
    out.symlink_to(tmp_path / "elsewhere")
    prepare(good, out)
    assert out.is_symlink()
    assert contents(tmp_path / "elsewhere")["crm_train.csv"] != OLD["crm_train.csv"]


def test_an_unusable_export_leaves_the_earlier_run_alone(out, tmp_path):
    bad = write_csv(with_cells({(3, "ID"): "1"}), tmp_path / "export.csv")
    with pytest.raises(DataError, match="duplicate ID"):
        prepare(bad, with_an_earlier_run(out))
    assert contents(out) == OLD
    assert os.listdir(out.parent) == [out.name]


def test_who_cannot_be_split_is_told_which_file(tmp_path, out):
    with pytest.raises(DataError, match=r"small\.csv: the customers cannot be split by time"):
        prepare(write_csv(export(2), tmp_path / "small.csv"), out)
    assert os.listdir(out.parent) == []


FAULTS = (OSError(28, "No space left on device"), KeyboardInterrupt())


@pytest.mark.parametrize("error", FAULTS, ids=["disk full", "stopped"])
@pytest.mark.parametrize("earlier", [True, False])
def test_a_failure_leaves_what_was_there(monkeypatch, good, out, error, earlier):
    """Where it can fail inside the writing is a matter of `files`."""

    def failing(*_):
        raise error

    if earlier:
        with_an_earlier_run(out)
    monkeypatch.setattr(Path, "write_bytes", failing)
    with pytest.raises(type(error)):
        prepare(good, out)
    assert os.listdir(out.parent) == ([out.name] if earlier else [])
    if earlier:
        assert contents(out) == OLD


@pytest.mark.parametrize("name", [".DS_Store", "._crm_train.csv", ".gitkeep", "Thumbs.db", "desktop.ini"])
def test_what_the_system_puts_into_a_folder_is_no_hindrance_and_stays(good, out, name):
    with_an_earlier_run(out)
    (out / name).write_text("the system's")
    prepare(good, out)
    assert contents(out).pop(name) == "the system's"
    assert all(contents(out)[file] != text for file, text in OLD.items())


@pytest.mark.parametrize("link", [False, True])
def test_the_export_is_not_written_over(good, out, link):
    """A part of an earlier run has an export's columns only by chance, but a file may have any name."""
    out.mkdir()
    if link:
        (out / "crm_val.csv").symlink_to(good)
    else:
        good = good.rename(out / "crm_val.csv")
    before = good.read_bytes()
    with pytest.raises(DataError, match=r"would be written over\. Remedy"):
        prepare(good, out)
    assert good.read_bytes() == before
    assert os.listdir(out) == ["crm_val.csv"]


def test_the_original_gives_the_published_rows(original, tmp_path):
    split, _ = prepare(original, tmp_path / "out")
    assert [len(part) for part in split.parts().values()] == [7_722, 1_655, 1_655]
    statistics = json.loads((tmp_path / "out" / "historical_stats.json").read_text())
    assert statistics["source"]["sha256"] == SHA256


def test_the_twin_can_be_prepared_both_ways(twin, tmp_path):
    for split in ("published", "sound"):
        parts, report = prepare(twin, tmp_path / split, split)
        everybody = sum(len(part) for part in (*parts.parts().values(), parts.left_out))
        assert everybody == report.rows_kept == 11_032
