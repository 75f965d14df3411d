"""Dropouts that a scene-wide blackout explains: linked to it, visible, and still on the record.

When the sensors of a scene go dark, every vehicle in view falls silent. That is one thing to
look at and not fifty, so each single dropout names the alert of the blackout.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from .fleet import lock_vehicles
from .outbox import Changes

SCENE_WIDE_RULES: Final = ("active_agents_dropped", "active_agents_collapsed")
"""The rules that speak of a whole scene, of all rule sets; what they find is borne by the scene's ego."""

WITHIN: Final = timedelta(seconds=3)
"""Event time between blackout and dropout. A vehicle that fell silent is forgotten after 2 s, so its
dropout is found by then; a rule that counts agents over a second may find the blackout after it."""

_BATCH: Final = 500

_UNEXPLAINED: Final = text(
    """
    WITH dropouts AS MATERIALIZED (
        SELECT alert_id, vehicle_id, replay_session_id, scene_id, event_time FROM alerts
        WHERE alert_status <> 'RESOLVED' AND anomaly_type = 'dropout_proxy' AND explained_by_alert_id IS NULL
    ), scenes AS (
        SELECT DISTINCT replay_session_id, scene_id FROM dropouts
    ), blackouts AS MATERIALIZED (
        SELECT scenes.replay_session_id, scenes.scene_id, anomalies.vehicle_id, anomalies.alert_id, anomalies.event_time
        FROM scenes JOIN anomalies
            ON anomalies.vehicle_id = scenes.scene_id || '_ego'
            AND anomalies.replay_session_id = scenes.replay_session_id
        WHERE anomalies.anomaly_type = 'dropout_proxy' AND anomalies.status = 'ACTIVE'
            AND anomalies.alert_id IS NOT NULL
            AND anomalies.message ->> 'triggered_rule' = ANY(CAST(:rules AS text[]))
    )
    SELECT DISTINCT ON (dropouts.alert_id) dropouts.alert_id, dropouts.vehicle_id, blackouts.alert_id AS explained_by
    FROM dropouts JOIN blackouts
        ON blackouts.replay_session_id = dropouts.replay_session_id AND blackouts.scene_id = dropouts.scene_id
        AND blackouts.vehicle_id <> dropouts.vehicle_id
        AND blackouts.event_time BETWEEN dropouts.event_time - CAST(:within AS interval)
            AND dropouts.event_time + CAST(:within AS interval)
    ORDER BY dropouts.alert_id, blackouts.event_time
    LIMIT :limit
    """
)


async def explain(db: AsyncSession, now: datetime) -> int:
    """Link live dropouts to the blackout that explains them, some at a time; how many were.

    Blackout and dropouts come in any order, from different partitions. Vehicles that another
    transaction holds are left for the next time.
    """
    found = await db.execute(_UNEXPLAINED, {"rules": list(SCENE_WIDE_RULES), "within": WITHIN, "limit": _BATCH})
    rows = found.all()
    if not rows:
        return 0
    fleet = await lock_vehicles(db, {row.vehicle_id for row in rows}, skip_locked=True)
    changes = Changes(fleet, now)
    explained = 0
    for row in rows:
        alert = fleet.live[row.vehicle_id].get(row.alert_id)
        if alert is not None and alert.explained_by_alert_id is None:
            alert.explained_by_alert_id = row.explained_by
            changes.touched(alert)
            explained += 1
    await changes.write(db)
    return explained
