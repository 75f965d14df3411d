"""Alerts: read them, and act on them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from fleetops.contracts.vocabulary import ActionType
from fleetops.operator.actions import Outcome, actions_of
from fleetops.operator.alerts import anomalies_of
from fleetops.operator.alerts import get_alert as find_alert
from fleetops.operator.alerts import list_alerts as find_alerts
from fleetops.operator.vehicles import list_vehicles
from fleetops.web import problems

from .callers import InTransaction, Viewer
from .commands import Commanding
from .conflicts import ConflictProblem
from .filters import WantedAlerts
from .paging import decode_moment, encode_moment
from .schemas import (
    Acknowledged,
    ActionCommand,
    AlertDetail,
    AlertPage,
    AssignCommand,
    Assigned,
    Executed,
    OperatorCommand,
)

router = APIRouter(prefix="/alerts", tags=["alerts"])

_COMMAND_PROBLEMS = {
    **problems(401, 403, 404, 422),
    409: {"model": ConflictProblem, "description": "not possible now, or another was quicker"},
}


@router.get("", responses=problems(401, 403, 422))
async def list_alerts(
    _: Viewer,
    db: InTransaction,
    wanted: WantedAlerts,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AlertPage:
    """Alerts that match all filters, newest first."""
    found = await find_alerts(db, wanted, after=decode_moment(cursor) if cursor else None, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return AlertPage(alerts=page, next=encode_moment(page[-1].created_at, page[-1].alert_id) if more else None)


@router.get("/{alert_id}", responses=problems(401, 403, 404, 422))
async def get_alert(_: Viewer, db: InTransaction, alert_id: UUID) -> AlertDetail:
    """One alert, the anomaly behind it, its vehicle, and what was done."""
    alert = await find_alert(db, alert_id)
    anomalies = await anomalies_of(db, alert_id)
    vehicles = await list_vehicles(db, vehicle_id=alert.vehicle_id)
    return AlertDetail(
        alert=alert,
        anomaly=anomalies.opened_by,
        evidence_anomaly=anomalies.evidence,
        vehicle=vehicles[0] if vehicles else None,
        actions=await actions_of(db, alert_id),
    )


@router.post("/{alert_id}/acknowledge", responses=_COMMAND_PROBLEMS)
async def acknowledge(commands: Commanding, alert_id: UUID, command: OperatorCommand) -> Acknowledged:
    """Say that a person has seen it."""

    def answer(outcome: Outcome) -> Acknowledged:
        return Acknowledged(alert_id=alert_id, status=outcome.alert.alert_status, alert=outcome.alert)

    return await commands.perform(alert_id, ActionType.ACKNOWLEDGE, command, Acknowledged, answer)


@router.post("/{alert_id}/assign", responses=_COMMAND_PROBLEMS)
async def assign(commands: Commanding, alert_id: UUID, command: AssignCommand) -> Assigned:
    """Take it: the caller becomes its operator. A supervisor may give it to another."""

    def answer(outcome: Outcome) -> Assigned:
        return Assigned(alert_id=alert_id, assigned_operator_id=outcome.alert.assigned_operator_id, alert=outcome.alert)

    return await commands.perform(alert_id, ActionType.ASSIGN_OPERATOR, command, Assigned, answer)


@router.post("/{alert_id}/actions", responses=_COMMAND_PROBLEMS)
async def act(commands: Commanding, alert_id: UUID, command: ActionCommand) -> Executed:
    """Do one of its `allowed_actions`. What already holds is answered `unchanged`."""

    def answer(outcome: Outcome) -> Executed:
        return Executed(
            action_id=outcome.action and outcome.action.action_id,
            status="executed" if outcome.action else "unchanged",
            alert=outcome.alert,
            vehicle=outcome.vehicle,
        )

    return await commands.perform(alert_id, command.action_type, command, Executed, answer)
