"""Consuming as a member of a group: effect first, offset after.

A `GroupConsumer` belongs to one thread: `run` and everything the handler is asked to do
happen in it. What others may call is said so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import confluent_kafka
import structlog
from confluent_kafka import OFFSET_BEGINNING, OFFSET_STORED, KafkaError, KafkaException, TopicPartition

from ..errors import BrokerError
from ..settings import KafkaSettings
from .client import CONSUMER_CONFIG, LIBRARY_LOGGER, client_config, is_permanent
from .disturbances import Disturbances
from .polling import is_answering, poll_batch
from .position import ForgottenLog, Position, positions_of
from .records import Record

log = structlog.stdlib.get_logger(__name__)

_WAIT_S = 0.1
"""Longest wait for a first record, hence how soon a stop is seen."""


_LOOK_INTERVAL_S = 1.0


class PartitionHandler(Protocol):
    """What is done with the records of the partitions a consumer holds; runs in the consumer's thread.

    An error it raises ends the consumer without another commit: the process dies, is
    restarted, and reads again what was not committed.
    """

    def assigned(self, partitions: Sequence[int]) -> None:
        """Make state for `partitions`; their records come from the committed offset on."""

    def revoked(self, partitions: Sequence[int]) -> None:
        """Drop the state of `partitions`; their offsets were committed, or are not ours to commit any more."""

    def handle(self, records: Sequence[Record]) -> None:
        """Take in `records`, ordered within each partition; their effects are done when it returns."""

    def idle(self) -> None:
        """Called when a poll brought nothing."""

    def offsets(self) -> Mapping[int, int]:
        """The offset to commit for each partition; it may trail what was handled."""


class GroupConsumer:
    """Reads one topic as a member of `group` and keeps its offsets."""

    def __init__(
        self,
        kafka: KafkaSettings,
        group: str,
        topic: str,
        client_id: str,
        handler: PartitionHandler,
        *,
        commit_interval_s: float = 1.0,
    ) -> None:
        self._topic = topic
        self._handler = handler
        self._batch_size = kafka.batch_size
        self._sole = kafka.sole_consumer
        self._timeout_s = kafka.timeout_s
        self._commit_interval_s = commit_interval_s
        self._log = log.bind(topic=topic, group=group)
        self._disturbances = Disturbances(self._log)
        self._owned: set[int] = set()
        self._committed: dict[int, int] = {}
        self._positions: dict[int, Position] = {}
        self._forgotten = ForgottenLog()
        self._connected = False
        self._ending = False
        self._broken: BrokerError | None = None
        self._config = client_config(
            kafka,
            client_id,
            {
                **CONSUMER_CONFIG,
                "group.id": group,
                "partition.assignment.strategy": "cooperative-sticky",
                "session.timeout.ms": kafka.session_timeout_ms,
                "heartbeat.interval.ms": kafka.heartbeat_interval_ms,
                "error_cb": self._on_error,
                "on_commit": self._on_commit,
            },
        )

    def run(self, stop: threading.Event) -> None:
        """Consume until `stop` is set, then commit once more and leave the group.

        Raises:
            BrokerError: an error that waiting does not mend, or a broker that lost its records.
        """
        self._client = confluent_kafka.Consumer(self._config, logger=LIBRARY_LOGGER)
        try:
            self._join()
            commit_at = look_at = time.monotonic()
            while not stop.is_set():
                self._step()
                now = time.monotonic()
                if now - commit_at >= self._commit_interval_s:
                    self._commit(asynchronous=True)
                    commit_at = now
                if now - look_at >= _LOOK_INTERVAL_S:
                    self._look_around()
                    look_at = now
            self._ask_if_disconnected()
            if self._sole:
                self._on_revoke(self._client, self._places(self._owned))
        except BaseException:
            self._ending = True  # closing revokes everything; nothing may be committed then
            raise
        finally:
            self._client.close()

    @property
    def connected(self) -> bool:
        """Whether the broker answered lately. Any thread may ask."""
        return self._connected

    def positions(self) -> Mapping[int, Position]:
        """Where the consumer stands in each partition it holds, a second old at most. Any thread may ask."""
        return self._positions

    def lag(self) -> Mapping[int, int]:
        """Records not read yet of each partition it holds, a second old at most. Any thread may ask."""
        return {partition: position.lag for partition, position in self._positions.items()}

    def _join(self) -> None:
        """Become a member of the group, or, as its only reader, take every partition from its committed offset on.

        The embedded broker's groups sometimes never form again after a member was killed
        (docs/decisions/0005). Who reads alone needs no group, only its offsets.
        """
        if not self._sole:
            self._client.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            return
        try:
            partitions = self._client.list_topics(self._topic, timeout=self._timeout_s).topics[self._topic].partitions
        except KafkaException as error:
            raise BrokerError(f"{self._topic} cannot be read: {error}") from error
        places = self._left_off(partitions)
        self._client.assign(places)
        self._on_assign(self._client, places)

    def _left_off(self, partitions: Iterable[int]) -> list[TopicPartition]:
        """From where to read each partition.

        Asked for here, and again while the group's coordinator is only just starting, as on a new
        cluster: assigned its stored offset, a partition whose first offset fetch meets the wrong
        coordinator is never read, and nothing says so (confluentinc/librdkafka#5586).
        """
        wanted = [TopicPartition(self._topic, partition) for partition in partitions]
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                known = self._client.committed(wanted, timeout=self._timeout_s)
                failure: object = next((place.error for place in known if place.error), None)
            except KafkaException as error:
                known, failure = [], error
            if failure is None:
                return [
                    TopicPartition(
                        self._topic, place.partition, place.offset if place.offset >= 0 else OFFSET_BEGINNING
                    )
                    for place in known
                ]
            if time.monotonic() > deadline:
                raise BrokerError(f"the offsets of {self._topic} cannot be had: {failure}")
            time.sleep(_WAIT_S)

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition, OFFSET_STORED) for partition in partitions]

    def _step(self) -> None:
        polled = poll_batch(self._client, self._batch_size, _WAIT_S, self._on_error)
        # A rebalance may have taken partitions away while the batch was being filled.
        records = [record for record in polled if record.partition() in self._owned]
        if self._broken is not None:
            raise self._broken
        if records:
            self._connected = True
            self._handler.handle(records)
        else:
            self._handler.idle()

    def _commit(self, *, asynchronous: bool) -> None:
        offsets = {
            partition: offset
            for partition, offset in self._handler.offsets().items()
            if partition in self._owned and self._committed.get(partition) != offset
        }
        if not offsets:
            return
        self._committed.update(offsets)
        places = [TopicPartition(self._topic, partition, offset) for partition, offset in offsets.items()]
        try:
            if asynchronous:
                self._client.commit(offsets=places, asynchronous=True)
            else:
                self._on_commit(None, self._client.commit(offsets=places, asynchronous=False))
        except KafkaException as failure:
            self._on_commit(failure.args[0], places)

    def _on_commit(self, error: KafkaError | None, places: list[TopicPartition]) -> None:
        failed = {place.partition: place.error or error for place in places if place.error or error}
        if not failed:
            return
        # At worst these records are read again, by us or by who holds the partition now.
        for partition in failed:
            self._committed.pop(partition, None)
        self._log.warning("commit_failed", reasons={at: str(reason) for at, reason in failed.items()})

    def _look_around(self) -> None:
        self._ask_if_disconnected()
        self._positions = positions_of(self._client, self._topic, sorted(self._owned))
        forgotten = self._forgotten.check(self._positions)
        if forgotten is not None:
            at = self._positions[forgotten]
            raise BrokerError(
                f"the broker lost records: {self._topic}/{forgotten} ends at {at.end}, "
                f"we have read up to {at.next_offset}. Restart to read what is there now."
            )

    def _ask_if_disconnected(self) -> None:
        if not self._connected:
            self._connected = is_answering(self._client, self._topic)

    def _on_assign(self, _: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        partitions = [place.partition for place in places]
        self._connected = True
        self._owned.update(partitions)
        self._log.info("partitions_assigned", partitions=partitions)
        self._handler.assigned(partitions)

    def _on_revoke(self, _: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        # Commit is the one call of the client that is safe in here: any that waits for an answer, as
        # `list_topics`, makes the library abort the process at the next callback of the same close.
        if self._connected and not self._ending:
            self._commit(asynchronous=False)
        elif not self._ending:
            # It would wait for a coordinator; a stop must not, and what is read again does no harm.
            self._log.warning("commit_skipped", reason="no broker answers")
        self._release(places, "partitions_revoked")

    def _on_lost(self, _: confluent_kafka.Consumer, places: list[TopicPartition]) -> None:
        # Another member may hold them already: what we would commit could be behind its offsets.
        self._release(places, "partitions_lost")

    def _release(self, places: list[TopicPartition], event: str) -> None:
        partitions = [place.partition for place in places]
        self._owned.difference_update(partitions)
        for partition in partitions:
            self._committed.pop(partition, None)
        self._log.info(event, partitions=partitions)
        if not self._ending:
            self._handler.revoked(partitions)

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._connected = False
        if is_permanent(error):
            self._broken = BrokerError(f"consuming {self._topic} failed: {error.str()}")
        else:
            self._disturbances.tell(error)
