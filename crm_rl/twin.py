"""The twin: a synthetic export, drawn with a seed from the counts in `twin_spec` and from nothing else.

First the skeleton: who arrives when, who reaches what, and on which day. Then the profile: for country and education,
and again for status, stage and contact gap, we look for the joint table that agrees with every count we have and is
otherwise as even as can be. Iterative proportional fitting finds it: scale the table to each set of counts in turn
until all agree (Deming and Stephan 1940). Last the dirt, as often as cleaning found it.

Inside, a day is the number of days to the snapshot: 0 is the day of the export, -1 the day before.
"""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pycountry

from crm_rl.crm_data import COLUMNS, EVENTS, SNAPSHOT_DATE
from crm_rl.crm_data.cells import read_country
from crm_rl.crm_data.load import TWIN
from crm_rl.crm_data.split import TRAIN_END, VALIDATION_END
from crm_rl.crm_data.validate import drag_filled
from crm_rl.twin_spec import CLASSES, GAPS, NONE, ORIGINS, PARTS, POOLED, RARE, SMALLEST, SPEC, USUAL_ORDER

#: Demos and surveys are recorded from this day on.
TRACKING_STARTS = (pd.Timestamp("2021-08-31") - SNAPSHOT_DATE).days

SOUND_PARTS = ("train", "val", "test", NONE)
NOT_COUNTRIES = (*["-"] * 10, "Full time", "CA ", "n/a", "Remote", "Canada & USA", "Europe")


def make_twin(out: str | Path = TWIN, spec: str | Path = SPEC, seed: int | None = None) -> Path:
    """Draw the twin from its spec and write it, whole or not at all; the same spec and seed give the same bytes.

    Args:
        out: the CSV file to write.
        spec: the spec's file.
        seed: another seed than the spec's own gives another twin.

    Returns:
        `out`.
    """
    counts = json.loads(Path(spec).read_text(encoding="utf-8"))
    rng = np.random.default_rng(counts["provenance"]["seed"] if seed is None else seed)
    unfinished = Path(f"{out}.tmp")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    draw(counts, rng).to_csv(unfinished, index=False, lineterminator="\n", encoding="utf-8")
    os.replace(unfinished, out)
    return Path(out)


def draw(spec: dict, rng: np.random.Generator) -> pd.DataFrame:
    """Draw a synthetic export.

    Args:
        spec: the counts, as `twin_spec.measure` returns them.
        rng: the only source of chance.

    Returns:
        Raw cells, shape (rows, 13), as `load` returns those of a CSV; empty cells are missing.
    """
    people = _arrivals(spec, rng)
    people["class"] = _classes(spec, people, rng)
    people["pattern"] = _patterns(spec, people, rng)
    people = people.join(_milestone_days(spec, people, rng))
    people = people.join(_profiles(spec, people, ("country", "education"), rng))
    people = people.join(_profiles(spec, people, ("status", "stage", "gap"), rng))
    people["last_contact"] = _last_contacts(people, rng)
    people = _in_file_order(spec, people, rng)
    return _with_dirt(spec["faults"], _as_export(spec, people, rng), people, rng)


# Chance and fitting


def systematic(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw places in proportion to weights, evenly spread: each comes up its expected number of times, give or take one.

    Args:
        weights: shape (places,).
        size: how many to draw.
        rng: the source of chance.

    Returns:
        Places in ascending order, shape (size,).
    """
    ends = np.cumsum(weights)
    ticks = (np.arange(size) + rng.random()) * (ends[-1] / max(size, 1))
    return np.minimum(np.searchsorted(ends, ticks, side="right"), len(ends) - 1)


def choose(weights: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Choose `size` different places, each with a chance in proportion to its weight (and at most 1)."""
    if size == len(weights):
        return np.arange(size)
    for _ in range(50 if size else 0):
        weights = np.minimum(weights * (size / weights.sum()), 1)
    return systematic(weights, size, rng)


def uniform_in_bins(bins, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw whole numbers, shape (size,), from bins [low, high, count]; inside a bin all are equally likely."""
    if not bins:
        return np.zeros(size, dtype=int)
    low, high, count = np.array(bins).T
    chosen = systematic(count, size, rng)
    return rng.permutation(rng.integers(low[chosen], high[chosen]))


def fit(shape: tuple[int, ...], margins: list, rounds: int = 40) -> np.ndarray:
    """Find the most even table that agrees with given sums: iterative proportional fitting.

    Args:
        shape: the table's.
        margins: pairs (labels, sums). `labels`, of any shape that broadcasts to the table's, says to which of the
            sums each cell belongs. Where sums contradict each other (they were rounded), the last pair wins.
        rounds: how often to go through all margins.

    Returns:
        The table, with `shape`.
    """
    margins = [
        (np.broadcast_to(labels, shape).ravel(), np.asarray(sums, dtype=float)) for labels, sums in margins
    ]
    table = np.ones(int(np.prod(shape)))
    for _ in range(rounds):
        for labels, sums in margins:
            # bincount adds cell after cell: the same bits on every processor
            found = np.bincount(labels, table, minlength=len(sums))
            table *= (sums / np.where(found > 0, found, 1))[labels]
    return table.reshape(shape)


def _margin(table: dict, axes: dict[str, tuple], row: str, column: str) -> tuple[np.ndarray, list]:
    """A two-way table of the spec as labels and sums; the pooled cells of a row share one sum."""
    sums, labels = [], []
    for name in axes[row]:
        kept = table.get(name, {POOLED: 0})
        sums.append(max(kept[POOLED], 1))  # a pool of one or two people was rounded to 0
        pool = len(sums) - 1
        places = {
            other: pool + 1 + place
            for place, other in enumerate([other for other in axes[column] if other in kept])
        }
        labels.append([places.get(other, pool) for other in axes[column]])
        sums.extend(kept[other] for other in places)
    return _along(np.array(labels), axes, row, column), sums


def _along(labels: np.ndarray, axes: dict[str, tuple], *names: str) -> np.ndarray:
    """Give labels over some of the axes the shape that broadcasts over all of them."""
    return labels.reshape([len(values) if name in names else 1 for name, values in axes.items()])


def _codes(people: pd.DataFrame, axes: dict[str, tuple]) -> np.ndarray:
    """The cell of a table with these axes into which each person falls, shape (people,)."""
    places = [
        pd.Categorical(people[name], categories=values).codes.astype(int) for name, values in axes.items()
    ]
    return np.ravel_multi_index(places, [len(values) for values in axes.values()])


# The skeleton


def _arrivals(spec: dict, rng: np.random.Generator) -> pd.DataFrame:
    """One row a person: origin, day of arrival (missing for some), quarter, and part of either split."""
    tables = []
    for origin in ORIGINS:
        parts = PARTS[:3] if origin == "contacted" else (origin,)
        size = sum(row[part] for row in spec["class by part"].values() for part in parts)
        bins = [
            (_day(first), min(0, _day(last, months=1)), count)
            for first, last, count in spec["arrivals"][origin]
        ]
        days = np.full(size, np.nan)
        known = sum(count for *_, count in bins)
        days[:known] = np.sort(uniform_in_bins(bins, known, rng))
        tables.append(pd.DataFrame({"origin": origin, "arrival": days}))
    people = pd.concat(tables, ignore_index=True)
    cuts = [int(share * len(people)) for share in (TRAIN_END, VALIDATION_END)]
    contacted = people["origin"] == "contacted"
    for cut in cuts:  # so that no day is divided between two parts of the published split
        divided = contacted & (people.index >= cut) & (people["arrival"] == people["arrival"][cut - 1])
        people.loc[divided, "arrival"] += 1
    part = np.array(PARTS[:3])[np.searchsorted(cuts, people.index, side="right")]
    arrival = np.sort(people["arrival"].dropna())
    ends = [arrival[int(share * len(arrival)) - 1] for share in (TRAIN_END, VALIDATION_END)]
    sound = np.array(SOUND_PARTS)[np.searchsorted(ends, people["arrival"].fillna(0))]
    quarter = (
        _dates(people["arrival"]).dt.to_period("Q").astype(object).map(str, na_action="ignore").fillna(NONE)
    )
    return people.assign(
        part=np.where(contacted, part, people["origin"]),
        sound=np.where(people["arrival"].isna(), NONE, sound),
        quarter=quarter,
    )


def _day(month: str, months: int = 0) -> int:
    """The first day of a month, or of one so many months later."""
    return (pd.Timestamp(month) + pd.DateOffset(months=months) - SNAPSHOT_DATE).days


def _dates(days: pd.Series) -> pd.Series:
    return SNAPSHOT_DATE + pd.to_timedelta(days, unit="D")


def _classes(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Who reaches nothing, a milestone, or subscribes: exact by published part, fitted by quarter and sound part."""
    axes = {
        "class": CLASSES,
        "part": PARTS,
        "sound": SOUND_PARTS,
        "quarter": tuple(sorted(set(people["quarter"]))),
    }
    shape = tuple(len(values) for values in axes.values())
    seats = {name: axes[name] for name in ("part", "sound", "quarter")}
    seat = _codes(people, seats)
    taken = np.bincount(seat, minlength=int(np.prod(shape[1:])))
    subscribed = [spec["subscribers by sound part"].get(part, 0) for part in SOUND_PARTS]
    by_sound = np.full((len(CLASSES), len(SOUND_PARTS)), len(SOUND_PARTS))
    by_sound[CLASSES.index("subscribed")] = range(len(SOUND_PARTS))
    by_part = [spec["class by part"][name][part] for name in CLASSES for part in PARTS]
    table = fit(
        shape,
        [
            _margin(spec["two-way"]["class x quarter"], axes, "class", "quarter"),
            (_along(by_sound, axes, "class", "sound"), [*subscribed, spec["rows"] - sum(subscribed)]),
            (_along(np.arange(len(by_part)), axes, "class", "part"), by_part),
            (np.arange(len(taken)).reshape(1, *shape[1:]), taken),
        ],
    ).reshape(len(CLASSES), -1)
    classes = np.full(len(people), "nothing", dtype=object)
    for name in ("subscribed", "milestone"):
        chance = table[CLASSES.index(name)] / np.maximum(taken, 1)
        for part in PARTS:
            free = np.flatnonzero((people["part"] == part) & (classes == "nothing"))
            free = free[np.argsort(people["arrival"].to_numpy()[free], kind="stable")]
            classes[free[choose(chance[seat[free]], spec["class by part"][name][part], rng)]] = name
    return classes


def _patterns(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Which milestones each person reaches: exact counts, divided between contacted and inbound people by fitting."""
    names = [name for name in spec["patterns"] if name != "nothing"]
    counts = np.array([spec["patterns"][name] for name in names])
    subscribing = np.array(["subscribed" in name for name in names])
    inbound = [spec["class by part"][name]["inbound"] for name in CLASSES[1:]]
    tracked = np.array(["demo" in name or "survey" in name for name in names])
    early = people[(people["origin"] == "inbound") & (people["arrival"] < TRACKING_STARTS)]
    early_subscribers = int(
        (early["class"] == "subscribed").sum()
    )  # they need patterns without demo and survey
    margins = []
    for event in EVENTS:
        has = np.array([event in name for name in names])
        kept = spec["two-way"]["event x origin"][event]
        labels = np.where(has[:, None], [0, 1], 2)
        margins.append((labels, [kept["contacted"], kept["inbound"], counts[~has].sum()]))
    labels = np.stack([np.ones(len(names), dtype=int), ~(subscribing & ~tracked)], axis=1)
    margins.append((labels, [early_subscribers, counts.sum() - early_subscribers]))
    by_class = np.array([counts[~subscribing].sum(), counts[subscribing].sum()]) - inbound
    margins.append((np.stack([subscribing, subscribing + 2], axis=1), [*by_class, *inbound]))
    margins.append((np.arange(len(names))[:, None], counts))
    share = fit((len(names), 2), margins, rounds=200)[:, 1] / counts
    patterns = np.full(len(people), "nothing", dtype=object)
    for group, size in zip((~subscribing, subscribing), inbound, strict=True):
        pool = np.repeat(np.flatnonzero(group), counts[group])
        is_inbound = np.isin(np.arange(len(pool)), choose(share[pool], size, rng))
        reached = people["class"] == ("subscribed" if group is subscribing else "milestone")
        for origin, members in (("inbound", pool[is_inbound]), ("contacted", pool[~is_inbound])):
            rows = people[reached & (people["origin"] == origin)].sort_values("arrival").index
            members = rng.permutation(members)
            first = np.flatnonzero(~tracked[members])[
                : np.isin(rows, early.index).sum()
            ]  # the earliest come first
            members = np.concatenate([members[first], np.delete(members, first)])
            patterns[rows] = [names[m] for m in members]
    return patterns


def _milestone_days(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The day of each milestone: step by step in the usual order, an inbound person's first one on arrival."""
    days = pd.DataFrame(np.nan, index=people.index, columns=list(EVENTS))
    before = people["arrival"].where(people["origin"] == "contacted")
    for event in USUAL_ORDER:
        earliest = TRACKING_STARTS if event in ("demo", "survey") else -np.inf
        reached = people["pattern"].str.contains(event)
        opens = reached & before.isna()
        days.loc[opens, event] = people["arrival"][opens].clip(lower=earliest)
        for origin in ("contacted", "inbound"):
            rows = people.index[reached & ~opens & (people["origin"] == origin)]
            steps = uniform_in_bins(spec["days since the step before"][f"{origin} {event}"], len(rows), rng)
            since = before[rows].to_numpy()
            days.loc[rows, event] = since + _dealt(steps, np.maximum(0, earliest - since), -since, rng)
        before = days[event].fillna(before)
    return days


def _dealt(steps: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal steps to people, those with the least room first; who can use none that is left gets one inside the room."""
    left = list(steps)
    dealt = np.zeros(len(steps))
    for person in np.argsort(high - low, kind="stable"):
        fits = [place for place, step in enumerate(left) if low[person] <= step <= high[person]]
        dealt[person] = left.pop(fits[0]) if fits else rng.integers(low[person], high[person] + 1)
    return dealt


# The profile


def _profiles(spec: dict, people: pd.DataFrame, names: tuple, rng: np.random.Generator) -> pd.DataFrame:
    """Draw some columns together, from the table fitted to all their counts, within (class, origin, quarter)."""
    groups = {"class": CLASSES, "origin": ORIGINS, "quarter": tuple(sorted(set(people["quarter"])))}
    axes = groups | {name: tuple(spec["one-way"][name]) for name in names}
    shape = tuple(len(values) for values in axes.values())
    group = _codes(people, groups)
    sizes = np.bincount(group, minlength=int(np.prod(shape[:3])))
    margins = [
        _margin(table, axes, *title.split(" x "))
        for title, table in spec["two-way"].items()
        if set(title.split(" x ")) <= set(axes) and title != "class x quarter"
    ]
    for name in names:
        counts = list(spec["one-way"][name].values())
        margins.append((_along(np.arange(len(counts)), axes, name), counts))
    if "gap" in names:  # only contacted people have one
        labels = np.array(
            [[2 * (origin != "contacted") + (gap == NONE) for gap in axes["gap"]] for origin in ORIGINS]
        )
        none, others = spec["one-way"]["gap"][NONE], int((people["origin"] != "contacted").sum())
        sums = [spec["rows"] - none, none - others, 0, others]
        margins.append((_along(labels, axes, "origin", "gap"), sums))
    margins.append((np.arange(len(sizes)).reshape(*shape[:3], *[1] * len(names)), sizes))
    table = fit(shape, margins).reshape(len(sizes), -1)
    cells = np.zeros(len(people), dtype=int)
    for place in np.flatnonzero(sizes):
        cells[group == place] = rng.permutation(systematic(table[place], sizes[place], rng))
    values = np.unravel_index(cells, shape[3:])
    return pd.DataFrame(
        {name: np.array(axes[name], dtype=object)[chosen] for name, chosen in zip(names, values, strict=True)}
    )


def _last_contacts(people: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    """The day of the last contact: first contact and gap; without a first contact, the day that gave the arrival."""
    low, high = np.array([GAPS.get(gap, (0, 1)) for gap in people["gap"]]).T
    gap = rng.integers(low, high)
    room = -people["arrival"].fillna(0).astype(int)
    gap = np.where(gap > room, rng.integers(0, room + 1), gap)
    known = (people["gap"] != NONE) | (people["origin"] == "unknown")
    return (people["arrival"] + gap).where(known)


# The file


def _in_file_order(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Inbound people first, the latest on top; then the rest roughly by arrival; those to be drag-filled in a block."""
    key = people["arrival"] + rng.normal(0, 20, len(people))
    key = key.where(people["origin"] != "inbound", -10_000 - people["arrival"])
    lost = people.index[people["arrival"].isna()]
    key[lost] = rng.uniform(-300, 0, len(lost))
    filled = lost[: spec["faults"]["Last Contact: drag-fill"]]
    key[filled] = _day("2022-01") + np.arange(len(filled)) / 1e6
    people = people.assign(drag_filled=people.index.isin(filled)).loc[key.sort_values(kind="stable").index]
    people = people.reset_index(drop=True)
    while (twins := drag_filled(_dates(people["last_contact"]))).any():  # neighbours a year apart by accident
        moved = people.loc[twins, "last_contact"] + rng.integers(0, 3, int(twins.sum()))
        people.loc[twins, "last_contact"] = moved.clip(upper=0)
    return people


def _as_export(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """People as clean rows of an export, with rare countries named at random."""
    ids = np.append(
        rng.choice(spec["largest ID"] - 1, len(people) - 1, replace=False) + 1, spec["largest ID"]
    )
    raw = {"ID": np.sort(ids), "Country": people["country"].mask(people["country"] == RARE, None)}
    raw |= {"Education": people["education"], "Status": people["status"], "Stage": people["stage"]}
    first_contact = people["arrival"].where(people["origin"] == "contacted")
    days = {"First Contact": first_contact, "Last Contact": people["last_contact"]}
    days |= {column: people[event] for event, column in EVENTS.items()}
    raw |= {name: _dates(column).dt.strftime("%Y-%m-%d").astype(object) for name, column in days.items()}
    raw = pd.DataFrame(raw)[list(COLUMNS)].astype(object)
    raw = raw.mask(raw.isna() | (raw == NONE), None)
    rare = np.flatnonzero(people["country"] == RARE)
    raw.loc[rare, "Country"] = _rare_countries(spec, len(rare), rng)
    return raw


def _rare_countries(spec: dict, size: int, rng: np.random.Generator) -> np.ndarray:
    """Names from the list of all countries, each for fewer than 5 people; the spec does not say which ones were there."""
    names = [country.name for country in pycountry.countries if "," not in country.name]
    names = [
        name
        for name in names
        if read_country(name) == (name, None) and name not in spec["one-way"]["country"]
    ]
    chosen = rng.choice(np.array(sorted(names), dtype=object), spec["distinct rare countries"], replace=False)
    return rng.permutation(np.tile(chosen, SMALLEST - 1)[:size])


def _with_dirt(
    faults: dict, raw: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Soil a clean export: every kind of fault as often as cleaning found it in the original."""

    def some(rows: pd.Series, fault: str) -> pd.Index:
        """As many of these rows as have the fault."""
        return pd.Index(rng.choice(raw.index[rows], faults.get(fault, 0), replace=False)).sort_values()

    contacted = people["origin"] == "contacted"
    called = contacted & (people["class"] == "milestone") & people["call"].notna() & people["demo"].isna()
    called &= people["survey"].isna()
    # spellings
    rows = some(raw["Country"].notna(), "Country: other spelling")
    raw.loc[rows, "Country"] = [
        rng.choice([name.lower(), name.upper() + " "]) for name in raw.loc[rows, "Country"]
    ]
    rows = some(raw["Country"].isna(), "Country: not one country")
    raw.loc[rows, "Country"] = [NOT_COUNTRIES[place % len(NOT_COUNTRIES)] for place in range(len(rows))]
    # notes that contradict the date of subscription
    subscribed = people["class"] == "subscribed"
    raw.loc[raw["Stage"] == "subscribed already", "Stage"] = None
    raw.loc[subscribed, "Stage"] = "subscribed already"
    raw.loc[some(subscribed, "Stage: stage does not say subscribed"), "Stage"] = None
    raw.loc[some(people["class"] == "milestone", "Stage: stage alone says subscribed"), "Stage"] = (
        "subscribed already"
    )
    # impossible orders
    rows = some(
        called & (people["call"] > people["arrival"]), "First Contact: milestone before first contact"
    )
    early = _text(people["arrival"][rows] - rng.integers(1, 15, len(rows)))
    raw.loc[rows, EVENTS["call"]] = early
    rows = some(contacted & people["last_contact"].notna(), "Last Contact: last contact before first")
    raw.loc[rows, "Last Contact"] = _text(people["arrival"][rows] - rng.integers(1, 31, len(rows)))
    # cells that are no dates
    raw.loc[
        some(called & people["signup"].isna(), "Did sign up to the platform: answered No"), EVENTS["signup"]
    ] = "No"
    rows = some(contacted & people["signup"].notna(), "Did sign up to the platform: unreadable date")
    raw.loc[rows, EVENTS["signup"]] = "7654321"
    rows = some(subscribed & contacted, "Subscribed: unknown date")
    raw.loc[rows, EVENTS["subscribed"]] = "0000-00-00"
    lost = people["arrival"].isna() & ~people["drag_filled"]
    raw.loc[some(lost, "Last Contact: unreadable date"), ["First Contact", "Last Contact"]] = "2021-13-12"
    # dates as text, some of them pulled down over the rows below
    alone = people["origin"].eq("unknown") & people["last_contact"].notna()
    faults = faults | {
        "text alone": faults["Last Contact: date as text"] - faults["drag-fill: readable as text"]
    }
    rows = some(alone, "text alone")
    raw.loc[rows, "Last Contact"] = _text(people["last_contact"][rows], "%d.%m.%Y")
    raw.loc[people["drag_filled"], "Last Contact"] = _drag_fill(faults, rng)
    return raw


def _text(days: pd.Series, form: str = "%Y-%m-%d") -> pd.Series:
    return _dates(days).dt.strftime(form)


def _drag_fill(faults: dict, rng: np.random.Generator) -> list[str]:
    """Runs of dates a year apart, from a day in January or December 2021, as text."""
    runs, longest = faults["drag-fill: runs"], faults["drag-fill: longest run"]
    spare = faults["Last Contact: drag-fill"] - longest - 2 * (runs - 1)
    lengths = [longest, *(2 + rng.multinomial(spare, np.full(runs - 1, 1 / (runs - 1))))]
    in_january = (
        faults["drag-fill: readable as text"] - runs
    )  # these have two days before the snapshot, not one
    cells = []
    for run, length in enumerate(lengths):
        start = f"{rng.integers(1, 29):02}.{'01' if run < in_january else '12'}"
        cells += [f"{start}.{2021 + year}" for year in range(length)]
    return cells
