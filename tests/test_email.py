"""Email audiences: cells, table and twin, the raw files, the MDP, shrunken rates, the commands."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import betabinom

from crm_rl.agents.checkpoints import PolicyError
from crm_rl.case_studies.email import audiences, campaign, cells, etl, mock, twin
from crm_rl.case_studies.email.campaign import PUBLISHED
from crm_rl.case_studies.email.table import COLUMNS, Counts, base_rate, load_counts, read_table, split, write_table
from crm_rl.cli import main
from crm_rl.data import DataError
from crm_rl.experiments import email_study
from crm_rl.files import PROJECT

EXAMPLE = [2, 4, 3, 1, 0, 0, 0]
HERE = int(cells.encode(np.array(EXAMPLE)))


@pytest.fixture(scope="module")
def original() -> Path:
    places = [os.environ.get("CRM_RL_EMAIL", ""), PROJECT.parent / "shared" / "data" / "email_campaign_data.csv"]
    for place in places:
        if place and Path(place).is_file():
            return Path(place)
    pytest.skip("the original table of emails is not here, so what we say about it was not checked")


@pytest.fixture(scope="module")
def drawn() -> Counts:
    return twin.draw_twin()


@pytest.fixture(autouse=True)
def _no_chosen_table(monkeypatch):
    monkeypatch.delenv("CRM_RL_EMAIL", raising=False)


def counts_with(**of_cell: dict[int, int]) -> Counts:
    """Counts that are 0 but in the cells named."""
    made = {name: np.zeros(cells.N_CELLS, dtype=np.int64) for name in ("sent", "answered")}
    for name, values in of_cell.items():
        made[name][list(values)] = list(values.values())
    return Counts(**made)


# ---- Cells ----------------------------------------------------------------------------------------------------------


def test_a_state_and_its_index_by_hand():
    """Subject 2 is the second of three: 5,880 cells before it. A day is 840, a tenure 120, a domain 20, an age 4."""
    assert cells.N_CELLS == 17_640
    assert HERE == 5_880 + 4 * 840 + 3 * 120 + 1 * 20
    assert cells.encode(np.array([3, 6, 6, 5, 4, 1, 1])) == 17_639
    every = np.arange(cells.N_CELLS)
    assert (cells.encode(cells.decode(every)) == every).all()
    assert (cells.cells_of(np.array([1]), np.array([4]), np.array([380])) == [HERE]).all()


def test_each_action_moves_one_attribute_and_wraps():
    moved = cells.decode(cells.neighbours()[cells.encode(np.array([3, 6, 0, 0, 0, 0, 1]))]).tolist()
    assert moved == [
        [3, 0, 0, 0, 0, 0, 1],
        [3, 6, 1, 0, 0, 0, 1],
        [3, 6, 0, 1, 0, 0, 1],
        [3, 6, 0, 0, 1, 0, 1],
        [3, 6, 0, 0, 0, 1, 1],
        [3, 6, 0, 0, 0, 0, 0],
        [1, 6, 0, 0, 0, 0, 1],
    ]


@pytest.mark.parametrize(
    "state", [[0, 0, 0, 0, 0, 0, 0], [4, 0, 0, 0, 0, 0, 0], [1, 7, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, -1]]
)
def test_a_state_that_there_is_not_is_refused(state):
    with pytest.raises(ValueError, match="no such state"):
        cells.encode(np.array(state))


def test_all_that_is_wrong_with_a_state_is_named():
    with pytest.raises(ValueError, match="SubjectLine_ID is 1 to 3, Gender is 0 to 1"):
        cells.encode(np.array([0, 0, 0, 0, 0, 2, 0]))
    for wrong in ([1, 0, 0], [1.0, 0, 0, 0, 0, 0, 0]):
        with pytest.raises(ValueError, match="7 whole numbers"):
            cells.encode(np.array(wrong))


def test_bands_begin_at_their_edges():
    assert cells.band(np.array([19.9, 20, 24, 25, 35, 45, 90]), cells.AGE).tolist() == [0, 1, 1, 2, 3, 4, 4]
    assert cells.band(np.array([0, 4.9, 5, 29, 30]), cells.TENURE).tolist() == [0, 0, 1, 5, 6]
    assert all(len(a.values) == len(a.edges) + 1 for a in cells.ATTRIBUTES if a.edges)


def test_a_cell_in_words_has_the_right_day_and_the_published_one_is_a_day_off():
    assert cells.profile(HERE) == {
        "Email Subject": "Email Subject 2",
        "Day of Week": "Friday",
        "Tenure Group": "15 - 20",
        "Email Domain": "comcast.net",
        "Age Group": "< 20",
        "Gender": "Female",
        "Customer Type": "Business",
    }
    assert cells.profile(HERE, cells.PUBLISHED_WEEKDAYS)["Day of Week"] == "Thursday"


# ---- The table and its twin -----------------------------------------------------------------------------------------


def test_the_twin_is_like_the_original_and_always_the_same(drawn):
    assert drawn.sent.sum() == pytest.approx(2_476_354, rel=1e-4)
    assert base_rate(drawn) == pytest.approx(0.3393, abs=0.001)
    assert (drawn.sent > 0).sum() == pytest.approx(14_852, rel=0.01)
    assert (drawn.answered <= drawn.sent).all()
    again = twin.draw_twin()
    assert (again.sent == drawn.sent).all() and (again.answered == drawn.answered).all()
    assert twin.SPEC.stat().st_size < 10_000


def test_the_spec_is_that_of_the_original(original):
    counts = read_table(original)
    assert (counts.sent.sum(), counts.answered.sum(), (counts.sent > 0).sum()) == (2_476_354, 840_290, 14_852)
    assert twin.make_spec(counts) == json.loads(twin.SPEC.read_text())
    assert email_study.facts(counts)["meet_goal"] == email_study.load_email("original")[-1]["facts"]["meet_goal"]


def test_the_twin_s_sums_are_those_of_its_spec():
    """Within rounding, and with the noise of no draw: these are the expected numbers."""
    spec, (sent, rates) = json.loads(twin.SPEC.read_text()), twin.expected()
    answers = (sent * rates).reshape(cells.SHAPE).sum(axis=(1, 2, 3, 4, 6))
    by_gender = sent.reshape(cells.SHAPE).sum(axis=(1, 2, 3, 4, 6))
    assert answers / by_gender == pytest.approx(np.array(spec["rate"]["SubjectLine_ID x Gender"]), abs=1e-3)
    ages = sent.reshape(cells.SHAPE).sum(axis=(0, 1, 2, 3, 6))
    wanted = np.array(spec["sent"]["Age_Group x Gender"])
    assert ages / ages.sum() == pytest.approx(wanted / wanted.sum(), rel=1e-3)


def test_a_table_is_written_and_read_again(drawn, tmp_path, monkeypatch):
    write_table(drawn, tmp_path / "table.csv")
    monkeypatch.setenv("CRM_RL_EMAIL", str(tmp_path / "table.csv"))
    for read in (read_table(tmp_path / "table.csv"), load_counts()):
        assert (read.sent == drawn.sent).all() and (read.answered == drawn.answered).all()


def test_all_faults_of_a_table_are_named_with_their_rows(tmp_path):
    rows = ["1,0,0,0,0,0,0,1,2"] * 2 + [
        "4,0,0,0,0,0,0,0,1",
        "2,0,x,0,0,0,0,0,1",
        "3,0,0,0,0,0,0,5,2",
        "3,1,0,0,0,0,0,-1,2",
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join([",".join(COLUMNS_OF_FILE), *rows]))
    with pytest.raises(DataError) as error:
        read_table(path)
    for part in (
        "SubjectLine_ID is not one of 1 to 3: row 4",
        "Type is not a whole number: row 5",
        "second time: row 3",
        "more answers than emails: row 6",
        "is negative: row 7",
        "Remedy",
    ):
        assert part in str(error.value)


COLUMNS_OF_FILE = [COLUMNS[0], "Gender", "Type", "Email_Domain", "Tenure_Group", "Age_Group", "Sent_Day", *COLUMNS[7:]]


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00"])
def test_what_is_no_table_is_refused(content, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match="Remedy"):
        read_table(path)


def test_parts_of_the_emails_add_up_and_chance_decides(drawn):
    parts = split(drawn, 5, np.random.default_rng(0))
    assert (sum(part.sent for part in parts) == drawn.sent).all()
    assert (sum(part.answered for part in parts) == drawn.answered).all()
    assert all(part.sent.sum() == pytest.approx(drawn.sent.sum() / 5, rel=0.01) for part in parts)
    assert (parts[0].sent != parts[1].sent).any()


# ---- The raw files --------------------------------------------------------------------------------------------------


def raw_files(folder: Path, sent: list[str], answers: list[str], people: list[str]) -> tuple[Path, Path, Path]:
    tables = ((etl.SENT, sent), (etl.RESPONDED, answers), (etl.USERBASE, people))
    paths = tuple(folder / name for name in mock.FILES)
    for path, (columns, rows) in zip(paths, tables, strict=True):
        path.write_text("\n".join([",".join(columns), *rows]) + "\n")
    return paths


PEOPLE = [
    "1,F,22,a@aol.com,3,B",
    "2,M,50,b@YAHOO.com ,31,C",
    "3,F,,c@aol.com,3,B",
    "1,M,22,a@aol.com,3,B",
    "x,F,22,a@aol.com,3,B",
]
SENT = [
    "2018-01-01,1,2",  # a Monday
    "2018-01-01,1,2",
    "2018-01-08,1,2",
    "2018-01-06,2,3",
    "2018-01-06,3,3",
    "2018-01-06,9,3",
    "2018-02-30,1,1",
    "2018-01-02,1,4",
]
ANSWERS = ["2018-01-09,1,2", "2018-01-10,1,2", "2018-01-05,2,3", "2018-01-07,1,1", "2018-01-07,9,1"]


def test_raw_files_worked_by_hand(tmp_path):
    """The answers of the 9th and 10th belong to the email of the 8th; joined by subject, the 1st has one, too."""
    counts, report = etl.prepare(*raw_files(tmp_path, SENT, ANSWERS, PEOPLE))
    first, second = cells.encode(np.array([[2, 0, 0, 0, 1, 0, 0], [3, 5, 6, 5, 4, 1, 1]]))
    assert counts.sent[[first, second]].tolist() == [2, 1] and counts.sent.sum() == 3
    assert counts.answered[[first, second]].tolist() == [1, 0] and counts.answered.sum() == 1
    assert (report.sent, report.answered, report.joined) == (3, 1, 2)
    assert {fault: number for fault, number in report.left_out.items() if number} == {
        "customers with an ID that is none or not their own": 2,
        "customers who fit no cell": 1,
        "emails of unknown customers": 1,
        "emails of unknown subjects": 1,
        "emails with a bad date": 1,
        "answers of unknown customers": 1,
        "emails a second time to the same customer on the same day": 1,
        "answers without an email before them": 2,
        "answers to an email that has one": 1,
        "emails to customers who fit no cell": 1,
    }
    assert "left out: 1 emails of unknown customers" in str(report)


def test_an_answer_after_the_window_does_not_count(tmp_path):
    """The last email of the subject is of the 8th: the 22nd is 14 days later, the 23rd 15."""
    files = raw_files(tmp_path, [*SENT, "2018-01-15,1,1"], ["2018-01-23,1,2"], PEOPLE)
    counts, report = etl.prepare(*files)
    assert counts.answered.sum() == 0 and report.left_out["answers more than 14 days after the email"] == 1
    assert report.joined == 0
    counts, report = etl.prepare(*files, window=15)
    assert counts.answered.sum() == 1 and report.left_out["answers more than 15 days after the email"] == 0
    files = raw_files(tmp_path, SENT, ["2018-01-22,1,2", "2018-01-23,1,2"], PEOPLE)
    counts, report = etl.prepare(*files)
    assert counts.answered.sum() == 1 and report.left_out["answers to an email that has one"] == 0
    with pytest.raises(ValueError, match="Remedy"):
        etl.prepare(*files, window=-1)


def test_the_mock_comes_out_as_it_was_drawn(tmp_path):
    truth = mock.make_mock(tmp_path, emails=10_000, seed=3)
    counts, report = etl.prepare(*(tmp_path / name for name in mock.FILES))
    assert (counts.sent == truth.counts.sent).all() and (counts.answered == truth.counts.answered).all()
    assert {fault: number for fault, number in report.left_out.items() if number} == truth.left_out
    assert report.joined > 1.5 * report.answered


def test_raw_files_with_faults_are_all_named_at_once(tmp_path):
    sent, answers, people = raw_files(tmp_path, SENT, [], PEOPLE)
    people.write_text("Customer_ID,Age\n1,20\n")
    with pytest.raises(DataError) as error:
        etl.prepare(tmp_path / "nowhere.csv", answers, people)
    for part in (
        "nowhere.csv: No such file",
        "a header and nothing below",
        "no column Gender, Email_Address, Tenure, Type",
    ):
        assert part in str(error.value)
    with pytest.raises(DataError, match="no email can be used"):
        etl.prepare(*raw_files(tmp_path, SENT[5:], ANSWERS, PEOPLE))


# ---- The MDP --------------------------------------------------------------------------------------------------------


def test_exact_values_by_hand():
    """One cell meets the goal, and all others have an answer."""
    counts = Counts(np.full(cells.N_CELLS, 10), np.ones(cells.N_CELLS, dtype=np.int64))
    counts.answered[HERE] = 4
    assert np.flatnonzero(campaign.meets_goal(counts)).tolist() == [HERE]
    q = campaign.exact_q(counts)
    before = cells.encode(np.array([2, 3, 3, 1, 0, 0, 0]))  # a day earlier
    earlier = cells.encode(np.array([2, 2, 3, 1, 0, 0, 0]))
    assert q[before, 0] == pytest.approx(30) and q[earlier, 0] == pytest.approx(28)
    assert q[before, 4] == pytest.approx(10 + 0.6 * 28) and q[before].argmax() == 0
    assert q.max() == pytest.approx(30) and q.min() > 25
    assert campaign.next_action(q, [2, 2, 3, 1, 0, 0, 0], 0) == 0
    never = campaign.policy_values(np.full(cells.N_CELLS, 2), counts)
    assert never[cells.encode(np.array([1, 0, 0, 0, 0, 0, 0]))] == pytest.approx(25)
    assert campaign.policy_values(q.argmax(axis=1), counts) == pytest.approx(q.max(axis=1))


def test_the_goal_asks_for_more_than_its_rate_and_for_enough_emails():
    counts = counts_with(sent={0: 10, 1: 10, 2: 9, 3: 5}, answered={0: 3, 1: 4, 2: 9})
    assert np.flatnonzero(campaign.meets_goal(counts)).tolist() == [1]
    assert np.flatnonzero(campaign.meets_goal(counts, PUBLISHED._replace(goal=0.2, least_sent=9))).tolist() == [0, 1, 2]
    assert campaign.rewards(counts)[:5].tolist() == [10, 30, 10, -1, -1]


def test_each_update_converges_to_what_it_should():
    """Every cell meets the goal: the right update goes to 30, the published one to 15, at once if alpha is 1/2."""
    counts = Counts(np.full(cells.N_CELLS, 10), np.full(cells.N_CELLS, 10))
    half = PUBLISHED._replace(alpha=0.5)
    q, updates = campaign.train(counts, half, 5_000, published_update=True)
    assert updates.sum() == 5_000 and (q[updates > 0] == 15).all() and (q[updates == 0] == 0).all()
    q, updates = campaign.train(counts, half, 5_000)
    assert q[updates > 0] == pytest.approx(30 * (1 - 0.5 ** updates[updates > 0]))


def test_training_goes_towards_the_optimum_and_repeats_itself(drawn):
    q, updates = campaign.train(drawn, episodes=3_000, seed=1)
    again, _ = campaign.train(drawn, episodes=3_000, seed=1)
    assert q.tobytes() == again.tobytes()
    exact = campaign.exact_q(drawn)
    assert (q <= exact + 1e-9)[updates > 0].all(), "from 0 upwards, one never passes the fixed point"


def test_compiled_or_not_the_table_is_the_same(drawn):
    ends = campaign.meets_goal(drawn)
    inside = (cells.neighbours(), campaign.rewards(drawn), ends, 0.6, 0.1, 0.1, 1.0, 50, 100)
    compiled, _ = campaign.run_episodes(*inside, np.random.default_rng(0))
    plain, _ = campaign.run_episodes.py_func(*inside, np.random.default_rng(0))
    assert compiled.tobytes() == plain.tobytes()


def test_a_goal_that_no_cell_meets_is_refused(drawn):
    with pytest.raises(DataError, match="Remedy: a lower goal"):
        campaign.train(drawn, PUBLISHED._replace(goal=0.9, least_sent=1_000))


def test_a_table_of_q_is_saved_and_others_are_refused(tmp_path):
    q = np.random.default_rng(0).random((cells.N_CELLS, 7))
    campaign.save_table(q, PUBLISHED, tmp_path / "q.npz")
    read, params = campaign.load_table(tmp_path / "q.npz")
    assert read.tobytes() == q.tobytes() and params == PUBLISHED
    campaign.save_table(q[:5], PUBLISHED, tmp_path / "short.npz")
    (tmp_path / "none.npz").write_bytes(b"none")
    for name in ("short.npz", "none.npz", "nowhere.npz"):
        with pytest.raises(PolicyError, match="Remedy"):
            campaign.load_table(tmp_path / name)
    with pytest.raises(ValueError, match="0 to 6"):
        campaign.next_action(q, EXAMPLE, 7)


# ---- Audiences ------------------------------------------------------------------------------------------------------


def test_shrunken_rates_by_hand():
    counts = counts_with(sent={1: 1, 2: 200}, answered={1: 1, 2: 90})
    rates = audiences.shrunken(counts, audiences.Prior(34.0, 66.0))
    assert rates[:3] == pytest.approx([0.34, 35 / 101, 124 / 300])
    chance = audiences.chance_above(0.5, counts_with(sent={0: 2}, answered={0: 1}), audiences.Prior(1.0, 1.0))
    assert chance[:2] == pytest.approx([0.5, 0.5])


def test_the_prior_that_the_counts_were_drawn_from_is_found():
    rng = np.random.default_rng(0)
    sent = rng.integers(1, 300, cells.N_CELLS)
    prior = audiences.fit_prior(Counts(sent, rng.binomial(sent, rng.beta(60, 120, cells.N_CELLS))))
    assert prior.mean() == pytest.approx(1 / 3, abs=0.003) and prior.a == pytest.approx(60, rel=0.1)
    assert prior.spread() == pytest.approx(0.035, abs=0.002)


def test_the_prior_does_not_hang_on_rounding():
    """Small groups hardly tell how far their rates scatter; in another order, sums are rounded otherwise."""
    rng = np.random.default_rng(1)
    for _ in range(20):
        sent = rng.integers(1, 20, 200)
        answered = rng.binomial(sent, rng.beta(60, 120, 200))
        one = audiences.fit_prior(Counts(sent, answered))
        other = audiences.fit_prior(Counts(sent[::-1], answered[::-1]))
        assert tuple(one) == pytest.approx(tuple(other), rel=0.01)


def test_the_distribution_of_new_answers_is_scipy_s():
    prior, n = audiences.Prior(3.0, 5.0), np.array([0, 1, 40, 7])
    known = Counts(np.array([0, 5, 9, 100]), np.array([0, 5, 2, 40]))
    at_most = np.array([0, -1, 13, 7])
    ours = audiences.chance_of_at_most(at_most, n, known, prior)
    theirs = betabinom.cdf(at_most, n, prior.a + known.answered, prior.b + known.sent - known.answered)
    assert ours == pytest.approx(theirs)


def test_ranked_by_chance_then_rate_and_only_what_was_asked(drawn):
    ranked = audiences.rank(drawn, 0.4, subject=2)
    assert (cells.decode(ranked.index.to_numpy())[:, 0] == 2).all() and (ranked["sent"] > 0).all()
    assert (ranked["chance"].round(6).diff().dropna() <= 0).all()
    assert ((ranked["low"] < ranked["rate"]) & (ranked["rate"] < ranked["high"])).all()
    assert len(audiences.rank(drawn, 0.4)) == (drawn.sent > 0).sum()
    for options in ({"goal": 0.4, "subject": 4}, {"goal": 1.0}):
        with pytest.raises(ValueError, match="Remedy"):
            audiences.rank(drawn, **options)


def test_the_answer_has_the_published_form(drawn):
    answer = audiences.campaign_audience(drawn, subject=2, most=3)["campaign-audience"]
    assert answer["Email Subject"] == "Email Subject 2" and len(answer["Audience Permutations"]) == 3
    for one in answer["Audience Permutations"]:
        assert set(one) == {"audience-profile", "expected-conversions"} and 0 < one["expected-conversions"] < 1
        assert set(one["audience-profile"]) == {a.label for a in cells.ATTRIBUTES[1:]}


def test_intervals_hold_on_the_other_half(drawn):
    first, second = split(drawn, 2, np.random.default_rng(5))
    some = np.flatnonzero(second.sent >= 20)[::4]
    seen, new = (Counts(*(part[some] for part in half)) for half in (first, second))
    prior = audiences.fit_prior(first)
    at_most = audiences.chance_of_at_most(new.answered, new.sent, seen, prior)
    below = audiences.chance_of_at_most(new.answered - 1, new.sent, seen, prior)
    assert ((at_most > 0.05) & (below < 0.95)).mean() == pytest.approx(0.915, abs=0.025)


# ---- The study ------------------------------------------------------------------------------------------------------


def test_the_recorded_facts_come_out_again(drawn):
    recorded = email_study.load_email("twin")[-1]["facts"]
    fresh = email_study.facts(drawn)
    assert set(fresh) == set(recorded)
    for name, value in recorded.items():
        # Some are fitted, and another version of SciPy stops a little sooner or later.
        assert fresh[name] == pytest.approx(np.nan if value is None else value, rel=1e-3, nan_ok=True), name


def test_a_job_has_all_that_is_recorded(tmp_path):
    job = email_study.Job(str(twin.SPEC), 0, 300)
    files = email_study.record([job], [job.run(tmp_path)], tmp_path)
    assert {file.name for file in files} == {
        f"email_twin{end}" for end in (".csv", "_folds.csv", "_halves.csv", ".json")
    }
    tables, folds, halves, source = email_study.load_email("twin", tmp_path)
    assert tables["update"].tolist() == ["right", "published"] and source["episodes"] == 300
    assert len(folds) == 10 and (folds["min"] <= folds["median"]).all() and folds["pooled"].between(0.3, 0.4).all()
    promised = halves.set_index("order")["promised"]
    assert promised["raw"] == 1 > promised["raw, 10 sent"] > promised["shrunken"]


def test_a_walk_ends_where_the_goal_is_met():
    ends = np.zeros(cells.N_CELLS, dtype=bool)
    ends[HERE] = True
    day_after_day = np.zeros((cells.N_CELLS, 7))
    assert email_study.walk(day_after_day, ends).tolist() == [HERE] * 7


# ---- The commands ---------------------------------------------------------------------------------------------------


def test_from_raw_files_to_audiences_by_command(tmp_path, capsys):
    raw, table, q = tmp_path / "raw", tmp_path / "table.csv", tmp_path / "q.npz"
    assert main(["email", "mock", "--out", str(raw), "--emails", "5000"]) == 0
    files = [str(raw / name) for name in mock.FILES]
    assert main(["email", "prepare", *files, "--out", str(table)]) == 0
    assert main(["email", "train", str(table), "--out", str(q), "--episodes", "200", "--published-update"]) == 0
    assert "5,000 emails" in capsys.readouterr().out and campaign.load_table(q)[1] == PUBLISHED
    assert pd.read_csv(table)["Sent_Emails"].sum() == 5_000
    assert main(["email", "audiences", "--subject", "2", "--goal", "0.4", "--most", "2"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 4 and all("Email Subject 2" in line and "chance above goal" in line for line in shown[2:])
    assert main(["email", "audiences", "--most", "1"]) == 0 and "probably exceed 40%" in capsys.readouterr().out
    assert main(["email", "prepare", *files, "--out", str(tmp_path / "day.csv"), "--window", "1"]) == 0
    assert "answers more than 1 days after the email" in capsys.readouterr().out


def test_commands_refuse_what_they_cannot_do(tmp_path, capsys):
    nowhere, out = str(tmp_path / "nowhere.csv"), tmp_path / "out.csv"
    assert main(["email", "prepare", nowhere, nowhere, nowhere, "--out", str(out)]) == 1
    assert main(["email", "audiences", nowhere]) == 1
    assert main(["email", "train", "--goal", "0.99", "--least-sent", "1000", "--out", str(tmp_path / "q.npz")]) == 1
    assert main(["email", "train", "--out", str(tmp_path / "q.csv")]) == 1
    said = capsys.readouterr().err
    assert said.count("Remedy") >= 4 and "Traceback" not in said and not any(tmp_path.iterdir())
    for wrong in (["--goal", "1.5"], ["--goal", "x"], ["--subject", "4"]):
        with pytest.raises(SystemExit):
            main(["email", "audiences", *wrong])
