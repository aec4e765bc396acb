"""Loading: the cells as they stand, from either format, or a clear refusal."""

import datetime
import os
import sys
import zipfile

import openpyxl
import pandas as pd
import pytest
from exports import export, typed, with_cells, write, write_csv, write_xlsx

from crm_rl.data import COLUMNS, DataError, as_rows, clean, data_path, load
from crm_rl.data import customers as cached_customers
from crm_rl.data.load import TWIN
from crm_rl.files import PROJECT


def customers(path):
    return clean(load(path))[0]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_cells_come_as_they_stand_with_the_spreadsheets_row_numbers(tmp_path, suffix):
    raw = load(write(with_cells({(5, "Country"): "CA "}), tmp_path / f"export{suffix}"))
    assert list(raw.columns) == list(COLUMNS)
    assert list(raw.index) == list(range(2, 102))
    assert raw.loc[5, "Country"] == "CA "
    assert raw.loc[2, "First Contact"] == "2020-01-01"
    assert raw.loc[3, "First Call"] is None


def test_a_table_made_by_hand_is_numbered_as_a_spreadsheet_numbers_it():
    made = pd.DataFrame({"Country": ["Kenya", "  ", ""], "Status": [None, float("nan"), 7]}, index=[5, 5, 0])
    rows = as_rows(made)
    assert rows.index.name == "row"
    assert rows.index.tolist() == [2, 3, 4]
    assert rows["Country"].tolist() == ["Kenya", None, None]
    assert rows["Status"].tolist() == [None, None, 7]
    assert made.index.tolist() == [5, 5, 0]
    pd.testing.assert_frame_equal(as_rows(rows), rows)


def test_csv_and_xlsx_of_the_same_data_give_the_same_customers(tmp_path):
    from_csv = customers(write_csv(export(), tmp_path / "export.csv"))
    from_text = customers(write_xlsx(export(), tmp_path / "text.xlsx"))
    from_types = customers(write_xlsx(typed(export()), tmp_path / "typed.xlsx"))
    pd.testing.assert_frame_equal(from_csv, from_text)
    pd.testing.assert_frame_equal(from_csv, from_types)
    assert len(from_csv) == 100


ODD_CELLS = {
    "a day with its time": (datetime.datetime(2020, 5, 5, 13, 45), "2020-05-05 13:45:00"),
    "a time of day alone": (datetime.time(12, 30), "12:30:00"),
    "a truth value": (True, "TRUE"),
    "a day number": (43_956, "43956"),
    "a day number with a fraction": (43_956.75, "43956.75"),
    "a number beyond Excel's last day": (6_691_845, "6691845"),
    "a huge number": (1e300, "1e+300"),
    "a negative number": (-5, "-5"),
    "spaces": ("   ", "   "),
    "the word No": ("No", "No"),
    "an unknown day": ("0000-00-00", "0000-00-00"),
}


@pytest.mark.parametrize(("in_excel", "in_csv"), ODD_CELLS.values(), ids=ODD_CELLS)
def test_an_odd_cell_means_the_same_in_both_formats(tmp_path, in_excel, in_csv):
    """One customer's contact, and another one's milestone."""
    places = [(7, "First Contact"), (8, "First Call")]
    excel, csv = (with_cells(dict.fromkeys(places, cell)) for cell in (in_excel, in_csv))
    from_excel, report_excel = clean(load(write_xlsx(excel, tmp_path / "e.xlsx")))
    from_csv, report_csv = clean(load(write_csv(csv, tmp_path / "e.csv")))
    pd.testing.assert_frame_equal(from_excel, from_csv)
    kinds = ["problem", "column", "row"]
    pd.testing.assert_frame_equal(report_excel.findings[kinds], report_csv.findings[kinds])


@pytest.mark.parametrize(
    ("number_format", "serial"), [("yyyy-mm-dd", 6_691_845), ("yyyy-mm-dd", -5), ("General", 6_691_845)]
)
def test_an_excel_day_number_out_of_range_is_a_milestone_on_an_unknown_day(tmp_path, number_format, serial):
    path = write_xlsx(typed(export()), tmp_path / "export.xlsx")
    workbook = openpyxl.load_workbook(path)
    cell = workbook.active.cell(3, COLUMNS.index("Subscribed") + 1, serial)
    cell.number_format = number_format
    workbook.save(path)
    table, report = clean(load(path))
    assert table.loc[3, "subscribed"]
    assert pd.isna(table.loc[3, "subscribed_date"])
    assert report.findings.query("problem == 'unreadable date'")["row"].tolist() == [3]


def test_a_formula_is_read_by_the_value_that_was_saved_with_it(tmp_path):
    path = write_xlsx(typed(export()), tmp_path / "plain.xlsx")
    with_formula = tmp_path / "formula.xlsx"
    with zipfile.ZipFile(path) as plain, zipfile.ZipFile(with_formula, "w") as changed:
        for name in plain.namelist():
            text = plain.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert b'<c r="A3" t="n"><v>2</v></c>' in text
                text = text.replace(b'<c r="A3" t="n"><v>2</v></c>', b'<c r="A3"><f>A2+1</f><v>2</v></c>')
            changed.writestr(name, text)
    pd.testing.assert_frame_equal(customers(with_formula), customers(path))


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!"])
def test_a_formulas_error_is_no_empty_cell(tmp_path, error):
    path = write_xlsx(with_cells({(3, "Subscribed"): error, (6, "Country"): error}), tmp_path / "export.xlsx")
    workbook = openpyxl.load_workbook(path)
    for row, column in ((3, "Subscribed"), (6, "Country")):
        workbook.active.cell(row, COLUMNS.index(column) + 1).data_type = "e"
    workbook.save(path)
    table, report = clean(load(path))
    found = report.findings.set_index(["problem", "column", "row"])["value"]
    assert found["unreadable date", "Subscribed", 3] == error
    assert found["not one country", "Country", 6] == error
    assert table.loc[3, "subscribed"]


def test_a_byte_order_mark_and_any_line_end_are_read(tmp_path):
    expected = customers(write_csv(export(), tmp_path / "plain.csv"))
    text = (tmp_path / "plain.csv").read_text()
    for ending in ("\n", "\r\n", "\r"):
        path = tmp_path / "export.csv"
        path.write_bytes(("\ufeff" + text.replace("\n", ending)).encode())
        pd.testing.assert_frame_equal(customers(path), expected)


def test_a_country_called_na_in_code_is_not_taken_for_an_empty_cell(tmp_path):
    raw = load(write_csv(with_cells({(4, "Country"): "NA", (5, "Country"): "null"}), tmp_path / "export.csv"))
    assert raw.loc[4, "Country"] == "NA"
    assert raw.loc[5, "Country"] == "null"


def test_upper_case_endings_are_known(tmp_path):
    write_xlsx(export(), tmp_path / "export.xlsx").rename(tmp_path / "EXPORT.XLSX")
    assert len(load(tmp_path / "EXPORT.XLSX")) == 100


@pytest.mark.parametrize("cut", [100, 0.5, -30])
def test_a_truncated_workbook_is_refused(tmp_path, cut):
    whole = write_xlsx(export(), tmp_path / "whole.xlsx").read_bytes()
    path = tmp_path / "cut.xlsx"
    path.write_bytes(whole[: int(cut * len(whole)) if cut == 0.5 else cut])
    with pytest.raises(DataError, match=r"cut\.xlsx: not a readable Excel workbook .* Remedy: .*fetch it again"):
        load(path)


def test_a_workbook_with_a_flipped_bit_is_refused_or_unchanged(tmp_path):
    whole = write_xlsx(export(), tmp_path / "whole.xlsx")
    expected, data = load(whole), whole.read_bytes()
    with zipfile.ZipFile(whole) as parts:
        sheet = parts.getinfo("xl/worksheets/sheet1.xml")
    start = sheet.header_offset + 30 + len(sheet.filename)
    path, refused = tmp_path / "flipped.xlsx", 0
    for place in range(start, start + sheet.compress_size, 40):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :])
        try:
            pd.testing.assert_frame_equal(load(path), expected)
        except DataError:
            refused += 1
    assert refused > 0


def test_the_data_path_is_the_twin_unless_chosen(monkeypatch, tmp_path):
    assert data_path() == TWIN
    monkeypatch.setenv("CRM_RL_DATA", str(tmp_path / "export.csv"))
    (tmp_path / "export.csv").touch()
    assert data_path() == tmp_path / "export.csv"


def test_a_missing_file_that_the_environment_names_is_said_to_be_named_there(monkeypatch, tmp_path):
    with pytest.raises(DataError, match=r"gone\.csv: there is no such file\. Remedy"):
        load(tmp_path / "gone.csv")
    monkeypatch.setenv("CRM_RL_DATA", str(tmp_path / "gone.csv"))
    with pytest.raises(DataError, match=r"gone\.csv: there is no such file \(CRM_RL_DATA names it\)\. Remedy"):
        load(data_path())


def test_a_relative_data_path_counts_from_here_or_else_from_the_project(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_RL_DATA", "pyproject.toml")
    assert data_path().resolve() == PROJECT / "pyproject.toml"
    (tmp_path / "pyproject.toml").touch()
    assert data_path().resolve() == tmp_path / "pyproject.toml"


# ---- customers in one step ----


def counting(monkeypatch):
    """How often a file is loaded from now on."""
    loads = []
    monkeypatch.setattr(sys.modules["crm_rl.data.cached"], "load", lambda path: loads.append(path) or load(path))
    return loads


def test_the_customers_of_an_unchanged_file_are_made_once(tmp_path, monkeypatch):
    path, loads = write_csv(export(), tmp_path / "export.csv"), counting(monkeypatch)
    table, report = cached_customers(path)
    expected, expected_report = clean(load(path), source=str(path))
    pd.testing.assert_frame_equal(table, expected)
    assert str(report) == str(expected_report)
    monkeypatch.chdir(tmp_path)
    assert cached_customers(str(path))[0].equals(expected)
    assert len(loads) == 1


def test_a_changed_file_is_loaded_anew(tmp_path, monkeypatch):
    path, loads = write_csv(export(), tmp_path / "export.csv"), counting(monkeypatch)
    before = cached_customers(path)[0]
    write_csv(with_cells({(3, "Country"): "Peru"}), path)
    os.utime(path, ns=(1, 1))
    after = cached_customers(path)[0]
    assert (before.loc[3, "country"], after.loc[3, "country"]) == ("USA", "Peru")
    assert len(loads) == 2


def test_nobody_can_spoil_the_customers_of_others(tmp_path):
    path = write_csv(with_cells({(3, "Country"): "-"}), tmp_path / "export.csv")
    table, report = cached_customers(path)
    expected = table.copy()
    table.loc[:, "country"] = "Peru"
    table["subscribed"] = True
    table.loc[2] = table.loc[4]
    report.findings.loc[0, "problem"] = "spoiled"
    again, report_again = cached_customers(path)
    pd.testing.assert_frame_equal(again, expected)
    assert report_again.findings["problem"].tolist() == ["not one country"]


def test_what_cannot_be_loaded_is_refused_every_time(tmp_path):
    path = write_csv(with_cells({(3, "ID"): "1"}), tmp_path / "export.csv")
    for _ in range(2):
        with pytest.raises(DataError, match=r"export\.csv: .*\n(.*\n)*.*duplicate ID"):
            cached_customers(path)
    with pytest.raises(DataError, match=r"gone\.csv: there is no such file"):
        cached_customers(tmp_path / "gone.csv")
