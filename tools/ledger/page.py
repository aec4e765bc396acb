"""The table of the claims ledger's page, made from the claims and the records, never typed.

    python -m tools.ledger           write book/generated/ledger.md
    python -m tools.ledger --check   say whether it is out of date, and write nothing

`book/ledger.md` includes the parts of that file. tests/test_ledger.py makes them again and compares.
"""

import argparse
from pathlib import Path

import pandas as pd
import yaml

from crm_rl.files import PROJECT

from .claims import Ledger
from .rules import VERDICTS, shown

PAGE = PROJECT / "book" / "generated" / "ledger.md"

#: How a number of claims with each verdict is said, of one and of more.
COUNTED = {
    "reproduced": "is reproduced, are reproduced",
    "adds up": "adds up, add up",
    "within noise": "is within noise, are within noise",
    "differs": "differs, differ",
    "measures something else": "measures something else, measure something else",
    "inconsistent": "is inconsistent, are inconsistent",
    "arithmetic slip": "is an arithmetic slip, are arithmetic slips",
    "not testable": "is not testable, are not testable",
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
    ("email", "Interface"): ("10",),
    ("email", "Audience with high conversions"): ("10",),
    ("offers", "Model"): ("11",),
    ("offers", "Sample output"): ("11",),
    ("budget", "Goal"): ("12",),
    ("budget", "Training script"): ("12",),
    ("budget", "Simulator"): ("12",),
    ("budget", "Bandit"): ("12",),
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


def links(row) -> str:
    """Links to the chapters that show what a claim is about."""
    book = chapters()
    found = [number for number in SHOWN_IN.get((row.system, row.where), ()) if number in book]
    return ", ".join(f"[ch. {int(number)}](../{book[number]}.ipynb)" for number in found)


def claims_table(rows: list) -> list[str]:
    """The claims as one table in MyST, a row a claim; on a phone the style sheet makes each a card."""
    lines = [":::{list-table}", ":header-rows: 1", ":class: ledger", ""]
    header = ("claim", "published", "measured", "verdict", "shown in")
    named = ((f"{cell(row.claim)} [{row.id}]{{.claim-id}}", row) for row in rows)
    cells = [(claim, stated(row), measured(row), judged(row), links(row)) for claim, row in named]
    for each in (header, *cells):
        lines += [f"{'*' if place == 0 else ' '} - {text}".rstrip() for place, text in enumerate(each)]
    return [*lines, ":::"]


def totals(table: pd.DataFrame) -> str:
    """How many claims have each verdict, as a sentence."""
    counted = table["verdict"].value_counts()
    said = []
    for verdict in VERDICTS:
        one, more = COUNTED[verdict].split(", ")
        said.append(f"{counted[verdict]} {one if counted[verdict] == 1 else more}")
    return f"Of {len(table)} claims, {', '.join(said[:-1])} and {said[-1]}."


def page() -> str:
    """All parts, as the file should hold them."""
    table = Ledger("original").table()
    twin = Ledger("twin").table()["verdict"]
    on_data = table["on"].str.startswith("original")
    alike = int((twin == table["verdict"])[on_data].sum())
    of_twin = f"{on_data.sum()} claims are held against data; on the twin, {alike} of these have the same verdict."
    parts = [
        "<!-- Written by `python -m tools.ledger` from tools/ledger/claims.py: do not edit. -->\n",
        part("totals", [totals(table)]),
        part("twin", [of_twin]),
        part("claims", claims_table(list(table.itertuples()))),
    ]
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
