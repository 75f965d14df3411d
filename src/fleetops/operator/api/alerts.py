"""Alerts: read them, and act on them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from fleetops.contracts.vocabulary import AlertStatus, AnomalyType, Severity

from .schemas import Acknowledged, ActionCommand, AlertDetail, AlertPage, Assigned, Executed, OperatorCommand

router = APIRouter(prefix="/alerts", tags=["alerts"])


@router.get("")
async def list_alerts(
    status: Annotated[list[AlertStatus] | None, Query(description="any of these")] = None,
    severity: Annotated[list[Severity] | None, Query(description="any of these")] = None,
    vehicle_id: Annotated[str | None, Query(max_length=255)] = None,
    anomaly_type: Annotated[
        list[AnomalyType] | None, Query(alias="type", description="any of these anomaly types")
    ] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AlertPage:
    """Alerts that match all filters, newest first."""
    raise NotImplementedError


@router.get("/{alert_id}")
async def get_alert(alert_id: UUID) -> AlertDetail:
    """One alert, the anomaly behind it, its vehicle, and what was done."""
    raise NotImplementedError


@router.post("/{alert_id}/acknowledge")
async def acknowledge(alert_id: UUID, command: OperatorCommand) -> Acknowledged:
    """Say that a person has seen it."""
    raise NotImplementedError


@router.post("/{alert_id}/assign")
async def assign(alert_id: UUID, command: OperatorCommand) -> Assigned:
    """Take it: the caller becomes its operator."""
    raise NotImplementedError


@router.post("/{alert_id}/actions")
async def act(alert_id: UUID, command: ActionCommand) -> Executed:
    """Do one of its `allowed_actions`."""
    raise NotImplementedError
