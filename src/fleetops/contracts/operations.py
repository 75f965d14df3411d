"""`operator_alerts` and `operator_actions`: the lifecycle of alerts, and what operators did."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, JsonValue

from .vocabulary import ActionType, AlertStatus, AnomalyType, Severity
from .wire import UtcMs, WireModel


class OperatorAlert(WireModel):
    """An alert as it stands after one change; `version` grows with each."""

    alert_id: UUID
    anomaly_id: UUID
    vehicle_id: str
    event_time: UtcMs
    processing_time: UtcMs
    alert_status: AlertStatus
    severity: Severity
    anomaly_type: AnomalyType
    assigned_operator_id: str | None
    created_at: UtcMs
    version: Annotated[int, Field(ge=1)]
    occurrences: Annotated[int, Field(ge=1)]
    replay_session_id: str


class OperatorAction(WireModel):
    """One thing an operator did. replay-service obeys those that concern a replayed vehicle."""

    action_id: UUID
    alert_id: UUID
    vehicle_id: str
    operator_id: str
    action_type: ActionType
    processing_time: UtcMs
    metadata: Annotated[
        dict[str, JsonValue], Field(description="what belongs to the action; of a vehicle's command: `VehicleCommand`")
    ]


class VehicleCommand(WireModel):
    """What `OperatorAction.metadata` says, beside its own, of an action that concerns the vehicle itself.

    The topic's key gives the commands of one vehicle no order; `sequence` does.
    """

    sequence: Annotated[int, Field(ge=1, description="grows with each command to this vehicle, for ever")]
    replay_session_id: Annotated[str, Field(description="the command is for this session alone")]
    scene_id: str
    ended_interventions: Annotated[
        list[ActionType] | None, Field(description="interventions that ended with it; all that ran when left out")
    ] = None
