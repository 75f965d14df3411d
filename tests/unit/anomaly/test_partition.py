"""One partition, from bytes to anomalies: what is read, what is refused, what is told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest

from fleetops.anomaly.detector import advance
from fleetops.anomaly.partition import Findings, PartitionDetector
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.topics import Headers
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Purpose, Severity

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
RULES = load_rule_set("baseline")
SESSION = "session_1"


@dataclass(frozen=True)
class Bytes:
    """A record that never saw a broker."""

    at: int
    raw: bytes | None
    name: bytes | None = None
    marks: Headers = field(default_factory=list)

    def value(self) -> bytes | None:
        return self.raw

    def key(self) -> bytes | None:
        return self.name

    def headers(self) -> Headers | None:
        return self.marks or None

    def topic(self) -> str:
        return "raw_telemetry"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.at


def telemetry(vehicle: str, frame: int, *, agents: int | None = 3, **seen: float) -> dict[str, object]:
    """A record as it lies on the wire, with only the fields that detection reads, and one it does not know."""
    metadata: dict[str, object] = {"replay_session_id": SESSION, "replay_rate": 10.0, "purpose": "live"}
    if agents is not None:
        metadata["active_agent_count"] = agents
    base = ids.event_base(SESSION, vehicle)
    return {
        "event_id": str(ids.event_id(base, frame)),
        "vehicle_id": vehicle,
        "scene_id": "scene_001",
        "event_time": f"2019-10-23T16:07:{frame // 10:02}.{frame % 10}00Z",
        "frame_index": frame,
        "telemetry": {
            "position": {"x": seen.get("x", 0.0), "y": 0.0, "z": 0.0},
            "velocity": {"x": seen.get("speed", 5.0), "y": 0.0, "magnitude": seen.get("speed", 5.0)},
            "acceleration": {"magnitude": seen.get("acceleration", 0.0)},
            "yaw": seen.get("yaw", 0.0),
            "label_probability": 1.0,
            "brightness": 7,
        },
        "metadata": metadata,
    }


def marker(frame: int, records: int, kind: str = "frame_end") -> dict[str, object]:
    """The marker of a frame of the same scene."""
    return {
        "kind": kind,
        "replay_session_id": SESSION,
        "scene_id": "scene_001",
        "frame_index": frame,
        "start_frame": 0,
        "event_time": f"2019-10-23T16:07:{frame // 10:02}.{frame % 10}00Z",
        "processing_time": "2026-11-23T09:59:59.990Z",
        "active_agent_count": 3,
        "replay_rate": 10.0,
        "records": records,
        "purpose": "review",
        "dataset": "sha256:abc",
    }


def on_wire(messages: Iterable[dict[str, object]], first_offset: int = 0) -> list[Bytes]:
    """`messages` as records: telemetry keyed by its vehicle, markers by nothing and with their header."""
    records = []
    for offset, message in enumerate(messages, first_offset):
        raw = json.dumps(message).encode()
        if "vehicle_id" in message:
            records.append(Bytes(offset, raw, str(message["vehicle_id"]).encode()))
        else:
            records.append(Bytes(offset, raw, None, [("kind", str(message["kind"]).encode())]))
    return records


def detector() -> PartitionDetector:
    """A fresh partition under `baseline`."""
    return PartitionDetector(RULES, 100, advance)


def take(subject: PartitionDetector, records: Sequence[Bytes], clock_s: float = 0.0) -> Findings:
    """Take in `records` at a fixed time of day."""
    return subject.take(records, NOW, clock_s)


def braking() -> list[Bytes]:
    """A car that loses 8.5 m/s within three frames, and the markers of those frames."""
    messages: list[dict[str, object]] = []
    for frame, (speed, acceleration) in enumerate([(13.5, 0.1), (10.2, 2.5), (5.0, 4.2)]):
        messages += [telemetry("scene_001_track_456", frame, speed=speed, acceleration=acceleration), marker(frame, 1)]
    return on_wire(messages)


def test_an_anomaly_says_everything_the_plan_shows() -> None:
    """Ids, features, thresholds, evidence and provenance of one braking, field by field."""
    (anomaly,) = take(detector(), braking()).anomalies
    vehicle = "scene_001_track_456"
    assert anomaly.anomaly_id == ids.anomaly_id(
        SESSION, vehicle, 2, AnomalyType.SUDDEN_DECELERATION, AnomalyStatus.ACTIVE, Severity.WARNING
    )
    assert anomaly.event_id == ids.event_id(ids.event_base(SESSION, vehicle), 2)
    assert anomaly.event_time == datetime(2019, 10, 23, 16, 7, 0, 200_000, UTC)
    assert anomaly.processing_time == NOW
    assert anomaly.severity is Severity.WARNING
    assert anomaly.triggered_rule == "decel_threshold_exceeded"
    assert anomaly.features == {"velocity_delta": -8.5, "acceleration_magnitude": 4.2, "time_window_ms": 500.0}
    assert anomaly.thresholds == {
        "decel_threshold_ms2": 3.0,
        "critical_decel_threshold_ms2": 5.0,
        "velocity_delta_threshold_ms": 5.0,
    }
    assert anomaly.evidence.frame_indices == [0, 1, 2]
    assert anomaly.evidence.velocity_history == [13.5, 10.2, 5.0]
    assert anomaly.evidence.acceleration_history == [0.1, 2.5, 4.2]
    assert anomaly.evidence.fired_frames == [2]
    assert anomaly.provenance.purpose is Purpose.REVIEW
    assert anomaly.provenance.dataset == "sha256:abc"
    assert anomaly.provenance.rule_set == RULES.identity
    assert Anomaly.read(anomaly.write()) == anomaly


@pytest.mark.parametrize(
    ("raw", "key", "says"),
    [
        (None, b"v", "without a value"),
        (b"", b"v", "not a telemetry record"),
        (b"\xff\xfe", b"v", "not a telemetry record"),
        (b"[]", b"v", "not a telemetry record"),
        (b'{"event_id": 1', b"v", "not a telemetry record"),
        (json.dumps({**telemetry("v", 0), "frame_index": -1}).encode(), b"v", "frame_index"),
        (json.dumps({**telemetry("v", 0), "frame_index": 2**31}).encode(), b"v", "frame_index"),
        (json.dumps({**telemetry("v", 0), "frame_index": "7"}).encode(), b"v", "frame_index"),
        (json.dumps({**telemetry("v", 0), "event_time": "yesterday"}).encode(), b"v", "not a time"),
        (json.dumps({**telemetry("v", 0), "event_time": "2019-10-23T16:07:00"}).encode(), b"v", "without a zone"),
        (json.dumps(telemetry("v", 0, x=float("nan"))).encode(), b"v", "not a telemetry record"),
        (json.dumps(telemetry("v", 0)).replace('"x": 0.0', '"x": 1e999').encode(), b"v", "not a telemetry record"),
        (json.dumps({**telemetry("v", 0, agents=None), "event_id": "seven"}).encode(), b"v", "not a UUID"),
        # Readable, but what a rule or a message would make of it is not: each of these once ended the worker.
        (json.dumps({**telemetry("v", 0), "event_time": "0001-01-01T00:00:00+14:00"}).encode(), b"v", "out of all"),
        (json.dumps({**telemetry("v", 0), "event_time": "9999-12-31T23:59:59.9999Z"}).encode(), b"v", "out of all"),
        (json.dumps(telemetry("v", 0, x=1.7e308)).encode(), b"v", "telemetry.position.x"),
        (json.dumps(telemetry("v", 0, speed=-1e9)).encode(), b"v", "telemetry.velocity"),
        (json.dumps({**telemetry("v", 0), "vehicle_id": "v\ud800"}).encode(), b"v", "surrogate"),
        (json.dumps({**telemetry("v", 0), "scene_id": "\udfff"}).encode(), b"v", "surrogate"),
        (json.dumps({**telemetry("", 0, agents=None)}).encode(), b"v", "vehicle_id"),
        (json.dumps(telemetry("v", 0)).replace('"replay_rate": 10.0', '"replay_rate": 1.7e308').encode(), b"v", "rate"),
    ],
)
def test_what_cannot_be_read_is_refused_and_disturbs_nothing(raw: bytes | None, key: bytes, says: str) -> None:
    """The record and the reason come out for dead_letters; what follows is detected as if it had not been there."""
    subject = detector()
    findings = take(subject, [Bytes(0, raw, key)])
    assert findings.malformed == 1
    ((record, reason),) = findings.refused
    assert record.offset() == 0
    assert says in reason
    assert len(take(subject, braking()).anomalies) == 1


def test_a_malformed_marker_is_refused() -> None:
    """A header that says marker, and a body that is none."""
    findings = take(detector(), [Bytes(0, b'{"kind": "frame_end"}', None, [("kind", b"frame_end")])])
    assert "not a frame marker" in findings.refused[0][1]


def test_a_late_record_is_refused_with_its_reason() -> None:
    """Frame 0 of a second car, when frame 3 is over, is late; so is its repetition. The car's frame 4 is welcome."""
    subject = detector()
    messages = [m for frame in range(4) for m in (telemetry("a", frame), marker(frame, 2 if frame == 0 else 1))]
    take(subject, on_wire(messages))
    findings = take(subject, on_wire([telemetry("b", 0), telemetry("b", 0), telemetry("b", 4)], 8))
    assert findings.late == 2
    assert {reason.split(":")[0] for _, reason in findings.refused} == {"late"}


def test_the_offset_trails_while_a_scene_is_open_and_catches_up_when_it_ends() -> None:
    """Committed is the oldest record within the history; with nothing open, the head."""
    subject = PartitionDetector(RULES, RULES.history_frames, advance)
    assert subject.offset() is None
    frames = 200
    messages = [m for frame in range(frames) for m in (telemetry("a", frame), marker(frame, 1))]
    take(subject, on_wire(messages))
    assert subject.offset() == 2 * (frames - 1 - RULES.history_frames)
    take(subject, on_wire([marker(frames - 1, 0, "scene_end")], 2 * frames))
    assert subject.offset() == 2 * frames + 1


def test_the_lag_is_counted_in_frames_to_the_head_of_the_bus() -> None:
    """Ten vehicles and a marker a frame: 110 unread records are ten frames, beside the one that waits for a record."""
    subject = detector()
    messages = [m for frame in range(3) for m in (*(telemetry(f"v{n}", frame) for n in range(10)), marker(frame, 10))]
    take(subject, on_wire(messages))
    assert subject.frames_behind(0) == 0
    assert subject.frames_behind(110) == 10
    take(subject, on_wire([telemetry("v0", 3), marker(3, 10)], 33))
    assert subject.frames_behind(110) == 11


def test_a_scene_of_which_nothing_comes_is_given_up() -> None:
    """After the agreed silence, what is active is cleared and no offset is held any more."""
    subject = detector()
    take(subject, braking(), clock_s=0.0)
    assert subject.tick(900.0, NOW, 899.0).anomalies == []
    (cleared,) = subject.tick(900.0, NOW, 901.0).anomalies
    assert cleared.status is AnomalyStatus.CLEARED
    assert subject.open_scenes == 0
    assert subject.offset() == 6


def live(frame: int, **seen: float) -> dict[str, object]:
    """A live vehicle's record: it knows of no frame but its own, and sends no marker."""
    return telemetry("bus_7", frame, agents=None, **seen) | {"event_id": str(UUID(int=frame + 1))}


def test_a_live_vehicle_is_its_own_clock() -> None:
    """Evaluated as each record arrives in order; the id of the record that fired is the producer's own."""
    subject = detector()
    speeds = [(13.5, 0.1), (10.2, 2.5), (5.0, 4.2)]
    records = on_wire([live(f, speed=v, acceleration=a) for f, (v, a) in enumerate(speeds)])
    assert take(subject, records[:2]).anomalies == []
    (anomaly,) = take(subject, records[2:]).anomalies
    assert anomaly.event_id == UUID(int=3)
    assert anomaly.provenance.dataset is None
    assert anomaly.features["velocity_delta"] == -8.5


def test_a_live_vehicles_records_may_change_places() -> None:
    """A frame whose record is missing waits until one two frames newer arrives."""
    orders = [[0, 1, 2, 3, 4, 5], [0, 2, 1, 3, 5, 4]]
    x = [0.0, 0.0, 3.0, 3.0, 3.0, 3.0]
    told = []
    for order in orders:
        findings = take(detector(), on_wire([live(f, x=x[f]) for f in order]))
        told.append([(a.anomaly_id, a.provenance.frame_index) for a in findings.anomalies])
        assert not findings.refused
    assert told[0] == told[1] != []


@pytest.mark.parametrize("late_s", [0.15, 0.25])
def test_a_live_vehicle_that_comes_late_keeps_its_window(late_s: float) -> None:
    """A record that is a quarter of a second late is not a new beginning: the braking is seen all the same."""
    subject = detector()
    speeds = [(13.5, 0.1), (10.2, 2.5), (5.0, 4.2)]
    records = on_wire([live(f, speed=v, acceleration=a) for f, (v, a) in enumerate(speeds)])
    take(subject, records[:2], clock_s=10.0)
    subject.tick(900.0, NOW, 10.0 + late_s - 0.01)
    (anomaly,) = take(subject, records[2:], clock_s=10.0 + late_s).anomalies
    assert anomaly.anomaly_type is AnomalyType.SUDDEN_DECELERATION


@pytest.mark.parametrize("first", [range(1000), [2**29]], ids=["reboot", "one wrong frame"])
def test_a_live_vehicle_that_counts_anew_is_watched_again(first: Iterable[int]) -> None:
    """After a reset of its frame counter, or one wild frame, at most two records are lost."""
    subject = detector()
    take(subject, on_wire([live(f) for f in first]), clock_s=10.0)
    again = [live(f, speed=13.5 - 4 * (f - 49) * (f > 49), acceleration=4.2 * (f > 49)) for f in range(53)]
    again = [message | {"event_id": str(UUID(int=10_000 + n))} for n, message in enumerate(again)]
    findings = take(subject, on_wire(again, 5000), clock_s=11.0)
    assert AnomalyType.SUDDEN_DECELERATION in {anomaly.anomaly_type for anomaly in findings.anomalies}
    assert findings.late + findings.duplicates <= 2


def test_a_live_vehicles_silence_is_dated_by_its_own_clock() -> None:
    """Not by the last record of anybody else: its newest record, and the frames since."""
    subject = detector()
    bus = [live(f) | {"event_time": f"2026-11-23T10:00:00.{f}00Z"} for f in range(5)]
    take(subject, on_wire([*bus, telemetry("car", 0)]), clock_s=100.0)
    (dropout,) = subject.tick(900.0, NOW, 100.9).anomalies
    assert dropout.event_time == datetime(2026, 11, 23, 10, 0, 0, 800_000, UTC)


def test_the_evidence_of_a_silence_names_the_frames_that_fired() -> None:
    """A vehicle unseen for four frames: the fourth fired, and no frame in which it was seen."""
    subject = detector()
    messages = [telemetry("a", 0), marker(0, 1), *(marker(frame, 0) for frame in range(1, 6))]
    (dropout,) = take(subject, on_wire(messages)).anomalies
    assert dropout.evidence.frame_indices == [0]
    assert dropout.evidence.fired_frames == [4]


def test_a_live_vehicle_that_falls_silent_is_told_by_the_wall_clock() -> None:
    """A dropout after more than three frames' worth of time, cleared when the vehicle is back."""
    subject = detector()
    take(subject, on_wire([live(f) for f in range(5)]), clock_s=100.0)
    assert subject.tick(900.0, NOW, 100.3).anomalies == []
    (dropout,) = subject.tick(900.0, NOW, 100.9).anomalies
    assert (dropout.anomaly_type, dropout.status) == (AnomalyType.DROPOUT_PROXY, AnomalyStatus.ACTIVE)
    assert dropout.event_id == UUID(int=5)
    back = take(subject, on_wire([live(f) for f in range(5, 8)], 5), clock_s=102.0).anomalies
    assert [a.status for a in back] == [AnomalyStatus.CLEARED]


def test_a_live_vehicle_that_is_gone_holds_no_memory_and_no_offset() -> None:
    """After long enough silence nothing of it is left."""
    subject = detector()
    take(subject, on_wire([live(f) for f in range(5)]), clock_s=0.0)
    subject.tick(900.0, NOW, 60.0)
    assert (subject.open_scenes, subject.vehicles, subject.offset()) == (0, 0, 5)
