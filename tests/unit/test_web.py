"""The HTTP edge: problem documents, probes, bounds."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, SecretStr
from structlog.testing import capture_logs

from fleetops import errors, web
from fleetops.auth.service_token import require_service_token

TOKEN = "a-long-random-string"


class Body(BaseModel):
    """A request with one field."""

    count: int


@pytest.fixture
def app() -> FastAPI:
    """A service with a route per thing that can go wrong."""
    app = web.create_app("Example", "1", lifespan=None, ready=lambda: False)

    @app.post("/scenes", responses=web.problems(404, 409, 422))
    def scenes(body: Body) -> Body:
        if body.count == 0:
            raise errors.UnknownSceneError("no scene scene_9; there are scene_1")
        if body.count == 1:
            raise errors.ConflictError("scene_1 has a live session")
        if body.count == 2:
            raise RuntimeError("a secret inside")
        return body

    @app.get("/guarded", dependencies=[Depends(require_service_token(SecretStr(TOKEN)))], responses=web.problems(401))
    def guarded() -> Body:
        return Body(count=1)

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that service."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        yield client


@pytest.mark.parametrize(
    ("count", "status", "kind", "detail"),
    [
        (0, 404, "urn:fleetops:error:unknown-scene", "no scene scene_9; there are scene_1"),
        (1, 409, "urn:fleetops:error:conflict", "scene_1 has a live session"),
        (2, 500, "urn:fleetops:error:internal", "an unexpected error, written to the log"),
    ],
)
async def test_errors_are_problem_documents(
    client: httpx.AsyncClient, count: int, status: int, kind: str, detail: str
) -> None:
    """An error's class gives type and status, its message the detail; an unexpected one says nothing of itself."""
    answer = await client.post("/scenes", json={"count": count})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"], problem["detail"]) == (kind, status, detail)


async def test_an_invalid_request_is_told_its_fields_but_not_its_values(client: httpx.AsyncClient) -> None:
    """A 422 names the field; what was sent is not repeated, since it may be a secret."""
    answer = await client.post("/scenes", json={"count": "hunter2"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["location"] == ["body", "count"]
    assert "hunter2" not in answer.text


async def test_unknown_routes_and_methods_are_problems_too(client: httpx.AsyncClient) -> None:
    """What the framework refuses looks like what we refuse."""
    assert (await client.get("/nowhere")).json()["type"] == "urn:fleetops:error:http-404"
    answer = await client.get("/scenes")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["type"] == "urn:fleetops:error:http-405"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
async def test_the_service_token_is_needed(client: httpx.AsyncClient, header: dict[str, str]) -> None:
    """No token, another token and another scheme are all 401, and say how to ask."""
    answer = await client.get("/guarded", headers=header)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "urn:fleetops:error:authentication"


async def test_the_service_token_opens(client: httpx.AsyncClient) -> None:
    """Who shows it is let through."""
    assert (await client.get("/guarded", headers={"Authorization": f"Bearer {TOKEN}"})).json() == {"count": 1}


async def test_probes_are_open_and_say_little(client: httpx.AsyncClient) -> None:
    """A probe needs no token and tells a stranger nothing."""
    live, ready = await client.get("/livez"), await client.get("/readyz")
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready"})


async def test_nothing_else_is_open(client: httpx.AsyncClient) -> None:
    """The framework's own documentation pages are not served."""
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert (await client.get(path)).status_code == 404


async def test_large_bodies_are_refused(client: httpx.AsyncClient) -> None:
    """Beyond the bound a body is 413, whether its length is declared or it comes in chunks."""
    body = b'{"count": 3}' + b" " * web.MAX_BODY_BYTES

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:12]
        yield body[12:]

    for content in (body, chunks()):
        answer = await client.post("/scenes", content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:fleetops:error:http-413"


def test_the_openapi_document_knows_the_problems(app: FastAPI) -> None:
    """Errors are documented with the media type they are sent with, and no schema of the framework's is left."""
    document = app.openapi()
    responses = document["paths"]["/scenes"]["post"]["responses"]
    assert set(responses) == {"200", "404", "409", "422"}
    assert all(list(responses[status]["content"]) == [web.PROBLEM_JSON] for status in ("404", "409", "422"))
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert document["components"]["securitySchemes"]["service_token"]["scheme"] == "bearer"


def test_a_taken_port_is_a_configuration_error(app: FastAPI) -> None:
    """It names the port and the variable that changes it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(errors.ConfigurationError, match=rf"127\.0\.0\.1:{port}.*FLEETOPS_REPLAY__PORT"):
            web.serve(app, host="127.0.0.1", port=port, port_setting="FLEETOPS_REPLAY__PORT")


async def test_unexpected_errors_are_logged(client: httpx.AsyncClient) -> None:
    """What the client is not told is in the log."""
    with capture_logs() as logged:
        await client.post("/scenes", json={"count": 2})
    assert [(entry["event"], entry["path"], str(entry["exc_info"])) for entry in logged] == [
        ("request_failed", "/scenes", "a secret inside")
    ]


def test_a_signal_before_the_server_listens_ends_it(monkeypatch: pytest.MonkeyPatch, app: FastAPI) -> None:
    """SIGTERM right after the port was bound is obeyed, not swallowed: the server ends as soon as it has started."""

    def listening_then_told_to_stop(event: str, **_: object) -> None:
        if event == "listening":
            signal.raise_signal(signal.SIGTERM)

    def still_serving(*_: object) -> None:
        raise AssertionError("the signal was swallowed")

    monkeypatch.setattr(web.log, "info", listening_then_told_to_stop, raising=False)
    before = signal.signal(signal.SIGALRM, still_serving)
    signal.alarm(60)  # else a swallowed signal would be a test that never ends
    try:
        web.serve(app, host="127.0.0.1", port=0, port_setting="FLEETOPS_X__PORT")
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(("trusted", "expected"), [([], "127.0.0.1"), (["127.0.0.1"], "203.0.113.7")])
def test_only_a_trusted_proxy_says_who_asks(
    monkeypatch: pytest.MonkeyPatch, app: FastAPI, trusted: list[str], expected: str
) -> None:
    """Whoever else sends X-Forwarded-For would choose the address in rate limits and in the audit log."""
    answers: list[str] = []

    @app.get("/who")
    async def who(request: Request) -> str:
        assert request.client is not None
        return request.client.host

    def ask(port: int) -> None:
        try:
            headers = {"X-Forwarded-For": "203.0.113.7"}
            answers.append(httpx.get(f"http://127.0.0.1:{port}/who", headers=headers, timeout=30).json())
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    def when_listening(event: str, **facts: object) -> None:
        if event == "listening":
            threading.Thread(target=ask, args=(facts["port"],)).start()

    monkeypatch.setattr(web.log, "info", when_listening, raising=False)
    web.serve(app, host="127.0.0.1", port=0, port_setting="FLEETOPS_X__PORT", trusted_proxies=trusted)
    assert answers == [expected]
