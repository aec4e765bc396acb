"""Honest minutes: what tools/minutes.py counts, on pages counted by hand; and that every page states what it counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import minutes  # noqa: E402
import prose_numbers  # noqa: E402
from minutes import Count, of_markdown, of_notebook  # noqa: E402

import notebooks  # noqa: E402

FIGURE = new_output("display_data", {"image/png": "iVBOR", "text/plain": "<Figure size 700x320 with 1 Axes>"})
TABLE = new_output("execute_result", {"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "1"})
PRINTED = new_output("stream", name="stdout", text="a thousand words\n" * 250)

# ---- Markdown, counted by hand --------------------------------------------------------------------------------------

MARKDOWN = [
    ("# A title\n\nFour words stand here.", Count(words=6)),
    ("(ch-label)=\n## One – two\n\n---\n", Count(words=2)),
    ("A {term}`Q-table`, {term}`two tables <Q-table>`, {cite:p}`a2020,b2021`, {numref}`fig-one`.", Count(words=6)),
    ("It is {glue:text}`x-y` or {{ all_n }}; see [the next page](next.md) or `a_name`.", Count(words=11)),
    ("An ![alt text of an image](picture.svg) image, and <b>bold</b>.", Count(words=4, figures=1)),
    ("$\\alpha = 0.1$ and\n\n$$\nQ = 0 + 0.1 \\, (1 - 0)\n$$ (label)\n", Count(words=8)),
    ("One <!-- two three\nfour --> five", Count(words=2)),
    ("::::{admonition} By hand: two words\n:class: by-hand\n\nThree words more.\n::::", Count(words=7)),
    ("::::{dropdown} The option\n:class-container: right\n\nSince it is right.\n::::", Count(words=6)),
    ("::::{exercise} Count them\n:label: ex-a-b\n\nStart here.\n::::", Count(words=4, exercises=1)),
    (":::{solution-start} ex-a-b\n:class: dropdown\n:::\n\nThe solution.\n\n:::{solution-end}\n:::", Count(words=2)),
    ("Before.\n\n| a | b c |\n|---|--:|\n| 1 | two words |\n\nAfter.", Count(words=2, tables=1)),
    ("> | a | b |\n> |---|---|\n> | 1 | 2 |", Count(tables=1)),
    (":::{list-table} A caption\n:header-rows: 1\n\n* - a\n  - b\n:::\n\nAfter.", Count(words=1, tables=1)),
    (":::{figure} a.svg\n:name: fig-a\n:alt: long text\n\nA caption.\n:::\n\nAfter.", Count(words=1, figures=1)),
    ("```{note}\nTwo words.\n```\n\n```python\nx = 1\n\ny = 2\n```\nAfter.", Count(words=3, code=2)),
    ("::::{admonition} T\n:::{dropdown} D\n```\nmake book\n```\nEnd.\n:::\n::::", Count(words=3, code=1)),
    ('Play.\n\n<div class="play-funnel" data-seed="1">\n<table>words</table>\n</div>\n\nEnd.', Count(words=2, parts=1)),
    ('<div class="q-stepper" data-seed="1">\n<p>Where scripts are off</p>\n</div>', Count(parts=1)),
]


@pytest.mark.parametrize(("text", "count"), MARKDOWN)
def test_markdown_counted_by_hand(text, count):
    assert of_markdown(text) == count


# ---- Notebooks, counted by hand -------------------------------------------------------------------------------------

CODE = "# a comment\nx = 1  # one line\n\nprint(x)\n"


@pytest.mark.parametrize(
    ("tags", "count"),
    [
        ([], Count(code=2, tables=1, figures=1)),
        (["hide-input"], Count(tables=1, figures=1)),
        (["remove-input"], Count(tables=1, figures=1)),
        (["hide-output"], Count(code=2)),
        (["hide-cell"], Count()),
        (["remove-cell"], Count()),
    ],
)
def test_a_cell_counts_as_far_as_it_shows(tags, count):
    cell = new_code_cell(CODE, outputs=[PRINTED, FIGURE, TABLE], metadata={"tags": tags})
    assert of_notebook(new_notebook(cells=[cell])) == count


def small() -> nbformat.NotebookNode:
    """A notebook of 160 words, 25 lines, 2 tables and 1 figure: 1.07 + 2.08 + 2 + 1.5 = 6.65 minutes, so 7."""
    time = "Time\n: 99 minutes to read, 5 seconds to run."
    opening = "# A title\n\n::::{admonition} In this chapter\n:class: chapter-box\n\n" + time + "\n::::"
    return new_notebook(
        cells=[
            new_markdown_cell(opening),  # 2 + 3 + 1 + 8 words
            new_markdown_cell("word " * 146),
            new_code_cell("x = 1\n" * 25, execution_count=1, outputs=[FIGURE, TABLE]),
            new_markdown_cell("| a | b |\n|---|---|\n| 1 | 2 |"),
        ]
    )


def test_a_notebook_counted_by_hand():
    count = of_notebook(small())
    assert count == Count(words=160, code=25, tables=2, figures=1)
    assert count.minutes == 7


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (Count(), 0),
        (Count(words=150), 1),
        (Count(words=151), 2),
        (Count(code=12, figures=2), 4),
        (Count(words=75, figures=1), 2),
        (Count(words=2400, code=60, tables=3, figures=4), 30),
    ],
)
def test_minutes_are_rounded_up(count, expected):
    assert count.minutes == expected


def test_the_minutes_are_written_into_both_of_a_pair_and_nothing_else_changes(tmp_path):
    notebook = small()
    notebooks.settle(notebook)
    nbformat.write(notebook, tmp_path / "01_small.ipynb")
    (tmp_path / "01_small.py").write_text(notebooks.as_py(notebook), encoding="utf-8")
    before = notebooks.read_ipynb(tmp_path / "01_small.ipynb")
    assert minutes.write_into(tmp_path, "01_small")
    after = notebooks.read_ipynb(tmp_path / "01_small.ipynb")
    assert after.cells[0].source == before.cells[0].source.replace("99 minutes", "7 minutes")
    assert after.cells[1:] == before.cells[1:]
    assert notebooks.as_py(after) == (tmp_path / "01_small.py").read_text(encoding="utf-8")
    assert minutes.stated((tmp_path / "01_small.py").read_text(encoding="utf-8")) == 7
    assert not minutes.write_into(tmp_path, "01_small")


def test_one_minute_is_singular():
    assert minutes.with_minutes("# : 9 minutes to read, 5 seconds.", 1) == "# : 1 minute to read, 5 seconds."


# ---- The book -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counts() -> dict[str, Count]:
    return minutes.counts()


STEMS = notebooks.stems(notebooks.NOTEBOOKS)


@pytest.mark.parametrize("stem", STEMS)
def test_a_notebook_states_its_minutes(stem):
    """If this fails: python -m tools.minutes --write."""
    text = (notebooks.NOTEBOOKS / f"{stem}.py").read_text(encoding="utf-8")
    assert minutes.stated(text) == of_notebook(notebooks.read_ipynb(notebooks.NOTEBOOKS / f"{stem}.ipynb")).minutes


def test_other_pages_quote_the_minutes_that_were_counted():
    """If this fails: python -m tools.minutes --write."""
    times = minutes.reading_times()
    quoted = {name: text for name, text in prose_numbers.written().items() if name.startswith("minutes_")}
    assert quoted == {name: times.get(name) for name in quoted}
    assert {f"minutes_ch{number:02}" for number in range(10)} | {"minutes_a1", "minutes_problem"} <= set(times)


def test_every_page_keeps_its_budget(counts):
    assert minutes.over_budget(counts) == []


def test_what_is_over_budget_is_named():
    found = {
        "book/problem": Count(words=1_201),
        "notebooks/00_tour": Count(words=1_000, figures=3),
        "notebooks/01_data_processing": Count(words=3_001, code=201),
        "notebooks/a1_twin_fidelity": Count(words=9_000, code=900),
    }
    assert minutes.over_budget(found) == [
        "book/problem: 1,201 words, 1,200 allowed",
        "notebooks/00_tour: 12 minutes, 10 allowed",
        "notebooks/01_data_processing: 3,001 words, 3,000 allowed",
        "notebooks/01_data_processing: 201 code, 200 allowed",
        "notebooks/01_data_processing: 37 minutes, 30 allowed",
    ]
    together = minutes.over_budget({f"notebooks/{n:02}_x": Count(words=2_450, tables=17) for n in range(11)})
    assert [line for line in together if line.startswith("together")] == [
        "together: 24,500 words, 24,000 allowed",
        "together: 340 minutes, 300 allowed",
    ]


def test_the_command_prints_a_line_for_each_page():
    command = [sys.executable, "-m", "tools.minutes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[0].split() == list(minutes.HEADER)
    assert [line.split()[0] for line in lines[1 : 1 + len(minutes.pages())]] == minutes.pages()
    assert lines[1 + len(minutes.pages())].startswith("tour and chapters together")
