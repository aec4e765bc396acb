"""Quotes in a .csv file: harmless ones are text, those that swallow rows are named with their rows."""

import pandas as pd
import pytest
from exports import export, with_cells, write_csv

from crm_rl.data import COLUMNS, DataError, clean, load


@pytest.fixture
def lines(tmp_path):
    """A faultless export's lines: line 1 is the header, and number 0 of the list."""
    return write_csv(export(), tmp_path / "export.csv").read_text().splitlines()


def loaded(lines, tmp_path, end="\n", last="\n"):
    path = tmp_path / "quotes.csv"
    path.write_bytes((end.join(lines) + last).encode())
    return load(path)


def with_quote(lines, row, column):
    cells = lines[row - 1].split(",")
    cells[COLUMNS.index(column)] = '"' + cells[COLUMNS.index(column)]
    lines[row - 1] = ",".join(cells)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("column", COLUMNS)
def test_two_stray_quotes_are_named_with_their_rows(lines, tmp_path, column, end):
    with_quote(lines, 11, column)
    with_quote(lines, 61, column)
    with pytest.raises(DataError) as refusal:
        loaded(lines, tmp_path, end)
    assert f"a quote opens in row 11 ({column}) and closes in row 61\n" in str(refusal.value)
    assert "Remedy: remove the stray quotes" in str(refusal.value)


def test_quotes_that_close_in_another_column_are_named_too(lines, tmp_path):
    with_quote(lines, 11, "Stage")
    with_quote(lines, 12, "Country")
    with pytest.raises(DataError, match=r"opens in row 11 \(Stage\) and closes in row 12"):
        loaded(lines, tmp_path)


def test_all_places_are_named_at_once(lines, tmp_path):
    for row in (11, 13, 40, 41, 90):
        with_quote(lines, row, "Stage")
    with pytest.raises(DataError) as refusal:
        loaded(lines, tmp_path)
    for place in ("row 11 (Stage) and closes in row 13", "row 40 (Stage) and closes in row 41", "90 (Stage) and never"):
        assert place in str(refusal.value)


@pytest.mark.parametrize("row", [2, 50, 101])
@pytest.mark.parametrize("last", ["\n", ""])
def test_a_quote_that_never_closes_is_named(lines, tmp_path, row, last):
    with_quote(lines, row, "Country")
    with pytest.raises(DataError, match=rf"a quote opens in row {row} \(Country\) and never closes"):
        loaded(lines, tmp_path, last=last)


def test_a_quote_may_swallow_more_than_the_csv_module_likes(tmp_path):
    lines = write_csv(export(5_000), tmp_path / "export.csv").read_text().splitlines()
    with_quote(lines, 3, "Country")
    with pytest.raises(DataError, match=r"opens in row 3 \(Country\) and never closes"):
        loaded(lines, tmp_path)


def test_a_quote_in_row_1_is_named(lines, tmp_path):
    with_quote(lines, 1, "ID")
    with pytest.raises(DataError, match=r"a quote opens in row 1 \(column 1\) and never closes"):
        loaded(lines, tmp_path)


@pytest.mark.parametrize("column", ["ID", "Country", "Stage", "Subscribed"])
def test_a_line_break_inside_a_cell_of_ours_is_refused(tmp_path, column):
    path = write_csv(with_cells({(7, column): "x\ny"}), tmp_path / "export.csv")
    with pytest.raises(DataError, match=rf"a quote opens in row 7 \({column}\) and closes in row 8"):
        load(path)


def test_a_note_of_several_lines_in_a_column_that_is_not_ours_is_kept(tmp_path):
    table = export().assign(Notes=None)
    table.loc[5, "Notes"] = "called twice,\nno answer"
    raw = load(write_csv(table, tmp_path / "export.csv"))
    assert len(raw) == 100
    assert raw.loc[7, "Notes"] == "called twice,\nno answer"


def test_quotes_that_swallow_rows_in_a_column_that_is_not_ours_are_named(tmp_path):
    lines = write_csv(export().assign(Notes="x"), tmp_path / "export.csv").read_text().splitlines()
    for row in (11, 12):
        lines[row - 1] = lines[row - 1][:-1] + '"x'
    with pytest.raises(DataError, match=r"opens in row 11 \(Notes\) and closes in row 12"):
        loaded(lines, tmp_path)


def test_a_wrapped_name_in_row_1_is_named_as_a_look_alike(tmp_path):
    path = write_csv(export().rename(columns={"First Call": "First\nCall"}), tmp_path / "export.csv")
    with pytest.raises(DataError, match=r"First Call: missing column \(is it 'First\\nCall'\?\)"):
        clean(load(path))


HARMLESS = {
    'interested "very"': 'interested "very"',
    '12" screen': '12" screen',
    '"interested"': "interested",
    '"do ""not"" contact"': 'do "not" contact',
    '"Congo, Republic of"': "Congo, Republic of",
    '""': None,
}


@pytest.mark.parametrize(("written", "read"), HARMLESS.items())
def test_quotes_inside_one_row_are_read_as_text(lines, tmp_path, written, read):
    cells = lines[10].split(",")
    cells[COLUMNS.index("Stage")] = written
    lines[10] = ",".join(cells)
    raw = loaded(lines, tmp_path)
    assert raw.loc[11, "Stage"] == read
    expected = load(tmp_path / "export.csv")
    pd.testing.assert_frame_equal(raw.drop(index=11), expected.drop(index=11))
