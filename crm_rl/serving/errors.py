"""What goes wrong, said in one form of JSON: an `error` and a list of `problems`, each with where it is."""

import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from crm_rl.data.problems import DataError
from crm_rl.serving.decisions import LogUnavailable

#: The largest body that is read, in bytes.
MOST_BYTES = 1_000_000

#: After how many seconds it is worth asking again.
RETRY_AFTER = "1"


class Problem(BaseModel):
    """One thing that is wrong with a request."""

    where: str
    problem: str


class Error(BaseModel):
    """The answer to a request that cannot be served."""

    error: str
    problems: list[Problem] = []


#: What every endpoint that reads a body may answer besides, for the OpenAPI page.
RESPONSES: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "The body is not JSON"},
    401: {"model": Error, "description": "The token is missing or wrong, where one is asked for"},
    413: {"model": Error, "description": f"The body has more than {MOST_BYTES:,} bytes"},
    422: {"model": Error, "description": "The request says something that is not allowed; the answer says what is"},
    503: {"model": Error, "description": "The log of decisions cannot be written now; nothing was decided"},
}


def add_handlers(app: FastAPI) -> None:
    """Let an app answer in this form whatever goes wrong."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return _refusal((".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors())

    @app.exception_handler(DataError)
    async def impossible(_: Request, error: DataError) -> Response:
        """What no schema can see; each line says what is allowed, and most say where first."""
        lines = str(error).splitlines()
        return _refusal(line.split(": ", 1) if ": " in line else ("body", line) for line in lines)

    @app.exception_handler(LogUnavailable)
    async def unavailable(_: Request, error: LogUnavailable) -> Response:
        said = f"The log of decisions cannot be written now ({error}), so nothing was decided. Ask again."
        return answer(503, said, headers={"Retry-After": RETRY_AFTER})

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        return answer(error.status_code, error.detail, headers=error.headers)


def answer(status: int, error: str, problems: list[dict] | None = None, headers: Any = None) -> Response:
    """An error as a response, in ASCII, for a request may hold what is no letter of any language."""
    content = json.dumps({"error": error, "problems": problems or []})
    return Response(content, status, headers, media_type="application/json")


def _refusal(problems: Any) -> Response:
    listed = [{"where": where[:200], "problem": problem} for where, problem in problems]
    return answer(422, "Invalid request; see what is allowed.", listed[:50])


class BodyLimit:
    """Refuses a body that is too long, as soon as it is."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = 0

        async def limited() -> Any:
            nonlocal length
            message = await receive()
            length += len(message.get("body", b""))
            if length > MOST_BYTES:
                raise HTTPException(413, f"The body has more than {MOST_BYTES:,} bytes. Send less at a time.")
            return message

        await self.app(scope, limited if scope["type"] == "http" else receive, send)
