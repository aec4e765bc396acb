"""The numbers in the prose pages: counted here, never typed.

    python tools/prose_numbers.py           count, and write them into _config.yml and the figure of the funnel
    python tools/prose_numbers.py --check   say what is out of date, and write nothing

A prose page says `{{ rows }}`; the value stands in `_config.yml` under `myst_substitutions`. Numbers that hold for the
twin and the original alike are counted on the twin. Those of the original only (`o_...`) are counted where the
original is present and otherwise left as they are. The minutes to read (`minutes_...`) are those of tools/minutes.py.
tests/test_prose.py counts all of them again.
"""

import argparse
import hashlib
import os
import re
from pathlib import Path

import pandas as pd
import yaml
from console import finish
from minutes import reading_times

from crm_rl.data import EVENTS, SNAPSHOT_DATE, CleaningReport, clean, load
from crm_rl.data.fetch import ORIGINAL, SHA256
from crm_rl.data.load import TWIN
from crm_rl.data.split import published_split
from crm_rl.evaluation.intervals import wilson
from crm_rl.experiments.original_numbers import original_numbers

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "_config.yml"
FIGURE = ROOT / "book" / "_static" / "funnel.svg"
BEGIN = "  # The numbers in the prose pages, written by tools/prose_numbers.py: do not edit.\n"
END = "  # End of the numbers in the prose pages.\n"

#: What the study reports (Nair 2026): rate in percent and improvement factor, as its front page gives them, and the
#: subscriptions and test episodes that the rate amounts to (its evaluation code). Of its baseline it reports the rate
#: alone. The README and the tour say in words what these factors are, and a test holds them to it.
CLAIMS = {
    "dqn_fs": ("1.39", "3.16", 23, 1655),
    "q_base": ("1.80", "4.09", 18, 1000),
    "dqn_base": ("1.45", "3.30", 24, 1655),
    "q_fs": ("0.80", "1.82", 8, 1000),
}
BASELINE = "0.44"

#: The bars of the funnel's figure, and the number that each shows.
STEPS = (
    ("customers", "all_n"),
    ("had a first call", "n_call"),
    ("signed up", "n_signup"),
    ("were given a manager", "n_manager"),
    ("subscribed", "n_subscribed"),
)


def percent(share: float) -> str:
    """A share as text: two decimals."""
    return f"{100 * share:.2f}%"


def interval(successes: int, trials: int) -> str:
    """The 95% Wilson interval of a rate, as text."""
    low, high = wilson(successes, trials)
    return f"{percent(low)} to {percent(high)}"


def rate(name: str, subscribers: int, customers: int) -> dict[str, str]:
    """All that is said about one rate: its two counts, itself, its interval, and its odds against."""
    facts = {
        f"{name}_n": f"{customers:,}",
        f"{name}_s": f"{subscribers:,}",
        f"{name}_rate": percent(subscribers / customers),
        f"{name}_ci": interval(subscribers, customers),
    }
    if subscribers:
        facts[f"{name}_odds"] = f"{(customers - subscribers) / subscribers:.0f}"
    return facts


def counted(raw: pd.DataFrame, customers: pd.DataFrame) -> dict[str, str]:
    """Numbers that the twin shares with the original."""
    first, inbound, subscribed = customers["first_contact"].notna(), customers["inbound"], customers["subscribed"]
    parts = published_split(customers)
    groups = {
        "all": customers,
        "inbound": customers[inbound],
        "outbound": customers[first],
        "neither": customers[~first & ~inbound],
        "unwritten": customers[~first],
        "train": parts.train,
        "val": parts.val,
        "test": parts.test,
        "test_first": parts.test[parts.test["first_contact"].notna()],
        "test_nofirst": parts.test[parts.test["first_contact"].isna()],
        "manager": customers[customers["manager"]],
        "no_manager": customers[~customers["manager"]],
    }
    facts = {}
    for name, group in groups.items():
        facts |= rate(name, int(group["subscribed"].sum()), len(group))
    facts |= {f"n_{event}": f"{int(customers[event].sum()):,}" for event in EVENTS}
    calls = int(customers["call"].sum())
    facts |= {"call_rate": percent(calls / len(customers)), "call_ci": interval(calls, len(customers))}
    stage_says = customers["stage"] == "subscribed already"
    facts |= {
        "subs_dated": str(int(customers["subscribed_date"].notna().sum())),
        "subs_undated": str(int((subscribed & customers["subscribed_date"].isna()).sum())),
        "subs_stage_only": str(int((stage_says & ~subscribed).sum())),
        "subs_either": str(int((stage_says | subscribed).sum())),
        "bootcamps": str(customers["education"].nunique()),
        "snapshot": str(SNAPSHOT_DATE.date()),
        "columns": str(raw.shape[1]),
        "one_more": f"{100 / int(subscribed.sum()):.1f}%",
        "two_more": f"{200 / int(subscribed.sum()):.1f}%",
        "test_over_all": f"{parts.test['subscribed'].mean() / subscribed.mean():.2f}",
        "sha256": f"`{SHA256}`",
    }
    hand = worked(
        s=int(parts.test["subscribed"].sum()),
        n=len(parts.test),
        s_all=int(subscribed.sum()),
        n_all=len(customers),
    )
    return facts | hand


def worked(s: int, n: int, s_all: int, n_all: int) -> dict[str, str]:
    """The examples worked by hand on the problem page, as formulas; each breaks before an equals sign."""
    formulas = {
        "hand_odds_all": rf"({n_all:,} - {s_all}) / {s_all} = {(n_all - s_all) / s_all:.1f}",
        "hand_odds_test": rf"({n:,} - {s}) / {s} = {(n - s) / s:.1f}",
        "hand_factor": rf"\dfrac{{{s} / {n:,}}}{{{s_all} / {n_all:,}}} = "
        rf"\dfrac{{{100 * s / n:.3f}\%}}{{{100 * s_all / n_all:.3f}\%}} = {(s / n) / (s_all / n_all):.2f}",
    }
    return {name: "$" + formula.replace(",", "{,}").replace(" = ", "$ $= ") + "$" for name, formula in formulas.items()}


def counted_in_original(raw: pd.DataFrame, customers: pd.DataFrame, report: CleaningReport) -> dict[str, str]:
    """Numbers that hold for the original export only."""
    found = report.counts().groupby(["column", "problem"])["count"].sum()

    def count(column: str, problem: str) -> str:
        return f"{int(found.get((column, problem), 0)):,}"

    dirt = {
        "country_spelling": ("Country", "other spelling"),
        "country_none": ("Country", "not one country"),
        "first_unreadable": ("First Contact", "unreadable date"),
        "first_late": ("First Contact", "milestone before first contact"),
        "last_text": ("Last Contact", "date as text"),
        "last_filled": ("Last Contact", "drag-fill"),
        "last_future": ("Last Contact", "after the snapshot"),
        "last_unreadable": ("Last Contact", "unreadable date"),
        "last_before_first": ("Last Contact", "last contact before first"),
        "signup_no": (EVENTS["signup"], "answered No"),
        "signup_unreadable": (EVENTS["signup"], "unreadable date"),
        "subscribed_unknown": (EVENTS["subscribed"], "unknown date"),
        "stage_silent": ("Stage", "stage does not say subscribed"),
    }
    empty = {name: f"{int(raw[name].isna().sum()):,}" for name in raw}
    return {
        **{f"o_{key}": count(*place) for key, place in dirt.items()},
        **{f"o_empty_{name.lower().replace(' ', '_')}": number for name, number in empty.items()},
        "o_countries": str(customers["country"].nunique()),
        "o_no_arrival": str(int(customers["arrival"].isna().sum())),
        "o_first_day": str(customers["arrival"].min().date()),
        "o_demo_from": str(customers["demo_date"].min().date()),
        "o_survey_from": str(customers["survey_date"].min().date()),
        "o_last_year": str(max(_years(raw["Last Contact"]))),
        "o_last_id": f"{int(raw['ID'].max()):,}",
        "o_ids_missing": f"{int(raw['ID'].max()) - len(raw):,}",
        "o_one_message": percent((customers["status"] == "1st message").mean()),
        "o_one_message_ci": interval(int((customers["status"] == "1st message").sum()), len(customers)),
    }


def _years(cells: pd.Series) -> list[int]:
    return [int(year) for year in cells.dropna().astype(str).str.extract(r"(?:^|\D)(20\d\d)(?:\D|$)")[0].dropna()]


def audited() -> dict[str, str]:
    """What chapter 9 finds on the original, as recorded: its `audit-one-line` is `a_one_line` here."""
    numbers = {name.removeprefix("audit-"): text for name, text in original_numbers().items() if "audit-" in name}
    return {"a_" + re.sub(r"\W", "_", name): text for name, text in numbers.items()}


def original_path() -> Path | None:
    """The original export, where this machine has it."""
    places = (os.environ.get("CRM_RL_DATA"), ORIGINAL, ROOT.parent / "shared" / "data" / "SalesCRM.xlsx")
    for place in places:
        if place and Path(place).is_file() and hashlib.sha256(Path(place).read_bytes()).hexdigest() == SHA256:
            return Path(place)
    return None


def written() -> dict[str, str]:
    """The numbers as `_config.yml` has them."""
    parse = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))["parse"]
    return parse.get("myst_substitutions", {})


def facts() -> dict[str, str]:
    """All numbers, counted anew; those of the original as they are where it is absent."""
    raw = load(TWIN)
    customers, _ = clean(raw)
    numbers = {key: value for key, value in written().items() if key.startswith("o_")}
    numbers |= counted(raw, customers) | audited() | reading_times()
    if path := original_path():
        raw = load(path)
        numbers |= counted_in_original(raw, *clean(raw))
    return only_used(numbers)


def only_used(numbers: dict[str, str]) -> dict[str, str]:
    """The numbers that a page uses, in order."""
    return {key: numbers[key] for key in sorted(used()) if key in numbers}


def write_minutes() -> bool:
    """Put the minutes of the pages into `_config.yml` and leave all other numbers there as they are."""
    wanted = config_with(only_used(written() | reading_times()))
    stale = CONFIG.read_text(encoding="utf-8") != wanted
    if stale:
        CONFIG.write_text(wanted, encoding="utf-8", newline="\n")
    return stale


def used() -> set[str]:
    """The names of the numbers that the prose pages use, and the figure of the funnel."""
    pages = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "book").glob("*.md")))
    found = {name for page in pages for name in re.findall(r"\{\{ (\w+) \}\}", page)}
    return found | {key for _, key in STEPS}


def block(numbers: dict[str, str]) -> str:
    """The part of `_config.yml` that holds the numbers."""
    lines = (f"    {key}: '{value}'\n" for key, value in numbers.items())
    return BEGIN + "  myst_substitutions:\n" + "".join(lines) + END


def figure(numbers: dict[str, str]) -> str:
    """The figure of the funnel: six actions above, and how many customers reached each step, drawn to scale."""
    actions = ("email", "call", "demo", "survey", "wait", "account manager")
    widest, middle = 520, 290
    svg = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 580 452" role="img" '
        'font-family="Helvetica, Arial, sans-serif">',
        "<title>Six actions, and the funnel drawn to scale</title>",
        '<rect width="580" height="452" fill="#fff"/>',
        '<text x="290" y="27" text-anchor="middle" font-size="18" fill="#333">Each week, for each prospect: '
        "which of the six?</text>",
    ]
    for position, action in enumerate(actions):
        x, y = 30 + 177 * (position % 3), 44 + 50 * (position // 3)
        svg += [
            f'<rect x="{x}" y="{y}" width="166" height="40" rx="20" fill="#eef4fa" stroke="#2f5d8a" '
            'stroke-width="1.5"/>',
            f'<text x="{x + 83}" y="{y + 26}" text-anchor="middle" font-size="17" fill="#1f4467">{action}</text>',
        ]
    svg.append('<path d="M290 144 v22 m-8 -8 l8 9 l8 -9" fill="none" stroke="#a94f1d" stroke-width="2.5"/>')
    everyone = int(numbers["all_n"].replace(",", ""))
    for position, (label, key) in enumerate(STEPS):
        count = int(numbers[key].replace(",", ""))
        width, y = max(widest * count / everyone, 1), 178 + 53 * position
        colour = "#2a6f4b" if key == "n_subscribed" else "#2f5d8a"
        svg.append(f'<rect x="{middle - width / 2:.1f}" y="{y}" width="{width:.1f}" height="38" fill="{colour}"/>')
        if position == 0:
            svg.append(
                f'<text x="290" y="{y + 25}" text-anchor="middle" font-size="18" fill="#fff">'
                f'<tspan font-weight="bold">{numbers[key]}</tspan> {label}</text>'
            )
        else:
            svg += [
                f'<text x="{middle - 24}" y="{y + 25}" text-anchor="end" font-size="18" font-weight="bold" '
                f'fill="{colour}">{numbers[key]}</text>',
                f'<text x="{middle + 24}" y="{y + 25}" font-size="18" fill="#333">{label}</text>',
            ]
    return "\n".join([*svg, "</svg>", ""])


def config_with(numbers: dict[str, str]) -> str:
    """`_config.yml` with the numbers put in (under `parse`, at its end, where they are not there yet)."""
    text = CONFIG.read_text(encoding="utf-8")
    if BEGIN in text:
        before, rest = text.split(BEGIN)
        return before + block(numbers) + rest.split(END)[1]
    return re.sub(r"(?m)^(parse:\n(?:  .*\n)+)", lambda match: match[1] + block(numbers), text, count=1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()
    numbers = facts()
    wanted = {CONFIG: config_with(numbers), FIGURE: figure(numbers)}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(ROOT)}: {'out of date' if options.check else 'written'}")
        if not options.check:
            path.write_text(wanted[path], encoding="utf-8", newline="\n")
    return int(options.check and bool(stale))


if __name__ == "__main__":
    finish(main)
