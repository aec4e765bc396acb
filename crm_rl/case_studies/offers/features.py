"""Ten numbers about each customer, from a log of events; the same function in training and at work (chapter 11).

Recency, frequency and monetary value (RFM), engagement, sensitivity to offers, and which channels reach them.
"""

import numpy as np
import pandas as pd

from crm_rl.case_studies.offers.catalogue import CHANNELS

RESPONSIVENESS = tuple(f"{channel}_responsiveness" for channel in CHANNELS)

#: Days, sessions, dollars, and shares from 0 to 1.
FEATURES = (
    "recency",
    "frequency",
    "monetary",
    "engagement",
    "discount_sensitivity",
    "free_shipping_preference",
    *RESPONSIVENESS,
    "days_since_purchase",
)

#: Those of the features that lie between 0 and 1.
SHARES = ("engagement", "discount_sensitivity", "free_shipping_preference", *RESPONSIVENESS)

#: Days since the last purchase of who has made none in the log.
NEVER = 365.0

#: Points of events; a customer with this many points in all has an engagement of one half.
POINTS, HALF = {"view": 1, "add_to_cart": 3, "purchase": 5}, 50

#: What stands for 1 when a network is shown the features.
SCALE = np.array([30, 20, 500, 1, 1, 1, 1, 1, 1, 90], dtype=float)


def features_of(log: pd.DataFrame, at: pd.Timestamp | None = None) -> pd.DataFrame:
    """The ten features of every customer in a log.

    Args:
        log: a row an event, with the columns of `events.COLUMNS`, as `log_files.load_log` returns it.
        at: the moment at which they are taken, from which days count back; None is the last event. Later events do not
            count.

    Returns:
        A row a customer, by `user_id` in rising order, with `FEATURES`. Shares of few cases are drawn towards one half:
        half a case is added to both sides, so that someone without a purchase is at 0.5.
        `discount_sensitivity` is such a share of purchases: at work it also reflects who was sent discounts.
    """
    at = log["time"].max() if at is None else at
    log = log[log["time"] <= at]
    by_user = log.groupby("user_id", sort=True)
    sessions = log.drop_duplicates(["user_id", "session_id"])
    bought = log[log["action"] == "purchase"]
    users = pd.Index(sorted(log["user_id"].unique()), name="user_id")

    def count(events: pd.DataFrame) -> pd.Series:
        return events.groupby("user_id").size().reindex(users, fill_value=0)

    def share(part: pd.DataFrame, whole: pd.DataFrame) -> pd.Series:
        return (count(part) + 0.5) / (count(whole) + 1)

    points = log["action"].map(POINTS).groupby(log["user_id"]).sum()
    table = {
        "recency": _days(at, by_user["time"].max()),
        "frequency": count(sessions).astype(float),
        "monetary": bought.groupby("user_id")["amount"].sum().reindex(users, fill_value=0.0),
        "engagement": points / (points + HALF),
        "discount_sensitivity": share(bought[bought["discount"] > 0], bought),
        "free_shipping_preference": share(bought[bought["free_shipping"] == 1], bought),
    }
    for channel, name in zip(CHANNELS, RESPONSIVENESS, strict=True):
        table[name] = share(sessions[sessions["channel"] == channel], sessions)
    table["days_since_purchase"] = _days(at, bought.groupby("user_id")["time"].max()).reindex(users, fill_value=NEVER)
    return pd.DataFrame(table, index=users)[list(FEATURES)]


def _days(at: pd.Timestamp, times: pd.Series) -> pd.Series:
    return (at - times).dt.total_seconds() / 86_400


def scaled(features: np.ndarray) -> np.ndarray:
    """Features as a learner sees them: from 0 to 1, shape (n, 10)."""
    return np.clip(features / SCALE, 0, 1)
