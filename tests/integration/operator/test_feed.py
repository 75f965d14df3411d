"""The feed listens to the database, whatever becomes of the connection that it listens on."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from fleetops.operator.live.feed import Feed
from fleetops.operator.live.hub import Hub

LIMIT_S = 30

_LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'"


async def test_a_listening_connection_that_is_lost_is_replaced(
    engine: AsyncEngine, sessions: async_sessionmaker[AsyncSession]
) -> None:
    """Alone, with all others alive: without it every event would come up to a second late, for ever."""

    async def listener_other_than(gone: int | None) -> int:
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            async with sessions() as db:
                for pid in await db.scalars(text(f"SELECT pid {_LISTENERS}")):
                    if pid != gone:
                        return int(pid)
            await asyncio.sleep(0.05)
        raise AssertionError("nobody listens")

    stop = asyncio.Event()
    running = asyncio.create_task(Feed(engine, sessions, Hub()).run(stop))
    first = await listener_other_than(None)
    async with sessions() as db:
        await db.execute(text(f"SELECT pg_terminate_backend(pid) {_LISTENERS}"))
    await listener_other_than(first)
    stop.set()
    async with asyncio.timeout(LIMIT_S):
        await running
