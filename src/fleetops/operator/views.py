"""What the outside sees of alerts, vehicles and actions: REST answers and WebSocket events alike."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from fleetops.contracts.vocabulary import ActionType, AlertStatus, AnomalyType, Severity, VehicleState
from fleetops.contracts.wire import UtcMs


class View(BaseModel):
    """Base of what is shown. Frozen, and every field is always present in the JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class AlertView(View):
    """A condition of one vehicle, as operators work on it. An older `version` is to be ignored."""

    alert_id: UUID
    anomaly_id: Annotated[UUID, Field(description="the anomaly that opened it")]
    vehicle_id: str
    scene_id: str
    replay_session_id: str
    event_time: UtcMs
    created_at: UtcMs
    last_seen_at: Annotated[UtcMs, Field(description="event time of the newest occurrence")]
    alert_status: AlertStatus
    severity: Annotated[Severity, Field(description="the highest of its occurrences")]
    anomaly_type: AnomalyType
    triggered_rule: str
    occurrences: Annotated[int, Field(ge=1)]
    condition_active: Annotated[bool, Field(description="false once detection said that it ended")]
    assigned_operator_id: str | None = None
    acknowledged_at: UtcMs | None = None
    acknowledged_by: str | None = None
    resolve_at: Annotated[UtcMs | None, Field(description="when it resolves by itself")] = None
    resolved_at: UtcMs | None = None
    resolved_by: str | None = None
    disposition: str | None = None
    snoozed_until: UtcMs | None = None
    repeats_alert_id: Annotated[UUID | None, Field(description="the resolved alert that it repeats")] = None
    silence_id: Annotated[
        UUID | None, Field(description="hidden by this silence; null = shown. Of a resolved alert: as it was")
    ] = None
    explained_by_alert_id: Annotated[
        UUID | None, Field(description="the alert of a scene-wide blackout that explains this dropout")
    ] = None
    version: Annotated[int, Field(ge=1)]
    allowed_actions: list[ActionType]


class InterventionView(View):
    """A simulated intervention that runs on a vehicle."""

    intervention_id: UUID
    alert_id: UUID
    action_type: ActionType
    operator_id: str
    started_at: UtcMs
    completes_at: Annotated[UtcMs | None, Field(description="when its alert resolves; none once it has")] = None
    picked_up_at: Annotated[UtcMs | None, Field(description="when somebody took up a remote assist")] = None
    picked_up_by: str | None = None


class VehicleView(View):
    """A vehicle: its state, and where it was last written down. Live positions come by WebSocket."""

    vehicle_id: str
    scene_id: str
    track_id: int
    current_state: VehicleState
    replay_session_id: str | None
    last_telemetry_time: UtcMs | None
    last_position_x: Annotated[float | None, Field(description="m, world frame of the dataset")]
    last_position_y: Annotated[float | None, Field(description="m, world frame of the dataset")]
    last_velocity_magnitude: Annotated[float | None, Field(description="m/s")]
    created_at: UtcMs
    updated_at: UtcMs
    intervention: InterventionView | None = None
    allowed_actions: Annotated[list[ActionType], Field(description="what can be done to the vehicle itself")] = []


class ActionView(View):
    """One thing that an operator, a program or the system did to an alert."""

    action_id: UUID
    alert_id: UUID
    vehicle_id: str
    operator_id: str
    action_type: ActionType
    metadata: dict[str, JsonValue]
    created_at: UtcMs


class IncidentView(View):
    """How a resolved alert ended, with the evidence it was judged by."""

    incident_id: UUID
    alert_id: UUID
    vehicle_id: str
    scene_id: str
    replay_session_id: str
    anomaly_type: AnomalyType
    severity: Severity
    disposition: str | None
    evidence: dict[str, JsonValue] | None
    resolved_action_type: str | None
    resolved_by_operator_id: str | None
    resolved_at: UtcMs | None
    created_at: UtcMs
