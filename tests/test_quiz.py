"""The quizzes in a real browser: a new order of the options, the first choice marked, the score kept.

The page under test has the markup that Sphinx makes of a quiz, and is opened from disk. Needs the Chromium or Chrome of
the system; without it these tests skip. That every quiz of the built book is taken up is asked in test_book.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import SPHINX, write_html

SCRIPTS = ["interactive/parts.js", "quiz.js"]
#: Four questions of five options; the number of the right one.
RIGHT = [0, 1, 2, 3]


def write_page(folder: Path) -> Path:
    """A page with four questions, as Sphinx writes them, without a theme but with the book's style sheets."""
    option = (
        '<details class="sd-sphinx-override sd-dropdown sd-card sd-mb-3 {mark}"><summary class="sd-summary-title '
        'sd-card-header"><span class="sd-summary-text">Option {number} of {question}</span></summary>'
        '<div class="sd-summary-content sd-card-body docutils"><p class="sd-card-text">Because of it.</p></div>'
        "</details>"
    )
    body = ""
    for question, right in enumerate(RIGHT):
        options = (
            option.format(mark="right" if n == right else "wrong", number=n, question=question) for n in range(5)
        )
        title = f'<p class="admonition-title">{question + 1}. Which?</p>'
        body += f'<div class="quiz admonition" id="q{question}">{title}{"".join(options)}</div>'
    return write_html(folder, "A quiz", SCRIPTS, f"{body}<p>After.</p>")


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    return write_page(tmp_path_factory.mktemp("quiz")).as_uri()


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    context.add_init_script("globalThis.bookQuizSeed = 1")
    yield context
    context.close()


@pytest.fixture
def page(context, address):
    """The page, which must not complain."""
    wrong = []
    view = context.new_page()
    view.on("pageerror", lambda error: wrong.append(str(error)))
    view.goto(address)
    yield view
    assert wrong == []


def order(page, question: int = 0) -> list[int]:
    """The options of a question as they stand in the page, by their number in the source."""
    texts = page.locator(f"#q{question} .sd-summary-text").all_text_contents()
    return [int(re.match(r"Option (\d)", text)[1]) for text in texts]


def summary(page, question: int, option: int):
    return page.locator(f"#q{question} summary", has_text=f"Option {option} of")


def score(page) -> str:
    return page.locator(".quiz-score [role=status]").inner_text()


def test_the_book_loads_the_scripts_deferred():
    loaded = dict(SPHINX["html_js_files"])
    assert list(loaded).index("interactive/parts.js") < list(loaded).index("quiz.js")
    assert loaded["quiz.js"] == {"defer": "defer"}


def test_the_options_come_in_another_order_with_every_load(browser, address):
    context = browser.new_context()
    context.add_init_script("globalThis.bookQuizSeed = Number(window.name)")
    page, orders = context.new_page(), []
    page.goto(address)
    for seed in range(12):
        page.evaluate("seed => { window.name = seed }", seed)  # the name of a window outlives a load
        page.reload()
        orders.append([order(page, question) for question in range(4)])
    context.close()
    assert all(sorted(each) == list(range(5)) for of_load in orders for each in of_load)
    firsts = {of_load[0].index(RIGHT[0]) for of_load in orders}
    assert len(firsts) >= 4, "the right option comes in varied places"
    assert len({tuple(map(tuple, of_load)) for of_load in orders}) == 12
    assert any(of_load[0] != of_load[1] for of_load in orders), "each question has an order of its own"


def test_the_same_seed_gives_the_same_order(page, context, address):
    other = context.new_page()
    other.goto(address)
    assert [order(other, question) for question in range(4)] == [order(page, question) for question in range(4)]


def test_the_first_choice_counts_and_is_marked(page):
    assert "first choice counts" in score(page)
    summary(page, 0, 0).click()
    assert score(page) == "1 of 1 right so far, 3 to go."
    assert page.locator("#q0 .quiz-choice.right").inner_text() == "✓ your choice: right"
    assert page.locator("#q0 .sd-card-text:visible").count() == 1
    summary(page, 1, 4).click()
    assert score(page) == "1 of 2 right so far, 2 to go."
    assert page.locator("#q1 .quiz-choice.wrong").inner_text() == "✗ your choice: not right"
    summary(page, 1, 1).click()  # to look at the right one afterwards changes nothing
    assert score(page) == "1 of 2 right so far, 2 to go." and page.locator("#q1 .quiz-choice").count() == 1
    summary(page, 2, 2).click()
    summary(page, 3, 3).click()
    assert score(page) == "3 of 4 right."


def test_the_score_is_kept_and_can_be_reset(page):
    for question in range(4):
        summary(page, question, 3).click()
    assert score(page) == "1 of 4 right."
    page.reload()
    assert score(page) == "1 of 4 right."
    assert page.locator(".quiz-choice").count() == 4 and page.locator("details[open]").count() == 0
    page.get_by_role("button", name="Start again").click()
    assert "first choice counts" in score(page) and page.locator(".quiz-choice").count() == 0
    page.reload()
    assert "first choice counts" in score(page) and not page.locator(".quiz-again").is_visible()


def test_it_works_by_keyboard(page):
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    chosen = order(page)[0]
    assert score(page) == f"{int(chosen == RIGHT[0])} of 1 right so far, 3 to go."
    for _ in range(5):  # past the other options, to the first of the next question
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator("#q1 .quiz-choice").count() == 1
    for _ in range(40):
        if page.evaluate("document.activeElement.className") == "quiz-again":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator(".quiz-choice").count() == 0
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY", "the focus goes back to the first question"


def test_opening_all_by_script_chooses_nothing(page):
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.locator(".quiz-choice").count() == 0


def test_print_has_the_order_of_the_source_and_no_score(page):
    before = order(page)
    assert before != list(range(5))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert [order(page, question) for question in range(4)] == [list(range(5))] * 4
    assert not page.locator(".quiz-score").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert order(page) == before


def test_a_pdf_has_the_order_of_the_source(page):
    page.evaluate("addEventListener('beforeprint', () => { window.seen = document.body.innerText })")
    page.pdf()
    numbers = re.findall(r"Option (\d) of 0", page.evaluate("window.seen"))
    assert numbers == list("01234")


def test_without_scripts_the_options_open_as_they_are(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert order(page) == list(range(5)) and page.locator(".quiz-score").count() == 0
    summary(page, 0, 2).click()
    assert page.locator("#q0 .sd-card-text:visible").count() == 1
    context.close()


def test_a_browser_that_keeps_nothing_still_marks(browser, address):
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('no') } })")
    page = context.new_page()
    page.goto(address)
    summary(page, 0, 0).click()
    assert score(page) == "1 of 1 right so far, 3 to go."
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_in_both_themes(page, theme):
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    summary(page, 0, 0).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(".quiz-again").bounding_box()["height"] >= 40
    colours = page.locator(".quiz-choice").evaluate("e => getComputedStyle(e).color")
    assert colours in ("rgb(42, 111, 75)", "rgb(132, 203, 163)")
