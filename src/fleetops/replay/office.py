"""Where sessions report to."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import UTC, datetime

from .journal import Journal, SessionRecord
from .metrics import ReplayMetrics


@dataclass(frozen=True, slots=True)
class Office:
    """The journal and its one writing thread, the counters, and how long a pause may last."""

    journal: Journal
    scribe: Executor
    metrics: ReplayMetrics
    idle_end_s: float
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def save(self, record: SessionRecord) -> Future[None]:
        """Write `record` behind all that were saved before it; an fsync must not delay a frame."""
        return self.scribe.submit(self.journal.write, record)
