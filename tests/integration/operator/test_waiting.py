"""What runs beside the requests waits for a database that is away, and for nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tests.integration.operator.stories import DELAYS

from fleetops.auth.rate_limit import RateLimit
from fleetops.auth.roles import Principal, Role
from fleetops.db.engine import database_url, session_factory
from fleetops.operator.api.health import health
from fleetops.operator.live.feed import Feed
from fleetops.operator.live.fleet import LiveFleet
from fleetops.operator.live.hub import Hub
from fleetops.operator.live.ledger import Ledger
from fleetops.operator.runtime import Runtime
from fleetops.operator.upkeep import Upkeep
from fleetops.settings import Settings

Part = Callable[[asyncio.Event], Awaitable[None]]
PARTS: dict[str, Callable[[AsyncEngine], Part]] = {
    "feed": lambda engine: Feed(engine, session_factory(engine), Hub()).run,
    "ledger": lambda engine: Ledger(engine, session_factory(engine), LiveFleet(), DELAYS, listening=lambda: True).run,
    "upkeep": lambda engine: Upkeep(session_factory(engine), Hub()).run,
}


@pytest.fixture
async def narrow(database_settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine with one connection, for which nobody waits long."""
    engine = create_async_engine(database_url(database_settings), pool_size=1, max_overflow=0, pool_timeout=0.1)
    yield engine
    await engine.dispose()


@pytest.fixture
async def lost(database_settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine that finds none of our tables."""
    engine = create_async_engine(
        database_url(database_settings), connect_args={"server_settings": {"search_path": "nowhere"}}
    )
    yield engine
    await engine.dispose()


@pytest.mark.parametrize("part", PARTS)
async def test_a_crowded_pool_is_waited_for(narrow: AsyncEngine, part: str) -> None:
    """Somebody holds the only connection: that passes, and is no reason to end the process."""
    stop = asyncio.Event()
    async with narrow.connect():
        running = asyncio.ensure_future(PARTS[part](narrow)(stop))
        await asyncio.sleep(0.5)
        assert not running.done()
    stop.set()
    async with asyncio.timeout(60):
        await running


@pytest.mark.parametrize("part", PARTS)
async def test_what_waiting_does_not_mend_is_raised(lost: AsyncEngine, part: str) -> None:
    """A missing table is a bug or a wrong database: trying for ever would hide it."""
    async with asyncio.timeout(60):
        with pytest.raises(ProgrammingError, match="does not exist"):
            await PARTS[part](lost)(asyncio.Event())


async def test_health_says_that_the_pool_is_crowded(narrow: AsyncEngine, database_settings: Settings) -> None:
    """It answers that there is no database to be had, instead of failing."""
    async with httpx.AsyncClient() as upstream, narrow.connect():
        runtime = Runtime(
            settings=database_settings,
            engine=narrow,
            sessions=session_factory(narrow),
            delays=DELAYS,
            upstream=upstream,
            service_token=SecretStr("none"),
            kafka_connected=lambda: True,
            login_attempts=RateLimit(1, 60.0),
        )
        answer = await health(Principal("operator_001", "Jo", Role.VIEWER), runtime)
    assert (answer.status, answer.database_connected) == ("degraded", False)
