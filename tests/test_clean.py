"""Cleaning: what can be repaired is repaired and counted, nothing is dropped in silence, the rest is refused."""

import random
from functools import cache

import hypothesis.strategies as st
import pandas as pd
import pytest
from exports import export, with_cells
from hypothesis import given, settings

from crm_rl.data import COLUMNS, CONTACTS, EVENTS, SNAPSHOT_DATE, DataError, as_rows, clean, customer_schema, load
from crm_rl.data.columns import BOOTCAMPS, STAGES, STATUSES
from crm_rl.data.problems import PROBLEMS


def cleaned(changes: dict, size: int = 100):
    return clean(as_rows(with_cells(changes, size)))


def test_a_faultless_export_keeps_every_customer_and_reports_nothing():
    customers, report = cleaned({})
    assert (report.rows_read, report.rows_kept, len(customers)) == (100, 100, 100)
    assert report.findings.empty
    assert customers["subscribed"].sum() == 20
    assert customers["call"].sum() == 25
    assert (customers["arrival"] == customers["first_contact"]).all()
    assert not customers["inbound"].any()


@cache
def with_milestone_cells(cell: str | int | None) -> pd.DataFrame:
    """Customers of whom one for each milestone, from row 3 on, has this cell there, below many with a date."""
    dates = {(row, column): "2021-01-05" for row in range(30, 60) for column in EVENTS.values()}
    customers, _ = cleaned(dates | {(row, column): cell for row, column in enumerate(EVENTS.values(), start=3)})
    return customers


@pytest.mark.parametrize(
    ("cell", "reached", "day"),
    [
        ("2021-01-05", True, "2021-01-05"),
        ("05.01.2021", True, "2021-01-05"),
        ("0000-00-00", True, None),
        ("2021-13-12", True, None),
        ("yes", True, None),
        ("no, thanks", True, None),
        ("0", True, None),
        (6_691_845, True, None),
        ("2042-01-06", True, None),
        ("1999-12-31", True, None),
        ("No", False, None),
        (" no", False, None),
        (None, False, None),
    ],
)
@pytest.mark.parametrize("event", EVENTS)
def test_a_milestone_cell_that_holds_anything_but_no_means_that_it_happened(event, cell, reached, day):
    customer = with_milestone_cells(cell).loc[3 + list(EVENTS).index(event)]
    assert customer[event] == reached
    assert customer[f"{event}_date"] == pd.Timestamp(day) or (day is None and pd.isna(customer[f"{event}_date"]))


def test_who_came_unasked_and_when_everybody_arrived():
    nobody = {(3, name): None for name in COLUMNS[3:]}
    customers, report = cleaned(
        {
            **nobody,
            (4, "First Contact"): None,
            (4, "Last Contact"): "2021-03-01",
            (5, "First Contact"): "2021-13-12",
            (5, "First Call"): "2021-02-02",
            (5, "Signed up for a demo"): "2021-02-01",
            (6, "First Contact"): None,
            (6, "First Call"): "0000-00-00",
            (6, "Last Contact"): "2021-03-02",
            (7, "First Contact"): None,
            (7, "Last Contact"): None,
            (7, "First Call"): "No",
        }
    )
    when = customers["arrival"]
    assert customers.index[customers["inbound"]].tolist() == [5, 6, 7]  # row 7 subscribed
    assert pd.isna(when[3])
    assert when[4] == pd.Timestamp("2021-03-01")
    assert when[5] == pd.Timestamp("2021-02-01")
    assert when[6] == pd.Timestamp("2021-03-02")
    assert when[7] == customers.loc[7, "subscribed_date"]
    noted = report.findings.groupby("problem")["row"].agg(list)
    assert noted["no first contact"] == [3, 4, 5, 6, 7]
    assert noted["no arrival"] == [3]


def test_a_drag_filled_run_becomes_missing_also_its_days_before_the_snapshot():
    run = {(row, "Last Contact"): f"06.01.{year}" for row, year in enumerate(range(2019, 2043), start=10)}
    customers, report = cleaned(run)
    assert customers.loc[10:33, "last_contact"].isna().all()
    assert customers["last_contact"].notna().sum() == 100 - 24
    assert (report.findings["problem"] == "drag-fill").sum() == 24


def test_names_are_mended_or_become_missing():
    customers, _ = cleaned(
        {
            (3, "Country"): "uSA",
            (4, "Country"): "CA ",
            (5, "Country"): "Full time",
            (6, "Country"): "-",
            (7, "Country"): "türkiye",
            (8, "Country"): "  ",
            (9, "Education"): " b12",
            (10, "Education"): "B31",
            (11, "Status"): "2ND message",
            (12, "Status"): "Active",
            (13, "Stage"): "Interested",
            (14, "Stage"): "won",
        }
    )
    country = customers["country"]
    assert country[3] == "USA"
    assert country.loc[4:8].isna().tolist() == [True, True, True, False, True]
    assert country[7] == "Turkey"
    assert customers.loc[9, "education"] == "B12"
    assert customers.loc[11, "status"] == "2nd message"
    assert customers.loc[13, "stage"] == "interested"
    assert customers.loc[[10], "education"].isna().all()
    assert customers.loc[[12], "status"].isna().all()
    assert customers.loc[[14], "stage"].isna().all()


def test_stage_and_date_may_disagree_about_a_subscription_and_the_date_decides():
    customers, report = cleaned({(3, "Stage"): "subscribed already", (4, "Subscribed"): "2021-01-01"})
    assert customers.loc[[3, 4], "subscribed"].tolist() == [False, True]
    noted = report.findings.set_index("problem")["row"]
    assert noted["stage alone says subscribed"] == 3
    assert noted["stage does not say subscribed"] == 4


def test_the_snapshot_decides_what_lies_in_the_future():
    raw = as_rows(with_cells({(3, "First Contact"): "2022-06-01"}))
    assert pd.isna(clean(raw)[0].loc[3, "first_contact"])
    assert clean(raw, pd.Timestamp("2022-06-01"))[0].loc[3, "first_contact"] == pd.Timestamp("2022-06-01")


def test_what_cannot_be_repaired_is_refused_with_everything_that_is_wrong():
    changes = {(3, "ID"): "1", (4, "ID"): None, (5, "ID"): "A7", (6, "Country"): "-"}
    table = with_cells(changes).drop(columns="Stage").assign(Survey="soon")
    table["First Call"] = "soon"
    with pytest.raises(DataError) as refusal:
        clean(as_rows(table), source="export.csv")
    message = " ".join(str(refusal.value).split())
    for part in (
        "export.csv: 100 rows read, 0 customers kept",
        "1 x Stage: missing column -> add it",
        "2 x ID: duplicate ID, first in row 2",
        "row 3 ('1')",
        "1 x ID: missing ID, first in row 4",
        "1 x ID: ID is not a whole number, first in row 5 ('A7')",
        "1 x First Call: too many unreadable dates (100 of 100) -> write dates as YYYY-MM-DD row 2 ('soon') row 3",
        "row 21 ('soon') and 80 more",
    ):
        assert part in message
    assert message.endswith(
        "Besides, no reason to refuse: 100 x unreadable date, 1 x not one country, 1 x unexpected column"
    )


def test_the_places_of_an_error_are_those_of_its_column():
    table = export()
    table.loc[:5, "First Call"] = "soon"
    table.loc[:9, "Subscribed"] = "soon"
    with pytest.raises(DataError) as refusal:
        clean(as_rows(table))
    lines = str(refusal.value).splitlines()
    (call,) = (number for number, line in enumerate(lines) if "First Call: too many" in line)
    (subscribed,) = (number for number, line in enumerate(lines) if "Subscribed: too many" in line)
    rows = [number for number, line in enumerate(lines) if line.strip().startswith("row ")]
    assert len([number for number in rows if call < number < subscribed]) == 6
    assert len([number for number in rows if number > subscribed]) == 10


def test_what_may_make_the_rest_worthless_stands_at_the_end():
    table = export().assign(Status="Active", Subscribed=None, Stage=None)
    table["First Call"] = "2023-01-01"
    customers, report = clean(as_rows(table))
    assert len(customers) == 100
    last = " ".join(str(report).split("Look again, for this may make the rest worthless:")[1].split())
    for part in (
        "1 x Status: many unknown values (100 of 100) -> is it the right column",
        "1 x First Call: many dates after the snapshot (100 of 100) -> is the snapshot date right?",
        "1 x Subscribed: no subscriber -> there is nothing to learn from",
    ):
        assert part in last
    assert report.counts("warning")["count"].tolist() == [1, 1, 1]


def test_a_cell_that_looks_like_a_negative_counts_as_reached_and_is_told():
    customers, report = cleaned({(2, "First Call"): "no, thanks"})
    assert customers.loc[2, "call"]
    assert "1 x First Call: looks like a negative, first in row 2 ('no, thanks') -> counted as reached" in " ".join(
        str(report).split()
    )


def test_a_long_list_of_errors_is_cut_short_and_counted():
    with pytest.raises(DataError, match=r"row 21 \('x'\)\n +and 80 more"):
        clean(as_rows(export().assign(ID="x")))


def test_the_report_counts_by_problem_and_column():
    _, report = cleaned({(3, "Country"): "-", (9, "Country"): "?", (5, "First Contact"): "27.12.2021"})
    counts = report.counts("repaired").set_index(["problem", "column"])
    assert counts["count"].to_dict() == {
        ("not one country", "Country"): 2,
        ("date as text", "First Contact"): 1,
    }
    assert counts.loc[("not one country", "Country"), ["first_row", "first_value"]].tolist() == [3, "-"]
    assert "2 x Country: not one country, first in row 3 ('-') -> becomes missing" in " ".join(str(report).split())


# ---- on any export ----

DAYS = st.dates(pd.Timestamp("1998-01-01").date(), pd.Timestamp("2023-12-31").date()).map(str)
DATE_CELLS = st.one_of(
    st.none(),
    DAYS,
    DAYS,
    st.sampled_from(["No", "0000-00-00", "2021-13-12", "06.01.2042", 44_000, 1e9, True, "x"]),
)
NAMES = {
    "Country": ["Germany", "uSA", "CA ", "-", None],
    "Education": [*BOOTCAMPS[:3], "b1", "B99", None],
    "Status": [*STATUSES, "Active", None],
    "Stage": [*STAGES, "won", None],
}


@st.composite
def exports(draw, date_cells=DATE_CELLS, most_rows=12):
    size = draw(st.integers(3, most_rows))
    columns = {name: draw(st.lists(date_cells, min_size=size, max_size=size)) for name in COLUMNS}
    for name, cells in NAMES.items():
        columns[name] = draw(st.lists(st.sampled_from(cells), min_size=size, max_size=size))
    columns["ID"] = [str(number) for number in draw(st.permutations(range(1, size + 1)))]
    table = pd.DataFrame(columns, columns=list(COLUMNS), dtype=object)
    table.loc[list(draw(st.sets(st.integers(0, size - 1), max_size=2)))] = None
    return as_rows(table)


def padded(raw: pd.DataFrame) -> pd.DataFrame:
    """Below many faultless rows, so that no column has too many unreadable dates."""
    good = export(250).assign(**{name: "2021-01-05" for name in COLUMNS[3:5] + COLUMNS[7:]})
    good["ID"] = range(1_001, 1_251)
    return as_rows(pd.concat([good, raw], ignore_index=True))


@settings(max_examples=25)
@given(exports())
def test_what_comes_out_always_fits_the_schema_or_the_export_is_refused(raw):
    for table in (raw, padded(raw)):
        try:
            customers, report = clean(table)
        except DataError:
            assert table is raw
            continue
        customer_schema().validate(customers)
        empty = (report.findings["problem"] == "empty row").sum()
        assert report.rows_read == len(table)
        assert report.rows_read == report.rows_kept + empty
        assert report.rows_kept == len(customers)
        assert sorted(customers["customer_id"]) == sorted(table["ID"].dropna().astype(int))
        assert set(report.findings["problem"]) <= set(PROBLEMS)


@settings(max_examples=25)
@given(exports())
def test_every_filled_milestone_cell_but_no_counts_as_reached(raw):
    raw = padded(raw)
    customers, _ = clean(raw)
    for event, column in EVENTS.items():
        cells = raw.loc[customers.index, column]
        reached = [cell is not None and str(cell).strip().lower() != "no" for cell in cells]
        assert customers[event].tolist() == reached


@settings(max_examples=25)
@given(exports())
def test_every_cell_that_was_not_kept_as_it_stood_is_in_the_findings(raw):
    raw = padded(raw)
    customers, report = clean(raw)
    told = set(zip(report.findings["column"], report.findings["row"], strict=True))
    dates = CONTACTS | {f"{event}_date": column for event, column in EVENTS.items()}
    names = {name.lower(): name for name in NAMES}
    for clean_name, column in (dates | names).items():
        for row, cell in raw.loc[customers.index, column].items():
            kept = customers.loc[row, clean_name]
            as_it_stood = "" if pd.isna(kept) else str(kept.date()) if clean_name in dates else kept
            if ("" if cell is None else cell) != as_it_stood:
                assert (column, row) in told, (column, row, cell, kept)


@settings(max_examples=25)
@given(
    exports(st.none() | st.dates(pd.Timestamp("2021-01-01").date(), SNAPSHOT_DATE.date()).map(str)),
    st.randoms(),
)
def test_the_order_of_the_rows_changes_nothing_but_drag_fill(raw, rng: random.Random):
    raw["Last Contact"] = [cell and "2021" + cell[4:] for cell in raw["Last Contact"]]  # no two a year apart
    shuffled = as_rows(raw.sample(frac=1, random_state=rng.randrange(2**32)))
    in_order, out_of_order = (clean(table)[0].set_index("customer_id").sort_index() for table in (raw, shuffled))
    pd.testing.assert_frame_equal(in_order, out_of_order)


# ---- on the original ----


@pytest.fixture(scope="module")
def original_cleaned(original):
    raw = load(original)
    return raw, *clean(raw)


def test_the_original_holds_what_the_book_says(original_cleaned):
    raw, customers, report = original_cleaned
    assert len(customers) == report.rows_read == report.rows_kept == 11_032
    by_cell, by_date = customers["subscribed"], customers["subscribed_date"].notna()
    by_stage = by_cell | (customers["stage"] == "subscribed already")
    assert (by_cell.sum(), by_date.sum(), by_stage.sum()) == (48, 47, 50)
    assert customers["first_contact"].isna().sum() == 716
    assert customers["inbound"].sum() == 281
    assert raw.columns.tolist() == list(COLUMNS)


def test_the_original_is_repaired_as_the_book_says(original_cleaned):
    *_, report = original_cleaned
    counts = report.counts().fillna({"column": ""}).set_index(["problem", "column"])["count"].to_dict()
    assert counts == {
        ("unreadable date", "Did sign up to the platform"): 1,
        ("unreadable date", "First Contact"): 1,
        ("unreadable date", "Last Contact"): 1,
        ("unknown date", "Subscribed"): 1,
        ("not one country", "Country"): 16,
        ("other spelling", "Country"): 59,
        ("date as text", "Last Contact"): 31,
        ("drag-fill", "Last Contact"): 61,
        ("after the snapshot", "Last Contact"): 42,
        ("answered No", "Did sign up to the platform"): 127,
        ("no first contact", "First Contact"): 716,
        ("no arrival", ""): 72,
        ("milestone before first contact", "First Contact"): 14,
        ("last contact before first", "Last Contact"): 3,
        ("stage alone says subscribed", "Stage"): 2,
        ("stage does not say subscribed", "Stage"): 4,
    }
