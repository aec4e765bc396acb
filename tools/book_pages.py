"""A Sphinx extension for what _config.yml can't say: scripts that no page needs, and what keeps readers out.

sphinx-thebe comes with Jupyter Book and puts its scripts on every page, twice, which is an error in the
browser's console. The book starts no live code from a page, so they go.

Some markup of the theme, of Sphinx and of pandas gets in the way of screen readers. It is put right in the pages when
they are written, here and nowhere else; tests/test_book.py has axe look at every page.
"""

import re

#: What is put right, why, and by what: a pattern and its replacement.
MENDS = [
    # The name of a button has to hold its text: "Search Ctrl+K", "Show code cell source", the titles of icons.
    (r'(<button class="btn search-button-field[^>]*?) aria-label="Search"', r"\1"),
    (r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"', r"\1"),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),
    # The logo and the search button stand in no landmark.
    (r'(<div id="pst-primary-sidebar" class="[^"]*")>', r'\1 role="region" aria-label="Book">'),
    # A list of sources is no ARIA list, for links stand between its entries; the role of an entry is deprecated.
    (r'<div role="list" class="citation-list">', r'<div class="citation-list">'),
    (r'(<div class="citation" id="[^"]*") role="doc-biblioentry"', r"\1"),
    # An empty cell is no header: the corner of a table with names for rows and columns.
    (r"<th(?P<attributes>(?: [^>]*)?)>(?P<inside>\s*(?:<p>\s*</p>)?\s*)</th>", r"<td\g<attributes>>\g<inside></td>"),
]
#: A long signature, a line a parameter, is no list of definitions.
SIGNATURE = re.compile(r'(?s)<dl>((?:\s*<dd><em class="sig-param">(?:(?!</dd>).)*</dd>)+\s*)</dl>')
#: The arrow that unfolds the pages below another one in the sidebar, with the link before it.
ARROW = re.compile(
    r'(?s)(<a class="[^"]*\breference internal"[^>]*>(?P<name>(?:(?!</a>).)*)</a><details[^>]*>)<summary>'
)


def mended(html: str) -> str:
    """A page with the markup that screen readers need. To mend it again changes nothing."""
    for pattern, replacement in MENDS:
        html = re.sub(pattern, replacement, html)

    def as_lines(found):
        lines = found[1].replace("<dd>", '<div class="sig-line">').replace("</dd>", "</div>")
        return f'<div class="sig-lines">{lines}</div>'

    def named(found):
        name = " ".join(re.sub(r"<[^>]*>", "", found["name"]).split())
        return f'{found[1]}<summary aria-label="Pages of: {name}">'

    return ARROW.sub(named, SIGNATURE.sub(as_lines, html))


def mend_pages(app, error):
    """Mend every page that was written."""
    if error is not None or app.builder.format != "html":
        return
    for page in app.env.found_docs | {"search", "genindex", "py-modindex"}:
        path = app.outdir / f"{page}.html"
        if path.exists():
            html = path.read_text(encoding="utf-8")
            path.write_text(mended(html), encoding="utf-8", newline="\n")


def drop_thebe(app, pagename, templatename, context, doctree):
    """Take sphinx-thebe's scripts off the page: one is a file, the other is written into the page."""

    def is_thebe(script):
        return "thebe" in f"{getattr(script, 'filename', script)} {getattr(script, 'attributes', '')}"

    scripts = context.get("script_files", [])
    scripts[:] = [script for script in scripts if not is_thebe(script)]


def setup(app):
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("build-finished", mend_pages)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
