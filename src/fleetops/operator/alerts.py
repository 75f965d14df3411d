"""Alerts, shown: filtered, paged, one by one, with the anomalies behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.anomalies import Anomaly
from fleetops.db.models import Alert, AnomalyRecord
from fleetops.errors import NotFoundError

from .fleet import read_vehicles
from .search import AlertFilter
from .views import AlertView

__all__ = ["AlertAnomalies", "AlertFilter", "anomalies_of", "get_alert", "list_alerts"]


@dataclass(frozen=True, slots=True)
class AlertAnomalies:
    """Two of an alert's occurrences; often the same."""

    opened_by: Anomaly
    evidence: Anomaly
    """The newest of the most severe: what a person should judge it by."""


async def list_alerts(
    session: AsyncSession, wanted: AlertFilter, *, after: tuple[datetime, UUID] | None = None, limit: int | None = 100
) -> list[AlertView]:
    """Alerts newest first, from behind `after` (creation and id of the last seen); all without a `limit`."""
    query = select(Alert).where(*wanted.conditions())
    query = query.order_by(Alert.created_at.desc(), Alert.alert_id.desc()).limit(limit)
    if after is not None:
        query = query.where(tuple_(Alert.created_at, Alert.alert_id) < tuple_(*after))
    alerts = (await session.scalars(query)).all()
    fleet = await read_vehicles(session, {alert.vehicle_id for alert in alerts})
    return [fleet.alert_view(alert) for alert in alerts]


async def get_alert(session: AsyncSession, alert_id: UUID) -> AlertView:
    """One alert.

    Raises:
        NotFoundError: there is none of this id.
    """
    alert = await session.get(Alert, alert_id)
    if alert is None:
        raise NotFoundError("alert", alert_id)
    return (await read_vehicles(session, [alert.vehicle_id])).alert_view(alert)


async def anomalies_of(session: AsyncSession, alert_id: UUID) -> AlertAnomalies:
    """The anomalies behind an alert: what opened it, and what to judge it by.

    Raises:
        NotFoundError: there is no alert of this id.
    """
    alert = await session.get(Alert, alert_id)
    if alert is None:
        raise NotFoundError("alert", alert_id)
    opened_by = await session.get_one(AnomalyRecord, alert.anomaly_id)
    evidence = await session.get_one(AnomalyRecord, alert.evidence_anomaly_id)
    return AlertAnomalies(
        opened_by=Anomaly.model_validate(opened_by.message),
        evidence=Anomaly.model_validate(evidence.message),
    )
