"""Nobody where they do not belong: every route against every role and none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from pydantic import JsonValue
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from fleetops.auth.roles import Role
from fleetops.errors import ConfigurationError, ConflictError
from fleetops.operator import access
from fleetops.operator.api.app import build
from fleetops.operator.api.callers import COOKIE

from .running import OperatorService, Socket

ALERT = f"/alerts/{uuid4()}"
OPEN = None
"""Instead of a role: whoever asks."""

T = TypeVar("T")
Body = dict[str, JsonValue]

ROUTES: dict[tuple[str, str], tuple[str, Body | None, Role | None]] = {
    ("GET", "/livez"): ("/livez", None, OPEN),
    ("GET", "/readyz"): ("/readyz", None, OPEN),
    ("GET", "/"): ("/", None, OPEN),
    ("GET", "/auth/link"): ("/auth/link?token=fll_wrong", None, OPEN),
    ("GET", "/auth/me"): ("/auth/me", None, Role.VIEWER),
    ("GET", "/auth/methods"): ("/auth/methods", None, OPEN),
    ("GET", "/auth/oidc/login"): ("/auth/oidc/login", None, OPEN),
    ("GET", "/auth/oidc/callback"): ("/auth/oidc/callback", None, OPEN),
    ("POST", "/auth/oidc/backchannel-logout"): ("/auth/oidc/backchannel-logout", None, OPEN),
    ("POST", "/auth/login"): ("/auth/login", {"operator_id": "nobody", "password": "a guess"}, OPEN),
    ("POST", "/auth/password"): ("/auth/password", {"new": "correct horse battery"}, Role.VIEWER),
    ("GET", "/auth/sessions"): ("/auth/sessions", None, Role.VIEWER),
    ("DELETE", "/auth/sessions/{session_id}"): (f"/auth/sessions/{uuid4()}", None, Role.VIEWER),
    ("GET", "/operators"): ("/operators", None, Role.SUPERVISOR),
    ("POST", "/operators"): ("/operators", {"operator_id": "op_new", "role": "viewer"}, Role.SUPERVISOR),
    ("POST", "/operators/{operator_id}/role"): ("/operators/none/role", {"role": "viewer"}, Role.SUPERVISOR),
    ("POST", "/operators/{operator_id}/disable"): ("/operators/none/disable", None, Role.SUPERVISOR),
    ("POST", "/operators/{operator_id}/enable"): ("/operators/none/enable", None, Role.SUPERVISOR),
    ("POST", "/operators/{operator_id}/reset"): ("/operators/none/reset", None, Role.SUPERVISOR),
    ("GET", "/tokens"): ("/tokens", None, Role.SUPERVISOR),
    ("POST", "/tokens"): ("/tokens", {"name": "made-in-a-table", "role": "viewer"}, Role.SUPERVISOR),
    ("DELETE", "/tokens/{token_id}"): (f"/tokens/{uuid4()}", None, Role.SUPERVISOR),
    ("POST", "/auth/logout"): ("/auth/logout", None, Role.VIEWER),
    ("GET", "/config.json"): ("/config.json", None, Role.VIEWER),
    ("GET", "/health"): ("/health", None, Role.VIEWER),
    ("GET", "/openapi.json"): ("/openapi.json", None, Role.VIEWER),
    ("GET", "/alerts"): ("/alerts", None, Role.VIEWER),
    ("GET", "/alerts/{alert_id}"): (ALERT, None, Role.VIEWER),
    ("POST", "/alerts/{alert_id}/acknowledge"): (f"{ALERT}/acknowledge", {}, Role.OPERATOR),
    ("POST", "/alerts/{alert_id}/assign"): (f"{ALERT}/assign", {}, Role.OPERATOR),
    ("POST", "/alerts/{alert_id}/actions"): (f"{ALERT}/actions", {"action_type": "ACKNOWLEDGE"}, Role.OPERATOR),
    ("POST", "/alerts/bulk"): (
        "/alerts/bulk",
        {"action_type": "ACKNOWLEDGE", "alert_ids": [str(uuid4())]},
        Role.OPERATOR,
    ),
    ("GET", "/incidents"): ("/incidents", None, Role.VIEWER),
    ("GET", "/alerts/export"): ("/alerts/export", None, Role.VIEWER),
    ("GET", "/incidents/export"): ("/incidents/export", None, Role.VIEWER),
    ("GET", "/audit"): ("/audit", None, Role.SUPERVISOR),
    ("GET", "/alerts/groups"): ("/alerts/groups", None, Role.VIEWER),
    ("GET", "/kpis"): ("/kpis", None, Role.VIEWER),
    ("GET", "/metrics"): ("/metrics", None, Role.VIEWER),
    ("GET", "/webhooks"): ("/webhooks", None, Role.SUPERVISOR),
    ("POST", "/webhooks"): ("/webhooks", {"url": "http://127.0.0.1:9/none"}, Role.SUPERVISOR),
    ("GET", "/webhooks/{webhook_id}"): (f"/webhooks/{uuid4()}", None, Role.SUPERVISOR),
    ("PATCH", "/webhooks/{webhook_id}"): (f"/webhooks/{uuid4()}", {"enabled": False}, Role.SUPERVISOR),
    ("POST", "/webhooks/{webhook_id}/skip"): (f"/webhooks/{uuid4()}/skip", {"place": 0}, Role.SUPERVISOR),
    ("POST", "/webhooks/{webhook_id}/secret"): (f"/webhooks/{uuid4()}/secret", None, Role.SUPERVISOR),
    ("DELETE", "/webhooks/{webhook_id}"): (f"/webhooks/{uuid4()}", None, Role.SUPERVISOR),
    ("GET", "/silences"): ("/silences", None, Role.VIEWER),
    ("POST", "/silences"): (
        "/silences",
        {"scene_id": "none", "reason": "a table", "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        Role.SUPERVISOR,
    ),
    ("GET", "/silences/{silence_id}"): (f"/silences/{uuid4()}", None, Role.VIEWER),
    ("PATCH", "/silences/{silence_id}"): (f"/silences/{uuid4()}", {"reason": "another"}, Role.SUPERVISOR),
    ("DELETE", "/silences/{silence_id}"): (f"/silences/{uuid4()}", None, Role.SUPERVISOR),
    ("GET", "/vehicles"): ("/vehicles", None, Role.VIEWER),
    ("GET", "/vehicles/{vehicle_id}"): ("/vehicles/v", None, Role.VIEWER),
    ("GET", "/vehicles/{vehicle_id}/history"): ("/vehicles/v/history", None, Role.VIEWER),
    ("GET", "/vehicles/{vehicle_id}/telemetry"): ("/vehicles/v/telemetry", None, Role.VIEWER),
    ("GET", "/replay/{rest:path}"): ("/replay/scenes", None, Role.VIEWER),
    ("POST", "/replay/{rest:path}"): ("/replay/start", {}, Role.OPERATOR),
    ("GET", "/anomalies/{rest:path}"): ("/anomalies/rules", None, Role.VIEWER),
    ("WS", "/ws"): ("/ws", None, Role.VIEWER),
}
"""By route: a request of it, and the least role that may make it. A new route belongs in here."""


async def _in_thread(work: Callable[[], T]) -> T:
    """Blocking work of a test, off its event loop."""
    return await asyncio.to_thread(work)


def test_every_route_is_in_the_table(tmp_path: Path) -> None:
    """A route that nobody thought about is a hole; this fails until somebody has."""
    there = {
        (method, str(route.path))
        for route in iter_route_contexts(build(static=tmp_path).routes)
        for method in (route.methods or {"WS"})
    }
    assert there == set(ROUTES)


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: str(role or "nobody"))
@pytest.mark.parametrize("route", [route for route in ROUTES if route[0] != "WS"], ids=" ".join)
def test_each_role_may_do_what_the_table_says(
    service: OperatorService, route: tuple[str, str], role: Role | None
) -> None:
    """401 without a credential, 403 with too small a role, and otherwise let through."""
    path, body, least = ROUTES[route]
    headers = {} if role is None else {"Authorization": f"Bearer {service.token(role)}"}
    answer = httpx.request(route[0], service.url + path, json=body, headers=headers)
    if route[1] == "/auth/link":
        assert answer.status_code == 401 if role is None else 303
    elif route[1] == "/auth/login":
        assert answer.status_code == 401  # whoever asks: the password is a guess
    elif route[1] == "/auth/password" and role is not None:
        assert answer.status_code == 403  # these are programs, which have none
    elif least is OPEN:
        assert answer.status_code not in {401, 403}
    elif role is None:
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    elif not role.covers(least):
        assert answer.status_code == 403
    else:
        assert answer.status_code in {200, 201, 204, 404, 502}
    if answer.status_code >= 400 and route[1] != "/":
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["type"].startswith("urn:fleetops:error:")


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: str(role or "nobody"))
async def test_the_socket_opens_for_those_who_may_see(service: OperatorService, role: Role | None) -> None:
    """The handshake itself is refused, with the problem in its body, before anything is sent."""
    headers = {} if role is None else {"Authorization": f"Bearer {service.token(role)}"}
    url = f"{service.url.replace('http', 'ws')}/ws"
    if role is None:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url, additional_headers=headers)
        assert refused.value.response.status_code == 401
        assert b"urn:fleetops:error:authentication" in (refused.value.response.body or b"")
    else:
        async with connect(url, additional_headers=headers) as socket:
            assert '"type":"snapshot"' in str(await socket.recv())


def test_a_login_link_works_once(service: OperatorService) -> None:
    """The second browser to open it is turned away, and told so in words."""
    link = service.login_link()
    first, second = service.client(), service.client()
    entered = first.get(link)
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    cookie = entered.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"))
    assert second.get(link).status_code == 401
    assert "does not sign you in" in second.get(link, headers={"Accept": "text/html"}).text
    assert not second.cookies
    assert first.get(link).status_code == 303  # who is in already, just goes on
    me = first.get(f"{service.url}/auth/me").json()
    assert (me["operator_id"], me["role"]) == ("operator_001", "operator")


def test_a_login_link_grows_old(service: OperatorService) -> None:
    """A link found in a terminal's history opens nothing."""
    link = service.login_link()
    service.sql("UPDATE login_links SET expires_at = now() - interval '1 second' WHERE used_at IS NULL")
    assert httpx.get(link).status_code == 401


def test_no_secret_is_in_the_database_or_the_log(service: OperatorService) -> None:
    """Links, sessions and tokens are kept as hashes, and no line of the log holds one."""
    link = service.login_link()
    secrets = [link.partition("token=")[2], service.token(Role.OPERATOR)]
    answer = httpx.get(link)
    secrets.append(answer.cookies[COOKIE])
    for table in ("login_links", "web_sessions", "api_tokens", "operators"):
        rows = str(service.sql(f"SELECT * FROM {table}"))  # noqa: S608 - the names are right here
        assert not any(secret in rows for secret in secrets), table
    assert not any(secret in service.log.read_text() for secret in secrets)


def test_signing_out_ends_the_session(service: OperatorService) -> None:
    """The cookie is dead on the server, not only forgotten by the browser."""
    person = service.as_person()
    cookie = person.cookies[COOKIE]
    assert person.post("/auth/logout").status_code == 204
    assert httpx.get(f"{service.url}/auth/me", cookies={COOKIE: cookie}).status_code == 401


async def test_signing_out_closes_the_sockets_of_the_session(service: OperatorService) -> None:
    """The other tab must not go on showing the fleet."""
    person = await _in_thread(service.as_person)
    headers = {"Cookie": f"{COOKIE}={person.cookies[COOKIE]}"}
    async with connect(
        f"{service.url.replace('http', 'ws')}/ws",
        additional_headers=headers,
        origin=service.url,  # type: ignore[arg-type]  # a NewType of str
    ) as socket:
        await socket.recv()
        assert (await _in_thread(lambda: person.post("/auth/logout"))).status_code == 204
        # At once, that is: a session ended elsewhere is noticed too, but only within 15 s.
        assert await Socket(socket).until_closed(within_s=8) == 4401


def test_an_expired_session_is_no_session(service: OperatorService) -> None:
    """Expiry is the server's to judge."""
    person = service.as_person()
    assert person.get("/auth/me").status_code == 200
    service.sql("UPDATE web_sessions SET expires_at = now() - interval '1 second'")
    assert person.get("/auth/me").status_code == 401


def test_a_disabled_operator_is_out_at_once(service: OperatorService) -> None:
    """Their sessions end with them, and so do links made before."""
    person = service.as_person("operator_gone")
    link = service.login_link("operator_gone")
    service.sql("UPDATE operators SET disabled_at = now() WHERE operator_id = 'operator_gone'")
    assert person.get("/auth/me").status_code == 401
    assert httpx.get(link).status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
def test_another_sites_page_cannot_act_with_our_cookie(service: OperatorService, origin: str | None) -> None:
    """Cross-site request forgery: the cookie alone changes nothing."""
    person = service.as_person()
    headers = {} if origin is None else {"Origin": origin}
    forged = httpx.post(
        f"{service.url}{ALERT}/acknowledge", json={}, headers=headers, cookies={COOKIE: person.cookies[COOKIE]}
    )
    assert forged.status_code == 403
    assert person.post(f"{ALERT}/acknowledge", json={}).status_code == 404


@pytest.mark.parametrize("origin", ["http://evil.example", None])
async def test_another_sites_page_cannot_watch_with_our_cookie(service: OperatorService, origin: str | None) -> None:
    """Cross-site WebSocket hijacking: browsers send cookies with any handshake, and so the Origin decides."""
    person = await _in_thread(service.as_person)
    headers = {"Cookie": f"{COOKIE}={person.cookies[COOKIE]}"} | ({} if origin is None else {"Origin": origin})
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{service.url.replace('http', 'ws')}/ws", additional_headers=headers)
    assert refused.value.response.status_code == 403


def test_no_other_origin_is_given_leave(service: OperatorService) -> None:
    """CORS is closed: no answer says that another site may read it."""
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
    for method in ("GET", "OPTIONS"):
        answer = httpx.request(method, f"{service.url}/alerts", headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("path", ["/", "/alerts", "/nowhere", "/livez"])
def test_every_answer_carries_the_security_headers(service: OperatorService, path: str) -> None:
    """Errors too; and the page may load nothing from elsewhere."""
    headers = httpx.get(service.url + path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "http" not in headers["content-security-policy"]
    assert "server" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml", "/assets/../../../settings.py", "/%2e%2e/%2e%2e/settings.py", "/..%2f..%2fsettings.py",
        "/assets/%00", "//etc/passwd", "/%5c..%5c..%5csettings.py",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_console(service: OperatorService, path: str) -> None:
    """Whatever dots and escapes are tried, only the console's own files are served."""
    with httpx.Client(base_url=service.url) as client:
        answer = client.send(client.build_request("GET", httpx.URL(service.url).copy_with(raw_path=path.encode())))
    assert answer.status_code in {200, 404}
    assert "pydantic" not in answer.text
    assert "root:" not in answer.text


def test_a_body_beyond_the_bound_is_refused(service: OperatorService) -> None:
    """A megabyte of JSON is no command."""
    body = b'{"operator_id": "' + b"x" * (1 << 20) + b'"}'
    answer = service.as_program().post(f"{ALERT}/acknowledge", content=body)
    assert answer.status_code == 413


def test_a_token_is_one_of_its_kind(service: OperatorService) -> None:
    """Two programs cannot sign with the same name, and a name is no sentence."""
    access.create_token(service.settings, Role.VIEWER, "nightly")
    with pytest.raises(ConflictError):
        access.create_token(service.settings, Role.OPERATOR, "nightly")
    with pytest.raises(ConfigurationError):
        access.create_token(service.settings, Role.OPERATOR, "no spaces")


def test_a_revoked_token_opens_nothing(service: OperatorService) -> None:
    """Revoking works at once, on sockets within the next check."""
    token = access.create_token(service.settings, Role.OPERATOR, "short-lived")
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{service.url}/auth/me", headers=headers).json()["operator_id"] == "token:short-lived"
    service.sql("UPDATE api_tokens SET revoked_at = now() WHERE name = 'short-lived'")
    assert httpx.get(f"{service.url}/auth/me", headers=headers).status_code == 401


def test_the_service_token_is_no_way_in(service: OperatorService) -> None:
    """What services show each other is no credential of a person or a program."""
    token = (service.folder / "data" / "service_token").read_text()
    assert httpx.get(f"{service.url}/alerts", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_guessing_links_is_slowed_down(service: OperatorService) -> None:
    """After ten attempts in a minute the caller has to wait. Last here, since it locks this machine out."""
    statuses = [httpx.get(f"{service.url}/auth/link?token=fll_guess").status_code for _ in range(12)]
    assert statuses[-1] == 429
    assert set(statuses) <= {401, 429}
