"""The twin's dirt: each kind of fault as often as cleaning found it in the original."""

import numpy as np
import pandas as pd

from crm_rl.data.columns import EVENTS
from crm_rl.data.twin.days import as_text

#: What people type where a country should stand.
NOT_COUNTRIES = (*["-"] * 10, "Full time", "CA ", "n/a", "Remote", "Canada & USA", "Europe")


def with_dirt(faults: dict, raw: pd.DataFrame, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
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
    raw.loc[rows, EVENTS["call"]] = as_text(people["arrival"][rows] - rng.integers(1, 15, len(rows)))
    rows = some(contacted & people["last_contact"].notna(), "Last Contact: last contact before first")
    raw.loc[rows, "Last Contact"] = as_text(people["arrival"][rows] - rng.integers(1, 31, len(rows)))
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
    raw.loc[rows, "Last Contact"] = as_text(people["last_contact"][rows], "%d.%m.%Y")
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
