"""Where a consumer stands in its partitions, and whether the broker forgot what it had read.

Everything is taken from what the last fetch said: asking the broker would block the loop.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, TopicPartition

_BELIEF_S = 5.0
"""A new leader may tell an older end for a moment; after this long it is the truth."""


@dataclass(frozen=True, slots=True)
class Position:
    """One partition: the next offset to be read, and the offset one past the last record."""

    next_offset: int
    end: int

    @property
    def lag(self) -> int:
        """Records that are there and not read yet."""
        return max(0, self.end - self.next_offset)


def positions_of(
    consumer: Consumer, topic: str, partitions: Sequence[int], *, unread: bool = False
) -> dict[int, Position]:
    """Where `consumer` stands; partitions of which nothing is known yet are left out. Never blocks.

    Before its first record a partition has no position: it is left out, or, with `unread`,
    said to be at its end.
    """
    known = {}
    for place in consumer.position([TopicPartition(topic, partition) for partition in partitions]):
        _, end = consumer.get_watermark_offsets(place, cached=True)
        if end >= 0 and (unread or place.offset >= 0):
            known[place.partition] = Position(place.offset if place.offset >= 0 else end, end)
    return known


class ForgottenLog:
    """Notices that a broker lost its records: we stand beyond the end of a partition, and stay there.

    The embedded broker keeps everything in memory. After a restart of it, reading at an
    offset beyond the end brings nothing and no error, for ever.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[int, float] = {}

    def check(self, positions: Mapping[int, Position]) -> int | None:
        """A partition of `positions` that was forgotten, None while all is well."""
        now = self._clock()
        beyond = {partition for partition, at in positions.items() if at.next_offset > at.end}
        self._since = {partition: self._since.get(partition, now) for partition in beyond}
        return next((partition for partition, since in self._since.items() if now - since >= _BELIEF_S), None)
