"""`/ws`: one console's socket, from the handshake to its close."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated, Final

import structlog
from fastapi import APIRouter, Query, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from fleetops.db.failures import unavailable
from fleetops.errors import DatabaseError, FleetOpsError
from fleetops.operator.live.events import CloseCode
from fleetops.operator.live.hub import Console, Message
from fleetops.operator.live.opening import opening
from fleetops.operator.people import Credential
from fleetops.operator.runtime import Runtime, runtime_of
from fleetops.web import PROBLEM_JSON, Problem, error_type

from .callers import identify
from .origin import require_own_origin

BINARY: Final = "fleetops.v1.bin"
"""Positions as binary frames (`live/frame.py`); everything else stays JSON."""

SUBPROTOCOLS: Final = (BINARY, "fleetops.v1.json")
"""In the order we prefer them. Who asks for none gets JSON too."""

log = structlog.stdlib.get_logger()

router = APIRouter()

_CLOSE_S: Final = 30.0  # how long a slow reader may take to get as far as our reason for closing


@router.websocket("/ws")
async def socket(websocket: WebSocket, since: Annotated[int | None, Query(ge=0)] = None) -> None:
    """Tell a console everything that happens, from now or from `since` on."""
    runtime = runtime_of(websocket)
    try:
        credential = await _let_in(websocket, runtime)
    except FleetOpsError as error:
        await websocket.send_denial_response(_refusal(error))
        return
    except Exception as error:
        if not unavailable(error):
            raise
        away = DatabaseError("PostgreSQL does not answer. Try again in a moment.")
        await websocket.send_denial_response(_refusal(away))  # the application's handlers answer requests only
        return
    subprotocol = next((each for each in SUBPROTOCOLS if each in websocket.scope["subprotocols"]), None)
    console = Console(credential.hash, binary=subprotocol == BINARY)
    runtime.hub.consoles.add(console)
    log.info("console_connected", operator_id=credential.principal.operator_id, since=since)
    try:
        await websocket.accept(subprotocol)
        await _run(websocket, runtime, console, since)
    except Exception as error:
        if not unavailable(error):
            raise
        log.warning("console_interrupted", reason=str(error) or type(error).__name__)
        console.close(CloseCode.RESTART)
        await _close(websocket, CloseCode.RESTART)
    finally:
        runtime.hub.consoles.discard(console)
        log.info(
            "console_disconnected",
            operator_id=credential.principal.operator_id,
            code=console.closing,
            last_seq=console.sent_seq,
            dropped_pictures=console.dropped_pictures,
        )


async def _let_in(websocket: WebSocket, runtime: Runtime) -> Credential:
    credential = await identify(websocket)
    if credential.by_cookie:
        require_own_origin(websocket.headers, websocket.url.scheme, runtime.settings.operator.public_url)
    return credential


async def _run(websocket: WebSocket, runtime: Runtime, console: Console, since: int | None) -> None:
    """Send until the browser leaves, or the console is to be closed, or something fails."""
    sending = asyncio.create_task(_send(websocket, runtime, console, since))
    listening = asyncio.create_task(_listen(websocket))
    closing = asyncio.create_task(console.closed())
    tasks = (sending, listening, closing)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if closing in done and console.closing is not None and listening not in done:
        await _close(websocket, console.closing)
    for task in done:
        error = task.exception()
        if error is not None and not isinstance(error, WebSocketDisconnect):
            raise error


async def _close(websocket: WebSocket, code: CloseCode) -> None:
    with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
        async with asyncio.timeout(_CLOSE_S):
            await websocket.close(code, code.name.lower())


async def _send(websocket: WebSocket, runtime: Runtime, console: Console, since: int | None) -> None:
    async for message in opening(runtime.sessions, runtime.fleet, console, since):
        await _send_one(websocket, message)
    while (queued := await console.next_message()) is not None:
        await _send_one(websocket, queued)


async def _send_one(websocket: WebSocket, message: Message) -> None:
    if isinstance(message, bytes):
        await websocket.send_bytes(message)
    else:
        await websocket.send_text(message)


async def _listen(websocket: WebSocket) -> None:
    """Return when the browser has left. What it says is not listened to."""
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def _refusal(error: FleetOpsError) -> Response:
    problem = Problem(type=error_type(type(error)), title="Refused", status=error.status, detail=str(error))
    return Response(problem.model_dump_json(exclude_none=True), error.status, media_type=PROBLEM_JSON)
