"""The service: every system of the book behind HTTP, with one log of decisions.

It needs no set-up: at its start it reads the recorded network of the funnel and computes the small models of the other
systems, which takes seconds.
"""

import contextlib
import gc
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, NamedTuple

import numpy as np
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from crm_rl.data.load import TWIN
from crm_rl.serving import budgets, email, funnel, offers
from crm_rl.serving.deciding import Desk, Question
from crm_rl.serving.decisions import DEFAULT, DecisionLog
from crm_rl.serving.errors import RESPONSES, BodyLimit, Error, add_handlers


class Settings(NamedTuple):
    """How the service runs.

    Attributes:
        token: what a client must send as `Authorization: Bearer TOKEN`; "" asks for none.
        decisions: the database of the log, as SQLAlchemy has it.
        explore: the share of decisions that explore, 0 to 1.
        policy: the file of the funnel's network.
        policy_data: the export that it was trained on.
    """

    token: str = ""
    decisions: str = DEFAULT
    explore: float = 0.0
    policy: Path = funnel.POLICY
    policy_data: Path = TWIN


#: A process takes its settings from these variables, so that several processes can share them.
VARIABLES = {name: f"CRM_RL_{name.upper()}" for name in Settings._fields}


def settings() -> Settings:
    """The settings that the environment gives."""
    given = {name: os.environ[variable] for name, variable in VARIABLES.items() if os.environ.get(variable)}
    kinds = {"explore": float, "policy": Path, "policy_data": Path}
    return Settings(**{name: kinds.get(name, str)(value) for name, value in given.items()})


class Outcome(Question):
    """What came of a decision."""

    decision: str = Field(pattern="^[0-9a-f]{32}$", examples=["188c0f4e1b2a3c4d0123456789abcdef"])
    reward: float = Field(allow_inf_nan=False, examples=[1.0])


class Health(BaseModel):
    """What answers."""

    status: str
    policies: dict[str, str]


def policies(chosen: Settings) -> dict[ModuleType, Any]:
    """Read or compute the policy of each system, by the module of its endpoints; it takes seconds.

    Raises:
        DataError: a model or its data cannot be used.
    """
    return {
        email: email.EmailPolicy(),
        funnel: funnel.FunnelPolicy(chosen.policy, chosen.policy_data),
        offers: offers.OfferPolicy(),
        budgets: budgets.BudgetPolicy(),
    }


def create(chosen: Settings | None = None, ready: dict[ModuleType, Any] | None = None) -> FastAPI:
    """Make the app.

    Args:
        chosen: the settings; by default, those that the environment gives.
        ready: the policies; by default, those of the settings.

    Raises:
        DataError: a model or the log cannot be used.
    """
    chosen = chosen or settings()
    desk = Desk(DecisionLog(chosen.decisions), chosen.explore, np.random.default_rng())
    ready = ready or policies(chosen)
    names = {system.__name__.split(".")[-1]: policy.name for system, policy in ready.items()}

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if ours := not gc.get_freeze_count():  # unless whoever runs this app has done so
            gc.freeze()  # what is here by now stays; looking for garbage in it took 0.15 seconds, now and then
        yield
        if ours:
            gc.unfreeze()
        desk.log.close()

    app = FastAPI(title="From Q-tables to Deep Q-Networks: the service", lifespan=lifespan)
    app.add_middleware(BodyLimit)
    add_handlers(app)
    protected = [Depends(_bearer(chosen.token))] if chosen.token else []
    for router in [system.routes(desk, policy) for system, policy in ready.items()] + [_outcomes(desk)]:
        app.include_router(router, dependencies=protected, responses=RESPONSES)

    @app.get("/health", tags=["service"], responses={503: RESPONSES[503]})
    async def health() -> Health:
        """Whether the service can decide, and by which policies."""
        await desk.log.check()
        return Health(status="ok", policies=names)

    return app


def _outcomes(desk: Desk) -> APIRouter:
    router = APIRouter(tags=["decisions"])
    missing = {"model": Error, "description": "No such decision"}

    @router.post("/outcome", responses={404: missing})
    async def report_outcome(outcome: Outcome) -> Outcome:
        """Say what came of a decision: its reward so far. A later report takes the place of an earlier one."""
        if not await desk.log.reward(outcome.decision, outcome.reward):
            raise HTTPException(404, f"There is no decision {outcome.decision}.")
        return outcome

    return router


def _bearer(token: str):
    """A check of the token."""

    async def check(
        sent: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    ) -> None:
        if sent is None or not secrets.compare_digest(sent.credentials.encode(), token.encode()):
            raise HTTPException(401, "Send the header Authorization: Bearer TOKEN.", {"WWW-Authenticate": "Bearer"})

    return check
