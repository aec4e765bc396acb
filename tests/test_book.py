"""The built book in a real browser: every page, wide and narrow, light and dark.

Needs `_build/html` (`make book`) and the Chromium or Chrome of the system; without either it says so and
skips. At each width all pages are loaded once and seen in both themes; the widths may be shared out over several
processes. Requests to other hosts are blocked and listed: the book must be readable without them.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"

sys.path.insert(0, str(ROOT / "tools"))
from screenshots import serve, toc_pages  # noqa: E402

# A width, between the brackets of a test's name, is a group: see conftest.py.
WIDTHS, THEMES = (1300, 390), ("light", "dark")

CONTRAST = "color-contrast"

# Other hosts are asked by way of a port where nobody listens. (A `route` that blocks them would switch off the cache of
# the browser, and each page would load the style sheets, the scripts and MathJax again.)
NOWHERE_ELSE = {"server": "http://127.0.0.1:9", "bypass": "127.0.0.1"}

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

# Cells fade in when they are unfolded; half faded in, they have less contrast than they will have.
UNFOLD = """
() => {
  document.querySelectorAll('details').forEach(d => d.open = true);
  document.getAnimations().forEach(a => a.cancel());
}
"""

RUN_AXE = "([where, options]) => axe.run(where || document, options).then(results => results.violations)"

# Runs in the page; everything that is looked at in one go, so that a page costs one round trip.
LOOK = """
() => {
  const visible = e => e.checkVisibility();
  const article = document.querySelector('.bd-article') || document.body;
  const wide = [...article.querySelectorAll('*')].filter(e => {
    if (!visible(e) || e.closest('mjx-assistive-mml, .visually-hidden, .sr-only')) return false;
    if (e.getBoundingClientRect().right <= document.documentElement.clientWidth + 1) return false;
    for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
      if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX)) return false;
    return true;
  });
  return {
    theme: document.documentElement.dataset.theme,
    headings: [...document.querySelectorAll('h1')].filter(visible).length,
    mute: [...document.images].filter(i => !(i.getAttribute('alt') || '').trim()).map(i => i.src),
    unloaded: [...document.images].filter(i => i.loading !== 'lazy' && !i.naturalWidth).map(i => i.src),
    overflow: OVERFLOW,
    wide: wide.slice(0, 5).map(e => e.outerHTML.slice(0, 120)),
    links: [...document.querySelectorAll('a[href]')].map(a => a.href),
    ids: [...document.querySelectorAll('[id]')].map(e => e.id),
    unset: document.querySelectorAll('mjx-merror').length,
    raw: [...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')).length,
  };
}
""".replace("OVERFLOW", OVERFLOW)


@pytest.fixture(scope="module")
def address(browser):
    if not (HTML / "index.html").exists():
        pytest.skip("the book has not been built (make book), so it was not looked at in a browser")
    with serve(HTML) as address:
        yield address


def axe_runs(name: str, width: int, theme: str) -> list[tuple[dict | None, dict]]:
    """What axe looks at on a page at one width and theme, and for what: (where, options).

    Markup is the same in both themes. Contrast takes most of the time, a node at a time, so it is measured once in each
    theme, at one width each; in code, whose colours are the same everywhere, on one page; and in formulas, which are
    coloured as the text is, not at all. The pages of the package are alike, so after the first look one of them stands
    for all; and of the questions to practise, the first of each topic.
    """
    questions = [".card-question ~ .card-question"]
    code_and_formulas = {"exclude": [["pre"], ["mjx-container"], questions]}
    wide, alike = width > 600, name.startswith("book/api/") and not name.endswith("/serving")
    runs = []
    if theme == "light" and (wide or not alike):
        runs.append(({"exclude": [questions]}, {"rules": {CONTRAST: {"enabled": False}}}))
    if wide == (theme == "light") and not alike:
        everything = name == "notebooks/04_q_learning"
        runs.append((None if everything else code_and_formulas, {"runOnly": [CONTRAST]}))
    return runs


class Visit:
    """A browser context at one width, light until told otherwise, that keeps account of what goes wrong in it."""

    def __init__(self, browser, address: str, width: int):
        self.address, self.errors, self.outside = address, [], set()
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="light", proxy=NOWHERE_ELSE
        )
        self.context.set_default_timeout(600_000)  # out of reach, so that a busy machine fails nothing
        self.page = self.context.new_page()
        self.page.on("request", self.asked)
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.on("requestfailed", self.failed)
        self.page.on("response", lambda r: self.errors.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def asked(self, request):
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.outside.add(request.url)

    def failed(self, request):
        if request.url.startswith(self.address) and "ERR_ABORTED" not in (request.failure or ""):
            self.errors.append(f"{request.failure} {request.url}")

    def axe(self, runs: list[tuple[dict | None, dict]]) -> list[str]:
        """What axe finds on the page as it stands, a line for a node. The page keeps axe, so it is sent there once."""
        from axe_playwright_python.base import AXE_SCRIPT

        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        always = {"resultTypes": ["violations"], "preload": False}
        found = [self.page.evaluate(RUN_AXE, [where, always | options]) for where, options in runs]
        return [f"{rule['id']}: {node['html'][:160]}" for rules in found for rule in rules for node in rule["nodes"]]

    def go(self, name: str) -> None:
        self.page.goto(f"{self.address}/{name}.html", wait_until="load")
        if self.page.locator("mjx-container, .math").count():
            self.page.wait_for_function("window.MathJax && MathJax.startup && MathJax.startup.promise")
            self.page.evaluate("MathJax.startup.promise.then(() => true)")

    def wear(self, theme: str) -> None:
        """Let the system have this theme."""
        self.page.emulate_media(color_scheme=theme)
        self.page.wait_for_function("theme => document.documentElement.dataset.theme == theme", arg=theme)


@pytest.fixture(scope="module", params=WIDTHS)
def looks(browser, address, request) -> dict[str, dict]:
    """What was seen at one width on every page, in each theme."""
    seen = {}
    visit = Visit(browser, address, request.param)
    for name in toc_pages():
        visit.errors.clear()
        visit.outside.clear()
        visit.go(name)
        for theme in THEMES:
            visit.wear(theme)
            seen[name, theme] = visit.page.evaluate(LOOK)
        for theme in reversed(THEMES):  # it wears the last one still
            visit.wear(theme)
            visit.page.evaluate(UNFOLD)
            look = seen[name, theme]
            look.update(errors=list(visit.errors), outside=sorted(visit.outside))
            look["overflow_open"] = visit.page.evaluate(OVERFLOW)
            look["axe"] = visit.axe(axe_runs(name, request.param, theme))
    visit.context.close()
    return seen


def wrong(looks: dict, key: str) -> dict:
    return {place: look[key] for place, look in looks.items() if look[key]}


def test_no_console_error_and_no_failed_request(looks):
    assert wrong(looks, "errors") == {}


def test_no_page_asks_another_host(looks):
    assert wrong(looks, "outside") == {}


def test_the_theme_follows_the_system(looks):
    assert [place for place, look in looks.items() if look["theme"] != place[1]] == []


def test_every_page_has_one_heading_of_the_first_level(looks):
    assert {place: look["headings"] for place, look in looks.items() if look["headings"] != 1} == {}


def test_every_image_is_there_and_has_alt_text(looks):
    assert wrong(looks, "mute") == {}
    assert wrong(looks, "unloaded") == {}


def test_nothing_is_wider_than_the_screen(looks):
    assert {place: look["overflow"] for place, look in looks.items() if look["overflow"] > 0} == {}
    assert {place: look["overflow_open"] for place, look in looks.items() if look["overflow_open"] > 0} == {}
    assert wrong(looks, "wide") == {}


def test_axe_finds_nothing(looks):
    """Accessibility, with everything unfolded: names, roles, landmarks, headings, labels, contrast of 4.5 to 1."""
    assert wrong(looks, "axe") == {}


def test_every_formula_is_set(looks):
    assert wrong(looks, "unset") == {}
    assert wrong(looks, "raw") == {}


@pytest.mark.parametrize("looks", WIDTHS[:1], indirect=True)
def test_every_internal_link_resolves(looks, address):
    ids = {name: set(looks[name, "light"]["ids"]) for name in toc_pages()}
    broken = set()
    for name in toc_pages():
        for link in looks[name, "light"]["links"]:
            target, anchor = urldefrag(urljoin(f"{address}/{name}.html", link))
            if not target.startswith(address):
                continue
            path = unquote(urlsplit(target).path).lstrip("/") or "index.html"
            known = ids.get(path.removesuffix(".html"))  # of a page outside the toc nothing is known
            gone = anchor and known is not None and unquote(anchor) not in known
            if gone or not (HTML / path).is_file():
                broken.add((name, link.removeprefix(address)))
    assert not broken


def test_search_finds_a_known_word(browser, address):
    visit = Visit(browser, address, 1300)
    visit.page.goto(f"{address}/search.html?q=subscription", wait_until="load")
    visit.page.wait_for_selector("#search-results li a")
    assert visit.page.locator("#search-results li").count() >= 2
    assert visit.errors == []
    visit.context.close()


def test_the_theme_button_works(browser, address):
    visit = Visit(browser, address, 1300)
    visit.go(toc_pages()[0])
    page = visit.page
    seen = [page.evaluate("getComputedStyle(document.body).backgroundColor")]
    for _ in range(3):  # the button goes round: light, dark, as the system
        page.locator(".theme-switch-button:visible").first.click()
        page.wait_for_timeout(300)
        seen.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    visit.context.close()
    assert len(set(seen)) == 2, seen


def test_the_navigation_opens_on_a_phone(browser, address):
    visit = Visit(browser, address, 390)
    visit.go(toc_pages()[0])
    visit.page.locator(".primary-toggle:visible").first.click()
    link = visit.page.locator(".bd-sidebar-primary a.reference:visible, dialog a.reference:visible").last
    link.wait_for(state="visible", timeout=5000)
    visit.context.close()


def test_solutions_are_folded_and_open(browser, address):
    """A solution shows nothing of its cells until it is opened, and then shows them."""
    visit = Visit(browser, address, 1300)
    found = 0
    for name in toc_pages():
        if not (HTML / f"{name}.html").read_text(encoding="utf-8").count("solution dropdown"):
            continue
        visit.go(name)
        for solution in visit.page.locator("div.solution.dropdown").all():
            found += 1
            code = solution.locator("div.highlight").first
            if not code.count():
                continue
            assert not in_sight(code), f"{name}: a solution shows its code before it is opened"
            solution.locator("button.toggle-button, .admonition-title").first.click()
            deadline = time.monotonic() + 5
            while not in_sight(code) and time.monotonic() < deadline:
                visit.page.wait_for_timeout(50)
            assert in_sight(code), f"{name}: a solution can't be opened"
    visit.context.close()
    if not found:
        pytest.skip("no page of the book has a folded solution yet")


def test_every_quiz_is_taken_up(browser, address):
    """Its options come in a new order, a choice is marked, and the score below counts the questions of the page."""
    visit = Visit(browser, address, 390)
    found = 0
    for name in toc_pages():
        if not (questions := (HTML / f"{name}.html").read_text(encoding="utf-8").count('class="quiz admonition"')):
            continue
        found += 1
        visit.go(name)
        score = visit.page.locator(".quiz-score")
        assert score.count() == 1, name
        visit.page.evaluate("document.querySelectorAll('.quiz details.right summary').forEach(each => each.click())")
        assert score.locator("[role=status]").inner_text() == f"{questions} of {questions} right.", name
        assert visit.page.locator(".quiz-choice.right").count() == questions
    assert visit.errors == []
    visit.context.close()
    assert found > 8


def test_the_ledger_can_be_searched(browser, address):
    visit = Visit(browser, address, 390)
    visit.go("book/ledger")
    page, rows = visit.page, visit.page.locator("table.ledger tbody tr")
    shown = page.locator("table.ledger tbody tr:visible")
    status = page.get_by_role("search", name="Claims").get_by_role("status")
    everything = rows.count()
    assert shown.count() == everything and status.inner_text() == f"{everything} of {everything} claims"
    page.get_by_label("Words in the claim").fill("replay BUFFER")
    texts = [text.lower() for text in shown.all_text_contents()]
    assert 0 < len(texts) < 20 and all("replay" in text and "buffer" in text for text in texts)
    page.get_by_label("Verdict").select_option("Differs")
    assert 0 < shown.count() < len(texts)
    assert all("Differs." in text for text in shown.all_text_contents())
    page.get_by_label("Words in the claim").fill("no such words")
    assert shown.count() == 0 and status.inner_text().startswith("No claim")
    page.get_by_label("Words in the claim").fill("")
    for option in page.locator("#ledger-verdict option").all()[1:]:
        page.get_by_label("Verdict").select_option(option.get_attribute("value"))
        assert f"({shown.count()})" in option.inner_text() and shown.count() > 0
    assert visit.errors == []
    visit.context.close()


def test_the_ledger_is_a_plain_table_without_scripts(browser, address):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1300, "height": 900})
    page = context.new_page()
    page.goto(f"{address}/book/ledger.html")
    assert page.locator("table.ledger tbody tr:visible").count() > 140
    assert page.locator(".ledger-find").count() == 0
    context.close()


def in_sight(locator) -> bool:
    seen = "e => e.getBoundingClientRect().height > 5 && e.checkVisibility({visibilityProperty: true})"
    return locator.evaluate(seen)
