"""`raw_telemetry` records as the map needs them: only the fields it shows are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from fleetops.bus.records import Record
from fleetops.contracts.wire import FIRST_YEAR, LAST_YEAR

LIVE = "live"

# What the columns and the database can hold: a message that says more is unreadable here.
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_Frame = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_Track = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Point(msgspec.Struct, gc=False):
    x: float
    y: float


class _Geo(msgspec.Struct, gc=False):
    lon: float
    lat: float


class _Magnitude(msgspec.Struct, gc=False):
    magnitude: float


class _Extent(msgspec.Struct, gc=False):
    length: float
    width: float


class _Telemetry(msgspec.Struct, gc=False):
    position: _Point
    geo: _Geo
    velocity: _Magnitude
    acceleration: _Magnitude
    yaw: float
    extent: _Extent
    label: str
    label_probability: float


class _Metadata(msgspec.Struct, gc=False):
    replay_session_id: _Name
    replay_rate: float
    purpose: str = LIVE


class Sighting(msgspec.Struct, gc=False):
    """One vehicle in one frame."""

    vehicle_id: _Name
    scene_id: _Name
    track_id: _Track
    event_time: _Time
    processing_time: _Time
    frame_index: _Frame
    telemetry: _Telemetry
    metadata: _Metadata


class Marker(msgspec.Struct, gc=False):
    """A frame of a scene is complete, or the scene is."""

    kind: str
    replay_session_id: _Name
    scene_id: _Name
    frame_index: _Frame
    event_time: _Time
    processing_time: _Time
    replay_rate: float
    purpose: str = LIVE


@dataclass(frozen=True, slots=True)
class Decoded:
    """A batch: what concerns live sessions, in the order received, and how many records were unreadable."""

    messages: list[Sighting | Marker]
    unreadable: int


_sighting = msgspec.json.Decoder(Sighting)
_marker = msgspec.json.Decoder(Marker)


def decode(records: Sequence[Record]) -> Decoded:
    """Decode `records`, leaving out review sessions.

    What cannot be read is only counted: anomaly-service reads every record too, and puts
    such a one into `dead_letters`.
    """
    messages: list[Sighting | Marker] = []
    unreadable = 0
    for record in records:
        value = record.value()
        if value is None:
            continue
        if b"\\u0000" in value:  # PostgreSQL can hold no such id, and none of ours has it
            unreadable += 1
            continue
        try:
            if record.key() is None:
                marker = _marker.decode(value)
                _check(marker)
                if marker.purpose == LIVE:
                    messages.append(marker)
            else:
                sighting = _sighting.decode(value)
                _check(sighting)
                if sighting.metadata.purpose == LIVE:
                    messages.append(sighting)
        except (msgspec.DecodeError, ValueError):
            unreadable += 1
    return Decoded(messages, unreadable)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, exact."""
    return (moment - _EPOCH) // _MILLISECOND


def _check(message: Sighting | Marker) -> None:
    for moment in (message.event_time, message.processing_time):
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValueError("a time out of bounds")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
