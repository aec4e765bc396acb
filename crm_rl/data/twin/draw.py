"""The twin: a synthetic export, drawn with a seed from the counts in `spec` and from nothing else.

First the skeleton: who arrives when, who reaches what, and on which day. Then the profile: for country and
education, and again for status, stage and contact gap, we look for the joint table that agrees with every count we
have and is otherwise as even as can be. Iterative proportional fitting finds it: scale the table to each set of
counts in turn until all agree (Deming and Stephan 1940). Last the dirt, as often as cleaning found it.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pycountry

from crm_rl.data.columns import COLUMNS, EVENTS
from crm_rl.data.countries import country_named
from crm_rl.data.problems import DataError
from crm_rl.data.twin.days import as_text, dates, day_number
from crm_rl.data.twin.dirt import with_dirt
from crm_rl.data.twin.profile import draw_profiles, last_contacts
from crm_rl.data.twin.skeleton import arrivals, classes_reached, draw_patterns, milestone_days
from crm_rl.data.twin.spec import NONE, RARE, SMALLEST, SPEC
from crm_rl.data.validate import drag_filled
from crm_rl.files import PROJECT, write_whole

#: Where the twin is kept: in a checkout it is read from there, too.
TWIN = PROJECT / "data" / "raw" / "crm_twin.csv"


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
        spec: the counts, as `spec.measure` returns them.
        rng: the only source of chance.

    Returns:
        Raw cells, shape (rows, 13), as `load` returns those of a CSV; empty cells are missing.
    """
    people = arrivals(spec, rng)
    people["class"] = classes_reached(spec, people, rng)
    people["pattern"] = draw_patterns(spec, people, rng)
    people = people.join(milestone_days(spec, people, rng))
    people = people.join(draw_profiles(spec, people, ("country", "education"), rng))
    people = people.join(draw_profiles(spec, people, ("status", "stage", "gap"), rng))
    people["last_contact"] = last_contacts(people, rng)
    people = _in_file_order(spec, people, rng)
    return with_dirt(spec["faults"], _as_export(spec, people, rng), people, rng)


def _in_file_order(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Inbound people first, the latest on top; then the rest roughly by arrival; the drag-filled in one block."""
    key = people["arrival"] + rng.normal(0, 20, len(people))
    key = key.where(people["origin"] != "inbound", -10_000 - people["arrival"])
    lost = people.index[people["arrival"].isna()]
    filled = lost[: spec["faults"]["Last Contact: drag-fill"]]
    key[lost] = rng.uniform(-300, 0, len(lost))
    key[filled] = day_number("2022-01") + np.arange(len(filled)) / 1e6
    people = people.assign(filled=people.index.isin(filled)).loc[key.sort_values(kind="stable").index]
    people = people.reset_index(drop=True)
    while (chance_runs := drag_filled(dates(people["last_contact"]))).any():
        moved = people.loc[chance_runs, "last_contact"] + rng.integers(0, 3, int(chance_runs.sum()))
        people.loc[chance_runs, "last_contact"] = moved.clip(upper=0)
    return people


def _as_export(spec: dict, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """People as the clean rows of an export. Rare countries get names by chance: the spec does not know them."""
    known = sorted(country.name for country in pycountry.countries if country.name.replace(" ", "").isalpha())
    ours = {name: country_named(name) for name in known}  # of the countries with another name, Russia alone is drawn
    names = [our for name, our in ours.items() if our in (name, "Russia") and our not in spec["one-way"]["country"]]
    chosen = rng.choice(np.array(names, dtype=object), spec["rare countries"], replace=False)
    rare = people["country"] == RARE
    people.loc[rare, "country"] = rng.permutation(np.tile(chosen, SMALLEST - 1)[: rare.sum()])
    days = {column: people[event] for event, column in EVENTS.items()}
    days["First Contact"] = people["arrival"].where(people["origin"] == "contacted")
    days["Last Contact"] = people["last_contact"]
    cells = {name: as_text(column) for name, column in days.items()}
    cells |= {name: people[name.lower()].replace(NONE, None) for name in ("Country", "Education", "Status", "Stage")}
    ids = rng.choice(spec["largest ID"] - 1, len(people) - 1, replace=False) + 1
    cells["ID"] = np.append(np.sort(ids), spec["largest ID"])
    raw = pd.DataFrame(cells)[list(COLUMNS)].astype(object)
    return raw.mask(raw.isna(), None)
