"""Which failed logins count against the address that they come from."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import httpx
import pytest
from fastapi import Request
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import create_async_engine

from fleetops.auth.oidc.handshake import Handshake
from fleetops.auth.oidc.provider import OpenIdProvider
from fleetops.auth.rate_limit import RateLimit
from fleetops.db.engine import session_factory
from fleetops.errors import AuthenticationError, UpstreamError, UpstreamTimeoutError
from fleetops.operator.api.oidc import COOKIE, finish_oidc_login
from fleetops.operator.delays import Delays
from fleetops.operator.runtime import Runtime
from fleetops.settings import OidcSettings, OperatorSettings, Settings

ISSUER = "http://127.0.0.1:9"
HANDSHAKE = Handshake("a secret")
ADDRESS = "192.0.2.7"

Answer = Callable[[httpx.Request], httpx.Response]


def discovery() -> httpx.Response:
    """Of a provider whose pages work."""
    document = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/auth",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/jwks",
    }
    return httpx.Response(200, json=document)


def away(request: httpx.Request) -> httpx.Response:
    """The token endpoint's machine is down."""
    raise httpx.ConnectError("refused", request=request)


def slow(request: httpx.Request) -> httpx.Response:
    """It does not answer in time."""
    raise httpx.ReadTimeout("slow", request=request)


def broken(_: httpx.Request) -> httpx.Response:
    """It fails."""
    return httpx.Response(500)


def refusing(_: httpx.Request) -> httpx.Response:
    """It says that the code is none of its own."""
    return httpx.Response(400)


async def come_back(answer: Answer) -> tuple[RateLimit, Awaitable[object]]:
    """A browser on its way back from the provider, whose token endpoint gives `answer`; the attempts so far."""

    def respond(request: httpx.Request) -> httpx.Response:
        return discovery() if "well-known" in request.url.path else answer(request)

    outside = httpx.AsyncClient(transport=httpx.MockTransport(respond))
    settings = Settings(operator=OperatorSettings())
    engine = create_async_engine("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    oidc = OidcSettings(issuer=ISSUER, client_id="fleetops", roles={"fleet": "operator"})
    runtime = Runtime(
        settings=settings,
        engine=engine,
        sessions=session_factory(engine),
        delays=Delays.of(settings.operator),
        upstream=outside,
        service_token=SecretStr("none"),
        kafka_connected=lambda: True,
        login_attempts=RateLimit(1, 60.0),
        oidc=OpenIdProvider(oidc, outside),
    )
    assert runtime.oidc is not None
    request = Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/auth/oidc/callback",
            "query_string": b"",
            "headers": [(b"cookie", f'{COOKIE}="{HANDSHAKE.secret}"'.encode())],
            "client": (ADDRESS, 1),
        }
    )
    return runtime.login_attempts, finish_oidc_login(
        request, runtime, runtime.oidc, state=HANDSHAKE.state, code="a code"
    )


@pytest.mark.parametrize(
    ("answer", "error"), [(away, UpstreamError), (slow, UpstreamTimeoutError), (broken, UpstreamError)]
)
async def test_what_the_provider_fails_at_is_no_guess(answer: Answer, error: type[Exception]) -> None:
    """An office behind one address would else be kept from its passwords too while the provider is down."""
    attempts, answering = await come_back(answer)
    with pytest.raises(error):
        await answering
    assert attempts.take(ADDRESS, time.monotonic())


async def test_a_code_that_the_provider_does_not_know_is_a_guess() -> None:
    """And counts."""
    attempts, answering = await come_back(refusing)
    with pytest.raises(AuthenticationError):
        await answering
    assert not attempts.take(ADDRESS, time.monotonic())
