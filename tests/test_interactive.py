"""The interactive parts in a real browser: their numbers against the package, and what a reader does with them.

The page under test is written here from the markup that chapters paste and the files that the book loads, and is opened
from disk, as a reader may open the book. Needs the Chromium or Chrome of the system; without it these tests skip.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from pages import SPHINX, write_html

from crm_rl.planning.exact import optimal
from crm_rl.worlds.base import N_ACTIONS
from crm_rl.worlds.responsive import CHANCES, FRESH, NO_CHANNEL, State, situation, step

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "book" / "_static"
PARTS = STATIC / "interactive"
SNIPPETS = {
    name: ROOT / "book" / "interactive" / f"{name}.html" for name in ("play_funnel", "q_stepper", "states_slider")
}

sys.path.insert(0, str(ROOT / "tools"))
import play_data  # noqa: E402
import states_data  # noqa: E402

SCRIPTS = [name for name, _ in SPHINX["html_js_files"] if name.startswith("interactive/")]

#: In the page: a game with one of its customers, and the best plan of it.
GAME = """(i => {
    const game = bookParts.funnel.game(bookParts.funnelWorld, bookParts.funnelWorld.customers[i]);
    return [game, game.solve()];
})"""

#: By which a script could ask for something, or depend on more than its seed.
FORBIDDEN = r"https?://|fetch\(|XMLHttp|import\(|@import|url\(|Math\.random|eval\("


def write_page(folder: Path) -> Path:
    """A page with every part, without a theme but with the book's style sheets and scripts."""
    dark = "html[data-theme=dark] body { background: #121212; color: #ddd }"
    body = "".join(path.read_text(encoding="utf-8") for path in SNIPPETS.values())
    plain = f"body {{ margin: 8px; font-family: sans-serif }} {dark}"
    return write_html(folder, "The interactive parts", SCRIPTS, body, plain)


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> str:
    return write_page(tmp_path_factory.mktemp("page")).as_uri()


@pytest.fixture
def page(browser, address):
    """The page, which may ask for nothing but files and must not complain."""
    context = browser.new_context(viewport={"width": 390, "height": 800}, reduced_motion="reduce")
    wrong = []
    view = context.new_page()
    view.on("pageerror", lambda error: wrong.append(str(error)))
    view.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    view.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else wrong.append(asked.url))
    view.goto(address)
    yield view
    context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def world(twin):
    """The customers of the game as the package has them, its params, and the best plan."""
    people, params = play_data.chosen_customers()
    return people, params, optimal(people, params)


# ---- The files ----


def test_what_the_page_knows_of_its_customers_is_up_to_date(twin):
    assert play_data.outdated() == [], "Remedy: python tools/play_data.py"


def test_what_the_slider_knows_of_its_tables_is_up_to_date(twin):
    assert states_data.outdated() == [], "Remedy: python tools/states_data.py"


def test_the_book_loads_every_file_deferred_and_they_ask_for_nothing():
    files = {path.relative_to(STATIC).as_posix(): path for path in PARTS.iterdir()}
    assert set(files) == set(SCRIPTS) | {name for name in SPHINX["html_css_files"] if "/" in name}
    assert all(how == {"defer": "defer"} for _, how in SPHINX["html_js_files"])
    assert sum(path.stat().st_size for path in files.values()) < 60_000
    for name, path in files.items():
        found = re.findall(FORBIDDEN, path.read_text(encoding="utf-8"))
        assert not found, f"{name}: {found}"


@pytest.mark.parametrize("name", SNIPPETS)
def test_pages_carry_the_markup_as_it_is_written(name):
    """Markdown ends a block of HTML at the first blank line; and a page's copy must not grow old."""
    markup = SNIPPETS[name].read_text(encoding="utf-8")
    assert "\n\n" not in markup
    opening = f'<div class="{name.replace("_", "-")}"'
    for path in [*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.py")]:
        text = re.sub(r"^# ?", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        if opening in text:
            fallback = markup[markup.index("\n") :]  # the first line holds what a page may choose
            assert fallback.strip() in text, f"{path.name}: paste book/interactive/{name}.html again"


# ---- Play the funnel: the numbers ----


def test_the_page_works_out_the_exact_values(page, world):
    people, params, plan = world
    rng = np.random.default_rng(0)
    for customer, start in enumerate(plan.at_start(people)):
        weeks = rng.integers(0, params.weeks, 40)
        places = [(people.start[customer], 0, NO_CHANNEL, FRESH)]
        places += [tuple(rng.integers(0, (32, 3, 4, 3))) for _ in weeks[1:]]
        weeks[0] = 0
        asked = [[int(week), int(situation(*place))] for week, place in zip(weeks, places, strict=True)]
        values, qs = page.evaluate(
            f"""([i, asked]) => {{ const [, plan] = {GAME}(i); return [
                asked.map(([week, s]) => plan.value[week][s]),
                asked.map(([week, s]) => [...plan.q[week].subarray(6 * s, 6 * s + 6)])]; }}""",
            [customer, asked],
        )
        assert values[0] == pytest.approx(start, rel=1e-6)
        for week, place, value, q in zip(weeks, places, values, qs, strict=True):
            assert value == pytest.approx(plan.value[customer, week][place], rel=1e-6)
            assert q == pytest.approx(plan.q[customer, week][place], rel=1e-6, abs=1e-6)


def test_a_week_goes_by_as_in_the_package(page, world):
    people, params, _ = world
    rng = np.random.default_rng(1)
    for customer in range(len(people.start)):
        states = [[int(n) for n in rng.integers(0, (12, 32, 3, 4, 3))] for _ in range(150)]
        actions, luck = rng.integers(0, N_ACTIONS, 150).tolist(), (rng.random((150, CHANCES)) ** 3).tolist()
        told = page.evaluate(
            f"""([i, states, actions, luck]) => {{ const [game] = {GAME}(i);
                return states.map(([week, milestones, fatigue, channel, interest], n) =>
                    game.step({{week, milestones, fatigue, channel, interest}}, actions[n], luck[n])); }}""",
            [customer, states, actions, luck],
        )
        for state, action, chances, outcome in zip(states, actions, luck, told, strict=True):
            state = State(customer, *state, 0)
            after, reward, subscribed, over, _ = step(state, action, people, params, np.array(chances))
            assert list(outcome["state"].values()) == [int(n) for n in after[1:6]]
            assert outcome["reward"] == pytest.approx(reward)
            assert (outcome["subscribed"], outcome["over"]) == (subscribed, over)


# ---- Play the funnel: the game ----


def play(page, choose) -> list[str]:
    """Play to the end with the keyboard alone; `choose` names a key. Returns what was said each week."""
    page.locator(".play-action").first.focus()
    said = []
    while page.locator(".play-actions").is_visible():
        page.keyboard.press(choose(len(said)))
        said.append(page.locator(".play-said").inner_text())
        assert len(said) <= 12
    return said


def regrets(page) -> tuple[list[float], float]:
    data = page.locator(".play-result").evaluate("e => ({...e.dataset})")
    return json.loads(data["regrets"]), float(data["total"])


def dollars(text: str) -> float:
    return float(re.sub(r"[$,\u2060]", "", text).replace("−", "-"))


@pytest.mark.parametrize("customer", range(3))
def test_whoever_follows_the_best_plan_has_no_regret(page, customer):
    page.locator(".play-chooser input").nth(customer).check()
    page.get_by_label("Show what each action gives up").check()
    hints = page.locator(".play-action")

    def best(week: int) -> str:
        return str(1 + next(i for i, text in enumerate(hints.all_inner_texts()) if re.search(r"\bbest$", text.strip())))

    play(page, best)
    each, total = regrets(page)
    assert max(each) == total == 0
    assert "No regret" in page.locator(".play-result").inner_text()


@pytest.mark.parametrize("customer", range(3))
def test_regret_is_that_of_the_exact_plan(page, world, customer):
    people, params, plan = world
    page.locator(".play-chooser input").nth(customer).check()
    keys = "613254162345"
    said = play(page, lambda week: keys[week])
    each, total = regrets(page)
    luck = page.evaluate(
        "() => { const r = bookParts.generator(1); return Array.from({length: 12}, () => Array.from({length: 7}, r)); }"
    )
    state = State(customer, 0, int(people.start[customer]), 0, NO_CHANNEL, FRESH, 0)
    for week, regret in enumerate(each):
        action = int(keys[week]) - 1
        q = plan.q[customer, week][tuple(int(n) for n in state[2:6])]
        assert regret == pytest.approx(q.max() - q[action], rel=1e-6, abs=1e-6)
        outcome = step(state, action, people, params, np.array(luck[week]))
        state = outcome.state
    assert outcome.terminated and len(said) == len(each)
    assert total == pytest.approx(sum(each)) and total > 1

    shown = [dollars(text) for text in page.locator(".play-result td.play-regret").all_inner_texts()]
    assert shown[:-1] == pytest.approx(each, abs=0.006) and shown[-1] == pytest.approx(total, abs=0.006)
    assert page.evaluate("document.activeElement.className") == "play-result"  # a screen reader goes on there


def test_the_same_luck_comes_again_and_a_new_game_has_another(page):
    def choose(week: int) -> str:
        return "15"[week % 2]

    first, before = play(page, choose), regrets(page)
    page.get_by_role("button", name="Same luck again").press("Enter")
    assert page.locator(".play-result").is_hidden() and page.locator(".play-actions").is_visible()
    assert page.evaluate("document.activeElement.className") == "play-action"
    assert play(page, choose) == first and regrets(page) == before
    games = {tuple(first)}
    for number in range(2, 6):
        page.get_by_role("button", name="New game").press("Enter")
        assert f"Game {number}" in page.locator(".play-who").inner_text()
        games.add(tuple(play(page, choose)))
    assert len(games) > 1
    assert page.locator(".play-tally").inner_text().count("$") == 6


def test_arrow_keys_choose_the_customer_and_start_over(page):
    page.locator(".play-action").first.press("2")
    assert page.locator(".play-week").first.inner_text() == "C"
    page.locator(".play-chooser input").first.press("ArrowDown")
    assert page.locator(".play-chooser input").nth(1).is_checked()
    assert page.locator(".play-week").first.inner_text() == "1"


# ---- The stepper ----

STATES, ACTIONS = 4, 3


def by_hand() -> np.ndarray:
    """The exact values of the stepper's funnel, written out backwards."""
    third = [0.1 * 100 - 1, 0.5 * 100 - 20, 0.0]
    second = [0.1 * 100 - 1 + 0.9 * 30, 0.5 * 100 - 20 + 0.5 * 30, 30.0]
    new = [0.5 * 30 - 1, 0.1 * 30 - 20, 0.1 * 30]
    first = [0.5 * 45 + 0.5 * 14 - 1, 0.1 * 45 + 0.9 * 14 - 20, 0.1 * 45 + 0.9 * 14]
    return np.array([first, new, second, third])


def cells(page, which: str) -> np.ndarray:
    texts = page.locator(f".q-table .{which}").all_inner_texts()
    return np.array([dollars(text) for text in texts]).reshape(STATES, ACTIONS)


def test_the_stepper_shows_the_exact_values(page):
    assert np.array(page.evaluate("bookParts.stepper.best")) == pytest.approx(by_hand())
    assert cells(page, "q-exact") == pytest.approx(by_hand(), abs=0.005)


def test_a_step_is_the_update_that_is_written_out(page):
    page.get_by_label("Learning rate").fill("0.5")
    step_button = page.get_by_role("button", name="Step", exact=True)
    step_button.focus()
    for count in range(1, 61):
        before = cells(page, "q-value")
        page.keyboard.press("Enter")
        after = cells(page, "q-value")
        said = page.locator(".q-said").inner_text()
        old, alpha, target, again, new = map(
            dollars, re.search(r"\(target − old\) = (\S+) \+ (\S+) × \((\S+) − \(?(.+?)\)?\) = (\S+)$", said).groups()
        )
        assert said.startswith(f"Update {count}:") and alpha == 0.5 and old == again
        assert new == pytest.approx(old + alpha * (target - old), abs=0.011)
        reward = dollars(re.search(r"Reward (\S+)\.$", said, re.MULTILINE)[1])
        following = re.search(r"next comes (.+?)\. Reward", said)
        names = [name.split(" (")[0] for name in page.locator(".q-table tbody th").all_text_contents()]
        future = before[names.index(following[1])].max() if following else 0.0
        assert target == pytest.approx(reward + future, abs=0.011)
        changed = np.argwhere(before != after)
        cell = page.locator(".q-table td").evaluate_all("all => all.findIndex(e => e.classList.contains('updated'))")
        assert all(tuple(place) == divmod(cell, ACTIONS) for place in changed)
        assert after[divmod(cell, ACTIONS)] == pytest.approx(new, abs=0.011) and before[divmod(cell, ACTIONS)] == old


def test_runs_resets_and_seeds_of_the_stepper(page):
    def run(*names: str) -> np.ndarray:
        for name in names:
            page.get_by_role("button", name=name, exact=True).press("Enter")
        return cells(page, "q-value")

    once = run("Run 20")
    assert "20 updates" in page.locator(".q-summary").inner_text() and once.any()
    assert not run("Reset").any()
    assert (run(*["Step"] * 20) == once).all()
    page.get_by_label("Seed").fill("2")
    page.get_by_label("Seed").press("Tab")
    assert not cells(page, "q-value").any()
    assert (run("Run 20") != once).any()
    page.get_by_label("Exploration").fill("1")
    page.get_by_label("Learning rate").fill("0.05")
    learned = run(*["Run 500"] * 6)
    assert (learned.argmax(axis=1) == by_hand().argmax(axis=1)).all()
    assert "earns $28.50 a customer; the best policy earns $28.50" in page.locator(".q-summary").inner_text()


# ---- The states slider ----


def test_the_slider_goes_through_the_tables_by_keyboard(page):
    tables = play_data.parsed(states_data.DATA.read_text(encoding="utf-8"))["tables"]
    slider = page.get_by_label("What the table sees")
    slider.focus()
    heights = []
    for place, (key, table) in enumerate(zip(["Home"] + ["ArrowRight"] * (len(tables) - 1), tables, strict=True)):
        page.keyboard.press(key)
        assert f"Table {place + 1} of {len(tables)}" in page.locator(".states-name").inner_text()
        assert table["sees"] in page.locator(".states-name").inner_text()
        facts = dict(
            zip(*(page.locator(f".states-facts {tag}").all_inner_texts() for tag in ("dt", "dd")), strict=True)
        )
        assert facts["Rows possible"] == f"{table['possible']:,}" and facts["Rows in use"] == f"{table['rows']:,}"
        for world in states_data.ENDS:
            shown = facts[f"Share in {world} worlds"]
            assert float(shown.rstrip("%").replace("−", "-")) == pytest.approx(100 * table[world][0], abs=0.51)
            assert shown in slider.get_attribute("aria-valuetext")
        heights.append(float(page.locator(".states-arch circle.now.smooth").first.get_attribute("cy")))
    shares = np.array([table["smooth"][0] for table in tables])
    assert np.corrcoef(heights, shares)[0, 1] == pytest.approx(-1)  # what gets more stands higher
    page.keyboard.press("ArrowRight")
    assert f"Table {len(tables)} of" in page.locator(".states-name").inner_text()


# ---- For every reader ----


def test_without_scripts_a_table_stays(browser, address):
    context = browser.new_context(java_script_enabled=False)
    bare = context.new_page()
    bare.goto(address)
    tables = bare.locator(".part-fallback table")
    assert tables.count() == len(SNIPPETS) and all(table.is_visible() for table in tables.all())
    cell = [dollars(text) for text in tables.nth(1).locator("td").all_inner_texts()]
    assert np.array(cell).reshape(STATES, ACTIONS) == pytest.approx(by_hand())
    context.close()


def test_with_scripts_the_table_goes(page):
    assert page.locator(".part-fallback").count() == 0 and page.locator(".part").count() == len(SNIPPETS)


def finish_both(page) -> None:
    page.locator("summary").evaluate_all("all => all.forEach(e => e.parentElement.open = true)")
    play(page, lambda week: "6145"[week % 4])
    page.get_by_role("button", name="Run 20").click()


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    too_wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(too_wide) <= 0
    finish_both(page)
    assert page.evaluate(too_wide) <= 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page, theme):
    sync_playwright = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe-playwright-python is not here, so axe-core was not run"
    )
    options = {"resultTypes": ["violations"], "preload": False}  # it would fetch the style sheets, from disk in vain
    page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    page.get_by_label("Show what each action gives up").check()
    for look in (lambda: None, lambda: finish_both(page)):
        look()
        found = sync_playwright.Axe().run(page, options=options).response["violations"]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
