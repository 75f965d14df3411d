"""Signing in by link, who one is, and signing out."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops import __version__
from fleetops.db.transaction import transact
from fleetops.errors import AuthenticationError, TooManyRequestsError
from fleetops.operator import people
from fleetops.operator.people import Credential
from fleetops.operator.runtime import Runtime
from fleetops.web import problems

from .callers import COOKIE, Authenticated, InRuntime, identify
from .schemas import ConsoleConfig, Me

router = APIRouter(tags=["session"])

_REFUSED: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>FleetOps</title>
<body style="font: 16px/1.5 system-ui; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>This link does not sign you in</h1>
<p>{reason}. Links work once, and for ten minutes.</p>
"""


@router.get("/auth/link", status_code=303, response_class=RedirectResponse, responses=problems(401, 422, 429))
async def use_login_link(
    request: Request, runtime: InRuntime, token: Annotated[str, Query(min_length=1, max_length=200)]
) -> Response:
    """Turn a one-time login link into a session cookie, and go on to the console."""
    caller = request.client.host if request.client else ""
    if not runtime.login_attempts.take(caller, time.monotonic()):
        raise TooManyRequestsError("too many failed logins; wait a minute")
    life = timedelta(hours=runtime.settings.operator.session_hours)

    async def work(db: AsyncSession) -> str:
        return await people.sign_in(db, token, datetime.now(UTC), life)

    try:
        secret = await transact(runtime.sessions, work)
    except AuthenticationError as error:
        return await _link_refused(request, runtime, caller, error)
    runtime.login_attempts.give_back(caller)
    answer = RedirectResponse("/", status_code=303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(life.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=_is_https(request, runtime.settings.operator.public_url),
    )
    return answer


@router.get("/auth/me", responses=problems(401))
async def me(credential: Authenticated) -> Me:
    """Who the caller is."""
    return _me(credential)


@router.post("/auth/logout", status_code=204, responses=problems(401, 403))
async def logout(credential: Authenticated, runtime: InRuntime) -> Response:
    """End this session and every socket that it opened. An API token stays valid."""
    if credential.by_cookie:
        await transact(runtime.sessions, lambda db: people.sign_out(db, credential.hash))
        runtime.hub.sign_out(credential.hash)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("/config.json", responses=problems(401))
async def console_config(credential: Authenticated, runtime: InRuntime) -> ConsoleConfig:
    """What the console needs to know before it draws."""
    settings = runtime.settings.operator
    return ConsoleConfig(
        version=__version__,
        operator=_me(credential),
        mapbox_token=settings.mapbox_token,
        pull_over_delay_s=settings.pull_over_delay_s,
    )


async def _link_refused(request: Request, runtime: Runtime, caller: str, error: AuthenticationError) -> Response:
    """Whoever opens the link again in the browser that it signed in goes on; others read why not."""
    try:
        await identify(request)
    except AuthenticationError:
        if "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(_REFUSED.format(reason=escape(str(error))), status_code=401)
        raise error from None
    runtime.login_attempts.give_back(caller)
    return RedirectResponse("/", status_code=303)


def _me(credential: Credential) -> Me:
    who = credential.principal
    return Me(
        operator_id=who.operator_id, display_name=who.display_name, role=who.role, expires_at=credential.expires_at
    )


def _is_https(request: Request, public_url: str | None) -> bool:
    return request.url.scheme == "https" or (public_url or "").startswith("https:")
