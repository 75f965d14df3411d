"""The loop that keeps noise down: silences expire, blackouts explain. Every replica runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.db.failures import unavailable
from fleetops.db.transaction import transact

from . import blackouts, silences

log = structlog.stdlib.get_logger(__name__)

TICK_S: Final = 0.5
"""How late a silence may end."""


async def quiet(db: AsyncSession, now: datetime) -> int:
    """Do what is due; how many silences ended and alerts changed."""
    return await silences.expire(db, now) + await silences.settle(db, now) + await blackouts.explain(db, now)


class Quieting:
    """The loop around `quiet`."""

    def __init__(
        self, factory: async_sessionmaker[AsyncSession], *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._factory, self._clock = factory, clock

    async def run(self, stop: asyncio.Event) -> None:
        """Look every `TICK_S` seconds until `stop` is set; a database that is away is waited for."""
        away = False
        while not stop.is_set():
            done = 0
            try:
                done = await transact(self._factory, lambda db: quiet(db, self._clock()))
                away = False
            except Exception as error:
                if not unavailable(error):
                    raise
                if not away:
                    log.warning("quieting_waits", reason=str(error))
                away = True
            if done:
                continue
            try:
                await asyncio.wait_for(stop.wait(), TICK_S)
            except TimeoutError:
                continue
