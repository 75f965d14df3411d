"""A record as the bus hands it out."""

from __future__ import annotations

from typing import Protocol


class Record(Protocol):
    """A consumed record. The client library's own message satisfies it, so none is copied."""

    def value(self) -> bytes | None:
        """The payload; None is a tombstone."""

    def key(self) -> bytes | None:
        """What its partition was chosen by; frame markers have none."""

    def headers(self) -> list[tuple[str, bytes]] | None:
        """Name and value, in the order they were sent; a name may repeat."""

    def topic(self) -> str:
        """The topic it was read from."""

    def partition(self) -> int:
        """The partition it was read from."""

    def offset(self) -> int:
        """Its place in the partition."""


def header(record: Record, name: str) -> bytes | None:
    """The value of the header `name`, the last one where it repeats, None where there is none."""
    for key, value in reversed(record.headers() or ()):
        if key == name:
            return value
    return None
