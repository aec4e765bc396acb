"""The claims ledger: each rule on cases worked by hand, each claim on the record, and the page as the rules have it."""

import json
import re
import sys

import numpy as np
import pandas as pd
import pytest

from crm_rl.data.fetch import SHA256
from crm_rl.evaluation.intervals import wilson
from crm_rl.files import PROJECT
from crm_rl.worlds.base import N_FEATURES
from crm_rl.worlds.replay_keys import DECIMALS

sys.path.insert(0, str(PROJECT / "tools"))
from ledger import claims as book  # noqa: E402
from ledger import page, rules  # noqa: E402
from ledger.claims import JUDGED, NOT_TESTABLE, SYSTEMS, Claim, Ledger, load_claims  # noqa: E402
from ledger.records import (  # noqa: E402
    SEEN,
    Measure,
    Records,
    counts_of,
    counts_path,
    drawn_subscribed,
    exactly,
    log,
    share,
)
from ledger.rules import (  # noqa: E402
    CODE,
    UNTESTABLE,
    VERDICTS,
    agree,
    another,
    derived,
    difference,
    possible,
    same,
    sampled,
    unnamed,
    unnoted,
    untestable,
)


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger("original")


# ---- The claims -----------------------------------------------------------------------------------------------------


def test_no_identifier_repeats_and_each_names_its_system():
    names = [claim.id for claim in load_claims()]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(rf"{claim.system}-\d\d+", claim.id) for claim in load_claims())


def test_the_identifier_of_a_withdrawn_claim_is_not_given_again():
    """One misread its text, one was not stated there. A new claim takes the next number of its system."""
    names = [claim.id for claim in load_claims()]
    assert not {"funnel-33", "budget-04"} & set(names)
    last = {system: max(int(name.split("-")[1]) for name in names if name.startswith(system)) for system in SYSTEMS}
    assert {f"{system}-{n:02}" for system in SYSTEMS for n in range(1, last[system] + 1)} - set(names) == {
        "funnel-33",
        "budget-04",
    }


def test_every_claim_has_a_rule_and_words():
    """Every rule is some claim's, too: one that belongs to no claim is a misspelt identifier."""
    claims = {claim.id: claim for claim in load_claims()}
    assert set(JUDGED) | set(NOT_TESTABLE) <= set(claims) and not set(JUDGED) & set(NOT_TESTABLE)
    for claim in claims.values():
        assert callable(book.rule_of(claim)), claim.id
        assert claim.system in SYSTEMS and claim.where and claim.claim and claim.stated, claim.id
        assert rules.stated_range(claim.stated)[0] <= rules.stated_range(claim.stated)[1]


def test_the_funnel_has_more_than_forty_claims_and_each_other_system_some():
    counted = pd.Series([claim.system for claim in load_claims()]).value_counts()
    assert counted["funnel"] > 40
    assert (counted >= 10).all() and set(counted.index) == set(SYSTEMS)


def test_what_is_not_testable_says_why(ledger):
    table = ledger.table()
    table = table[table["verdict"] == UNTESTABLE]
    assert len(table) > 20 and (table["note"] + table["reason"]).ne("").all()


# ---- The records ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["original", "twin"])
def test_every_record_that_a_claim_asks_for_is_there(data):
    """Judging asks for all of them, and what is not on record is an error."""
    assert set(Ledger(data).table()["verdict"]) == set(VERDICTS)


def test_what_is_said_of_the_published_code_is_in_our_notes_of_it(ledger):
    """Our own settings are no evidence of the code: only what `SEEN` has may be called so, and it says what it saw."""
    table = ledger.table()
    of_code = table[table["on"] == CODE]
    assert len(of_code) > 15
    assert all(any(name.startswith("seen.") for name in measure.names) for measure in of_code["measure"])
    assert all(note and note == note.strip(" .") for _, note in SEEN.values())
    ours = table[table["reason"].str.contains("our runs take it")]
    assert (
        len(ours) == 9 and (ours["verdict"] == UNTESTABLE).all() and ours["reason"].str.contains("as described").all()
    )


def test_our_runs_as_coded_have_what_our_notes_of_the_code_have(ledger):
    rules, selection = (ledger.records.source["rules"][name] for name in ("as_coded", "as_coded, selection"))
    dqn, dqn_selection = (ledger.records.source["dqn"][name] for name in ("as_coded", "as_coded, selection"))
    call, demo, survey = rules["milestone_reward"][1:4]
    have = {
        "actions": len(rules["action_cost"]),
        "dearest_action": max(rules["action_cost"]),
        "subscription_reward": rules["subscription_reward"],
        "call_reward": call,
        "demo_reward": demo,
        "survey_reward": survey,
        "selection.decision_cost": selection["decision_cost_each"],
        "features": N_FEATURES,
        "selection.mask": N_FEATURES,
        "key_decimals": DECIMALS,
        "hidden_layers": len(dqn["hidden"]),
        "hidden_neurons": dqn["hidden"][0],
        **{name: dqn[name] for name in ("train_every", "target_every", "buffer_size", "batch_size")},
        **{f"selection.{name}": dqn_selection[name] for name in ("buffer_size", "batch_size")},
    }
    assert have == {name: SEEN[name].value for name in have}


def test_the_library_s_default_network_is_what_the_notes_take_it_for():
    import gymnasium
    from stable_baselines3 import DQN

    layers = DQN("MlpPolicy", gymnasium.make("CartPole-v1"), buffer_size=10).policy.net_arch
    assert layers == [SEEN["hidden_neurons"].value] * SEEN["hidden_layers"].value


def test_the_record_of_the_original_is_of_the_original():
    assert json.loads(counts_path("original").read_text(encoding="utf-8"))["input_sha256"] == SHA256
    assert Records("original").source["input_sha256"] == SHA256


def test_the_counts_of_the_twin_come_out_again(twin):
    assert_same_counts(twin, "twin")


def test_the_counts_of_the_original_come_out_again(original):
    assert_same_counts(original, "original")


def assert_same_counts(data, name):
    recorded = json.loads(counts_path(name).read_text(encoding="utf-8"))["counts"]
    counted = counts_of(data)
    assert set(counted) == set(recorded)
    assert {key: counted[key] for key in recorded} == {key: pytest.approx(value) for key, value in recorded.items()}


def test_what_is_not_on_record_is_an_error(ledger):
    for name in (
        "nothing.of_the_kind",
        "runs.as_coded.nobody.states",
        "rate.nowhere.dqn",
        "runs.as_coded.dqn.states",
        "ours.rules.none",
    ):
        with pytest.raises(KeyError):
            ledger[name]


def test_the_share_drawn_by_hand():
    """Two of ten subscribed, one of them among two called: 30% of 1, 30% of a half, 40% of a fifth make 53%."""
    from crm_rl.worlds.replay_world import ReplayWorld
    from crm_rl.worlds.sampling import Pools

    class People:
        subscribed = np.array([True, True] + [False] * 8)

    pools = Pools(np.array([0, 1]), np.array([1, 2]), np.arange(10), (0.3, 0.3))
    assert drawn_subscribed(ReplayWorld(People, None, pools)) == pytest.approx((53.0, 20.0))


def made_up(rates: list[int]) -> Records:
    """A record with a run a seed: so many of 1,000 customers subscribed."""
    made = Records.__new__(Records)
    ends = [[100 * end for end in wilson(rate, 1000)] for rate in rates]
    made.runs = pd.DataFrame(
        {
            "setting": "game",
            "row": "dqn",
            "subscription_rate": [rate / 10 for rate in rates],
            "rate_low": [low for low, _ in ends],
            "rate_high": [high for _, high in ends],
        }
    )
    return made


def test_a_rate_has_the_interval_over_customers_if_all_seeds_agree():
    measure = made_up([10] * 4)["rate.game.dqn"]
    expected = (1.0, *(100 * end for end in wilson(10, 1000)))
    assert (measure.value, measure.low, measure.high) == pytest.approx(expected) and measure.interval == "95%"


def test_a_rate_s_interval_is_widened_where_seeds_differ_but_not_added_to():
    """Seeds 9, 10, 10, 11: the bootstrap of their interquartile mean reaches from about 9.25 to 10.75 per thousand, and
    the Wilson interval of 10 about 4.6 and 8.3 to its sides; by Pythagoras the distances are little longer."""
    measure = made_up([9, 10, 10, 11])["rate.game.dqn"]
    low, high = (100 * end for end in wilson(10, 1000))
    assert measure.value == 1.0 and measure.interval == "95%"
    assert low - 0.02 < measure.low < low and high < measure.high < high + 0.02
    assert made_up([9, 10, 10, 11])["runs.game.dqn.subscription_rate"] == Measure(
        1.0, 0.9, 1.1, "range", ("runs.game.dqn.subscription_rate",)
    )


# ---- Arithmetic -----------------------------------------------------------------------------------------------------


TWO, WIDE, SURE = exactly(2, "two"), Measure(3, 2, 4, "range", ("wide",)), Measure(3, 2, 4, "95%")


def test_arithmetic_by_hand():
    assert exactly(25, "two") == 100 * TWO / 8
    assert exactly(5, "two") == 8 - (TWO + 1)
    assert Measure(1, 0.5, 2, "range", ("wide", "wide")) == WIDE / WIDE
    assert Measure(7, 6, 8, "95%") == 10 - SURE
    assert (TWO * WIDE).names == ("two", "wide")
    assert (log(exactly(0.01)) / log(exactly(0.995))).value == pytest.approx(918.7, abs=0.05)
    part = share(exactly(8), exactly(1000))
    assert part.value == 0.8 and part.interval == "95%"
    assert (part.low, part.high) == pytest.approx((0.41, 1.57), abs=0.005)


def test_intervals_of_two_kinds_are_not_mixed():
    with pytest.raises(ValueError, match="Remedy"):
        WIDE - SURE


def test_an_interval_says_what_it_is(ledger):
    table = ledger.table()
    measures = [measure for measure in table["measure"] if measure is not None]
    assert {measure.interval for measure in measures} == {"", "95%", "range", "range over training"}
    assert all((measure.interval != "") == (measure.low < measure.high) for measure in measures)
    assert rules.shown(Measure(1.27, 0.83, 1.93, "95%")) == "1.27 (95%: 0.83 to 1.93)"
    assert rules.shown(exactly(1451)) == "1,451"


@pytest.mark.parametrize(
    ("stated", "low", "high"),
    [
        ("1.39", 1.385, 1.395),
        ("522,619", 522618.5, 522619.5),
        ("+95", 94.5, 95.5),
        ("0.0", -0.05, 0.05),
        ("~1000", 900, 1100),
        ("~3", 2.5, 3.5),
        ("30 to 35", 30, 35),
        (">50", 50, float("inf")),
    ],
)
def test_what_a_stated_number_may_stand_for(stated, low, high):
    assert rules.stated_range(stated) == pytest.approx((low, high))


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="Remedy"):
        rules.stated_range("1.7.0")


# ---- The rules, each on a case with a known answer ------------------------------------------------------------------

MADE_UP = {
    "all.subscribers": exactly(48, "all.subscribers"),
    "all.customers": exactly(11032, "all.customers"),
    "runs.game.dqn.subscription_rate": Measure(1.27, 1.27, 1.39),
    "rate.game.dqn": Measure(1.27, 0.83, 1.93),
    "runs.game.useful": Measure(90, 88, 92, "range"),
    "runs.game.useless": Measure(55, 50, 60, "range"),
    "seen.dearest_action": exactly(20, "seen.dearest_action"),
    "ours.steps": exactly(100),
}


class Few(dict):
    """A few records, made up."""

    source = {"seeds": [0, 1]}


def judged(rule, stated: str, *others):
    """The finding of one claim, beside others, (rule, stated), that it may rest on."""
    pairs = [("this", rule, stated), *((f"other-{place}", *other) for place, other in enumerate(others))]
    claims = {Claim(name, "", "", "", stated, "", ""): rule for name, rule, stated in pairs}
    return Ledger("original", claims, Few(MADE_UP)).finding("this")


def rate(r):
    return 100 * r["all.subscribers"] / r["all.customers"]


ELSEWHERE = another("rate.game.dqn", rate, "all rows")
CASES = [
    (same(rate), "0.44", "reproduced"),
    (same(rate), "0.435", "reproduced"),
    (same(rate), "0.45", "differs"),
    (same("seen.dearest_action"), "1", "differs"),
    (same("runs.game.useful"), "60 to 95", "reproduced"),
    (same("runs.game.useful"), "91 to 95", "differs"),
    (ELSEWHERE, "0.44", "measures something else"),
    (ELSEWHERE, "1.5", "reproduced"),
    (ELSEWHERE, "0.60", "differs"),
    (sampled(23, lambda r: 1655, "game.dqn", lambda r: 1.4), "1.39", "reproduced"),
    (sampled(8, lambda r: 1000, "game.dqn", lambda r: 1.4), "0.80", "within noise"),
    (sampled(80, lambda r: 10000, "game.dqn", lambda r: 1.4), "0.80", "differs"),
    (sampled(9, lambda r: 1000, "game.dqn", lambda r: 1.4), "0.80", "arithmetic slip"),
    (difference((18, 1000), (13, 1000)), "1.80", "within noise"),
    (difference((180, 10000), (80, 10000)), "1.80", "reproduced"),
    (difference((80, 10000), (180, 10000)), "1.80", "differs"),
    (derived(1.39 / 0.44), "3.16", "adds up"),
    (derived(4 * 3 * 3 * 3), "144", "arithmetic slip"),
    (agree(1.80), "1.30", "inconsistent"),
    (agree(1.3), "1.30", "not testable"),
    (possible(1655), "1.30", "inconsistent"),
    (possible(1000), "1.30", "not testable"),
    (unnamed((23, 8), "runs.game.useless", "It"), "90.9", "not testable"),
    (unnoted("ours.steps"), "100", "not testable"),
    (untestable, "5", "not testable"),
]


@pytest.mark.parametrize(("rule", "stated", "verdict"), CASES)
def test_a_rule_on_a_case_worked_by_hand(rule, stated, verdict):
    assert judged(rule, stated).verdict == verdict


def test_every_verdict_comes_up():
    assert {verdict for *_, verdict in CASES} == set(VERDICTS)


def test_a_share_of_an_unnamed_run_by_hand():
    """Of 23 successes 21 are 91.3% and 20 are 87.0%, of 8 seven are 87.5%; 10 of 11 are 90.909%. 23 of 23 are 100%."""
    rule = unnamed((23, 8), "runs.game.useless", "The useless one", "runs.game.useful")
    finding = judged(rule, "90.9")
    assert "10 of 11 successes would give it, but no whole number of 23 or 8." in finding.reason
    assert "The useless one has a share of 55 (range: 50 to 60)" in finding.reason and finding.measure.value == 90
    assert "23 of 23 successes would give it. " in judged(rule, "100").reason


def test_what_the_code_has_is_said_in_the_words_of_our_notes():
    assert judged(same("seen.dearest_action"), "1").reason == f"Our notes of the code: {SEEN['dearest_action'].note}."


def test_our_own_setting_shows_nothing_whatever_it_is():
    assert judged(unnoted("ours.steps"), "100").reason.endswith("our runs take it as described.")
    other = judged(unnoted("ours.steps"), "90")
    assert other.verdict == UNTESTABLE and other.reason.endswith("our runs take it to be 100.")


def test_right_arithmetic_inherits_the_worst_of_what_it_rests_on():
    parts = [(same(rate), "0.44"), (agree(1.09), "1.39"), (same("seen.dearest_action"), "10")]
    assert judged(derived(lambda r: r["other-1"] / r["other-0"]), "3.16", *parts).verdict == "inconsistent"
    assert judged(derived(lambda r: r["other-2"] / r["other-0"]), "22.7", *parts).verdict == "differs"
    assert judged(derived(lambda r: 2 * r["other-0"]), "0.88", *parts).verdict == "reproduced"
    assert judged(derived(lambda r: 2 * r["other-0"]), "0.99", *parts).verdict == "arithmetic slip"


def test_right_arithmetic_on_what_nothing_shows_only_adds_up():
    right, assumed = (same(rate), "0.44"), (untestable, "10")
    assert judged(derived("other-0"), "10", assumed).verdict == "adds up"
    total = judged(derived(lambda r: r["other-0"] + r["other-1"]), "10.44", right, assumed)
    assert total.verdict == "adds up" and total.reason.endswith("other-1: not testable.")
    fault = (agree(11), "10")
    assert judged(derived(lambda r: r["other-0"] + r["other-1"]), "20", fault, assumed).verdict == "inconsistent"


# ---- The page -------------------------------------------------------------------------------------------------------


def test_the_page_shows_what_the_rules_return():
    """If this fails, a claim, a record or the table of contents has changed: run `python -m tools.ledger`."""
    assert page.PAGE.read_text(encoding="utf-8") == page.page()


def test_another_record_would_change_the_page(monkeypatch):
    """A verdict hangs on its record: were a random policy at 0.44%, the claim would come out."""
    assert Ledger("original").finding("funnel-14").verdict == "measures something else"
    at_chance = Measure(0.44, 0.40, 0.48)
    look_up = Records.__getitem__
    monkeypatch.setattr(
        Records, "__getitem__", lambda self, name: at_chance if name == "rate.as_coded.random" else look_up(self, name)
    )
    assert Ledger("original").finding("funnel-14").verdict == "reproduced"


def rows_shown() -> list[list[str]]:
    """The rows of the page's table, as they stand in the generated file."""
    text = page.PAGE.read_text(encoding="utf-8")
    body = text[text.index(":class: ledger\n") : text.index("<!-- end of claims -->")]
    rows = re.split(r"(?m)^\* - ?", body)[1:]
    return [re.split(r"\n  - ?", row.strip().removesuffix(":::").rstrip("\n")) for row in rows]


def test_every_claim_has_a_row_with_its_verdict(ledger):
    header, *rows = rows_shown()
    assert header == ["claim", "published", "measured", "verdict", "shown in"]
    assert all(len(row) == len(header) for row in rows)
    names = [re.search(r"\[([\w-]+)\]\{\.claim-id\}", row[0])[1] for row in rows]
    shown = dict(zip(names, (re.match(r"\*\*(.+?)\.\*\*", row[3])[1] for row in rows), strict=True))
    table = ledger.table().set_index("id")
    assert shown == table["verdict"].str.capitalize().to_dict() and len(rows) == len(shown)


def test_the_totals_are_those_of_the_rows(ledger):
    said = page.totals(ledger.table())
    numbers = [int(number) for number in re.findall(r"\d+", said)]
    assert numbers[0] == sum(numbers[1:]) == len(rows_shown()) - 1 and len(numbers) == 1 + len(VERDICTS)
    assert said in page.PAGE.read_text(encoding="utf-8")
    one = ledger.table().groupby("verdict").head(1)
    assert page.totals(one).startswith("Of 8 claims, 1 is reproduced, 1 adds up, 1 is within noise, 1 differs,")


def test_every_claim_that_a_chapter_shows_links_to_it(ledger):
    links = [re.findall(r"\]\(\.\./(notebooks/[\w]+)\.ipynb\)", row[4]) for row in rows_shown()[1:]]
    assert sum(map(bool, links)) > 80
    assert {link for of_row in links for link in of_row} <= set(page.chapters().values())
    assert set(page.SHOWN_IN) <= {(claim.system, claim.where) for claim in ledger.claims.values()}


def test_the_page_is_a_summary_of_ten_lines_and_the_table():
    text = (PROJECT / "book" / "ledger.md").read_text(encoding="utf-8")
    shown = page.PAGE.read_text(encoding="utf-8")
    included = re.findall(r":start-after: <!-- (.+) -->", text)
    assert set(included) == set(re.findall(r"<!-- (?!end of |Written)(.+) -->", shown))
    assert set(VERDICTS) == {term.lower() for term in re.findall(r"(?m)^([A-Z][a-z ]+)\n: ", text)}
    summary = text[text.index("# The claims ledger") : text.index("::::{dropdown}")].splitlines()[1:]
    prose = [line for line in summary if line and not line.startswith(("`", ":"))]
    totals = re.search(r"(?s)<!-- totals -->\n\n(.+?)\n\n", shown)[1]
    assert len(prose) + len(totals) // 120 + 1 <= 10


@pytest.mark.parametrize(
    ("number", "unit", "shown"),
    [
        ("1", "steps", "1 step"),
        ("+1", "points", "+1 point"),
        ("11", "steps", "11 steps"),
        ("1.0", "times", "1.0 times"),
    ],
)
def test_one_of_a_thing_is_singular(number, unit, shown):
    assert page.with_unit(number, unit) == shown


#: The claimed rates of agents on test customers.
RATES = ["funnel-03", "funnel-04", "funnel-16", "funnel-24"]


def test_what_the_page_says_in_words(ledger):
    """No agent's test rate and no improvement factor is reproduced; a feature's share differs much between seeds."""
    table = ledger.table().set_index("id")
    assert (table.loc[RATES, "verdict"] != "reproduced").all()
    factors = table[table["claim"].str.contains("improves on random|mprovement factor")]
    assert len(factors) == 6 and (factors["verdict"] != "reproduced").all()
    shares = [f"runs.as_coded.q_learning_selection.visible_{name}" for name in ("Country", "Status_Active")]
    assert all(measure.high - measure.low > 0.2 for measure in map(ledger.__getitem__, shares))
    assert ledger["runs.as_coded.dqn_selection.visible_Country"].low == 1


def test_what_was_measured_says_on_what(ledger):
    table = ledger.table()
    found = table[~table["verdict"].isin([UNTESTABLE])]
    assert found["on"].ne("").all() and found["reason"].ne("").all()
    rates = table.set_index("id").loc[RATES, "measure"]
    assert all(measure.low < measure.value < measure.high for measure in rates)
