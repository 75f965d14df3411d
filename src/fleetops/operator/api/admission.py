"""How a browser is let in, whatever it proved itself with: attempts are counted, and a cookie is set."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Final

import structlog
from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from fleetops.auth.secrets import secret_hash
from fleetops.db.transaction import transact
from fleetops.errors import FleetOpsError, TooManyRequestsError
from fleetops.operator import people
from fleetops.operator.runtime import Runtime

from .callers import COOKIE

log = structlog.stdlib.get_logger()

_REFUSED: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>FleetOps</title>
<body style="font: 16px/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>You are not signed in</h1>
<p>{summary}</p>
<p>{reason}.</p>
<p><a href="/">Back to the console</a></p>
"""


def take_attempt(runtime: Runtime, caller: str) -> None:
    """Count a login of `caller`, an address or a name that is tried.

    Raises:
        TooManyRequestsError: it is one too many in this minute.
    """
    if not runtime.login_attempts.take(caller, time.monotonic()):
        raise TooManyRequestsError("too many failed logins; wait a minute")


def log_refusal(request: Request, method: str, error: FleetOpsError) -> None:
    """Say in the log that somebody did not get in. Not as whom: people type passwords into the wrong field."""
    log.warning("login_refused", method=method, address=address_of(request), reason=str(error))


def address_of(request: Request) -> str:
    """Where a request comes from, as far as attempts are counted."""
    return request.client.host if request.client else ""


def session_life(runtime: Runtime) -> timedelta:
    """How long a sign-in lasts."""
    return timedelta(hours=runtime.settings.operator.session_hours)


async def admit(request: Request, runtime: Runtime, answer: Response, secret: str) -> Response:
    """`answer` with the cookie of a new session. The one that the browser came with ends: it is replaced."""
    before = request.cookies.get(COOKIE)
    if before is not None:
        ended = secret_hash(before)
        await transact(runtime.sessions, lambda db: people.sign_out(db, ended, datetime.now(UTC)))
        runtime.hub.sign_out(ended)
    answer.headers["Cache-Control"] = "no-store"
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(session_life(runtime).total_seconds()),
        httponly=True,
        samesite="strict",
        secure=is_https(request, runtime),
    )
    return answer


def is_https(request: Request, runtime: Runtime) -> bool:
    """Whether browsers reach us encrypted, directly or through a proxy that `public_url` tells of."""
    return request.url.scheme == "https" or (runtime.settings.operator.public_url or "").startswith("https:")


def refusal_page(request: Request, error: FleetOpsError, summary: str = "") -> Response:
    """Why a browser was not let in, as a page for whoever looks at one; others get `error` itself, raised."""
    if "text/html" not in request.headers.get("accept", ""):
        raise error
    page = _REFUSED.format(summary=escape(summary), reason=escape(str(error)))
    return HTMLResponse(page, status_code=error.status)
