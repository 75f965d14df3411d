"""The outbox as a stream: woken by NOTIFY, read from the table, given to the hub in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker

from fleetops.db.failures import unavailable
from fleetops.operator.outbox import STAMPED_CHANNEL, events_after, last_seq

from .hub import Hub
from .opening import encode_event

log = structlog.stdlib.get_logger()

_BATCH: Final = 500
_LOOK_ANYWAY_S: Final = 1.0  # a notification may be lost with its connection; the table never is
_RETRY_S: Final = 0.5


class Feed:
    """Brings every stamped row of the outbox to the hub of this replica, once and in the order of `seq`."""

    def __init__(self, engine: AsyncEngine, sessions: async_sessionmaker[AsyncSession], hub: Hub) -> None:
        self._engine, self._sessions, self._hub = engine, sessions, hub
        self._woken = asyncio.Event()
        self.connected = False
        """Whether the database can be listened to."""

    async def begin(self) -> None:
        """Take up the outbox where it stands. Before any console is admitted: it would be told all of history."""
        async with self._sessions() as db:
            self._hub.last_seq = await last_seq(db)

    async def run(self, stop: asyncio.Event) -> None:
        """Feed what comes after `begin` until `stop` is set; a database that is away is waited for."""
        while not stop.is_set():
            try:
                async with self._listening() as lost:
                    self.connected = True
                    await self._follow(stop, lost)
            except Exception as error:
                self.connected = False
                if not unavailable(error):
                    raise
                log.warning("outbox_feed_interrupted", reason=str(error) or type(error).__name__)
                await _pause(stop, _RETRY_S)

    async def _follow(self, stop: asyncio.Event, lost: asyncio.Event) -> None:
        while not stop.is_set():
            if lost.is_set():  # others may live on: without it there would be nothing but the look each second
                raise ConnectionError("the connection that is listened on is gone")
            self._woken.clear()
            await self._catch_up()
            ending = asyncio.ensure_future(stop.wait())
            woken = asyncio.ensure_future(self._woken.wait())
            await asyncio.wait({ending, woken}, timeout=_LOOK_ANYWAY_S, return_when=asyncio.FIRST_COMPLETED)
            ending.cancel()
            woken.cancel()

    async def _catch_up(self) -> None:
        while True:
            async with self._sessions() as db:
                events = await events_after(db, self._hub.last_seq, _BATCH)
            for event in events:
                self._hub.publish(event.seq, encode_event(event))
            if len(events) < _BATCH:
                return

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[asyncio.Event]:
        """Be woken by notifications; what is yielded is set when no more will come."""
        lost = asyncio.Event()

        def lose(*_: object) -> None:
            lost.set()
            self._woken.set()

        async with self._engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            if raw is None:
                raise ConnectionError("the database connection is gone")
            raw.add_termination_listener(lose)
            await raw.add_listener(STAMPED_CHANNEL, self._on_notify)
            try:
                yield lost
            finally:
                # Not given back to the pool: whoever took it next would be listening too.
                await connection.invalidate()

    def _on_notify(self, *_: object) -> None:
        self._woken.set()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
