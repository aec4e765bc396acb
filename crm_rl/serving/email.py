"""`/get-next-action` and `/campaign-audience`: the published questions about email audiences, in the published form."""

import os
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from crm_rl.case_studies.email.audiences import campaign_audience, fit_prior
from crm_rl.case_studies.email.campaign import exact_q
from crm_rl.case_studies.email.cells import ATTRIBUTES, MOVED, SHAPE, SUBJECT, neighbours
from crm_rl.case_studies.email.table import load_counts
from crm_rl.serving.deciding import Desk, Question, named_by

ACTIONS = [str(action) for action in range(len(MOVED))]

#: The most audiences that one answer names.
MOST = 100

Code = [
    Annotated[int, Field(ge=attribute.first, lt=attribute.first + len(attribute.values))] for attribute in ATTRIBUTES
]
Subject = Annotated[int, Query(alias="subjectId", ge=1, le=SHAPE[SUBJECT], examples=[2])]
HowMany = Annotated[int, Query(ge=1, le=MOST, description="how many audiences to name, the best first")]


class Move(Question):
    """A kind of email to a kind of customer, as seven codes, and the action about to be taken there.

    The codes: subject line 1 to 3, weekday 0 to 6 (0 is Monday), tenure 0 to 6, email domain 0 to 5, age 0 to 4,
    gender 0 or 1, type 0 or 1. The actions 0 to 6 move weekday, tenure, domain, age, gender, type, subject to the next.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": [2, 4, 3, 1, 0, 0, 0], "action": 2}]})

    state: Annotated[tuple[*Code], Field(strict=False)]  # JSON has lists only; its numbers stay strict
    action: int = Field(ge=0, lt=len(MOVED))


class NextAction(BaseModel):
    """The best action in the state to which the move leads."""

    next_action: int


class Audience(BaseModel):
    """A kind of customer and day, in words, and the share of emails that such customers are expected to answer."""

    profile: dict[str, str] = Field(alias="audience-profile")
    conversions: float = Field(alias="expected-conversions")


class Audiences(BaseModel):
    """The audiences for a subject line, the best first."""

    permutations: list[Audience] = Field(alias="Audience Permutations")
    subject: str = Field(alias="Email Subject")


class CampaignAudience(BaseModel):
    """The published form of the answer."""

    audience: Audiences = Field(alias="campaign-audience")


class EmailPolicy:
    """The best next action of every state and move, and the ranked audiences of every subject: two tables to look up.

    Raises:
        DataError: the table of emails cannot be used.
    """

    def __init__(self):
        counts = load_counts()
        best = exact_q(counts)[neighbours()].argmax(axis=2)
        self.next = best.reshape(*SHAPE, len(MOVED))  # by the seven codes and the move
        prior = fit_prior(counts)
        self.audiences = [
            campaign_audience(counts, subject + 1, most=MOST, prior=prior) for subject in range(SHAPE[SUBJECT])
        ]
        own = os.environ.get("CRM_RL_EMAIL")
        self.name = named_by("exact-q-own-table", Path(own)) if own else "exact-q-twin"


def routes(desk: Desk, policy: EmailPolicy) -> APIRouter:
    """The endpoints, answered by this policy."""
    router = APIRouter(tags=["email"])

    @router.post("/get-next-action")
    async def get_next_action(move: Move, response: Response) -> NextAction:
        """After this move, which action is best? The decision's id is in the header `X-Decision`."""
        subject, *others = move.state
        best = policy.next.item(subject - ATTRIBUTES[SUBJECT].first, *others, move.action)
        context = {"state": move.state, "action": move.action}
        action, decision = await desk.decide("get-next-action", policy.name, context, best, ACTIONS)
        response.headers["X-Decision"] = decision
        return NextAction(next_action=action)

    def audience(subject: Subject, most: HowMany = 10) -> CampaignAudience:
        """Whom to send a subject line to. A report on all customers, not a decision about one, so it is not logged."""
        found = policy.audiences[subject - 1]["campaign-audience"]
        shown = {**found, "Audience Permutations": found["Audience Permutations"][:most]}
        return CampaignAudience.model_validate({"campaign-audience": shown})

    router.get("/campaign-audience")(audience)
    router.post("/campaign-audience")(audience)
    return router
