"""The question bank: reads it, checks it, and puts in the numbers that the book's pages show.

The questions stand in `book/interview/questions`, one YAML file a topic; those that a chapter asks in its section "In
the interview" are read from the chapter. `{{ name }}` in a text is a number that a page shows: a value that a notebook
glues, or one that `_config.yml` holds. `tools/cards.py` makes the practice page, the CSV and the Anki deck of all this.
"""

from __future__ import annotations

import ast
import functools
import json
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import yaml
from screenshots import toc_pages

ROOT = Path(__file__).resolve().parent.parent
QUESTIONS = ROOT / "book" / "interview" / "questions"
NOTEBOOKS = ROOT / "notebooks"

#: The topics in the order of the page: names of files.
TOPICS = (
    "mdps", "q_learning", "exploration", "deep_q", "policy_gradient", "bandits", "off_policy", "data", "experiments",
    "budgets", "serving", "code", "people",
)  # fmt: skip
LEVELS = ("screen", "core", "senior")
TEXTS = ("question", "answer", "follow_up", "follow_up_answer", "wrong", "why")
KEYS = {"id", "level", "minutes", "source", *TEXTS}

#: The topic to which the questions of a chapter belong, by the chapter's label.
CHAPTER_TOPICS = {
    "ch-data": "data", "ch-education": "data", "ch-fidelity": "data", "ch-funnel": "mdps", "ch-explosion": "deep_q",
    "ch-q-learning": "q_learning", "ch-dqn": "deep_q", "ch-fair-match": "experiments", "ch-study": "experiments",
    "ch-audit": "experiments", "ch-email": "serving", "ch-offers": "bandits", "ch-budgets": "budgets",
    "ch-logs": "off_policy",
}  # fmt: skip

SENTENCE = re.compile(r"(?<=[.!?])[\"”)]?\s+(?=[A-Z$\"(`{])")
#: A number that could be a result: with a decimal, a percent sign or three digits. Formulas and code may hold any.
RESULT = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*%|(?<![\w.])\d+[.,]\d+|(?<![\w.,])\d{3,}")
#: Levels of tests and intervals, and the status of a refused request.
CONVENTIONS = {"95%", "80%", "5%", "0.05", "422"}


class Question(NamedTuple):
    """A question, with numbers in place; the markup of its texts is that of the book's pages."""

    id: str
    topic: str  # the name of a file in QUESTIONS
    level: str
    minutes: int
    question: str
    answer: str
    follow_up: str  # this and the next three are empty where a chapter asks the question
    follow_up_answer: str
    wrong: str
    why: str
    source: tuple[str, ...]  # labels of the book and keys of the bibliography
    assumed: tuple[str, ...] = ()  # numbers of the text that are assumed for the example, or follow from such


class Place(NamedTuple):
    """Where a label of the book stands."""

    page: str  # as in the table of contents
    title: str


# ---- What the book has ---------------------------------------------------------------------------------------------


def text_of(path: Path) -> str:
    """The text of a page; of a notebook its Markdown and the marker lines of its cells."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"(?m)^# ?(?!%%)", "", text) if path.suffix == ".py" else text


def pages() -> list[Path]:
    """The pages of the table of contents, as people edit them."""
    stems = [ROOT / page for page in toc_pages()]
    return [next(filter(Path.exists, map(stem.with_suffix, (".py", ".md")))) for stem in stems]


@functools.cache
def labels() -> dict[str, Place]:
    """The labels of chapters, sections, figures, tables and exercises."""
    found = {}
    for path in pages():
        text = text_of(path)
        title = re.search(r"(?m)^# (?!%%)(.+)$", text)
        place = Place(path.relative_to(ROOT).with_suffix("").as_posix(), title[1] if title else path.stem)
        names = re.findall(r'(?m)^\(([\w-]+)\)=|^ *:(?:name|label): ([\w-]+)|"name": "((?:fig|tab)-[\w-]+)"', text)
        found |= {next(filter(None, name)): place for name in names}
    return found


@functools.cache
def bibliography() -> dict[str, str]:
    """How a source is named in a text without links, by its key: "Watkins and Dayan (1992)"."""
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    return {key: cited(entry) for key, entry in re.findall(r"(?ms)^@\w+\{(\w+),(.*?)^\}", text)}


def cited(entry: str) -> str:
    people = re.search(r"(?:author|editor) = \{(.*)\},", entry)[1]
    year = re.search(r"year = \{(\d+)\}", entry)[1]
    names = [re.sub(r"\\[`'\"~^c]|[{}\\]", "", name.split(",")[0]) for name in people.split(" and ")]
    names = names if len(names) < 3 else [f"{names[0]} et al."]
    return f"{' and '.join(names)} ({year})"


@functools.cache
def numbers() -> dict[str, str]:
    """Every number that a page shows by a name: what the notebooks glue, and what `_config.yml` holds."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    found = dict(config["parse"]["myst_substitutions"])
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                if name := output.get("metadata", {}).get("scrapbook", {}).get("name"):
                    value = output["data"].get("application/papermill.record/text/plain", "''")
                    found[name] = str(ast.literal_eval("".join(value)))
    return found


# ---- The questions -------------------------------------------------------------------------------------------------


@functools.cache
def titles() -> dict[str, str]:
    """The title of each topic."""
    return {topic: load_topic(topic)["topic"] for topic in TOPICS}


@functools.cache
def load_topic(topic: str) -> dict:
    return yaml.safe_load((QUESTIONS / f"{topic}.yml").read_text(encoding="utf-8"))


def written() -> list[Question]:
    """The questions of the bank as they are written, numbers still by name."""
    bank = []
    for topic in TOPICS:
        for entry in load_topic(topic)["questions"]:
            texts = {key: str(entry.get(key, "")).strip() for key in TEXTS}
            lists = {key: tuple(map(str, entry.get(key, ()))) for key in ("source", "assumed")}
            known = {key: entry.get(key) for key in ("id", "level", "minutes")}
            bank.append(Question(topic=topic, **known, **texts, **lists))
    return bank


def asked_in_chapters() -> list[Question]:
    """The questions of the chapters' sections "In the interview", but for those that the bank asks in other words."""
    found = []
    for path in pages():
        label, _, section = text_of(path).partition("\n## In the interview\n")
        if not section:
            continue
        chapter = re.search(r"(?m)^\((ch-[\w-]+)\)=", label)[1]
        section = re.split(r"(?m)^## |^# %% ", section)[0]
        for title, body in re.findall(
            r"(?ms)^:{3,}\{dropdown\} ([^\n]+)\n:class-container: interview\n(.*?)^:{3,}$", section
        ):
            words = re.findall(r"[a-z]+", title.lower())
            name = "-".join([chapter.removeprefix("ch-"), *words[:5]])
            answer = " ".join(body.split())
            topic = CHAPTER_TOPICS[chapter]
            found.append(Question(name, topic, "core", 2, title, answer, "", "", "", "", (chapter,)))
    return found


def with_numbers(text: str, known: dict[str, str]) -> str:
    """The text with the numbers themselves; a KeyError names one that no page shows."""
    return re.sub(r"\{\{ *([\w.-]+) *\}\}|\{glue:text\}`([\w.-]+)`", lambda found: known[found[1] or found[2]], text)


def bank() -> list[Question]:
    """Every question, topic by topic, with its numbers: those of the bank first, then those of the chapters."""
    known = numbers()
    asked = sorted([*written(), *asked_in_chapters()], key=lambda each: TOPICS.index(each.topic))
    return [each._replace(**{key: with_numbers(getattr(each, key), known) for key in TEXTS}) for each in asked]


# ---- What is asked of them -----------------------------------------------------------------------------------------


def typed_numbers(question: Question) -> list[str]:
    """Numbers in the texts that could be results, and that nobody declared to be assumed."""
    found = []
    for key in TEXTS:
        text = re.sub(r"\$[^$]*\$|`[^`]*`|\{\{.*?\}\}", " ", getattr(question, key))
        found += [number for number in RESULT.findall(text) if number not in CONVENTIONS | set(question.assumed)]
    return found


def problems() -> list[str]:
    """Everything that is wrong with the bank, a line each."""
    wrong, known, places, sources = [], numbers(), labels(), bibliography()
    for topic in TOPICS:
        for entry in load_topic(topic)["questions"]:
            if keys := (KEYS ^ set(entry)) - {"assumed"}:
                wrong.append(f"{topic}.yml, {entry.get('id')}: missing or unknown: {', '.join(sorted(keys))}")
    everything = written()
    for name, count in Counter(each.id for each in [*everything, *asked_in_chapters()]).items():
        if count > 1:
            wrong.append(f"{name}: {count} questions have this id")
    for each in everything:
        where = f"{each.topic}.yml, {each.id}"
        if each.level not in LEVELS:
            wrong.append(f"{where}: the level is one of {', '.join(LEVELS)}")
        if each.minutes not in range(1, 6):
            wrong.append(f"{where}: minutes are from 1 to 5")
        if not 3 <= (sentences := len(SENTENCE.split(each.answer))) <= 6:
            wrong.append(f"{where}: the answer has {sentences} sentences, and should have 3 to 6")
        for name in each.source:
            if name not in places and name not in sources:
                wrong.append(f"{where}: the book has no label and no source {name}")
        for name in re.findall(r"\{\{ *([\w.-]+) *\}\}", " ".join(getattr(each, key) for key in TEXTS)):
            if name not in known:
                wrong.append(f"{where}: no page shows a number {name}")
        if typed := typed_numbers(each):
            wrong.append(f"{where}: typed, and neither named nor assumed: {', '.join(typed)}")
    return wrong
