"""What the states slider knows of its tables, counted and read from the record.

    python tools/states_data.py           write it: book/_static/interactive/states.js, and the markup for a page,
                                          book/interactive/states_slider.html
    python tools/states_data.py --check   say whether they are out of date, and write nothing

Rows and tries are counted in tables that learn here, a million weeks each in the book's smooth world; shares are those
of the recorded comparison.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from console import finish
from play_data import parsed, rounded, same

from crm_rl.agents.q_learning import train_q_learning
from crm_rl.data.load import TWIN
from crm_rl.experiments.arms import ARMS
from crm_rl.experiments.comparison_record import load_comparison, score
from crm_rl.worlds.attributes import RESOLUTIONS
from crm_rl.worlds.nature import BOOK_WORLD
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.responsive import N_PATTERNS, N_SITUATIONS

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "book" / "_static" / "interactive" / "states.js"
SNIPPET = ROOT / "book" / "interactive" / "states_slider.html"

#: Weeks of experience.
WEEKS = 1_000_000

#: What each table sees more than the one before, in the order of `RESOLUTIONS`.
SEES = (
    "milestones",
    "week",
    "contacts in a row, last channel, interest",
    "inbound or outbound",
    "country and bootcamp in halves",
    "country and bootcamp in tenths",
    "country and bootcamp in full",
)

#: The ends of the dial, by the names that the page shows.
ENDS = {"smooth": 0.0, "rough": 1.0}

HEAD = "// Written by tools/states_data.py from the record and from tables that it trains: do not edit.\n"


def counted(name: str) -> dict:
    """How many rows a table has in use, how many it could have, and how often they were tried.

    Args:
        name: a key of `RESOLUTIONS`.
    """
    train, resolution, arm = worlds("smooth", data=TWIN)["train"], RESOLUTIONS[name], ARMS[f"table: {name}"]
    table = train_q_learning(train, arm.trials[arm.chosen], None, 0, steps=WEEKS, resolution=resolution)
    tries, weeks = table.tries.sum(axis=1), train.params.weeks
    situations = (N_PATTERNS, weeks * N_PATTERNS, weeks * N_SITUATIONS)[resolution.episode]
    return {
        "possible": len(train.levels(resolution).groups) * situations,
        "rows": len(tries),
        "mean": rounded(tries.mean()),
        "median": float(np.median(tries)),
        "once": rounded((tries <= 1).mean()),
    }


def recorded(name: str) -> dict:
    """A table's share of the attainable gain at both ends of the dial: mean, and ends of its interval."""
    runs = load_comparison("twin")
    runs = runs[runs["world"] != BOOK_WORLD]
    scores = {end: score(runs, f"table: {name}", roughness=roughness) for end, roughness in ENDS.items()}
    return {end: rounded(row[["mean", "low", "high"]].to_numpy()) for end, row in scores.items()}


def states_data() -> dict:
    """Everything the page needs."""
    tables = [{"sees": sees, **counted(name), **recorded(name)} for name, sees in zip(RESOLUTIONS, SEES, strict=True)]
    return {"weeks": WEEKS, "tables": tables}


def data_text(data: dict) -> str:
    """The file that the page loads."""
    lines = ",\n".join(f"    {json.dumps(table, separators=(',', ':'))}" for table in data["tables"])
    body = f'  "weeks": {data["weeks"]},\n  "tables": [\n{lines}\n  ]\n'
    return f"{HEAD}(globalThis.bookParts ??= {{}}).stateTables = {{\n{body}}};\n"


def percent(share: float) -> str:
    """A share as the page shows it."""
    return f"{100 * share:.0f}%".replace("-", "−")


def snippet(data: dict) -> str:
    """The markup to paste into a page: where the slider goes, and what is there while scripts are off."""
    body = [
        f"<tr><th>{'' if i == 0 else '+ '}{one['sees']}</th><td>{one['rows']:,}</td><td>{one['median']:,.0f}</td>"
        + "".join(f"<td>{percent(one[end][0])}</td>" for end in ENDS)
        + "</tr>"
        for i, one in enumerate(data["tables"])
    ]
    return "\n".join(
        [
            '<div class="states-slider" data-table="1">',
            '<div class="part-fallback">',
            "<p>In the web pages of this book a slider goes through the seven tables here, where JavaScript is on.",
            "Rows in use, the tries of the row in the middle, and the share of the attainable gain "
            "in smooth and in rough",
            "worlds, after a million weeks:</p>",
            '<table class="table">',
            "<thead>",
            "<tr><th>The table sees</th><th>Rows</th><th>Median tries</th><th>Smooth</th><th>Rough</th></tr>",
            "</thead>",
            "<tbody>",
            *body,
            "</tbody>",
            "</table>",
            "</div>",
            "</div>",
            "",
        ]
    )


def outdated() -> list[Path]:
    """The files that do not say what the record and the tables say."""
    data, files = states_data(), []
    if not DATA.is_file() or not same(data, parsed(DATA.read_text(encoding="utf-8"))):
        files.append(DATA)
    if not SNIPPET.is_file() or SNIPPET.read_text(encoding="utf-8") != snippet(data):
        files.append(SNIPPET)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    if parser.parse_args().check:
        files = outdated()
        for path in files:
            print(f"{path.relative_to(ROOT)}: out of date. Remedy: python tools/states_data.py", file=sys.stderr)
        return int(bool(files))
    data = states_data()
    for path, text in ((DATA, data_text(data)), (SNIPPET, snippet(data))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    finish(main)
