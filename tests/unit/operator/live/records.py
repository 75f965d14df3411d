"""Records as the bus would hand them over, made with the contract's own models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fleetops.contracts import ids
from fleetops.contracts.telemetry import (
    Acceleration,
    Extent,
    Geo,
    Position,
    RawTelemetry,
    Telemetry,
    TelemetryMetadata,
    Velocity,
)
from fleetops.contracts.vocabulary import Label, Purpose


@dataclass(frozen=True)
class FakeRecord:
    """A record without a broker."""

    body: bytes | None
    name: bytes | None

    def value(self) -> bytes | None:
        """The message."""
        return self.body

    def key(self) -> bytes | None:
        """The vehicle; none for a marker."""
        return self.name

    def headers(self) -> list[tuple[str, bytes]] | None:
        """None are looked at."""
        return None

    def topic(self) -> str:
        """Where it was read."""
        return "raw_telemetry"

    def partition(self) -> int:
        """Where it was read."""
        return 0

    def offset(self) -> int:
        """Where it was read."""
        return 0


def telemetry(
    vehicle: str,
    frame: int,
    *,
    session: str = "s1",
    x: float = 0.0,
    scene: str = "scene_001",
    purpose: Purpose = Purpose.LIVE,
) -> bytes:
    """One record of `raw_telemetry`, strictly as the contract has it."""
    at = timedelta(milliseconds=100 * frame)
    return RawTelemetry(
        event_id=ids.event_id(ids.event_base(session, vehicle), frame),
        vehicle_id=vehicle,
        scene_id=scene,
        track_id=7,
        event_time=datetime(2019, 10, 23, 16, 7, 43, tzinfo=UTC) + at,
        processing_time=datetime(2026, 11, 23, 10, 0, 0, tzinfo=UTC) + at,
        frame_index=frame,
        telemetry=Telemetry(
            position=Position(x=x, y=2.0, z=0.0),
            geo=Geo(lon=-122.1619, lat=37.439),
            velocity=Velocity(x=5.0, y=0.0, z=0.0, magnitude=5.0),
            acceleration=Acceleration(x=0.5, y=0.0, z=0.0, magnitude=0.5),
            yaw=1.25,
            yaw_rate=0.0,
            extent=Extent(length=4.6, width=1.9, height=1.6),
            label=Label.CAR,
            label_probability=1.0,
            range_m=31.2,
            track_length=frame + 1,
        ),
        metadata=TelemetryMetadata(replay_session_id=session, replay_rate=10.0, purpose=purpose, active_agent_count=1),
    ).write()
