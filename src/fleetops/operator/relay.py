"""The one relay: gives committed outbox rows their number, publishes them to Kafka, seals the audit log.

Rows are written by many transactions, whose ids say nothing about the order of their
commits. One relay at a time, held by a session-level advisory lock, stamps what is
committed with the next `seq`; not `FOR UPDATE SKIP LOCKED`, which would let a second one
overtake. Numbers and seals are given on the connection that holds the lock, so that a relay
which lost it can give no more. What it was publishing then may come to Kafka once more, behind
what its successor published: consumers go by `version`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import structlog
from sqlalchemy import Row, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from fleetops.bus.producer import Producer
from fleetops.contracts.topics import OPERATOR_ALERTS, headers
from fleetops.contracts.vocabulary import MessageKind
from fleetops.db.base import JsonObject, to_json
from fleetops.db.failures import unavailable
from fleetops.db.models import OutboxRow
from fleetops.errors import BrokerError

from .audit_chain import Link
from .audit_sealing import seal
from .outbox import STAMPED_CHANNEL, WRITTEN_CHANNEL

log = structlog.stdlib.get_logger(__name__)

LOCK = 0x464C4F5052454C59
"""Advisory lock of the relay ("FLOPRELY")."""

_BATCH = 1_000
_LOOK_AGAIN_S = 1.0
"""How long a notification that was missed, or a lock that was freed, may go unseen."""

_ACKNOWLEDGED_WITHIN_S = 30.0
_HEAD_NOTED_EVERY_S = 60.0

_Unpublished = Row[int | None, str | None, str | None, JsonObject | None]

_STAMP = text(
    """
    UPDATE outbox SET seq = :last + batch.n
    FROM (
        SELECT id, row_number() OVER (ORDER BY id) AS n
        FROM (SELECT id FROM outbox WHERE seq IS NULL ORDER BY id LIMIT :limit) AS unstamped
    ) AS batch
    WHERE outbox.id = batch.id
    """
)


class Relay:
    """Stamps and publishes while it is the one that may; waits for its turn otherwise."""

    def __init__(self, engine: AsyncEngine, make_producer: Callable[[], Producer] | None) -> None:
        self._engine = engine
        self._make_producer = make_producer
        self._stamped = asyncio.Event()
        self._head_noted_s = -math.inf
        self.leading = False
        """Whether this is the one relay now."""

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until `stop` is set; a database or broker that is away is waited for."""
        while not stop.is_set():
            try:
                async with self._engine.connect() as connection:
                    try:
                        await self._lead(connection, stop)
                    finally:
                        self.leading = False
                        # Back in the pool, it would keep the lock.
                        await connection.invalidate()
            except Exception as error:
                if not unavailable(error):
                    raise
                log.warning("relay_waiting", reason=str(error))
            await _first_of(stop, within_s=_LOOK_AGAIN_S)

    async def _lead(self, connection: AsyncConnection, stop: asyncio.Event) -> None:
        """Relay while `connection` lives, if it gets the lock."""
        if not await connection.scalar(select(func.pg_try_advisory_lock(LOCK))):
            return
        await connection.commit()
        self.leading = True
        log.info("relay_leading")
        written = asyncio.Event()
        raw = await connection.get_raw_connection()
        driver = raw.driver_connection
        if driver is None:
            raise AssertionError("a connection that answered has a driver's one")
        await driver.add_listener(WRITTEN_CHANNEL, lambda *_: written.set())
        self._stamped.set()  # a predecessor may have left rows unpublished
        publishing = asyncio.create_task(self._publish_all(stop)) if self._make_producer else None
        try:
            while not stop.is_set() and (publishing is None or not publishing.done()):
                written.clear()
                while await stamp(connection) == _BATCH:
                    self._stamped.set()
                self._stamped.set()
                head = await seal(connection)
                if head is not None:
                    self._note_head(head)
                    written.set()  # there may be more; but new events do not wait for the log
                await _first_of(stop, written, within_s=_LOOK_AGAIN_S)
        finally:
            if publishing is not None:
                if not stop.is_set():
                    publishing.cancel()
                with suppress(asyncio.CancelledError):
                    await publishing

    def _note_head(self, head: Link) -> None:
        """Say now and then, elsewhere than in the database, how far the audit log goes: see `audit_chain`."""
        now_s = time.monotonic()
        if now_s - self._head_noted_s >= _HEAD_NOTED_EVERY_S:
            log.info("audit_sealed", head=str(head))
            self._head_noted_s = now_s

    async def _publish_all(self, stop: asyncio.Event) -> None:
        producer: Producer | None = None
        try:
            while not stop.is_set():
                self._stamped.clear()
                try:
                    if producer is None:
                        producer = self._producer()
                    while await self._publish_some(producer, stop):
                        pass
                except BrokerError as error:
                    log.warning("relay_publishing_waits", reason=str(error))
                    if producer is not None:
                        await asyncio.to_thread(producer.close)
                        producer = None
                await _first_of(stop, self._stamped, within_s=_LOOK_AGAIN_S)
        finally:
            if producer is not None:
                await asyncio.to_thread(producer.close)

    def _producer(self) -> Producer:
        if self._make_producer is None:
            raise AssertionError("asked for only where there is one")
        return self._make_producer()

    async def _publish_some(self, producer: Producer, stop: asyncio.Event) -> bool:
        """Publish the next rows; True when there were as many as one batch holds."""
        async with self._engine.connect() as connection:
            rows = (
                await connection.execute(
                    select(OutboxRow.seq, OutboxRow.topic, OutboxRow.key, OutboxRow.payload)
                    .where(OutboxRow.published_at.is_(None), OutboxRow.topic.is_not(None), OutboxRow.seq.is_not(None))
                    .order_by(OutboxRow.seq)
                    .limit(_BATCH)
                )
            ).all()
            await connection.rollback()
            if not rows:
                return False
            await asyncio.to_thread(_send, producer, rows, stop)
            await connection.execute(
                update(OutboxRow)
                .where(
                    OutboxRow.seq.between(rows[0].seq, rows[-1].seq),
                    OutboxRow.topic.is_not(None),
                    OutboxRow.published_at.is_(None),
                )
                .values(published_at=func.now())
            )
            await connection.commit()
        return len(rows) == _BATCH


async def stamp(connection: AsyncConnection) -> int:
    """Number the committed rows that have no `seq` yet, at most a batch, and tell every replica.

    Commits. `connection` must hold `LOCK`; the counter's row lock would also keep a second
    relay, which must not exist, from repeating a number.
    """
    async with connection.begin():
        last = await connection.scalar(text("SELECT last_seq FROM outbox_counter FOR UPDATE")) or 0
        count = (await connection.execute(_STAMP, {"last": last, "limit": _BATCH})).rowcount
        if count:
            await connection.execute(text("UPDATE outbox_counter SET last_seq = :last"), {"last": last + count})
            await connection.execute(select(func.pg_notify(STAMPED_CHANNEL, str(last + count))))
    return count


def _send(producer: Producer, rows: Sequence[_Unpublished], stop: asyncio.Event) -> None:
    """Send `rows` in order and return when the broker has all of them. Runs in a thread."""
    for row in rows:
        kind = MessageKind.ALERT if row.topic == OPERATOR_ALERTS else MessageKind.ACTION
        producer.send(
            str(row.topic),
            to_json(row.payload).encode(),
            key=str(row.key).encode(),
            headers=headers(kind, f"{row.topic}/1"),
        )
    waited = 0.0
    while True:
        try:
            producer.flush(0.5)
        except BrokerError:
            waited += 0.5
            if producer.failed or stop.is_set() or waited >= _ACKNOWLEDGED_WITHIN_S:
                raise
        else:
            return


async def _first_of(*events: asyncio.Event, within_s: float) -> None:
    """Return when one of `events` is set, or the time is over."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
