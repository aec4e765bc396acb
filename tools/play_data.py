"""What "Play the funnel" knows of its customers, written from the book's world.

    python tools/play_data.py           write them: book/_static/interactive/customers.js, and the markup for a page,
                                        book/interactive/play_funnel.html
    python tools/play_data.py --check   say whether they are out of date, and write nothing

The page works the rest out by itself: the dynamics and the exact plan stand a second time in funnel_model.js, and
tests/test_interactive.py holds them against crm_rl.planning.exact.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from console import CannotRun, finish

from crm_rl.data.load import TWIN
from crm_rl.planning.exact import always, evaluate, optimal_values
from crm_rl.worlds.base import N_ACTIONS, WAIT
from crm_rl.worlds.registry import worlds
from crm_rl.worlds.responsive import CHANNEL, DEMO, SIGNUP, SURVEY, Params, Population, subset

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "book" / "_static" / "interactive" / "customers.js"
SNIPPET = ROOT / "book" / "interactive" / "play_funnel.html"

#: As many digits as leave values right to a hundred-millionth.
DIGITS = 10

HEAD = "// Written by tools/play_data.py from the book's world: do not edit.\n"


class Chosen(NamedTuple):
    """Which customer to play: inbound, of this country, of no known bootcamp, with these milestones at arrival."""

    name: str
    country: str
    start: int


#: In one a single channel serves, and rests in between; in the others two take turns.
CUSTOMERS = (
    Chosen("India, after a demo", "India", 1 << DEMO),
    Chosen("Germany, after a demo", "Germany", 1 << DEMO),
    Chosen("Nigeria, signed up", "Nigeria", 1 << DEMO | 1 << SURVEY | 1 << SIGNUP),
)


def chosen_customers() -> tuple[Population, Params]:
    """The customers of `CUSTOMERS` as the smooth world of the twin has them, in that order, and its params."""
    from crm_rl.data import customers

    world = worlds("smooth", data=TWIN)["all"]
    people, table = world.population, customers(TWIN)[0].iloc[world.rows]
    nameless = (people.inbound == 1) & table["education"].isna().to_numpy()
    places = []
    for one in CUSTOMERS:
        fits = nameless & (table["country"] == one.country).to_numpy() & (people.start == one.start)
        if not fits.any():
            raise CannotRun(f"no customer of the twin fits {one}. Remedy: choose another in tools/play_data.py")
        places.append(int(np.flatnonzero(fits)[0]))
    return subset(people, np.array(places)), world.params


def rounded(numbers) -> list | float:
    """Nested arrays as lists, to `DIGITS` significant digits."""
    if np.ndim(numbers):
        return [rounded(number) for number in numbers]
    return float(f"{float(numbers):.{DIGITS}g}")


def world_data() -> dict:
    """Everything the page needs: rules, unprompted chances, customers."""
    people, params = chosen_customers()
    return {
        "rules": {
            "weeks": params.weeks,
            "lift": params.lift,
            "drives": rounded(params.drives),
            "needs": list(params.needs),
            "unready": params.unready,
            "repeated": params.repeated,
            "interest": list(params.interest),
            "actionCost": list(params.action_cost),
            "value": params.value,
            "optOut": list(params.opt_out),
            "channel": list(CHANNEL),
        },
        "quiet": rounded(people.quiet),
        "customers": [
            {
                "name": one.name,
                "inbound": int(people.inbound[i]),
                "start": int(people.start[i]),
                "affinity": rounded(people.affinity[i]),
            }
            for i, one in enumerate(CUSTOMERS)
        ],
    }


def data_text(data: dict) -> str:
    """The file that the page loads: a script, since a page opened from disk may not fetch anything."""
    short = {"separators": (",", ":")}
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value, **short)}" for key, value in data.items())
    return f"{HEAD}(globalThis.bookParts ??= {{}}).funnelWorld = {{\n{lines}\n}};\n"


def parsed(text: str) -> dict:
    """The data in such a file."""
    return json.loads(re.search(r"\{\n.*\}", text, re.DOTALL)[0])


def snippet() -> str:
    """The markup to paste into a page: where the game goes, and what is there while scripts are off."""
    people, params = chosen_customers()
    single = np.array([evaluate(always(action), people, params).at_start(people) for action in range(N_ACTIONS)])
    rows = zip(CUSTOMERS, single[WAIT], single.max(axis=0), optimal_values(people, params), strict=True)
    body = [
        f"<tr><th>{one.name}</th>" + "".join(f"<td>${value:,.0f}</td>" for value in values) + "</tr>"
        for one, *values in rows
    ]
    return "\n".join(
        [
            '<div class="play-funnel" data-seed="1" data-customer="0">',
            '<div class="part-fallback">',
            "<p>In the web pages of this book you can play the funnel here against the best plan, where JavaScript",
            "is on. What twelve weeks with each of its customers earn on average, in dollars:</p>",
            '<table class="table">',
            "<thead>",
            "<tr><th>Customer</th><th>Always wait</th><th>Best single action</th><th>Best plan</th></tr>",
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


def same(one, other) -> bool:
    """Equal but for the last digits, which depend on the processor."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str):
        return one == other
    return isinstance(other, int | float) and math.isclose(one, other, rel_tol=10.0 ** (1 - DIGITS))


def outdated() -> list[Path]:
    """The files that do not say what the book's world says."""
    files = []
    if not DATA.is_file() or not same(world_data(), parsed(DATA.read_text(encoding="utf-8"))):
        files.append(DATA)
    if not SNIPPET.is_file() or SNIPPET.read_text(encoding="utf-8") != snippet():
        files.append(SNIPPET)
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    if parser.parse_args().check:
        for path in outdated():
            print(f"{path.relative_to(ROOT)}: out of date. Remedy: python tools/play_data.py", file=sys.stderr)
        return int(bool(outdated()))
    for path, text in ((DATA, data_text(world_data())), (SNIPPET, snippet())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    finish(main)
