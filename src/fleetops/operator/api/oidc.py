"""Signing in with a company's account: to the OpenID provider and back, and out again when it says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.auth.oidc.handshake import Handshake
from fleetops.auth.oidc.provider import OpenIdProvider
from fleetops.auth.secrets import new_secret
from fleetops.db.transaction import transact
from fleetops.errors import AuthenticationError, FleetOpsError, InvalidRequestError, NotFoundError, UpstreamError
from fleetops.operator import access, identities
from fleetops.operator.runtime import Runtime
from fleetops.web import problems

from .admission import address_of, admit, is_https, log_refusal, refusal_page, session_life, take_attempt
from .callers import InRuntime

router = APIRouter(prefix="/auth/oidc", tags=["session"])

COOKIE: Final = "fleetops_oidc"
_PATH: Final = "/auth/oidc"
_LOGIN_S: Final = 600
"""How long somebody may take to sign in at the provider."""


def configured(runtime: InRuntime) -> OpenIdProvider:
    """The provider, where there is one.

    Raises:
        NotFoundError: none is configured.
    """
    if runtime.oidc is None:
        raise NotFoundError("OpenID provider", "none is configured (FLEETOPS_OPERATOR__OIDC__ISSUER)")
    return runtime.oidc


Provider = Annotated[OpenIdProvider, Depends(configured)]
Text = Annotated[str | None, Query(max_length=4_000)]


@router.get("/login", status_code=303, response_class=RedirectResponse, responses=problems(404, 502, 504))
async def begin_oidc_login(request: Request, runtime: InRuntime, provider: Provider) -> Response:
    """Send the browser to the OpenID provider."""
    handshake = Handshake(new_secret("flo"))
    try:
        there = await provider.login_url(handshake, _callback(runtime))
    except FleetOpsError as error:
        return refusal_page(request, error)
    answer = RedirectResponse(there, status_code=303)
    # Lax, for the way back is a navigation from another site; it opens nothing by itself.
    answer.set_cookie(
        COOKIE,
        handshake.secret,
        max_age=_LOGIN_S,
        path=_PATH,
        httponly=True,
        samesite="lax",
        secure=is_https(request, runtime),
    )
    return answer


@router.get(
    "/callback", status_code=303, response_class=RedirectResponse, responses=problems(401, 403, 404, 422, 429, 502, 504)
)
async def finish_oidc_login(
    request: Request,
    runtime: InRuntime,
    provider: Provider,
    state: Text = None,
    code: Text = None,
    iss: Text = None,
    error: Text = None,
) -> Response:
    """Where the provider sends the browser back to: a session, or why there is none."""
    try:
        answer = await _admitted(request, runtime, provider, state=state, code=code, iss=iss, refused=error)
    except FleetOpsError as refusal:
        log_refusal(request, "oidc", refusal)
        answer = refusal_page(request, refusal)
    answer.delete_cookie(COOKIE, path=_PATH, httponly=True, samesite="lax")
    return answer


@router.post("/backchannel-logout", responses=problems(404, 422, 502, 504))
async def end_by_provider(request: Request, runtime: InRuntime, provider: Provider) -> Response:
    """The provider itself says that somebody signed out there: their sessions end here too."""
    now = datetime.now(UTC)
    logout_token = _field(await request.body(), "logout_token")
    try:
        ended = await provider.ended(logout_token, now.timestamp())
    except AuthenticationError as error:
        raise InvalidRequestError(str(error)) from error  # 401 would say that a credential is missing
    runtime.hub.sign_out(*await transact(runtime.sessions, lambda db: identities.end(db, ended, now)))
    return Response(status_code=200)


async def _admitted(
    request: Request,
    runtime: Runtime,
    provider: OpenIdProvider,
    *,
    state: str | None,
    code: str | None,
    iss: str | None,
    refused: str | None,
) -> Response:
    caller = address_of(request)
    take_attempt(runtime, caller)
    secret = request.cookies.get(COOKIE)
    if secret is None or state is None:
        raise AuthenticationError("this browser has begun no login, or too long ago; begin again")
    handshake = Handshake(secret)
    handshake.check_state(state)
    if refused is not None or code is None:
        raise AuthenticationError("the OpenID provider did not sign you in")
    now = datetime.now(UTC)
    try:
        who = await provider.redeem(handshake, code, iss, _callback(runtime), now.timestamp())
    except UpstreamError:
        runtime.login_attempts.give_back(caller)  # no guess: who comes from the same address may use a password
        raise

    async def work(db: AsyncSession) -> str:
        return await identities.sign_in(db, who, now, session_life(runtime))

    session = await transact(runtime.sessions, work)
    runtime.login_attempts.give_back(caller)
    return await admit(request, runtime, RedirectResponse("/", status_code=303), session)


def _field(form: bytes, name: str) -> str:
    # FastAPI's own forms need a library for uploads of files.
    try:
        stated = parse_qs(form.decode("ascii"), max_num_fields=20).get(name, [])
    except ValueError as error:
        raise InvalidRequestError(f"expected a form with the field {name}") from error
    if len(stated) != 1:
        raise InvalidRequestError(f"expected a form with the field {name}")
    return stated[0]


def _callback(runtime: Runtime) -> str:
    return f"{access.console_url(runtime.settings)}{_PATH}/callback"
