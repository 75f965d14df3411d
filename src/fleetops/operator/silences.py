"""Silences: made, changed and lifted by supervisors, ended by their clock, and kept as a record.

Which silence hides an alert is settled whenever the alert changes (`outbox.Changes`). What
changes without the alert does is settled here: a silence begins, is lifted, or expires.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import AnomalyType, Severity
from fleetops.contracts.wire import format_utc_ms
from fleetops.db.noise import Silence
from fleetops.errors import ConflictError, InvalidRequestError, NotFoundError

from . import audit
from .fleet import lock_vehicles
from .outbox import Changes, facts_of
from .silencing import silenced_by

LONGEST: Final = timedelta(days=30)
"""A silence is forgotten easily; what shall never be seen is a matter of the rules."""

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Wish:
    """A silence that a supervisor asks for."""

    reason: str
    expires_at: datetime
    vehicle_id: str | None = None
    scene_id: str | None = None
    anomaly_type: AnomalyType | None = None
    triggered_rule: str | None = None
    severity_up_to: Severity = Severity.WARNING


async def create(db: AsyncSession, wish: Wish, silence_id: UUID, by: str, now: datetime) -> Silence:
    """Begin a silence, and hide what it matches.

    Raises:
        InvalidRequestError: it would hide everything, says no reason, or ends in the past or too late.
    """
    if (wish.vehicle_id, wish.scene_id, wish.anomaly_type, wish.triggered_rule) == (None,) * 4:
        raise InvalidRequestError(
            "a silence needs at least one of vehicle_id, scene_id, anomaly_type and triggered_rule: "
            "this one would hide everything"
        )
    _check(wish.reason, wish.expires_at, now)
    silence = Silence(
        silence_id=silence_id,
        vehicle_id=wish.vehicle_id,
        scene_id=wish.scene_id,
        anomaly_type=wish.anomaly_type,
        triggered_rule=wish.triggered_rule,
        severity_up_to=wish.severity_up_to,
        reason=wish.reason,
        created_at=now,
        created_by=by,
        expires_at=wish.expires_at,
        ended_at=None,
        ended_by=None,
        version=1,
    )
    db.add(silence)
    await db.flush()
    await audit.record(db, _entry(silence, "created", by, now, _facts(silence)))
    await settle(db, now, skip_locked=False)
    return silence


async def change(
    db: AsyncSession, silence_id: UUID, *, reason: str | None, expires_at: datetime | None, by: str, now: datetime
) -> Silence:
    """Give a running silence another end or reason.

    Raises:
        NotFoundError: there is none of this id.
        ConflictError: it has ended.
        InvalidRequestError: it would end in the past, or too late.
    """
    silence = await _running(db, silence_id, now)
    _check(reason or silence.reason, expires_at or silence.expires_at, now)
    before = {"reason": silence.reason, "expires_at": format_utc_ms(silence.expires_at)}
    silence.reason, silence.expires_at = reason or silence.reason, expires_at or silence.expires_at
    silence.version += 1
    await db.flush()
    await audit.record(db, _entry(silence, "changed", by, now, {**_facts(silence), "before": {**before}}))
    await settle(db, now, skip_locked=False)
    return silence


async def lift(db: AsyncSession, silence_id: UUID, *, by: str, now: datetime) -> Silence:
    """End a silence now, and show what it hid. One that has ended already stays as it is.

    Raises:
        NotFoundError: there is none of this id.
    """
    silence = await db.get(Silence, silence_id, with_for_update=True, populate_existing=True)
    if silence is None:
        raise NotFoundError("silence", silence_id)
    if silence.ended_at is None:
        silence.ended_at, silence.ended_by = now, by
        silence.version += 1
        await db.flush()
        await audit.record(db, _entry(silence, "lifted", by, now, {"reason": silence.reason}))
        await settle(db, now, skip_locked=False)
    return silence


async def get(db: AsyncSession, silence_id: UUID) -> Silence:
    """One silence.

    Raises:
        NotFoundError: there is none of this id.
    """
    silence = await db.get(Silence, silence_id)
    if silence is None:
        raise NotFoundError("silence", silence_id)
    return silence


async def list_silences(
    db: AsyncSession, *, running: bool | None, after: tuple[datetime, UUID] | None = None, limit: int = 100
) -> list[Silence]:
    """Silences newest first, from behind `after` (creation and id); with `running`, only those that run, or ended."""
    query = select(Silence).order_by(Silence.created_at.desc(), Silence.silence_id.desc()).limit(limit)
    if running is not None:
        query = query.where(Silence.ended_at.is_(None) if running else Silence.ended_at.is_not(None))
    if after is not None:
        query = query.where(tuple_(Silence.created_at, Silence.silence_id) < tuple_(*after))
    return list(await db.scalars(query))


async def expire(db: AsyncSession, now: datetime) -> int:
    """End the silences whose time is over; how many there were."""
    ended = await db.execute(
        update(Silence)
        .where(Silence.ended_at.is_(None), Silence.expires_at <= now)
        .values(ended_at=Silence.expires_at, ended_by=audit.SYSTEM, version=Silence.version + 1)
        .returning(Silence.silence_id, Silence.version, Silence.reason)
        .execution_options(synchronize_session=False)
    )
    entries = [
        audit.Entry(
            now, audit.SYSTEM, "silence.expired", "silence", str(row.silence_id), row.version, {"reason": row.reason}
        )
        for row in ended
    ]
    await audit.record_all(db, entries)
    return len(entries)


# The live alerts are few among all; kept apart, since the planner would else walk the index of all vehicles.
_UNSETTLED: Final = text(
    """
    WITH live AS MATERIALIZED (
        SELECT vehicle_id, scene_id, anomaly_type, triggered_rule, severity, silence_id
        FROM alerts WHERE alert_status <> 'RESOLVED'
    )
    SELECT DISTINCT live.vehicle_id
    FROM live
    LEFT JOIN LATERAL (
        SELECT silence_id FROM silences
        WHERE ended_at IS NULL AND expires_at > :now
            AND (silences.vehicle_id IS NULL OR silences.vehicle_id = live.vehicle_id)
            AND (silences.scene_id IS NULL OR silences.scene_id = live.scene_id)
            AND (silences.anomaly_type IS NULL OR silences.anomaly_type = live.anomaly_type)
            AND (silences.triggered_rule IS NULL OR silences.triggered_rule = live.triggered_rule)
            AND (silences.severity_up_to = 'CRITICAL' OR live.severity = 'INFO'
                OR (live.severity = 'WARNING' AND silences.severity_up_to = 'WARNING'))
        ORDER BY expires_at DESC, silence_id DESC LIMIT 1
    ) AS hidden ON true
    WHERE live.silence_id IS DISTINCT FROM hidden.silence_id
    LIMIT :limit
    """
)

_ANY: Final = text(
    """
    SELECT EXISTS (SELECT FROM silences WHERE ended_at IS NULL)
        OR EXISTS (SELECT FROM alerts WHERE alert_status <> 'RESOLVED' AND silence_id IS NOT NULL)
    """
)


async def settle(db: AsyncSession, now: datetime, *, skip_locked: bool = True) -> int:
    """Hide and show live alerts as the silences of `now` have it, some at a time; how many changed.

    An alert that was being opened while its silence began is found here, too. With
    `skip_locked`, vehicles that another transaction holds are left for the next time.
    """
    if not await db.scalar(_ANY):
        return 0
    vehicles = await unsettled(db, now)
    if not vehicles:
        return 0
    fleet = await lock_vehicles(db, vehicles, skip_locked=skip_locked)
    changes = Changes(fleet, now)
    changed = 0
    for alerts in fleet.live.values():
        for alert in alerts.values():
            if silenced_by(facts_of(alert), fleet.silences, now) != alert.silence_id:
                changes.touched(alert)
                changed += 1
    await changes.write(db)
    return changed


async def unsettled(db: AsyncSession, now: datetime) -> Sequence[str]:
    """Vehicles with a live alert whose flag is not what the silences of `now` make it, some of them."""
    return (await db.scalars(_UNSETTLED, {"now": now, "limit": BATCH})).all()


async def _running(db: AsyncSession, silence_id: UUID, now: datetime) -> Silence:
    silence = await db.get(Silence, silence_id, with_for_update=True, populate_existing=True)
    if silence is None:
        raise NotFoundError("silence", silence_id)
    if silence.ended_at is not None or silence.expires_at <= now:
        raise ConflictError("the silence has ended; make a new one")
    return silence


def _check(reason: str, expires_at: datetime, now: datetime) -> None:
    if not reason.strip():
        raise InvalidRequestError("a silence needs a reason")
    if expires_at <= now:
        raise InvalidRequestError("expires_at must lie in the future")
    if expires_at > now + LONGEST:
        raise InvalidRequestError(f"a silence ends within {LONGEST.days} days; expires_at is later")


def _entry(silence: Silence, what: str, by: str, now: datetime, details: Mapping[str, JsonValue]) -> audit.Entry:
    return audit.Entry(
        now, by, f"silence.{what}", "silence", str(silence.silence_id), version=silence.version, details=details
    )


def _facts(silence: Silence) -> dict[str, JsonValue]:
    return {
        "reason": silence.reason,
        "expires_at": format_utc_ms(silence.expires_at),
        "vehicle_id": silence.vehicle_id,
        "scene_id": silence.scene_id,
        "anomaly_type": silence.anomaly_type,
        "triggered_rule": silence.triggered_rule,
        "severity_up_to": silence.severity_up_to,
    }
