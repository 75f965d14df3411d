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
from .search import IncidentFilter
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


async def list_incidents(
    session: AsyncSession,
    wanted: IncidentFilter,
    *,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 100,
) -> list[IncidentView]:
    """Incidents newest first, from behind `after` (creation and id of the last seen)."""
    query = (
        select(Incident, Alert.scene_id, Alert.replay_session_id, Alert.disposition)
        .join(Alert, Alert.alert_id == Incident.alert_id)
        .where(*wanted.conditions())
        .order_by(Incident.created_at.desc(), Incident.incident_id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(Incident.created_at, Incident.incident_id) < tuple_(*after))
    return [
        IncidentView(
            incident_id=incident.incident_id,
            alert_id=incident.alert_id,
            vehicle_id=incident.vehicle_id,
            scene_id=scene_id,
            replay_session_id=replay_session_id,
            anomaly_type=incident.anomaly_type,
            severity=incident.severity,
            disposition=disposition,
            evidence=incident.evidence,
            resolved_action_type=incident.resolved_action_type,
            resolved_by_operator_id=incident.resolved_by_operator_id,
            resolved_at=incident.resolved_at,
            created_at=incident.created_at,
        )
        for incident, scene_id, replay_session_id, disposition in await session.execute(query)
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
