"""The tables of the claims ledger's page, made from the claims and the records, never typed.

    python -m tools.ledger           write book/generated/ledger.md
    python -m tools.ledger --check   say whether it is out of date, and write nothing

One more table asks some of the claims again where actions matter, and takes its numbers from the recorded rematch.

`book/ledger.md` includes the parts of that file. tests/test_ledger.py makes them again and compares.
"""

import argparse
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from crm_rl.evaluation.intervals import in_digits
from crm_rl.experiments.comparison import TABLES
from crm_rl.experiments.comparison_record import (
    Record,
    best_on_validation,
    difference,
    load_comparison,
    redraw,
    score,
)
from crm_rl.files import PROJECT

from .claims import SYSTEMS, Ledger
from .rules import VERDICTS, shown

PAGE = PROJECT / "book" / "generated" / "ledger.md"

#: One claim for each verdict, which the page works through.
EXAMPLES = {
    "reproduced": "funnel-89",
    "adds up": "funnel-97",
    "within noise": "funnel-03",
    "differs": "funnel-23",
    "measures something else": "funnel-14",
    "inconsistent": "funnel-85",
    "arithmetic slip": "offers-01",
    "not testable": "funnel-29",
    "open": "email-05",
}

#: The chapters that show what a section of the description claims, by the number of the file.
SHOWN_IN = {
    ("funnel", "Opening"): ("07", "08", "10"),
    ("funnel", "Education fix"): ("02",),
    ("funnel", "The problem"): ("07", "08"),
    ("funnel", "Overview"): ("04", "05", "07", "08", "10"),
    ("funnel", "Results table"): ("05", "07", "08"),
    ("funnel", "Key findings"): ("07", "10"),
    ("funnel", "Business value"): ("07",),
    ("funnel", "Important features"): ("07",),
    ("funnel", "How it works"): ("04", "06"),
    ("funnel", "Training"): ("04", "06"),
    ("funnel", "Balanced batches"): ("03",),
    ("funnel", "State"): ("01", "02", "05"),
    ("funnel", "Actions"): ("03", "05"),
    ("funnel", "Rewards"): ("03",),
    ("funnel", "Architecture"): ("01", "04"),
    ("funnel", "Evaluation"): ("07", "08"),
    ("funnel", "Files"): ("01", "07"),
}


def chapters() -> dict[str, str]:
    """The chapters that the book has, by the number of their file."""
    toc = yaml.safe_load((PROJECT / "_toc.yml").read_text(encoding="utf-8"))
    files = [entry["file"] for part in toc["parts"] for entry in part["chapters"]]
    return {Path(file).name[:2]: file for file in files if file.startswith("notebooks/")}


def part(name: str, lines: list[str]) -> str:
    """A piece that the page includes by its name."""
    return "\n".join([f"<!-- {name} -->", "", *lines, "", f"<!-- end of {name} -->", ""])


def cell(text: str) -> str:
    """Plain text in Markdown: dollars are no formulas, and a range is no strike-through."""
    return text.replace("$", r"\$").replace("~", "about ").replace("_", r"\_")


def with_unit(number: str, unit: str) -> str:
    """A stated number as the page shows it: "1 step", "15 points", "$10", "1.39%"."""
    if number.lstrip("+") == "1":
        unit = unit.removesuffix("s")
    number = number.replace(">", "more than ")
    return f"${number}" if unit == "$" else f"{number}%" if unit == "%" else f"{number} {unit}".strip()


def stated(row) -> str:
    return cell(with_unit(row.stated, row.unit))


def measured(row) -> str:
    """Our number, its interval, and on what it was taken."""
    if row.measure is None:
        return f"nothing new; {row.on} alone" if row.on else "nothing"
    number, *interval = shown(row.measure).split(" ", 1)
    number = with_unit(number, row.unit if row.unit in ("%", "$") else "")
    return f"{cell(' '.join([number, *interval]))}; {row.on}"


def judged(row) -> str:
    """The verdict, and why."""
    return cell(" ".join(filter(None, (f"**{row.verdict.capitalize()}.**", row.reason, row.note))))


def list_table(rows: list, header: tuple[str, ...], name: str) -> list[str]:
    """A table in MyST, a card a row on a phone."""
    lines = [":::{list-table}", ":header-rows: 1", f":class: {name}", ""]
    for cells in (header, *rows):
        lines += [f"{'*' if place == 0 else ' '} - {text}" for place, text in enumerate(cells)]
    return [*lines, ":::"]


def section(system: str, rows: list) -> list[str]:
    """The claims of a system, by the section of its description."""
    book, lines = chapters(), []
    for where, claims in groupby(rows, key=lambda row: row.where):
        lines += [f"### {where}", ""]
        links = [f"[{int(n)}](../{book[n]}.ipynb)" for n in SHOWN_IN.get((system, where), ()) if n in book]
        if links:
            chapter = "chapters" if len(links) > 1 else "chapter"
            lines += [f"Shown in {chapter} {' and '.join(filter(None, (', '.join(links[:-1]), links[-1])))}.", ""]
        cells = [
            (f"{cell(row.claim)} [{row.id}]{{.claim-id}}", stated(row), measured(row), judged(row)) for row in claims
        ]
        lines += [*list_table(cells, ("claim", "stated", "measured, on what", "verdict, and why"), "ledger"), ""]
    return lines


#: Claims that make sense where actions matter, and the question that each becomes there.
ASKED_AGAIN = {
    "finds a good policy": ("funnel-01", "What share of the attainable gain has DQN with feature selection?"),
    "better where features are bought": ("funnel-05", "With feature selection, how far is DQN ahead of Q-learning?"),
    "not met": ("funnel-21", "What changes for Q-learning with customers from pairs that it never met?"),
    "not met, finest": ("funnel-21", "And with the finest states, where it rolls dice for whom it does not know?"),
    "not met, network": ("funnel-22", "And for DQN?"),
    "falls": ("funnel-34", "How far does Q-learning fall when features have to be bought?"),
    "best single model": ("funnel-107", "Without feature selection, how far is DQN ahead of Q-learning?"),
    "best single model, rough": ("funnel-107", "And where neighbours have nothing in common?"),
}


def answers(record: Record) -> dict[str, str]:
    """What the rematch has to say to each question: a score or a difference, with its 95% interval."""
    draws, most = redraw(record, np.random.default_rng(10)), 1_000_000

    def table(steps: int = most, **which) -> dict:
        return {"learner": best_on_validation(record, TABLES, steps, **which), "steps": steps} | which

    network, buys = {"learner": "tuned", "steps": most}, {"selection": True}
    finest, strangers = list(TABLES)[-1], ({"strangers": True}, {"by_fold": True})
    gaps = {
        "better where features are bought": (network | buys, table(**buys)),
        "falls": (table(**buys), table()),
        "best single model": (network, table()),
        "best single model, rough": (network | {"world": "rough"}, table(world="rough")),
        "not met": [table(100_000) | which for which in strangers],
        "not met, finest": [{"learner": finest, "steps": 100_000} | which for which in strangers],
        "not met, network": [{"learner": "tuned", "steps": 100_000} | which for which in strangers],
    }
    found = {name: difference(record, draws, *pair) for name, pair in gaps.items()}
    shown = {name: in_digits(gap.value, *gap.ends, sign="+") for name, gap in found.items()}
    share = score(record, draws, **network, **buys)
    return shown | {"finds a good policy": in_digits(share.value, *share.ends)}


def asked_again() -> list[str]:
    """The questions with their answers on both records."""
    twin, original = (answers(load_comparison(name)) for name in ("twin", "original"))
    rows = [(f"{text} [{claim}]{{.claim-id}}", twin[key], original[key]) for key, (claim, text) in ASKED_AGAIN.items()]
    header = ("asked of the world of chapter 9", "twin", "original")
    return list_table(rows, header, "ledger-totals")


def totals(table: pd.DataFrame) -> list[str]:
    """How many claims have each verdict."""
    counted = pd.crosstab(table["verdict"], table["system"])
    counted = counted.reindex(index=list(VERDICTS), columns=list(SYSTEMS), fill_value=0)
    rows = [(verdict, *map(str, of_systems), str(sum(of_systems))) for verdict, *of_systems in counted.itertuples()]
    rows.append(("**all**", *map(str, counted.sum()), str(len(table))))
    header = ("verdict", *SYSTEMS, "all")
    return list_table(rows, header, "ledger-totals")


def page() -> str:
    """All parts, as the file should hold them."""
    table = Ledger("original").table()
    twin = Ledger("twin").table()["verdict"]
    rows = list(table.itertuples())
    found = {row.id: row for row in rows}
    on_data = table["on"].str.startswith("original")
    alike = int((twin == table["verdict"])[on_data].sum())
    parts = ["<!-- Written by `python -m tools.ledger` from tools/ledger/claims.py: do not edit. -->\n"]
    parts.append(part("totals", totals(table)))
    parts.append(
        part(
            "twin",
            [f"{on_data.sum()} claims are held against data. On the twin, {alike} of these have the same verdict."],
        )
    )
    parts.append(part("asked again", asked_again()))
    for verdict, name in EXAMPLES.items():
        row = found[name]
        text = f"{cell(row.claim)}: stated {stated(row)}; measured {measured(row)}. {judged(row)}"
        parts.append(part(f"example of {verdict}", [f"> [{row.id}]{{.claim-id}} {text}"]))
    for system in SYSTEMS:
        parts.append(part(system, section(system, [row for row in rows if row.system == system])))
    return "\n".join(parts)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    wanted = page()
    stale = not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted
    if stale:
        print(f"{PAGE.relative_to(PROJECT)}: {'out of date' if options.check else 'written'}")
        if not options.check:
            PAGE.parent.mkdir(parents=True, exist_ok=True)
            PAGE.write_text(wanted, encoding="utf-8", newline="\n")
    return int(options.check and stale)
