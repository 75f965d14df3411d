"""From the end of `raw_telemetry` to the fleet: Kafka's blocking calls in a thread, the fleet on the loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

import structlog

from fleetops.bus.tail import TailReader
from fleetops.contracts.topics import RAW_TELEMETRY
from fleetops.settings import KafkaSettings

from .decode import Decoded, decode
from .fleet import LiveFleet

log = structlog.stdlib.get_logger()

_POLL_S: Final = 0.2


class TelemetryReading:
    """Keeps `fleet` up to date. Every replica reads all partitions and commits nothing."""

    def __init__(self, kafka: KafkaSettings, fleet: LiveFleet, wake: Callable[[], None]) -> None:
        self._kafka, self._fleet, self._wake = kafka, fleet, wake
        self._tail: TailReader | None = None
        self.unreadable = 0

    @property
    def connected(self) -> bool:
        """Whether the broker answered lately. Any thread may ask."""
        return self._tail is not None and self._tail.connected

    def run(self, loop: asyncio.AbstractEventLoop, stop: threading.Event) -> None:
        """Read until `stop` is set. Blocks; belongs in a thread of its own.

        Raises:
            BrokerError: an error that waiting does not mend.
        """
        tail = TailReader(self._kafka, RAW_TELEMETRY, "operator-service-live")
        self._tail = tail
        try:
            while not stop.is_set():
                records = tail.poll(_POLL_S)
                if records:
                    self._hand_over(loop, stop, decode(records))
        finally:
            self._tail = None
            tail.close()

    def _hand_over(self, loop: asyncio.AbstractEventLoop, stop: threading.Event, batch: Decoded) -> None:
        """Have the loop apply `batch`, and wait for it: a fast replay must not pile up batches there."""
        if batch.unreadable:
            self.unreadable += batch.unreadable
            log.warning("telemetry_unreadable", records=batch.unreadable, topic=RAW_TELEMETRY)
        applied: Future[None] = Future()

        def apply() -> None:
            try:
                self._fleet.apply(batch.messages, time.monotonic())
                self._wake()
            except BaseException as error:
                applied.set_exception(error)
                raise
            applied.set_result(None)

        loop.call_soon_threadsafe(apply)
        while not stop.is_set():
            try:
                applied.result(_POLL_S)
            except TimeoutError:
                continue
            return
