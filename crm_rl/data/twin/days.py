"""Days as numbers that count from the snapshot: 0 is the day of the export, -1 the day before."""

import pandas as pd

from crm_rl.data.columns import SNAPSHOT_DATE


def day_number(month: str, months: int = 0) -> int:
    """The first day of a month, or of one so many months later."""
    return (pd.Timestamp(month) + pd.DateOffset(months=months) - SNAPSHOT_DATE).days


def dates(days: pd.Series) -> pd.Series:
    """Days as dates, shape (people,); missing where the day is."""
    return SNAPSHOT_DATE + pd.to_timedelta(days, unit="D")


def as_text(days: pd.Series, form: str = "%Y-%m-%d") -> pd.Series:
    """Days as the cells of an export, shape (people,); missing where the day is."""
    return dates(days).dt.strftime(form).astype(object)
