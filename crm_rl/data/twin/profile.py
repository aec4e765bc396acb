"""The twin's profile: country and education; status, stage and contact gap: from the tables that fit their counts."""

import numpy as np
import pandas as pd

from crm_rl.data.twin.chance import fit, margin, systematic
from crm_rl.data.twin.spec import CLASSES, GAPS, NONE, ORIGINS


def draw_profiles(spec: dict, people: pd.DataFrame, names: tuple, rng: np.random.Generator) -> pd.DataFrame:
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


def last_contacts(people: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    """The day of the last contact: first contact plus gap; else the day that gave the arrival; inbound: none."""
    low, high = np.array([GAPS.get(gap, (0, 1)) for gap in people["gap"]]).T
    gap = rng.integers(low, high)
    room = -people["arrival"].fillna(0).astype(int)
    gap = np.where(gap > room, rng.integers(np.minimum(low, room), room + 1), gap) * (people["origin"] == "contacted")
    known = (people["gap"] != NONE) & (people["origin"] == "contacted") | (people["origin"] == "unknown")
    return (people["arrival"] + gap).where(known)
