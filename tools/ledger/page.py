"""The tables of the claims ledger's page, made from the claims and the records, never typed.

    python -m tools.ledger           write book/generated/ledger.md
    python -m tools.ledger --check   say whether it is out of date, and write nothing

`book/ledger.md` includes the parts of that file. tests/test_ledger.py makes them again and compares.
"""

import argparse
from itertools import groupby
from pathlib import Path

import pandas as pd
import yaml

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
    ("funnel", "Opening"): ("08", "09"),
    ("funnel", "Education fix"): ("02",),
    ("funnel", "The problem"): ("08", "09"),
    ("funnel", "Overview"): ("08", "09"),
    ("funnel", "Results table"): ("08", "09"),
    ("funnel", "Key findings"): ("08",),
    ("funnel", "Business value"): ("08",),
    ("funnel", "Important features"): ("08",),
    ("funnel", "How it works"): ("08",),
    ("funnel", "Training"): ("08",),
    ("funnel", "State"): ("01", "02", "08"),
    ("funnel", "Actions"): ("08",),
    ("funnel", "Architecture"): ("01",),
    ("funnel", "Evaluation"): ("08", "09"),
    ("funnel", "Files"): ("01", "08"),
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
