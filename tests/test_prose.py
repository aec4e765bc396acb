"""The prose pages: every number is counted again, every term and source exists, nothing is left undone."""

import math
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pandas as pd
import pytest

from crm_rl.data import clean, load
from crm_rl.data.load import TWIN
from crm_rl.worlds.replay_settings import AS_CODED
from crm_rl.worlds.responsive import BASELINE

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import prose_numbers  # noqa: E402

PAGES = sorted([*(ROOT / "book").glob("*.md"), *(ROOT / "book" / "interview").glob("*.md")])
CHAPTERS = sorted((ROOT / "notebooks").glob("*.py"))
TEXTS = [*PAGES, *CHAPTERS]


@pytest.fixture(scope="module")
def written():
    return prose_numbers.written()


@pytest.fixture(scope="module")
def twin():
    raw = load(TWIN)
    return raw, clean(raw)[0]


@pytest.fixture(scope="module")
def original():
    path = prose_numbers.original_path()
    if path is None:
        pytest.skip(
            "the original export is not on this machine: the numbers that hold for it alone are not counted again"
        )
    raw = load(path)
    return raw, *clean(raw)


def differing(counted: dict[str, str], written: dict[str, str]) -> dict[str, tuple]:
    """The written numbers that are not the counted ones."""
    return {key: (written[key], value) for key, value in counted.items() if key in written and written[key] != value}


# ---- The numbers --------------------------------------------------------------------------------------------------


def test_every_number_used_is_written_and_every_number_written_is_used(written):
    assert prose_numbers.used() == set(written)


def test_numbers_counted_on_the_twin(twin, written):
    assert differing(prose_numbers.counted(*twin), written) == {}


def test_numbers_counted_on_the_original(original, written):
    raw, customers, report = original
    assert differing(prose_numbers.counted(raw, customers), written) == {}
    assert differing(prose_numbers.counted_in_original(raw, customers, report), written) == {}


def test_numbers_of_the_checklist_are_those_recorded_by_the_audit(written):
    assert differing(prose_numbers.audited(), written) == {}


def test_times_are_those_that_the_chapters_state(written):
    assert differing(prose_numbers.reading_times(), written) == {}


def test_every_number_has_a_source(twin, written):
    sources = prose_numbers.counted(*twin) | prose_numbers.audited()
    sources |= prose_numbers.reading_times()
    assert [key for key in written if key not in sources and not key.startswith("o_")] == []


def test_a_wrong_number_is_found(twin, written):
    wrong = written | {"all_s": "47"}
    assert differing(prose_numbers.counted(*twin), wrong) == {"all_s": ("47", "48")}


def test_the_config_and_the_figure_are_what_the_tool_writes(written):
    assert prose_numbers.CONFIG.read_text(encoding="utf-8") == prose_numbers.config_with(prose_numbers.facts())
    assert prose_numbers.FIGURE.read_text(encoding="utf-8") == prose_numbers.figure(prose_numbers.facts())


def test_the_counts_that_the_book_turns_on(written):
    """Counted elsewhere and known by heart: if these move, the book tells another story."""
    known = {
        "all_n": "11,032", "all_s": "48", "subs_dated": "47", "subs_either": "50", "inbound_n": "281",
        "inbound_s": "25", "test_s": "25", "test_n": "1,655", "all_odds": "229", "test_odds": "65",
        "test_over_all": "3.47",
    }  # fmt: skip
    assert {key: written[key] for key in known} == known


def test_the_study_s_claims_are_consistent_with_their_own_arithmetic():
    for share, factor, successes, episodes in prose_numbers.CLAIMS.values():
        assert round(100 * successes / episodes, 2) == float(share)
        assert float(share) / float(prose_numbers.BASELINE) == pytest.approx(float(factor), abs=0.005)


def test_the_study_s_baseline_is_the_share_of_subscribers_in_all_rows(written):
    """The study does not say so: our inference."""
    assert f"{prose_numbers.BASELINE}%" == written["all_rate"]


@pytest.mark.parametrize("page", ["README.md", "notebooks/00_tour.py"])
def test_the_factors_that_the_front_pages_state(page):
    """Three of the four agents win three to four times as many, and the fourth less than twice."""
    text = " ".join((ROOT / page).read_text(encoding="utf-8").replace("\n# ", "\n").split())
    assert re.search(r"three of (?:its|the) four (?:agents )?\D*three to four times", text)
    factors = sorted(float(claim[1]) for claim in prose_numbers.CLAIMS.values())
    assert factors[0] < 2 and all(3 < factor < 4.1 for factor in factors[1:]) and len(factors) == 4


def test_nothing_is_counted_that_no_page_uses(original):
    """But for what comes with each rate, whether it is used or not."""
    counted = prose_numbers.counted_in_original(*original)
    assert set(counted) - prose_numbers.used() == set()


def test_the_example_by_hand_gives_the_factor(written):
    s, n, s_all, n_all = (int(written[key].replace(",", "")) for key in ("test_s", "test_n", "all_s", "all_n"))
    assert written["test_over_all"] == f"{(s / n) / (s_all / n_all):.2f}"
    assert written["hand_factor"].endswith(f"= {written['test_over_all']}$")


def test_intervals_are_wilson_s(twin):
    _, customers = twin
    s, n, z = int(customers["subscribed"].sum()), len(customers), 1.959964
    centre = (s + z**2 / 2) / (n + z**2)
    reach = z / (n + z**2) * math.sqrt(s * (n - s) / n + z**2 / 4)
    assert prose_numbers.interval(s, n) == f"{100 * (centre - reach):.2f}% to {100 * (centre + reach):.2f}%"


def test_the_costs_of_the_problem_page_are_those_of_the_worlds():
    text = (ROOT / "book" / "problem.md").read_text(encoding="utf-8")
    table = text[text.index(":name: tab-problem-actions") : text.index("A rule that says")]
    costs = re.findall(r"(?m)^  - ([\d.]+)$", table)
    assert [float(cost) for cost in costs[::2]] == list(BASELINE.action_cost)
    assert [float(cost) for cost in costs[1::2]] == list(AS_CODED.action_cost)


def test_what_the_pages_say_in_words(twin):
    """Sentences that state a fact without a number."""
    _, customers = twin
    first, test = customers["first_contact"].notna(), prose_numbers.published_split(customers).test
    assert not test.loc[test["first_contact"].notna(), "subscribed"].any()
    assert test["first_contact"].isna().sum() == (~first).sum()
    assert (customers["signup"] & ~customers["call"]).any()
    assert (customers["demo"] & ~first).any()
    assert (customers.groupby("country")["subscribed"].sum() == 0).mean() > 0.5
    assert (customers.groupby("education")["subscribed"].sum() == 0).mean() > 0.5
    assert not (customers["status"] == "Active").any()
    with_demo, without = (customers.loc[customers["demo"] == had, "subscribed"].mean() for had in (True, False))
    assert with_demo > 10 * without
    assert customers.loc[customers["demo"], "inbound"].mean() > 0.9
    inbound, outbound = (customers.loc[who, "subscribed"].mean() for who in (customers["inbound"], first))
    assert inbound > 10 * outbound


# ---- Figures drawn by hand ------------------------------------------------------------------------------------------


def test_the_bars_are_to_scale_and_the_alt_text_gives_their_numbers(written):
    svg = prose_numbers.FIGURE.read_text(encoding="utf-8")
    bars = [
        float(bar.get("width"))
        for bar in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")
        if bar.get("height") == "38"
    ]
    counts = [
        int(written[key].replace(",", "")) for key in ("all_n", "n_call", "n_signup", "n_manager", "n_subscribed")
    ]
    assert bars == pytest.approx([bars[0] * count / counts[0] for count in counts], abs=0.06)
    alt = re.search(r":alt: (.*)", (ROOT / "book" / "problem.md").read_text(encoding="utf-8"))[1]
    assert [int(number.replace(",", "")) for number in re.findall(r"[\d,]*\d", alt)] == counts


def test_the_map_of_the_front_page_shows_the_parts_and_chapters_of_the_book():
    svg = (ROOT / "book" / "_static" / "book_map.svg").read_text(encoding="utf-8")
    words = ["".join(text.itertext()) for text in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
    toc = prose_numbers.yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [part for part in toc["parts"] if part.get("numbered")]
    assert [word.split(":")[0] for word in words if word.startswith("Part ")] == [
        part["caption"].split(":")[0] for part in parts
    ]
    shown = [int(number) for word in words if "\N{NO-BREAK SPACE}" in word for number in re.findall(r"\b\d+\b", word)]
    *chapters, _interview = parts
    assert shown == list(range(1, 1 + sum(len(part["chapters"]) for part in chapters)))


def test_the_front_page_has_one_button_which_starts_the_tour():
    text = (ROOT / "book" / "welcome.md").read_text(encoding="utf-8")
    assert re.findall(r"\{button-ref\} (\S+)", text) == ["../notebooks/00_tour"]
    assert not re.search(r"planned|coming soon|to come", text, flags=re.IGNORECASE)


# ---- Words, terms and sources -------------------------------------------------------------------------------------


def glossary() -> set[str]:
    """The terms of the glossary, in small letters."""
    text = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    entries = "\n".join(re.findall(r"(?s):::\{glossary\}\n:sorted:\n(.*?)\n:::", text))
    return {line.casefold() for line in entries.splitlines() if line and not line.startswith(" ")}


def sources() -> set[str]:
    return set(re.findall(r"(?m)^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_terms_are_in_the_glossary(path):
    terms = re.findall(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`", path.read_text(encoding="utf-8"))
    assert {" ".join(re.split(r"[\s#]+", term)).casefold() for term in terms} - glossary() == set()


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_sources_are_in_the_bibliography(path):
    cited = re.findall(r"\{cite:\w+\}`([^`]+)`", path.read_text(encoding="utf-8"))
    assert {key.strip() for keys in cited for key in keys.split(",")} - sources() == set()


def test_every_source_is_cited_somewhere():
    questions = ROOT / "book" / "generated" / "questions.md"
    text = "".join(path.read_text(encoding="utf-8") for path in [*TEXTS, questions])
    cited = {key.strip() for keys in re.findall(r"\{cite:\w+\}`([^`]+)`", text) for key in keys.split(",")}
    assert sources() - cited == set()


def test_the_glossary_has_no_term_twice_and_each_is_explained_briefly():
    text = (ROOT / "book" / "glossary.md").read_text(encoding="utf-8")
    body = "\n".join(re.findall(r"(?s):::\{glossary\}\n:sorted:\n(.*?)\n:::", text))
    entries = re.findall(r"(?m)^(\S.*)\n((?:  .*\n?)+)", body)
    names = [name.casefold() for name, _ in entries]
    assert len(names) == len(set(names)) == len(glossary())
    assert [name for name, meaning in entries if not 4 <= len(meaning.split()) <= 75] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_nothing_is_left_undone(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"\b(?:TODO|FIXME|XXX|TBD|lorem)\b", text, flags=re.IGNORECASE) == []
    assert not re.search(r"[\U0001F300-\U0001FAFF]", text), "no emoji"
    assert len(re.findall(r"(?m)^# ", re.sub(r"(?s)```.*?```", "", text))) == 1, "one title"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_to_pages_of_the_book(path):
    links = re.findall(r"\]\(([^)#\s]+\.(?:md|ipynb))(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    toc = prose_numbers.yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = {toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])}
    targets = {(path.parent / link).resolve().relative_to(ROOT).with_suffix("").as_posix() for link in links}
    assert targets - files == set()


def test_chapters_bear_the_number_of_their_file():
    """The text cites chapters by number, and titles and sidebar show the one that the table of contents gives.

    What prepares for interviews is cited by name, so the numbers of that part may change.
    """
    toc = prose_numbers.yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    parts = [part for part in toc["parts"] if part.get("numbered")]
    files = {part["caption"]: [entry["file"] for entry in part["chapters"]] for part in parts}
    practice = files.pop("Part V: Interview preparation")
    numbered = [file for chapters in files.values() for file in chapters]
    assert [int(re.match(r"notebooks/(\d\d)_", file)[1]) for file in numbered] == list(range(1, len(numbered) + 1))
    others = files_of(toc) - {*numbered, *practice}
    assert all(file.startswith(("book/", "notebooks/a", "notebooks/00_")) for file in others)


def files_of(toc: dict) -> set[str]:
    return {entry["file"] for part in toc["parts"] for entry in part["chapters"]}


@pytest.mark.parametrize("name", ["problem"])
def test_every_quiz_question_has_one_right_option_and_explains_all(name):
    text = (ROOT / "book" / f"{name}.md").read_text(encoding="utf-8")
    questions = re.findall(r"(?s):::::\{admonition\} (\d)\..*?:class: quiz\n(.*?)\n:::::", text)
    assert [number for number, _ in questions] == [str(n + 1) for n in range(len(questions))]
    for _, options in questions:
        marks = re.findall(r":class-container: (right|wrong)\n\n(\S.{20,})", options)
        assert len(marks) == options.count("{dropdown}")
        assert [mark for mark, _ in marks].count("right") == 1


def test_the_columns_of_the_data_card_are_those_of_the_export(twin):
    card = (ROOT / "book" / "data_card.md").read_text(encoding="utf-8")
    table = card[card.index(":name: tab-card-columns") : card.index("### Why there are")]
    assert re.findall(r"(?m)^\* - `(.+)`$", table) == list(pd.Index(twin[0].columns))
