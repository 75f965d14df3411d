"""`raw_telemetry`: one message per vehicle per frame, and the frame markers between them.

Each track_id in the dataset is treated as an independent fleet vehicle for monitoring
purposes. This abstraction allows us to monitor multiple vehicles concurrently within a
single scene.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from .vocabulary import ActionType, Label, Purpose
from .wire import UtcMs, WireModel

FrameIndex = Annotated[int, Field(ge=0, lt=2**30, description="frame of the scene's zarr interval, from 0")]


class Position(WireModel):
    """Where the vehicle's centre is, in the dataset's world frame, metres."""

    x: float
    y: float
    z: float


class Geo(WireModel):
    """Where the vehicle's centre is, WGS84 degrees."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]


class Velocity(WireModel):
    """Velocity in the dataset's world frame and its magnitude, m/s."""

    x: float
    y: float
    z: float
    magnitude: Annotated[float, Field(ge=0)]


class Acceleration(WireModel):
    """Change of velocity over the true time between two sightings, m/s2; zero at the first."""

    x: float
    y: float
    z: float
    magnitude: Annotated[float, Field(ge=0)]


class Extent(WireModel):
    """Size of the bounding box, metres."""

    length: float
    width: float
    height: float


class Telemetry(WireModel):
    """What perception says of one vehicle in one frame."""

    position: Position
    geo: Geo
    velocity: Velocity
    acceleration: Acceleration
    yaw: Annotated[float, Field(description="heading in the world frame, rad")]
    yaw_rate: Annotated[float, Field(description="wrapped change of yaw over the true dt, rad/s")]
    extent: Extent
    label: Label
    label_probability: Annotated[float, Field(ge=0, le=1, description="of the most probable class")]
    range_m: Annotated[float, Field(ge=0, description="distance to where the ego of the scene was recorded, m")]
    track_length: Annotated[int, Field(ge=1, description="frames seen of this track so far, this one included")]


class TelemetryMetadata(WireModel):
    """Which replay made the record, and what only the whole frame knows.

    `active_agent_count` also tells who sent the record: replay-service always sets it and
    sends frame markers. A live vehicle cannot know it and leaves it out; then the vehicle
    is its own clock (see `contracts.md`, "Frame markers").
    """

    replay_session_id: str
    replay_rate: Annotated[float, Field(ge=0, description="frames per second; 0 = as fast as the broker takes it")]
    purpose: Purpose = Purpose.LIVE
    active_agent_count: Annotated[
        int | None, Field(ge=0, description="admitted agents in this frame, ego excluded")
    ] = None
    intervention: Annotated[
        ActionType | None,
        Field(
            description="set where the record is simulated: PULL_OVER_SIMULATED while the vehicle brakes and stands, "
            "RESUME_SIMULATION while it drives on behind its recording"
        ),
    ] = None


class RawTelemetry(WireModel):
    """One vehicle in one frame."""

    event_id: UUID
    vehicle_id: str
    scene_id: str
    track_id: Annotated[int, Field(ge=0)]
    event_time: UtcMs
    processing_time: UtcMs
    frame_index: FrameIndex
    telemetry: Telemetry
    metadata: TelemetryMetadata


class FrameMarker(WireModel):
    """Says to one partition that a frame, or a scene, is complete.

    Sent to every partition after the last record of the frame. Keyed by nothing: a record
    without a key and with the header `kind` is a marker.
    """

    kind: Literal["frame_end", "scene_end"]
    replay_session_id: str
    scene_id: str
    frame_index: FrameIndex
    start_frame: Annotated[FrameIndex, Field(description="first frame of this scene in this session")]
    event_time: UtcMs
    processing_time: UtcMs
    active_agent_count: Annotated[int, Field(ge=0, description="admitted agents in this frame, ego excluded")]
    replay_rate: Annotated[float, Field(ge=0)]
    records: Annotated[int, Field(ge=0, description="records of this frame on this very partition")]
    purpose: Purpose = Purpose.LIVE
    dataset: Annotated[str, Field(description="digest of the dataset, `sha256:…`")]
