"""The twin's spec: what we count in the original export, and how the counts are made safe to publish.

The spec is one readable file of numbers, `data/raw/crm_twin_spec.json`. `twin` draws a synthetic export from it and
sees nothing else. Four rules keep single people out of it:

1. *Alone and exact*: the rows, the milestone patterns, the faults that cleaning finds, and the subscribers by part of
   a split are counted exactly, also where they are few, and are crossed with nothing else.
2. *One-way tables* are exact; a category with fewer than 5 people goes into "(rare)" and loses its name.
3. *Two-way tables*: cells under 5, empty ones too, are pooled along their row, and then every number is rounded to a
   multiple of 5. What a sum leaves over is therefore never a small cell: each number may be off by 2 either way.
4. *Arrivals and delays* are counted in bins of a month or a week that are merged until each holds at least 5; where
   the last few do not fill a bin they are counted in the one before, so that no extreme value shows.
"""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from crm_rl.crm_data import EVENTS, SNAPSHOT_DATE, clean, load
from crm_rl.crm_data.load import PROJECT
from crm_rl.crm_data.split import published_split, sound_split

SPEC = PROJECT / "data" / "raw" / "crm_twin_spec.json"
SMALLEST = 5
NONE, RARE, POOLED = "(none)", "(rare)", "(pooled)"

#: The most that a customer reached; how the customer came; the part of the published split, by origin where it matters.
CLASSES = ("nothing", "milestone", "subscribed")
ORIGINS = ("contacted", "inbound", "unknown")
PARTS = ("train", "val", "test", "inbound", "unknown")

#: The order in which a customer usually reaches the milestones: a demo, if any, comes before the call.
USUAL_ORDER = ("demo", "survey", "signup", "call", "manager", "subscribed")

#: Days from the first to the last contact: the name of a bin, its first day and the day after its last.
GAPS = {
    "same day": (0, 1),
    "1 to 7 days": (1, 8),
    "8 to 14 days": (8, 15),
    "15 to 30 days": (15, 31),
    "31 to 90 days": (31, 91),
    "91 to 180 days": (91, 181),
    "181 to 365 days": (181, 366),
    "over a year": (366, 540),
}

#: The delays of milestones are counted by the same day, the rest of that week, and whole weeks after it.
DELAY_EDGES = (0, 1, *range(7, 7 * 90, 7))

#: What stands in each two-way table. `quarter` is that of the arrival; the others are the columns of `describe`.
TWO_WAY = (
    ("class", "quarter"),
    ("class", "country"),
    ("class", "education"),
    ("origin", "country"),
    ("origin", "education"),
    ("quarter", "country"),
    ("quarter", "education"),
    ("country", "education"),
    ("class", "status"),
    ("class", "stage"),
    ("class", "gap"),
    ("origin", "status"),
    ("origin", "stage"),
    ("quarter", "status"),
    ("quarter", "gap"),
    ("status", "stage"),
    ("status", "gap"),
)


def measure(raw: pd.DataFrame) -> dict:
    """Count what the twin needs to know about an export.

    Args:
        raw: the cells as `load` returns them, shape (rows, 13).

    Returns:
        The spec, as the module's text describes it. `add_provenance` says where it comes from.
    """
    customers, report = clean(raw)
    table = describe(customers)
    country = customers["country"].value_counts()
    event_by_origin = pd.DataFrame(
        {event: table["origin"][customers[event]].value_counts() for event in EVENTS}
    )
    sound = {name: int(part["subscribed"].sum()) for name, part in sound_split(customers).parts().items()}
    return {
        "rows": len(customers),
        "largest ID": int(customers["customer_id"].max()),
        "distinct rare countries": int((country < SMALLEST).sum()),
        "patterns": _pattern_counts(customers),
        "class by part": pd.crosstab(table["class"], table["part"]).to_dict("index"),
        "subscribers by sound part": sound,
        "faults": _fault_counts(raw, report.findings),
        "arrivals": {
            origin: _month_bins(customers["arrival"][table["origin"] == origin]) for origin in ORIGINS
        },
        "one-way": {
            name: table[name].value_counts().to_dict()
            for name in ("country", "education", "status", "stage", "gap")
        },
        "two-way": {f"{a} x {b}": pool_and_round(pd.crosstab(table[a], table[b])) for a, b in TWO_WAY}
        | {"event x origin": pool_and_round(event_by_origin.T.fillna(0).astype(int))},
        "days since the step before": _delay_bins(customers, since_arrival=False),
        "days since arrival": _delay_bins(customers, since_arrival=True),
    }


def describe(customers: pd.DataFrame, common: set | None = None) -> pd.DataFrame:
    """Sort each customer into the categories that the spec counts.

    Args:
        customers: the table that `clean` returns.
        common: the countries that keep their names; by default those with at least 5 customers.

    Returns:
        A table of names, one row a customer: `class` (the most that was reached), `origin` (contacted first, inbound,
        or unknown: neither a first contact nor a milestone), `part` (of the published split, its test part divided by
        origin), `quarter`, `country`, `education`, `status`, `stage` and `gap` (between the two contacts).
    """
    if common is None:
        common = set(customers["country"].value_counts().loc[lambda count: count >= SMALLEST].index)
    reached = customers[list(EVENTS)].any(axis=1)
    contacted = customers["first_contact"].notna()
    origin = np.select([contacted, customers["inbound"]], ORIGINS[:2], ORIGINS[2])
    part = pd.Series(origin, index=customers.index, dtype=object)
    for name, members in published_split(customers).parts().items():
        part.loc[members.index[members["first_contact"].notna()]] = name
    days = (customers["last_contact"] - customers["first_contact"]).dt.days.clip(lower=0)
    starts = [start for start, _ in GAPS.values()]
    gap = pd.cut(days, [*starts, np.inf], right=False, labels=list(GAPS)).astype(object)
    country = customers["country"].where(
        customers["country"].isin(common) | customers["country"].isna(), RARE
    )
    table = pd.DataFrame(
        {
            "class": np.select([customers["subscribed"], reached], ["subscribed", "milestone"], "nothing"),
            "origin": origin,
            "part": part,
            "quarter": customers["arrival"].dt.to_period("Q").astype(object).map(str, na_action="ignore"),
            "country": country,
            **{name: customers[name] for name in ("education", "status", "stage")},
            "gap": gap,
        }
    )
    return table.astype(object).fillna(NONE)


def pool_and_round(counts: pd.DataFrame) -> dict:
    """Make a two-way table safe: pool the cells under 5 along each row, round every number to a multiple of 5.

    Args:
        counts: exact counts, shape (row categories, column categories).

    Returns:
        row -> {column: count}. A column that a row does not name is in the row's "(pooled)".
    """
    safe = {}
    for row, cells in counts.to_dict("index").items():
        kept = {column: _rounded(count) for column, count in cells.items() if count >= SMALLEST}
        pooled = sum(count for count in cells.values() if count < SMALLEST)
        safe[row] = kept | {POOLED: _rounded(pooled)}
    return safe


def _rounded(count: int) -> int:
    return SMALLEST * round(int(count) / SMALLEST)


def merge_bins(counts) -> list[list[int]]:
    """Merge neighbouring bins until each holds at least 5.

    Args:
        counts: how many fall into each of the narrow bins, shape (bins,).

    Returns:
        [first bin, bin after the last, count] for each merged bin. If the last few cannot fill one, they are counted
        in the one before, which keeps its ends.
    """
    merged, start, held = [], 0, 0
    for place, count in enumerate(counts):
        held += int(count)
        if held >= SMALLEST:
            merged.append([start, place + 1, held])
            start, held = place + 1, 0
        elif held == 0:
            start = place + 1
    if held and merged:
        merged[-1][2] += held
    return merged


def _month_bins(arrival: pd.Series) -> list[list]:
    """[first month, last month, count]; arrivals without a day are left out."""
    months = pd.period_range(arrival.min(), arrival.max(), freq="M")
    counts = arrival.dt.to_period("M").value_counts().reindex(months, fill_value=0)
    return [[str(months[start]), str(months[end - 1]), count] for start, end, count in merge_bins(counts)]


def steps(customers: pd.DataFrame, since_arrival: bool) -> pd.DataFrame:
    """Days from the step before (or from arrival) to each milestone, in the usual order.

    An inbound customer's first milestone is the arrival itself, and no step. A day before the step before counts as
    the same day.

    Returns:
        Shape (customers, 6), a column a milestone; missing where there is no such step or no day for it.
    """
    before = customers["first_contact"] if not since_arrival else customers["arrival"]
    days = {}
    for event in USUAL_ORDER:
        day = customers[f"{event}_date"]
        days[event] = (day - before).dt.days.clip(lower=0)
        before = before if since_arrival else day.fillna(before)
    return pd.DataFrame(days)


def _delay_bins(customers: pd.DataFrame, since_arrival: bool) -> dict:
    """Per origin and milestone, [first day, day after the last, count] for each bin of days."""
    days = steps(customers, since_arrival)
    tables = {}
    for origin, members in (("contacted", ~customers["inbound"]), ("inbound", customers["inbound"])):
        for event in USUAL_ORDER:
            counts = np.histogram(days.loc[members, event].dropna(), DELAY_EDGES)[0]
            merged = merge_bins(counts)
            tables[f"{origin} {event}"] = [[DELAY_EDGES[a], DELAY_EDGES[b], count] for a, b, count in merged]
    return tables


def _pattern_counts(customers: pd.DataFrame) -> dict[str, int]:
    """How many customers have exactly these milestones."""
    names = customers[list(EVENTS)].apply(lambda flags: " + ".join(flags.index[flags]) or "nothing", axis=1)
    return names.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable").to_dict()


def _fault_counts(raw: pd.DataFrame, findings: pd.DataFrame) -> dict[str, int]:
    """How often cleaning finds each fault in each column; and how the drag-fill is cut into runs."""
    counts = findings.fillna({"column": "row"}).groupby(["column", "problem"]).size()
    faults = {f"{column}: {problem}": int(count) for (column, problem), count in counts.items()}
    filled = findings.loc[findings["problem"] == "drag-fill", "row"].astype(int)
    text = findings.loc[findings["problem"] == "date as text", "row"]
    days = pd.to_datetime(raw.loc[filled, "Last Contact"], format="%d.%m.%Y")
    run = (days.dt.year.diff() != 1).cumsum()
    return faults | {
        "drag-fill: runs": int(run.nunique()),
        "drag-fill: longest run": int(run.value_counts().max()),
        "drag-fill: readable as text": int(text.isin(filled).sum()),
    }


def measure_original(path: str | Path, spec_path: str | Path = SPEC, seed: int = 20220428) -> Path:
    """Make the spec anew from the original export (maintainers only: readers have the spec)."""
    path, spec_path = Path(path), Path(spec_path)
    provenance = {
        "made by": "crm_rl.twin_spec.measure_original",
        "sha256 of the original": hashlib.sha256(path.read_bytes()).hexdigest(),
        "snapshot": str(SNAPSHOT_DATE.date()),
        "seed": seed,
        "cells under this are pooled, and two-way tables are rounded to its multiples": SMALLEST,
    }
    text = json.dumps({"provenance": provenance} | measure(load(path)), indent=1, ensure_ascii=False)
    text = re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda innermost: " ".join(innermost[0].split()), text)
    spec_path.write_text(text + "\n", encoding="utf-8", newline="\n")
    return spec_path
