"""Anomalies become alerts: once each, one alert per condition, whatever is delivered how often."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.operator.stories import (
    CAR,
    DELAYS,
    NOW,
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
from fleetops.contracts.operations import OperatorAlert
from fleetops.contracts.vocabulary import ActionType, AlertStatus, AnomalyType, Purpose, Severity, VehicleState
from fleetops.db.models import Alert, AnomalyRecord, Disposition, Incident, OutboxKind, OutboxRow, Vehicle
from fleetops.operator.alerts import AlertFilter, anomalies_of, get_alert, list_alerts
from fleetops.operator.views import AlertView, VehicleView


async def test_an_anomaly_opens_an_alert_and_colours_its_vehicle(sessions: Sessions) -> None:
    """The first anomaly makes the vehicle, the alert and the events that tell of both."""
    brake = anomaly()
    applied = await deliver(sessions, brake)
    alert = await the_alert(sessions)
    assert [(o.alert_id, o.anomaly.anomaly_id) for o in applied.opened] == [(alert.alert_id, brake.anomaly_id)]
    assert alert.alert_id == ids.alert_id(brake.anomaly_id)
    assert (alert.alert_status, alert.occurrences, alert.version) == (AlertStatus.OPEN, 1, 1)
    assert await state(sessions) is VehicleState.DEGRADED
    async with sessions() as session:
        vehicle = await session.get_one(Vehicle, CAR)
    assert (vehicle.scene_id, vehicle.track_id, vehicle.replay_session_id) == ("scene_001", 456, "session_a")
    created, coloured = await told(sessions)
    assert (created.kind, created.topic, created.key) == (
        OutboxKind.ALERT_CREATED,
        "operator_alerts",
        str(alert.alert_id),
    )
    message = OperatorAlert.model_validate(created.payload)
    assert (message.anomaly_id, message.version, message.created_at) == (brake.anomaly_id, 1, NOW)
    assert AlertView.model_validate(created.event["alert"]).allowed_actions
    assert (coloured.kind, coloured.topic) == (OutboxKind.VEHICLE_UPDATED, None)
    assert VehicleView.model_validate(coloured.event["vehicle"]).current_state is VehicleState.DEGRADED


async def test_a_hundred_deliveries_of_one_anomaly_at_once_are_one_occurrence(sessions: Sessions) -> None:
    """Redelivery to a hundred workers at the same time makes one alert with one occurrence, told once."""
    applied = await asyncio.gather(*(deliver(sessions, anomaly()) for _ in range(100)))
    assert sum(one.news for one in applied) == 1
    assert (await the_alert(sessions)).occurrences == 1
    assert len(await told(sessions)) == 2
    assert await count(sessions, AnomalyRecord) == 1


async def test_a_hundred_anomalies_of_one_condition_at_once_are_one_alert(sessions: Sessions) -> None:
    """A hundred different anomalies, each from its own worker, make one alert with a hundred occurrences."""
    frames = list(range(1, 101))
    random.Random(4).shuffle(frames)
    await asyncio.gather(*(deliver(sessions, anomaly(frame)) for frame in frames))
    alert = await the_alert(sessions)
    assert (alert.occurrences, alert.version) == (100, 100)
    versions = [row.event["alert"]["version"] for row in await told(sessions) if "alert" in row.event]  # type: ignore[index,call-overload] # JSON
    assert versions == list(range(1, 101))


async def test_overlapping_batches_in_any_order_do_not_lock_each_other_out(sessions: Sessions) -> None:
    """Twenty workers get the same 120 anomalies of eight vehicles, shuffled; all end, each counts once."""
    fleet = [
        anomaly(frame, vehicle=ids.vehicle_id("scene_001", track), kind=kind)
        for frame in range(5)
        for track in range(8)
        for kind in AnomalyType
    ]
    shuffled = [random.Random(seed).sample(fleet, len(fleet)) for seed in range(20)]
    await asyncio.gather(*(deliver(sessions, *batch) for batch in shuffled))
    found = await alerts(sessions)
    assert len(found) == 24
    assert {alert.occurrences for alert in found} == {5}


async def test_redelivery_after_resolved_changes_nothing(sessions: Sessions) -> None:
    """What was applied is known for ever: no alert is opened again, nothing is told."""
    story = [anomaly(40), anomaly(42, severity=Severity.CRITICAL), cleared(60)]
    await deliver(sessions, *story)
    alert = await the_alert(sessions)
    await do(sessions, ActionType.RESOLVE, alert.alert_id, disposition=Disposition.TRUE)
    before = (await the_alert(sessions)).version, len(await told(sessions))
    for batch in (story, story[:1], story[::-1]):
        assert (await deliver(sessions, *batch)).news == 0
    assert ((await the_alert(sessions)).version, len(await told(sessions))) == before
    assert await state(sessions) is VehicleState.NORMAL


async def test_a_condition_that_comes_back_names_what_it_repeats(sessions: Sessions) -> None:
    """After RESOLVED, a new occurrence opens a new alert that points to the last one."""
    await deliver(sessions, anomaly(10), cleared(20))
    await tick(sessions, NOW + DELAYS.resolve)
    await deliver(sessions, anomaly(30), now=NOW + timedelta(minutes=1))
    first, second = await alerts(sessions)
    assert (first.alert_status, second.alert_status) == (AlertStatus.RESOLVED, AlertStatus.OPEN)
    assert second.repeats_alert_id == first.alert_id


async def test_an_acknowledged_alert_takes_further_occurrences(sessions: Sessions) -> None:
    """An escalation of what an operator works on raises its severity and leaves its status."""
    await deliver(sessions, anomaly(40))
    alert = await the_alert(sessions)
    await do(sessions, ActionType.ACKNOWLEDGE, alert.alert_id)
    await deliver(sessions, anomaly(42, severity=Severity.CRITICAL))
    after = await the_alert(sessions)
    assert (after.alert_status, after.severity, after.occurrences) == (AlertStatus.ACKNOWLEDGED, Severity.CRITICAL, 2)
    assert await state(sessions) is VehicleState.ALERTING


async def test_conditions_of_other_types_vehicles_and_sessions_are_apart(sessions: Sessions) -> None:
    """Four anomalies that differ in one of these make four alerts."""
    await deliver(
        sessions,
        anomaly(),
        anomaly(kind=AnomalyType.PERCEPTION_INSTABILITY),
        anomaly(vehicle=ids.vehicle_id("scene_001", 7)),
        anomaly(session="session_b"),
    )
    assert [alert.occurrences for alert in await alerts(sessions)] == [1, 1, 1, 1]


async def test_review_sessions_leave_no_trace(sessions: Sessions) -> None:
    """A replay of a moment opens no alert and writes no row."""
    assert (await deliver(sessions, anomaly(purpose=Purpose.REVIEW))).news == 0
    for table in (AnomalyRecord, Alert, Vehicle, OutboxRow):
        assert await count(sessions, table) == 0


async def test_an_end_without_a_beginning_is_recorded_only(sessions: Sessions) -> None:
    """CLEARED for a condition that has no live alert opens none."""
    assert (await deliver(sessions, cleared(50))).news == 1
    assert await alerts(sessions) == []
    assert await state(sessions) is VehicleState.NORMAL


async def test_what_is_told_does_not_depend_on_the_batches(sessions: Sessions) -> None:
    """One batch of all and one batch each tell the same, in the same order, vehicle states included."""
    story = [
        anomaly(1),
        anomaly(2, severity=Severity.CRITICAL),
        anomaly(2, kind=AnomalyType.DROPOUT_PROXY, severity=Severity.INFO),
        cleared(9),
        anomaly(12),
        cleared(12, AnomalyType.DROPOUT_PROXY),
    ]
    together = [one.model_copy(update={"vehicle_id": "scene_001_track_1"}) for one in story]
    apart = [
        one.model_copy(update={"vehicle_id": "scene_001_track_2", "anomaly_id": ids.alert_id(one.anomaly_id)})
        for one in story
    ]
    await deliver(sessions, *together)
    for one in apart:
        await deliver(sessions, one)

    def shape(rows: list[OutboxRow], vehicle: str) -> list[tuple[object, ...]]:
        bodies = [(row.kind, next(iter(row.event.values()))) for row in rows]
        shown = ("vehicle_id", "version", "occurrences", "severity", "current_state", "condition_active")
        return [
            (kind, *(body.get(name) for name in shown[1:]))
            for kind, body in bodies
            if isinstance(body, dict) and body["vehicle_id"] == vehicle
        ]

    rows = await told(sessions)
    assert shape(rows, "scene_001_track_1") == shape(rows, "scene_001_track_2")
    assert len(rows) == 2 * 8


async def test_the_index_decides_not_the_read(sessions: Sessions) -> None:
    """A second live alert of one condition is refused by PostgreSQL itself; a resolved one does not count."""
    await deliver(sessions, anomaly(10))
    copy = text(
        "INSERT INTO alerts SELECT (jsonb_populate_record(alerts, jsonb_build_object("
        "'alert_id', gen_random_uuid(), 'alert_status', CAST(:status AS text), 'resolved_at', CAST(:at AS text)))).* "
        "FROM alerts LIMIT 1"
    )
    async with sessions() as session:
        await session.execute(copy, {"status": "RESOLVED", "at": NOW.isoformat()})
        with pytest.raises(IntegrityError, match="uq_alerts_live_condition"):
            await session.execute(copy, {"status": "OPEN", "at": None})


async def test_a_worker_waits_for_whoever_holds_the_vehicle(sessions: Sessions) -> None:
    """While another transaction works on the vehicle nothing is decided about it; then what it did is seen."""
    await deliver(sessions, anomaly(10))
    alert = await the_alert(sessions)
    async with sessions() as held:
        await held.execute(select(Vehicle).where(Vehicle.vehicle_id == CAR).with_for_update())
        waiting = asyncio.create_task(deliver(sessions, anomaly(11)))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        resolved = {"alert_status": AlertStatus.RESOLVED, "resolved_at": NOW}
        await held.execute(update(Alert).where(Alert.alert_id == alert.alert_id).values(resolved))
        await held.commit()
    await waiting
    assert [one.occurrences for one in await alerts(sessions)] == [1, 1]


async def test_a_snoozed_alert_that_gets_worse_is_shown_again(sessions: Sessions) -> None:
    """Whoever put a WARNING off did not put off the CRITICAL that it became; its return as a WARNING wakes nobody."""
    await deliver(sessions, anomaly(10))
    alert_id = (await the_alert(sessions)).alert_id
    until = NOW + timedelta(hours=1)
    await do(sessions, ActionType.SNOOZE, alert_id, until=until)
    await deliver(sessions, anomaly(11), anomaly(12, severity=Severity.INFO))
    assert (await the_alert(sessions)).snoozed_until == until
    await deliver(sessions, anomaly(13, severity=Severity.CRITICAL))
    assert (await the_alert(sessions)).snoozed_until is None
    await do(sessions, ActionType.SNOOZE, alert_id, until=until)
    await deliver(sessions, anomaly(14, severity=Severity.CRITICAL))
    assert (await the_alert(sessions)).snoozed_until == until


async def test_the_anomalies_behind_an_alert(sessions: Sessions) -> None:
    """What opened it and the most severe one are found, as they were received."""
    story = [anomaly(10), anomaly(12, severity=Severity.CRITICAL), anomaly(20)]
    await deliver(sessions, *story)
    alert = await the_alert(sessions)
    async with sessions() as session:
        behind = await anomalies_of(session, alert.alert_id)
    assert [behind.opened_by, behind.evidence] == story[:2]


async def test_alerts_are_listed_newest_first_page_by_page(sessions: Sessions) -> None:
    """Pages join without a gap or a repeat, also where creation times are equal; filters combine."""
    cars = [ids.vehicle_id("scene_001", track) for track in range(7)]
    for minute, batch in enumerate((cars[:3], cars[3:])):
        await deliver(sessions, *(anomaly(vehicle=car) for car in batch), now=NOW + timedelta(minutes=minute))
    await deliver(sessions, anomaly(50, vehicle=cars[0], severity=Severity.CRITICAL))
    async with sessions() as session:
        everything = await list_alerts(session, AlertFilter(), limit=None)
        paged: list[AlertView] = []
        while page := await list_alerts(
            session, AlertFilter(), after=(paged[-1].created_at, paged[-1].alert_id) if paged else None, limit=2
        ):
            paged += page
        assert paged == everything
        assert len({alert.alert_id for alert in paged}) == 7
        assert [alert.created_at for alert in paged] == sorted((alert.created_at for alert in paged), reverse=True)
        critical = await list_alerts(
            session, AlertFilter((AlertStatus.OPEN,), (Severity.CRITICAL,), vehicle_id=cars[0])
        )
        assert [alert.vehicle_id for alert in critical] == [cars[0]]
        assert await list_alerts(session, AlertFilter(anomaly_types=(AnomalyType.DROPOUT_PROXY,))) == []
        assert await get_alert(session, critical[0].alert_id) == critical[0]


async def test_an_incident_is_written_for_each_resolve_only(sessions: Sessions) -> None:
    """Detection alone writes no incident."""
    await deliver(sessions, anomaly(), cleared(60))
    assert await count(sessions, Incident) == 0


async def test_a_batch_takes_few_statements_whatever_it_changes(engine: AsyncEngine, sessions: Sessions) -> None:
    """Alerts that get worse, are seen again or end, and their vehicles, are written in one batch each."""
    dice = random.Random(1)
    cars = [ids.vehicle_id("scene_001", track) for track in range(150)]
    await deliver(sessions, *(anomaly(1, vehicle=car, severity=Severity.WARNING) for car in cars))
    statements: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *what: statements.append(str(what[2])))

    async def batch(frame: int, chosen: list[str]) -> int:
        statements.clear()
        found = [
            dice.choice(
                [anomaly(frame, vehicle=car, severity=dice.choice(list(Severity))), cleared(frame, vehicle=car)]
            )
            for car in chosen
        ]
        await deliver(sessions, *found)
        return len(statements)

    few = await batch(2, cars[:10])
    assert await batch(3, cars) <= few + 5  # inserts of many rows go in pages
