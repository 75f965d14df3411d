"""Signing in by link or password, who one is, and signing out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops import __version__
from fleetops.db.transaction import transact
from fleetops.errors import AuthenticationError, PermissionDeniedError, UpstreamError
from fleetops.operator import access, passwords, people
from fleetops.operator.people import Credential
from fleetops.operator.runtime import Runtime
from fleetops.operator.views import View
from fleetops.web import problems

from .admission import address_of, admit, log_refusal, refusal_page, session_life, take_attempt
from .callers import COOKIE, Authenticated, InRuntime, identify
from .origin import require_own_origin
from .schemas import STORABLE, Command, ConsoleConfig, Me

router = APIRouter(tags=["session"])


class PasswordLogin(Command):
    """Who one is, and the proof."""

    operator_id: Annotated[str, Field(min_length=1, max_length=255, pattern=STORABLE)]
    password: Annotated[str, Field(min_length=1, max_length=passwords.LONGEST)]


class NewPassword(Command):
    """A password to be set."""

    current: Annotated[
        str | None, Field(max_length=passwords.LONGEST, description="needed where there is one already")
    ] = None
    new: Annotated[str, Field(min_length=passwords.SHORTEST, max_length=passwords.LONGEST)]


class SignedOut(View):
    """The session here has ended. The browser may end the provider's own too."""

    logout_url: Annotated[str, Field(description="open it to sign out of the OpenID provider as well")]


class Company(View):
    """An OpenID provider that people sign in with."""

    name: str
    path: str = "/auth/oidc/login"


class SignInMethods(View):
    """How one may sign in, beside one-time links."""

    password: Literal[True] = True
    oidc: Company | None


@router.get("/auth/link", status_code=303, response_class=RedirectResponse, responses=problems(401, 422, 429))
async def use_login_link(
    request: Request, runtime: InRuntime, token: Annotated[str, Query(min_length=1, max_length=200)]
) -> Response:
    """Turn a one-time login link into a session cookie, and go on to the console."""
    caller = address_of(request)
    take_attempt(runtime, caller)

    async def work(db: AsyncSession) -> str:
        return await people.sign_in(db, token, datetime.now(UTC), session_life(runtime))

    try:
        secret = await transact(runtime.sessions, work)
    except AuthenticationError as error:
        return await _link_refused(request, runtime, caller, error)
    runtime.login_attempts.give_back(caller)
    return await admit(request, runtime, RedirectResponse("/", status_code=303), secret)


@router.post("/auth/login", status_code=204, responses=problems(401, 403, 422, 429))
async def sign_in_with_password(request: Request, runtime: InRuntime, body: PasswordLogin) -> Response:
    """Turn an operator's id and password into a session cookie."""
    if request.headers.get("origin") is not None:
        # Else another site could sign a browser in as somebody else, and see what its user does next.
        require_own_origin(request.headers, request.url.scheme, runtime.settings.operator.public_url)
    tried = (address_of(request), f"operator {body.operator_id}")  # by the name too: guesses come from many addresses
    for each in tried:
        take_attempt(runtime, each)
    try:
        secret = await passwords.sign_in(
            runtime.sessions, body.operator_id, body.password, datetime.now(UTC), session_life(runtime)
        )
    except AuthenticationError as error:
        log_refusal(request, "password", error)
        raise
    for each in tried:
        runtime.login_attempts.give_back(each)
    return await admit(request, runtime, Response(status_code=204), secret)


@router.post("/auth/password", status_code=204, responses=problems(401, 403, 409, 422, 429))
async def set_password(request: Request, credential: Authenticated, runtime: InRuntime, body: NewPassword) -> Response:
    """Set one's own password, with the current one if there is one. One's other sessions end."""
    if not credential.by_cookie:
        raise PermissionDeniedError("a token belongs to a program, which has no password")
    caller = address_of(request)
    take_attempt(runtime, caller)
    ended = await passwords.set_password(
        runtime.sessions, credential.principal.operator_id, body.current, body.new, datetime.now(UTC), credential.hash
    )
    runtime.login_attempts.give_back(caller)
    runtime.hub.sign_out(*ended)
    return Response(status_code=204)


@router.get("/auth/me", responses=problems(401))
async def me(credential: Authenticated) -> Me:
    """Who the caller is."""
    return _me(credential)


@router.post(
    "/auth/logout",
    status_code=204,
    responses={200: {"model": SignedOut, "description": "the OpenID provider's session goes on"}, **problems(401, 403)},
)
async def logout(credential: Authenticated, runtime: InRuntime) -> Response:
    """End this session and every socket that it opened. An API token stays valid."""
    answer = Response(status_code=204)
    if credential.by_cookie:
        issuer = await transact(runtime.sessions, lambda db: people.sign_out(db, credential.hash, datetime.now(UTC)))
        runtime.hub.sign_out(credential.hash)
        there = None if issuer is None else await _logout_url(runtime)
        if there is not None:
            answer = Response(SignedOut(logout_url=there).model_dump_json(), media_type="application/json")
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("/auth/methods")
async def sign_in_methods(runtime: InRuntime) -> SignInMethods:
    """How one may sign in. Open, for whoever asks is not signed in yet."""
    company = runtime.settings.operator.oidc
    return SignInMethods(oidc=None if company is None else Company(name=company.name))


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


async def _logout_url(runtime: Runtime) -> str | None:
    if runtime.oidc is None:
        return None
    try:
        return await runtime.oidc.logout_url(f"{access.console_url(runtime.settings)}/")
    except UpstreamError:
        return None  # who signs out is signed out here, whatever the provider does


async def _link_refused(request: Request, runtime: Runtime, caller: str, error: AuthenticationError) -> Response:
    """Whoever opens the link again in the browser that it signed in goes on; others read why not."""
    try:
        await identify(request)
    except AuthenticationError:
        log_refusal(request, "link", error)
        return refusal_page(request, error, "This link does not sign you in. Links work once, and for ten minutes.")
    runtime.login_attempts.give_back(caller)
    return RedirectResponse("/", status_code=303)


def _me(credential: Credential) -> Me:
    who = credential.principal
    return Me(
        operator_id=who.operator_id, display_name=who.display_name, role=who.role, expires_at=credential.expires_at
    )
