"""Supervisors manage who may come in, and everyone their own sessions; all of it leaves a trace."""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from websockets.asyncio.client import connect

from fleetops.auth.roles import Role
from fleetops.operator import access
from fleetops.operator.api.callers import COOKIE

from .running import OperatorService, Socket

PASSWORD = "correct horse battery staple"


def new_id() -> str:
    """An operator whom nobody has heard of."""
    return f"op_{secrets.token_hex(4)}"


def supervisor(service: OperatorService) -> httpx.Client:
    """A signed-in supervisor's browser."""
    return service.as_person(f"boss_{secrets.token_hex(4)}", Role.SUPERVISOR)


def invite(service: OperatorService, boss: httpx.Client, role: Role = Role.OPERATOR) -> tuple[str, httpx.Client]:
    """A new operator, who has opened the link that the supervisor was given."""
    made = boss.post("/operators", json={"operator_id": new_id(), "role": role.value})
    assert made.status_code == 201, made.text
    person = service.client({"Origin": service.url})
    assert person.get(made.json()["login_link"]).status_code == 303
    return made.json()["operator"]["operator_id"], person


def traces(service: OperatorService, subject: str) -> list[tuple[str, str]]:
    """Who did what to `subject`, oldest first, as the audit log tells it."""
    rows = service.sql("SELECT who, what, subject_id FROM audit_log ORDER BY id")
    return [(row["who"], row["what"]) for row in rows if row["subject_id"] == subject]


def test_an_invited_operator_comes_in_by_the_link_once(service: OperatorService) -> None:
    """The supervisor gets the link; whoever opens it is that operator, and nobody is a second time."""
    boss = supervisor(service)
    operator_id, person = invite(service, boss)
    me = person.get("/auth/me").json()
    assert (me["operator_id"], me["role"], me["display_name"]) == (
        operator_id,
        "operator",
        access.readable(operator_id),
    )
    again = boss.post("/operators", json={"operator_id": operator_id, "role": "supervisor"})
    assert again.status_code == 409
    listed = [each for each in pages(boss, "/operators", "operators") if each["operator_id"] == operator_id]
    assert [each["role"] for each in listed] == ["operator"]
    who = boss.get("/auth/me").json()["operator_id"]
    assert (who, "operator.created") in traces(service, operator_id)


def pages(client: httpx.Client, path: str, what: str) -> list[dict[str, str]]:
    """All of a list, page by page, each of three."""
    found: list[dict[str, str]] = []
    cursor: str | None = None
    while True:
        page = client.get(path, params={"limit": 3} | ({} if cursor is None else {"cursor": cursor})).json()
        found += page[what]
        cursor = page["next"]
        if cursor is None:
            return found


def test_lists_are_paged_without_gap_or_repetition(service: OperatorService) -> None:
    """Whatever the size of a page, each operator and each token comes once."""
    boss = supervisor(service)
    for number in range(4):
        invite(service, boss, Role.VIEWER)
        assert boss.post("/tokens", json={"name": f"t{number}-{new_id()}", "role": "viewer"}).status_code == 201
    for path, what, key in (("/operators", "operators", "operator_id"), ("/tokens", "tokens", "token_id")):
        paged = [each[key] for each in pages(boss, path, what)]
        assert paged == [each[key] for each in boss.get(path, params={"limit": 500}).json()[what]]
        assert len(paged) == len(set(paged)) > 3


def test_a_changed_role_holds_in_sessions_that_are_open(service: OperatorService) -> None:
    """Who was demoted may do no more from the next request on; who was promoted may."""
    boss = supervisor(service)
    operator_id, person = invite(service, boss)
    alert = f"/alerts/{'0' * 8}-0000-4000-8000-{'0' * 12}/acknowledge"
    assert person.post(alert, json={}).status_code == 404
    assert boss.post(f"/operators/{operator_id}/role", json={"role": "viewer"}).json()["role"] == "viewer"
    assert person.post(alert, json={}).status_code == 403
    boss.post(f"/operators/{operator_id}/role", json={"role": "supervisor"})
    assert person.get("/operators").status_code == 200


def test_a_disabled_operator_is_out_until_enabled_and_invited_anew(service: OperatorService) -> None:
    """Sessions and links end at once; enabling opens the door, but brings nobody back in."""
    boss = supervisor(service)
    operator_id, person = invite(service, boss)
    link = service.login_link(operator_id)
    disabled = boss.post(f"/operators/{operator_id}/disable")
    assert disabled.json()["disabled_at"] is not None
    assert person.get("/auth/me").status_code == 401
    assert httpx.get(link).status_code == 401
    assert boss.post(f"/operators/{operator_id}/reset").status_code == 409
    assert boss.post(f"/operators/{operator_id}/enable").json()["disabled_at"] is None
    assert person.get("/auth/me").status_code == 401
    anew = boss.post(f"/operators/{operator_id}/reset").json()["login_link"]
    assert person.get(anew).status_code == 303
    assert person.get("/auth/me").json()["operator_id"] == operator_id
    told = [what for _, what in traces(service, operator_id)]
    assert [what for what in told if what.startswith("operator.")] == [
        "operator.created",
        "operator.disabled",
        "operator.enabled",
        "operator.reset",
    ]


async def test_disabling_closes_the_sockets_at_once(service: OperatorService) -> None:
    """Nobody goes on watching after they were let go."""
    boss = await asyncio.to_thread(supervisor, service)
    operator_id, person = await asyncio.to_thread(invite, service, boss)
    async with connect(
        f"{service.url.replace('http', 'ws')}/ws",
        additional_headers={"Cookie": f"{COOKIE}={person.cookies[COOKIE]}"},
        origin=service.url,  # type: ignore[arg-type]  # a NewType of str
    ) as socket:
        await socket.recv()
        await asyncio.to_thread(boss.post, f"/operators/{operator_id}/disable")
        assert await Socket(socket).until_closed(within_s=8) == 4401


async def test_a_socket_does_not_outlive_its_session(service: OperatorService) -> None:
    """Nobody revoked anything, and no request came: the session's time is over, and within 15 s the socket closes."""
    person = await asyncio.to_thread(service.as_person, new_id())
    async with connect(
        f"{service.url.replace('http', 'ws')}/ws",
        additional_headers={"Cookie": f"{COOKIE}={person.cookies[COOKIE]}"},
        origin=service.url,  # type: ignore[arg-type]  # a NewType of str
    ) as socket:
        await socket.recv()
        me = (await asyncio.to_thread(person.get, "/auth/me")).json()["operator_id"]
        expiring = f"UPDATE web_sessions SET expires_at = now() WHERE operator_id = '{me}'"  # noqa: S608 - ours
        await asyncio.to_thread(service.sql, expiring)
        assert await Socket(socket).until_closed(within_s=60) == 4401


@pytest.mark.parametrize("deed", ["disable", "enable", "reset", "role"])
def test_nobody_changes_their_own_standing(service: OperatorService, deed: str) -> None:
    """The last supervisor cannot shut everyone out by a slip."""
    boss = supervisor(service)
    me = boss.get("/auth/me").json()["operator_id"]
    answer = boss.post(f"/operators/{me}/{deed}", json={"role": "viewer"} if deed == "role" else None)
    assert answer.status_code == 409


def test_of_two_supervisors_who_disable_each_other_one_stays(service: OperatorService) -> None:
    """At the same moment, again and again: never both succeed."""
    for _ in range(5):
        bosses = [supervisor(service), supervisor(service)]
        ids = [boss.get("/auth/me").json()["operator_id"] for boss in bosses]
        with ThreadPoolExecutor(2) as both:
            answers = list(both.map(httpx.Client.post, bosses, [f"/operators/{other}/disable" for other in ids[::-1]]))
        codes = sorted(answer.status_code for answer in answers)
        assert codes[0] == 200
        assert codes[1] in {401, 403}
        left = [boss for boss in bosses if boss.get("/auth/me").status_code == 200]
        assert len(left) == 1


def test_sessions_are_listed_and_revoked_by_their_owner(service: OperatorService) -> None:
    """Two browsers of one operator: each sees both, knows its own, and can end the other; strangers cannot."""
    boss = supervisor(service)
    operator_id, here = invite(service, boss)
    there = service.as_person(operator_id)
    listed = here.get("/auth/sessions").json()["sessions"]
    assert [each["current"] for each in listed] == [False, True]
    assert {each["address"] for each in listed} == {"127.0.0.1"}
    assert all("python-httpx" in each["user_agent"] for each in listed)
    other = listed[0]["session_id"]
    _, stranger = invite(service, boss)
    assert stranger.delete(f"/auth/sessions/{other}").status_code == 404
    assert stranger.get("/auth/sessions", params={"operator_id": operator_id}).status_code == 403
    assert there.get("/auth/me").status_code == 200
    assert here.delete(f"/auth/sessions/{other}").status_code == 204
    assert there.get("/auth/me").status_code == 401
    assert here.get("/auth/me").status_code == 200
    assert (operator_id, "session.revoked") in traces(service, other)


def test_a_supervisor_ends_anyones_session(service: OperatorService) -> None:
    """Seen in the list of that operator, and gone after."""
    boss = supervisor(service)
    operator_id, person = invite(service, boss)
    query = {"operator_id": operator_id}
    [session] = boss.get("/auth/sessions", params=query).json()["sessions"]
    assert boss.delete(f"/auth/sessions/{session['session_id']}").status_code == 204
    assert person.get("/auth/me").status_code == 401
    assert boss.get("/auth/sessions", params=query).json()["sessions"] == []
    assert boss.delete(f"/auth/sessions/{session['session_id']}").status_code == 404


def test_signing_in_again_replaces_the_session_of_that_browser(service: OperatorService) -> None:
    """A browser holds one session: the one before is dead, also for whoever copied its cookie."""
    person = service.as_person()
    before = person.cookies[COOKIE]
    assert person.get(service.login_link()).status_code == 303
    assert person.cookies[COOKIE] != before
    assert httpx.get(f"{service.url}/auth/me", cookies={COOKIE: before}).status_code == 401
    assert person.get("/auth/me").status_code == 200


def test_a_token_is_seen_once_and_dies_by_its_time_or_by_hand(service: OperatorService) -> None:
    """Made, used, listed without its secret, revoked; and another one that expires."""
    boss = supervisor(service)
    name = new_id()
    made = boss.post("/tokens", json={"name": name, "role": "viewer"}).json()
    program = service.client({"Authorization": f"Bearer {made['secret']}"})
    assert program.get("/auth/me").json()["operator_id"] == f"token:{name}"
    assert made["secret"] not in boss.get("/tokens", params={"limit": 500}).text
    assert boss.post("/tokens", json={"name": name, "role": "viewer"}).status_code == 409
    token_id = made["token"]["token_id"]
    revoked = boss.delete(f"/tokens/{token_id}").json()["revoked_at"]
    assert boss.delete(f"/tokens/{token_id}").json()["revoked_at"] == revoked
    assert program.get("/auth/me").status_code == 401
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    brief = boss.post("/tokens", json={"name": name, "role": "viewer", "expires_at": until}).json()
    program = service.client({"Authorization": f"Bearer {brief['secret']}"})
    assert program.get("/auth/me").status_code == 200
    service.sql(f"UPDATE api_tokens SET expires_at = now() WHERE token_id = '{brief['token']['token_id']}'")  # noqa: S608
    assert program.get("/auth/me").status_code == 401
    gone = {"name": new_id(), "role": "viewer", "expires_at": "2020-01-01T00:00:00Z"}
    assert boss.post("/tokens", json=gone).status_code == 422
    assert [what for _, what in traces(service, token_id)] == ["token.created", "token.revoked"]


def test_one_name_one_token_whoever_asks_at_once(service: OperatorService) -> None:
    """Eight requests at one moment: the index lets one through, the others are told."""
    boss, name = supervisor(service), new_id()
    with ThreadPoolExecutor(8) as crowd:
        answers = crowd.map(lambda _: boss.post("/tokens", json={"name": name, "role": "viewer"}), range(8))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


def test_a_password_lets_in_and_a_wrong_one_does_not(service: OperatorService) -> None:
    """Set by who is signed in; needed to be changed; useless after a reset or when disabled."""
    boss = supervisor(service)
    operator_id, person = invite(service, boss)
    elsewhere = service.as_person(operator_id)
    assert person.post("/auth/password", json={"new": "too short"}).status_code == 422
    assert person.post("/auth/password", json={"new": PASSWORD}).status_code == 204
    assert elsewhere.get("/auth/me").status_code == 401
    assert person.get("/auth/me").status_code == 200
    door = service.client({"Origin": service.url})
    claim = {"operator_id": operator_id, "password": PASSWORD}
    for wrong in (claim | {"password": "wrong"}, claim | {"operator_id": "nobody"}):
        refused = door.post("/auth/login", json=wrong)
        assert (refused.status_code, refused.json()["detail"]) == (401, "operator and password do not match")
    assert door.post("/auth/login", json=claim).status_code == 204
    assert door.get("/auth/me").json()["operator_id"] == operator_id
    assert door.post("/auth/password", json={"new": PASSWORD + "!"}).status_code == 401
    assert door.post("/auth/password", json={"current": PASSWORD, "new": PASSWORD + "!"}).status_code == 204
    boss.post(f"/operators/{operator_id}/reset")
    assert door.post("/auth/login", json=claim | {"password": PASSWORD + "!"}).status_code == 401
    log = service.log.read_text()
    assert '"event_type": "login_refused"' in log
    assert PASSWORD not in log
    stored = str(service.sql(f"SELECT password_hash FROM operators WHERE operator_id = '{operator_id}'"))  # noqa: S608
    assert PASSWORD not in stored


def test_a_disabled_operators_password_opens_nothing(service: OperatorService) -> None:
    """And the answer does not tell that the account is there."""
    boss = supervisor(service)
    operator_id, person = invite(service, boss)
    person.post("/auth/password", json={"new": PASSWORD})
    boss.post(f"/operators/{operator_id}/disable")
    refused = httpx.post(f"{service.url}/auth/login", json={"operator_id": operator_id, "password": PASSWORD})
    assert (refused.status_code, refused.json()["detail"]) == (401, "operator and password do not match")


def test_another_site_cannot_sign_a_browser_in(service: OperatorService) -> None:
    """Login forgery: the victim would act as somebody else without knowing."""
    claim = {"operator_id": "operator_001", "password": PASSWORD}
    forged = httpx.post(f"{service.url}/auth/login", json=claim, headers={"Origin": "http://evil.example"})
    assert forged.status_code == 403


def test_tokens_by_the_command_line(service: OperatorService) -> None:
    """What a supervisor does by REST, an administrator does without anyone signed in."""
    name = new_id()
    secret = access.create_token(service.settings, Role.VIEWER, name, timedelta(days=1))
    [token] = [token for token in access.list_tokens(service.settings) if token.name == name]
    assert token.expires_at == token.created_at + timedelta(days=1)
    access.revoke_token(service.settings, name)
    assert httpx.get(f"{service.url}/auth/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    assert ("command-line", "token.revoked") in traces(service, str(token.token_id))


def test_guessing_one_operators_password_is_slowed_down(service: OperatorService) -> None:
    """Ten in a minute. Last here, since it locks this machine out."""
    claim = {"operator_id": new_id(), "password": "a guess"}
    statuses = [httpx.post(f"{service.url}/auth/login", json=claim).status_code for _ in range(12)]
    assert statuses[-1] == 429
    assert set(statuses) <= {401, 429}
