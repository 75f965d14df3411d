"""Where a change comes from: the address and the program of whoever asked for it.

The edge sets it once for all that a request does, so that no function on the way to the
audit log has to carry it, and none can forget it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

_LONGEST = 255


@dataclass(frozen=True, slots=True)
class Origin:
    """From which address, through which program."""

    address: str | None = None
    client: str | None = None


_current: ContextVar[Origin | None] = ContextVar("fleetops_origin", default=None)

SERVICE = Origin(None, "operator-service")
"""What nobody asked for from outside."""


def current_origin() -> Origin:
    """Where what happens now comes from."""
    return _current.get() or SERVICE


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    """Everything inside comes from `origin`."""
    token = _current.set(origin)
    try:
        yield
    finally:
        _current.reset(token)


class Origins:
    """ASGI middleware: what a request or socket does comes from its peer, and the `User-Agent` it names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        with coming_from(_origin_of(HTTPConnection(scope))):
            await self._app(scope, receive, send)


def _origin_of(connection: HTTPConnection) -> Origin:
    agent = connection.headers.get("user-agent", "").replace("\0", "")[:_LONGEST]
    return Origin(connection.client.host if connection.client else None, agent or None)
