"""Honest minutes: what each page asks of its reader, counted from the page and never typed.

    python -m tools.minutes             a line for each page, and the total of the tour and chapters 1 to 9
    python -m tools.minutes --write     put the minutes into the notebooks (.py and .ipynb) and into _config.yml

Minutes are words / 150 + visible lines of code / 12 + 1 for a table + 1.5 for a figure, rounded up.

- **Words** are what a reader sees in Markdown: prose, formulas (each piece between blanks is a word), quiz, interview
  and solutions, folded or not. A table's minute covers its cells, a figure's minute and a half its caption. Code,
  outputs, alt texts, settings of directives, link targets and what an interactive part leaves where scripts are off
  do not count. A role counts as the words it shows, or as one.
- **Lines of code** are those of cells that show their code (no hide-input, hide-cell, remove-input or remove-cell),
  those of solutions included, and of code blocks in Markdown. Blank lines and comments alone on a line do not count.
- **Tables** and **figures** are those in Markdown and in outputs that show.

The outputs are those stored in the .ipynb. Nothing is executed here.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))  # the tools import each other by their bare names

from console import finish  # noqa: E402

from notebooks import NOTEBOOKS, ROOT, read_ipynb, select, settle, write_text  # noqa: E402

#: Prose pages that have a number of minutes of their own.
PROSE = ("welcome", "how_to_use", "problem", "notation", "data_card", "checklist")
HIDDEN_CODE = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
HIDDEN_OUTPUT = {"hide-output", "hide-cell", "remove-output", "remove-cell"}
#: The block of an interactive part, which ends at the first blank line.
PART = re.compile(r'(?ms)^<div class="(?:play-funnel|q-stepper|states-slider)\b.*?(?=\n\s*\n|\Z)')
#: The line below the header of a table in Markdown.
RULE = re.compile(r"(?m)^(?:> )?\|[ :|-]*-[ :|-]*\|[ ]*$")
TIME = re.compile(r"(?m)^(?P<before>#? ?: ?)(?P<minutes>\d+) minutes? to read\b")


class Limit(NamedTuple):
    """The most that a page may ask; None: no limit."""

    words: int | None = None
    code: int | None = None
    minutes: int | None = None


CHAPTER = Limit(3_000, 200, 30)
PRACTICE = Limit(3_000)  # a page of tasks, each with starting code and a solution: nobody reads it in one go
LIMITS = {"00": Limit(1_000, 200, 10), "problem": Limit(1_200), "how_to_use": Limit(400)}
LIMITS |= dict.fromkeys(("14", "15", "16", "17"), PRACTICE)
TOGETHER = Limit(24_000, None, 300)  # the tour and chapters 1 to 9


@dataclass(frozen=True)
class Count:
    """What stands on a page."""

    words: int = 0
    code: int = 0
    tables: int = 0
    figures: int = 0
    exercises: int = 0
    parts: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def minutes(self) -> int:
        """Minutes of an honest reading, rounded up."""
        reading = Fraction(self.words, 150) + Fraction(self.code, 12)
        return math.ceil(reading + self.tables + Fraction(3, 2) * self.figures)


# ---- Counting ------------------------------------------------------------------------------------------------------


def of_markdown(text: str) -> Count:
    """What a reader sees of Markdown with MyST's directives and roles."""
    text, code = without_code(re.sub(r"(?s)<!--.*?-->", "", text))
    text, parts = re.subn(PART, "", text)
    tables = len(re.findall(RULE, text)) + len(re.findall(r"(?m)^ *:{3,}\{(?:list|csv)-table\}", text))
    tables += len(re.findall(r"(?i)<table\b", text))
    figures = len(re.findall(r"(?m)^ *:{3,}\{(?:figure|image)\}", text)) + len(re.findall(r"!\[[^\]]*\]\(", text))
    exercises = len(re.findall(r"(?m)^ *:{3,}\{exercise\}", text))
    return Count(len(words_of(text)), code, tables, figures, exercises, parts)


def without_code(text: str) -> tuple[str, int]:
    """Markdown without its blocks of code, and their lines. Directives are fenced by colons afterwards."""
    kept, lines, open_fences = [], 0, []
    for line in text.splitlines():
        bare = line.strip()
        inside = open_fences[-1] if open_fences else None
        if inside and bare.startswith(inside[0]) and not bare.strip(inside[0][0]):
            open_fences.pop()
            if not inside[1]:
                kept.append(bare.replace("`", ":").replace("~", ":"))
        elif inside and inside[1]:
            lines += bool(bare)
        elif opening := re.match(r"(`{3,}|~{3,})\s*(?:\{([\w:-]+)\})?", bare):
            is_code = opening[2] in (None, "code", "code-block")
            open_fences.append((opening[1], is_code))
            if not is_code:
                kept.append(":" * len(opening[1]) + bare[len(opening[1]) :].lstrip())
        else:
            kept.append(line)
    return "\n".join(kept), lines


def words_of(text: str) -> list[str]:
    """The words that Markdown without code shows, outside of tables and captions."""
    text = re.sub(r"(?ms)^ *(:{3,})\{(?:figure|image|list-table|csv-table|table|include)\}.*?^ *\1[ ]*$", " ", text)
    text = re.sub(r"(?m)^(?:> )?\|.*$", " ", text)  # the rows of a table
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)(?:\{[^}]*\})?", " ", text)  # an image, with its alt text
    text = re.sub(r"(?m)^\([\w-]+\)=\s*$", " ", text)  # a label
    text = re.sub(r"(?m)^ *:{3,}\{(?:button-ref|solution-start|solution-end)\}.*$", " ", text)
    text = re.sub(r"(?m)^ *:{3,}\{[\w:-]+\}", " ", text)  # a directive; its title stays
    text = re.sub(r"(?m)^ *:[\w-]+:(?: .*)?$", " ", text)  # its settings
    text = re.sub(r"(?m)^\$\$ \([\w:-]+\)\s*$", " ", text)  # the label of an equation
    text = re.sub(r"\{(?:cite|numref|eq|glue)(?::\w+)?\}`[^`]*`", " 1 ", text)
    text = re.sub(r"\{[\w:-]+\}`([^`<]+?)\s*(?:<[^`>]*>)?`", r" \1 ", text)  # other roles show their text
    text = re.sub(r"\{\{ \w+ \}\}", " 1 ", text)  # a number that _config.yml holds
    text = re.sub(r"\]\([^)]*\)", " ", text)  # a link's target; its text stays
    text = re.sub(r"(?<=\])\{[^}]*\}", " ", text)  # attributes of a span
    text = re.sub(r"</?\w[^>]*>", " ", text)  # HTML
    return [word for word in text.split() if any(letter.isalnum() for letter in word)]


def of_cell(cell) -> Count:
    """What a reader sees of a notebook's cell."""
    tags = set(cell.metadata.get("tags", []))
    if cell.cell_type == "markdown":
        return of_markdown(cell.source) if "remove-cell" not in tags else Count()
    if cell.cell_type != "code":
        return Count()
    lines = [line.strip() for line in cell.source.splitlines()]
    code = sum(bool(line) and not line.startswith("#") for line in lines) if not tags & HIDDEN_CODE else 0
    shown = cell.outputs if not tags & HIDDEN_OUTPUT else []
    data = [output.get("data", {}) for output in shown]
    figures = sum(any(mime.startswith("image/") for mime in each) for each in data)
    tables = sum("<table" in each.get("text/html", "") for each in data)
    return Count(0, code, tables, figures)


def of_notebook(notebook) -> Count:
    return sum(map(of_cell, notebook.cells), Count())


def of_page(page: str) -> Count:
    """What stands on a page of the book, named as in the table of contents."""
    path = ROOT / page
    if path.with_suffix(".ipynb").exists():
        return of_notebook(read_ipynb(path.with_suffix(".ipynb")))
    return of_markdown(path.with_suffix(".md").read_text(encoding="utf-8"))


# ---- The pages -----------------------------------------------------------------------------------------------------


def pages() -> list[str]:
    """The pages in reading order, without those of the package, which nobody reads from top to bottom."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    named = [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]
    return [page for page in named if page != "book/api"]


def key(page: str) -> str:
    """The name of a page's minutes after `minutes_`: `ch03`, `a1`, `problem`."""
    stem = Path(page).name
    number = re.match(r"(\d\d|a\d+)_", stem) if page.startswith("notebooks/") else None
    return stem if number is None else number[1] if number[1].startswith("a") else f"ch{number[1]}"


def counts() -> dict[str, Count]:
    """The count of every page."""
    return {page: of_page(page) for page in pages()}


def reading_times() -> dict[str, str]:
    """The minutes of every notebook and of the prose pages that state theirs, by the names that prose pages use."""
    named = {key(page): page for page in pages() if page.startswith("notebooks/") or key(page) in PROSE}
    return {f"minutes_{name}": str(of_page(page).minutes) for name, page in named.items()}


def limit(page: str) -> Limit:
    """The budget of a page."""
    name = key(page).removeprefix("ch")
    return LIMITS.get(name, CHAPTER if name.isdigit() else Limit())


def together(found: dict[str, Count]) -> list[Count]:
    """The counts of the tour and chapters 1 to 9."""
    return [count for page, count in found.items() if re.fullmatch(r"notebooks/0\d_\w+", page)]


def over_budget(found: dict[str, Count]) -> list[str]:
    """What asks more of the reader than the design allows, a line each."""
    asked = [(page, count, count.minutes, limit(page)) for page, count in found.items()]
    chapters = together(found)
    asked.append(("together", sum(chapters, Count()), sum(count.minutes for count in chapters), TOGETHER))
    lines = []
    for page, count, minutes, most in asked:
        have = Limit(count.words, count.code, minutes)
        for what, number, allowed in zip(Limit._fields, have, most, strict=True):
            if allowed is not None and number > allowed:
                lines.append(f"{page}: {number:,} {what}, {allowed:,} allowed")
    return lines


# ---- What the pages state ------------------------------------------------------------------------------------------


def stated(text: str) -> int | None:
    """The minutes that a notebook's Time line states, in the text of its .py or of a Markdown cell."""
    found = TIME.search(text)
    return int(found["minutes"]) if found else None


def with_minutes(text: str, minutes: int) -> str:
    """The same text, with the minutes put into its Time line."""
    plural = "minute" if minutes == 1 else "minutes"
    return TIME.sub(lambda found: f"{found['before']}{minutes} {plural} to read", text, count=1)


def write_into(directory: Path, stem: str) -> bool:
    """Put a notebook's minutes into its .py and .ipynb, where they state others; nothing is executed."""
    py, ipynb = directory / f"{stem}.py", directory / f"{stem}.ipynb"
    notebook, changed = read_ipynb(ipynb), False
    minutes = of_notebook(notebook).minutes
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and stated(cell.source) is not None:
            wanted = with_minutes(cell.source, minutes)
            if wanted != cell.source:
                cell.source, changed = wanted, True
            break
    if changed:
        import nbformat

        settle(notebook)  # a cell's id follows from its text
        write_text(ipynb, nbformat.writes(notebook, version=4) + "\n")
    text = py.read_text(encoding="utf-8")
    if (wanted := with_minutes(text, minutes)) != text:
        write_text(py, wanted)
        changed = True
    return changed


# ---- The command ---------------------------------------------------------------------------------------------------

HEADER = ("page", "words", "minutes", "code", "figures", "tables", "exercises", "interactive")


def line(name: str, count: Count, minutes: int) -> tuple[str, ...]:
    numbers = (count.words, minutes, count.code, count.figures, count.tables, count.exercises, count.parts)
    return (name, *(f"{number:,}" if number else "" for number in numbers))


def table(found: dict[str, Count]) -> str:
    """The counts as text."""
    chapters = together(found)
    rows: Iterable = [HEADER, *(line(page, count, count.minutes) for page, count in found.items())]
    total = line("tour and chapters together", sum(chapters, Count()), sum(count.minutes for count in chapters))
    return "\n".join(f"{name:34}" + "".join(f"{cell:>12}" for cell in cells) for name, *cells in [*rows, total])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the minutes into the notebooks and _config.yml")
    options = parser.parse_args()
    if not options.write:
        found = counts()
        print(table(found))
        for problem in over_budget(found):
            print(f"over budget: {problem}")
    else:
        for stem in select(NOTEBOOKS, []):
            if write_into(NOTEBOOKS, stem):
                print(f"notebooks/{stem}: minutes written")
        from prose_numbers import write_minutes  # not above: it asks for the minutes of this file, and for crm_rl

        if write_minutes():
            print("_config.yml: minutes written")
    return 0


if __name__ == "__main__":
    finish(main)
