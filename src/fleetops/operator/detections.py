"""Anomalies into alerts: each is recorded once, by its id, and applied only if that was news."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, cast, column, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import AlertStatus, AnomalyStatus, Purpose
from fleetops.db.models import Alert, AnomalyRecord, OutboxKind

from .conditions import Condition, Course, begin, go_on
from .delays import Delays
from .fleet import Fleet, lock_vehicles
from .outbox import Changes
from .scenes import SceneKey, end_condition, enter_scenes
from .vehicles import add_vehicles, track_of


@dataclass(frozen=True, slots=True)
class Opened:
    """An alert that was opened, and the anomaly that did it."""

    alert_id: UUID
    anomaly: Anomaly


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch of anomalies came to."""

    opened: tuple[Opened, ...] = ()
    news: int = 0
    """Anomalies never seen before; the rest changed nothing."""


async def apply_anomalies(session: AsyncSession, batch: Sequence[Anomaly], now: datetime, delays: Delays) -> Applied:
    """Record the anomalies of `batch`, in its order, and open or change the alerts of their conditions.

    Idempotent for ever: an anomaly whose id is recorded already changes nothing, also after
    its alert was resolved. What goes into the outbox does not depend on how a stream of
    anomalies is cut into batches. Anomalies of `review` sessions leave no trace.
    """
    live = {a.anomaly_id: a for a in batch if a.provenance.purpose is Purpose.LIVE}
    fresh = await _record(session, live.values())
    news = [anomaly for anomaly_id, anomaly in live.items() if anomaly_id in fresh]
    if not news:
        return Applied()
    started: dict[SceneKey, datetime] = {}
    for anomaly in news:
        key = SceneKey(anomaly.provenance.scene_id, anomaly.provenance.replay_session_id)
        started.setdefault(key, anomaly.processing_time)
    await enter_scenes(session, started, now, delays)
    tracks = {a.vehicle_id: track_of(a.vehicle_id, a.provenance.scene_id) for a in news}
    await add_vehicles(session, tracks, now)
    fleet = await lock_vehicles(session, tracks)
    ledger = _Ledger(fleet, await _repeated(session, {Condition.of(anomaly) for anomaly in news}))
    changes = Changes(fleet, now)
    opened = []
    links: dict[UUID, UUID] = {}
    for anomaly in news:
        before = ledger.find(anomaly)
        alert = ledger.open(anomaly, now, delays) if before is None else before
        if alert is None:
            continue
        links[anomaly.anomaly_id] = alert.alert_id
        if before is None:
            session.add(alert)
            opened.append(Opened(alert.alert_id, anomaly))
            changes.alert(alert, OutboxKind.ALERT_CREATED)
        elif ledger.carry_on(alert, anomaly, now, delays):
            changes.alert(alert)
        changes.settle(fleet.vehicles[anomaly.vehicle_id])
    await changes.write(session)
    await _link(session, links)
    return Applied(tuple(opened), len(news))


class _Ledger:
    """The live alerts of locked vehicles, by condition."""

    def __init__(self, fleet: Fleet, repeated: dict[Condition, UUID]) -> None:
        self._fleet = fleet
        self._repeated = repeated
        self._live = {
            Condition(alert.replay_session_id, alert.vehicle_id, alert.anomaly_type): alert
            for alerts in fleet.live.values()
            for alert in alerts.values()
        }

    def find(self, anomaly: Anomaly) -> Alert | None:
        """The live alert of the anomaly's condition."""
        return self._live.get(Condition.of(anomaly))

    def open(self, anomaly: Anomaly, now: datetime, delays: Delays) -> Alert | None:
        """A new alert for its condition; None where it says that a condition without one has ended."""
        if anomaly.status is AnomalyStatus.CLEARED:
            return None
        condition = Condition.of(anomaly)
        alert = Alert(
            alert_id=ids.alert_id(anomaly.anomaly_id),
            anomaly_id=anomaly.anomaly_id,
            vehicle_id=anomaly.vehicle_id,
            event_time=anomaly.event_time,
            alert_status=AlertStatus.OPEN,
            anomaly_type=anomaly.anomaly_type,
            created_at=now,
            scene_id=anomaly.provenance.scene_id,
            replay_session_id=anomaly.provenance.replay_session_id,
            triggered_rule=anomaly.triggered_rule,
            repeats_alert_id=self._repeated.get(condition),
        )
        _set_course(alert, begin(anomaly))
        self._end_with_session(alert, now, delays)
        self._live[condition] = alert
        self._fleet.live[alert.vehicle_id][alert.alert_id] = alert
        return alert

    def carry_on(self, alert: Alert, anomaly: Anomaly, now: datetime, delays: Delays) -> bool:
        """Apply `anomaly` to the alert of its condition; whether that changed it."""
        before = _course(alert)
        after = go_on(before, anomaly, now, delays.resolve)
        if after is before:
            return False
        _set_course(alert, after)
        if after.severity is not before.severity:
            alert.snoozed_until = None  # somebody put off what was less severe
        self._end_with_session(alert, now, delays)
        return True

    def _end_with_session(self, alert: Alert, now: datetime, delays: Delays) -> None:
        """A straggler of a session that is over says how it was, not how it is."""
        if not self._fleet.standing(alert).session_runs:
            end_condition(alert, now, delays)


def _course(alert: Alert) -> Course:
    return Course(
        version=alert.version,
        occurrences=alert.occurrences,
        severity=alert.severity,
        evidence_anomaly_id=alert.evidence_anomaly_id,
        last_seen_at=alert.last_seen_at,
        condition_active=alert.condition_active,
        condition_event_time=alert.condition_event_time,
        resolve_at=alert.resolve_at,
    )


def _set_course(alert: Alert, course: Course) -> None:
    alert.version = course.version
    alert.occurrences = course.occurrences
    alert.severity = course.severity
    alert.evidence_anomaly_id = course.evidence_anomaly_id
    alert.last_seen_at = course.last_seen_at
    alert.condition_active = course.condition_active
    alert.condition_event_time = course.condition_event_time
    alert.resolve_at = course.resolve_at


async def _record(session: AsyncSession, anomalies: Iterable[Anomaly]) -> set[UUID]:
    """Insert what is not there yet, and return the ids of that."""
    # In the order of ids: two transactions that share some would else wait for each other.
    ordered = sorted(anomalies, key=lambda anomaly: anomaly.anomaly_id)
    if not ordered:
        return set()
    rows = [
        {
            "anomaly_id": anomaly.anomaly_id,
            "event_id": anomaly.event_id,
            "vehicle_id": anomaly.vehicle_id,
            "replay_session_id": anomaly.provenance.replay_session_id,
            "scene_id": anomaly.provenance.scene_id,
            "frame_index": anomaly.provenance.frame_index,
            "event_time": anomaly.event_time,
            "processing_time": anomaly.processing_time,
            "anomaly_type": anomaly.anomaly_type,
            "severity": anomaly.severity,
            "status": anomaly.status,
            "message": anomaly.model_dump(mode="json"),
        }
        for anomaly in ordered
    ]
    inserted = await session.scalars(
        insert(AnomalyRecord).on_conflict_do_nothing().returning(AnomalyRecord.anomaly_id), rows
    )
    return set(inserted)


async def _repeated(session: AsyncSession, conditions: set[Condition]) -> dict[Condition, UUID]:
    """By condition, the alert of it that was resolved last."""
    key = (Alert.replay_session_id, Alert.vehicle_id, Alert.anomaly_type)
    rows = await session.execute(
        select(*key, Alert.alert_id)
        .ext(distinct_on(*key))
        .where(
            tuple_(*key).in_([(c.replay_session_id, c.vehicle_id, c.anomaly_type) for c in conditions]),
            Alert.alert_status == AlertStatus.RESOLVED,
        )
        .order_by(*key, Alert.resolved_at.desc(), Alert.alert_id)
    )
    return {Condition(row.replay_session_id, row.vehicle_id, row.anomaly_type): row.alert_id for row in rows}


async def _link(session: AsyncSession, links: dict[UUID, UUID]) -> None:
    """Note at each anomaly which alert it was applied to."""
    if not links:
        return
    pair = (
        func.unnest(cast(list(links), ARRAY(Uuid)), cast(list(links.values()), ARRAY(Uuid)))
        .table_valued(column("anomaly_id", Uuid), column("alert_id", Uuid), name="pair")
        .render_derived()
    )
    await session.execute(
        update(AnomalyRecord)
        .where(AnomalyRecord.anomaly_id == pair.c.anomaly_id)
        .values(alert_id=pair.c.alert_id)
        .execution_options(synchronize_session=False)
    )
