"""Clean an export: repair what can be repaired, count every repair, refuse the rest. Nothing is dropped in silence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pandera.pandas as pa

from crm_rl.data.columns import BOOTCAMPS, CONTACTS, EARLIEST_DATE, EVENTS, SNAPSHOT_DATE, STAGES, STATUSES, TEXT
from crm_rl.data.problems import ERROR, NOTED, PROBLEMS, REPAIRED, TOO_OFTEN, WARNING, DataError
from crm_rl.data.validate import Readings, read_cells, validate

#: Days outside the years we trust: read, then set to missing (as drag-filled days are).
NOT_TRUSTED = ("before 2000", "after the snapshot")


@dataclass(frozen=True)
class CleaningReport:
    """What was found in an export and what was done about it.

    Attributes:
        source: the name of the file.
        rows_read: rows below the header.
        rows_kept: customers that came out.
        findings: a row a fault: `problem`, `column`, `row` and `value`, as `validate` lists them, then the oddities.
    """

    source: str
    rows_read: int
    rows_kept: int
    findings: pd.DataFrame

    def counts(self, severity: str | None = None) -> pd.DataFrame:
        """Count the findings by problem and column, with the first place of each and the remedy."""
        found = self.findings.assign(severity=[PROBLEMS[name].severity for name in self.findings["problem"]])
        if severity:
            found = found[found["severity"] == severity]
        table = found.groupby(["severity", "problem", "column"], dropna=False, sort=False).agg(
            count=("problem", "size"), first_row=("row", "first"), first_value=("value", "first")
        )
        table = table.reset_index().astype({"first_row": "Int64"})
        return table.assign(remedy=[PROBLEMS[name].remedy for name in table["problem"]])

    def __str__(self) -> str:
        lines = [f"{self.source}: {self.rows_read:,} rows read, {self.rows_kept:,} customers kept"]
        titles = {
            ERROR: "Cannot be used (correct these and try again)",
            REPAIRED: "Repaired",
            NOTED: "Noted, and left as it is",
            WARNING: "Look again, for this may make the rest worthless",
        }
        refused = len(self.counts(ERROR)) > 0
        for severity in (ERROR,) if refused else titles:
            table = self.counts(severity)
            if len(table):
                lines += ["", titles[severity] + ":"]
            for finding in table.itertuples():
                lines += [_line(finding), *(self._places(finding) if severity == ERROR else ())]
        return "\n".join([*lines, *(self._besides() if refused else ())])

    def _places(self, finding, most: int = 20) -> Iterator[str]:
        """Where to mend an error, unless its line has said so."""
        faults = TOO_OFTEN.get(finding.problem, (finding.problem,))
        same = self.findings["problem"].isin(faults) & (self.findings["column"] == finding.column)
        places = self.findings[same].dropna(subset="row")
        if len(places) == 1 and not pd.isna(finding.first_row):
            return
        yield from (
            f"             row {place.row}{_shown(place.row, place.value)}" for place in places[:most].itertuples()
        )
        if len(places) > most:
            yield f"             and {len(places) - most:,} more"

    def _besides(self) -> Iterator[str]:
        """In one line, what is no error."""
        others = self.findings["problem"][[PROBLEMS[name].severity != ERROR for name in self.findings["problem"]]]
        if len(others):
            counts = others.value_counts(sort=False).items()
            yield "\nBesides, no reason to refuse: " + ", ".join(f"{count:,} x {problem}" for problem, count in counts)


def _line(finding) -> str:
    column = "" if pd.isna(finding.column) else f"{finding.column or '(no name)'}: "
    place = "" if pd.isna(finding.first_row) else f", first in row {finding.first_row}"
    found = f"  {finding.count:>6,} x {column}{finding.problem}{place}{_shown(finding.first_row, finding.first_value)}"
    return f"{found}\n           -> {finding.remedy}"


def _shown(row: Any, value: Any) -> str:
    """The cell of a row, in quotes; what is said of a whole column stands without."""
    if pd.isna(value):
        return ""
    return f" ({value})" if pd.isna(row) else f" ({str(value)[:40]!r})"


def clean(
    raw: pd.DataFrame, snapshot: pd.Timestamp = SNAPSHOT_DATE, source: str = "the export"
) -> tuple[pd.DataFrame, CleaningReport]:
    """Turn raw cells into one typed row a customer.

    A milestone cell that holds anything but "No" means that it happened, if need be on an unknown day.

    Args:
        raw: the cells as `load` returns them.
        snapshot: the day of the export; later dates are in its future.
        source: the name of the file, for messages.

    Returns:
        The customers, one row each, as `customer_schema` describes them, and the report.

    Raises:
        DataError: something cannot be repaired. The message is the whole report.
    """
    readings = read_cells(raw, snapshot)
    findings = validate(raw, readings)
    unusable = [PROBLEMS[name].severity == ERROR for name in findings["problem"]]
    if any(unusable):
        raise DataError(str(CleaningReport(source, len(raw), 0, findings)))
    customers = _assemble(raw, readings, findings)
    findings = pd.concat([findings, _oddities(customers)], ignore_index=True)
    customers = customer_schema(snapshot).validate(customers)
    return customers, CleaningReport(source, len(raw), len(customers), findings)


def _assemble(raw: pd.DataFrame, readings: Readings, findings: pd.DataFrame) -> pd.DataFrame:
    """Put the readings together, without the days that cannot be trusted."""

    def trusted_days(column: str) -> pd.Series:
        reading = readings[column]
        days = pd.to_datetime(reading["value"]).astype("datetime64[s]")
        filled = findings.loc[(findings["problem"] == "drag-fill") & (findings["column"] == column), "row"]
        return days.mask(reading["problem"].isin(NOT_TRUSTED) | days.index.isin(filled))

    kept = raw.dropna(how="all").index
    columns = {name.lower(): readings[name]["value"].astype(TEXT) for name in ("Country", "Education")}
    columns |= {name: trusted_days(column) for name, column in CONTACTS.items()}
    columns |= {name.lower(): readings[name]["value"].astype(TEXT) for name in ("Status", "Stage")}
    for event, column in EVENTS.items():
        columns[event] = raw[column].notna() & (readings[column]["problem"] != "answered No")
        columns[f"{event}_date"] = trusted_days(column)
    customers = pd.DataFrame(columns).loc[kept]
    customers.insert(0, "customer_id", readings["ID"]["value"].loc[kept].astype("int64"))
    came_unasked = customers["first_contact"].isna() & customers[list(EVENTS)].any(axis=1)
    arrival = customers["first_contact"].fillna(_first_milestone(customers)).fillna(customers["last_contact"])
    return customers.assign(inbound=came_unasked, arrival=arrival)


def _first_milestone(customers: pd.DataFrame) -> pd.Series:
    """The earliest day of the six events, shape (customers,); missing where no day is known."""
    return customers[[f"{event}_date" for event in EVENTS]].min(axis=1)


def _oddities(customers: pd.DataFrame) -> pd.DataFrame:
    """What no single cell shows: gaps, and cells that contradict each other."""
    says_subscribed = customers["stage"] == "subscribed already"
    oddities = {
        ("no first contact", "First Contact"): customers["first_contact"].isna(),
        ("no arrival", None): customers["arrival"].isna(),
        ("milestone before first contact", "First Contact"): _first_milestone(customers) < customers["first_contact"],
        ("last contact before first", "Last Contact"): customers["last_contact"] < customers["first_contact"],
        ("stage alone says subscribed", "Stage"): says_subscribed & ~customers["subscribed"],
        ("stage does not say subscribed", "Stage"): customers["subscribed"] & ~says_subscribed,
    }
    rows = {place: customers.index[mask] for place, mask in oddities.items()}
    if not customers["subscribed"].any():
        rows["no subscriber", "Subscribed"] = [None]
    return pd.concat(
        [
            pd.DataFrame({"problem": problem, "column": column, "row": places, "value": None})
            for (problem, column), places in rows.items()
        ],
        ignore_index=True,
    )


def customer_schema(snapshot: pd.Timestamp = SNAPSHOT_DATE) -> pa.DataFrameSchema:
    """What every other module may count on: the type and the range of each column of the cleaned customers.

    Dates are days from 2000 to the snapshot, or missing. An event's flag may be true without its date, never the
    other way round. `inbound`: no first contact, and any of the six events (a subscription counts, too). `arrival`:
    first contact, else the earliest day of the six events, else the last contact.
    """
    day = pa.Column("datetime64[s]", pa.Check.in_range(EARLIEST_DATE, snapshot), nullable=True)

    def one_of(names) -> pa.Column:
        return pa.Column(TEXT, pa.Check.isin(names), nullable=True)

    dated = [
        pa.Check(
            lambda table, event=event: table[event] | table[f"{event}_date"].isna(),
            error=f"{event} has a date only",
        )
        for event in EVENTS
    ]
    return pa.DataFrameSchema(
        {
            "customer_id": pa.Column("int64", unique=True),
            "country": pa.Column(TEXT, nullable=True),
            "education": one_of(BOOTCAMPS),
            **dict.fromkeys(CONTACTS, day),
            "status": one_of(STATUSES),
            "stage": one_of(STAGES),
            **{name: column for event in EVENTS for name, column in ((event, pa.Column(bool)), (f"{event}_date", day))},
            "inbound": pa.Column(bool),
            "arrival": day,
        },
        checks=dated,
        strict=True,
        ordered=True,
    )
