"""Scores of a recorded comparison: each against an answer known by hand."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crm_rl.data.problems import DataError
from crm_rl.evaluation.gain import FOLDS
from crm_rl.experiments.comparison import SEEDS, TUNING_SEEDS, Job, record
from crm_rl.experiments.comparison_record import (
    USUAL,
    Record,
    difference,
    has,
    load_comparison,
    redraw,
    runs_of,
    score,
)
from crm_rl.experiments.runner import run

#: Three kinds of customers, of whom there are 2, 1 and 7; waiting is worth 10 for each, the optimum more.
KINDS = pd.DataFrame(
    {"customers": [2, 1, 7], "inbound": [1, 1, 0], "fold": [0, 1, 4], "pair": [0, 1, 2], "country": [0, 0, 1]}
)
WAITING, OPTIMUM = [10.0, 10.0, 10.0], [110.0, 210.0, 20.0]


def written(rows: list[tuple], **columns) -> Record:
    """A record of runs (learner, steps, seed, values)."""
    runs = pd.DataFrame([{"learner": name, "steps": steps, "seed": seed} for name, steps, seed, _ in rows])
    runs = runs.assign(**(USUAL | columns))
    values = np.array([values for *_, values in rows], dtype=float)
    known = pd.DataFrame([{"learner": name, "steps": 0, "seed": 0} | USUAL for name in ("waiting", "optimum")])
    return Record(
        pd.concat([known, runs], ignore_index=True), np.vstack([WAITING, OPTIMUM, values]), KINDS, runs[:0], {}
    )


def with_shares(learner: str, shares: list[float], steps: int = 5) -> list[tuple]:
    """Runs of a learner that gains such a share of every kind, a seed each."""
    gain = np.array(OPTIMUM) - WAITING
    return [(learner, steps, seed, WAITING + share * gain) for seed, share in enumerate(shares)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_share_is_a_ratio_of_sums(rng):
    # To gain: 2 x 100 + 1 x 200 + 7 x 10 = 470. Gained: 2 x 50 + 0 + 7 x 10 = 170.
    found = written([("half", 0, 0, [60, 10, 20])])
    draws = redraw(found, rng)
    assert score(found, draws, "half").value == pytest.approx(170 / 470)
    assert score(found, draws, "half", group="inbound").value == pytest.approx(100 / 400)
    assert score(found, draws, "half", group="outbound").value == 1
    assert score(found, draws, "half", money=True).value == pytest.approx((120 + 10 + 140) / 10)
    assert score(found, draws, "half", group="inbound", money=True).value == pytest.approx(130 / 3)


def test_the_bounds_are_0_and_1_whoever_is_drawn(rng):
    found = written([("none", 0, 0, WAITING), ("all", 0, 0, OPTIMUM)])
    draws = redraw(found, rng)
    assert score(found, draws, "none").ends == (0, 0) and score(found, draws, "all").ends == (1, 1)


def test_customers_of_a_place_are_drawn_together_and_the_groups_apart(rng):
    found = written([("none", 0, 0, WAITING)])
    assert (redraw(found, rng, by="country").customers == [2, 1, 7]).all(), "one country of each group"
    customers = redraw(found, rng, draws=500).customers
    assert (customers[:, 2] == 7).all(), "there is one kind of outbound customers"
    pairs = set(map(tuple, customers[:, :2].round(9)))
    assert pairs == {(3, 0), (2, 1), (0, 3)}, "one of two kinds twice, or each once; and always three inbound customers"


def test_the_interval_over_customers_by_hand(rng):
    # All is gained of the first kind, nothing of the others. Drawn twice, once or not at all (1/4, 1/2, 1/4) it gives
    # 300 of 300 + 70, 200 of 200 + 200 + 70, 0 of 600 + 70.
    found = written([("first", 0, 0, [110, 10, 10])])
    shares = score(found, redraw(found, rng, draws=4000), "first").redrawn
    expected = {300 / 370: 0.25, 200 / 470: 0.5, 0.0: 0.25}
    for share, often in expected.items():
        assert np.isclose(shares, share).mean() == pytest.approx(often, abs=0.03)


def test_the_middle_half_of_the_seeds_counts(rng):
    found = written(with_shares("table", [-9.0, 0.5, 0.6, 9.0]))
    assert score(found, redraw(found, rng), "table", 5).value == pytest.approx(0.55)


def test_seeds_are_drawn_anew(rng):
    rows = [
        ("table", 5, seed, WAITING + share * (np.array(OPTIMUM) - WAITING)) for seed, share in enumerate([0.4, 0.6])
    ]
    found = written(rows)
    shares = score(found, redraw(found, rng, draws=4000), "table", 5).redrawn
    for share, often in {0.4: 0.25, 0.5: 0.5, 0.6: 0.25}.items():
        assert np.isclose(shares, share).mean() == pytest.approx(often, abs=0.03)


def test_a_difference_is_paired_by_customers_and_seeds(rng):
    found = written(with_shares("worse", [0.1, 0.7]) + with_shares("better", [0.15, 0.75]))
    gap = difference(found, redraw(found, rng), {"learner": "better"}, {"learner": "worse"}, steps=5)
    assert gap.value == pytest.approx(0.05) and gap.ends == pytest.approx((0.05, 0.05))


def test_a_difference_is_over_the_seeds_that_both_have(rng):
    many, few = with_shares("many", [0.2, 0.4, 0.9]), with_shares("few", [0.1, 0.1])
    found = written(many + few + with_shares("fixed", [0.1], steps=0))
    draws = redraw(found, rng)
    gap = difference(found, draws, {"learner": "many", "steps": 5}, {"learner": "few", "steps": 5})
    assert gap.value == pytest.approx(0.2) and gap.runs == 2
    gap = difference(found, draws, {"learner": "many", "steps": 5}, {"learner": "fixed"})
    assert gap.value == pytest.approx(0.4) and gap.runs == 3, "a learner with one run stands for all seeds"


def test_in_the_rough_world_each_seed_is_held_against_its_own_deal(rng):
    runs = pd.DataFrame(
        [
            {"learner": name, "steps": 0, "seed": seed} | USUAL | {"world": "rough"}
            for seed in (0, 1)
            for name in ("waiting", "optimum", "rival")
        ]
    )
    values = np.array([[0] * 3, [100] * 3, [50] * 3, [0] * 3, [200] * 3, [50] * 3], dtype=float)
    found = Record(runs, values, KINDS, runs[:0], {})
    assert score(found, redraw(found, rng), "rival", world="rough").value == pytest.approx((0.5 + 0.25) / 2)


def test_strangers_are_added_up_over_the_folds_before_dividing(rng):
    # Seed 0 hides fold 0: of its 2 customers all is gained, 200. Seed 1 hides fold 1: nothing of 200. Seed 4 hides
    # fold 4: half of 70. Seeds 2 and 3 hide nobody who is tested. So (200 + 0 + 35) / 470.
    rows = [("table", 5, seed, [110, 10, 15]) for seed in range(FOLDS)]
    found = written(rows, strangers=True)
    draws = redraw(found, rng)
    strange = score(found, draws, "table", 5, strangers=True)
    assert strange.value == pytest.approx(235 / 470) and strange.runs == 1
    assert score(found, draws, "table", 5, strangers=True, group="inbound").value == pytest.approx(200 / 400)


def test_by_folds_seeds_are_drawn_within_each(rng):
    # Seeds 0 and 1 gain all of their folds, 200 each, 5 and 6 nothing. Of two rounds of two folds each draw is one
    # of two seeds, so the mean of the rounds has 0 to 4 times 100 of 470, binomially.
    rows = [("table", 5, seed, OPTIMUM if seed in (0, 1) else WAITING) for seed in range(2 * FOLDS)]
    found = written(rows, strangers=True)
    shares = score(found, redraw(found, rng, draws=4000, by="country"), "table", 5, strangers=True).redrawn
    for successes, often in enumerate([1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16]):
        assert np.isclose(shares, successes * 100 / 470).mean() == pytest.approx(often, abs=0.03)


def test_what_was_met_can_be_judged_by_the_same_folds_as_strangers(rng):
    # As above, but of seed 1, judged by the one customer of fold 1, all is gained: 200 + 200 + 35 of 470.
    met = [("table", 5, seed, [110, 210, 15]) for seed in range(FOLDS)]
    found = written(met)
    by_fold = score(found, redraw(found, rng), "table", 5, by_fold=True)
    assert by_fold.value == pytest.approx(435 / 470) and by_fold.runs == 1
    assert score(found, redraw(found, rng), "table", 5).runs == FOLDS


def test_a_price_is_paid_by_everybody(rng):
    # 3 dollars from each of ten customers: 170 - 30 of 470.
    found = written([("half", 0, 0, [60, 10, 20])])
    draws = redraw(found, rng)
    assert score(found, draws, "half", price=3.0).value == pytest.approx(140 / 470)
    free, dear = {"learner": "half"}, {"learner": "half", "price": 3.0}
    assert difference(found, draws, free, dear).value == pytest.approx(30 / 470)


def test_folds_that_lack_one_are_left_out(rng):
    rows = [("table", 5, seed, OPTIMUM if seed < FOLDS else WAITING) for seed in range(2 * FOLDS - 1)]
    found = written(rows, strangers=True)
    assert score(found, redraw(found, rng), "table", 5, strangers=True).value == 1
    found = written(rows[:3], strangers=True)
    with pytest.raises(DataError, match="ask `has` first"):
        score(found, redraw(found, rng), "table", 5, strangers=True)


def test_with_less_than_a_dollar_to_gain_there_is_no_share(rng):
    runs = pd.DataFrame([{"learner": name, "steps": 0, "seed": 0} | USUAL for name in ("waiting", "optimum", "rival")])
    found = Record(runs, np.array([[0.0] * 3, [0.9] * 3, [0.5] * 3]), KINDS, runs[:0], {})
    assert np.isnan(score(found, redraw(found, rng), "rival").value)
    found = found._replace(values=np.array([[0.0] * 3, [1.1] * 3, [0.5] * 3]))
    assert score(found, redraw(found, rng), "rival").value == pytest.approx(0.5 / 1.1)


def test_what_is_not_on_record_is_said(rng):
    found = written([("table", 5, 0, WAITING)])
    assert has(found, "table", 5) and not has(found, "table", 6) and not has(found, "table", 5, selection=True)
    with pytest.raises(DataError, match="no such run of 'table' with 6 steps"):
        score(found, redraw(found, rng), "table", 6)
    other = found._replace(runs=found.runs.assign(lift=2.0))
    other.runs.loc[2, "lift"] = 3.0
    with pytest.raises(DataError, match="waiting is not on record beside table"):
        score(other, redraw(other, rng), "table", 5, lift=3.0)


def test_the_same_seed_gives_the_same_interval():
    found = written([("half", 0, 0, [60, 10, 20])])
    first, second = (score(found, redraw(found, np.random.default_rng(4)), "half") for _ in range(2))
    assert first.redrawn.tobytes() == second.redrawn.tobytes()


@pytest.fixture(scope="module")
def recorded(twin, tmp_path_factory) -> Path:
    """A record of a few runs on the twin, one of them twice and one for tuning."""
    folder = tmp_path_factory.mktemp("comparison")
    data = str(twin)
    jobs = [
        Job(data, "smooth", "waiting", 0, (0,)),
        Job(data, "smooth", "optimum", 0, (0,)),
        Job(data, "smooth", "table: episode only", 2_000, (0, 1)),
        Job(data, "smooth", "table: episode only", 2_000, (0,)),
        Job(data, "smooth", "table: episode only", 2_000, TUNING_SEEDS[:1]),
    ]
    record(jobs, run(jobs, folder, workers=1), folder / "out")
    return folder / "out"


def test_a_record_gives_the_shares_that_were_recorded(recorded, rng):
    found = load_comparison("twin", recorded)
    runs = runs_of(found, "table: episode only", 2_000)
    assert runs["seed"].tolist() == [0, 1], "none twice, none for tuning"
    assert len(found.tuning) == 1 and found.tuning["seed"].isin(TUNING_SEEDS).all()
    for group, column in (("all", "gain_test"), ("inbound", "gain_inbound_test"), ("outbound", "gain_outbound_test")):
        share = score(found, redraw(found, rng), "table: episode only", 2_000, group=group, seeds={1})
        assert share.value == pytest.approx(runs[column].iloc[1], abs=1e-3)
    money = score(found, redraw(found, rng), "table: episode only", 2_000, money=True, seeds={1})
    assert money.value == pytest.approx(runs["money_test"].iloc[1], rel=1e-3)


def test_no_record_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(DataError, match="no comparison on the autumn is on record"):
        load_comparison("autumn", tmp_path)


def test_the_provenance_tells_tuning_seeds_from_the_others(recorded):
    source = json.loads((recorded / "comparison_twin.json").read_text())
    assert not set(source["seeds_of_tuning"]) & set(SEEDS)
