"""Encoders: rates by hand, the limits of smoothing, and no row that sees its own outcome."""

import hypothesis.strategies as st
import pandas as pd
import pytest
from hypothesis import given

from crm_rl.data.columns import TEXT
from crm_rl.data.encoders import MISSING, ConversionRate, LabelCodes

NAMES = pd.Series(["B1", "B1", "B1", "B1", "B2", "B2", None, "B3", "B3", "B3"], dtype=TEXT)
CONVERTED = pd.Series([True, True, False, False, True, False, False, False, False, True])  # 4 of 10


def test_label_codes_are_places_in_the_alphabet():
    names = pd.Series(["Kenya", "Chad", None, "Peru"], dtype=TEXT)
    codes = LabelCodes().fit(names)
    assert codes.transform(names).tolist() == [1, 0, 3, 2]
    assert codes.transform(pd.Series(["Mali", "Chad"])).tolist() == [3, 0]


def test_the_same_name_has_another_code_where_other_names_were_learned():
    here, there = (LabelCodes().fit(pd.Series(names)) for names in (["Chad", "Kenya"], ["Kenya"]))
    assert here.transform(pd.Series(["Kenya"]))[0] == 1
    assert there.transform(pd.Series(["Kenya"]))[0] == 0


def test_rates_by_hand():
    encoder = ConversionRate(strength=5).fit(NAMES, CONVERTED)
    assert encoder.base_rate_ == pytest.approx(0.4)
    assert encoder.rates_ == pytest.approx(
        {"B1": (2 + 2) / 9, "B2": (1 + 2) / 7, "B3": (1 + 2) / 8, MISSING: (0 + 2) / 6}
    )
    unseen = encoder.transform(pd.Series(["B1", None, "B30"], dtype=TEXT))
    assert unseen.tolist() == pytest.approx([4 / 9, 2 / 6, 0.4])


def test_the_default_prior_weighs_as_much_as_one_expected_conversion():
    encoder = ConversionRate().fit(NAMES, CONVERTED)
    assert encoder.strength_ == pytest.approx(1 / 0.4)
    assert encoder.rates_["B2"] == pytest.approx((1 + 1) / (2 + 2.5))


def test_without_a_prior_the_rates_are_the_plain_ones():
    rates = ConversionRate(strength=0).fit(NAMES, CONVERTED).rates_
    assert rates == pytest.approx({"B1": 0.5, "B2": 0.5, "B3": 1 / 3, MISSING: 0})


def test_an_endless_prior_leaves_only_the_overall_rate():
    rates = ConversionRate(strength=1e12).fit(NAMES, CONVERTED).rates_
    assert list(rates.values()) == pytest.approx([0.4] * 4)


@pytest.mark.parametrize(("converted", "rate"), [(False, 0.0), (True, 1.0)])
@pytest.mark.parametrize("strength", [None, 0, 10])
def test_where_nobody_or_everybody_converts_so_does_every_group(converted, rate, strength):
    encoder = ConversionRate(strength).fit(NAMES, pd.Series([converted] * 10))
    assert encoder.transform(NAMES).tolist() == pytest.approx([rate] * 10)


ROWS = st.lists(st.tuples(st.sampled_from(["B1", "B2", "B3", None]), st.booleans()), min_size=1, max_size=30)


@given(ROWS, st.none() | st.floats(0, 1e6))
def test_a_smoothed_rate_lies_between_the_groups_own_and_the_overall_rate(rows, strength):
    names, converted = pd.Series([name for name, _ in rows], dtype=TEXT), pd.Series([hit for _, hit in rows])
    encoder = ConversionRate(strength).fit(names, converted)
    own = ConversionRate(strength=0).fit(names, converted).rates_
    for name, rate in encoder.rates_.items():
        low, high = sorted((own[name], encoder.base_rate_))
        assert low - 1e-12 <= rate <= high + 1e-12


def test_an_in_fold_rate_does_see_it():
    flipped = CONVERTED.copy()
    flipped[4] = False
    before, after = (ConversionRate().fit(NAMES, outcome).transform(NAMES) for outcome in (CONVERTED, flipped))
    assert before[4] != after[4]
