"""The twin: a synthetic export, drawn with a seed from the counts in `twin_spec` and from nothing else.

First the skeleton: who arrives when, who reaches what, and on which day. Then the profile: for country and
education, and again for status, stage and contact gap, we look for the joint table that agrees with every count we
have and is otherwise as even as can be. Iterative proportional fitting finds it: scale the table to each set of
counts in turn until all agree (Deming and Stephan 1940). Last the dirt, as often as cleaning found it.

Inside, a day is a number that counts from the snapshot: 0 is the day of the export, -1 the day before.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pycountry

from crm_rl.data import COLUMNS, EVENTS, SNAPSHOT_DATE
from crm_rl.data.cells import read_country
from crm_rl.data.problems import DataError
from crm_rl.data.split import TRAIN_END, VALIDATION_END
from crm_rl.data.twin.spec import CLASSES, GAPS, NONE, ORIGINS, PARTS, POOLED, RARE, SMALLEST, SPEC, USUAL_ORDER
from crm_rl.data.validate import drag_filled
from crm_rl.files import PROJECT, write_whole

#: Where the twin is kept: in a checkout it is read from there, too.
TWIN = PROJECT / "data" / "raw" / "crm_twin.csv"

#: Demos and surveys are recorded from this day on.
TRACKING_STARTS = (pd.Timestamp("2021-08-31") - SNAPSHOT_DATE).days

#: What people type where a country should stand.
NOT_COUNTRIES = (*["-"] * 10, "Full time", "CA ", "n/a", "Remote", "Canada & USA", "Europe")


def make_twin(out: str | Path = TWIN, spec: str | Path = SPEC, seed: int | None = None) -> Path:
    """Draw the twin and write it, whole or not at all. The same spec and seed give the same bytes.

    Args:
        out: the CSV file to write. Only the twin may be there already, in its usual place, and is replaced.
        spec: the file of counts.
        seed: a seed of your own; by default the one in the spec.

    Returns:
        `out`.

    Raises:
        DataError: something else stands there, or the name does not end in .csv. Nothing has been written then.
    """
    out = Path(out)
    if out.suffix.lower() != ".csv":
        raise DataError(f"{out}: the twin is a .csv file. Remedy: give it a name that ends in .csv.")
    if out.exists() and not (out.is_file() and out.resolve() == TWIN.resolve()):
        raise DataError(f"{out}: something stands there. Remedy: move it away, or choose another place with --out.")
    counts = json.loads(Path(spec).read_text(encoding="utf-8"))
    rng = np.random.default_rng(counts["provenance"]["seed"] if seed is None else seed)
    raw = draw(counts, rng)
    write_whole(out, raw.to_csv(index=False, lineterminator="\n"))
    return out


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
    """Draw places in proportion to weights, evenly: each comes up its expected number of times, give or take one.

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
    """Choose `size` different places, each with a chance in proportion to its weight, but at most 1."""
    if size == 0 or size >= len(weights):
        return np.arange(min(size, len(weights)))
    for _ in range(50):
        weights = np.minimum(weights * (size / weights.sum()), 1)
    return systematic(weights, size, rng)


def uniform_in_bins(bins: list, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw whole numbers, shape (size,), from bins [low, high, count], evenly inside a bin."""
    low, high, count = (np.array(column) for column in zip(*(bins or [[0, 1, 1]]), strict=True))
    chosen = systematic(count, size, rng)
    return rng.permutation(rng.integers(low[chosen], high[chosen]))


def fit(shape: tuple[int, ...], margins: list, rounds: int = 40) -> np.ndarray:
    """Find the most even table that agrees with given sums: iterative proportional fitting.

    Args:
        shape: the table's.
        margins: pairs (labels, sums). `labels`, of any shape that broadcasts to the table's, says to which of
            the sums each cell belongs. Where sums contradict each other (they are rounded), the last pair wins.
        rounds: how often to go through all margins.

    Returns:
        The table, with `shape`.
    """
    margins = [(np.broadcast_to(labels, shape).ravel(), np.asarray(sums, float)) for labels, sums in margins]
    table = np.ones(int(np.prod(shape)))
    for _ in range(rounds):
        for labels, sums in margins:
            # bincount adds cell after cell, in order: the same bits on every processor
            found = np.bincount(labels, table, minlength=len(sums))
            table *= (sums / np.where(found > 0, found, 1))[labels]
    return table.reshape(shape)


def margin(title: str, table: dict, axes: dict[str, tuple]) -> tuple[np.ndarray, list]:
    """Turn a table of the spec ("row x column", or one-way) into labels and sums; a row's pooled cells share a sum."""
    row, column = title.split(" x ") if " x " in title else (None, title)
    sums, labels = [], []
    for name in axes[row] if row else [None]:
        kept = table.get(name, {POOLED: 0}) if row else table
        pool = len(sums)
        sums.append(max(kept.get(POOLED, 0), 1))  # a pool of one or two people was rounded to 0
        places = {}
        for other in axes[column]:
            if other in kept:
                places[other] = len(sums)
                sums.append(kept[other])
        labels.append([places.get(other, pool) for other in axes[column]])
    return np.reshape(labels, [len(axes[name]) if name in (row, column) else 1 for name in axes]), sums


# The skeleton


def _arrivals(spec: dict, rng: np.random.Generator) -> pd.DataFrame:
    """One row a person: origin, arrival (missing for some), its quarter, and the part of either split."""
    sizes = [sum(row[part] for row in spec["class by part"].values()) for part in PARTS]
    cuts = np.cumsum(sizes)
    part = np.repeat(PARTS, sizes)
    origin = np.where(np.arange(len(part)) < cuts[2], "contacted", part)
    days = np.full(len(part), np.nan)
    for name in ORIGINS:
        bins = []  # the firm writes on some days only
        for first, last, people, different in spec["arrivals"][name]:
            month = np.arange(_day(first), min(0, _day(last, months=1)))
            chosen = rng.choice(month, min(different, len(month)), replace=False)
            bins += [[day, day + 1, people / len(chosen)] for day in np.sort(chosen)]
        known = np.flatnonzero(origin == name)[: sum(people for *_, people, _ in spec["arrivals"][name])]
        days[known] = np.sort(uniform_in_bins(bins, len(known), rng))
    for cut in cuts[:2]:  # no day is divided between two parts of the published split
        days[cut : cuts[2]][days[cut : cuts[2]] == days[cut - 1]] += 1
    ordered = np.sort(days[~np.isnan(days)])
    ends = [ordered[int(share * len(ordered)) - 1] for share in (TRAIN_END, VALIDATION_END)]
    sound = np.array(PARTS[:3])[np.searchsorted(ends, np.nan_to_num(days, nan=0))]
    people = pd.DataFrame({"origin": origin, "arrival": days, "part": part, "sound": sound})
    return people.assign(quarter=_dates(people["arrival"]).dt.to_period("Q").astype(str).fillna(NONE))


def _day(month: str, months: int = 0) -> int:
    """The first day of a month, or of one so many months later."""
    return (pd.Timestamp(month) + pd.DateOffset(months=months) - SNAPSHOT_DATE).days


def _dates(days: pd.Series) -> pd.Series:
    return SNAPSHOT_DATE + pd.to_timedelta(days, unit="D")


def _classes(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Who reaches nothing, a milestone, or subscribes: exact by part, and in proportion by quarter."""
    classes = np.full(len(people), "nothing", dtype=object)

    def reach(name: str, members: pd.Series, size: int) -> None:
        free = classes == "nothing"
        kept = spec["two-way"]["class x quarter"][name]
        sizes = people["quarter"][free].value_counts()
        reached = people["quarter"][classes == name].value_counts()
        pool = max(kept[POOLED], 1) / max(len(sizes.index.difference(list(kept))), 1)
        missing = {quarter: max(kept.get(quarter, pool) - reached.get(quarter, 0), 0.1) for quarter in sizes.index}
        chance = people["quarter"].map({quarter: missing[quarter] / sizes[quarter] for quarter in sizes.index})
        rows = np.flatnonzero(members & free)
        classes[rows[choose(chance.to_numpy()[rows], size, rng)]] = name

    for part in PARTS[:3]:
        reach("subscribed", people["part"] == part, spec["class by part"]["subscribed"][part])
    for part, size in spec["subscribers by sound part"].items():  # inbound subscribers make these up
        members = people["sound"] == part
        already = int((members & (classes == "subscribed")).sum())
        reach("subscribed", members & (people["origin"] == "inbound"), size - already)
    for part in ("inbound", *PARTS[:3]):
        reach("milestone", people["part"] == part, spec["class by part"]["milestone"][part])
    return classes


def _patterns(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Which milestones each person reaches, in exact counts; those with a demo or a survey go to inbound people."""
    patterns = np.full(len(people), "nothing", dtype=object)
    inbound_left = spec["two-way"]["tracked x origin"]["demo or survey"]["inbound"]
    demo_steps = uniform_in_bins(spec["days since the step before"]["contacted demo first"], 500, rng)
    for name in ("subscribed", "milestone"):
        plain, tracked = _shuffled_patterns(spec, name, rng)
        inbound = people.index[(people["class"] == name) & (people["origin"] == "inbound")]
        early = int((people["arrival"][inbound] < TRACKING_STARTS).sum())  # the first rows; they can have neither
        size = len(inbound) - early if name == "subscribed" else inbound_left
        inbound_left -= size
        theirs = np.concatenate([plain[: len(inbound) - size], tracked[:size]])
        patterns[inbound] = np.concatenate([theirs[:early], rng.permutation(theirs[early:])])
        # of the contacted, those who come neither too early nor too late for the delays that demos have
        contacted = people.index[(people["class"] == name) & (people["origin"] == "contacted")]
        demo_days = people["arrival"][contacted].to_numpy()[:, None] + demo_steps
        fitting = ((demo_days >= TRACKING_STARTS) & (demo_days <= 0)).mean(axis=1)
        chosen = choose(fitting + 1e-6, len(tracked) - size, rng)
        patterns[contacted[chosen]] = tracked[size:]
        patterns[contacted.delete(chosen)] = plain[len(inbound) - size :]
    return patterns


def _shuffled_patterns(spec: dict, name: str, rng: np.random.Generator) -> list[np.ndarray]:
    """The patterns of subscribers, or of others, one for each person: without a demo or survey, and with one."""
    pools = [[], []]
    for pattern, count in spec["patterns"].items():
        if pattern != "nothing" and ("subscribed" in pattern) == (name == "subscribed"):
            pools["demo" in pattern or "survey" in pattern] += [pattern] * count
    return [rng.permutation(np.array(pool, dtype=object)) for pool in pools]


def _milestone_days(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The day of each milestone: step after step in the usual order; an inbound person's first is the arrival."""
    days = pd.DataFrame(np.nan, index=people.index, columns=list(EVENTS))
    before = people["arrival"].where(people["origin"] == "contacted")
    place = pd.Series("first", index=people.index)
    for event in USUAL_ORDER:
        earliest = TRACKING_STARTS if event in ("demo", "survey") else -np.inf
        reached = people["pattern"].str.contains(event)
        days.loc[reached & before.isna(), event] = people["arrival"].clip(lower=earliest)
        keys = (people["origin"] + f" {event} " + place).where(reached & before.notna())
        for key, rows in keys.groupby(keys).groups.items():
            steps = uniform_in_bins(spec["days since the step before"].get(key, []), len(rows), rng)
            since = before[rows].to_numpy()
            days.loc[rows, event] = since + _dealt(steps, np.maximum(0, earliest - since), -since, rng)
        before, place = days[event].fillna(before), place.mask(reached, "later")
    swapped = rng.permutation(days.index[days["manager"] < days["subscribed"]])[: spec["manager after subscription"]]
    days.loc[swapped, ["manager", "subscribed"]] = days.loc[swapped, ["subscribed", "manager"]].to_numpy()
    return days


def _dealt(steps: np.ndarray, low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deal steps to people, least room first; who can use none that is left gets a step that fits, by chance."""
    left = list(steps)
    dealt = np.zeros(len(steps))
    for person in np.argsort(high - low, kind="stable"):
        fits = [place for place, step in enumerate(left) if low[person] <= step <= high[person]]
        dealt[person] = left.pop(fits[0]) if fits else rng.integers(low[person], high[person] + 1)
    return dealt


# The profile


def _profiles(spec: dict, people: pd.DataFrame, names: tuple, rng: np.random.Generator) -> pd.DataFrame:
    """Draw some columns together, from the table that fits their counts, within class, origin and quarter."""
    axes = {"class": CLASSES, "origin": ORIGINS, "quarter": tuple(sorted(set(people["quarter"])))}
    places = [pd.Index(values).get_indexer(people[name]) for name, values in axes.items()]
    groups = [len(values) for values in axes.values()]
    group = np.ravel_multi_index(places, groups)
    sizes = np.bincount(group, minlength=int(np.prod(groups)))
    axes |= {name: tuple(spec["one-way"][name]) for name in names}
    shape = tuple(len(values) for values in axes.values())
    tables = spec["two-way"] | {name: spec["one-way"][name] for name in names}
    margins = [margin(title, table, axes) for title, table in tables.items() if set(title.split(" x ")) <= set(axes)]
    margins.append((np.arange(len(sizes)).reshape(*groups, *[1] * len(names)), sizes))
    fitted = fit(shape, margins).reshape(len(sizes), -1)
    cells = np.zeros(len(people), dtype=int)
    for place in np.flatnonzero(sizes):
        cells[group == place] = rng.permutation(systematic(fitted[place], sizes[place], rng))
    chosen = dict(zip(names, np.unravel_index(cells, shape[3:]), strict=True))
    return pd.DataFrame({name: np.array(axes[name], dtype=object)[chosen[name]] for name in names})


def _last_contacts(people: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    """The day of the last contact: first contact plus gap; else the day that gave the arrival; inbound: none."""
    low, high = np.array([GAPS.get(gap, (0, 1)) for gap in people["gap"]]).T
    gap = rng.integers(low, high)
    room = -people["arrival"].fillna(0).astype(int)
    gap = np.where(gap > room, rng.integers(np.minimum(low, room), room + 1), gap) * (people["origin"] == "contacted")
    known = (people["gap"] != NONE) & (people["origin"] == "contacted") | (people["origin"] == "unknown")
    return (people["arrival"] + gap).where(known)


# The file


def _in_file_order(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Inbound people first, the latest on top; then the rest roughly by arrival; the drag-filled in one block."""
    key = people["arrival"] + rng.normal(0, 20, len(people))
    key = key.where(people["origin"] != "inbound", -10_000 - people["arrival"])
    lost = people.index[people["arrival"].isna()]
    filled = lost[: spec["faults"]["Last Contact: drag-fill"]]
    key[lost] = rng.uniform(-300, 0, len(lost))
    key[filled] = _day("2022-01") + np.arange(len(filled)) / 1e6
    people = people.assign(filled=people.index.isin(filled)).loc[key.sort_values(kind="stable").index]
    people = people.reset_index(drop=True)
    while (chance_runs := drag_filled(_dates(people["last_contact"]))).any():
        moved = people.loc[chance_runs, "last_contact"] + rng.integers(0, 3, int(chance_runs.sum()))
        people.loc[chance_runs, "last_contact"] = moved.clip(upper=0)
    return people


def _as_export(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """People as the clean rows of an export. Rare countries get names by chance: the spec does not know them."""
    known = [country.name for country in pycountry.countries if country.name.replace(" ", "").isalpha()]
    names = sorted(
        name for name in known if read_country(name) == (name, None) and name not in spec["one-way"]["country"]
    )
    chosen = rng.choice(np.array(names, dtype=object), spec["rare countries"], replace=False)
    rare = people["country"] == RARE
    people.loc[rare, "country"] = rng.permutation(np.tile(chosen, SMALLEST - 1)[: rare.sum()])
    days = {column: people[event] for event, column in EVENTS.items()}
    days["First Contact"] = people["arrival"].where(people["origin"] == "contacted")
    days["Last Contact"] = people["last_contact"]
    cells = {name: _text(column) for name, column in days.items()}
    cells |= {name: people[name.lower()].replace(NONE, None) for name in ("Country", "Education", "Status", "Stage")}
    ids = rng.choice(spec["largest ID"] - 1, len(people) - 1, replace=False) + 1
    cells["ID"] = np.append(np.sort(ids), spec["largest ID"])
    raw = pd.DataFrame(cells)[list(COLUMNS)].astype(object)
    return raw.mask(raw.isna(), None)


def _text(days: pd.Series, form: str = "%Y-%m-%d") -> pd.Series:
    return _dates(days).dt.strftime(form).astype(object)


def _with_dirt(faults: dict, raw: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Soil a clean export: each kind of fault as often as cleaning found it in the original."""

    def some(candidates: pd.Series, fault: str | int) -> pd.Index:
        """So many of the candidates, or as many as have the fault."""
        size = faults.get(fault, 0) if isinstance(fault, str) else fault
        return pd.Index(np.sort(rng.choice(raw.index[candidates], size, replace=False)))

    contacted, subscribed = people["origin"] == "contacted", people["class"] == "subscribed"
    called = contacted & (people["class"] == "milestone") & people["call"].notna()
    # countries
    rows = some(raw["Country"].notna(), "Country: other spelling")
    raw.loc[rows, "Country"] = [rng.choice([name.lower(), name.upper() + " "]) for name in raw.loc[rows, "Country"]]
    rows = some(raw["Country"].isna(), "Country: not one country")
    raw.loc[rows, "Country"] = np.resize(np.array(NOT_COUNTRIES, dtype=object), len(rows))
    # notes that contradict the date of subscription
    raw.loc[raw["Stage"] == "subscribed already", "Stage"] = None
    raw.loc[subscribed, "Stage"] = "subscribed already"
    raw.loc[some(subscribed, "Stage: stage does not say subscribed"), "Stage"] = None
    raw.loc[some(people["class"] == "milestone", "Stage: stage alone says subscribed"), "Stage"] = "subscribed already"
    # dates in an impossible order
    only_called = called & people[["demo", "survey"]].isna().all(axis=1)
    rows = some(only_called, "First Contact: milestone before first contact")
    raw.loc[rows, EVENTS["call"]] = _text(people["arrival"][rows] - rng.integers(1, 15, len(rows)))
    rows = some(contacted & people["last_contact"].notna(), "Last Contact: last contact before first")
    raw.loc[rows, "Last Contact"] = _text(people["arrival"][rows] - rng.integers(1, 31, len(rows)))
    # cells that are no dates
    in_turn = subscribed & ~(people["manager"] > people["subscribed"])
    signed, lost = people["signup"].notna(), people["arrival"].isna() & ~people["filled"]
    raw.loc[some(called & ~signed, "Did sign up to the platform: answered No"), EVENTS["signup"]] = "No"
    raw.loc[some(contacted & signed, "Did sign up to the platform: unreadable date"), EVENTS["signup"]] = "7654321"
    raw.loc[some(contacted & in_turn, "Subscribed: unknown date"), EVENTS["subscribed"]] = "0000-00-00"
    raw.loc[some(lost, "Last Contact: unreadable date"), ["First Contact", "Last Contact"]] = "2021-13-12"
    # dates as text; some of them pulled down over the rows below, a year further with each row
    unknown = (people["origin"] == "unknown") & people["last_contact"].notna()
    readable = faults["Last Contact: drag-fill"] - faults["Last Contact: after the snapshot"]
    rows = some(unknown, faults["Last Contact: date as text"] - readable)
    raw.loc[rows, "Last Contact"] = _text(people["last_contact"][rows], "%d.%m.%Y")
    raw.loc[people["filled"], "Last Contact"] = _drag_fill(faults, readable, rng)
    return raw


def _drag_fill(faults: dict, readable: int, rng: np.random.Generator) -> list[str]:
    """Runs of days a year apart from 2021 on, as text. `readable` of them are not after the snapshot."""
    runs, longest = faults["drag-fill: runs"], faults["drag-fill: longest run"]
    spare = faults["Last Contact: drag-fill"] - longest - 2 * (runs - 1)
    lengths = [longest, *(2 + rng.multinomial(spare, np.full(runs - 1, 1 / (runs - 1))))]
    in_january = readable - runs  # a run from January 2021 has two days before the snapshot, one from December one
    cells = []
    for run, length in enumerate(lengths):
        start = f"{rng.integers(1, 29):02}.{'01' if run < in_january else '12'}"
        cells += [f"{start}.{2021 + year}" for year in range(length)]
    return cells
