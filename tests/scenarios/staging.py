"""A scene as replay-service would send it while operators act, detected without a broker in between."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, cast

from fleetops.anomaly.detector import advance
from fleetops.anomaly.partition import PartitionDetector
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.topics import Headers
from fleetops.replay.catalog import Catalog
from fleetops.replay.interventions import Deed, Intervention, obey
from fleetops.replay.journal import SessionRecord
from fleetops.replay.producers import Producers
from fleetops.replay.request import ReplayRequest
from fleetops.replay.timeline import Mode, ticks
from fleetops.replay.transmission import Route, Transmission

NOW = datetime(2026, 11, 23, tzinfo=UTC)
Script = Mapping[int, Sequence[tuple[str, Deed]]]
"""By frame, what operators have vehicles do then."""


@dataclass(frozen=True)
class Sent:
    """A record that never saw a broker."""

    at: int
    raw: bytes
    name: bytes | None
    marks: Headers

    def value(self) -> bytes | None:
        """What it says."""
        return self.raw

    def key(self) -> bytes | None:
        """Its vehicle."""
        return self.name

    def headers(self) -> Headers | None:
        """Its kind."""
        return self.marks

    def topic(self) -> str:
        """As on a broker."""
        return "raw_telemetry"

    def partition(self) -> int:
        """The only one."""
        return 0

    def offset(self) -> int:
        """Its place."""
        return self.at


@dataclass
class Tape:
    """Stands in for the producer, and for the stock it is taken from."""

    records: list[Sent] = field(default_factory=list)

    def take(self) -> Tape:
        """Itself."""
        return self

    def send(self, _topic: str, value: bytes, *, key: bytes | None = None, headers: Headers, **_: Any) -> None:
        """Note a record."""
        self.records.append(Sent(len(self.records), value, key, headers))

    def poll(self, _timeout_s: float) -> None:
        """Nothing is ever acknowledged."""

    def close(self) -> None:
        """Nothing to close."""


def perform(
    catalog: Catalog,
    scene_id: str,
    script: Script,
    reader: Executor,
    journal: Mapping[str, Intervention] = MappingProxyType({}),
) -> tuple[Tape, dict[str, Intervention]]:
    """Send a whole scene with what `script` and a journal say; everything sent, and what became of each vehicle."""
    spans = catalog.spans([scene_id], {})
    record = SessionRecord(
        session_id="s",
        request=ReplayRequest(scene_ids=[scene_id]),
        dataset=catalog.digest,
        rate_hz=10.0,
        started_at=NOW,
        interventions=dict(journal),
    )
    tape, acted = Tape(), dict(journal)
    out = Transmission(Route(catalog, cast("Producers", tape), 1, reader), record, spans)
    for tick in ticks(spans, Mode.SEQUENTIAL, record.progress):
        (step,) = tick
        for vehicle_id, deed in script.get(step.frame_index, ()):
            known = acted.get(vehicle_id) or untouched(vehicle_id, scene_id)
            acted[vehicle_id] = obey(known, deed, known.sequence + 1)
        out.prepare(tick)
        pending = [one for one in acted.values() if one.pending is not None]
        begun = out.begin(step, pending)
        while len(begun) < len(pending) and _is_reading(out, scene_id):
            time.sleep(0.001)
            begun = out.begin(step, pending)
        out.play(begun)
        acted |= {one.vehicle_id: one for one in begun}
        out.emit(tick, 10.0)
    out.close()
    return tape, acted


def detect(tape: Tape, rules: str) -> list[Anomaly]:
    """What a worker would raise."""
    chosen = load_rule_set(rules)
    detector = PartitionDetector(chosen, chosen.history_frames, advance)
    findings = detector.take(tape.records, NOW, 0.0)
    assert not findings.refused
    assert not findings.malformed
    return findings.anomalies


def untouched(vehicle_id: str, scene_id: str) -> Intervention:
    """A vehicle that nobody has done anything to."""
    track = vehicle_id.removeprefix(f"{scene_id}_track_")
    track_id = None if vehicle_id.endswith("_ego") else int(track)
    return Intervention(vehicle_id=vehicle_id, scene_id=scene_id, track_id=track_id, sequence=0)


def _is_reading(out: Transmission, scene_id: str) -> bool:
    """Whether the path of some vehicle is still being read: here, every frame waits for that."""
    return not out.is_ready(scene_id)
