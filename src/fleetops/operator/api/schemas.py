"""What REST takes and gives. Lists keep their wrapper and say with `next` how to go on."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from fleetops.auth.roles import Role
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import ActionType, AlertStatus, Label
from fleetops.contracts.wire import Moment, UtcMs
from fleetops.operator.views import ActionView, AlertView, IncidentView, VehicleView, View
from fleetops.web import Problem

Cursor = Annotated[str | None, Field(description="give it back as `cursor` for the next page; null = this is the last")]
OperatorId = Annotated[
    str | None, Field(max_length=255, description="must be the caller's own, which is also what leaving it out means")
]
Version = Annotated[
    int | None, Field(ge=1, description="the alert's version that the caller saw; 409 when there is a newer one")
]


STORABLE = r"^[^\x00]*$"
"""What PostgreSQL can hold as text: anything but NUL."""


class Command(BaseModel):
    """Base of request bodies: unknown fields are refused rather than ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OperatorCommand(Command):
    """Who acts, and on which version of the alert."""

    operator_id: OperatorId = None
    version: Version = None


Assignee = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=255,
        pattern=STORABLE,
        description="to whom the alert shall be assigned; others than the caller by a supervisor only",
    ),
]


class AssignCommand(OperatorCommand):
    """Who shall have the alert: the caller, when nobody is named."""

    assignee_id: Assignee = None


Disposition = Literal["true", "false", "duplicate", "expected"]


class ActionDetails(Command):
    """What is to be done, with what it takes. Interventions are simulated."""

    action_type: ActionType
    comment: Annotated[
        str | None, Field(min_length=1, max_length=2000, pattern=STORABLE, description="COMMENT needs it")
    ] = None
    disposition: Annotated[Disposition | None, Field(description="how it was judged; RESOLVE needs it")] = None
    snoozed_until: Annotated[Moment | None, Field(description="SNOOZE needs it")] = None
    assignee_id: Assignee = None


class ActionCommand(ActionDetails, OperatorCommand):
    """One action on an alert. Interventions are simulated."""


MAX_BULK: Final = 1000


class BulkCommand(ActionDetails):
    """One action on many alerts."""

    alert_ids: Annotated[
        list[UUID], Field(min_length=1, max_length=MAX_BULK, description="one named twice is answered once")
    ]
    operator_id: OperatorId = None
    versions: Annotated[
        dict[UUID, Annotated[int, Field(ge=1)]],
        Field(max_length=MAX_BULK, description="by alert, the version that the caller saw, where it matters"),
    ] = {}


class BulkAnswer(View):
    """What became of the action on one alert."""

    alert_id: UUID
    status: Literal["executed", "unchanged", "refused"]
    action_id: UUID | None
    alert_status: Annotated[AlertStatus | None, Field(description="null = there is no such alert")]
    version: int | None
    alert: Annotated[AlertView | None, Field(description="where it was refused, how the alert stands")]
    problem: Annotated[Problem | None, Field(description="why it was refused")]


class BulkResult(View):
    """What became of the action on each alert, in the order asked for."""

    executed: int
    unchanged: int
    refused: int
    results: list[BulkAnswer]


class Acknowledged(View):
    """The alert is acknowledged."""

    alert_id: UUID
    status: AlertStatus
    alert: AlertView


class Assigned(View):
    """The alert is assigned."""

    alert_id: UUID
    assigned_operator_id: str | None
    alert: AlertView


class Executed(View):
    """The action was done, or already held."""

    action_id: Annotated[UUID | None, Field(description="null where it already held, and nothing was done")]
    status: Literal["executed", "unchanged"]
    alert: AlertView
    vehicle: VehicleView | None


class AlertPage(View):
    """Alerts, newest first."""

    alerts: list[AlertView]
    next: Cursor


class AlertDetail(View):
    """An alert with all that led to it and was done about it."""

    alert: AlertView
    anomaly: Annotated[Anomaly, Field(description="the one that opened it")]
    evidence_anomaly: Annotated[Anomaly, Field(description="the newest of its most severe occurrences: judge by it")]
    vehicle: VehicleView | None
    actions: Annotated[list[ActionView], Field(description="oldest first")]


class VehiclePage(View):
    """Vehicles by id."""

    vehicles: list[VehicleView]
    next: Cursor


class VehicleDetail(View):
    """A vehicle and what is wrong with it now."""

    vehicle: VehicleView
    current_alerts: list[AlertView]


class IncidentPage(View):
    """What happened to a vehicle, newest first."""

    incidents: list[IncidentView]
    next: Cursor


class TelemetryFrame(View):
    """One vehicle in one frame, as received live."""

    frame_index: int
    event_time: UtcMs
    lon: Annotated[float, Field(description="degrees WGS84")]
    lat: Annotated[float, Field(description="degrees WGS84")]
    x: Annotated[float, Field(description="m, world frame")]
    y: Annotated[float, Field(description="m, world frame")]
    yaw: Annotated[float, Field(description="rad")]
    speed: Annotated[float, Field(description="m/s")]
    acceleration: Annotated[float, Field(description="magnitude, m/s2")]
    label_probability: float


class VehicleTelemetry(View):
    """A vehicle's last frames, oldest first. Kept in memory, so none after a restart."""

    vehicle_id: str
    replay_session_id: str | None
    label: Label | None
    stale: bool
    frames: list[TelemetryFrame]


class Me(View):
    """Whoever asks."""

    operator_id: str
    display_name: str
    role: Role
    expires_at: Annotated[UtcMs | None, Field(description="when the credential ends; null = never")]


class ConsoleConfig(View):
    """What the console needs to know before it draws."""

    version: str
    simulation: Literal[True] = True
    operator: Me
    mapbox_token: Annotated[str | None, Field(description="a public Mapbox token; null = draw with MapLibre")]
    websocket_path: str = "/ws"
    pull_over_delay_s: float


class Health(View):
    """How operator-service is."""

    status: Literal["healthy", "degraded"]
    kafka_connected: bool
    database_connected: bool
    version: str
    websocket_clients: int
    vehicles_tracked: int
    last_seq: int
