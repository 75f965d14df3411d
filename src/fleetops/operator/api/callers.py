"""Who calls: the credential of a request, and the role that a route asks for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from fleetops.auth.roles import Principal, Role
from fleetops.db.transaction import transact
from fleetops.errors import AuthenticationError
from fleetops.operator import people
from fleetops.operator.people import Credential
from fleetops.operator.runtime import Runtime, runtime_of

from .origin import require_own_origin

COOKIE: Final = "fleetops_session"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_cookie = APIKeyCookie(name=COOKIE, scheme_name="session", auto_error=False, description="set by a login link")
_bearer = HTTPBearer(scheme_name="token", auto_error=False, description="of `fleetops token create`")

InRuntime = Annotated[Runtime, Depends(runtime_of)]


async def transaction(runtime: InRuntime) -> AsyncIterator[AsyncSession]:
    """A transaction that is committed before the answer leaves."""
    async with runtime.sessions() as session, session.begin():
        yield session


InTransaction = Annotated[AsyncSession, Depends(transaction, scope="function")]


async def identify(connection: HTTPConnection) -> Credential:
    """Whose credential comes with `connection`: a token, else a session cookie.

    Raises:
        AuthenticationError: there is none, or it does not hold.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    is_token = scheme.lower() == "bearer"
    secret = token.strip() if is_token else connection.cookies.get(COOKIE)
    if not secret:
        raise AuthenticationError("sign in with a login link, or show a token (`Authorization: Bearer …`)")
    now = datetime.now(UTC)

    async def work(db: AsyncSession) -> Credential:
        return await (people.by_token if is_token else people.by_session)(db, secret, now)

    return await transact(runtime_of(connection).sessions, work)


async def authenticate(
    request: Request,
    runtime: InRuntime,
    _session: Annotated[str | None, Security(_cookie)] = None,
    _token: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)] = None,
) -> Credential:
    """The caller's credential. The two schemes are parameters only to be in the OpenAPI document."""
    credential = await identify(request)
    if credential.by_cookie and request.method not in _SAFE_METHODS:
        require_own_origin(request.headers, request.url.scheme, runtime.settings.operator.public_url)
    return credential


Authenticated = Annotated[Credential, Depends(authenticate)]


def _viewer(credential: Authenticated) -> Principal:
    credential.principal.require(Role.VIEWER)
    return credential.principal


def _operator(credential: Authenticated) -> Principal:
    credential.principal.require(Role.OPERATOR)
    return credential.principal


def _supervisor(credential: Authenticated) -> Principal:
    credential.principal.require(Role.SUPERVISOR)
    return credential.principal


Viewer = Annotated[Principal, Depends(_viewer)]
"""The caller of a route that anyone who is signed in may use."""

Operator = Annotated[Principal, Depends(_operator)]
"""The caller of a route that acts."""

Supervisor = Annotated[Principal, Depends(_supervisor)]
"""The caller of a route that manages what others may do and see."""
