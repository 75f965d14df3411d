"""Replays of scenes: which one is the newest, hence whose alerts colour the scene's vehicles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import AlertStatus
from fleetops.db.models import Alert, Intervention, InterventionEnd, SceneReplay, Vehicle
from fleetops.db.queries import among

from . import pull_overs
from .delays import Delays
from .fleet import Fleet, lock_vehicles
from .outbox import Changes

SYSTEM = "system"
"""Who acted when no person did."""


@dataclass(frozen=True, slots=True, order=True)
class SceneKey:
    """One scene within one replay session."""

    scene_id: str
    replay_session_id: str


async def begin_scene(
    session: AsyncSession, replay: SceneKey, started_at: datetime, now: datetime, delays: Delays
) -> bool:
    """Say that live telemetry or an anomaly of `replay` was seen; True where that is news. Idempotent.

    From then on the scene's vehicles belong to it, unless a newer replay of the scene is
    known: interventions of the older session end, its alerts no longer colour them, and their
    conditions are over.
    `started_at` is the processing time of what was seen.
    """
    return replay in await enter_scenes(session, {replay: started_at}, now, delays)


async def end_scene(session: AsyncSession, replay: SceneKey, now: datetime, delays: Delays) -> bool:
    """Say that `replay` is over, which ends its interventions and conditions; True where that is news. Idempotent."""
    await _lock_scene(session, replay.scene_id, shared=False)
    ended = await session.execute(
        update(SceneReplay)
        .where(
            SceneReplay.replay_session_id == replay.replay_session_id,
            SceneReplay.scene_id == replay.scene_id,
            SceneReplay.ended_at.is_(None),
        )
        .values(ended_at=now)
        .returning(SceneReplay.scene_id)
    )
    if ended.scalar() is None:
        return False
    fleet = await _lock_scene_vehicles(session, replay.scene_id)
    leaving = dict.fromkeys(fleet.vehicles, replay.replay_session_id)
    await _leave(session, fleet, leaving, now, delays)
    return True


async def enter_scenes(
    session: AsyncSession, started: Mapping[SceneKey, datetime], now: datetime, delays: Delays
) -> set[SceneKey]:
    """`begin_scene` for several, given with their start; returns those that are new.

    Until the transaction ends, no newer replay of these scenes can begin.
    """
    rows = await session.execute(
        select(SceneReplay.scene_id, SceneReplay.replay_session_id).where(
            tuple_(SceneReplay.scene_id, SceneReplay.replay_session_id).in_(
                [(key.scene_id, key.replay_session_id) for key in started]
            )
        )
    )
    known = {SceneKey(row.scene_id, row.replay_session_id) for row in rows}
    unknown = [key for key in sorted(started) if key not in known]
    beginning = {key.scene_id for key in unknown}
    for scene_id in sorted({key.scene_id for key in started}):
        await _lock_scene(session, scene_id, shared=scene_id not in beginning)
    begun = set()
    for key in unknown:
        added = await session.execute(
            insert(SceneReplay)
            .values(replay_session_id=key.replay_session_id, scene_id=key.scene_id, started_at=started[key])
            .on_conflict_do_nothing()
            .returning(SceneReplay.scene_id)
        )
        if added.scalar() is not None:
            begun.add(key)
    newest = await newest_sessions(session, {key.scene_id for key in begun})
    for scene_id, replay_session_id in newest.items():
        await _hand_over(session, SceneKey(scene_id, replay_session_id), now, delays)
    return begun


async def newest_sessions(session: AsyncSession, scene_ids: set[str]) -> dict[str, str]:
    """By scene, the live session that began last."""
    rows = await session.execute(
        select(SceneReplay.scene_id, SceneReplay.replay_session_id)
        .ext(distinct_on(SceneReplay.scene_id))
        .where(among(SceneReplay.scene_id, scene_ids))
        .order_by(SceneReplay.scene_id, SceneReplay.started_at.desc(), SceneReplay.replay_session_id.desc())
    )
    return {row.scene_id: row.replay_session_id for row in rows}


async def open_scenes(session: AsyncSession) -> set[SceneKey]:
    """The replays of scenes that began and, as far as is known, have not ended."""
    rows = await session.execute(
        select(SceneReplay.scene_id, SceneReplay.replay_session_id).where(SceneReplay.ended_at.is_(None))
    )
    return {SceneKey(row.scene_id, row.replay_session_id) for row in rows}


async def hold_scenes(session: AsyncSession, scene_ids: set[str]) -> None:
    """Keep newer replays of these scenes from beginning until the transaction ends."""
    for scene_id in sorted(scene_ids):
        await _lock_scene(session, scene_id, shared=True)


async def _hand_over(session: AsyncSession, newest: SceneKey, now: datetime, delays: Delays) -> None:
    fleet = await _lock_scene_vehicles(session, newest.scene_id)
    leaving = {
        vehicle.vehicle_id: vehicle.replay_session_id
        for vehicle in fleet.vehicles.values()
        if vehicle.replay_session_id != newest.replay_session_id
    }
    for vehicle_id in leaving:
        fleet.vehicles[vehicle_id].replay_session_id = newest.replay_session_id
    await _leave(session, fleet, leaving, now, delays)


def end_condition(alert: Alert, now: datetime, delays: Delays) -> None:
    """End the condition of `alert`, whose session is over: nobody is left to say that it ended."""
    if alert.condition_active:
        alert.condition_active, alert.resolve_at = False, now + delays.resolve


async def _leave(
    session: AsyncSession, fleet: Fleet, leaving: Mapping[str, str | None], now: datetime, delays: Delays
) -> None:
    """End what ran on vehicles in the sessions they leave, and show anew what can still be done there.

    A pull-over under way is completed at once: the path has ended before the delay.
    """
    changes = Changes(fleet, now)
    ended: dict[str, set[UUID]] = defaultdict(set)
    under_way: list[Intervention] = []
    for vehicle_id, left in leaving.items():
        running = fleet.running[vehicle_id]
        for intervention in [one for one in running if one.replay_session_id == left]:
            intervention.ended_at, intervention.ended_by = now, SYSTEM
            intervention.end_reason = InterventionEnd.SESSION_ENDED
            running.remove(intervention)
            ended[vehicle_id].add(intervention.alert_id)
            if intervention.completes_at is not None and intervention.completed_at is None:
                under_way.append(intervention)
        if left is not None:
            fleet.over.add((left, fleet.vehicles[vehicle_id].scene_id))
    begun_by = {alert_id for alert_ids in ended.values() for alert_id in alert_ids}
    resolved = await session.scalars(
        select(Alert).where(among(Alert.alert_id, begun_by), Alert.alert_status == AlertStatus.RESOLVED)
    )
    for alert in resolved:
        changes.touched(alert)
    await pull_overs.complete(session, changes, under_way)
    for vehicle_id, left in leaving.items():
        for alert in fleet.live[vehicle_id].values():
            if alert.replay_session_id == left:
                end_condition(alert, now, delays)
                changes.touched(alert)
        changes.settle(fleet.vehicles[vehicle_id], shown_anew=bool(ended[vehicle_id]))
    await changes.write(session)


async def _lock_scene_vehicles(session: AsyncSession, scene_id: str) -> Fleet:
    ids = await session.scalars(select(Vehicle.vehicle_id).where(Vehicle.scene_id == scene_id))
    return await lock_vehicles(session, ids.all())


async def _lock_scene(session: AsyncSession, scene_id: str, *, shared: bool) -> None:
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    await session.execute(select(lock(func.hashtextextended(f"fleetops/scene/{scene_id}", 0))))
