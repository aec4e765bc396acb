"""Splitting: three parts that hold everybody once, in time; and what time means in each of the two ways."""

from functools import cache

import hypothesis.strategies as st
import pandas as pd
import pytest
from exports import export
from hypothesis import given, settings

from crm_rl.data import DataError, as_rows, clean
from crm_rl.data import customers as cached_customers
from crm_rl.data.split import SPLITS, describe, published_split, sound_split


def as_customers(days: list[str | None]) -> pd.DataFrame:
    table = export(len(days)).assign(**{"Last Contact": None, "First Call": None, "Subscribed": None})
    table["First Contact"] = days
    return clean(as_rows(table))[0]


def tens(*, missing: int = 0) -> pd.DataFrame:
    """Twenty customers, one a day, the last `missing` without a day."""
    days = [f"2021-01-{day:02d}" for day in range(1, 21)]
    return as_customers([None if number >= 20 - missing else day for number, day in enumerate(days)])


CHOICE = [None, *(f"2021-02-{day:02d}" for day in range(1, 13))]
DAYS = st.lists(st.none() | st.sampled_from(CHOICE[1:]), min_size=4, max_size=40)


@cache
def one_for_each_choice() -> pd.DataFrame:
    return as_customers(CHOICE)


def cleaned_before(days: list[str | None]) -> pd.DataFrame:
    """What `as_customers` gives in everything that a split looks at, without cleaning: that takes long."""
    customers = one_for_each_choice().iloc[[CHOICE.index(day) for day in days]]
    rows = range(2, 2 + len(days))
    return customers.set_index(pd.Index(rows, name=customers.index.name)).assign(customer_id=range(1, 1 + len(days)))


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_seventy_fifteen_fifteen_in_the_order_of_time(split):
    parts = split(tens().sample(frac=1, random_state=0))
    assert [sorted(part["customer_id"]) for part in parts.parts().values()] == [
        list(range(1, 15)),
        [15, 16, 17],
        [18, 19, 20],
    ]
    assert parts.known_by == pd.Timestamp("2021-01-14")
    assert parts.left_out.empty


def test_published_puts_missing_first_contacts_last():
    parts = published_split(tens(missing=3))
    assert parts.test["first_contact"].isna().all()
    assert parts.left_out.empty


def test_sound_leaves_out_who_has_no_arrival():
    parts = sound_split(tens(missing=3))
    assert parts.left_out["customer_id"].tolist() == [18, 19, 20]
    assert [len(part) for part in parts.parts().values()] == [11, 3, 3]


def test_a_day_may_be_divided_as_published_and_never_soundly():
    days = ["2021-01-01"] * 10 + ["2021-01-02"] * 6 + ["2021-01-03"] * 2 + ["2021-01-04"] * 2
    published = published_split(as_customers(days))
    assert published.train["first_contact"].max() == published.val["first_contact"].min()
    sound = sound_split(as_customers(days))
    assert [len(part) for part in sound.parts().values()] == [16, 2, 2]


def test_customers_cleaned_before_are_those_of_their_export():
    days = [*CHOICE, *reversed(CHOICE), None, *CHOICE[-5:]]
    looked_at = ["customer_id", "first_contact", "arrival"]
    pd.testing.assert_frame_equal(cleaned_before(days)[looked_at], as_customers(days)[looked_at])


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
@settings(max_examples=30)
@given(days=DAYS)
def test_the_parts_hold_every_customer_once(split, days):
    customers = cleaned_before(days)
    try:
        parts = split(customers)
    except DataError:
        return
    everybody = pd.concat([*parts.parts().values(), parts.left_out])
    pd.testing.assert_frame_equal(everybody.sort_index(), customers)
    assert not any(part.empty for part in parts.parts().values())


@settings(max_examples=60)
@given(DAYS)
def test_sound_parts_are_strictly_ordered_in_time(days):
    customers = cleaned_before(days)
    try:
        parts = sound_split(customers)
    except DataError:
        return
    assert parts.train["arrival"].max() < parts.val["arrival"].min()
    assert parts.val["arrival"].max() < parts.test["arrival"].min()
    assert parts.known_by == parts.train["arrival"].max()
    assert parts.left_out["arrival"].isna().all()


@pytest.mark.parametrize("days", [["2021-01-01"], [None] * 30, ["2021-01-01"] * 30, ["2021-01-01", "2021-01-02"]])
def test_who_cannot_be_split_soundly_is_refused(days):
    with pytest.raises(DataError, match="cannot be split by time: .*Remedy"):
        sound_split(as_customers(days))


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_without_any_date_the_remedy_is_dates_or_another_snapshot(split):
    with pytest.raises(DataError, match="nobody has a date to go by. Remedy: .* snapshot date, choose the right one"):
        split(as_customers([None] * 30))


@pytest.mark.parametrize("days", [["2021-01-01"] * 3, [None] * 30])
def test_who_cannot_be_split_as_published_is_refused(days):
    with pytest.raises(DataError, match="cannot be split by time: .*Remedy"):
        published_split(as_customers(days))


def test_the_original_splits_as_published(original):
    customers, _ = cached_customers(original)
    table = describe(published_split(customers))
    assert table["customers"].to_dict() == {"train": 7_722, "val": 1_655, "test": 1_655, "left out": 0}
    assert table["subscribers"].to_dict() == {"train": 20, "val": 3, "test": 25, "left out": 0}
    assert table["no first contact"].to_dict() == {"train": 0, "val": 0, "test": 716, "left out": 0}
    assert table.loc["test", ["inbound", "of them inbound"]].tolist() == [281, 25]


def test_the_original_splits_soundly(original):
    customers, _ = cached_customers(original)
    parts = sound_split(customers)
    assert len(parts.left_out) == 72
    assert sum(len(part) for part in parts.parts().values()) == 11_032 - 72
    assert sum(part["subscribed"].sum() for part in parts.parts().values()) + parts.left_out["subscribed"].sum() == 48
