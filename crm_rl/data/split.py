"""Split customers 70 / 15 / 15 by time, two ways: as the study published it, and soundly."""

from dataclasses import dataclass

import pandas as pd

from crm_rl.data.problems import DataError

#: The shares of the rows that end the training part and the validation part.
TRAIN_END, VALIDATION_END = 0.70, 0.85


@dataclass(frozen=True)
class Split:
    """Three parts of the customers, oldest first, and who was left out.

    Attributes:
        train, val, test: customers, each a table as `clean` returns them.
        left_out: customers that have no place in time.
        known_by: what is known about train when val begins ends with this day.
    """

    train: pd.DataFrame
    val: pd.DataFrame
    test: pd.DataFrame
    left_out: pd.DataFrame
    known_by: pd.Timestamp

    def __post_init__(self):
        if pd.isna(self.known_by) and len(self.train) + len(self.left_out):
            raise DataError(
                "the customers cannot be split by time: nobody has a date to go by. Remedy: write the dates down or, "
                "if they lie after the snapshot date, choose the right one (on the command line with --snapshot)."
            )
        faults = [f"{name} would be empty" for name, part in self.parts().items() if part.empty]
        if faults:
            raise DataError(
                f"the customers cannot be split by time: {', '.join(faults)}. Remedy: export more customers, from more "
                "than a few days, with their dates."
            )

    def parts(self) -> dict[str, pd.DataFrame]:
        """The three parts by name, oldest first."""
        return {"train": self.train, "val": self.val, "test": self.test}


def published_split(customers: pd.DataFrame) -> Split:
    """Split as the study did: sort by first contact, **missing dates last**, and cut by position.

    All customers without a first contact land in the test part, whenever they came.

    Args:
        customers: the table that `clean` returns.

    Returns:
        The split; nobody is left out. A day may be divided between two parts.

    Raises:
        DataError: a part would be empty, or nobody has a first contact.
    """
    in_order = customers.sort_values("first_contact", kind="stable", na_position="last")
    train_end, val_end = int(TRAIN_END * len(in_order)), int(VALIDATION_END * len(in_order))
    train = in_order.iloc[:train_end]
    return Split(
        train=train,
        val=in_order.iloc[train_end:val_end],
        test=in_order.iloc[val_end:],
        left_out=in_order.iloc[:0],
        known_by=train["first_contact"].max(),
    )


def sound_split(customers: pd.DataFrame) -> Split:
    """Split by arrival, never dividing a day; who has no arrival is left out (and counted).

    Args:
        customers: the table that `clean` returns.

    Returns:
        The split. Every arrival in train is earlier than any in val, and every one in val than any in test.

    Raises:
        DataError: a part would be empty, or nobody has an arrival.
    """
    arrival = customers["arrival"].dropna().sort_values(kind="stable")
    train_end, val_end = (
        arrival.iloc[int(share * len(arrival)) - 1] if len(arrival) else pd.NaT for share in (TRAIN_END, VALIDATION_END)
    )
    when = customers["arrival"]
    return Split(
        train=customers[when <= train_end],
        val=customers[(when > train_end) & (when <= val_end)],
        test=customers[when > val_end],
        left_out=customers[when.isna()],
        known_by=train_end,
    )


SPLITS = {"published": published_split, "sound": sound_split}


def describe(split: Split) -> pd.DataFrame:
    """Count what each part holds: a row a part, with customers, those without first contact, and subscribers."""
    return pd.DataFrame(
        {
            name: {
                "customers": len(part),
                "first arrival": _shown(part["arrival"].min()),
                "last arrival": _shown(part["arrival"].max()),
                "no first contact": int(part["first_contact"].isna().sum()),
                "inbound": int(part["inbound"].sum()),
                "subscribers": int(part["subscribed"].sum()),
                "of them inbound": int((part["subscribed"] & part["inbound"]).sum()),
            }
            for name, part in {**split.parts(), "left out": split.left_out}.items()
        }
    ).T


def _shown(when: pd.Timestamp) -> str:
    return "" if pd.isna(when) else str(when.date())
