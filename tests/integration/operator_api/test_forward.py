"""The way through to the other services: roles checked here, the service token shown there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import StreamingResponse
from pydantic import SecretStr
from tests.servers.processes import free_port

from fleetops.auth.roles import Role
from fleetops.auth.service_token import require_service_token
from fleetops.errors import ConflictError
from fleetops.settings import KafkaSettings
from fleetops.web import create_app

from .running import OperatorService

TOKEN = "a-service-token-for-this-test"


class Upstream:
    """A service of ours in a thread: our edge, our token check, and answers that show what arrived."""

    def __init__(self) -> None:
        self.port = free_port()
        self.seen: list[dict[str, object]] = []
        self._server = uvicorn.Server(
            uvicorn.Config(self._app(), port=self.port, log_config=None, timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(target=self._server.run)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Upstream:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def _app(self) -> FastAPI:
        app = create_app("upstream", "0", lifespan=None, ready=lambda: True)
        guarded = [Depends(require_service_token(SecretStr(TOKEN)))]

        @app.get("/replay/refused", dependencies=guarded)
        async def refused() -> None:
            raise ConflictError("a session of this scene is running")

        @app.get("/replay/slow", dependencies=guarded)
        async def slow() -> None:
            await asyncio.sleep(3)

        @app.get("/replay/long", dependencies=guarded)
        async def long() -> StreamingResponse:
            async def parts() -> AsyncIterator[bytes]:
                yield b"first;"
                await asyncio.sleep(0.5)
                yield b"second"

            return StreamingResponse(parts(), media_type="text/plain")

        @app.get("/{path:path}", dependencies=guarded)
        @app.post("/{path:path}", dependencies=guarded)
        async def anything(request: Request) -> dict[str, object]:
            arrived: dict[str, object] = {
                "path": request.url.path,
                "query": request.url.query,
                "body": (await request.body()).decode(),
                "headers": sorted(request.headers),
            }
            self.seen.append(arrived)
            return arrived

        return app


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """Stands where replay- and anomaly-service are."""
    with Upstream() as running:
        yield running


@pytest.fixture(scope="module")
def forwarding(
    upstream: Upstream, service_database: str, embedded_kafka: KafkaSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorService]:
    """An operator-service that forwards to `upstream`."""
    extra = {
        "FLEETOPS_OPERATOR__REPLAY_URL": upstream.url,
        "FLEETOPS_OPERATOR__ANOMALY_URL": f"{upstream.url}/",
        "FLEETOPS_OPERATOR__UPSTREAM_TIMEOUT_S": "1",
        "FLEETOPS_SERVICE_TOKEN": TOKEN,
    }
    running = OperatorService.start(tmp_path_factory.mktemp("forwarding"), service_database, embedded_kafka, extra)
    yield running
    running.stop()


def test_a_request_goes_through_as_it_is_but_for_its_credentials(forwarding: OperatorService) -> None:
    """Path, query and body arrive; cookie and token of the caller do not, the service token does."""
    operator = forwarding.as_program(Role.OPERATOR)
    answer = operator.post(
        "/replay/start?dry=1&dry=2", json={"scene_ids": ["scene_001"]}, headers={"Cookie": "fleetops_session=x"}
    )
    arrived = answer.json()
    assert (arrived["path"], arrived["query"]) == ("/replay/start", "dry=1&dry=2")
    assert arrived["body"] == '{"scene_ids":["scene_001"]}'
    assert "cookie" not in arrived["headers"]
    rules = forwarding.as_program(Role.VIEWER).get("/anomalies/rules")
    assert rules.json()["path"] == "/anomalies/rules"


def test_a_viewer_reads_and_does_not_start(forwarding: OperatorService, upstream: Upstream) -> None:
    """The role is checked before anything is sent on."""
    before = len(upstream.seen)
    viewer = forwarding.as_program(Role.VIEWER)
    assert viewer.post("/replay/stop", json={}).status_code == 403
    assert len(upstream.seen) == before
    assert viewer.get("/replay/scenes").status_code == 200


def test_what_was_commanded_is_in_the_audit_log(forwarding: OperatorService) -> None:
    """Who started which session, from where, with what; reading leaves no entry."""
    program = forwarding.as_program(Role.OPERATOR)
    program.post("/replay/start", json={"session_id": "session_of_the_audit", "scene_ids": ["scene_001"]})
    program.get("/replay/status/session_of_the_audit")
    boss = forwarding.as_program(Role.SUPERVISOR)
    params = {"subject_id": "session_of_the_audit"}
    (entry,) = boss.get("/audit", params=params).json()["entries"]
    assert (entry["what"], entry["subject_kind"], entry["address"]) == ("replay.start", "replay", "127.0.0.1")
    assert entry["who"].startswith("token:test-operator")
    assert "scene_001" in entry["details"]["request"]


def test_a_problem_of_the_service_behind_is_the_answer(forwarding: OperatorService) -> None:
    """Its status and its problem document pass through unchanged."""
    answer = forwarding.as_program(Role.VIEWER).get("/replay/refused")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert answer.json()["type"] == "urn:fleetops:error:conflict"


def test_an_answer_is_passed_on_while_it_comes(forwarding: OperatorService) -> None:
    """A long answer is streamed, not gathered first."""
    arrivals: list[float] = []
    with forwarding.as_program(Role.VIEWER).stream("GET", "/replay/long") as answer:
        arrivals.extend(time.monotonic() for _ in answer.iter_raw())
    assert arrivals[-1] - arrivals[0] > 0.3


def test_a_service_that_does_not_answer_in_time_is_504(forwarding: OperatorService) -> None:
    """And the caller is told within the time-out, not at some later day."""
    answer = forwarding.as_program(Role.VIEWER).get("/replay/slow")
    assert (answer.status_code, answer.json()["type"]) == (504, "urn:fleetops:error:upstream-timeout")


def test_a_service_that_is_not_there_is_502(service: OperatorService) -> None:
    """The console says that replay is down, rather than that the request was wrong."""
    answer = service.as_program(Role.VIEWER).get("/replay/scenes")
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:fleetops:error:upstream")


def test_a_wrong_service_token_does_not_look_like_being_signed_out(
    upstream: Upstream, service_database: str, embedded_kafka: KafkaSettings, tmp_path: Path
) -> None:
    """Else the console would send people to sign in, which helps nobody."""
    extra = {"FLEETOPS_OPERATOR__REPLAY_URL": upstream.url, "FLEETOPS_SERVICE_TOKEN": "another"}
    misconfigured = OperatorService.start(tmp_path, service_database, embedded_kafka, extra)
    try:
        answer = misconfigured.as_program(Role.VIEWER).get("/replay/scenes")
        assert (answer.status_code, answer.json()["type"]) == (502, "urn:fleetops:error:upstream")
        assert "FLEETOPS_SERVICE_TOKEN" in answer.json()["detail"]
    finally:
        misconfigured.stop()


@pytest.mark.parametrize(
    "path",
    ["/replay/../health", "/replay/%2e%2e/health", "/replay/..%2fhealth", "/replay/a//b", "/replay/a%3fb", "/replay/"],
)
def test_no_path_leads_to_another_part_of_the_service_behind(
    forwarding: OperatorService, upstream: Upstream, path: str
) -> None:
    """What was allowed is /replay/…; dots and escapes must not make something else of it."""
    before = len(upstream.seen)
    client = forwarding.as_program(Role.OPERATOR)
    url = httpx.URL(forwarding.url).copy_with(raw_path=path.encode())
    client.send(client.build_request("GET", url))
    assert all(str(arrived["path"]).startswith("/replay/") for arrived in upstream.seen[before:])
    assert not any(".." in str(arrived["path"]) for arrived in upstream.seen[before:])
