"""Telling of errors that the client library mends by itself, without drowning the log in them."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from confluent_kafka import KafkaError

_AGAIN_S = 10.0
"""A broker that is down makes the library report some twenty errors a second."""


class Disturbances:
    """Logs each kind of error when it begins, then at most every ten seconds, with how often it came."""

    def __init__(self, log: structlog.stdlib.BoundLogger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._told: dict[str, float] = {}
        self._untold: dict[str, int] = {}

    def tell(self, error: KafkaError) -> None:
        """Take note of `error`."""
        name, now = error.name(), self._clock()
        if now - self._told.get(name, -_AGAIN_S) < _AGAIN_S:
            self._untold[name] = self._untold.get(name, 0) + 1
            return
        self._told[name] = now
        self._log.warning("kafka_disturbed", error=name, reason=error.str(), suppressed=self._untold.pop(name, 0))
