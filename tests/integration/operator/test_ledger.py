"""Ends of scenes reach the database, whatever kept them from it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.operator.stories import DELAYS, Sessions, anomaly, deliver, do, the_alert
from tests.unit.operator.live.stories import marker, seen

from fleetops.contracts.vocabulary import ActionType
from fleetops.db.models import SceneReplay
from fleetops.db.transaction import transact
from fleetops.operator.live import fleet as rules
from fleetops.operator.live.fleet import LiveFleet
from fleetops.operator.live.ledger import Ledger
from fleetops.operator.scenes import SceneKey, begin_scene

SHORT_S = 1.5
LIMIT_S = 60


@asynccontextmanager
async def keeping(ledger: Ledger) -> AsyncIterator[None]:
    """The ledger at work."""
    stop = asyncio.Event()
    running = asyncio.create_task(ledger.run(stop))
    try:
        yield
    finally:
        stop.set()
        await running


async def open_sessions(sessions: Sessions) -> set[str]:
    """Sessions of which a scene is open."""
    async with sessions() as session:
        return set(await session.scalars(select(SceneReplay.replay_session_id).where(SceneReplay.ended_at.is_(None))))


async def until(look: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something to be so."""
    async with asyncio.timeout(LIMIT_S):
        while not await look():  # noqa: ASYNC110 - another connection brings it about
            await asyncio.sleep(0.05)


async def test_an_end_that_could_not_be_written_is_written_later(engine: AsyncEngine, sessions: Sessions) -> None:
    """The database comes back after the scene's picture is gone, and a newer session has its scene."""
    fleet = LiveFleet()
    now_s = time.monotonic()
    fleet.apply([*seen("a", 0).messages, marker(0)], now_s)
    first, now = SceneKey("scene_001", "s1"), datetime.now(UTC)
    await transact(sessions, lambda db: begin_scene(db, first, now, now, DELAYS))
    fleet.apply([marker(1, kind="scene_end"), marker(0, session="s2")], now_s)
    fleet.sweep(now_s + rules.ENDED_S + 1)

    async def first_ended() -> bool:
        return await open_sessions(sessions) == {"s2"}

    async with keeping(Ledger(engine, sessions, fleet, DELAYS, listening=lambda: True)):
        await until(first_ended)
    assert fleet.ended == {}


async def test_a_scene_whose_end_nobody_heard_is_ended(engine: AsyncEngine, sessions: Sessions) -> None:
    """It was open before a restart, and nothing more comes of it; one that goes on stays open."""
    await deliver(sessions, anomaly())
    alert = await the_alert(sessions)
    await do(sessions, ActionType.REQUEST_REMOTE_ASSIST, alert.alert_id)
    fleet = LiveFleet()
    fleet.apply([*seen("b", 0, session="s2", scene="scene_002").messages], time.monotonic())

    async def only_the_living_is_open() -> bool:
        return await open_sessions(sessions) == {"s2"}

    began = time.monotonic()
    async with keeping(Ledger(engine, sessions, fleet, DELAYS, listening=lambda: True, abandoned_s=SHORT_S)):
        await until(only_the_living_is_open)
        assert time.monotonic() - began > SHORT_S
        await asyncio.sleep(SHORT_S)
        assert await only_the_living_is_open()
    after = await the_alert(sessions)
    assert (after.condition_active, after.resolve_at is None) == (False, False)


async def test_nobody_is_absent_for_one_who_does_not_hear(engine: AsyncEngine, sessions: Sessions) -> None:
    """While the broker is away, sessions are not given up for being silent."""
    await deliver(sessions, anomaly())
    async with keeping(Ledger(engine, sessions, LiveFleet(), DELAYS, listening=lambda: False, abandoned_s=0)):
        await asyncio.sleep(2.5)
    assert await open_sessions(sessions) == {"session_a"}
