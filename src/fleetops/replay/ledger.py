"""What the broker has acknowledged of one session."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from .acknowledgements import Acknowledged
from .journal import SessionRecord
from .metrics import ReplayMetrics

log = structlog.stdlib.get_logger(__name__)


class Ledger:
    """Grows as frames get through. Written by the session's thread; `onto` may be called from any."""

    def __init__(self, record: SessionRecord, metrics: ReplayMetrics) -> None:
        self._acked, self._ended = dict(record.acked), set(record.ended)
        self._metrics = metrics
        self._log = log.bind(session_id=record.session_id)
        self.records = record.records_acked
        """Telemetry records that are through; one sent again after an interruption counts once."""

    def enter(self, through: Iterable[Acknowledged]) -> None:
        """Note, count and report frames and scene ends that are through."""
        for done in through:
            if done.is_scene_end:
                self._ended.add(done.scene_id)
                continue
            if done.frame_index > self._acked.get(done.scene_id, -1):
                self._acked[done.scene_id] = done.frame_index
                self.records += done.records
            self._metrics.records.inc(done.records)
            self._metrics.frames.inc()
            self._metrics.latency.observe(done.latency_s)
            self._log.info(
                "telemetry_emitted",
                scene_id=done.scene_id,
                frame_index=done.frame_index,
                vehicles=done.records,
                replay_to_kafka_latency=round(1000 * done.latency_s, 3),
            )

    def onto(self, record: SessionRecord) -> SessionRecord:
        """`record` with the progress noted here."""
        # Copies of a dict and a set are atomic in CPython, whoever writes to them meanwhile.
        return record.model_copy(
            update={"acked": self._acked.copy(), "ended": sorted(self._ended.copy()), "records_acked": self.records}
        )
