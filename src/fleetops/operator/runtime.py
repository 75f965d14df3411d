"""What the requests of one operator-service process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, cast

import httpx
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker
from starlette.requests import HTTPConnection

from fleetops.auth.oidc.provider import OpenIdProvider
from fleetops.auth.rate_limit import RateLimit
from fleetops.settings import Settings

from .delays import Delays
from .live.fleet import LiveFleet
from .live.hub import Hub

LOGIN_WINDOW_S: Final = 60.0


@dataclass(slots=True)
class Runtime:
    """The process, as its request handlers see it."""

    settings: Settings
    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    delays: Delays
    upstream: httpx.AsyncClient
    service_token: SecretStr
    kafka_connected: Callable[[], bool]
    login_attempts: RateLimit
    oidc: OpenIdProvider | None = None
    """Where people sign in with their company's account, if they do."""
    hub: Hub = field(default_factory=Hub)
    fleet: LiveFleet = field(default_factory=LiveFleet)


def runtime_of(connection: HTTPConnection) -> Runtime:
    """The runtime that the application of this request runs in."""
    return cast("Runtime", connection.app.state.runtime)
