"""One partition of `raw_telemetry`: records in, anomalies out, and the offset a successor needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from fleetops.bus.records import Record, header
from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import MessageKind
from fleetops.errors import ContractError

from .decode import MarkerView, TelemetryView, decode_marker, decode_telemetry, epoch_ms
from .engine import Advance, Engine
from .evidence import SceneFacts, SceneKey, anomaly_message
from .rule_set import RuleSet
from .self_clock import Tick, VehicleClock
from .state import ACCEPTED, AHEAD, DUPLICATE, FRAME_END, ITEM, LATE, RECORD, SCENE_END

_MARKERS = (MessageKind.FRAME_END.value.encode(), MessageKind.SCENE_END.value.encode())
Item = tuple[object, ...]
"""One row of ITEM, to be."""

_NO_SIGHTING = (0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)

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
        self._facts: dict[SceneKey, SceneFacts] = {}
        self._last_active: dict[SceneKey, float] = {}
        self._clocks: dict[SceneKey, VehicleClock] = {}
        self._next_offset: int | None = None
        self._time = ("", 0)

    def take(self, records: Iterable[Record], now: datetime, clock_s: float) -> Findings:
        """Take in records in the order of their offsets.

        Args:
            now: what the anomalies' `processing_time` says.
            clock_s: a monotonic clock, against which scenes are judged silent.
        """
        findings = Findings()
        items: list[Item] = []
        sources: list[Record] = []
        for record in records:
            self._next_offset = record.offset() + 1
            try:
                made = self._items(record, clock_s)
            except ContractError as error:
                findings.malformed += 1
                findings.refused.append((record, str(error)))
            else:
                items += made
                sources += [record] * len(made)
        self._detect(items, sources, findings, now)
        return findings

    def tick(self, silent_s: float, now: datetime, clock_s: float) -> Findings:
        """Let time pass: live vehicles may have fallen silent, and a scene silent for `silent_s` holds no offset."""
        findings = Findings()
        items: list[Item] = []
        offset = self._next_offset or 0
        for key, clock in self._clocks.items():
            items += [self._own_marker(key, tick, offset, self._time[1]) for tick in clock.passed(clock_s)]
        for key in self._engine.open_scenes():
            if clock_s - self._last_active[key] > silent_s:
                frame = self._engine.last_marked_frame(key)
                items.append(self._own_marker(key, Tick(frame, frame, ends=True), offset, self._time[1]))
        self._detect(items, [], findings, now)
        return findings

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

    @property
    def frames_behind(self) -> int:
        """Frames that are complete on the bus but not evaluated."""
        return self._engine.frames_behind()

    def _items(self, record: Record, clock_s: float) -> list[Item]:
        """What a record says to the engine: itself, or with the markers that a live vehicle does not send."""
        raw = record.value()
        if raw is None:
            raise ContractError("a record without a value")
        if record.key() is None and header(record, "kind") in _MARKERS:
            return [self._marker_item(decode_marker(raw), record.offset(), clock_s)]
        view = decode_telemetry(raw)
        time_ms = self._epoch_ms(view.event_time)
        if view.metadata.active_agent_count is None:
            return self._self_clocked(view, record.offset(), time_ms, clock_s)
        key = SceneKey(view.metadata.replay_session_id, view.scene_id)
        if key not in self._facts:
            self._facts[key] = SceneFacts(view.metadata.purpose)
        self._last_active[key] = clock_s
        return [self._record_item(view, key, record.offset(), time_ms)]

    def _self_clocked(self, view: TelemetryView, offset: int, time_ms: int, clock_s: float) -> list[Item]:
        key = SceneKey(view.metadata.replay_session_id, view.scene_id, view.vehicle_id)
        if key not in self._facts:
            self._facts[key] = SceneFacts(view.metadata.purpose)
        clock = self._clocks.get(key)
        if clock is None:
            clock = self._clocks[key] = VehicleClock(self._rules.settle_frames)
        self._last_active[key] = clock_s
        before, after = clock.heard(view.frame_index, view.event_id, view.metadata.replay_rate, clock_s)
        return [
            *(self._own_marker(key, tick, offset, time_ms) for tick in before),
            self._record_item(view, key, offset, time_ms),
            *(self._own_marker(key, tick, offset, time_ms) for tick in after),
        ]

    def _own_marker(self, key: SceneKey, tick: Tick, offset: int, time_ms: int) -> Item:
        kind, expected = (SCENE_END, -1) if tick.ends else (FRAME_END, 1)
        scene = self._engine.scene(key)
        return kind, scene, 0, tick.frame, offset, time_ms, _NO_SIGHTING, expected, -1, tick.start_frame

    def _record_item(self, view: TelemetryView, key: SceneKey, offset: int, time_ms: int) -> Item:
        scene = self._engine.scene(key)
        row = self._engine.vehicle(scene, view.vehicle_id, is_ego=view.vehicle_id == ids.ego_id(view.scene_id))
        seen = view.telemetry
        position, frame = seen.position, view.frame_index
        sighting = (
            frame,
            position.x,
            position.y,
            seen.velocity.magnitude,
            seen.acceleration.magnitude,
            seen.yaw,
            seen.label_probability,
        )
        return RECORD, scene, row, frame, offset, time_ms, sighting, 0, 0, 0

    def _marker_item(self, view: MarkerView, offset: int, clock_s: float) -> Item:
        key = SceneKey(view.replay_session_id, view.scene_id)
        time_ms = self._epoch_ms(view.event_time)
        self._last_active[key] = clock_s
        facts = self._facts.setdefault(key, SceneFacts())
        facts.purpose, facts.dataset, facts.produced_at = view.purpose, view.dataset, view.processing_time
        scene = self._engine.scene(key)
        kind, expected = (FRAME_END, view.records) if view.kind == "frame_end" else (SCENE_END, -1)
        frame, agents = view.frame_index, view.active_agent_count
        return kind, scene, 0, frame, offset, time_ms, _NO_SIGHTING, expected, agents, view.start_frame

    def _epoch_ms(self, text: str) -> int:
        """The records of a frame share their event time, so one is parsed for all."""
        if text != self._time[0]:
            self._time = (text, epoch_ms(text))
        return self._time[1]

    def _detect(self, items: list[Item], sources: list[Record], findings: Findings, now: datetime) -> None:
        if not items:
            return
        found, verdicts = self._engine.feed(np.array(items, ITEM))
        findings.records += len(sources)
        findings.duplicates += int((verdicts == DUPLICATE).sum())
        for index in np.flatnonzero((verdicts != ACCEPTED) & (verdicts != DUPLICATE)):
            findings.late += 1
            findings.refused.append((sources[index], _REFUSALS[int(verdicts[index])]))
        for each in found:
            clock = self._clocks.get(each.scene)
            event_id = None if clock is None else clock.event_id(int(each.detection["last_seen"]))
            findings.anomalies.append(anomaly_message(each, self._rules, self._facts[each.scene], event_id, now))
        for key in self._facts.keys() - set(self._engine.open_scenes()):
            del self._facts[key], self._last_active[key]
            self._clocks.pop(key, None)
