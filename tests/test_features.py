"""The 15 features, published and sound: their tables, their ranges, what they may know, and the order no name has."""

import numpy as np
import pandas as pd
import pytest
from exports import export

from crm_rl.data import SNAPSHOT_DATE, clean
from crm_rl.data import customers as cached_customers
from crm_rl.data.columns import BOOTCAMPS, TEXT
from crm_rl.data.features import (
    FEATURES,
    PUBLISHED_FEATURES,
    SOUND_FEATURES,
    PublishedFeatures,
    SoundFeatures,
    feature_table,
    normalise,
)
from crm_rl.data.split import SPLITS

SIZE = 400


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """An export with every kind of gap, cleaned."""
    table = export(SIZE)
    rng = np.random.default_rng(7)
    table["Education"] = rng.choice(BOOTCAMPS[:12], SIZE)
    table["Country"] = rng.choice(["Germany", "USA", "India", "Kenya", "Chad", "Peru"], SIZE)
    table["Stage"] = rng.choice(["interested", "not interested", "subscribed already", "do not contact"], SIZE)
    table["Status"] = rng.choice(["1st message", "2nd message", "3rd message"], SIZE)
    for name, share in {
        "Country": 0.1,
        "Education": 0.1,
        "First Contact": 0.1,
        "Last Contact": 0.1,
        "Stage": 0.5,
    }.items():
        table.loc[rng.random(SIZE) < share, name] = None
    return clean(table.set_index(pd.RangeIndex(2, SIZE + 2, name="row")))[0]


@pytest.fixture(params=FEATURES)
def kind(request) -> str:
    return request.param


def fitted(kind: str, customers: pd.DataFrame):
    parts = SPLITS[kind](customers)
    return FEATURES[kind]().fit(parts.train, parts.known_by), parts


# ---- the tables ----


@pytest.mark.parametrize("features", [PUBLISHED_FEATURES, SOUND_FEATURES])
def test_there_are_fifteen_each_with_a_name_of_its_own_and_all_said_about_it(features):
    assert len({feature.name for feature in features}) == 15
    table = feature_table(features)
    assert (table["range"] == "0 to 1").all()
    assert table[["name", "meaning", "unit", "source"]].map(bool).all(axis=None)
    assert (table["scale"] > 0).all()


def test_sound_replaces_country_by_inbound_and_nothing_else():
    published, sound = ([feature.name for feature in table] for table in (PUBLISHED_FEATURES, SOUND_FEATURES))
    assert (published[0], sound[0]) == ("Country", "Inbound")
    assert published[1:] == sound[1:]


def test_features_are_fifteen_numbers_from_0_to_1_in_the_tables_order(kind, customers):
    encoder, parts = fitted(kind, customers)
    for part in (*parts.parts().values(), parts.left_out, customers, customers.iloc[:0]):
        vectors = encoder.transform(part)
        assert vectors.shape == (len(part), 15)
        assert list(vectors.columns) == [feature.name for feature in encoder.features]
        assert vectors.index.equals(part.index)
        assert all(dtype.kind == "f" for dtype in vectors.dtypes)
        assert np.isfinite(vectors.to_numpy()).all()
        assert vectors.min().min() >= 0 or part.empty
        assert vectors.max().max() <= 1 or part.empty


# ---- by hand ----


def one(**changes) -> pd.DataFrame:
    customer = {
        "customer_id": 1, "country": "Kenya", "education": "B2",
        "first_contact": "2021-04-28", "last_contact": "2022-04-13",
        "status": "2nd message", "stage": "subscribed already",
        "call": True, "demo": False, "survey": True, "signup": False, "manager": False, "subscribed": True,
        "inbound": False, "arrival": "2021-04-28",
    }  # fmt: skip
    table = pd.DataFrame([customer | changes])
    for name in ("first_contact", "last_contact", "arrival"):
        table[name] = pd.to_datetime(table[name])
    return table


TRAIN = pd.DataFrame(
    {
        "country": pd.Series(["Chad", "Kenya", "Kenya", None], dtype=TEXT),
        "education": pd.Series(["B1", "B1", "B2", "B2"], dtype=TEXT),
        "subscribed": [True, True, False, False],
        "subscribed_date": pd.to_datetime(["2021-01-01", "2021-06-01", None, None]),
    }
)


def test_published_values_by_hand():
    values = PublishedFeatures().fit(TRAIN).values(one()).iloc[0]
    assert values.to_dict() == pytest.approx(
        {
            "Country": 1,
            "Stage": 6,
            "Status_Active": 0,
            "Days_Since_First_Contact": 365,
            "Days_Since_Last_Contact": 15,
            "Days_Between_Contacts": 350,
            "Contact_Frequency": 1 / 351,
            "Had_First_Call": 1,
            "Had_Demo": 0,
            "Had_Survey": 1,
            "Had_Signup": 0,
            "Had_Manager": 0,
            "Education_ConvRate": 0,
            "Country_ConvRate": 0.5,
            "Stages_Completed": 2,
        }
    )


def test_sound_values_by_hand():
    encoder = SoundFeatures().fit(TRAIN, known_by=pd.Timestamp("2021-03-01"))
    values = encoder.values(one(inbound=True)).iloc[0]
    assert values.to_dict() == pytest.approx(
        {
            "Inbound": 1,
            "Stage": 0,
            "Status_Active": 1,
            "Days_Since_First_Contact": 365,
            "Days_Since_Last_Contact": 15,
            "Days_Between_Contacts": 350,
            "Contact_Frequency": 1 / 351,
            "Had_First_Call": 1,
            "Had_Demo": 0,
            "Had_Survey": 1,
            "Had_Signup": 0,
            "Had_Manager": 0,
            "Education_ConvRate": (0 + 4 * 0.25) / (2 + 4),  # one subscription is known: p = 1/4, m = 1/p = 4
            "Country_ConvRate": (0 + 4 * 0.25) / (2 + 4),
            "Stages_Completed": 2,
        }
    )


def test_missing_days_are_as_fresh_as_can_be_in_published_and_as_old_in_sound():
    nobody_wrote = one(first_contact=None, last_contact=None, arrival=None)
    published = PublishedFeatures().fit(TRAIN).transform(nobody_wrote).iloc[0]
    sound = SoundFeatures().fit(TRAIN).transform(nobody_wrote).iloc[0]
    names = ["Days_Since_First_Contact", "Days_Since_Last_Contact", "Days_Between_Contacts", "Contact_Frequency"]
    assert published[names].tolist() == [0, 0, 0, 1]
    assert sound[names].tolist() == [1, 1, 0, 0]


def test_normalise_divides_by_the_scale_and_clips():
    values = pd.DataFrame({feature.name: [-1.0, feature.scale / 2, np.inf] for feature in SOUND_FEATURES})
    assert (normalise(values, SOUND_FEATURES).to_numpy() == [[0.0], [0.5], [1.0]]).all()


# ---- what they may know ----


def scrambled(part: pd.DataFrame) -> pd.DataFrame:
    """The same people with everything changed that a feature could learn from."""
    return part.assign(
        country=pd.Series(["Aruba"] * len(part), index=part.index, dtype=TEXT),
        education=pd.Series(["B30"] * len(part), index=part.index, dtype=TEXT),
        subscribed=~part["subscribed"],
        stage=None,
        last_contact=part["first_contact"],
    )


def test_nothing_in_train_changes_when_the_other_parts_do(kind, customers):
    _, parts = fitted(kind, customers)
    changed = pd.concat([parts.train, *map(scrambled, (parts.val, parts.test, parts.left_out))]).sort_index()
    before, after = (fitted(kind, table)[0] for table in (customers, changed))
    pd.testing.assert_frame_equal(before.transform(parts.train), after.transform(parts.train))
    assert before.country_rate_.rates_ == after.country_rate_.rates_
    assert before.education_rate_.rates_ == after.education_rate_.rates_


def test_the_same_change_does_show_where_the_encoder_is_fitted_on_everybody(kind, customers):
    _, parts = fitted(kind, customers)
    changed = pd.concat([parts.train, *map(scrambled, (parts.val, parts.test, parts.left_out))]).sort_index()
    before, after = (FEATURES[kind]().fit(table).transform(parts.train) for table in (customers, changed))
    assert not before.equals(after)


def test_sound_rates_know_no_subscription_after_the_end_of_train(customers):
    parts = SPLITS["sound"](customers)
    train = parts.train.copy()
    encoder = SoundFeatures().fit(train, parts.known_by)
    later = train["subscribed"] & ~(train["subscribed_date"] <= parts.known_by)
    assert later.any()
    train.loc[later, "subscribed"] = False
    train.loc[later, "subscribed_date"] = pd.NaT
    assert SoundFeatures().fit(train, parts.known_by).country_rate_.rates_ == encoder.country_rate_.rates_


def test_a_name_never_seen_gets_the_overall_rate(kind):
    encoder = FEATURES[kind]().fit(TRAIN)
    values = encoder.values(one(country="Peru", education="B30")).iloc[0]
    assert values["Country_ConvRate"] == values["Education_ConvRate"] == 0.5


def test_the_outcome_is_in_published_stage_and_not_in_sound_stage():
    for stage, published, sound in (("subscribed already", 1, 0), ("interested", 0.5, 1), (None, 0, 0)):
        assert PublishedFeatures().fit(TRAIN).transform(one(stage=stage))["Stage"].item() == published
        assert SoundFeatures().fit(TRAIN).transform(one(stage=stage))["Stage"].item() == sound


def test_the_snapshot_is_the_day_from_which_days_count(kind):
    later = FEATURES[kind](SNAPSHOT_DATE + pd.Timedelta(days=10)).fit(TRAIN).values(one())
    now = FEATURES[kind]().fit(TRAIN).values(one())
    assert (later["Days_Since_Last_Contact"] - now["Days_Since_Last_Contact"]).item() == 10


# ---- no name becomes an order ----


def changed_by_renaming(kind: str, customers: pd.DataFrame, column: str) -> set[str]:
    """The features that change when the names of a column are permuted, the same way everywhere."""
    names = sorted(customers[column].dropna().unique())
    others = dict(zip(names, names[1:] + names[:1], strict=True))
    renamed = customers.assign(**{column: customers[column].map(others)})
    before, after = (fitted(kind, table)[0].transform(table) for table in (customers, renamed))
    return {name for name in before if not np.allclose(before[name], after[name])}


def test_education_encoded_stays_gone(kind, customers):
    assert "Education_Encoded" not in [feature.name for feature in FEATURES[kind].features]
    assert changed_by_renaming(kind, customers, "education") == set()


def test_the_same_fault_is_in_published_country_and_gone_from_sound(customers):
    assert changed_by_renaming("published", customers, "country") == {"Country"}
    assert changed_by_renaming("sound", customers, "country") == set()


def test_refit_gives_one_country_another_code_in_test_than_in_train(customers):
    encoder, parts = fitted("published", customers)
    test = parts.test[parts.test["country"] != "Chad"]  # the first in the alphabet does not occur
    kenyans = test[test["country"] == "Kenya"]
    in_train = encoder.values(kenyans)
    in_test = encoder.refit(test).values(kenyans)
    assert set(in_train["Country"]) == {3}
    assert set(in_test["Country"]) == {2}
    assert not np.allclose(in_train["Days_Since_First_Contact"], in_test["Days_Since_First_Contact"])
    others = [
        name for name in in_train if name not in ("Country", "Days_Since_First_Contact", "Days_Since_Last_Contact")
    ]
    pd.testing.assert_frame_equal(in_train[others], in_test[others])


# ---- on real data ----


def test_the_originals_features_are_in_range_and_have_no_education_code(kind, original):
    customers, _ = cached_customers(original)
    encoder, parts = fitted(kind, customers)
    for part in parts.parts().values():
        vectors = encoder.transform(part).to_numpy()
        assert vectors.shape == (len(part), 15)
        assert ((vectors >= 0) & (vectors <= 1)).all()
    assert changed_by_renaming(kind, customers, "education") == set()
