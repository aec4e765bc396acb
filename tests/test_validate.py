"""Validation: every fault of an export at once, with its column, its row and its value."""

import datetime

import hypothesis.strategies as st
import pandas as pd
import pytest
from exports import export, with_cells
from hypothesis import example, given

from crm_rl.data import COLUMNS, SNAPSHOT_DATE, as_rows
from crm_rl.data.cells import READERS, read_column, read_country, read_date, read_milestone
from crm_rl.data.columns import DATE_COLUMNS, EARLIEST_DATE
from crm_rl.data.problems import ERROR, NOTED, PROBLEMS, REPAIRED, TOO_OFTEN, WARNING
from crm_rl.data.validate import drag_filled, read_cells, validate


def faults(table: pd.DataFrame) -> list[tuple]:
    raw = as_rows(table)
    found = validate(raw, read_cells(raw)).astype(object)
    return list(found.where(found.notna(), None).itertuples(index=False, name=None))


def test_a_faultless_export_has_no_fault():
    assert faults(export()) == []


FAULTS = {
    "text for an ID": ("ID", "A7", "ID is not a whole number"),
    "a fraction for an ID": ("ID", "1.5", "ID is not a whole number"),
    "a truth value for an ID": ("ID", "TRUE", "ID is not a whole number"),
    "zero for an ID": ("ID", "0", "ID is not a whole number"),
    "a negative ID": ("ID", "-4", "ID is not a whole number"),
    "an endless ID": ("ID", "inf", "ID is not a whole number"),
    "an ID too long to keep": ("ID", 10**30, "ID is not a whole number"),
    "the month before the day's": ("First Contact", "2021-13-12", "unreadable date"),
    "the 30th of February": ("First Contact", "2021-02-30", "unreadable date"),
    "no leap year": ("First Contact", "2021-02-29", "unreadable date"),
    "an unknown day": ("First Contact", "0000-00-00", "unknown date"),
    "text for a date": ("First Contact", "soon", "unreadable date"),
    "a truth value for a date": ("First Contact", "TRUE", "unreadable date"),
    "an American date": ("First Contact", "12/31/2020", "unreadable date"),
    "a list for a date, as text": ("First Contact", "[1, 2]", "unreadable date"),
    "a serial beyond Excel": ("First Contact", 6_691_845, "unreadable date"),
    "a German date": ("Last Contact", "27.12.2021", "date as text"),
    "a serial": ("Last Contact", 44_000, "date as number"),
    "a serial as text": ("Last Contact", "44000.0", "date as number"),
    "the year 1999": ("First Contact", "1999-12-31", "before 2000"),
    "a small number": ("First Contact", 1, "before 2000"),
    "the day after the snapshot": ("First Contact", "2022-04-29", "after the snapshot"),
    "the year 2042": ("Last Contact", "06.01.2042", "after the snapshot"),
    "No for a date": ("Subscribed", "No", "answered No"),
    "no, small": ("Subscribed", " no ", "answered No"),
    "other letters": ("Country", "uSA", "other spelling"),
    "a stray space": ("Country", "Germany ", "other spelling"),
    "another name": ("Country", "Czech Republic", "other spelling"),
    "two letters": ("Country", "CA ", "not one country"),
    "a working time": ("Country", "Full time", "not one country"),
    "a dash": ("Country", "-", "not one country"),
    "bootcamp 31": ("Education", "B31", "unknown bootcamp"),
    "bootcamp 0": ("Education", "B0", "unknown bootcamp"),
    "a small b": ("Education", "b7", "other spelling"),
    "a fourth message": ("Status", "4th message", "unknown status"),
    "a loud message": ("Status", "1ST MESSAGE", "other spelling"),
    "a new stage": ("Stage", "thinking about it", "unknown stage"),
    "a stage with spaces": ("Stage", "do  not contact", "other spelling"),
}


@pytest.mark.parametrize(("column", "cell", "problem"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_cell_is_named_with_its_column_row_and_value(column, cell, problem):
    assert faults(with_cells({(7, column): cell})) == [(problem, column, 7, cell)]


def test_every_fault_of_one_file_is_listed():
    changes = {(10 + number, column): cell for number, (column, cell, _) in enumerate(FAULTS.values())}
    found = faults(with_cells(changes, size=1_000))
    expected = [
        (FAULTS[name][2], column, row, cell)
        for name, ((row, column), cell) in zip(FAULTS, changes.items(), strict=True)
    ]
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


def test_rows_with_one_id_are_all_named_however_it_is_written():
    found = faults(with_cells({(3, "ID"): "3", (5, "ID"): "3.0", (6, "ID"): 3, (9, "ID"): "50"}))
    rows = [row for problem, column, row, _ in found if (problem, column) == ("duplicate ID", "ID")]
    assert rows == [3, 4, 5, 6, 9, 51]


def test_a_row_without_an_id_is_an_error_and_an_empty_row_is_not():
    table = export()
    table.loc[5, "ID"] = None
    table.loc[8] = None
    assert faults(table) == [("missing ID", "ID", 7, None), ("empty row", None, 10, None)]


def test_missing_columns_are_all_named_with_what_they_may_be_called_now():
    table = export().rename(columns={"Country": "COUNTRY", "Subscribed": "Subscribd"}).drop(columns="Last Contact")
    found = {column: value for problem, column, _, value in faults(table) if problem == "missing column"}
    assert found == {"Country": "is it 'COUNTRY'?", "Subscribed": "is it 'Subscribd'?", "Last Contact": None}


def test_unexpected_columns_are_noted():
    assert faults(export().assign(Comment="x")) == [("unexpected column", "Comment", None, None)]


@pytest.mark.parametrize("table", [export(0), pd.DataFrame(None, index=range(3), columns=list(COLUMNS), dtype=object)])
def test_a_file_without_a_filled_row_has_no_rows(table):
    assert "no rows" in [problem for problem, *_ in faults(table)]


@pytest.mark.parametrize("column", DATE_COLUMNS)
@pytest.mark.parametrize(("unreadable", "refused"), [(4, False), (5, False), (6, True)])
def test_more_than_five_percent_unreadable_dates_are_too_many(column, unreadable, refused):
    table = export()
    table[column] = ["soon"] * unreadable + ["2021-01-05"] * (100 - unreadable)
    found = faults(table)
    assert (("too many unreadable dates", column, None, f"{unreadable} of 100") in found) == refused
    assert len([fault for fault in found if fault[0] == "unreadable date"]) == unreadable


def test_the_share_of_unreadable_dates_counts_filled_cells_only():
    table = export()
    table["First Call"] = ["soon"] + ["2021-01-05"] * 18 + [None] * 81
    assert ("too many unreadable dates", "First Call", None, "1 of 19") in faults(table)


@pytest.mark.parametrize("cell", ["No", "0000-00-00"])
def test_no_and_the_unknown_day_are_readable(cell):
    assert "too many unreadable dates" not in [problem for problem, *_ in faults(export().assign(Subscribed=cell))]


def test_every_problem_has_a_severity_a_meaning_and_a_remedy():
    for name, problem in PROBLEMS.items():
        assert problem.severity in (ERROR, REPAIRED, NOTED, WARNING), name
        assert problem.meaning, name
        assert problem.remedy, name


def test_every_fault_that_is_found_has_a_name_that_is_explained():
    named = {fault for _, faults in READERS.values() for fault in faults}
    named |= {fault for faults in TOO_OFTEN.values() for fault in faults} | set(TOO_OFTEN)
    assert named <= set(PROBLEMS)


@pytest.mark.parametrize(("unknown", "told"), [(4, False), (5, False), (6, True)])
@pytest.mark.parametrize("column", ["Country", "Education", "Status", "Stage"])
def test_more_than_five_percent_unknown_values_are_many(column, unknown, told):
    known = {"Country": "Kenya", "Education": "B7", "Status": "1st message", "Stage": "interested"}[column]
    found = faults(export().assign(**{column: ["?"] * unknown + [known] * (100 - unknown)}))
    assert (("many unknown values", column, None, f"{unknown} of 100") in found) == told
    assert len(found) == unknown + told


@pytest.mark.parametrize(("late", "told"), [(5, False), (6, True)])
def test_more_than_five_percent_of_a_columns_dates_after_the_snapshot_are_many(late, told):
    found = faults(export().assign(**{"First Call": ["2022-06-01"] * late + ["2021-01-05"] * (100 - late)}))
    assert (("many dates after the snapshot", "First Call", None, f"{late} of 100") in found) == told


def test_drag_filled_dates_after_the_snapshot_speak_against_nobodys_snapshot():
    table = export()
    table.loc[10:33, "Last Contact"] = [f"06.01.{year}" for year in range(2019, 2043)]
    found = [problem for problem, *_ in faults(table)]
    assert found.count("after the snapshot") == 20
    assert "many dates after the snapshot" not in found


# ---- a milestone's cell that says no in other words ----

NEGATIVES = ("no, thanks", "No.", "0", 0, "n/a", "NA", "FALSE", "-", "--", "–", "none", "not yet", "never", "nein")


@pytest.mark.parametrize("cell", NEGATIVES)
def test_a_milestone_that_says_no_in_other_words_is_named(cell):
    assert read_milestone(cell) == (None, "looks like a negative")
    assert read_date(cell) == (None, "unreadable date")


@pytest.mark.parametrize("cell", ["yes", "November", "notified", "soon", "x", "07", "#N/A", "-5", "2021-13-12"])
def test_what_else_cannot_be_read_is_no_negative(cell):
    assert read_milestone(cell).problem == ("before 2000" if cell == "07" else "unreadable date")


@pytest.mark.parametrize("cell", ["2021-03-04", "No", "0000-00-00", "4.3.2021", 44_259, "2042-01-01"])
def test_what_can_be_read_is_read_alike_for_contacts_and_milestones(cell):
    assert read_milestone(cell) == read_date(cell)


def test_negatives_in_other_words_count_as_unreadable_dates_do():
    table = export().assign(**{"First Call": ["n/a", "-", "0", "soon", "soon", "soon"] + ["2021-01-05"] * 94})
    found = faults(table)
    assert ("too many unreadable dates", "First Call", None, "6 of 100") in found
    assert [row for problem, _, row, _ in found if problem == "looks like a negative"] == [2, 3, 4]


# ---- one cell ----


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2021-03-04", "2021-03-04"),
        ("2021-03-04 13:45:10", "2021-03-04"),
        ("2021-03-04T00:00:00", "2021-03-04"),
        ("2021-03-04T10:00:00Z", "2021-03-04"),
        ("2021-03-04 23:59:59.999", "2021-03-04"),
        ("2021-03-04T00:00Z", "2021-03-04"),
        ("4.3.2021", "2021-03-04"),
        ("04.03.2021", "2021-03-04"),
        (datetime.date(2021, 3, 4), "2021-03-04"),
        (datetime.datetime(2021, 3, 4, 23, 59), "2021-03-04"),
        (44_259, "2021-03-04"),
        (44_259.99, "2021-03-04"),
        ("44259", "2021-03-04"),
        (36_526, "2000-01-01"),
        (44_679, "2022-04-28"),
    ],
)
def test_a_day_can_be_written_in_many_ways(cell, day):
    assert read_date(cell).value == pd.Timestamp(day)


@pytest.mark.parametrize("time", [" 25:99", " 24:00", "T12:60", " 12:00:60", " 12", " 9:30", " 12:00 pm", "Z"])
def test_an_impossible_time_of_day_makes_a_date_unreadable(time):
    assert read_date(f"2021-05-03{time}") == (None, "unreadable date")


def test_the_days_at_the_ends_of_the_trusted_years():
    assert read_date("2000-01-01") == (EARLIEST_DATE, None)
    assert read_date("2022-04-28") == (SNAPSHOT_DATE, None)
    assert read_date("2022-05-01", snapshot=pd.Timestamp("2022-05-01")).problem is None


ANY_CELL = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.from_regex(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", fullmatch=True),
    st.from_regex(r"\d{1,2}\.\d{1,2}\.\d{4}", fullmatch=True),
    st.dates().map(str),
    st.sampled_from(["", " ", "No", "NaN", "None", "inf", "#N/A", "1e5", "٢٠٢١-٠١-٠١", "²"]),
)


@given(ANY_CELL)
@example(10**4000)
@example(datetime.datetime(2021, 1, 1, tzinfo=datetime.UTC))
@example(datetime.date(1, 1, 1))
@example(datetime.datetime(9999, 12, 31, 23, 59, 59, 999_999))
def test_reading_a_date_never_fails_and_gives_a_day_or_nothing(cell):
    value, problem = read_date(cell)
    assert problem is None or problem in PROBLEMS
    if value is None:
        assert problem in ("answered No", "unknown date", "unreadable date")
    else:
        assert value == value.normalize()
        assert value.tz is None
        assert (problem == "before 2000") == (value < EARLIEST_DATE)
        assert (problem == "after the snapshot") == (value > SNAPSHOT_DATE)


@given(ANY_CELL)
@example(10**4000)
def test_no_reader_fails_or_finds_a_fault_that_its_column_does_not_list(cell):
    for name, (reader, faults_it_finds) in READERS.items():
        value, problem = reader(cell)
        assert problem is None or problem in faults_it_finds, name
        assert value is not None or problem is not None, name


@given(st.dates(EARLIEST_DATE.date(), SNAPSHOT_DATE.date()))
def test_every_trusted_day_is_read_as_itself_in_every_way_of_writing(day):
    serial = (pd.Timestamp(day) - pd.Timestamp("1899-12-30")).days
    for cell in (day, str(day), f"{day.day}.{day.month}.{day.year}", serial, str(serial)):
        assert read_date(cell).value == pd.Timestamp(day)


@given(st.lists(st.none() | st.sampled_from(["USA", "uSA", "-", "usa ", 7, 7.5, "Kenya"])))
def test_a_column_is_read_as_its_cells_are(cells):
    column = pd.Series(cells, dtype=object, index=range(2, len(cells) + 2))
    readings = read_column(column, read_country)
    assert list(readings.index) == list(column.index)
    for cell, *reading in zip(cells, readings["value"], readings["problem"], strict=True):
        expected = (None, None) if cell is None else read_country(cell)
        assert [None if pd.isna(part) else part for part in reading] == list(expected)


# ---- the fill handle ----

RUNS = {
    "one day": (["2020-01-06"], [False]),
    "a year apart": (["2020-01-06", "2021-01-06"], [True, True]),
    "up to 2042": ([f"{year}-01-06" for year in range(2020, 2043)], [True] * 23),
    "downwards": (["2021-01-06", "2020-01-06"], [False, False]),
    "two years apart": (["2020-01-06", "2022-01-06"], [False, False]),
    "a day off": (["2020-01-06", "2021-01-07"], [False, False]),
    "a month off": (["2020-01-06", "2021-02-06"], [False, False]),
    "the same day": (["2020-01-06", "2020-01-06"], [False, False]),
    "a gap": (["2020-01-06", None, "2021-01-06"], [False, False, False]),
    "two runs in a row": (["2020-01-06", "2021-01-06", "2020-01-06", "2021-01-06"], [True] * 4),
    "in the middle": (["2020-05-05", "2020-01-06", "2021-01-06", "2020-05-05"], [False, True, True, False]),
    "nothing": ([], []),
    "only gaps": ([None, None], [False, False]),
}


@pytest.mark.parametrize(("days", "expected"), RUNS.values(), ids=RUNS)
def test_drag_filled_finds_whole_runs(days, expected):
    assert drag_filled(pd.Series(days, dtype=object)).tolist() == expected


def test_an_empty_cell_ends_a_drag_filled_run():
    cells = {(10, "Last Contact"): "2020-01-06", (11, "Last Contact"): None, (12, "Last Contact"): "2021-01-06"}
    assert faults(with_cells(cells)) == []


def test_an_empty_row_ends_a_drag_filled_run():
    table = with_cells({(10, "Last Contact"): "2020-01-06", (12, "Last Contact"): "2021-01-06"})
    table.loc[9] = None
    assert faults(table) == [("empty row", None, 11, None)]


def test_a_drag_fill_is_looked_for_in_last_contact_only():
    run = [f"{year}-01-06" for year in range(2015, 2019)]
    table = export()
    table.loc[10:13, "Last Contact"] = run
    table.loc[20:23, "First Contact"] = run
    assert [fault[:3] for fault in faults(table)] == [("drag-fill", "Last Contact", row) for row in range(12, 16)]
