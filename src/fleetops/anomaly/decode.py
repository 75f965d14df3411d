"""From the bytes of `raw_telemetry` to what the engine reads, and nothing more.

Typed decoding of only the needed fields costs half of decoding all, and a fifth of
validating the whole contract. A test holds these views to the models in `contracts`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from fleetops.contracts.vocabulary import Label, Purpose
from fleetops.errors import ContractError

Frame = Annotated[int, msgspec.Meta(ge=0, lt=2**30)]
Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Number = Annotated[float, msgspec.Meta(ge=-1e7, le=1e7)]
"""No coordinate (m), speed (m/s) or acceleration (m/s2) is larger; what is could overflow in a feature."""
RateHz = Annotated[float, msgspec.Meta(ge=0, le=1000)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class PositionView(msgspec.Struct, gc=False):
    """m, world frame."""

    x: Number
    y: Number


class VelocityView(msgspec.Struct, gc=False):
    """m/s, world frame."""

    x: Number
    y: Number
    magnitude: Number


class AccelerationView(msgspec.Struct, gc=False):
    """m/s2."""

    magnitude: Number


class SightingView(msgspec.Struct, gc=False):
    """`telemetry`, as far as the rules read it."""

    position: PositionView
    velocity: VelocityView
    acceleration: AccelerationView
    yaw: Number
    label_probability: Probability
    label: str = Label.OTHER_VEHICLE  # of a live vehicle that does not say
    range_m: Number = 0.0


class MetadataView(msgspec.Struct, gc=False):
    """`metadata`; without `active_agent_count` the record comes from a producer that sends no markers."""

    replay_session_id: Name
    replay_rate: RateHz
    purpose: Purpose = Purpose.LIVE
    active_agent_count: Count | None = None


class TelemetryView(msgspec.Struct, gc=False):
    """One vehicle in one frame."""

    event_id: str
    vehicle_id: Name
    scene_id: Name
    event_time: str
    frame_index: Frame
    telemetry: SightingView
    metadata: MetadataView


class MarkerView(msgspec.Struct, gc=False):
    """The end of a frame, or of a scene."""

    kind: Literal["frame_end", "scene_end"]
    replay_session_id: Name
    scene_id: Name
    frame_index: Frame
    start_frame: Frame
    event_time: str
    active_agent_count: Count
    records: Count
    dataset: str
    purpose: Purpose = Purpose.LIVE


_FIRST_YEAR, _LAST_YEAR = 1970, 9998

_telemetry = msgspec.json.Decoder(TelemetryView)
_marker = msgspec.json.Decoder(MarkerView)


def decode_telemetry(raw: bytes | None) -> TelemetryView:
    """A record with a key.

    Raises:
        ContractError: naming the field.
    """
    if raw is None:
        raise ContractError("a record without a value")
    try:
        return _telemetry.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"not a telemetry record: {error}") from error


def decode_marker(raw: bytes | None) -> MarkerView:
    """A record without a key whose header `kind` says that it is a marker.

    Raises:
        ContractError: naming the field.
    """
    if raw is None:
        raise ContractError("a marker without a value")
    try:
        return _marker.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ContractError(f"not a frame marker: {error}") from error


def epoch_ms(text: str) -> int:
    """Milliseconds since 1970 of an ISO 8601 time that names its zone.

    Raises:
        ContractError: it is not one.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ContractError(f"not a time: {text!r}") from error
    if moment.tzinfo is None:
        raise ContractError(f"a time without a zone: {text!r}")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:  # else its UTC may have no year to be written in
        raise ContractError(f"a time out of all bounds: {text!r}")
    return round(moment.timestamp() * 1000)
