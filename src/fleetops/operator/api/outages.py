"""A database that is away is an honest 503, not a bug: the same request will do once it is back."""

from __future__ import annotations

from http import HTTPStatus

import asyncpg
from fastapi import FastAPI, Request, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fleetops.db.failures import unavailable
from fleetops.errors import DatabaseError
from fleetops.web import PROBLEM_JSON, Problem, error_type

_RETRY_AFTER_S = 2


def answer_outages(app: FastAPI) -> None:
    """Have `app` answer what a missing database raises with 503 and `Retry-After`; anything else stays a 500."""

    async def on_failure(_: Request, error: Exception) -> Response:
        if not unavailable(error):
            raise error
        problem = Problem(
            type=error_type(DatabaseError),
            title="Database",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            detail="PostgreSQL does not answer; nothing was changed. Try again in a moment.",
        )
        return Response(
            problem.model_dump_json(exclude_none=True),
            HTTPStatus.SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(_RETRY_AFTER_S)},
            media_type=PROBLEM_JSON,
        )

    for kind in (DBAPIError, PoolTimeoutError, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, on_failure)
