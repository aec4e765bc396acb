"""`POST /recommend/funnel`: what to do with one customer, by the encoders and the weights of training."""

import asyncio
import copy
import datetime
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crm_rl.agents.checkpoints import PolicyError
from crm_rl.agents.policies import NetworkPolicy, load_policy
from crm_rl.data import customers
from crm_rl.data.cells import READERS
from crm_rl.data.columns import BOOTCAMPS, CONTACTS, DATE_COLUMNS, EVENTS, STAGES, STATUSES, TEXT
from crm_rl.data.features import PUBLISHED_FEATURES, PublishedFeatures, normalise
from crm_rl.data.load import TWIN
from crm_rl.data.problems import PROBLEMS, DataError
from crm_rl.data.split import published_split
from crm_rl.files import PROJECT
from crm_rl.serving.deciding import Desk, Question, Subject, named_by, pseudonym
from crm_rl.serving.recommend import LEFT_ALONE, setting_of, trained_worlds
from crm_rl.worlds.base import Action

#: The network of the study on the twin, recorded with it.
POLICY = PROJECT / "data" / "results" / "policies" / "funnel_twin-described-dqn.npz"

ACTIONS = [action.name.lower() for action in Action]
FEATURES = [feature.name for feature in PUBLISHED_FEATURES]

#: Who decides about prospects marked "do not contact" and subscribers; the log names it as their policy.
NO_CONTACT = "no-contact-rule"

NAMES = ("country", "education", "status", "stage")

#: Features that count days before `as_of`, and the columns they count from.
DAYS = {"Days_Since_First_Contact": "First Contact", "Days_Since_Last_Contact": "Last Contact"}

MILESTONES = [event for event in EVENTS if event != "subscribed"]

#: What a reader may say of a cell that is good enough: another way to write what is meant.
READABLE = (None, "other spelling", "unknown date", "answered No")

Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Milestone = Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2}|No)$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Customer(Question):
    """A customer in the fields of the CRM export; a field that is left out is empty."""

    id: int | None = Field(None, alias="ID", description="not used")
    country: str | None = Field(None, alias="Country", max_length=100)
    education: Literal[BOOTCAMPS] | None = Field(None, alias="Education")
    first_contact: Day | None = Field(None, alias="First Contact")
    last_contact: Day | None = Field(None, alias="Last Contact")
    status: Literal[STATUSES] | None = Field(None, alias="Status")
    stage: Literal[STAGES] | None = Field(None, alias="Stage")
    call: Milestone | None = Field(None, alias=EVENTS["call"])
    demo: Milestone | None = Field(None, alias=EVENTS["demo"])
    survey: Milestone | None = Field(None, alias=EVENTS["survey"])
    signup: Milestone | None = Field(None, alias=EVENTS["signup"])
    manager: Milestone | None = Field(None, alias=EVENTS["manager"])
    subscribed: Milestone | None = Field(None, alias=EVENTS["subscribed"], description="a day: always wait")


EXAMPLE = {"Country": "Germany", "Education": "B7", "First Contact": "2022-01-10", "Stage": "interested"}


class FunnelQuestion(Question):
    """Either a customer in the export's fields or their 15 features, each from 0 to 1, as chapter 1 lists them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"customer": EXAMPLE}]})

    customer: Customer | None = None
    features: list[Share] | None = Field(None, min_length=len(FEATURES), max_length=len(FEATURES))
    as_of: Day = Field(
        default_factory=lambda: str(datetime.date.today()),
        description="the day from which 'days since' counts back (default: today)",
    )
    subject: Subject = None


class FunnelAnswer(BaseModel):
    """What to do, what the network expects of each action, and whether training met the country and the bootcamp.

    Q-values are in points of the published reward, not in dollars.
    """

    action: Literal[tuple(ACTIONS)]
    q_values: dict[str, float]
    known: bool | None = Field(description="null if the question gave features")
    notes: list[str] = Field(description="what to know before you rely on it")
    decision: str = Field(description="the id to report the outcome under")


class FunnelPolicy:
    """A trained network and the encoder that made its training data.

    Args:
        policy: a network's file, trained as described and without feature selection.
        data: the export that it was trained on.

    Raises:
        DataError: one of them cannot be used.
    """

    def __init__(self, policy: Path = POLICY, data: Path = TWIN):
        self.network = load_policy(policy)
        if not isinstance(self.network, NetworkPolicy) or setting_of(self.network) != ("described", False):
            raise PolicyError(
                f"{policy}: the service answers by a network that was trained as described, without feature "
                "selection. Remedy: `python -m crm_rl train dqn`."
            )
        people, _ = customers(data)
        trained_worlds(self.network, people)
        train = published_split(people).train
        self.encoder = PublishedFeatures().fit(train)
        self.seen = {name: set(train[name].dropna()) for name in ("country", "education")}
        days = self.encoder.values(train)[list(DAYS)]
        self.days = {name: (int(days[name].min()), int(days[name].max())) for name in DAYS}
        self.name = named_by(policy.stem, policy)

    def features(self, cells: dict[str, str | None], as_of: str) -> tuple[np.ndarray, bool, list[str]]:
        """Read a customer's cells by the readers of chapter 1, and encode them.

        Args:
            cells: by the names of the export's columns.
            as_of: the day from which "days since" counts back, as YYYY-MM-DD.

        Returns:
            The features, shape (15,), float32; whether training met the country and the bootcamp; and notes.

        Raises:
            DataError: a cell cannot be read.
        """
        today = _day(as_of)
        values, notes, problems = {}, [], []
        for column, cell in cells.items():
            reader = READERS[column][0]
            if cell is None or not cell.strip():
                values[column] = None
                continue
            values[column], fault = reader(cell, today) if column in DATE_COLUMNS else reader(cell)
            if fault not in READABLE:
                problems.append(f"customer.{column}: {PROBLEMS[fault].meaning}; {_allowed(column, as_of)}")
            elif fault in ("other spelling", "unknown date"):
                notes.append(f"{column}: read as {values[column] or 'an unknown day'}")
        if problems:
            raise DataError("\n".join(problems))
        columns = {name: pd.Series([values[name.title()]], dtype=TEXT) for name in NAMES}
        columns |= {name: pd.to_datetime([values[column]]).astype("datetime64[s]") for name, column in CONTACTS.items()}
        columns |= {event: [cells[EVENTS[event]] not in (None, "No")] for event in MILESTONES}
        encoder = copy.copy(self.encoder)
        encoder.today_ = today
        known = all(values[name.title()] in (None, *seen) for name, seen in self.seen.items())
        own_units = encoder.values(pd.DataFrame(columns))
        for name, (least, most) in self.days.items():
            days, column = int(own_units[name].iloc[0]), DAYS[name]
            if values[column] is not None and not least <= days <= most:
                notes.append(f"{column}: {days:,} days before as_of; in training it was {least} to {most}")
        return normalise(own_units, PUBLISHED_FEATURES).to_numpy(np.float32)[0], known, notes


def _left_alone(question: FunnelQuestion) -> bool:
    """Whether nobody may contact this customer. Of features it can be told of subscribers alone."""
    if question.customer is None:
        return question.features[FEATURES.index("Stage")] == 1
    return question.customer.stage in LEFT_ALONE or question.customer.subscribed not in (None, "No")


def _day(text: str) -> pd.Timestamp:
    try:
        return pd.Timestamp(text)
    except ValueError as error:
        raise DataError("as_of: no day of any calendar; write a day as YYYY-MM-DD") from error


def _allowed(column: str, as_of: str) -> str:
    if column == "Country":
        return "give the name of one country, or leave it out"
    return f"write a day from 2000-01-01 to {as_of} (as_of) as YYYY-MM-DD, or leave it out"


def routes(desk: Desk, policy: FunnelPolicy) -> APIRouter:
    """The endpoint, answered by this policy."""
    router, reading = APIRouter(tags=["funnel"]), ThreadPoolExecutor(1, "funnel")

    @router.post("/recommend/funnel")
    async def recommend_funnel(question: FunnelQuestion) -> FunnelAnswer:
        """What to do with a customer of the sales funnel: a demonstration, not advice.

        The network of the book did worse than random actions in chapter 8. Prospects marked "do not contact" and
        subscribers always get `wait`.
        """
        if (question.customer is None) == (question.features is None):
            raise DataError("body: give either customer or features")
        features, known, notes = np.array(question.features or [], dtype=np.float32), None, []
        if question.customer is not None:
            cells: dict[str, Any] = question.customer.model_dump(by_alias=True, exclude={"id"})
            asked = asyncio.get_running_loop().run_in_executor(reading, policy.features, cells, question.as_of)
            features, known, notes = await asked
        values = policy.network.of_observations(features[None])[0]
        permitted, who = range(len(ACTIONS)), policy.name
        if _left_alone(question):
            permitted, who = [Action.WAIT], NO_CONTACT
            notes.append("do not contact, or subscribed: always wait")
        best = max(permitted, key=values.__getitem__)
        context = {"features": features.tolist()} | pseudonym(question.subject)
        context |= {} if question.customer is None else {"as_of": question.as_of}
        action, decision = await desk.decide("recommend/funnel", who, context, best, ACTIONS, permitted)
        return FunnelAnswer(
            action=ACTIONS[action],
            q_values={name: round(float(value), 4) for name, value in zip(ACTIONS, values, strict=True)},
            known=known,
            notes=notes,
            decision=decision,
        )

    return router
