"""A database that is away is an honest 503, not a bug."""

from __future__ import annotations

from http import HTTPStatus

import asyncpg
from fastapi import FastAPI, Request, Response
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fleetops.db.failures import UnreachableError, unavailable
from fleetops.errors import DatabaseError
from fleetops.web import PROBLEM_JSON, Problem, error_type

_RETRY_AFTER_S = 2
_READING = frozenset({"GET", "HEAD"})
_NOTHING_LOST = "PostgreSQL does not answer. Try again in a moment."
_NOT_KNOWN = (
    "PostgreSQL does not answer, and it is not known whether this was done. "
    "Look again before repeating it; the same Idempotency-Key makes a repetition safe."
)
"""A connection may break after the commit and before its answer."""


def answer_outages(app: FastAPI) -> None:
    """Have `app` answer what a missing database raises with 503 and `Retry-After`; anything else stays a 500."""

    async def on_failure(request: Request, error: Exception) -> Response:
        if not unavailable(error):
            raise error
        problem = Problem(
            type=error_type(DatabaseError),
            title="Database",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            detail=_NOTHING_LOST if request.method in _READING else _NOT_KNOWN,
        )
        return Response(
            problem.model_dump_json(exclude_none=True),
            HTTPStatus.SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(_RETRY_AFTER_S)},
            media_type=PROBLEM_JSON,
        )

    for kind in (DBAPIError, PoolTimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError, UnreachableError):
        app.add_exception_handler(kind, on_failure)
