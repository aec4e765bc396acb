"""The twin's skeleton: who arrives when, who reaches what, and on which day.

A day is a number that counts from the snapshot: 0 is the day of the export, -1 the day before.
"""

import numpy as np
import pandas as pd

from crm_rl.data.columns import EVENTS, SNAPSHOT_DATE
from crm_rl.data.split import TRAIN_END, VALIDATION_END
from crm_rl.data.twin.chance import choose, uniform_in_bins
from crm_rl.data.twin.days import dates, day_number
from crm_rl.data.twin.spec import NONE, ORIGINS, PARTS, POOLED, USUAL_ORDER

#: Demos and surveys are recorded from this day on.
TRACKING_STARTS = (pd.Timestamp("2021-08-31") - SNAPSHOT_DATE).days


def arrivals(spec: dict, rng: np.random.Generator) -> pd.DataFrame:
    """One row a person: origin, arrival (missing for some), its quarter, and the part of either split."""
    sizes = [sum(row[part] for row in spec["class by part"].values()) for part in PARTS]
    cuts = np.cumsum(sizes)
    part = np.repeat(PARTS, sizes)
    origin = np.where(np.arange(len(part)) < cuts[2], "contacted", part)
    days = np.full(len(part), np.nan)
    for name in ORIGINS:
        bins = []  # the firm writes on some days only
        for first, last, people, different in spec["arrivals"][name]:
            month = np.arange(day_number(first), min(0, day_number(last, months=1)))
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
    quarter = dates(people["arrival"]).dt.to_period("Q").astype(object).map(str, na_action="ignore")
    return people.assign(quarter=quarter.fillna(NONE))


def classes_reached(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
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


def draw_patterns(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
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


def milestone_days(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
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
