"""Events to webhooks: from the outbox, in its order, until each was taken. One replica does it at a time.

Each webhook has a place in the outbox, kept in the database: what lies before it was taken by
the receiver, which is therefore told everything at least once, and an alert's changes in
their order. A receiver that fails is tried again, later and later; nothing behind the
event that it did not take is sent before. Each webhook has a task of its own: one that hangs
delays nobody else. A change of it takes effect behind the event that is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import httpx
import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from fleetops.db.failures import unavailable
from fleetops.db.transaction import transact

from . import webhooks
from .live.opening import encode_event
from .outbox import OutboxEvent, events_after
from .webhook_sending import deliver, open_line
from .webhook_signature import signed_headers
from .webhook_targets import Network
from .webhooks import Due

log = structlog.stdlib.get_logger(__name__)

_LOCK: Final = "fleetops/webhooks"
_LOOK_S: Final = 0.25
_BATCH: Final = 50
"""Events read at once."""


class Webhooks:
    """Tells webhooks while it is the one that may; waits for its turn otherwise."""

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: async_sessionmaker[AsyncSession],
        *,
        networks: Sequence[Network],
        timeout_s: float,
        give_up: timedelta,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine, self._sessions = engine, sessions
        self._networks, self._timeout_s, self._give_up, self._clock = networks, timeout_s, give_up, clock
        self._tls = httpx.create_ssl_context(trust_env=False)
        self._busy: dict[UUID, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; a database that is away is waited for."""
        while not stop.is_set():
            try:
                async with self._engine.connect() as connection:
                    await connection.execution_options(isolation_level="AUTOCOMMIT")
                    if await connection.scalar(select(func.pg_try_advisory_lock(func.hashtextextended(_LOCK, 0)))):
                        try:
                            await self._lead(connection, stop)
                        finally:
                            await self._let_go()
                            await connection.invalidate()  # the lock goes with it
            except Exception as error:
                if not unavailable(error):
                    raise
                log.warning("webhooks_waiting", reason=str(error) or type(error).__name__)
            await _pause(stop, 4 * _LOOK_S)

    async def _lead(self, lock: AsyncConnection, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await lock.execute(select(1))  # raises when the lock's connection is gone, and the lock with it
            for webhook_id in [each for each, task in self._busy.items() if task.done()]:
                await self._busy.pop(webhook_id)  # what failed in it ends this process's lead, too
            async with self._sessions() as db:
                waiting = await webhooks.due(db, self._clock())
            for webhook in waiting:
                if webhook.webhook_id not in self._busy:
                    self._busy[webhook.webhook_id] = asyncio.create_task(self._tell(webhook))
            await _pause(stop, _LOOK_S)

    async def _let_go(self) -> None:
        """End what is under way: another replica begins where the database says, and repeats at most one event each."""
        tasks = list(self._busy.values())
        self._busy.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, webhook: Due) -> None:
        """Send `webhook` its next events, one after the other, until one is not taken or there are no more."""
        passed = webhook.delivered_seq
        async with open_line(self._tls) as line:
            while True:
                async with self._sessions() as db:
                    events = await events_after(db, passed, _BATCH)
                for event in events:
                    if event.kind in webhook.events and not await self._tell_of(webhook, event, passed, line):
                        return
                    passed = event.seq
                if not await self._pass(webhook, passed) or len(events) < _BATCH:
                    return

    async def _tell_of(self, webhook: Due, event: OutboxEvent, passed: int, line: httpx.AsyncBaseTransport) -> bool:
        """Send one event, and note how that went; whether the next one may be sent."""
        error = await self._send(webhook, event, line)
        now = self._clock()
        if error is None:
            return await transact(self._sessions, lambda db: webhooks.delivered(db, webhook, event.seq, now))
        log.warning("webhook_failed", webhook_id=str(webhook.webhook_id), seq=event.seq, reason=error)
        await self._pass(webhook, passed)
        await transact(self._sessions, lambda db: webhooks.failed(db, webhook, error, now, self._give_up))
        return False

    async def _pass(self, webhook: Due, seq: int) -> bool:
        """Note that what lies up to `seq` needs no sending any more; whether `webhook` is still as it was."""
        return await transact(self._sessions, lambda db: webhooks.delivered(db, webhook, seq, None))

    async def _send(self, webhook: Due, event: OutboxEvent, line: httpx.AsyncBaseTransport) -> str | None:
        body = encode_event(event).encode()
        message_id = f"evt_{webhook.webhook_id.hex}_{event.seq}"
        headers = signed_headers(webhook.secret, message_id, int(self._clock().timestamp()), body)
        return await deliver(line, webhook.url, headers, body, networks=self._networks, timeout_s=self._timeout_s)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
