"""Providers differ: how a client proves itself, and where they put the groups. Each kind of the certified one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr, ValidationError
from tests.servers.openid import SECRET, OpenIdServer, sign_in
from tests.servers.processes import free_port

from fleetops.auth.oidc.claims import Identity
from fleetops.auth.oidc.handshake import Handshake
from fleetops.auth.oidc.provider import OpenIdProvider
from fleetops.auth.roles import Role
from fleetops.errors import AuthenticationError, UpstreamError
from fleetops.settings import OidcSettings

CLIENT = "http://127.0.0.1:9"  # nobody is there, and nobody goes there
BACK = f"{CLIENT}/auth/oidc/callback"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """What the service asks with."""
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


def configured(issuer: str, secret: str | None = SECRET) -> OidcSettings:
    """As the settings would name the provider."""
    return OidcSettings(
        issuer=issuer,
        client_id="fleetops",
        client_secret=None if secret is None else SecretStr(secret),
        scopes="openid profile groups",
        roles={"fleet": "operator"},
    )


async def come_in(ours: OpenIdProvider, server: OpenIdServer, handshake: Handshake) -> Identity:
    """Sign Jo in, and redeem the code."""
    start = await ours.login_url(handshake, BACK)

    def at_the_provider() -> str:
        httpx.get(f"{server.issuer}/test/groups", params={"of": "jo", "group": "fleet"})
        with httpx.Client(trust_env=False) as browser:
            return str(sign_in(browser, start, BACK, "jo", arrive=False).headers["location"])

    answer = parse_qs(urlsplit(await asyncio.to_thread(at_the_provider)).query)
    handshake.check_state(answer["state"][0])
    return await ours.redeem(handshake, answer["code"][0], answer["iss"][0], BACK, time.time())


@pytest.mark.parametrize(
    "kind", [("client_secret_post",), ("none",), ("client_secret_basic", "everything-in-token")], ids="-".join
)
async def test_each_kind_of_provider_lets_in(tmp_path: Path, http: httpx.AsyncClient, kind: tuple[str, ...]) -> None:
    """A secret in the form or none but PKCE; groups in the ID token, without asking for more."""
    server = OpenIdServer.start(tmp_path, free_port(), CLIENT, *kind)
    try:
        ours = OpenIdProvider(configured(server.issuer, None if kind == ("none",) else SECRET), http)
        who = await come_in(ours, server, Handshake("secret"))
        assert (who.subject, who.username, who.role, who.issuer) == ("jo", "jo", Role.OPERATOR, server.issuer)
        assert who.session
    finally:
        server.stop()


async def test_a_client_that_cannot_prove_itself_gets_nothing(tmp_path: Path, http: httpx.AsyncClient) -> None:
    """A wrong secret is our fault, not the person's; a wrong verifier is somebody else's code."""
    server = OpenIdServer.start(tmp_path, free_port(), CLIENT)
    try:
        with pytest.raises(UpstreamError, match="401"):
            await come_in(OpenIdProvider(configured(server.issuer, "wrong"), http), server, Handshake("secret"))

        class Forgetful(Handshake):
            """One whose verifier is not the one that the login began with."""

            @property
            def verifier(self) -> str:
                return f"{super().verifier[:-1]}{time.monotonic_ns()}"

        with pytest.raises(AuthenticationError, match="takes this code no more"):
            await come_in(OpenIdProvider(configured(server.issuer), http), server, Forgetful("secret"))
        with pytest.raises(UpstreamError, match="calls itself"):
            await OpenIdProvider(configured(f"{server.issuer}/"), http).discover()
    finally:
        server.stop()


@pytest.mark.parametrize(
    "issuer", ["http://id.example.com", "ftp://127.0.0.1", "id.example.com", "http://127.evil.com"]
)
def test_an_issuer_that_anyone_on_the_way_could_play_is_refused(issuer: str) -> None:
    """Encrypted, or on this very machine."""
    with pytest.raises(ValidationError, match="https"):
        configured(issuer)
