"""Live alerts by scene and type: what is one matter, seen as one."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import AlertStatus, AnomalyType, Severity
from fleetops.contracts.wire import UtcMs
from fleetops.db.models import Alert

from .views import View

_SEVERITIES = tuple(Severity)
_RANK = {severity: rank for rank, severity in enumerate(_SEVERITIES)}


class AlertGroup(View):
    """The live alerts of one type in one scene of one replay session."""

    replay_session_id: str
    scene_id: str
    anomaly_type: AnomalyType
    alerts: Annotated[int, Field(description="how many are live: OPEN or ACKNOWLEDGED")]
    vehicles: int
    open: int
    critical: int
    severity: Annotated[Severity, Field(description="the highest among them")]
    silenced: Annotated[int, Field(description="of them, hidden by a silence")]
    explained: Annotated[int, Field(description="of them, explained by a scene-wide blackout")]
    first_created_at: UtcMs
    last_created_at: UtcMs


async def group_alerts(db: AsyncSession, *, scene_id: str | None = None, limit: int = 200) -> list[AlertGroup]:
    """Live alerts by session, scene and type: the most severe first, then the newest."""
    rank = func.max(case(_RANK, value=Alert.severity))
    query = (
        select(
            Alert.replay_session_id,
            Alert.scene_id,
            Alert.anomaly_type,
            func.count().label("alerts"),
            func.count(Alert.vehicle_id.distinct()).label("vehicles"),
            func.count().filter(Alert.alert_status == AlertStatus.OPEN).label("open"),
            func.count().filter(Alert.severity == Severity.CRITICAL).label("critical"),
            rank.label("rank"),
            func.count(Alert.silence_id).label("silenced"),
            func.count(Alert.explained_by_alert_id).label("explained"),
            func.min(Alert.created_at).label("first"),
            func.max(Alert.created_at).label("last"),
        )
        .where(Alert.alert_status != AlertStatus.RESOLVED)
        .group_by(Alert.replay_session_id, Alert.scene_id, Alert.anomaly_type)
        .order_by(rank.desc(), func.max(Alert.created_at).desc(), Alert.scene_id, Alert.anomaly_type)
        .limit(limit)
    )
    if scene_id is not None:
        query = query.where(Alert.scene_id == scene_id)
    return [
        AlertGroup(
            replay_session_id=row.replay_session_id,
            scene_id=row.scene_id,
            anomaly_type=row.anomaly_type,
            alerts=row.alerts,
            vehicles=row.vehicles,
            open=row.open,
            critical=row.critical,
            severity=_SEVERITIES[row.rank],
            silenced=row.silenced,
            explained=row.explained,
            first_created_at=row.first,
            last_created_at=row.last,
        )
        for row in await db.execute(query)
    ]
