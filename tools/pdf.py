"""Make one PDF of the built book: a title page, the contents, every page in reading order, with page numbers and links.

    python tools/pdf.py            _build/book.pdf, of the pages in _build/html (`make pdf` builds them first)
    python tools/pdf.py --only book/welcome notebooks/03_funnel_mdp --out some.pdf

Chromium prints each page as a reader could (the rules are those of `@media print` in book.css), with solutions, quiz
and interview answers unfolded. Interactive parts show what they leave where scripts are off.
"""

from __future__ import annotations

import argparse
import html
import io
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import yaml
from console import CannotRun, finish
from screenshots import FLAGS, ROOT, find_browser, serve, toc_pages

PAPER = {"format": "A4", "margin": {"top": "17mm", "bottom": "19mm", "left": "17mm", "right": "17mm"}}
#: Before a page is printed: everything that is folded opens, but for the code of figures; every image is there.
PREPARE = """
async () => {
  document.documentElement.dataset.theme = 'light';
  document.querySelectorAll('details:not(.hide)').forEach(each => { each.open = true; });
  document.querySelectorAll('.toggle-hidden').forEach(each => each.classList.remove('toggle-hidden'));
  document.querySelectorAll('img').forEach(each => { each.loading = 'eager'; });
  if (window.MathJax) await MathJax.startup.promise;
  await Promise.all([...document.images].map(each => each.decode().catch(() => {})));
  await document.fonts.ready;
  const heading = document.querySelector('article h1');
  heading.querySelectorAll('.headerlink').forEach(each => each.remove());
  return heading.textContent.trim();
}
"""
STYLE = """
  body { font-family: sans-serif; color: #222; }
  h1 { margin: 70mm 0 6mm; font-size: 30pt; line-height: 1.2; } h2 { break-before: page; font-size: 18pt; }
  h3 { margin: 6mm 0 1mm; font-size: 11pt; } p { font-size: 13pt; }
  a { display: flex; gap: 4mm; padding: 0.8mm 0; color: #222; font-size: 11pt; text-decoration: none; }
  a span:first-child { flex: 1; }
"""


@dataclass
class Printed:
    """A page of the book on paper."""

    name: str
    title: str
    pdf: bytes
    first: int = 0  # its first page, counted from 1 after the contents


def print_pages(browser, address: str, names: list[str]) -> list[Printed]:
    """Print pages of the book, one after the other."""
    from pypdf import PdfReader

    context = browser.new_context(color_scheme="light", viewport={"width": 1000, "height": 1000})
    context.set_default_timeout(0)  # a busy machine may take its time
    context.route("**/*", lambda route: route.continue_() if is_wanted(route.request.url, address) else route.abort())
    page, printed, first = context.new_page(), [], 1
    for name in names:
        page.goto(f"{address}/{name}.html", wait_until="load")
        title = page.evaluate(PREPARE)
        one = Printed(name, title, page.pdf(**PAPER, scale=0.78, print_background=True), first)
        count = len(PdfReader(io.BytesIO(one.pdf)).pages)
        print(f"{name}: {count} pages", flush=True)
        first += count
        printed.append(one)
    context.close()
    return printed


def is_wanted(url: str, address: str) -> bool:
    """Whether a printed page needs a file: nothing from other hosts, and no script that makes a page answer."""
    path = urlsplit(url).path
    answers = path.endswith(("/quiz.js", "/ledger.js")) or (path.endswith(".js") and "/interactive/" in path)
    return url.startswith(address) and not answers


def front(title: str, author: str, printed: list[Printed], parts: dict[str, str]) -> str:
    """The title page and the contents, as HTML. Links say which page of the book they mean."""
    lines = []
    for one in printed:
        if one.name in parts:
            lines.append(f"<h3>{html.escape(parts[one.name])}</h3>")
        words, number = html.escape(one.title), one.first
        lines.append(f'<a href="http://book/{one.name}.html"><span>{words}</span><span>{number}</span></a>')
    cover = f"<h1>{html.escape(title)}</h1><p>{html.escape(author)}</p>"
    return f"<!doctype html><meta charset='utf-8'><style>{STYLE}</style>{cover}<h2>Contents</h2>{''.join(lines)}"


def numbers(count: int) -> str:
    """A document of empty pages with their numbers at the foot, as HTML."""
    style = "@page { margin: 0 } body { margin: 0 } div { height: 296mm; position: relative; break-after: page } "
    style += "p { position: absolute; bottom: 5mm; width: 100%; text-align: center; font: 9pt sans-serif; color: #444 }"
    pages = "".join(f"<div><p>{number}</p></div>" for number in range(1, count + 1))
    return f"<!doctype html><style>{style}</style>{pages}"


def parts_of(toc: dict) -> dict[str, str]:
    """The caption of each part of the book, by the part's first page."""
    return {part["chapters"][0]["file"]: part["caption"] for part in toc["parts"] if "caption" in part}


def bind(browser, address: str, printed: list[Printed], title: str, author: str, parts: dict[str, str]):
    """One document of all pages, with a title page, contents, outline, page numbers and links."""
    from pypdf import PdfReader, PdfWriter

    page = browser.new_context().new_page()
    page.set_default_timeout(0)
    page.set_content(front(title, author, printed, parts))
    writer = PdfWriter()
    writer.append(io.BytesIO(page.pdf(**PAPER)), import_outline=False)
    before = len(writer.pages)
    writer.add_outline_item(title="Contents", page_number=1)
    part = None
    for one in printed:
        if one.name in parts:
            part = writer.add_outline_item(title=parts[one.name], page_number=before + one.first - 1)
        writer.append(io.BytesIO(one.pdf), import_outline=False)
        writer.add_outline_item(title=one.title, page_number=before + one.first - 1, parent=part)
    page.set_content(numbers(len(writer.pages) - before))
    stamps = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True))).pages
    for sheet, stamp in zip(writer.pages[before:], stamps, strict=True):
        sheet.merge_page(stamp)
    link_inside(writer, (address, "http://book"), {one.name: before + one.first - 1 for one in printed})
    writer.compress_identical_objects()
    writer.add_metadata({"/Title": title, "/Author": author})
    return writer


def link_inside(writer, addresses: tuple[str, ...], places: dict[str, int]) -> None:
    """Let links to pages of the book lead to their first page in the document."""
    from pypdf.generic import ArrayObject, NameObject

    for sheet in writer.pages:
        for note in sheet.get("/Annots", ()):
            note = note.get_object()
            url = str(note.get("/A", {}).get("/URI", ""))
            if not url.startswith(addresses):
                continue
            name = unquote(urlsplit(urldefrag(url)[0]).path).strip("/").removesuffix(".html")
            del note["/A"]
            if name in places:
                target = writer.pages[places[name]].indirect_reference
                note[NameObject("/Dest")] = ArrayObject([target, NameObject("/Fit")])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html", help="the built book")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "book.pdf", help="the PDF")
    parser.add_argument("--only", nargs="+", metavar="PAGE", help="pages as _toc.yml names them (default: all)")
    options = parser.parse_args()
    if not (path := find_browser()):
        raise CannotRun("no Chromium or Chrome on the PATH, so nothing can print")
    if not (options.html / "index.html").is_file():
        raise CannotRun(f"there is no built book at {options.html}; run `make book` first")
    if unknown := sorted(set(options.only or ()) - set(toc_pages())):
        raise CannotRun(f"_toc.yml names no page {', '.join(unknown)}")
    from playwright.sync_api import sync_playwright

    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    parts = parts_of(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))
    with serve(options.html) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        printed = print_pages(browser, address, options.only or toc_pages())
        writer = bind(browser, address, printed, config["title"], config["author"], parts)
        browser.close()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    writer.write(options.out)
    print(f"{options.out}: {len(writer.pages)} pages, {options.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    finish(main)
