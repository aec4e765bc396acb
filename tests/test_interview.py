"""The question bank, the deck and the table of it, and what the page's questions rest on."""

from __future__ import annotations

import csv
import io
import re
import sqlite3
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import cards  # noqa: E402
import interview  # noqa: E402


@pytest.fixture(scope="module")
def bank():
    return interview.bank()


def an_entry(**changes) -> interview.Question:
    """A question with nothing wrong."""
    texts = {key: "One is so. Two is so. Three is so." for key in interview.TEXTS}
    return interview.Question(
        "a-question", "code", "core", 2, **{**texts, **changes}, source=("ch-dqn",), assumed=("12%",)
    )


# ---- The bank -----------------------------------------------------------------------------------------------------


def test_nothing_is_wrong_with_the_bank():
    assert interview.problems() == []


def test_the_bank_is_as_large_as_promised():
    written = interview.written()
    assert len(written) >= 150
    assert set(Counter(each.topic for each in written)) == set(interview.TOPICS) and len(interview.TOPICS) == 13
    assert min(Counter(each.topic for each in written).values()) >= 10
    assert min(Counter(each.level for each in written).values()) >= 20


def test_every_topic_has_a_file_and_every_file_a_topic():
    assert {path.stem for path in interview.QUESTIONS.glob("*.yml")} == set(interview.TOPICS)


def test_no_question_is_asked_twice(bank):
    words = Counter(re.sub(r"\W+", " ", each.question.lower()).strip() for each in bank)
    assert [question for question, count in words.items() if count > 1] == []


def test_the_chapters_questions_are_in_it(bank):
    """Counted in the chapters by their markup, read with their numbers; but those that the bank asks in other words."""
    texts = [path.read_text(encoding="utf-8") for path in interview.pages()]
    sections = [text.partition("\n# ## In the interview\n")[2] for text in texts]
    marks = sum(section.count("# :class-container: interview\n") for section in sections)
    asked = interview.asked_in_chapters()
    assert len(asked) == marks > 25 and len(bank) == len(interview.written()) + marks
    rows = next(each.answer for each in bank if each.question == "Tell me about a time when missing data mattered.")
    assert "11,032 prospects" in rows and "glue" not in rows


def test_no_number_is_left_by_name(bank):
    assert [each.id for each in bank if "{{" in " ".join(each[4:10]) or "{glue" in " ".join(each[4:10])] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It rose by 12% to 0.66, in 1,655 tries.", ["0.66", "1,655"]),
        ("With $\\gamma = 0.95$ and `alpha=0.25` the 95% interval holds, after 30 days.", []),
        ("The share is {{ audit-peeking }}.", []),
        ("Of 400 customers 3.16 times as many.", ["400", "3.16"]),
    ],
)
def test_a_typed_number_is_found_unless_it_is_assumed(text, found):
    assert interview.typed_numbers(an_entry(answer=text)) == found


def test_a_number_comes_from_a_page():
    known = {"a_states": "273", "q-epsilon-0.1": "87%"}
    assert interview.with_numbers("{{ a_states }} and {glue:text}`q-epsilon-0.1`.", known) == "273 and 87%."
    with pytest.raises(KeyError, match="nobody"):
        interview.with_numbers("{{ nobody }}", known)


def test_what_is_wrong_is_said(monkeypatch):
    bad = an_entry(answer="Too short.")._replace(level="guru", minutes=9, source=("ch-nowhere",))
    monkeypatch.setattr(interview, "written", lambda: [bad, bad])
    said = "\n".join(interview.problems())
    for part in ("2 questions have this id", "level is one of", "from 1 to 5", "1 sentences", "no source ch-nowhere"):
        assert part in said


# ---- What is made of it ---------------------------------------------------------------------------------------------


def test_the_page_and_the_table_are_up_to_date(bank):
    assert cards.out_of_date(bank) == [], "run make cards"


def test_the_committed_deck_is_that_of_the_bank(bank, tmp_path):
    assert fields_of(cards.DECK.read_bytes(), tmp_path) == fields_of(cards.deck(bank), tmp_path)


def test_the_deck_has_a_card_for_each_question_and_keeps_its_ids(bank, tmp_path):
    made = cards.deck(bank)
    assert made == cards.deck(bank)
    fields = fields_of(made, tmp_path)
    assert [each[0] for each in fields.values()] == [each.id for each in bank]
    changed = [bank[0]._replace(answer="Another answer."), *bank[1:]]
    other = fields_of(cards.deck(changed), tmp_path)
    assert list(other) == list(fields), "a note is known by its question's id, whatever the answer"
    assert sum(other[guid] != fields[guid] for guid in fields) == 1


def fields_of(deck: bytes, folder: Path) -> dict[str, list[str]]:
    """The fields of each note, by its lasting id; each note has one card."""
    path = folder / "collection.anki2"
    path.write_bytes(zipfile.ZipFile(io.BytesIO(deck)).read("collection.anki2"))
    connection = sqlite3.connect(path)
    notes = dict(connection.execute("select guid, flds from notes order by id").fetchall())
    (count,) = connection.execute("select count(*) from cards").fetchone()
    connection.close()
    assert count == len(notes)
    return {guid: fields.split("\x1f") for guid, fields in notes.items()}


def test_the_table_reads_back(bank):
    rows = list(csv.reader(io.StringIO(cards.CSV.read_text(encoding="utf-8"))))
    assert tuple(rows[0]) == cards.COLUMNS and len(rows) == len(bank) + 1
    assert all(len(row) == len(cards.COLUMNS) and row[10] for row in rows[1:])
    assert not [row[0] for row in rows if re.search(r"\{(?:ref|numref|cite|term|glue)", " ".join(row))]


def test_markup_becomes_text_and_fields():
    assert cards.plain("See {numref}`fig-q-climb` {cite:p}`watkins1992`.") == (
        "See a figure of “Q-learning” Watkins and Dayan (1992)."
    )
    assert cards.for_anki("If $a<b$, use `x & y`.") == r"If \(a&lt;b\), use <code>x &amp; y</code>."
