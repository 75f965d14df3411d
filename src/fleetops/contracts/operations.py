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
    metadata: dict[str, JsonValue]
