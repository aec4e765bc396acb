"""How often each event happens in a week if the firm does nothing: fitted once, as the responsive world's ground truth.

The record is taken as close to what happens unprompted (most customers got one message and no more). A rate depends on
whether the customer is inbound and on the milestones reached. It is a logistic regression with a ridge penalty on
customer-weeks (discrete-time hazards: Singer and Willett 1993); a rate that rests on fewer than ten events is one
number for everybody, and called an assumption.
"""

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from crm_rl.data.columns import EVENTS, SNAPSHOT_DATE

WEEKS = 12
FEWEST = 10  # events that a fitted rate needs
RIDGE = 1.0  # the variance that the ridge penalty expects of a weight

#: The default solver stops too early where events are as rare as here.
EXACT = {"solver": "newton-cholesky", "tol": 1e-9}

#: Demos and surveys are recorded only from this day on.
RECORDED_FROM = {"demo": pd.Timestamp("2021-08-31"), "survey": pd.Timestamp("2021-08-31")}

MILESTONES = tuple(event for event in EVENTS if event != "subscribed")
COVARIATES = ("inbound", *MILESTONES)


def customer_weeks(customers: pd.DataFrame, snapshot: pd.Timestamp = SNAPSHOT_DATE) -> pd.DataFrame:
    """The first twelve weeks of every customer with an arrival, a row a week that the export has seen to its end.

    Args:
        customers: as `crm_rl.data.clean` returns them.
        snapshot: the day of the export.

    Returns:
        `customer` (the index in `customers`), `day` (on which the week begins), `inbound`, by milestone 1 if it had
        been reached by then, and by event `EVENT happens`. Weeks after a subscription are left out, and so are events
        of unknown day.
    """
    arrived = customers[customers["arrival"].notna()]
    days = {event: (arrived[f"{event}_date"] - arrived["arrival"]).dt.days for event in EVENTS}
    weeks = []
    for week in range(WEEKS):
        rows = pd.DataFrame(
            {"customer": arrived.index, "day": arrived["arrival"].to_numpy() + pd.Timedelta(weeks=week)}
        )
        rows["inbound"] = arrived["inbound"].to_numpy(dtype=float)
        for event, day in days.items():
            rows[event] = (day <= 7 * week).to_numpy(dtype=float)
            rows[f"{event} happens"] = ((day > 7 * week) & (day <= 7 * week + 7)).to_numpy()
        weeks.append(rows[(rows["subscribed"] == 0) & (rows["day"] + pd.Timedelta(weeks=1) <= snapshot)])
    return pd.concat(weeks, ignore_index=True).drop(columns="subscribed")


def at_risk(weeks: pd.DataFrame, event: str) -> pd.DataFrame:
    """The customer-weeks in which an event could happen and be recorded."""
    if event in RECORDED_FROM:
        weeks = weeks[weeks["day"] >= RECORDED_FROM[event]]
    return weeks if event == "subscribed" else weeks[weeks[event] == 0]


def fit_base_rates(customers: pd.DataFrame) -> pd.DataFrame:
    """Fit the weekly rate of every event.

    The weights are shrunk by a slope that is fitted out of fold (five folds of customers), so that the rates are
    calibrated for customers whom the fit has not seen; then the intercept is set so that the fit expects as many
    events as there were.

    Args:
        customers: as `crm_rl.data.clean` returns them.

    Returns:
        A row an event: `events`, `customer_weeks`, `slope` (missing where the rate is an assumption), `intercept`,
        and a weight for `inbound` and for each milestone reached, on the scale of log odds.
    """
    weeks = customer_weeks(customers)
    return pd.DataFrame({event: _fit(at_risk(weeks, event), event) for event in EVENTS}).T


def _fit(weeks: pd.DataFrame, event: str) -> pd.Series:
    # Slow to import, and only this needs them.
    from scipy.optimize import brentq
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    happens = weeks[f"{event} happens"].to_numpy()
    events, names = int(happens.sum()), [name for name in COVARIATES if name != event]
    fitted = {"events": events, "customer_weeks": len(weeks), "slope": np.nan, **dict.fromkeys(COVARIATES, 0.0)}
    if events < FEWEST:
        return pd.Series(fitted | {"intercept": logit((events + 0.5) / (len(weeks) + 1))})
    x = weeks[names].to_numpy()
    model = LogisticRegression(C=RIDGE, **EXACT)
    folds = GroupKFold(5).split(x, happens, weeks["customer"])
    unseen = cross_val_predict(model, x, happens, cv=list(folds), method="decision_function")
    slope = LogisticRegression(C=np.inf, **EXACT).fit(unseen[:, None], happens).coef_[0, 0]
    weights = slope * model.fit(x, happens).coef_[0]
    score = x @ weights
    intercept = brentq(lambda level: expit(level + score).sum() - events, -30, 10)
    return pd.Series(fitted | dict(zip(names, weights, strict=True)) | {"slope": slope, "intercept": intercept})


def weekly_chances(rates: pd.DataFrame) -> np.ndarray:
    """The weekly chance of every event, shape (2, 32, 6): by inbound, milestones reached (bits) and event."""
    flags = np.array([[pattern >> bit & 1 for bit in range(5)] for pattern in range(32)])
    chances = np.empty((2, 32, len(EVENTS)))
    for place, event in enumerate(EVENTS):
        row = rates.loc[event]
        for inbound in (0, 1):
            score = row["intercept"] + row["inbound"] * inbound + flags @ row[list(MILESTONES)].to_numpy(dtype=float)
            chances[inbound, :, place] = expit(score)
    return chances
