"""Decoding: the contract's messages are read, everything else is counted and never fatal."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import hypothesis.strategies as st
import pytest
from hypothesis import given

from fleetops.contracts.telemetry import FrameMarker
from fleetops.contracts.vocabulary import Purpose
from fleetops.contracts.wire import utc_from_ms
from fleetops.operator.live.decode import Marker, Sighting, decode, epoch_ms
from fleetops.operator.live.events import LiveEvent
from fleetops.operator.live.fleet import LiveFleet
from fleetops.operator.live.picture import encode_all

from .records import FakeRecord, telemetry

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MARKER = FrameMarker(
    kind="scene_end", replay_session_id="s", scene_id="c", frame_index=9, start_frame=0, event_time=NOW,
    processing_time=NOW, active_agent_count=1, replay_rate=10.0, records=0, dataset="sha256:0",
)  # fmt: skip


def test_a_record_of_the_contract_is_read() -> None:
    """What replay sends is what the map shows, field by field."""
    [message] = decode([FakeRecord(telemetry("v", 3, x=12.5), b"v")]).messages
    assert isinstance(message, Sighting)
    assert (message.vehicle_id, message.frame_index, message.telemetry.position.x) == ("v", 3, 12.5)
    assert message.telemetry.geo.lat == 37.439
    assert message.processing_time == datetime(2026, 11, 23, 10, 0, 0, 300_000, tzinfo=UTC)


def test_a_marker_is_told_by_its_missing_key() -> None:
    """Markers carry no key, and say how far a scene is."""
    [message] = decode([FakeRecord(MARKER.write(), None)]).messages
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


@pytest.mark.parametrize("field", ["event_time", "processing_time"])
def test_a_time_out_of_bounds_is_unreadable(field: str) -> None:
    """A producer's empty time is infinite to PostgreSQL, and the vehicle could never be read again."""
    for body, key in ((telemetry("v", 1), b"v"), (MARKER.write(), None)):
        record = json.dumps(json.loads(body) | {field: "0001-01-01T00:00:00Z"}).encode()
        assert decode([FakeRecord(record, key)]).unreadable == 1


_EXTREME = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3), st.none(), st.just("\0"),
    st.just("2026-11-23T10:00:00"), st.just("x" * 300), st.just("9999-12-31T23:59:59Z"), st.booleans(),
)  # fmt: skip
_FIELDS = ("vehicle_id", "scene_id", "track_id", "event_time", "processing_time", "frame_index")


@given(changes=st.dictionaries(st.sampled_from(_FIELDS), _EXTREME), x=_EXTREME, speed=_EXTREME)
def test_whatever_a_record_says_the_fleet_can_hold_it_or_it_is_unreadable(
    changes: dict[str, object], x: object, speed: object
) -> None:
    """One absurd message must not end the service, nor keep the others from being shown and written down."""
    record = json.loads(telemetry("v", 1)) | changes
    record["telemetry"]["position"]["x"], record["telemetry"]["velocity"]["magnitude"] = x, speed
    fleet = LiveFleet()
    fleet.apply(decode([FakeRecord(json.dumps(record).encode(), b"v")]).messages, 0.0)
    LiveEvent.model_validate_json(encode_all(fleet, None, 0))
    for track in fleet.tracks.values():
        assert "\0" not in track.vehicle_id + track.scene_id
        assert len(track.vehicle_id) <= 255
        assert track.track_id < 2**63


@given(ms=st.integers(0, 4_102_444_800_000))
def test_milliseconds_survive_exactly(ms: int) -> None:
    """No float in between."""
    assert epoch_ms(utc_from_ms(ms)) == ms
