"""The practice page, the CSV and the Anki deck, made from the question bank.

    python tools/cards.py            write all three (`make cards`)
    python tools/cards.py --check    say what is out of date or wrong, and write nothing

The page's questions go to `book/generated/questions.md`, which `book/interview/practice.md` includes; the files to
download to `book/interview/cards/`. The ids of deck, notes and cards stay the same, so a new deck updates an old one.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
import tempfile
import zipfile
from pathlib import Path

from console import CannotRun, finish
from interview import LEVELS, ROOT, TOPICS, Question, bank, bibliography, labels, problems, titles

PAGE = ROOT / "book" / "generated" / "questions.md"
CARDS = ROOT / "book" / "interview" / "cards"
CSV, DECK = CARDS / "questions.csv", CARDS / "questions.apkg"
COLUMNS = (
    "id", "topic", "level", "minutes", "question", "answer", "follow-up", "answer to the follow-up",
    "common wrong answer", "why it is wrong", "sources",
)  # fmt: skip

NAME = "From Q-tables to Deep Q-Networks: interview questions"
DECK_ID, MODEL_ID = 1_873_440_216, 1_540_209_377
#: genanki numbers what it makes by this time, in seconds; a fixed one makes equal decks of equal questions.
MADE = 1_790_000_000
FRONT = '<p class="kind">{{Topic}} · {{Level}} · {{Minutes}} min</p><p class="question">{{Question}}</p>'
BACK = (
    '{{FrontSide}}<hr id="answer"><p>{{Answer}}</p>'
    "{{#FollowUp}}<p><b>Then they ask:</b> {{FollowUp}}</p><p>{{FollowUpAnswer}}</p>{{/FollowUp}}"
    "{{#Wrong}}<p><b>A common wrong answer:</b> {{Wrong}}</p><p><b>Why it is wrong:</b> {{Why}}</p>{{/Wrong}}"
    '<p class="kind">{{Sources}}</p>'
)
STYLE = (
    ".card { font: 18px/1.5 sans-serif; text-align: left; max-width: 40em; margin: 0 auto; } "
    ".question { font-weight: 600; } .kind { font-size: 14px; opacity: 0.75; }"
)


# ---- The page ------------------------------------------------------------------------------------------------------


def role(name: str) -> str:
    """A source as the book's pages link it."""
    if name in bibliography():
        return f"{{cite:t}}`{name}`"
    return f"{{numref}}`{name}`" if re.match(r"(?:fig|tab)-", name) else f"{{ref}}`{name}`"


def card(each: Question) -> str:
    """A question of the page: without scripts a dropdown."""
    lines = [
        f":::::{{dropdown}} {each.question}",
        f":name: card-{each.id}",
        f":class-container: interview card-question level-{each.level} minutes-{each.minutes}",
        "",
        f"[{each.level}, {each.minutes} minute{'s' * (each.minutes > 1)}]{{.card-kind}}",
        "",
        each.answer,
    ]
    if each.follow_up:
        lines += ["", f"**Then they ask:** {each.follow_up}", "", each.follow_up_answer]
        lines += ["", f"**A common wrong answer:** {each.wrong}", "", f"**Why it is wrong:** {each.why}"]
    sources = ", ".join(map(role, each.source))
    lines += ["", f"[Proof and more: {sources}]{{.card-sources}}", ":::::", ""]
    return "\n".join(lines)


def counts(questions: list[Question]) -> list[str]:
    """The table of how many questions there are."""
    rows = ["topic", *LEVELS, "all"], *(
        [title, *(sum((each.topic, each.level) == (topic, level) for each in questions) for level in LEVELS),
         sum(each.topic == topic for each in questions)]
        for topic, title in titles().items()
    ), ["all", *(sum(each.level == level for each in questions) for level in LEVELS), len(questions)]  # fmt: skip
    lines = [f"{'* -' if cell == 0 else '  -'} {text}" for row in rows for cell, text in enumerate(row)]
    return [":::{list-table} Questions by topic and level.", ":header-rows: 1", ":name: tab-interview-counts", "",
            *lines, ":::"]  # fmt: skip


def page(questions: list[Question]) -> str:
    lines = [
        "<!-- Written by `make cards` from book/interview/questions: do not edit. -->",
        "",
        "<!-- questions -->",
        "",
    ]
    for topic in TOPICS:
        lines += [f"## {titles()[topic]}", "", *(card(each) for each in questions if each.topic == topic)]
    lines += [
        "<!-- end of questions -->",
        "",
        "<!-- counts -->",
        "",
        *counts(questions),
        "",
        "<!-- end of counts -->",
        "",
    ]
    return "\n".join(lines)


# ---- What has no links: CSV and cards ------------------------------------------------------------------------------


def source_text(name: str) -> str:
    """A source in words."""
    if name in (sources := bibliography()):
        return sources[name]
    kind = {"fig": "a figure of ", "tab": "a table of ", "ex-": "an exercise of "}.get(name[:3], "")
    return f"{kind}“{labels()[name].title}”"


def plain(text: str) -> str:
    """The text without the roles of the book's pages; formulas stay between dollars."""
    text = re.sub(r"\{(?:term|ref)\}`([^`<]+?) *<[^`]*>`", r"\1", text)
    text = re.sub(r"\{term\}`([^`]*)`", r"\1", text)
    return re.sub(
        r"\{(?:numref|ref|eq|cite:\w+)\}`([^`]*)`",
        lambda found: " and ".join(map(source_text, found[1].split(","))),
        text,
    )


def sources_text(each: Question) -> str:
    return "; ".join(map(source_text, each.source))


def row(each: Question) -> list[str]:
    texts = (each.question, each.answer, each.follow_up, each.follow_up_answer, each.wrong, each.why)
    return [each.id, titles()[each.topic], each.level, str(each.minutes), *map(plain, texts), sources_text(each)]


def table(questions: list[Question]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *map(row, questions)])
    return text.getvalue()


def for_anki(text: str) -> str:
    """Plain text as a field of a card: HTML, with formulas for Anki's MathJax."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"\$([^$]+)\$", r"\\(\1\\)", text)
    text = re.sub(r"\*\*?([^*]+)\*\*?", r"<b>\1</b>", text)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def deck(questions: list[Question]) -> bytes:
    """The deck as an .apkg file: equal questions make equal bytes, with one version of Python and SQLite."""
    import genanki

    fields = [
        "Id",
        "Topic",
        "Level",
        "Minutes",
        "Question",
        "Answer",
        "FollowUp",
        "FollowUpAnswer",
        "Wrong",
        "Why",
        "Sources",
    ]
    model = genanki.Model(
        MODEL_ID,
        "Interview question",
        fields=[{"name": name} for name in fields],
        templates=[{"name": "Question", "qfmt": FRONT, "afmt": BACK}],
        css=STYLE,
    )
    cards = genanki.Deck(DECK_ID, NAME)
    for each in questions:
        tags = [f"topic::{each.topic}", f"level::{each.level}"]
        cards.add_note(
            genanki.Note(model, [*map(for_anki, row(each))], guid=genanki.guid_for("crm-rl", each.id), tags=tags)
        )
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "deck.apkg"
        genanki.Package(cards).write_to_file(str(made), timestamp=MADE)
        return without_times(made)


def without_times(archive: Path) -> bytes:
    """The same archive, each of its files dated 1980."""
    out = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist()):
            new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    return out.getvalue()


# ---- The command ---------------------------------------------------------------------------------------------------


def out_of_date(questions: list[Question]) -> list[str]:
    """The text files that would be written otherwise. (The deck's bytes vary with the version of SQLite.)"""
    wanted = {PAGE: page(questions), CSV: table(questions)}
    return [
        path.relative_to(ROOT).as_posix()
        for path, text in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if something is wrong or out of date")
    options = parser.parse_args()
    if found := problems():
        print("\n".join(found), file=sys.stderr)
        return 1
    questions = bank()
    if options.check:
        stale = out_of_date(questions)
        print("\n".join(f"{name} is out of date: make cards" for name in stale))
        return int(bool(stale))
    try:
        content = deck(questions)
    except ImportError as error:
        raise CannotRun("the deck needs genanki: pip install -r requirements.txt") from error
    CARDS.mkdir(exist_ok=True)
    PAGE.write_text(page(questions), encoding="utf-8", newline="\n")
    CSV.write_text(table(questions), encoding="utf-8", newline="\n")
    DECK.write_bytes(content)
    print(f"{len(questions)} questions: {', '.join(str(path.relative_to(ROOT)) for path in (PAGE, CSV, DECK))}")
    return 0


if __name__ == "__main__":
    finish(main)
