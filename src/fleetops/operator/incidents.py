"""Incidents: how alerts ended. Every resolve writes exactly one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID, uuid5

from pydantic import JsonValue
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.ids import NAMESPACE
from fleetops.contracts.vocabulary import AlertStatus
from fleetops.db.base import JsonObject
from fleetops.db.models import Alert, AnomalyRecord, Disposition, Incident
from fleetops.db.queries import among

from .outbox import Changes
from .views import IncidentView

_SHOWN = ("anomaly_id", "triggered_rule", "features", "thresholds", "evidence", "provenance")
"""Of the anomaly's message, what an incident keeps to be judged by."""

Evidence = Mapping[UUID, JsonObject]


async def resolve(
    session: AsyncSession,
    changes: Changes,
    alerts: Collection[Alert],
    *,
    by: str,
    action_type: str,
    disposition: Disposition | None = None,
) -> None:
    """Resolve live `alerts`, whose vehicles are locked, and write an incident for each; vehicles are not settled."""
    evidence = await read_evidence(session, alerts)
    for alert in alerts:
        close(session, changes, alert, evidence, by=by, action_type=action_type, disposition=disposition)


async def read_evidence(session: AsyncSession, alerts: Collection[Alert]) -> Evidence:
    """By its id, the message of the anomaly that each of `alerts` is judged by."""
    rows = await session.execute(
        select(AnomalyRecord.anomaly_id, AnomalyRecord.message).where(
            among(AnomalyRecord.anomaly_id, [alert.evidence_anomaly_id for alert in alerts])
        )
    )
    return {row.anomaly_id: row.message for row in rows}


def close(
    session: AsyncSession,
    changes: Changes,
    alert: Alert,
    evidence: Evidence,
    *,
    by: str,
    action_type: str,
    disposition: Disposition | None,
) -> None:
    """`resolve` for one alert whose `evidence` was read."""
    now = changes.now
    alert.alert_status = AlertStatus.RESOLVED
    alert.resolved_at, alert.resolved_by, alert.resolved_action_type = now, by, action_type
    alert.disposition, alert.resolve_at = disposition, None
    changes.fleet.live[alert.vehicle_id].pop(alert.alert_id, None)
    changes.touched(alert)
    session.add(_incident(alert, evidence[alert.evidence_anomaly_id], now))


async def incidents_of(
    session: AsyncSession, vehicle_id: str, *, after: tuple[datetime, UUID] | None = None, limit: int = 100
) -> list[IncidentView]:
    """The incidents of a vehicle, newest first, from behind `after` (its creation and id)."""
    query = (
        select(Incident)
        .where(Incident.vehicle_id == vehicle_id)
        .order_by(Incident.created_at.desc(), Incident.incident_id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Incident.created_at, Incident.incident_id) < tuple_(*after))
    return [
        IncidentView(
            incident_id=row.incident_id,
            alert_id=row.alert_id,
            vehicle_id=row.vehicle_id,
            anomaly_type=row.anomaly_type,
            severity=row.severity,
            evidence=row.evidence,
            resolved_action_type=row.resolved_action_type,
            resolved_by_operator_id=row.resolved_by_operator_id,
            resolved_at=row.resolved_at,
            created_at=row.created_at,
        )
        for row in await session.scalars(query)
    ]


def _incident(alert: Alert, message: JsonObject, now: datetime) -> Incident:
    evidence: dict[str, JsonValue] = {name: message.get(name) for name in _SHOWN}
    evidence["occurrences"] = alert.occurrences
    evidence["disposition"] = alert.disposition
    return Incident(
        incident_id=uuid5(NAMESPACE, f"incident/{alert.alert_id}"),
        alert_id=alert.alert_id,
        vehicle_id=alert.vehicle_id,
        anomaly_type=alert.anomaly_type,
        severity=alert.severity,
        evidence=evidence,
        resolved_action_type=alert.resolved_action_type,
        resolved_by_operator_id=alert.resolved_by,
        resolved_at=now,
        created_at=now,
    )
