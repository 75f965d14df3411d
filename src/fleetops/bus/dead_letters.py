"""Where records go that cannot be read or came too late: kept as they came, with the reason."""

from __future__ import annotations

import structlog

from ..contracts.topics import DEAD_LETTERS, Headers, dead_letter_headers, dead_letter_key
from .producer import Producer
from .records import Record

log = structlog.stdlib.get_logger(__name__)

_MAX_VALUE_BYTES = 900_000
"""Brokers refuse records above 1 MB by default, headers included; a refused dead letter would kill us for ever."""

_MAX_HEADER_BYTES = 50_000


class DeadLetters:
    """Buries records in `dead_letters`. `buried` counts them."""

    def __init__(self, producer: Producer, service: str) -> None:
        self.buried = 0
        self._producer = producer
        self._service = service

    def bury(self, record: Record, error: str) -> None:
        """Queue `record` with its own bytes, its own headers, then ours that say why and where from.

        The key repeats when the record is read again. It is acknowledged with the producer's
        next flush. A payload or headers too large for any broker are cut, and a header says so.
        """
        where = (record.topic(), record.partition(), record.offset())
        value, cut = _fitted(record.value() or b"")
        self._producer.send(
            DEAD_LETTERS,
            value,
            key=dead_letter_key(*where),
            headers=[*_own_headers(record), *cut, *dead_letter_headers(error, self._service, *where)],
        )
        self.buried += 1
        # A flood of bad records must not become a flood of lines: the 1st, 2nd, 4th, 8th ... is told.
        if self.buried & (self.buried - 1) == 0:
            log.warning(
                "record_buried", topic=where[0], partition=where[1], offset=where[2], error=error, buried=self.buried
            )


def _fitted(value: bytes) -> tuple[bytes, Headers]:
    if len(value) <= _MAX_VALUE_BYTES:
        return value, []
    return value[:_MAX_VALUE_BYTES], [("cut_from_bytes", str(len(value)).encode())]


def _own_headers(record: Record) -> Headers:
    headers = list(record.headers() or ())
    if key := record.key():
        headers.append(("key", key))
    size = sum(len(name) + len(value or b"") for name, value in headers)
    return headers if size <= _MAX_HEADER_BYTES else [("cut_headers_bytes", str(size).encode())]
