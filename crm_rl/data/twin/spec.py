"""The twin's spec: what we count in the original export, and how the counts are made safe to publish.

The spec is one readable file, `data/raw/crm_twin_spec.json`. `twin` draws a synthetic export from it and sees
nothing else. Four rules keep single people out of it:

1. *Alone and exact*: the number of rows, the largest ID, the patterns of milestones, the faults that cleaning finds,
   the managers assigned after the subscription, and how many reached nothing, a milestone or the subscription in each
   part of a split are exact, even if few. Beyond what is named here they are crossed with nothing.
2. *One-way tables* (country, bootcamp, status, stage, gap between the contacts) are exact; countries of fewer than 5
   people are counted together, as "(rare)", and lose their names. No other group is that small.
3. *Two-way tables*: cells under 5, empty ones too, are pooled along their row; then every number is rounded to a
   multiple of 5. What a subtraction leaves is therefore never a small cell: any number may be off by 2 either way.
4. *Arrivals and delays* are counted in bins of months or weeks, merged until each holds at least 5. Stragglers (a
   few before a bin of 50, or cut off by 13 empty bins, or last of all) are counted in the bin next to them, and it
   keeps its ends, so that no extreme value shows.
"""

import hashlib
import json
import os
import re
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from crm_rl.data import EVENTS, SNAPSHOT_DATE, clean, load
from crm_rl.data.split import published_split, sound_split
from crm_rl.files import shipped

SPEC = shipped("raw/crm_twin_spec.json")
SMALLEST = 5
EMPTY_BINS = 13
NONE, RARE, POOLED = "(none)", "(rare)", "(pooled)"

#: The most that a customer reached; how the customer came; the part of the published split (test cut by origin).
CLASSES = ("nothing", "milestone", "subscribed")
ORIGINS = ("contacted", "inbound", "unknown")
PARTS = ("train", "val", "test", "inbound", "unknown")

#: The order in which most customers reach the milestones, where they reach them at all.
USUAL_ORDER = ("demo", "survey", "signup", "call", "manager", "subscribed")

#: Days from the first contact to the last: the first day of each bin and the day after its last.
GAPS = {
    "same day": (0, 1),
    "1 to 7 days": (1, 8),
    "8 to 14 days": (8, 15),
    "15 to 30 days": (15, 31),
    "31 to 180 days": (31, 181),
    "181 to 365 days": (181, 366),
    "over a year": (366, 540),
}

#: Bins of delays: the same day, the rest of that week, then whole weeks.
WEEKS = (0, 1, *range(7, 7 * 90, 7))

#: The one-way and two-way tables; the names are columns of `describe`.
ONE_WAY = ("country", "education", "status", "stage", "gap")
TWO_WAY = (
    *(("class", name) for name in ("quarter", *ONE_WAY)),
    *(("origin", name) for name in ONE_WAY),
    *(("quarter", name) for name in ("country", "education", "status", "gap")),
    ("country", "education"),
    ("status", "stage"),
    ("status", "gap"),
    ("tracked", "origin"),
)


def measure(raw: pd.DataFrame) -> dict:
    """Count in an export what the twin needs to know.

    Args:
        raw: the cells as `load` returns them, shape (rows, 13).

    Returns:
        The spec, made safe as the module's text says.
    """
    customers, report = clean(raw)
    table = describe(customers)
    steps = milestone_steps(customers)
    events = pd.DataFrame({event: table["origin"][customers[event]].value_counts() for event in EVENTS})
    two_way = {f"{a} x {b}": pool_and_round(pd.crosstab(table[a], table[b])) for a, b in TWO_WAY}
    sound = sound_split(customers).parts()
    return {
        "rows": len(customers),
        "largest ID": int(customers["customer_id"].max()),
        "rare countries": int((customers["country"].value_counts() < SMALLEST).sum()),
        "patterns": patterns(customers).value_counts(sort=False).sort_values(kind="stable")[::-1].to_dict(),
        "class by part": pd.crosstab(table["class"], table["part"])[list(PARTS)].to_dict("index"),
        "subscribers by sound part": {name: int(part["subscribed"].sum()) for name, part in sound.items()},
        "faults": _count_faults(raw, report.findings),
        "manager after subscription": int((customers["manager_date"] > customers["subscribed_date"]).sum()),
        "arrivals": {origin: _by_month(customers["arrival"][table["origin"] == origin]) for origin in ORIGINS},
        "days since the step before": _by_week(steps, ["origin", "event", "place"], "since step"),
        "days since arrival": _by_week(steps, ["origin", "event"], "since arrival"),
        "one-way": {name: table[name].value_counts().to_dict() for name in ONE_WAY},
        "two-way": {"event x origin": pool_and_round(events.T.fillna(0).astype(int))} | two_way,
    }


def describe(customers: pd.DataFrame, named: Collection[str] = ()) -> pd.DataFrame:
    """Sort customers into the categories that the spec counts.

    Args:
        customers: the table that `clean` returns.
        named: the countries that keep their names; by default those of at least 5 customers.

    Returns:
        A row of names for each customer: `class`, `origin` (unknown: neither a first contact nor a milestone),
        `part`, `tracked` (whether there is a demo or a survey), `quarter` of the arrival, `country`, `education`,
        `status`, `stage`, and `gap` between the two contacts.
    """
    classes = np.select([customers["subscribed"], customers[list(EVENTS)].any(axis=1)], CLASSES[:0:-1], CLASSES[0])
    contacted = customers["first_contact"].notna()
    origin = np.select([contacted, customers["inbound"]], ORIGINS[:2], ORIGINS[2])
    part = pd.Series(origin, index=customers.index, dtype=object)
    for name, members in published_split(customers).parts().items():
        part[members.index[members["first_contact"].notna()]] = name
    days = (customers["last_contact"] - customers["first_contact"]).dt.days.clip(lower=0)
    gap = pd.cut(days, [*(start for start, _ in GAPS.values()), np.inf], right=False, labels=list(GAPS))
    sizes = customers["country"].value_counts()
    rare = ~customers["country"].isin(named or sizes.index[sizes >= SMALLEST]) & customers["country"].notna()
    columns = {
        "class": classes,
        "origin": origin,
        "part": part,
        "tracked": np.where(customers["demo"] | customers["survey"], "demo or survey", "neither"),
        "quarter": customers["arrival"].dt.to_period("Q").astype(object).map(str, na_action="ignore"),
        "country": customers["country"].mask(rare, RARE),
        **{name: customers[name] for name in ("education", "status", "stage")},
        "gap": gap,
    }
    return pd.DataFrame(columns, index=customers.index).astype(object).fillna(NONE)


def patterns(customers: pd.DataFrame) -> pd.Series:
    """The milestones that each customer reached, in words."""
    return customers[list(EVENTS)].apply(lambda flags: " + ".join(flags.index[flags]) or "nothing", axis=1)


def milestone_steps(customers: pd.DataFrame) -> pd.DataFrame:
    """One row for each milestone with a date, taken in the usual order.

    Returns:
        `origin`, `event`, `place` (the customer's first milestone, or a later one), and in days: `since step`, from
        the milestone before or else the first contact (missing for the first milestone of an inbound customer,
        which is the arrival; 0 if it came earlier, but a manager may come as long after a subscription as before),
        and `since arrival`.
    """
    before, place, steps = customers["first_contact"], pd.Series("first", index=customers.index), []
    for event in USUAL_ORDER:
        day = customers[f"{event}_date"]
        since = (day - before).dt.days
        step = pd.DataFrame(
            {
                "origin": np.where(customers["inbound"], "inbound", "contacted"),
                "event": event,
                "place": place,
                "since step": since.abs() if event == "subscribed" else since.clip(lower=0),
                "since arrival": (day - customers["arrival"]).dt.days,
            }
        )
        steps.append(step[day.notna()])
        before, place = pd.concat([before, day], axis=1).max(axis=1), place.mask(day.notna(), "later")
    return pd.concat(steps)


def pool_and_round(counts: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Make a two-way table safe: pool the cells under 5 of each row, round every number to a multiple of 5.

    Args:
        counts: exact counts, shape (row categories, column categories).

    Returns:
        row -> {column: count}. A column that a row does not name is in the row's "(pooled)".
    """
    safe = {}
    for row, cells in counts.to_dict("index").items():
        kept = {column: count for column, count in cells.items() if count >= SMALLEST}
        pooled = sum(cells.values()) - sum(kept.values())
        safe[row] = {name: _rounded(count) for name, count in (kept | {POOLED: pooled}).items()}
    return safe


def _rounded(count: int) -> int:
    return SMALLEST * round(count / SMALLEST)


def merge_bins(counts: np.ndarray) -> list[list[int]]:
    """Merge neighbouring bins until each holds at least 5 (rule 4 of the module's text).

    Args:
        counts: how many fall into each of the narrow bins, shape (bins,).

    Returns:
        [first bin, bin after the last, count] for each merged bin.
    """
    merged, start, last, held = [], 0, 0, 0
    for place in np.flatnonzero(counts).tolist():
        if held and merged and place - last > EMPTY_BINS:
            merged[-1][2] += held
            held = 0
        start, last = (start if held else place), place
        held += int(counts[place])
        if held >= SMALLEST:
            merged.append([place if counts[place] >= 10 * SMALLEST else start, place + 1, held])
            held = 0
    if merged:
        merged[-1][2] += held
    return merged


def _by_month(arrival: pd.Series) -> list[list]:
    """[first month, last month, people, different days, in steps of 5]; who has no arrival is left out."""
    months = pd.period_range(arrival.min(), arrival.max(), freq="M")
    month = arrival.dt.to_period("M")
    tables = []
    for start, end, count in merge_bins(month.value_counts().reindex(months, fill_value=0).to_numpy()):
        days = arrival[month.between(months[start], months[end - 1])].nunique()
        tables.append([str(months[start]), str(months[end - 1]), count, max(_rounded(days), SMALLEST)])
    return tables


def _by_week(steps: pd.DataFrame, keys: list[str], days: str) -> dict[str, list]:
    """[first day, day after the last, count] by the keys."""
    tables = {}
    for key, group in steps.dropna(subset=[days]).groupby(keys, sort=False):
        bins = merge_bins(np.histogram(group[days], WEEKS)[0])
        tables[" ".join(key)] = [[WEEKS[start], WEEKS[end], count] for start, end, count in bins]
    return tables


def _count_faults(raw: pd.DataFrame, findings: pd.DataFrame) -> dict[str, int]:
    """How often cleaning finds each fault in each column, and into how many runs the drag-fill falls."""
    counts = findings.fillna({"column": "row"}).groupby(["column", "problem"]).size()
    filled = findings.loc[findings["problem"] == "drag-fill", "row"].astype(int)
    year = pd.to_datetime(raw.loc[filled, "Last Contact"], format="%d.%m.%Y").dt.year
    runs = (year.diff() != 1).cumsum().value_counts()
    return {f"{column}: {problem}": int(count) for (column, problem), count in counts.items()} | {
        "drag-fill: runs": len(runs),
        "drag-fill: longest run": int(runs.max()),
    }


def measure_original(path: str | Path, spec_path: str | Path = SPEC, seed: int = 20220428) -> Path:
    """Make the spec anew from the original export (for maintainers: readers have the spec)."""
    provenance = {
        "sha256 of the original": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
        "snapshot": str(SNAPSHOT_DATE.date()),
        "seed": seed,
        "smallest cell, and what two-way tables are rounded to": SMALLEST,
    }
    text = json.dumps({"provenance": provenance} | measure(load(path)), indent=1, ensure_ascii=False)
    text = re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda innermost: " ".join(innermost[0].split()), text)
    unfinished = Path(f"{spec_path}.tmp")
    unfinished.write_text(text + "\n", encoding="utf-8", newline="\n")
    os.replace(unfinished, spec_path)
    return Path(spec_path)
