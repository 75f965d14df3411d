"""What commands that work in the operator's database share: one connection, one transaction, an origin."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.db.engine import create_engine, session_factory, wait_until_up
from fleetops.db.migrate import require_schema
from fleetops.db.transaction import transact
from fleetops.settings import Settings

from .origin import Origin, coming_from

T = TypeVar("T")


def in_database(settings: Settings, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    """What `work` returns, done in one transaction of the configured database.

    Raises:
        ConfigurationError: no database is configured.
        DatabaseError: it does not answer, or lacks our tables.
    """

    async def run(sessions: async_sessionmaker[AsyncSession]) -> T:
        return await transact(sessions, work)

    return with_database(settings, run)


def with_database(settings: Settings, run: Callable[[async_sessionmaker[AsyncSession]], Awaitable[T]]) -> T:
    """What `run` returns, given sessions of the configured database; it makes its own transactions.

    Raises:
        ConfigurationError: no database is configured.
        DatabaseError: it does not answer, or lacks our tables.
    """

    async def connected() -> T:
        engine = create_engine(settings, "fleetops", pool_size=1)
        try:
            await wait_until_up(engine, settings.operator.database_timeout_s)
            await require_schema(engine)
            return await run(session_factory(engine))
        finally:
            await engine.dispose()

    with coming_from(Origin(None, f"command line ({_user()})")):
        return asyncio.run(connected())


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"
