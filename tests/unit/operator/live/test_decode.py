"""Decoding: the contract's messages are read, everything else is counted and never fatal."""

from __future__ import annotations

from datetime import UTC, datetime

import hypothesis.strategies as st
from hypothesis import given

from fleetops.contracts.telemetry import FrameMarker
from fleetops.contracts.vocabulary import Purpose
from fleetops.contracts.wire import utc_from_ms
from fleetops.operator.live.decode import Marker, Sighting, decode, epoch_ms

from .records import FakeRecord, telemetry


def test_a_record_of_the_contract_is_read() -> None:
    """What replay sends is what the map shows, field by field."""
    [message] = decode([FakeRecord(telemetry("v", 3, x=12.5), b"v")]).messages
    assert isinstance(message, Sighting)
    assert (message.vehicle_id, message.frame_index, message.telemetry.position.x) == ("v", 3, 12.5)
    assert message.telemetry.geo.lat == 37.439
    assert message.processing_time == datetime(2026, 11, 23, 10, 0, 0, 300_000, tzinfo=UTC)


def test_a_marker_is_told_by_its_missing_key() -> None:
    """Markers carry no key, and say how far a scene is."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    marker = FrameMarker(
        kind="scene_end", replay_session_id="s", scene_id="c", frame_index=9, start_frame=0, event_time=now,
        processing_time=now, active_agent_count=1, replay_rate=10.0, records=0, dataset="sha256:0",
    )  # fmt: skip
    [message] = decode([FakeRecord(marker.write(), None)]).messages
    assert isinstance(message, Marker)
    assert (message.kind, message.frame_index) == ("scene_end", 9)


def test_a_review_session_is_not_the_fleet() -> None:
    """The replay of a moment must not move vehicles on everyone's map."""
    record = FakeRecord(telemetry("v", 1, purpose=Purpose.REVIEW), b"v")
    assert decode([record]).messages == []


@given(body=st.one_of(st.binary(max_size=60), st.just(b'{"vehicle_id": "v"}'), st.just(b"\xff")), key=st.booleans())
def test_what_cannot_be_read_is_counted_and_does_no_harm(body: bytes, key: bool) -> None:
    """A broken record neither stops the reading nor hides its neighbour."""
    good = FakeRecord(telemetry("v", 1), b"v")
    decoded = decode([FakeRecord(body, b"k" if key else None), good, FakeRecord(None, b"v")])
    assert len(decoded.messages) == 1
    assert decoded.unreadable == 1


@given(ms=st.integers(0, 4_102_444_800_000))
def test_milliseconds_survive_exactly(ms: int) -> None:
    """No float in between."""
    assert epoch_ms(utc_from_ms(ms)) == ms
