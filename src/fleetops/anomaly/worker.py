"""The consumer's side of detection: per partition a detector, effects first, offsets after."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog

from fleetops.bus.dead_letters import DeadLetters
from fleetops.bus.producer import Producer
from fleetops.bus.records import Record
from fleetops.contracts import topics
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import MessageKind

from .engine import Advance
from .metrics import Metrics
from .partition import Findings, PartitionDetector
from .rule_set import RuleSet

log = structlog.stdlib.get_logger(__name__)

_HEADERS = topics.headers(MessageKind.ANOMALY, "anomalies/1")
_TICK_S = 0.1


class AnomalyWorker:
    """Handles the partitions of `raw_telemetry` that this process holds. Belongs to the consumer's thread.

    Args:
        stop: once set, unacknowledged anomalies are not waited for; they are found again.
        lag: records on the bus that were not read yet, by partition.
    """

    def __init__(
        self,
        rules: RuleSet,
        history_frames: int,
        give_up_s: float,
        step: Advance,
        producer: Producer,
        dead_letters: DeadLetters,
        metrics: Metrics,
        stop: threading.Event,
        lag: Callable[[], Mapping[int, int]] = dict,
    ) -> None:
        rules.require_history(history_frames)
        self._rules = rules
        self._history_frames = history_frames
        self._give_up_s = give_up_s
        self._step = step
        self._producer = producer
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._stop = stop
        self._lag = lag
        self._detectors: dict[int, PartitionDetector] = {}
        self._ticked_at_s = 0.0

    def assigned(self, partitions: Sequence[int]) -> None:
        """Start with empty memory; it is rebuilt from the records that are read again."""
        for partition in partitions:
            self._detectors[partition] = PartitionDetector(self._rules, self._history_frames, self._step)

    def revoked(self, partitions: Sequence[int]) -> None:
        """Forget; whoever takes over reads again what it needs."""
        for partition in partitions:
            self._detectors.pop(partition, None)

    def handle(self, records: Sequence[Record]) -> None:
        """Detect in `records`; returns when every anomaly and dead letter is acknowledged by the broker."""
        taken_s = time.monotonic()
        by_partition: dict[int, list[Record]] = defaultdict(list)
        for record in records:
            by_partition[record.partition()].append(record)
        now = datetime.now(UTC)
        findings = [self._detectors[partition].take(run, now, taken_s) for partition, run in by_partition.items()]
        self._publish(findings, taken_s)
        self._pass_time(taken_s)

    def idle(self) -> None:
        """Nothing came: time passes all the same."""
        self._pass_time(time.monotonic())

    def offsets(self) -> Mapping[int, int]:
        """Per partition, from where a successor must read to find what this one would."""
        offsets = {partition: detector.offset() for partition, detector in self._detectors.items()}
        return {partition: offset for partition, offset in offsets.items() if offset is not None}

    def use(self, step: Advance) -> None:
        """Go on with another form of the detector's loop, from the next batch on."""
        self._step = step
        for detector in list(self._detectors.values()):  # another thread may be calling
            detector.use(step)

    def _pass_time(self, clock_s: float) -> None:
        if clock_s - self._ticked_at_s < _TICK_S:
            return
        self._ticked_at_s = clock_s
        now = datetime.now(UTC)
        detectors = self._detectors.values()
        self._publish([each.tick(self._give_up_s, now, clock_s) for each in detectors], clock_s)
        lag = self._lag()
        behind = [each.frames_behind(lag.get(partition, 0)) for partition, each in self._detectors.items()]
        self._metrics.lag_frames.set(max(behind, default=0))
        self._metrics.vehicles.set(sum(each.vehicles for each in detectors))
        self._metrics.scenes.set(sum(each.open_scenes for each in detectors))

    def _publish(self, findings: Sequence[Findings], taken_s: float) -> None:
        anomalies = [anomaly for each in findings for anomaly in each.anomalies]
        refused = [refusal for each in findings for refusal in each.refused]
        for anomaly in anomalies:
            self._producer.send(topics.ANOMALIES, anomaly.write(), key=anomaly.vehicle_id.encode(), headers=_HEADERS)
        for record, reason in refused:
            self._dead_letters.bury(record, reason)
        if anomalies or refused:
            self._producer.flush(unless=self._stop)
        latency_s = time.monotonic() - taken_s
        for anomaly in anomalies:
            self._tell(anomaly, latency_s)
        self._count(findings)

    def _tell(self, anomaly: Anomaly, latency_s: float) -> None:
        self._metrics.anomalies.labels(anomaly.anomaly_type, anomaly.severity, anomaly.status).inc()
        self._metrics.latency.observe(latency_s)
        log.info(
            "anomaly_detected",
            anomaly_id=str(anomaly.anomaly_id),
            vehicle_id=anomaly.vehicle_id,
            anomaly_type=anomaly.anomaly_type.value,
            severity=anomaly.severity.value,
            status=anomaly.status.value,
            triggered_rule=anomaly.triggered_rule,
            session_id=anomaly.provenance.replay_session_id,
            frame_index=anomaly.provenance.frame_index,
            event_time=anomaly.event_time.isoformat(),
            processing_latency_ms=round(latency_s * 1000, 3),
            kafka_to_anomaly_latency=round(latency_s * 1000, 3),
        )

    def _count(self, findings: Sequence[Findings]) -> None:
        for each in findings:
            self._metrics.records.inc(each.records)
            self._metrics.duplicates.inc(each.duplicates)
            self._metrics.late.inc(each.late)
            self._metrics.malformed.inc(each.malformed)
