"""A producer that is connected before it is needed."""

from __future__ import annotations

import threading

from fleetops.bus.producer import Producer
from fleetops.settings import KafkaSettings

CLIENT_ID = "replay-service"


class Producers:
    """Keeps one producer in stock.

    A new one has its producer id, without which an idempotent one sends nothing, only after
    0.5 to 1 s (measured on both brokers): so long the first frames of a session would be
    late, and then come in a bunch.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._lock = threading.Lock()
        self._spare: Producer | None = None

    def stock(self) -> None:
        """See that one is in stock."""
        with self._lock:
            self._spare = self._spare or Producer(self._kafka, CLIENT_ID)

    def take(self) -> Producer:
        """The one in stock, or a new one; it is the caller's to close."""
        with self._lock:
            producer, self._spare = self._spare, None
        self.stock()
        return producer or Producer(self._kafka, CLIENT_ID)

    def close(self) -> None:
        """Let go of the one in stock."""
        with self._lock:
            spare, self._spare = self._spare, None
        if spare:
            spare.close()
