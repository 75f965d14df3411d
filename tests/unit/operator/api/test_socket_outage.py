"""A socket whose first messages cannot be read from the database."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from pydantic import SecretStr
from starlette.types import Message

from fleetops.auth.rate_limit import RateLimit
from fleetops.auth.roles import Principal, Role
from fleetops.db.engine import create_engine, session_factory
from fleetops.operator.api import socket
from fleetops.operator.delays import Delays
from fleetops.operator.people import Credential
from fleetops.operator.runtime import Runtime
from fleetops.settings import Settings

NOBODY = Settings(database_url=SecretStr("postgresql://nobody:x@127.0.0.1:1/x"))


async def test_a_database_that_goes_between_handshake_and_snapshot_is_no_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """The console is told to connect again, and nothing is raised that would be logged as a failure of ours."""

    async def let_in(*_: object) -> Credential:
        return Credential(Principal("jo", "Jo", Role.VIEWER), "hash", None, by_cookie=False)

    monkeypatch.setattr(socket, "_let_in", let_in)
    engine = create_engine(NOBODY, "test")
    app = FastAPI()
    async with httpx.AsyncClient() as upstream:
        runtime = app.state.runtime = Runtime(
            settings=NOBODY,
            engine=engine,
            sessions=session_factory(engine),
            delays=Delays.of(NOBODY.operator),
            upstream=upstream,
            service_token=SecretStr("none"),
            kafka_connected=lambda: True,
            login_attempts=RateLimit(1, 60.0),
        )
        sent: list[Message] = []
        connecting: list[Message] = [{"type": "websocket.connect"}]

        async def receive() -> Message:
            return connecting.pop() if connecting else await asyncio.Future()

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "websocket", "app": app, "path": "/ws", "headers": [], "subprotocols": []}
        await socket.socket(WebSocket(scope, receive, send))
    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == 1012
    assert not runtime.hub.consoles
