"""The few fields that detection decodes are fields of the contract, with its types."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from fleetops.anomaly.decode import decode_marker, decode_telemetry, epoch_ms
from fleetops.contracts.telemetry import (
    Acceleration,
    Extent,
    FrameMarker,
    Geo,
    Position,
    RawTelemetry,
    Telemetry,
    TelemetryMetadata,
    Velocity,
)
from fleetops.contracts.vocabulary import Label, Purpose

NOW = datetime(2026, 11, 23, 10, 23, 45, 125_000, UTC)


def test_what_the_contract_writes_is_what_detection_reads() -> None:
    """Every field of the views, from a message that the model wrote."""
    written = RawTelemetry(
        event_id=UUID(int=5),
        vehicle_id="scene_001_track_456",
        scene_id="scene_001",
        track_id=456,
        event_time=NOW,
        processing_time=NOW,
        frame_index=42,
        telemetry=Telemetry(
            position=Position(x=123.45, y=67.89, z=0),
            geo=Geo(lon=-122.1619, lat=37.439),
            velocity=Velocity(x=5.2, y=0.1, z=0, magnitude=5.201),
            acceleration=Acceleration(x=-0.5, y=0, z=0, magnitude=0.5),
            yaw=1.23,
            yaw_rate=0.05,
            extent=Extent(length=4.6, width=1.9, height=1.6),
            label=Label.CAR,
            label_probability=0.95,
            range_m=31.2,
            track_length=120,
        ),
        metadata=TelemetryMetadata(
            replay_session_id="s", replay_rate=10, purpose=Purpose.REVIEW, active_agent_count=79
        ),
    )
    read = decode_telemetry(written.write())
    assert UUID(read.event_id) == written.event_id
    assert (read.vehicle_id, read.scene_id, read.frame_index) == ("scene_001_track_456", "scene_001", 42)
    assert epoch_ms(read.event_time) == round(NOW.timestamp() * 1000)
    seen, told = read.telemetry, written.telemetry
    assert (seen.position.x, seen.position.y) == (told.position.x, told.position.y)
    assert seen.velocity.magnitude == told.velocity.magnitude
    assert seen.acceleration.magnitude == told.acceleration.magnitude
    assert (seen.velocity.x, seen.velocity.y) == (told.velocity.x, told.velocity.y)
    assert (seen.label, seen.range_m) == (told.label, told.range_m)
    assert (seen.yaw, seen.label_probability) == (told.yaw, told.label_probability)
    assert read.metadata.replay_session_id == "s"
    assert read.metadata.replay_rate == 10
    assert read.metadata.purpose is Purpose.REVIEW
    assert read.metadata.active_agent_count == 79


def test_a_live_vehicle_without_our_fields_is_read() -> None:
    """A producer that knows only the plan's message sends neither purpose nor agent count."""
    written = (
        b'{"event_id":"0f8fad5b-d9cb-469f-a165-70867728950e","vehicle_id":"bus_7","scene_id":"depot",'
        b'"event_time":"2026-01-15T10:23:45.123+01:00","frame_index":1,"telemetry":{"position":{"x":1,"y":2},'
        b'"velocity":{"x":0,"y":3,"magnitude":3},"acceleration":{"magnitude":0},"yaw":0,"label_probability":1},'
        b'"metadata":{"replay_session_id":"live","replay_rate":10}}'
    )
    read = decode_telemetry(written)
    assert read.metadata.active_agent_count is None
    assert read.metadata.purpose is Purpose.LIVE
    assert epoch_ms(read.event_time) == round(datetime(2026, 1, 15, 9, 23, 45, 123_000, UTC).timestamp() * 1000)


def test_markers_are_read_as_written() -> None:
    """Field by field."""
    written = FrameMarker(
        kind="scene_end",
        replay_session_id="s",
        scene_id="scene_001",
        frame_index=7,
        start_frame=3,
        event_time=NOW,
        processing_time=NOW,
        active_agent_count=79,
        replay_rate=0,
        records=14,
        purpose=Purpose.REVIEW,
        dataset="sha256:abc",
    )
    read = decode_marker(written.write())
    assert (read.kind, read.replay_session_id, read.scene_id) == ("scene_end", "s", "scene_001")
    assert (read.frame_index, read.start_frame, read.records, read.active_agent_count) == (7, 3, 14, 79)
    assert (read.purpose, read.dataset) == (Purpose.REVIEW, "sha256:abc")
    assert epoch_ms(read.event_time) == round(NOW.timestamp() * 1000)
