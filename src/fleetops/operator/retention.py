"""What is old is let go: resolved alerts with all that hangs on them, told events, the audit log behind an anchor.

Nothing that is live is touched, however old: an alert that is not resolved, an intervention
that runs, an event that Kafka or a webhook has not got yet.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Final

from sqlalchemy import TextClause, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.wire import format_utc_ms
from fleetops.db.audit import AuditAnchor, AuditRow

from . import audit
from .audit_reading import PRUNED, anchor_of, head_of

BATCH: Final = 2_000
"""Alerts, anomalies or events let go in one transaction: short enough for others not to notice."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows went."""

    alerts: int = 0
    incidents: int = 0
    actions: int = 0
    interventions: int = 0
    anomalies: int = 0
    events: int = 0
    silences: int = 0
    scene_replays: int = 0
    audit_entries: int = 0

    def __add__(self, other: Pruned) -> Pruned:
        """Both together."""
        sums = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        return replace(self, **sums)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, each.name) for each in fields(self))


HANG_ON_ALERTS: Final = {
    "incident_history": "incidents",
    "operator_actions": "actions",
    "interventions": "interventions",
}
"""Tables whose rows go with their alert, and what `Pruned` calls them."""

_OLD_ALERTS: Final = text(
    """
    SELECT alert_id FROM alerts
    WHERE alert_status = 'RESOLVED' AND resolved_at < :cutoff
        AND NOT EXISTS (
            SELECT FROM interventions
            WHERE interventions.alert_id = alerts.alert_id AND interventions.ended_at IS NULL
        )
    ORDER BY resolved_at LIMIT :limit FOR UPDATE SKIP LOCKED
    """
)
_OLD_ANOMALIES: Final = text(
    """
    DELETE FROM anomalies WHERE anomaly_id IN (
        SELECT anomaly_id FROM anomalies
        WHERE received_at < :cutoff
            AND (alert_id IS NULL OR NOT EXISTS (SELECT FROM alerts WHERE alerts.alert_id = anomalies.alert_id))
            AND NOT EXISTS (
                SELECT FROM alerts
                WHERE anomalies.anomaly_id IN (alerts.anomaly_id, alerts.evidence_anomaly_id)
                    AND alerts.vehicle_id = anomalies.vehicle_id
            )
        LIMIT :limit
    )
    """
)
_FIRST_KEPT_EVENT: Final = text(
    """
    SELECT least(
        (SELECT min(seq) FROM outbox WHERE created_at >= :cutoff AND seq IS NOT NULL),
        (SELECT min(seq) FROM outbox WHERE published_at IS NULL AND topic IS NOT NULL AND seq IS NOT NULL),
        (SELECT min(delivered_seq) + 1 FROM webhooks WHERE disabled_at IS NULL),
        (SELECT last_seq + 1 FROM outbox_counter)
    )
    """
)
_OLD_EVENTS: Final = text(
    "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox WHERE seq < :kept ORDER BY seq LIMIT :limit)"
)
_OLD_SILENCES: Final = text(
    """
    DELETE FROM silences WHERE ended_at < :cutoff AND NOT EXISTS (
        SELECT FROM alerts WHERE alerts.silence_id = silences.silence_id AND alert_status <> 'RESOLVED'
    )
    """
)
_OLD_REPLAYS: Final = text(
    """
    DELETE FROM scene_replays WHERE ended_at < :cutoff
        AND NOT EXISTS (
            SELECT FROM vehicles WHERE vehicles.scene_id = scene_replays.scene_id
                AND vehicles.replay_session_id = scene_replays.replay_session_id
        )
        AND NOT EXISTS (
            SELECT FROM alerts WHERE alerts.replay_session_id = scene_replays.replay_session_id
        )
        AND EXISTS (
            SELECT FROM scene_replays AS newer
            WHERE newer.scene_id = scene_replays.scene_id AND newer.started_at > scene_replays.started_at
        )
    """
)


async def prune_some(db: AsyncSession, cutoff: datetime, anomalies_cutoff: datetime | None) -> Pruned:
    """Let go of a batch of what ended before `cutoff`; nothing left where all figures are 0.

    `anomalies_cutoff`: anomalies received before it cannot come again from Kafka, so their ids
    need not be known any more; None keeps them all.
    """
    found = await _alerts(db, cutoff)
    if anomalies_cutoff is not None:
        found += Pruned(anomalies=await _rows(db, _OLD_ANOMALIES, cutoff=anomalies_cutoff, limit=BATCH))
    kept = await db.scalar(_FIRST_KEPT_EVENT, {"cutoff": cutoff})
    found += Pruned(events=await _rows(db, _OLD_EVENTS, kept=kept, limit=BATCH))
    return found + Pruned(
        silences=await _rows(db, _OLD_SILENCES, cutoff=cutoff),
        scene_replays=await _rows(db, _OLD_REPLAYS, cutoff=cutoff),
    )


async def prune_audit(db: AsyncSession, cutoff: datetime, now: datetime) -> Pruned:
    """Let go of the audit entries before `cutoff`, in one piece from the beginning of the chain.

    An anchor keeps the place and hash of the last of them, and an entry says that it does.
    Verify the chain before: what is gone cannot be.
    """
    head, anchor = await head_of(db), await anchor_of(db)
    if head is None:
        return Pruned()
    first_kept = await db.scalar(select(func.min(AuditRow.number)).where(AuditRow.at >= cutoff))
    through = head.number if first_kept is None else first_kept - 1
    if through <= anchor.number:
        return Pruned()
    hash_there = (await db.scalars(select(AuditRow.hash).where(AuditRow.number == through))).one()
    db.add(AuditAnchor(number=through, hash=hash_there or "", created_at=now))
    await db.flush()
    gone = await db.scalars(delete(AuditRow).where(AuditRow.number <= through).returning(AuditRow.id))
    count = len(gone.all())
    await audit.record(
        db,
        audit.Entry(now, audit.SYSTEM, PRUNED, "audit", str(through), details={"through": through, "hash": hash_there}),
    )
    return Pruned(audit_entries=count)


async def note(db: AsyncSession, pruned: Pruned, cutoff: datetime, now: datetime) -> None:
    """Say in the audit log what went."""
    counts = {each.name: getattr(pruned, each.name) for each in fields(pruned)}
    await audit.record(
        db,
        audit.Entry(
            now,
            audit.SYSTEM,
            "database.pruned",
            "database",
            "operator",
            details={"older_than": format_utc_ms(cutoff), **counts},
        ),
    )


async def _alerts(db: AsyncSession, cutoff: datetime) -> Pruned:
    ids = (await db.scalars(_OLD_ALERTS, {"cutoff": cutoff, "limit": BATCH})).all()
    if not ids:
        return Pruned()
    counts = {
        called: await _rows(db, text(f"DELETE FROM {table} WHERE alert_id = ANY(CAST(:ids AS uuid[]))"), ids=ids)  # noqa: S608 - names of ours
        for table, called in HANG_ON_ALERTS.items()
    }
    gone = await _rows(db, text("DELETE FROM alerts WHERE alert_id = ANY(CAST(:ids AS uuid[]))"), ids=ids)
    return Pruned(alerts=gone, **counts)


async def _rows(db: AsyncSession, statement: TextClause, **values: object) -> int:
    gone = await db.execute(text(f"WITH gone AS ({statement.text} RETURNING 1) SELECT count(*) FROM gone"), values)  # noqa: S608 - statements of ours
    return int(gone.scalar_one())
