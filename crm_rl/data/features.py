"""The 15 features of a customer: as the study published them, and soundly. One table each, one fitted object each."""

from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from crm_rl.data.columns import SNAPSHOT_DATE
from crm_rl.data.encoders import ConversionRate, LabelCodes


class Feature(NamedTuple):
    """One feature. Its value is divided by `scale` and clipped to [0, 1]."""

    name: str
    meaning: str
    unit: str
    scale: float
    source: str


#: Notes on a prospect as the study coded them. 4 and 5 never occur; 6 is the outcome itself.
PUBLISHED_STAGE = {
    "do not contact": 0,
    "not interested": 1,
    "declined/canceled call": 2,
    "did not join the call": 2,
    "interested": 3,
    "subscribed already": 6,
}

#: The same without the outcome: who "subscribed already" is coded like the many without a note.
SOUND_STAGE = {**PUBLISHED_STAGE, "subscribed already": 0}

MILESTONES = {
    "Had_First_Call": ("call", "First Call"),
    "Had_Demo": ("demo", "Signed up for a demo"),
    "Had_Survey": ("survey", "Filled in customer survey"),
    "Had_Signup": ("signup", "Did sign up to the platform"),
    "Had_Manager": ("manager", "Account Manager assigned"),
}

_HAD = tuple(
    Feature(name, "has reached this milestone", "yes or no", 1, source) for name, (_, source) in MILESTONES.items()
)

PUBLISHED_FEATURES = (
    Feature("Country", "the country's place in the alphabet; the last is missing", "code", 103, "Country"),
    Feature("Stage", "the sales team's note, as a number from 0 to 6", "code", 6, "Stage"),
    Feature("Status_Active", "Status is 'Active', which no row's is", "yes or no", 1, "Status"),
    Feature("Days_Since_First_Contact", "to the snapshot; 0 if missing", "days", 365, "First Contact"),
    Feature("Days_Since_Last_Contact", "to the snapshot; 0 if missing", "days", 30, "Last Contact"),
    Feature(
        "Days_Between_Contacts",
        "from first to last contact; 0 if missing",
        "days",
        365,
        "First Contact, Last Contact",
    ),
    Feature("Contact_Frequency", "1 / (days between contacts + 1)", "per day", 1, "First Contact, Last Contact"),
    *_HAD,
    Feature("Country_ConvRate", "share of subscribers in the country, in train", "share", 1, "Country, Subscribed"),
    Feature(
        "Education_ConvRate",
        "share of subscribers in the bootcamp, in train",
        "share",
        1,
        "Education, Subscribed",
    ),
    Feature("Stages_Completed", "how many of the five milestones", "milestones", 5, "the five milestones"),
)

SOUND_FEATURES = (
    Feature(
        "Inbound",
        "came unasked: no first contact, and yet a milestone",
        "yes or no",
        1,
        "First Contact, milestones",
    ),
    Feature("Stage", "the sales team's note, from 0 to 3, without the outcome", "code", 3, "Stage"),
    Feature("Status_Active", "the messages went on after the first", "yes or no", 1, "Status"),
    Feature(
        "Days_Since_First_Contact",
        "from arrival to the snapshot; the cap if missing",
        "days",
        365,
        "First Contact, else arrival",
    ),
    Feature("Days_Since_Last_Contact", "to the snapshot; the cap if missing", "days", 30, "Last Contact"),
    Feature(
        "Days_Between_Contacts",
        "from first to last contact; 0 if either is missing",
        "days",
        365,
        "First Contact, Last Contact",
    ),
    Feature(
        "Contact_Frequency",
        "1 / (days between contacts + 1); 0 without a contact",
        "per day",
        1,
        "First Contact, Last Contact",
    ),
    *_HAD,
    Feature(
        "Country_ConvRate",
        "smoothed rate of the country, as known when train ended",
        "share",
        1,
        "Country, Subscribed",
    ),
    Feature(
        "Education_ConvRate",
        "smoothed rate of the bootcamp, as known when train ended",
        "share",
        1,
        "Education, Subscribed",
    ),
    Feature("Stages_Completed", "how many of the five milestones", "milestones", 5, "the five milestones"),
)


def feature_table(features: tuple[Feature, ...]) -> pd.DataFrame:
    """The features as a table to read: name, meaning, unit, scale, source and range."""
    return pd.DataFrame(features).assign(range="0 to 1")


def normalise(values: pd.DataFrame, features: tuple[Feature, ...]) -> pd.DataFrame:
    """Divide each column by its scale and clip it to [0, 1].

    Args:
        values: shape (customers, 15), in the features' own units.
        features: the table that says the scales.

    Returns:
        Shape (customers, 15), in the order of the table.
    """
    scales = {feature.name: feature.scale for feature in features}
    return (values[list(scales)] / pd.Series(scales)).clip(0, 1)


def _milestone_flags(customers: pd.DataFrame) -> pd.DataFrame:
    flags = pd.DataFrame({name: customers[event].astype(float) for name, (event, _) in MILESTONES.items()})
    return flags.assign(Stages_Completed=flags.sum(axis=1))


class PublishedFeatures:
    """The published 15 with their faults: an order of countries, the outcome in Stage, unsmoothed rates.

    The study's code also assigned the country codes, and the day from which "days since" counts back, on **each part
    anew**, so that one country had another code in test than in train: `fit(train).refit(test)` shows that.

    Args:
        snapshot: the day of the export, from which "days since" counts back unless refitted.
    """

    features = PUBLISHED_FEATURES

    def __init__(self, snapshot: pd.Timestamp = SNAPSHOT_DATE):
        self.snapshot = snapshot

    def fit(self, train: pd.DataFrame, known_by: pd.Timestamp | None = None) -> Self:
        """Learn codes and rates from the training part.

        Args:
            train: customers as `clean` returns them.
            known_by: not used: the published rates count every subscription of the export, whenever it came.
        """
        self.education_rate_ = ConversionRate(strength=0).fit(train["education"], train["subscribed"])
        self.country_rate_ = ConversionRate(strength=0).fit(train["country"], train["subscribed"])
        self.country_codes_ = LabelCodes().fit(train["country"])
        self.today_ = self.snapshot
        return self

    def refit(self, part: pd.DataFrame) -> Self:
        """Learn the country codes and the day to count back from on these rows instead: the published fault."""
        self.country_codes_ = LabelCodes().fit(part["country"])
        self.today_ = part["first_contact"].max()
        return self

    def values(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The features in their own units, shape (customers, 15)."""
        between = (customers["last_contact"] - customers["first_contact"]).dt.days.fillna(0).clip(lower=0)
        return _milestone_flags(customers).assign(
            Country=self.country_codes_.transform(customers["country"]),
            Stage=customers["stage"].map(PUBLISHED_STAGE).fillna(0).astype(float),
            Status_Active=(customers["status"] == "Active").astype(float),
            Days_Since_First_Contact=(self.today_ - customers["first_contact"]).dt.days.fillna(0),
            Days_Since_Last_Contact=(self.today_ - customers["last_contact"]).dt.days.fillna(0),
            Days_Between_Contacts=between,
            Contact_Frequency=1 / (between + 1),
            Country_ConvRate=self._rate(self.country_rate_, customers["country"]),
            Education_ConvRate=self._rate(self.education_rate_, customers["education"]),
        )

    @staticmethod
    def _rate(encoder: ConversionRate, names: pd.Series) -> pd.Series:
        """A group's rate; the study gave the overall rate to everybody whose name is missing."""
        return encoder.transform(names).mask(names.isna(), encoder.base_rate_)

    def transform(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The features normalised to [0, 1], shape (customers, 15)."""
        return normalise(self.values(customers), self.features)

    def as_coded(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The features as the study's code put them into the state: country, stage and the count as they are."""
        raw = ("Country", "Stage", "Stages_Completed")
        values = self.values(customers)
        return self.transform(customers).assign(**{name: values[name] for name in raw})


class SoundFeatures:
    """The sound 15: rates come from train alone and count what was known on its last day; no alphabet becomes an order.

    Two things stay as the study has them. The notes in Stage keep the order that somebody gave them. And all
    features describe the record at the snapshot, so the milestone flags say what *has* happened, not what was known
    when somebody had to act; chapter 9 shows what follows from that.

    Args:
        snapshot: the day of the export, from which "days since" counts back.
    """

    features = SOUND_FEATURES

    def __init__(self, snapshot: pd.Timestamp = SNAPSHOT_DATE):
        self.snapshot = snapshot

    def fit(self, train: pd.DataFrame, known_by: pd.Timestamp | None = None) -> Self:
        """Learn the two rates from the training part.

        Args:
            train: customers as `clean` returns them.
            known_by: count only subscriptions dated up to this day; by default, all of them.
        """
        subscribed = train["subscribed"]
        if known_by is not None:
            subscribed = subscribed & (train["subscribed_date"] <= known_by)
        self.education_rate_ = ConversionRate().fit(train["education"], subscribed)
        self.country_rate_ = ConversionRate().fit(train["country"], subscribed)
        return self

    def values(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The features in their own units, shape (customers, 15)."""
        between = (customers["last_contact"] - customers["first_contact"]).dt.days.clip(lower=0)
        written_to = customers["first_contact"].notna() | customers["last_contact"].notna()
        return _milestone_flags(customers).assign(
            Inbound=customers["inbound"].astype(float),
            Stage=customers["stage"].map(SOUND_STAGE).fillna(0).astype(float),
            Status_Active=customers["status"].isin(["2nd message", "3rd message"]).astype(float),
            Days_Since_First_Contact=(self.snapshot - customers["arrival"]).dt.days.fillna(np.inf),
            Days_Since_Last_Contact=(self.snapshot - customers["last_contact"]).dt.days.fillna(np.inf),
            Days_Between_Contacts=between.fillna(0),
            Contact_Frequency=(1 / (between.fillna(0) + 1)).where(written_to, 0),
            Education_ConvRate=self.education_rate_.transform(customers["education"]),
            Country_ConvRate=self.country_rate_.transform(customers["country"]),
        )

    def transform(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The features normalised to [0, 1], shape (customers, 15)."""
        return normalise(self.values(customers), self.features)


FEATURES = {"published": PublishedFeatures, "sound": SoundFeatures}
