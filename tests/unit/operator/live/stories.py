"""Telemetry as a few words: who is seen in which frame of which session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.unit.operator.live.records import FakeRecord, telemetry

from fleetops.operator.live.decode import Decoded, Marker, decode

START = datetime(2019, 10, 23, 16, 7, 43, tzinfo=UTC)
EMITTED = datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC)


def seen(vehicle: str, frame: int, *, session: str = "s1", x: float = 0.0, scene: str = "scene_001") -> Decoded:
    """A vehicle in one frame."""
    return decode([FakeRecord(telemetry(vehicle, frame, session=session, x=x, scene=scene), vehicle.encode())])


def marker(
    frame: int, *, session: str = "s1", kind: str = "frame_end", scene: str = "scene_001", rate: float = 10.0
) -> Marker:
    """The end of a frame."""
    at = timedelta(milliseconds=100 * frame)
    return Marker(kind, session, scene, frame, START + at, EMITTED + at, rate)
