"""Signing in with a company's account, against a certified provider: rotated keys, forged, expired, revoked tokens."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.servers.openid import SECRET, OpenIdServer, sign_in, sign_out
from tests.servers.processes import free_port
from websockets.asyncio.client import connect

from fleetops.auth.roles import Role
from fleetops.operator.api.callers import COOKIE
from fleetops.settings import KafkaSettings

from .eventually import eventually
from .running import OperatorService, Socket

ATTACKS = {
    "expired": "expired",
    "other-audience": "another application",
    "other-issuer": "somebody else",
    "other-nonce": "another login",
    "other-access-token": "not issued together",
    "from-the-future": "future",
    "wrong-key": "none of the provider's keys",
    "own-key-in-header": "token",
    "none": "not accepted",
    "public-key-as-secret": "not accepted",
    "altered-payload": "none of the provider's keys",
    "revoked": "revoked",
}
"""What is done to the tokens on their way to us, and what the person is told."""


@pytest.fixture(scope="module")
def provider_port() -> int:
    """Where the provider will be: the service has to know before it runs."""
    return free_port()


@pytest.fixture(scope="module")
def service(
    service_database: str,
    embedded_kafka: KafkaSettings,
    provider_port: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[OperatorService]:
    """The service, told of the provider, which does not have to run for it to start."""
    oidc = {
        "FLEETOPS_OPERATOR__OIDC__ISSUER": f"http://127.0.0.1:{provider_port}",
        "FLEETOPS_OPERATOR__OIDC__CLIENT_ID": "fleetops",
        "FLEETOPS_OPERATOR__OIDC__CLIENT_SECRET": SECRET,
        "FLEETOPS_OPERATOR__OIDC__NAME": "The Company",
        "FLEETOPS_OPERATOR__OIDC__SCOPES": "openid profile groups",
        "FLEETOPS_OPERATOR__OIDC__ROLES": json.dumps({"fleet": "operator", "fleet-leads": "supervisor"}),
        "FLEETOPS_OPERATOR__LOGIN_ATTEMPTS": "1000",
        "NO_PROXY": "127.0.0.1",
    }
    running = OperatorService.start(tmp_path_factory.mktemp("operator"), service_database, embedded_kafka, oidc)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def provider(
    service: OperatorService, provider_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenIdServer]:
    """The provider."""
    server = OpenIdServer.start(tmp_path_factory.mktemp("provider"), provider_port, service.url)
    yield server
    server.stop()


def person(provider: OpenIdServer, *groups: str) -> str:
    """Somebody at the company whom nobody here has seen, in `groups` there."""
    name = f"jo_{secrets.token_hex(4)}"
    belong(provider, name, *groups)
    return name


def belong(provider: OpenIdServer, name: str, *groups: str) -> None:
    """Put somebody into these groups of the company, and no other."""
    httpx.get(f"{provider.issuer}/test/groups", params={"of": name, "group": groups}).raise_for_status()


def enter(service: OperatorService, name: str) -> tuple[httpx.Client, httpx.Response]:
    """A new browser in which `name` has signed in at the company, and the answer it came back to."""
    browser = service.client({"Origin": service.url})
    answer = sign_in(browser, f"{service.url}/auth/oidc/login", f"{service.url}/auth/oidc/callback", name)
    return browser, answer


def admitted(service: OperatorService, name: str) -> httpx.Client:
    """The browser of somebody who came in."""
    browser, answer = enter(service, name)
    assert (answer.status_code, answer.headers.get("location")) == (303, "/"), answer.text
    return browser


def test_a_provider_that_is_away_is_said_and_takes_nothing_else_down(service: OperatorService) -> None:
    """The service started without it, local accounts work, and the button says what is wrong."""
    assert service.as_person().get("/auth/me").status_code == 200
    assert httpx.get(f"{service.url}/auth/oidc/login").status_code == 502
    page = httpx.get(f"{service.url}/auth/oidc/login", headers={"Accept": "text/html"})
    assert page.status_code == 502
    assert "cannot be reached" in page.text


def test_an_account_of_the_company_comes_in_with_the_role_of_its_group(
    service: OperatorService, provider: OpenIdServer
) -> None:
    """Its highest; the name is the company's; the same person is the same operator the next time."""
    assert httpx.get(f"{service.url}/auth/methods").json()["oidc"] == {
        "name": "The Company",
        "path": "/auth/oidc/login",
    }
    name = person(provider, "fleet-leads", "fleet", "football")
    browser = admitted(service, name)
    me = browser.get("/auth/me").json()
    assert (me["operator_id"], me["role"], me["display_name"]) == (name, "supervisor", f"{name} of the company")
    assert "fleetops_oidc" not in browser.cookies
    [account] = [each for each in browser.get("/operators").json()["operators"] if each["operator_id"] == name]
    assert account["provided"]
    belong(provider, name, "fleet")
    again = admitted(service, name)
    assert again.get("/auth/me").json()["role"] == "operator"
    assert browser.get("/auth/me").json()["role"] == "operator"
    told = service.sql(f"SELECT what FROM audit_log WHERE subject_id = '{name}' ORDER BY id")  # noqa: S608
    assert [row["what"] for row in told] == ["operator.created", "operator.role_changed"]


def test_the_login_asks_for_what_it_should(service: OperatorService, provider: OpenIdServer) -> None:
    """Code, PKCE with S256, state, nonce; each login has its own; the browser's part is out of scripts' reach."""
    first, second = (httpx.get(f"{service.url}/auth/oidc/login") for _ in range(2))
    asked, other = (parse_qs(urlsplit(answer.headers["location"]).query) for answer in (first, second))
    assert first.headers["location"].startswith(f"{provider.issuer}/auth?")
    assert (asked["response_type"], asked["code_challenge_method"]) == (["code"], ["S256"])
    assert asked["redirect_uri"] == [f"{service.url}/auth/oidc/callback"]
    for each in ("state", "nonce", "code_challenge"):
        assert len(asked[each][0]) == 43
        assert asked[each] != other[each]
    assert len({asked["state"][0], asked["nonce"][0], asked["code_challenge"][0]}) == 3
    cookie = first.headers["set-cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=lax", "Path=/auth/oidc", "Max-Age=600"))


def test_nobody_comes_in_without_a_group_that_counts(service: OperatorService, provider: OpenIdServer) -> None:
    """An account of the company is not yet one of the fleet's."""
    for groups in ((), ("football",), ("Fleet",)):
        browser, answer = enter(service, person(provider, *groups))
        assert answer.status_code == 403
        assert "has no role" in answer.json()["detail"]
        assert COOKIE not in browser.cookies


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_forged_expired_or_revoked_token_lets_anyone_in(
    service: OperatorService, provider: OpenIdServer, attack: str
) -> None:
    """Each is refused with its reason, and leaves neither session nor operator behind."""
    name = person(provider, "fleet")
    provider.tell("attack", kind=attack)
    browser, answer = enter(service, name)
    assert answer.status_code == 401
    assert ATTACKS[attack] in answer.json()["detail"]
    assert COOKIE not in browser.cookies
    assert not service.sql(f"SELECT 1 FROM operators WHERE operator_id = '{name}'")  # noqa: S608
    admitted(service, name)  # and it was the token's fault alone


def test_every_attack_is_tried(provider: OpenIdServer) -> None:
    """One that the provider can do and no test does would prove nothing."""
    assert set(json.loads(provider.tell("attacks"))) == set(ATTACKS)


def test_keys_may_be_rotated_at_any_time(service: OperatorService, provider: OpenIdServer) -> None:
    """A token signed with a key that nobody has seen makes us ask for the keys; the old key is then worth nothing."""
    name = person(provider, "fleet")
    admitted(service, name)
    provider.tell("rotate", kid=secrets.token_hex(4))

    def let_in() -> bool:  # at most once in 10 s are the keys asked for: this one may be the second in that time
        return enter(service, name)[1].status_code == 303

    assert eventually(let_in, within_s=40)


def test_an_answer_to_another_browsers_login_is_refused(service: OperatorService, provider: OpenIdServer) -> None:
    """Login forgery: a code with somebody else's state, or in a browser that began nothing, opens nothing."""
    name = person(provider, "fleet")
    victim, attacker = service.client(), service.client()
    begun = attacker.get("/auth/oidc/login")
    stolen = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
    for query in ({"state": stolen, "code": "any"}, {"code": "any"}, {"state": "x", "code": "any"}):
        assert victim.get("/auth/oidc/callback", params=query).status_code == 401
    victim.get("/auth/oidc/login")
    forged = victim.get("/auth/oidc/callback", params={"state": stolen, "code": "any"})
    assert (forged.status_code, "belongs to another login" in forged.text) == (401, True)
    wrong = attacker.get("/auth/oidc/callback", params={"state": stolen, "code": "any", "iss": "http://evil.example"})
    assert (wrong.status_code, "another provider" in wrong.text) == (401, True)
    admitted(service, name)


def test_a_code_is_worth_one_session(service: OperatorService, provider: OpenIdServer) -> None:
    """The same answer shown again, in the same browser with the same cookie, is refused by the provider."""
    name = person(provider, "fleet")
    browser = service.client({"Origin": service.url})
    begun = browser.get("/auth/oidc/login")
    cookie = {"fleetops_oidc": begun.cookies["fleetops_oidc"]}
    answer = sign_in(browser, begun.headers["location"], f"{service.url}/auth/oidc/callback", name)
    assert answer.status_code == 303
    again = httpx.get(answer.request.url, cookies=cookie)
    assert (again.status_code, "takes this code no more" in again.text) == (401, True)


def test_who_refuses_at_the_provider_is_told_so(service: OperatorService, provider: OpenIdServer) -> None:
    """An error instead of a code ends the login; what it says is not put on our page."""
    browser = service.client({"Accept": "text/html"})
    state = parse_qs(urlsplit(browser.get("/auth/oidc/login").headers["location"]).query)["state"][0]
    query = {"state": state, "error": "<script>", "iss": provider.issuer}
    page = browser.get("/auth/oidc/callback", params=query)
    assert page.status_code == 401
    assert "did not sign you in" in page.text
    assert "<script" not in page.text


def test_who_is_disabled_here_stays_out_whatever_the_company_says(
    service: OperatorService, provider: OpenIdServer
) -> None:
    """The session ends at once, and a new login, good in itself, is refused."""
    boss, name = service.as_person("boss", Role.SUPERVISOR), person(provider, "fleet")
    browser = admitted(service, name)
    boss.post(f"/operators/{name}/disable")
    assert browser.get("/auth/me").status_code == 401
    assert enter(service, name)[1].status_code == 401
    boss.post(f"/operators/{name}/enable")
    admitted(service, name)


def test_what_the_company_decides_is_not_changed_here(service: OperatorService, provider: OpenIdServer) -> None:
    """Role and password of such an operator are the provider's; a link here would be a way around it."""
    boss, name = service.as_person("boss", Role.SUPERVISOR), person(provider, "fleet")
    browser = admitted(service, name)
    assert boss.post(f"/operators/{name}/role", json={"role": "viewer"}).status_code == 409
    assert boss.post(f"/operators/{name}/reset").status_code == 409
    assert browser.post("/auth/password", json={"new": "correct horse battery"}).status_code == 409


def test_a_name_that_is_taken_here_is_not_taken_over(service: OperatorService, provider: OpenIdServer) -> None:
    """Whoever the company calls like a local operator becomes another one."""
    local = f"local_{secrets.token_hex(4)}"
    service.as_person(local, Role.SUPERVISOR)
    belong(provider, local, "fleet")
    me = admitted(service, local).get("/auth/me").json()
    assert me["operator_id"].startswith(f"{local}-")
    assert me["role"] == "operator"
    assert admitted(service, local).get("/auth/me").json()["operator_id"] == me["operator_id"]


async def test_signing_out_at_the_company_ends_everything_here(
    service: OperatorService, provider: OpenIdServer
) -> None:
    """Logout leads on to the provider's; and when the provider says that its session ended, sockets close."""
    name = await asyncio.to_thread(person, provider, "fleet")
    browser = await asyncio.to_thread(admitted, service, name)
    async with connect(
        f"{service.url.replace('http', 'ws')}/ws",
        additional_headers={"Cookie": f"{COOKIE}={browser.cookies[COOKIE]}"},
        origin=service.url,  # type: ignore[arg-type]  # a NewType of str
    ) as socket:
        await socket.recv()
        there = f"{provider.issuer}/session/end?client_id=fleetops"
        assert (await asyncio.to_thread(sign_out, browser, there)).status_code == 303
        assert await Socket(socket).until_closed(within_s=20) == 4401
    assert (await asyncio.to_thread(browser.get, "/auth/me")).status_code == 401


def test_signing_out_here_shows_the_way_out_there(service: OperatorService, provider: OpenIdServer) -> None:
    """The session here is dead either way; a browser may go on and end the company's."""
    browser = admitted(service, person(provider, "fleet"))
    answer = browser.post("/auth/logout")
    assert answer.status_code == 200
    there = answer.json()["logout_url"]
    assert there.startswith(f"{provider.issuer}/session/end?")
    assert parse_qs(urlsplit(there).query)["post_logout_redirect_uri"] == [f"{service.url}/"]
    assert browser.get("/auth/me").status_code == 401
    back = sign_out(browser, there)
    assert back.headers["location"].startswith(f"{service.url}/")


@pytest.mark.parametrize("forged", [True, False])
def test_only_the_provider_can_end_sessions(service: OperatorService, provider: OpenIdServer, forged: bool) -> None:
    """A logout token is a token: another's signature ends nothing, and nonsense is no crash."""
    name = person(provider, "fleet")
    browser = admitted(service, name)
    token = provider.tell("logout-token", sub=name, **({"forged": "yes"} if forged else {}))
    answer = httpx.post(f"{service.url}/auth/oidc/backchannel-logout", data={"logout_token": token})
    assert answer.status_code == (422 if forged else 200)
    assert browser.get("/auth/me").status_code == (200 if forged else 401)
    for nonsense in (b"", b"logout_token=", b"logout_token=a.b.c", b"\xff", b"logout_token=x&logout_token=y"):
        assert httpx.post(f"{service.url}/auth/oidc/backchannel-logout", content=nonsense).status_code == 422
