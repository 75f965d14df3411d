"""Replays of a scene follow one another; the vehicles belong to the newest."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from tests.integration.operator.stories import (
    CAR,
    DELAYS,
    NOW,
    START,
    Sessions,
    alerts,
    anomaly,
    cleared,
    count,
    deliver,
    do,
    state,
    the_alert,
    tick,
    told,
)

from fleetops.contracts import ids
from fleetops.contracts.vocabulary import ActionType, AlertStatus, Severity, VehicleState
from fleetops.db.models import Incident, Intervention, InterventionEnd, OutboxKind, Vehicle
from fleetops.db.transaction import transact
from fleetops.errors import IllegalTransitionError
from fleetops.operator.alerts import AlertFilter, list_alerts
from fleetops.operator.detections import apply_anomalies
from fleetops.operator.scenes import SceneKey, begin_scene, end_scene
from fleetops.operator.vehicles import VehiclePosition, get_vehicle, list_vehicles, write_positions

FIRST, SECOND = SceneKey("scene_001", "session_a"), SceneKey("scene_001", "session_b")
NEXT = NOW + timedelta(minutes=1)


async def begins(sessions: Sessions, scene: SceneKey, at: datetime = NOW) -> bool:
    """Telemetry of a replay is seen for the first time."""
    return await transact(sessions, lambda session: begin_scene(session, scene, at, NOW, DELAYS))


async def ends(sessions: Sessions, scene: SceneKey) -> bool:
    """Its scene_end was read."""
    return await transact(sessions, lambda session: end_scene(session, scene, NEXT, DELAYS))


async def test_a_new_session_starts_with_a_clean_fleet(sessions: Sessions) -> None:
    """What the older session left open stays on record and no longer colours a vehicle; its interventions end."""
    await deliver(sessions, anomaly(severity=Severity.CRITICAL))
    (old,) = await alerts(sessions)
    await do(sessions, ActionType.REQUEST_REMOTE_ASSIST, old.alert_id)
    assert await begins(sessions, SECOND, NEXT)
    assert await state(sessions) is VehicleState.NORMAL
    (after,) = await alerts(sessions)
    assert after.alert_status is AlertStatus.OPEN
    async with sessions() as session:
        (intervention,) = (await session.scalars(select(Intervention))).all()
        (shown,) = await list_alerts(session, AlertFilter())
    assert (intervention.end_reason, intervention.ended_by) == (InterventionEnd.SESSION_ENDED, "system")
    assert ActionType.PULL_OVER_SIMULATED not in shown.allowed_actions
    assert ActionType.RESOLVE in shown.allowed_actions
    with pytest.raises(IllegalTransitionError, match="over"):
        await do(sessions, ActionType.PULL_OVER_SIMULATED, old.alert_id)
    assert [row.kind for row in await told(sessions)][-2:] == [OutboxKind.ALERT_UPDATED, OutboxKind.VEHICLE_UPDATED]


async def test_the_first_anomaly_of_a_session_begins_it_too(sessions: Sessions) -> None:
    """Whoever comes first, telemetry or detection, hands all vehicles of the scene over."""
    other = ids.vehicle_id("scene_001", 9)
    await deliver(sessions, anomaly(vehicle=other), anomaly())
    await deliver(sessions, anomaly(session="session_b", at=NEXT))
    assert await state(sessions, other) is VehicleState.NORMAL
    assert await state(sessions) is VehicleState.DEGRADED
    assert not await begins(sessions, SECOND, NEXT)


async def test_a_straggler_of_the_older_session_changes_nothing_for_the_vehicle(sessions: Sessions) -> None:
    """A late anomaly of the session before is an alert of its own session and colours nothing."""
    await deliver(sessions, anomaly())
    await deliver(sessions, anomaly(session="session_b", at=NEXT), cleared(50))
    await deliver(sessions, anomaly(50, session="session_b", severity=Severity.INFO, at=NEXT))
    await deliver(sessions, anomaly(60, severity=Severity.CRITICAL, at=NEXT + timedelta(minutes=1)))
    assert await state(sessions) is VehicleState.DEGRADED
    async with sessions() as session:
        assert (await get_vehicle(session, CAR)).replay_session_id == "session_b"


async def test_the_end_of_a_scene_ends_its_interventions(sessions: Sessions) -> None:
    """And once: a scene_end that is read again is no news."""
    await deliver(sessions, anomaly())
    (alert,) = await alerts(sessions)
    await do(sessions, ActionType.REQUEST_REMOTE_ASSIST, alert.alert_id)
    assert await ends(sessions, FIRST)
    assert not await ends(sessions, FIRST)
    assert await state(sessions) is VehicleState.DEGRADED
    with pytest.raises(IllegalTransitionError):
        await do(sessions, ActionType.REQUEST_REMOTE_ASSIST, alert.alert_id)
    assert await tick(sessions, NEXT) == 0


@pytest.mark.parametrize("end", ["scene end", "newer session"])
async def test_a_condition_nobody_will_clear_ends_with_its_session(sessions: Sessions, end: str) -> None:
    """No CLEARED ever comes: the alert resolves itself after the delay, a CRITICAL one waits for a person."""
    critical = ids.vehicle_id("scene_001", 9)
    await deliver(sessions, anomaly(), anomaly(vehicle=critical, severity=Severity.CRITICAL))
    if end == "scene end":
        await ends(sessions, FIRST)
        left_at = NEXT
    else:
        await begins(sessions, SECOND, NEXT)
        left_at = NOW
    due = left_at + DELAYS.resolve
    assert {(a.condition_active, a.resolve_at, a.version) for a in await alerts(sessions)} == {(False, due, 2)}
    await deliver(sessions, cleared(50), now=due)
    assert await tick(sessions, due) == 1
    assert {a.vehicle_id: (a.alert_status, a.resolved_action_type) for a in await alerts(sessions)} == {
        CAR: (AlertStatus.RESOLVED, "AUTO_CLEARED"),
        critical: (AlertStatus.OPEN, None),
    }


async def test_a_straggler_of_a_session_that_is_over_does_not_stay_open(sessions: Sessions) -> None:
    """Detection may be behind telemetry: what it finds after the end, old condition or new, resolves itself too."""
    late = ids.vehicle_id("scene_001", 9)
    await deliver(sessions, anomaly())
    await ends(sessions, FIRST)
    after = NEXT + timedelta(seconds=10)
    await deliver(sessions, anomaly(60), anomaly(60, vehicle=late), now=after)
    assert {(a.condition_active, a.resolve_at) for a in await alerts(sessions)} == {(False, after + DELAYS.resolve)}
    assert await tick(sessions, after + DELAYS.resolve) == 2


@pytest.mark.parametrize("end", ["scene end", "newer session"])
async def test_a_pull_over_under_way_completes_when_its_session_ends(sessions: Sessions, end: str) -> None:
    """The delay has not passed: the alert is resolved by the operator all the same, with one incident, and once."""
    await deliver(sessions, anomaly(severity=Severity.CRITICAL))
    await do(sessions, ActionType.PULL_OVER_SIMULATED, (await the_alert(sessions)).alert_id)
    assert await (ends(sessions, FIRST) if end == "scene end" else begins(sessions, SECOND, NEXT))
    alert = await the_alert(sessions)
    assert (alert.alert_status, alert.resolved_action_type, alert.resolved_by, alert.resolve_at) == (
        AlertStatus.RESOLVED,
        ActionType.PULL_OVER_SIMULATED,
        "operator_001",
        None,
    )
    assert await count(sessions, Incident) == 1
    assert await state(sessions) is VehicleState.NORMAL
    assert await tick(sessions, NEXT + timedelta(hours=1)) == 0
    async with sessions() as session:
        (intervention,) = (await session.scalars(select(Intervention))).all()
        (shown,) = await list_alerts(session, AlertFilter())
    assert intervention.completed_at is not None
    assert shown.allowed_actions == []
    last = (await told(sessions))[-2:]
    assert [row.kind for row in last] == [OutboxKind.ALERT_UPDATED, OutboxKind.VEHICLE_UPDATED]
    assert last[0].event["alert"] == shown.model_dump(mode="json")


async def test_a_pull_over_that_was_taken_back_resolves_nothing_at_the_end(sessions: Sessions) -> None:
    """RESUME_SIMULATION cancels it: the alert is as open as any other when the scene ends."""
    await deliver(sessions, anomaly())
    alert_id = (await the_alert(sessions)).alert_id
    await do(sessions, ActionType.PULL_OVER_SIMULATED, alert_id)
    await do(sessions, ActionType.RESUME_SIMULATION, alert_id)
    await ends(sessions, FIRST)
    assert (await the_alert(sessions)).alert_status is AlertStatus.OPEN
    assert await count(sessions, Incident) == 0


async def test_other_scenes_of_a_session_go_on(sessions: Sessions) -> None:
    """One scene ending does not end the session's next."""
    elsewhere = ids.vehicle_id("scene_002", 1)
    await deliver(sessions, anomaly(), anomaly(scene="scene_002", vehicle=elsewhere))
    await ends(sessions, FIRST)
    there = next(alert for alert in await alerts(sessions) if alert.vehicle_id == elsewhere)
    assert (await do(sessions, ActionType.PULL_OVER_SIMULATED, there.alert_id)).action is not None


async def test_sessions_that_begin_while_anomalies_arrive(sessions: Sessions) -> None:
    """Twenty deliveries and the next session's beginning at once: every vehicle ends up in the newest session."""
    cars = [ids.vehicle_id("scene_001", track) for track in range(20)]
    await begins(sessions, FIRST)
    await asyncio.gather(*(deliver(sessions, anomaly(vehicle=car)) for car in cars), begins(sessions, SECOND, NEXT))
    async with sessions() as session:
        assert {v.replay_session_id for v in await session.scalars(select(Vehicle))} == {"session_b"}
    assert {await state(sessions, car) for car in cars} == {VehicleState.NORMAL}


def position(track: int, x: float) -> VehiclePosition:
    """Where a track of the first scene was."""
    return VehiclePosition(ids.vehicle_id("scene_001", track), "scene_001", track, START, x, -x, 2.5)


async def test_positions_are_written_beside_the_state(sessions: Sessions) -> None:
    """Unknown vehicles get rows in the running session; the state of known ones is left alone."""
    await deliver(sessions, anomaly())
    batch = [position(456, 1.5), position(7, 2.5)]
    await transact(sessions, lambda session: write_positions(session, batch, NEXT))
    async with sessions() as session:
        braking = await get_vehicle(session, CAR)
        new = await get_vehicle(session, ids.vehicle_id("scene_001", 7))
        listed = await list_vehicles(session, after=new.vehicle_id)
        alarming = await list_vehicles(session, shown=[])
    assert (braking.last_position_x, braking.last_position_y, braking.last_velocity_magnitude) == (1.5, -1.5, 2.5)
    assert (braking.current_state, braking.last_telemetry_time) == (VehicleState.DEGRADED, START)
    assert (new.track_id, new.replay_session_id, new.current_state) == (7, "session_a", VehicleState.NORMAL)
    assert [vehicle.vehicle_id for vehicle in listed] == []
    assert alarming == [braking]


async def test_positions_and_anomalies_do_not_lock_each_other_out(sessions: Sessions) -> None:
    """Writers of both kinds over the same vehicles, in any order, all end at the first try."""
    cars = [ids.vehicle_id("scene_001", track) for track in range(60)]
    places = [position(track, float(track)) for track in range(60)]

    async def at_the_first_try(work: Callable[[AsyncSession], Awaitable[object]]) -> None:
        async with sessions() as session, session.begin():
            await work(session)

    def detect(frame: int) -> Callable[[AsyncSession], Awaitable[object]]:
        batch = [anomaly(frame, vehicle=car) for car in random.Random(frame).sample(cars, len(cars))]
        return lambda session: apply_anomalies(session, batch, NOW, DELAYS)

    def move(seed: int) -> Callable[[AsyncSession], Awaitable[object]]:
        batch = random.Random(seed).sample(places, len(places))
        return lambda session: write_positions(session, batch, NEXT)

    await at_the_first_try(detect(0))
    await asyncio.gather(*(at_the_first_try(work) for n in range(1, 9) for work in (detect(n), move(n), move(-n))))
    assert {alert.occurrences for alert in await alerts(sessions)} == {9}
