"""`POST /recommend/budget`: a batch of customers and one budget, which is never overspent."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crm_rl.case_studies.budgets.catalogue import CHANNELS, action_name
from crm_rl.case_studies.budgets.customers import REASONS, WHOLE, Offers, batch_of, cents_of, offers_within, rows_of
from crm_rl.case_studies.budgets.world import WEEKS, book_world
from crm_rl.serving.deciding import Desk, Question
from crm_rl.serving.decisions import Decision

#: The most customers of one request.
MOST = 1_000

Channel = Literal[CHANNELS]
SEGMENTS = book_world().segments


def _between(name: str, description: str | None = None):
    low, high = WHOLE[name]
    return Annotated[int, Field(ge=low, le=high, description=description)]


class BudgetCustomer(Question):
    """A customer: to which segment they belong, where they stand, and what the rules ask."""

    customer_id: str = Field(min_length=1, max_length=100, pattern=r"^\S+$")
    segment: Literal[SEGMENTS]
    habit: _between("habit")
    fatigue: _between("fatigue")
    age: _between("age")
    contacts: _between("contacts", "in the last four weeks; at the cap of 2 nothing is sent")
    consent: list[Channel] = Field(max_length=len(CHANNELS), description="the channels they agreed to")


_ALIKE = {"habit": 1, "fatigue": 0, "contacts": 0, "consent": ["email", "push"]}
EXAMPLE = {
    "budget": 3.0,
    "week": 1,
    "customers": [
        {"customer_id": name, "segment": SEGMENTS[segment], "age": age, **_ALIKE}
        for name, segment, age in (("ada", 2, 34), ("ben", 15, 52), ("cem", 8, 17))
    ],
}


class BudgetQuestion(Question):
    """Customers, and what may be spent on them this week."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    budget: float = Field(ge=0, le=1e9, description="dollars")
    week: int = Field(1, ge=1, le=WEEKS)
    customers: list[BudgetCustomer] = Field(min_length=1, max_length=MOST)


class BudgetOffer(BaseModel):
    """What one customer gets; an offer of 0 is nothing."""

    customer_id: str
    offer: int
    value: float = Field(description="dollars")
    channel: str
    cost: float = Field(description="dollars")
    reason: Literal[REASONS]
    decision: str = Field(description="the id to report the outcome under")


class BudgetAnswer(BaseModel):
    """Who gets what."""

    offers: list[BudgetOffer]
    spent: float = Field(description="dollars, at most the budget")
    price: float = Field(description="what one more dollar of budget would earn, in dollars")


class BudgetPolicy:
    """The price policy in the book's world."""

    name = "price-policy"

    def offers(self, question: BudgetQuestion) -> tuple[list[dict], Offers]:
        """Find the offers: as rows, and as arrays.

        Raises:
            DataError: a customer stands there twice.
        """
        rows = [customer.model_dump() for customer in question.customers]
        batch = batch_of([row | {"consent": " ".join(row["consent"])} for row in rows])
        found = offers_within(batch, cents_of(question.budget), question.week)
        return rows_of(batch, found), found


def routes(desk: Desk, policy: BudgetPolicy) -> APIRouter:
    """The endpoint, answered by this policy."""
    router = APIRouter(tags=["budgets"])

    @router.post("/recommend/budget")
    async def recommend_within_a_budget(question: BudgetQuestion) -> BudgetAnswer:
        """Which offers for these customers. Chance could overspend, so this endpoint never explores."""
        rows, found = await asyncio.to_thread(policy.offers, question)
        decisions = [
            Decision(
                "recommend/budget",
                {**customer.model_dump(exclude={"customer_id"}), "week": question.week, "price": found.price},
                action_name(action),
                1.0,
                policy.name,
            )
            for customer, action in zip(question.customers, found.actions.tolist(), strict=True)
        ]
        ids = await desk.log.add(*decisions)
        offers = [row | {"decision": each} for row, each in zip(rows, ids, strict=True)]
        return BudgetAnswer(offers=offers, spent=found.spent / 100, price=round(found.price, 4))

    return router
