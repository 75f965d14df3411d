"""`raw_telemetry` records as the map needs them: only the fields it shows are decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from fleetops.bus.records import Record

LIVE = "live"


class _Point(msgspec.Struct):
    x: float
    y: float


class _Geo(msgspec.Struct):
    lon: float
    lat: float


class _Magnitude(msgspec.Struct):
    magnitude: float


class _Extent(msgspec.Struct):
    length: float
    width: float


class _Telemetry(msgspec.Struct):
    position: _Point
    geo: _Geo
    velocity: _Magnitude
    acceleration: _Magnitude
    yaw: float
    extent: _Extent
    label: str
    label_probability: float


class _Metadata(msgspec.Struct):
    replay_session_id: str
    replay_rate: float
    purpose: str = LIVE


class Sighting(msgspec.Struct):
    """One vehicle in one frame."""

    vehicle_id: str
    scene_id: str
    track_id: int
    event_time: datetime
    processing_time: datetime
    frame_index: int
    telemetry: _Telemetry
    metadata: _Metadata


class Marker(msgspec.Struct):
    """A frame of a scene is complete, or the scene is."""

    kind: str
    replay_session_id: str
    scene_id: str
    frame_index: int
    event_time: datetime
    processing_time: datetime
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
        try:
            if record.key() is None:
                marker = _marker.decode(value)
                if marker.purpose == LIVE:
                    messages.append(marker)
            else:
                sighting = _sighting.decode(value)
                if sighting.metadata.purpose == LIVE:
                    messages.append(sighting)
        except (msgspec.DecodeError, UnicodeDecodeError):
            unreadable += 1
    return Decoded(messages, unreadable)


def epoch_ms(moment: datetime) -> int:
    """Milliseconds since 1970, exact. A time without a zone is taken as UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = aware - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
