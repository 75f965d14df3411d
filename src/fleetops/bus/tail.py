"""Reading the end of a topic: what comes from now on, in every partition, for whoever just looks."""

from __future__ import annotations

import time
from collections.abc import Sequence

import confluent_kafka
import structlog
from confluent_kafka import OFFSET_END, KafkaError, KafkaException, TopicPartition

from ..errors import BrokerError
from ..settings import KafkaSettings
from .client import CONSUMER_CONFIG, LIBRARY_LOGGER, client_config, is_permanent, unreachable
from .disturbances import Disturbances
from .polling import is_answering, poll_batch
from .position import ForgottenLog, positions_of
from .records import Record

log = structlog.stdlib.get_logger(__name__)

_LOOK_INTERVAL_S = 1.0

_FIRST_FETCH_S = 0.01


class TailReader:
    """Assigns itself all partitions of `topic`, from the end it saw when it was made; commits nothing.

    It is no member of a group: `auto.offset.reset=latest` would read records again on the
    embedded broker, and a group would hand each partition to one reader only. For one thread.

    Raises:
        BrokerError: the broker does not answer, or has no such topic.
    """

    def __init__(self, kafka: KafkaSettings, topic: str, client_id: str) -> None:
        self._topic = topic
        self._batch_size = kafka.batch_size
        self._broken: BrokerError | None = None
        self._connected = True  # it answers with the partitions, or we are not made
        self._forgotten = ForgottenLog()
        self._disturbances = Disturbances(log.bind(topic=topic))
        config = client_config(
            kafka,
            client_id,
            {
                **CONSUMER_CONFIG,
                "group.id": f"{client_id}-tail",  # the library insists on one; nothing is ever stored under it
                "error_cb": self._on_error,
            },
        )
        self._client = confluent_kafka.Consumer(config, logger=LIBRARY_LOGGER)
        try:
            self._partitions = self._partitions_of(kafka)
            self._client.assign([TopicPartition(topic, partition, OFFSET_END) for partition in self._partitions])
            self._start = self._ends(kafka)
        except BaseException:
            self._client.close()
            raise
        self._look_at = time.monotonic() + _LOOK_INTERVAL_S

    def poll(self, timeout_s: float) -> Sequence[Record]:
        """What has come since, ordered within each partition; nothing after `timeout_s` without any.

        Raises:
            BrokerError: an error that waiting does not mend, or a broker that lost its records.
        """
        records = poll_batch(self._client, self._batch_size, timeout_s, self._on_error)
        if self._broken is not None:
            raise self._broken
        self._look_around()
        return [record for record in records if record.offset() >= self._start[record.partition()]]

    @property
    def connected(self) -> bool:
        """Whether the broker answered lately. Any thread may ask."""
        return self._connected

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _partitions_of(self, kafka: KafkaSettings) -> list[int]:
        try:
            found = self._client.list_topics(self._topic, timeout=kafka.timeout_s).topics[self._topic]
        except KafkaException as failure:
            raise unreachable(kafka, failure.args[0].str()) from failure
        if found.error is not None:
            raise BrokerError(f"no topic {self._topic} at {kafka.bootstrap_servers}: {found.error.str()}")
        return sorted(found.partitions)

    def _ends(self, kafka: KafkaSettings) -> dict[int, int]:
        """Where each partition ends now, as the first fetch of it says.

        Asked for its end, the embedded broker names the start of the last batch instead, so
        the library begins there; what a fetch says is right on every broker.
        """
        deadline = time.monotonic() + kafka.timeout_s
        while True:
            poll_batch(self._client, self._batch_size, _FIRST_FETCH_S, self._on_error)
            known = positions_of(self._client, self._topic, self._partitions, unread=True)
            if len(known) == len(self._partitions):
                return {partition: position.end for partition, position in known.items()}
            if self._broken is not None:
                raise self._broken
            if time.monotonic() > deadline:
                raise unreachable(kafka, "no first fetch")

    def _look_around(self) -> None:
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_INTERVAL_S
        if not self._connected:
            self._connected = is_answering(self._client, self._topic)
        forgotten = self._forgotten.check(positions_of(self._client, self._topic, self._partitions))
        if forgotten is not None:
            raise BrokerError(
                f"the broker lost records of {self._topic}/{forgotten}: restart to read what is there now"
            )

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._connected = False
        if is_permanent(error):
            self._broken = BrokerError(f"reading {self._topic} failed: {error.str()}")
        else:
            self._disturbances.tell(error)
