"""Which frames the broker has acknowledged, and how long that took.

Kafka acknowledges a partition's records in order, and the producer refuses to go on
after a failure. So when the last marker of a frame is acknowledged on every partition,
all of its records are: counting markers is enough, and records need no callback.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A frame, or a scene's end, that is through."""

    scene_id: str
    frame_index: int
    records: int
    is_scene_end: bool
    latency_s: float
    """From the start of its emission to the acknowledgement of its last marker."""


@dataclass(slots=True)
class _Waiting:
    scene_id: str
    frame_index: int
    records: int
    is_scene_end: bool
    sent_at: float
    markers: int
    latency_s: float = 0.0


class Acknowledgements:
    """What has been sent and is not acknowledged yet, oldest first. For one thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: deque[_Waiting] = deque()
        self.records = 0
        """Records on their way."""

    @property
    def oldest_sent_at(self) -> float | None:
        """When the oldest frame on its way was sent; None when there is none."""
        return self._waiting[0].sent_at if self._waiting else None

    def expect(
        self, scene_id: str, frame_index: int, records: int, markers: int, *, sent_at: float, is_scene_end: bool
    ) -> Callable[[], None]:
        """Wait for a frame; the result is to be called for each of its `markers` as it is acknowledged."""
        waiting = _Waiting(scene_id, frame_index, records, is_scene_end, sent_at, markers)
        self._waiting.append(waiting)
        self.records += records

        def acknowledged() -> None:
            waiting.markers -= 1
            if waiting.markers == 0:
                waiting.latency_s = self._clock() - waiting.sent_at

        return acknowledged

    def take(self) -> list[Acknowledged]:
        """The frames that are through and behind which none is missing, each once."""
        through = []
        while self._waiting and self._waiting[0].markers == 0:
            done = self._waiting.popleft()
            self.records -= done.records
            through.append(
                Acknowledged(done.scene_id, done.frame_index, done.records, done.is_scene_end, done.latency_s)
            )
        return through
