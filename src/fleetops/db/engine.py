"""Connections to PostgreSQL: an engine per process and event loop, and a clear word when there is none."""

from __future__ import annotations

import asyncio
import time

import asyncpg
import msgspec
from sqlalchemy import event, text
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from fleetops.errors import ConfigurationError, DatabaseError
from fleetops.settings import Settings

from .base import to_json
from .failures import UnreachableError

IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000
"""A process stopped in the middle of a transaction holds its locks no longer than this.

Else a worker that was paused (SIGSTOP, a sleeping laptop) would block the one that took over."""

_RETRY_S = 0.25


def database_url(settings: Settings) -> URL:
    """Where PostgreSQL is, with the driver that we use.

    Raises:
        ConfigurationError: no URL is set, or it is not one of PostgreSQL.
    """
    if settings.database_url is None:
        raise ConfigurationError(
            "no database: set FLEETOPS_DATABASE_URL=postgresql://USER:PASSWORD@HOST:PORT/NAME, "
            "or use `fleetops demo`, which brings its own"
        )
    try:
        url = make_url(settings.database_url.get_secret_value())
    except ArgumentError as error:
        raise ConfigurationError("FLEETOPS_DATABASE_URL is no URL; expected postgresql://…") from error
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise ConfigurationError(
            f"FLEETOPS_DATABASE_URL names {url.get_backend_name()}; FleetOps needs PostgreSQL: postgresql://…"
        )
    return url.set(drivername="postgresql+asyncpg")


def create_engine(settings: Settings, application_name: str, *, pool_size: int = 5) -> AsyncEngine:
    """An engine for the event loop that first uses it. Nothing is connected yet.

    `application_name` is what PostgreSQL shows in `pg_stat_activity`.

    Raises:
        ConfigurationError: no database is configured.
    """
    engine = create_async_engine(
        database_url(settings),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        json_serializer=to_json,
        json_deserializer=msgspec.json.decode,
        connect_args={
            "timeout": settings.operator.database_timeout_s,
            "server_settings": {
                "application_name": application_name,
                "timezone": "UTC",
                "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
            },
        },
    )
    event.listen(engine.sync_engine, "do_connect", _connect)
    return engine


def _connect(
    dialect: Dialect, _: ConnectionPoolEntry, arguments: list[object], options: dict[str, object]
) -> DBAPIConnection:
    try:
        return dialect.connect(*arguments, **options)
    except OSError as error:
        raise UnreachableError(str(error) or type(error).__name__) from error


def session_factory(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """Makes sessions whose objects can still be read after the commit."""
    return async_sessionmaker(engine, expire_on_commit=False)


async def wait_until_up(engine: AsyncEngine, timeout_s: float) -> None:
    """Return once PostgreSQL answers a query.

    Raises:
        DatabaseError: it did not within `timeout_s` seconds; says where it was looked for.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            async with asyncio.timeout(max(deadline - time.monotonic(), _RETRY_S)), engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except (OSError, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if time.monotonic() >= deadline or _will_never_work(error):
                raise _unreachable(engine, error) from error
            await asyncio.sleep(_RETRY_S)
        else:
            return


def _will_never_work(error: Exception) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None)
    return isinstance(state, str) and state[:2] in {"28", "3D"}  # wrong password or role, no such database


def _unreachable(engine: AsyncEngine, error: Exception) -> DatabaseError:
    where = engine.url.set(drivername="postgresql").render_as_string(hide_password=True)
    reason = str(error) or type(error).__name__
    return DatabaseError(f"PostgreSQL does not let us in at {where} ({reason}): is it up, and is the URL right?")
