"""What the WebSocket says: one union, from which the console's types are generated.

Events with a `seq` come from the outbox: gapless, the same on every replica, and asked
for again with `/ws?since=SEQ`. Positions have none: the newest is the only one of worth.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import Field, RootModel

from fleetops.contracts.wire import UtcMs
from fleetops.operator.views import ActionView, AlertView, VehicleView, View

Seq = Annotated[int, Field(ge=0, description="position in the outbox; 0 = before its first event")]


class CloseCode(IntEnum):
    """Why the server closed a socket, beyond the protocol's own codes.

    4401: the session ended; sign in again. 4429: this client read too slowly to keep all
    alert events; connect again without `since` and take the snapshot. 1012 (service
    restart): connect again with `since`.
    """

    SIGNED_OUT = 4401
    RESYNC = 4429
    RESTART = 1012


class SceneProgress(View):
    """How far the replay of one scene is, as seen in its telemetry."""

    replay_session_id: str
    scene_id: str
    frame_index: int
    event_time: UtcMs
    replay_rate_hz: Annotated[float, Field(description="0 = as fast as the broker takes it")]
    vehicles: Annotated[int, Field(description="vehicles in view, ego included; stale ones are not counted")]
    ended: Annotated[bool, Field(description="the scene was replayed to its end, or stopped")]


class Positions(View):
    """Vehicles as flat columns: the nth entry of each list is the nth vehicle's."""

    vehicle_id: list[str]
    lon: Annotated[list[float], Field(description="degrees WGS84")]
    lat: Annotated[list[float], Field(description="degrees WGS84")]
    yaw: Annotated[list[float], Field(description="rad, counter-clockwise from the world frame's x (east)")]
    speed: Annotated[list[float], Field(description="m/s")]
    length: Annotated[list[float], Field(description="m")]
    width: Annotated[list[float], Field(description="m")]
    frame_index: list[int]
    stale: Annotated[list[bool], Field(description="silent for a while; it goes soon")]


class Snapshot(View):
    """Everything a console needs to begin, as it stood at `seq`."""

    type: Literal["snapshot"] = "snapshot"
    seq: Seq
    server_time: UtcMs
    vehicles: list[VehicleView]
    alerts: Annotated[list[AlertView], Field(description="all that are not resolved")]
    positions: Positions
    scenes: list[SceneProgress]


class AlertCreated(View):
    """An alert was opened."""

    type: Literal["alert_created"] = "alert_created"
    seq: Seq
    alert: AlertView


class AlertUpdated(View):
    """An alert changed: status, severity, occurrences, assignment."""

    type: Literal["alert_updated"] = "alert_updated"
    seq: Seq
    alert: AlertView


class VehicleUpdated(View):
    """A vehicle's state or intervention changed."""

    type: Literal["vehicle_updated"] = "vehicle_updated"
    seq: Seq
    vehicle: VehicleView


class ActionExecuted(View):
    """Somebody did something to an alert."""

    type: Literal["action_executed"] = "action_executed"
    seq: Seq
    action: ActionView


class VehiclesMoved(View):
    """Where vehicles are now: those that changed since the last one, at most ten times a second.

    Sent at least once a second, also with nothing in it, so that a console can tell a quiet
    fleet from a dead connection. `server_time - emitted_at` is the delay of the pipeline.
    """

    type: Literal["vehicles_moved"] = "vehicles_moved"
    server_time: Annotated[UtcMs, Field(description="when this was sent")]
    emitted_at: Annotated[UtcMs | None, Field(description="processing time of the newest record in it")]
    full: Annotated[bool, Field(description="all vehicles there are: whoever is not in it is gone")]
    positions: Positions
    gone: Annotated[list[str], Field(description="vehicles that are no longer there")]
    scenes: list[SceneProgress]


class VehiclesNamed(View):
    """With subprotocol `fleetops.v1.bin`: which numbers stand for which vehicles in the frames to come.

    All of them once at the beginning, then those that are new. A number belongs to this
    connection, and is never given to another vehicle.
    """

    type: Literal["vehicles_named"] = "vehicles_named"
    id: list[int]
    vehicle_id: list[str]
    length: Annotated[list[float], Field(description="m, as first seen")]
    width: Annotated[list[float], Field(description="m, as first seen")]


class ScenesProgressed(View):
    """With subprotocol `fleetops.v1.bin`: how far the replays are, once a second, and when one begins or ends."""

    type: Literal["scenes_progressed"] = "scenes_progressed"
    server_time: UtcMs
    scenes: list[SceneProgress]


class LiveEvent(
    RootModel[
        Annotated[
            Snapshot | AlertCreated | AlertUpdated | VehicleUpdated | ActionExecuted | VehiclesMoved,
            Field(discriminator="type"),
        ]
    ]
):
    """Any message of `/ws`."""
