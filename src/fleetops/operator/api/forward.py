"""The way to replay- and anomaly-service: browsers speak to operator-service alone.

Who may do it is checked here; the services behind know the service token only.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Final

import httpx
from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse

from fleetops.db.transaction import transact
from fleetops.errors import NotFoundError, UpstreamError, UpstreamTimeoutError
from fleetops.operator.audit import Entry, record
from fleetops.operator.runtime import Runtime
from fleetops.settings import Settings

from .callers import InRuntime, Operator, Viewer

router = APIRouter(include_in_schema=False)

_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*")
_PASSED_UP: Final = ("accept", "content-type", "idempotency-key")
_PASSED_DOWN: Final = ("content-type", "content-length", "cache-control", "retry-after")

_KEPT_BODY_BYTES: Final = 2_000
"""Of a command's body, in the audit log: enough for a session's id or dozens of scenes."""

Rest = Annotated[str, Path(max_length=500)]


@router.get("/replay/{rest:path}")
async def read_replay(_: Viewer, request: Request, runtime: InRuntime, rest: Rest) -> StreamingResponse:
    """Ask replay-service something."""
    return await _forward(request, runtime, replay_url(runtime.settings), f"replay/{rest}")


@router.post("/replay/{rest:path}")
async def command_replay(caller: Operator, request: Request, runtime: InRuntime, rest: Rest) -> StreamingResponse:
    """Have replay-service do something. What it did is in the audit log."""

    async def note() -> None:
        body = await request.body()
        entry = Entry(
            datetime.now(UTC),
            caller.operator_id,
            f"replay.{rest}"[:100],
            "replay",
            _session_in(body) or "new",
            details={"request": body[:_KEPT_BODY_BYTES].decode(errors="replace").replace("\0", "")},
        )
        await transact(runtime.sessions, lambda db: record(db, entry))

    return await _forward(request, runtime, replay_url(runtime.settings), f"replay/{rest}", note)


@router.get("/anomalies/{rest:path}")
async def read_anomalies(_: Viewer, request: Request, runtime: InRuntime, rest: Rest) -> StreamingResponse:
    """Ask anomaly-service something."""
    return await _forward(request, runtime, anomaly_url(runtime.settings), f"anomalies/{rest}")


def replay_url(settings: Settings) -> str:
    """Where replay-service is."""
    return settings.operator.replay_url or f"http://{settings.replay.host}:{settings.replay.port}"


def anomaly_url(settings: Settings) -> str:
    """Where anomaly-service is."""
    return settings.operator.anomaly_url or f"http://{settings.anomaly.host}:{settings.anomaly.port}"


async def _forward(
    request: Request,
    runtime: Runtime,
    base: str,
    path: str,
    note: Callable[[], Awaitable[None]] | None = None,
) -> StreamingResponse:
    """What the service at `base` answers; `note` is called before it leaves, where that is no refusal."""
    # Dots and escapes could lead to another path than the one that the role was checked for.
    if not _PLAIN_PATH.fullmatch(path):
        raise NotFoundError("path", path)
    headers = {name: value for name in _PASSED_UP if (value := request.headers.get(name)) is not None}
    headers["authorization"] = f"Bearer {runtime.service_token.get_secret_value()}"
    headers["accept-encoding"] = "identity"  # what passes through is neither packed nor unpacked here
    upward = runtime.upstream.build_request(
        request.method,
        f"{base.rstrip('/')}/{path}",
        params=str(request.query_params),
        headers=headers,
        content=await request.body(),
    )
    try:
        answer = await runtime.upstream.send(upward, stream=True)
    except httpx.TimeoutException as error:
        raise UpstreamTimeoutError(f"{base} did not answer in time") from error
    except httpx.TransportError as error:
        raise UpstreamError(f"{base} cannot be reached ({type(error).__name__}); is it running?") from error
    if answer.status_code in {401, 403}:
        await answer.aclose()
        raise UpstreamError(f"{base} does not accept our service token; set the same FLEETOPS_SERVICE_TOKEN for all")
    if note is not None and answer.status_code < HTTPStatus.BAD_REQUEST:
        try:
            await note()
        except BaseException:
            await answer.aclose()
            raise
    return StreamingResponse(
        _body(answer),
        status_code=answer.status_code,
        headers={name: value for name in _PASSED_DOWN if (value := answer.headers.get(name)) is not None},
    )


def _session_in(body: bytes) -> str | None:
    """The replay session that a command names."""
    try:
        said = json.loads(body)
    except ValueError:
        return None
    session = said.get("session_id") if isinstance(said, dict) else None
    return session[:255].replace("\0", "") if isinstance(session, str) else None


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()
