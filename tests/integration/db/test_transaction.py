"""A transaction that another one stood in the way of is run again; one that is wrong is not."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from fleetops.db.engine import IDLE_IN_TRANSACTION_TIMEOUT_MS
from fleetops.db.failures import sqlstate, unavailable, unfit, worth_repeating
from fleetops.db.transaction import ATTEMPTS, transact

Sessions = async_sessionmaker[AsyncSession]


@pytest.fixture
async def counters(sessions: Sessions) -> None:
    """Two rows to fight over."""
    async with sessions() as session, session.begin():
        await session.execute(
            text("CREATE TABLE counters (name text PRIMARY KEY, value int NOT NULL CHECK (value < 99))")
        )
        await session.execute(text("INSERT INTO counters VALUES ('a', 0), ('b', 0)"))


async def raise_both(session: AsyncSession, first: str, second: str) -> None:
    """Add one to both, in this order, with time in between for another to come."""
    for name in (first, second):
        await session.execute(text("UPDATE counters SET value = value + 1 WHERE name = :name"), {"name": name})
        await asyncio.sleep(0.1)


@pytest.mark.usefixtures("counters")
async def test_a_deadlock_is_resolved_by_running_the_victim_again(sessions: Sessions) -> None:
    """Two transactions that lock each other out both end, and each counts once."""
    tries = 0

    async def work(session: AsyncSession, first: str, second: str) -> None:
        nonlocal tries
        tries += 1
        await raise_both(session, first, second)

    await asyncio.gather(
        transact(sessions, lambda session: work(session, "a", "b")),
        transact(sessions, lambda session: work(session, "b", "a")),
    )
    assert tries > 2, "there was no deadlock to resolve"
    async with sessions() as session:
        assert (await session.execute(text("SELECT value FROM counters"))).scalars().all() == [2, 2]


@pytest.mark.usefixtures("counters")
async def test_what_repeating_does_not_mend_is_raised_at_once(sessions: Sessions) -> None:
    """A value that a constraint refuses is tried once, and known as unfit rather than unlucky."""
    tries = 0

    async def work(session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        await session.execute(text("UPDATE counters SET value = 100"))

    with pytest.raises(DBAPIError) as caught:
        await transact(sessions, work)
    assert tries == 1
    assert unfit(caught.value)
    assert not worth_repeating(caught.value)
    assert not unavailable(caught.value)


@pytest.mark.usefixtures("counters")
async def test_a_key_that_stays_taken_is_raised_in_the_end(sessions: Sessions) -> None:
    """A unique violation may be a lost race, so it is tried again; but not for ever."""
    tries = 0

    async def work(session: AsyncSession) -> None:
        nonlocal tries
        tries += 1
        await session.execute(text("INSERT INTO counters VALUES ('a', 1)"))

    with pytest.raises(DBAPIError) as caught:
        await transact(sessions, work)
    assert (tries, sqlstate(caught.value)) == (ATTEMPTS, "23505")


async def test_a_cut_connection_means_the_database_is_away(engine: AsyncEngine) -> None:
    """Killed under a query, or not to be reached at all: both are worth waiting for."""
    async with engine.connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert unavailable(caught.value)
        await connection.invalidate()
    assert unavailable(ConnectionRefusedError())
    assert not unavailable(ValueError("a bug"))


async def test_a_transaction_left_idle_loses_its_locks(engine: AsyncEngine) -> None:
    """PostgreSQL ends it itself, so that a frozen process does not stop the others."""
    async with engine.connect() as connection:
        shown = await connection.scalar(text("SHOW idle_in_transaction_session_timeout"))
        assert shown == f"{IDLE_IN_TRANSACTION_TIMEOUT_MS // 1000}s"
        await connection.execute(text("SET idle_in_transaction_session_timeout = '50ms'"))
        await asyncio.sleep(0.3)
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(text("SELECT 1"))
        assert unavailable(caught.value)
        await connection.invalidate()
