"""Anomalies from Kafka into alerts: one batch is one transaction, and its offset comes after.

Kafka's client blocks, so the consumer has a thread of its own; and in it an event loop and
an engine of its own, so that neither a slow batch delays a request nor the reverse.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.bus.consumer import GroupConsumer
from fleetops.bus.dead_letters import DeadLetters
from fleetops.bus.producer import Producer
from fleetops.bus.records import Record
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.topics import ANOMALIES, OPERATOR_GROUP
from fleetops.db.engine import create_engine, session_factory
from fleetops.db.failures import unavailable, unfit
from fleetops.db.transaction import transact
from fleetops.settings import Settings

from .delays import Delays
from .detections import Applied, apply_anomalies

log = structlog.stdlib.get_logger(__name__)

SERVICE = "operator-service"
_RETRY_S = 0.5


class AlertConsumer:
    """Reads `anomalies` as a member of operator-service's group."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: GroupConsumer | None = None

    def run(self, stop: threading.Event) -> None:
        """Consume until `stop` is set, in a thread that has no event loop.

        Raises:
            BrokerError: the broker refuses for good.
            SQLAlchemyError: the database refuses what a retry would not mend; the process
                should end and start anew.
        """
        with asyncio.Runner() as runner:
            engine = create_engine(self._settings, f"{SERVICE} consumer", pool_size=1)
            producer = Producer(self._settings.kafka, f"{SERVICE}-dead-letters")
            handler = AnomalyHandler(
                runner, session_factory(engine), producer, Delays.of(self._settings.operator), stop
            )
            try:
                self._consumer = GroupConsumer(
                    self._settings.kafka, OPERATOR_GROUP, ANOMALIES, f"{SERVICE}-anomalies", handler
                )
                self._consumer.run(stop)
            finally:
                producer.close()
                runner.run(engine.dispose())

    @property
    def connected(self) -> bool:
        """Whether the broker answered lately. Any thread may ask."""
        return self._consumer is not None and self._consumer.connected


class AnomalyHandler:
    """Applies batches, and says how far it is only once they are committed."""

    def __init__(
        self,
        runner: asyncio.Runner,
        factory: async_sessionmaker[AsyncSession],
        producer: Producer,
        delays: Delays,
        stop: threading.Event,
    ) -> None:
        self._runner = runner
        self._factory = factory
        self._producer = producer
        self._dead_letters = DeadLetters(producer, SERVICE)
        self._delays = delays
        self._stop = stop
        self._next: dict[int, int] = {}

    def assigned(self, partitions: Sequence[int]) -> None:
        """Nothing to make: all state is in the database."""

    def revoked(self, partitions: Sequence[int]) -> None:
        """Forget how far these were read."""
        for partition in partitions:
            self._next.pop(partition, None)

    def idle(self) -> None:
        """Nothing waits for silence here."""

    def offsets(self) -> Mapping[int, int]:
        """Behind the last committed batch."""
        return self._next

    def handle(self, records: Sequence[Record]) -> None:
        """Apply `records`; returns without moving the offsets when asked to stop while the database is away."""
        batch: list[tuple[Record, Anomaly]] = []
        for record in records:
            anomaly = self._read(record)
            if anomaly is not None:
                batch.append((record, anomaly))
        if batch and not self._apply(batch):
            return
        if self._producer.pending:
            self._producer.flush()
        for record in records:
            self._next[record.partition()] = record.offset() + 1

    def _read(self, record: Record) -> Anomaly | None:
        try:
            return Anomaly.read(record.value() or b"")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(str(step) for step in first["loc"]) or "message"
            self._dead_letters.bury(record, f"no anomaly: {where}: {first['msg']}")
            return None

    def _apply(self, batch: list[tuple[Record, Anomaly]]) -> bool:
        """Apply all of `batch` in one transaction; where that cannot be stored, one by one, to find what cannot."""
        try:
            return self._commit([anomaly for _, anomaly in batch])
        except DBAPIError as error:
            if not unfit(error):
                raise
            if len(batch) == 1:
                self._dead_letters.bury(batch[0][0], f"cannot be stored: {type(error.orig).__name__}")
                return True
        return all(self._apply([single]) for single in batch)

    def _commit(self, anomalies: list[Anomaly]) -> bool:
        """Apply `anomalies`, waiting for a database that is away; False when asked to stop meanwhile."""
        waiting = False
        while True:
            try:
                applied = self._runner.run(self._transaction(anomalies))
            except Exception as error:
                if not unavailable(error):
                    raise
                if not waiting:
                    log.warning("database_waited_for", reason=str(error), anomalies=len(anomalies))
                waiting = True
                if self._stop.wait(_RETRY_S):
                    return False
            else:
                _tell(applied)
                return True

    async def _transaction(self, anomalies: list[Anomaly]) -> Applied:
        return await transact(
            self._factory, lambda session: apply_anomalies(session, anomalies, datetime.now(UTC), self._delays)
        )


def _tell(applied: Applied) -> None:
    now = datetime.now(UTC)
    for opened in applied.opened:
        anomaly = opened.anomaly
        log.info(
            "alert_created",
            alert_id=str(opened.alert_id),
            anomaly_id=str(anomaly.anomaly_id),
            vehicle_id=anomaly.vehicle_id,
            session_id=anomaly.provenance.replay_session_id,
            anomaly_type=anomaly.anomaly_type,
            severity=anomaly.severity,
            anomaly_to_alert_latency=round((now - anomaly.processing_time).total_seconds() * 1000, 1),
        )
