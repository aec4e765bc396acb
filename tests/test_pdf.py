"""The book as one PDF, tried on a book of three small pages. Needs the Chromium or Chrome of the system, or skips."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import pdf  # noqa: E402
from screenshots import serve  # noqa: E402

PAGE = """<!doctype html><html lang="en"><head><title>{title}</title><script src="quiz.js"></script></head>
<body><article><h1>{title}<a class="headerlink" href="#x">#</a></h1>{body}</article></body></html>"""
PAGES = {
    "one": ("The first", '<p><a href="three.html#end">on to the third</a></p>'),
    "two": ("4. The second", '<details><summary>Fold</summary>unfolded</details><p style="height: 1500px">long</p>end'),
    "three": ("The third", '<p id="end"><a href="https://example.org/">elsewhere</a> <a href="gone.html">gone</a></p>'),
}


@pytest.fixture(scope="module")
def bound(browser, tmp_path_factory):
    from pypdf import PdfReader

    folder = tmp_path_factory.mktemp("built")
    for name, (title, body) in PAGES.items():
        (folder / f"{name}.html").write_text(PAGE.format(title=title, body=body), encoding="utf-8")
    (folder / "quiz.js").write_text("addEventListener('load', () => document.body.append('a script ran'))")
    with serve(folder) as address:
        printed = pdf.print_pages(browser, address, list(PAGES))
        writer = pdf.bind(browser, address, printed, "The title", "The authors", {"two": "Part I: the middle"})
    writer.write(folder / "book.pdf")
    return printed, PdfReader(folder / "book.pdf")


def test_the_pages_come_in_order_after_title_and_contents(bound):
    printed, book = bound
    texts = [page.extract_text() for page in book.pages]
    assert [(one.title, one.first) for one in printed] == [("The first", 1), ("4. The second", 2), ("The third", 4)]
    assert len(texts) == 2 + 1 + 2 + 1
    assert "The title" in texts[0] and "The authors" in texts[0]
    assert "Contents" in texts[1] and texts[1].index("Part I") < texts[1].index("4. The second")
    assert "on to the third" in texts[2] and "unfolded" in texts[3] and "elsewhere" in texts[5]
    assert not any("a script ran" in text for text in texts)


def test_every_page_after_the_contents_has_its_number(bound):
    numbers = [page.extract_text().split()[-1] for page in bound[1].pages[2:]]
    assert numbers == ["1", "2", "3", "4"]


def test_links_inside_lead_to_pages_and_others_stay(bound):
    book = bound[1]
    places = {page.indirect_reference.idnum: number for number, page in enumerate(book.pages)}

    def links(page):
        notes = [note.get_object() for note in book.pages[page].get("/Annots", ())]
        return [places[note["/Dest"][0].idnum] if "/Dest" in note else note.get("/A", {}).get("/URI") for note in notes]

    assert links(1) == [2, 3, 5]
    assert 5 in links(2)
    assert links(5) == ["https://example.org/", None]


def test_the_outline_has_the_parts_with_their_pages(bound):
    book = bound[1]

    def named(items):
        return [named(item) if isinstance(item, list) else item.title for item in items]

    expected = ["Contents", "The first", "Part I: the middle", ["4. The second", "The third"]]
    assert named(book.outline) == expected
    assert book.metadata.title == "The title"


def test_the_parts_are_those_of_the_contents():
    named = {"caption": "Start", "chapters": [{"file": "b"}, {"file": "c"}]}
    toc = {"root": "a", "parts": [named, {"chapters": [{"file": "d"}]}]}
    assert pdf.parts_of(toc) == {"b": "Start"}


def test_scripts_that_make_a_page_answer_are_left_out():
    here = "http://127.0.0.1:1"
    assert pdf.is_wanted(f"{here}/_static/book.css", here) and pdf.is_wanted(f"{here}/_static/mathjax/tex.js", here)
    assert pdf.is_wanted(f"{here}/_static/interactive/interactive.css", here)
    for left_out in ("_static/interactive/parts.js", "_static/quiz.js", "_static/ledger.js?v=1"):
        assert not pdf.is_wanted(f"{here}/{left_out}", here)
    assert not pdf.is_wanted("https://example.org/a.css", here)
