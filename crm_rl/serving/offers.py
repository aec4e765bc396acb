"""`POST /recommend/offer`: which offer for whom, why, and what else comes close."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, create_model

from crm_rl.case_studies.offers.catalogue import load_catalogue
from crm_rl.case_studies.offers.features import FEATURES, SHARES
from crm_rl.case_studies.offers.recommend import NOTHING, recommend_offer
from crm_rl.case_studies.offers.response import FATIGUE, HABIT, load_response
from crm_rl.serving.deciding import Desk, Question, Subject, pseudonym

#: A customer who buys at a discount and comes by email.
EXAMPLE = dict(zip(FEATURES, (3, 12, 250, 0.6, 0.9, 0.3, 0.7, 0.2, 0.1, 20), strict=True))

Share = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0, le=1e9, description="days, sessions or dollars")]

OfferFeatures = create_model(
    "OfferFeatures",
    __base__=Question,
    __doc__="The ten features of a customer, as chapter 11 makes them of a log of events.",
    **{name: (Share if name in SHARES else Amount, ...) for name in FEATURES},
)


class OfferQuestion(Question):
    """A customer: ten features, and where the season and the customer stand."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"features": EXAMPLE, "week": 0}]})

    features: OfferFeatures
    week: int = Field(0, ge=0, lt=load_response()["weeks"], description="how many weeks are over")
    fatigue: int = Field(0, ge=0, lt=FATIGUE, description="0: no message lately")
    habit: int = Field(0, ge=0, lt=HABIT, description="0: does not wait for price cuts")
    subject: Subject = None


class Alternative(BaseModel):
    """An offer and what it gains, in dollars, over sending nothing this week."""

    offer: str
    value: int = Field(description="percent off the price")
    channel: str | None
    timing: str | None
    gain: float


class OfferAnswer(Alternative):
    """The offer, why, and the next best ones."""

    reason: str
    alternatives: list[Alternative]
    decision: str = Field(description="the id to report the outcome under")


class OfferPolicy:
    """The exact plan of the response model, and the catalogue that it chooses from."""

    name = "exact-plan-of-the-response-model"

    def __init__(self):
        self.actions = (*load_catalogue().actions, None)
        self.names = [str(action) if action else NOTHING for action in self.actions]
        recommend_offer(EXAMPLE)  # the plan is made once, now


def routes(desk: Desk, policy: OfferPolicy) -> APIRouter:
    """The endpoint, answered by this policy."""
    router = APIRouter(tags=["offers"])

    @router.post("/recommend/offer")
    async def recommend_an_offer(question: OfferQuestion) -> OfferAnswer:
        """Which offer for this customer. Exploration draws from it and those alternatives that do not lose money."""
        context = question.model_dump(exclude={"subject"})
        found = recommend_offer(**context)
        best = policy.actions.index(found.action)
        gains = {policy.actions.index(action): gain for action, gain in found.alternatives if gain >= 0}
        logged = context | pseudonym(question.subject)
        place, decision = await desk.decide("recommend/offer", policy.name, logged, best, policy.names, [best, *gains])
        if place != best:
            drawn = "Drawn at random, to learn from."
            found = found._replace(action=policy.actions[place], reason=drawn, gain=gains[place], alternatives=())
        return OfferAnswer(**found.as_dict() | {"decision": decision})

    return router
