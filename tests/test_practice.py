"""The practice page in a real browser: filter, reveal, marks that survive a reload, one at a time, mock interview.

The page under test has the markup that Sphinx makes of the questions, and is opened from disk. Needs the Chromium or
Chrome of the system; without it these tests skip. The page of the built book is looked at in test_book.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pages import SPHINX, write_html

TOPICS = ["Bandits", "Budgets"]
LEVELS = ["screen", "core", "core", "senior"]
CARD = (
    '<details class="sd-sphinx-override sd-dropdown sd-card sd-mb-3 interview card-question level-{level} minutes-2" '
    'id="card-{id}"><summary class="sd-summary-title sd-card-header">'
    '<span class="sd-summary-text">Question {id}?</span></summary>'
    '<div class="sd-summary-content sd-card-body docutils"><p class="sd-card-text">Answer {id}.</p></div>'
    "</details>"
)


def write_page(folder: Path) -> Path:
    """Two topics of four questions, as Sphinx writes them, without a theme but with its colours."""
    body = ""
    for topic in TOPICS:
        made = "".join(CARD.format(level=level, id=f"{topic}-{n}") for n, level in enumerate(LEVELS))
        body += f'<section id="{topic}"><h2>{topic}<a class="headerlink" href="#{topic}">#</a></h2>{made}</section>'
    colours = (
        "body { background: var(--pst-color-background); color: var(--pst-color-text-base) }"
        "html { --pst-color-background: #fff; --pst-color-text-base: #222; --pst-color-text-muted: #555 }"
        "html[data-theme=dark] { --pst-color-background: #121212; --pst-color-text-base: #ddd;"
        " --pst-color-text-muted: #aaa }"
    )
    body = f'<div class="practice" id="practice"></div>{body}'
    return write_html(folder, "Practise", ["interactive/parts.js", "practice.js"], body, colours)


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    return write_page(tmp_path_factory.mktemp("practice")).as_uri()


@pytest.fixture
def page(browser, address):
    """The page on a phone, on day 100; it must not complain, nor ask for anything but its own files."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    context.add_init_script("globalThis.bookPracticeSeed = 1; globalThis.bookToday ??= 100")
    wrong = []
    context.on("request", lambda request: wrong.append(request.url) if not request.url.startswith("file:") else None)
    view = context.new_page()
    view.on("pageerror", lambda error: wrong.append(str(error)))
    view.goto(address)
    yield view
    context.close()
    assert wrong == []


def shown(page) -> list[str]:
    """The ids of the questions in sight."""
    seen = "all => all.filter(e => e.checkVisibility()).map(e => e.id.replace('card-', ''))"
    return page.locator("details.card-question").evaluate_all(seen)


def alone(page) -> str:
    """The id of the only question in sight, as soon as it is the only one."""
    one = "[...document.querySelectorAll('details.card-question')].filter(e => e.checkVisibility()).length == 1"
    page.wait_for_function(one)
    return shown(page)[0]


def status(page) -> str:
    return page.locator(".practice-status").inner_text()


def answer(page, name: str):
    return page.get_by_text(f"Answer {name}.")


def press(page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def later(page, day: int) -> None:
    """The same browser on another day."""
    page.context.add_init_script(f"globalThis.bookToday = {day}")
    page.reload()


def test_the_book_loads_script_and_style():
    loaded = dict(SPHINX["html_js_files"])
    assert list(loaded).index("interactive/parts.js") < list(loaded).index("practice.js")
    assert loaded["practice.js"] == {"defer": "defer"} and "practice.css" in SPHINX["html_css_files"]


def test_questions_are_filtered_by_topic_and_level(page):
    assert len(shown(page)) == 8 and status(page).startswith("8 of 8 questions;")
    page.get_by_label("Topic").select_option("Budgets")
    page.get_by_label("Level").select_option("core")
    assert shown(page) == ["Budgets-1", "Budgets-2"] and status(page).startswith("2 of 8 questions;")
    assert not page.get_by_role("heading", name="Bandits").is_visible()
    page.get_by_label("Show").select_option("known")
    assert shown(page) == [] and status(page).startswith("No question is chosen")
    assert page.get_by_role("button", name="One at a time").is_disabled()


def test_an_answer_is_revealed_marked_and_kept(page):
    assert not answer(page, "Bandits-0").is_visible()
    page.get_by_text("Question Bandits-0?").click()
    assert answer(page, "Bandits-0").is_visible()
    press(page, "I knew it")
    page.get_by_text("Question Budgets-3?").click()
    press(page, "Again")
    told = "8 of 8 questions; 1 known, 1 to repeat, 1 due today."
    assert status(page) == told
    page.reload()
    assert status(page) == told
    assert page.locator("#card-Bandits-0 .card-mark").inner_text() == "✓ known, box 1"
    assert page.locator("#card-Budgets-3 .card-mark").inner_text() == "↻ again"
    page.get_by_label("Show").select_option("to repeat")
    assert shown(page) == ["Budgets-3"]


def test_a_known_question_rests_longer_each_time(page):
    day, boxes = 100, []
    for rest in (1, 3, 7, 14, 30, 30):
        page.get_by_text("Question Bandits-0?").click()
        press(page, "I knew it")
        boxes.append(page.locator("#card-Bandits-0 .card-mark").inner_text()[-1])
        later(page, day + rest - 1)
        assert "0 due today" in status(page)
        day += rest
        later(page, day)
        assert "1 due today" in status(page)
    assert boxes == ["1", "2", "3", "4", "5", "5"]
    page.get_by_text("Question Bandits-0?").click()
    press(page, "Again")
    assert "0 known, 1 to repeat, 1 due today" in status(page)


def test_one_at_a_time_by_keyboard(page):
    """What was not known comes back; the questions return to their places."""
    before = shown(page)
    page.get_by_label("Topic").select_option("Bandits")
    page.get_by_role("button", name="One at a time").press("Enter")
    asked, marks = [], [False, True, True, True, True]
    for known in marks:
        asked.append(alone(page))
        page.keyboard.press("Enter")  # the question has the focus: open it
        page.get_by_role("group", name="How was it?").wait_for()  # a browser tells a moment later that it is open
        assert answer(page, asked[-1]).is_visible()
        page.keyboard.press("Tab")
        if not known:
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
    assert sorted(asked[:4]) == [f"Bandits-{n}" for n in range(4)] and asked[4] == asked[0]
    assert page.get_by_text("Done: 5 answers.").is_visible()
    press(page, "Back to the list")
    assert "4 known, 0 to repeat" in status(page)
    page.get_by_label("Topic").select_option("all topics")
    assert shown(page) == before


def test_what_is_due_comes_before_what_is_new(page):
    page.get_by_text("Question Budgets-2?").click()
    press(page, "Again")
    press(page, "One at a time")
    assert shown(page) == ["Budgets-2"]
    press(page, "Stop")
    assert len(shown(page)) == 8 and page.locator("details[open]").count() == 0


def test_a_mock_interview(page):
    press(page, "Mock interview")
    asked = []
    for number in range(6):
        assert page.get_by_text(f"Question {number + 1} of 6.").is_visible()
        assert re.fullmatch(r"[12]:\d\d", page.get_by_role("timer").inner_text())
        assert page.get_by_role("group", name="Score yourself").count() == 0
        asked += shown(page)
        page.keyboard.press("Enter")
        boxes = page.get_by_role("checkbox")
        boxes.first.wait_for()
        assert boxes.count() == 4
        for box in boxes.all()[: number % 5]:
            box.check()
        press(page, "See the result" if number == 5 else "Next question")
    assert len(set(asked)) == 6
    assert sorted(name.split("-")[0] for name in asked) == ["Bandits"] * 3 + ["Budgets"] * 3
    assert page.get_by_text("10 of 24 points.").is_visible()
    assert page.locator(".practice-stage li").first.inner_text() == f"0 of 4: Question {asked[0]}?"
    press(page, "Back to the list")
    assert "2 known, 4 to repeat" in status(page)


def test_the_clock_goes_below_zero(page):
    page.clock.install(time=1_000_000)
    page.reload()
    press(page, "Mock interview")
    page.clock.run_for(119_000)
    assert page.get_by_role("timer").inner_text() == "0:01"
    page.clock.run_for(1_000)
    assert status(page).startswith("Time is up")
    page.clock.run_for(5_000)
    assert page.get_by_role("timer").inner_text() == "−0:05"


def test_marks_can_be_forgotten(page):
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_text("Question Bandits-1?").click()
    press(page, "I knew it")
    press(page, "Forget all marks")
    assert "0 known" in status(page) and page.locator("#card-Bandits-1 .card-mark").inner_text() == ""
    page.reload()
    assert "0 known" in status(page) and not page.get_by_role("button", name="Forget all marks").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_a_phone_and_axe_finds_nothing(page, theme):
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)

    def looks_right():
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [f"{rule['id']}: {node['html'][:120]}" for rule in found for node in rule["nodes"]] == []
        heights = page.locator("main button:visible, select:visible").evaluate_all(
            "all => all.map(e => e.offsetHeight)"
        )
        assert min(heights) >= 40

    page.get_by_text("Question Bandits-0?").click()
    looks_right()
    press(page, "Again")
    press(page, "Mock interview")
    page.keyboard.press("Enter")
    page.get_by_role("checkbox").first.wait_for()
    looks_right()


def test_without_scripts_the_list_is_the_page(browser, address):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert len(page.locator("details.card-question:visible").all()) == 8 and page.locator("button").count() == 0
    page.get_by_text("Question Bandits-2?").click()
    assert answer(page, "Bandits-2").is_visible()
    context.close()


def test_a_browser_that_keeps_nothing_still_works(browser, address):
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(globalThis, 'localStorage', { get() { throw new Error('no') } })")
    page = context.new_page()
    page.goto(address)
    page.get_by_text("Question Bandits-2?").click()
    press(page, "I knew it")
    assert "1 known" in status(page)
    context.close()
