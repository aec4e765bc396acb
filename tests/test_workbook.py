"""Workbooks as other programs write them: nothing that the sheet shows is lost without a word."""

import datetime
import re
import zipfile

import openpyxl
import pandas as pd
import pytest
from exports import export, typed, with_cells, write_csv, write_xlsx
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from crm_rl.data import COLUMNS, DataError, clean, load

SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"


@pytest.fixture
def plain(tmp_path):
    return write_xlsx(typed(export()), tmp_path / "plain.xlsx")


def rewritten(path, **changes):
    """The same workbook with (pattern, replacement) applied to the sheet's or the book's XML."""
    out = path.with_name("rewritten.xlsx")
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            text = before.read(name).decode()
            for pattern, replacement in changes.get({SHEET: "sheet", BOOK: "book"}.get(name), ()):
                text, count = re.subn(pattern, replacement, text)
                assert count, pattern
            after.writestr(name, text)
    return out


def place(row, column):
    return f"{chr(ord('A') + COLUMNS.index(column))}{row}"


def changed(path, change):
    """The same workbook after `change(workbook, sheet)`."""
    workbook = openpyxl.load_workbook(path)
    change(workbook, workbook.active)
    workbook.save(path)
    return path


# ---- days that count from 1904 ----


@pytest.mark.parametrize("as_text", [False, True])
def test_plain_day_numbers_count_from_the_workbooks_own_first_day(plain, as_text):
    expected = clean(load(plain))[0]

    def change(workbook, sheet):
        workbook.epoch = CALENDAR_MAC_1904
        for row in range(2, 102):
            cell = sheet.cell(row, COLUMNS.index("First Contact") + 1)
            number = (cell.value - datetime.datetime(1904, 1, 1)).days
            cell.value, cell.number_format = str(number) if as_text else number, "General"

    customers, report = clean(load(changed(plain, change)))
    pd.testing.assert_frame_equal(customers, expected)
    assert (report.findings["problem"] == "date as number").sum() == 100


def test_in_a_workbook_from_1904_other_numbers_stay_what_they_are(plain):
    def change(workbook, sheet):
        workbook.epoch = CALENDAR_MAC_1904
        sheet[place(3, "First Call")] = 0

    customers, report = clean(load(changed(plain, change)))
    assert customers["customer_id"].tolist() == list(range(1, 101))
    assert customers.loc[2, "first_contact"] == pd.Timestamp("2020-01-01")
    assert report.findings["problem"].tolist() == ["looks like a negative"]


# ---- formulas ----


@pytest.mark.parametrize("result", ["", "<v></v>", "<v/>"])
def test_formulas_without_results_are_refused_and_all_named(plain, result):
    path = rewritten(
        plain,
        sheet=[
            (rf'<c r="{place(2, "First Call")}"[^>]*>.*?</c>', rf'<c r="H2" s="1"><f>E2</f>{result}</c>'),
            (rf'<c r="{place(7, "Subscribed")}"[^>]*>.*?</c>', rf'<c r="M7"><f>E7</f>{result}</c>'),
        ],
    )
    with pytest.raises(DataError, match=r"2 formulas without their results: H2, M7\. Remedy: open .* save it there"):
        load(path)


def test_the_zero_that_stands_for_a_result_not_yet_worked_out_is_none(plain):
    """Some programs write 0 for every formula, and ask in the workbook that all be worked out when it is opened."""
    formula = [(r'<c r="M2"[^>]*>.*?</c>', '<c r="M2" s="1"><f>E2</f><v>0</v></c>')]
    with pytest.raises(DataError, match="without their results: M2"):
        load(rewritten(plain, sheet=formula))
    worked_out = rewritten(plain, sheet=formula, book=[(' fullCalcOnLoad="1"', "")])
    assert load(worked_out).loc[2, "Subscribed"] is not None


def test_an_empty_text_is_a_result(plain):
    path = rewritten(plain, sheet=[(r'<c r="M2"[^>]*>.*?</c>', '<c r="M2" t="str"><f>""</f><v></v></c>')])
    assert load(path).loc[2, "Subscribed"] is None


def test_a_formula_without_a_result_in_a_column_that_is_not_ours_harms_nobody(plain):
    def change(workbook, sheet):
        sheet["N1"], sheet["N2"] = "Age", "=TODAY()-D2"

    assert len(load(changed(plain, change))) == 100


# ---- errors ----


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="B6" t="e"><v>#N/A</v></c>',
        "<c r='B6' t='e'><v>#N/A</v></c>",
        '<c t="e" s="1" r="B6"><v>#N/A</v></c>',
        '<c r="B6"\n   t = "e" ><f>NA()</f><v>#N/A</v></c>',
        '<c r="B6" t="&#101;"><v>#N/A</v></c>',
    ],
)
@pytest.mark.parametrize("dimension", ["A1", "A1:M101", "A1:A1"])
def test_an_error_counts_however_it_is_written(plain, cell, dimension):
    path = rewritten(
        plain, sheet=[(r'<c r="B6"[^>]*>.*?</c>', cell), (r'<dimension ref="[^"]*"', f'<dimension ref="{dimension}"')]
    )
    raw = load(path)
    assert raw.loc[6, "Country"] == "#N/A"
    assert len(raw) == 100


def test_an_error_counts_in_xml_with_a_prefix_too(plain):
    path = rewritten(
        plain,
        sheet=[
            (r'<c r="B6"[^>]*>.*?</c>', '<c r="B6" t="e"><v>#REF!</v></c>'),
            (r"<(/?)(?=[a-zA-Z])", r"<\1x:"),
            (r'<x:worksheet xmlns="', '<x:worksheet xmlns:x="'),
        ],
    )
    assert load(path).loc[6, "Country"] == "#REF!"


# ---- merged cells ----


@pytest.mark.parametrize("merged", ["B3:B5", "G4:I4", "A101:M102", "A1:B1"])
def test_merged_cells_over_data_are_refused_with_their_range(plain, merged):
    path = changed(plain, lambda _, sheet: sheet.merge_cells(merged))
    with pytest.raises(DataError, match=rf"1 merged ranges.*: {merged}\. Remedy: unmerge"):
        load(path)


def test_all_that_is_lost_is_named_at_once(plain):
    def change(_, sheet):
        sheet.merge_cells("B3:B5")
        sheet.merge_cells("C8:C9")
        sheet["M2"] = "=E2"

    with pytest.raises(DataError, match=r"(?s)results: M2\..*2 merged ranges.*: B3:B5, C8:C9\."):
        load(changed(plain, change))


@pytest.mark.parametrize("merged", ["O3:P5", "B200:C210"])
def test_cells_merged_beside_the_table_harm_nobody(plain, merged):
    expected = load(plain)
    pd.testing.assert_frame_equal(load(changed(plain, lambda _, sheet: sheet.merge_cells(merged))), expected)


# ---- stray cells far away ----


@pytest.mark.parametrize("stray", ["XFD1", "XFD57", "A1048576", "XFD1048576"])
@pytest.mark.parametrize("blank", [" ", "\u00a0", None])
def test_a_blank_at_the_end_of_the_sheet_changes_nothing(plain, stray, blank):
    expected = load(plain)

    def change(_, sheet):
        sheet[stray] = blank
        sheet[stray].number_format = "0.00"

    pd.testing.assert_frame_equal(load(changed(plain, change)), expected)


def test_data_below_no_name_are_noted(plain):
    raw = load(changed(plain, lambda _, sheet: sheet.cell(57, 16_384, "x")))
    assert raw.shape == (100, 14)
    assert clean(raw)[1].findings["problem"].tolist() == ["unexpected column"]


def test_too_little_memory_is_a_message(plain, monkeypatch):
    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(pd.DataFrame, "astype", exhausted)
    with pytest.raises(DataError, match=r"plain\.xlsx: too large for this machine's memory\. Remedy"):
        load(plain)


# ---- other programs' ways ----


def test_cells_and_rows_without_their_places_stand_one_after_the_other(plain):
    expected = load(plain)
    full = write_xlsx(with_cells({}).fillna("x"), plain.with_name("full.xlsx"))
    numbered = load(full)
    pd.testing.assert_frame_equal(load(rewritten(full, sheet=[(r' r="[A-Z]*\d+"', "")])), numbered)
    pd.testing.assert_frame_equal(load(rewritten(plain, sheet=[(r'<row r="\d+"', "<row")])), expected)


def test_texts_in_runs_and_with_escapes_are_one_text(plain):
    runs = '<c r="B6" t="inlineStr"><is><r><t>Ger</t></r><r><t>many</t></r><rPh><t>x</t></rPh></is></c>'
    escaped = '<c r="B7" t="inlineStr"><is><t>Kenya_x000D_</t></is></c>'
    raw = load(rewritten(plain, sheet=[(r'<c r="B6"[^>]*>.*?</c>', runs), (r'<c r="B7"[^>]*>.*?</c>', escaped)]))
    assert raw.loc[[6, 7], "Country"].tolist() == ["Germany", "Kenya\r"]


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_first_sheet_is_refused_whatever_it_holds(plain, state):
    def change(workbook, sheet):
        workbook.create_sheet("Newer")
        workbook.active = 1
        sheet.sheet_state = state

    with pytest.raises(DataError, match=r"the first sheet, 'Sheet', is hidden\. Remedy: move the sheet"):
        load(changed(plain, change))


def test_a_chart_on_the_first_sheet_is_refused(plain):
    path = changed(plain, lambda workbook, _: workbook.create_chartsheet("Overview", 0))
    with pytest.raises(DataError, match=r"the first sheet, 'Overview', is a chart\. Remedy: move the sheet"):
        load(path)


@pytest.mark.parametrize("content", [b"ID,Country\n1,Kenya\n", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99])
def test_what_is_no_workbook_is_refused(tmp_path, content):
    path = tmp_path / "export.xlsx"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"export\.xlsx: not a readable Excel workbook .* Remedy"):
        load(path)


def test_a_zip_without_a_workbook_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.xlsx", "w") as parts:
        parts.writestr("export.csv", "ID")
    with pytest.raises(DataError, match="not a readable Excel workbook"):
        load(tmp_path / "export.xlsx")


def test_headers_in_other_letters_are_named_in_both_formats(tmp_path):
    def name_in_file(name):
        return f" {name.lower()}\u00a0"

    table = export().rename(columns=name_in_file)
    for path in (write_csv(table, tmp_path / "e.csv"), write_xlsx(table, tmp_path / "e.xlsx")):
        with pytest.raises(DataError) as refusal:
            load(path)
        for name in COLUMNS:
            assert f"{name_in_file(name)!r} should be {name!r}" in str(refusal.value)
