"""One partition of `raw_telemetry`: records in, anomalies out, and the offset a successor needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from fleetops.bus.records import Record
from fleetops.contracts.anomalies import Anomaly

from .engine import Advance, Engine
from .evidence import SceneKey, anomaly_message
from .intake import Batch, Intake
from .rule_set import RuleSet
from .state import ACCEPTED, AHEAD, DUPLICATE, ITEM, LATE

_REFUSALS = {
    LATE: "late: its frame was evaluated without it, and no record of it was seen",
    AHEAD: "ahead: its frame lies further on than any frame that can have begun",
}


@dataclass(slots=True)
class Findings:
    """What a run of records led to."""

    anomalies: list[Anomaly] = field(default_factory=list)
    refused: list[tuple[Record, str]] = field(default_factory=list)  # for dead_letters, with the reason
    records: int = 0
    duplicates: int = 0
    late: int = 0
    malformed: int = 0


class PartitionDetector:
    """Detection on one partition. Made when the partition is assigned, dropped when it is revoked."""

    def __init__(self, rules: RuleSet, history_frames: int, step: Advance) -> None:
        self._rules = rules
        self._engine: Engine[SceneKey] = Engine(rules, history_frames, step)
        self._intake = Intake(self._engine, rules.settle_frames)
        self._next_offset: int | None = None

    def take(self, records: Sequence[Record], now: datetime, clock_s: float) -> Findings:
        """Take in records in the order of their offsets.

        Args:
            now: what the anomalies' `processing_time` says.
            clock_s: a monotonic clock, against which scenes are judged silent.
        """
        if records:
            self._next_offset = records[-1].offset() + 1
        batch = self._intake.read(records, clock_s)
        findings = self._detect(batch, now)
        findings.records = len(records)
        findings.malformed = len(batch.malformed)
        findings.refused += batch.malformed
        return findings

    def tick(self, silent_s: float, now: datetime, clock_s: float) -> Findings:
        """Let time pass: live vehicles may have fallen silent, and a scene silent for `silent_s` holds no offset."""
        items = self._intake.passed(silent_s, self._next_offset or 0, clock_s)
        return self._detect(Batch(items), now)

    def offset(self) -> int | None:
        """The offset to commit: a successor that reads from here finds the same; None before the first record."""
        needed = self._engine.needed_offset()
        return self._next_offset if needed is None else needed

    def use(self, step: Advance) -> None:
        """Go on with another form of the same loop."""
        self._engine.step = step

    @property
    def open_scenes(self) -> int:
        """Scenes that are being watched."""
        return len(self._engine.open_scenes())

    @property
    def vehicles(self) -> int:
        """Vehicles that are being watched."""
        return self._engine.vehicle_count

    def frames_behind(self, unread: int) -> int:
        """Frames between the head of the partition and the last one evaluated, of the scene furthest behind.

        Args:
            unread: records that lie on the partition and were not read yet.
        """
        return self._engine.frames_behind() + math.ceil(unread / max(1, self._engine.records_per_frame()))

    def _detect(self, batch: Batch, now: datetime) -> Findings:
        findings = Findings()
        if not batch.items:
            return findings
        found, verdicts = self._engine.feed(np.array(batch.items, ITEM))
        if (verdicts != ACCEPTED).any():
            findings.duplicates = int((verdicts == DUPLICATE).sum())
            for index in np.flatnonzero((verdicts == LATE) | (verdicts == AHEAD)):
                findings.late += 1
                findings.refused.append((batch.sources[index], _REFUSALS[int(verdicts[index])]))
        for each in found:
            clock = self._intake.clock(each.scene)
            event_id = None if clock is None else clock.event_id(int(each.detection["last_seen"]))
            facts = self._intake.facts(each.scene)
            findings.anomalies.append(anomaly_message(each, self._rules, facts, event_id, now))
        self._intake.forget_closed()
        return findings
