"""What happens by itself, and what must not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.operator.stories import (
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
from fleetops.contracts.vocabulary import ActionType, AlertStatus, AnomalyType, Severity, VehicleState
from fleetops.db.engine import create_engine, session_factory
from fleetops.db.models import Incident, OutboxKind, Vehicle
from fleetops.operator.alerts import AlertFilter, list_alerts
from fleetops.operator.timers import Timers
from fleetops.settings import Settings

DUE = NOW + DELAYS.resolve
PATIENCE_S = 60
"""How long a busy machine may take for what takes none of the time of an idle one."""


async def incidents(sessions: Sessions, wanted: int) -> None:
    """Wait until so many incidents are written."""
    while await count(sessions, Incident) < wanted:  # noqa: ASYNC110 - another connection writes them
        await asyncio.sleep(0.02)


async def test_a_condition_that_ended_resolves_itself_after_the_delay(sessions: Sessions) -> None:
    """`system` resolves it, with one incident; not a moment too soon, and once."""
    await deliver(sessions, anomaly(10), cleared(20))
    assert await tick(sessions, DUE - timedelta(milliseconds=1)) == 0
    assert await tick(sessions, DUE) == 1
    assert await tick(sessions, DUE + timedelta(hours=1)) == 0
    alert = await the_alert(sessions)
    assert (alert.alert_status, alert.resolved_by, alert.resolved_action_type, alert.resolved_at) == (
        AlertStatus.RESOLVED,
        "system",
        "AUTO_CLEARED",
        DUE,
    )
    assert await state(sessions) is VehicleState.NORMAL
    assert await count(sessions, Incident) == 1
    assert [row.kind for row in await told(sessions)][-2:] == [OutboxKind.ALERT_UPDATED, OutboxKind.VEHICLE_UPDATED]


async def test_a_critical_alert_waits_for_a_person(sessions: Sessions) -> None:
    """However long ago its condition ended; and nobody is told of a time at which it resolves itself."""
    await deliver(sessions, anomaly(10, severity=Severity.CRITICAL), cleared(20))
    async with sessions() as session:
        (shown,) = await list_alerts(session, AlertFilter())
    assert (shown.condition_active, shown.resolve_at) == (False, None)
    assert await tick(sessions, DUE + timedelta(days=7)) == 0
    assert (await the_alert(sessions)).alert_status is AlertStatus.OPEN
    assert await state(sessions) is VehicleState.ALERTING


async def test_a_critical_alert_waits_also_beside_one_that_does_not(sessions: Sessions) -> None:
    """Of two alerts of one vehicle whose conditions ended, the one below CRITICAL resolves itself alone."""
    other = AnomalyType.PERCEPTION_INSTABILITY
    await deliver(sessions, anomaly(10, severity=Severity.CRITICAL), anomaly(10, kind=other))
    await deliver(sessions, cleared(20), cleared(20, other))
    assert await tick(sessions, DUE) == 1
    assert {alert.severity: alert.alert_status for alert in await alerts(sessions)} == {
        Severity.CRITICAL: AlertStatus.OPEN,
        Severity.WARNING: AlertStatus.RESOLVED,
    }


async def test_a_condition_that_came_back_in_time_stays(sessions: Sessions) -> None:
    """The new ACTIVE removes the time, also for an alert that was acknowledged."""
    await deliver(sessions, anomaly(10), cleared(20))
    await do(sessions, ActionType.ACKNOWLEDGE, (await the_alert(sessions)).alert_id)
    await deliver(sessions, anomaly(25))
    assert await tick(sessions, DUE + timedelta(hours=1)) == 0
    assert (await the_alert(sessions)).alert_status is AlertStatus.ACKNOWLEDGED


async def test_many_replicas_looking_at_once_do_each_thing_once(sessions: Sessions) -> None:
    """Ten sets of timers on forty due alerts: forty incidents, and nobody waits for nobody."""
    cars = [ids.vehicle_id("scene_001", track) for track in range(40)]
    await deliver(sessions, *(news for car in cars for news in (anomaly(10, vehicle=car), cleared(20, vehicle=car))))
    done = 0
    while done < len(cars):
        some = await asyncio.gather(*(tick(sessions, DUE) for _ in range(10)))
        assert sum(some), "no progress"
        done += sum(some)
    assert done == len(cars) == await count(sessions, Incident)
    assert {alert.alert_status for alert in await alerts(sessions)} == {AlertStatus.RESOLVED}


async def test_a_vehicle_in_use_is_left_for_the_next_look(sessions: Sessions) -> None:
    """Timers do not queue behind a transaction that holds the vehicle."""
    await deliver(sessions, anomaly(10), cleared(20))
    async with sessions() as held:
        await held.execute(select(Vehicle).with_for_update())
        async with asyncio.timeout(PATIENCE_S):
            assert await tick(sessions, DUE) == 0
    assert await tick(sessions, DUE) == 1


async def test_a_look_that_finds_nothing_costs_two_statements(engine: AsyncEngine, sessions: Sessions) -> None:
    """Every replica looks four times a second, and mostly nothing is due."""
    await deliver(sessions, anomaly(10), cleared(20))
    statements: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *what: statements.append(str(what[2])))
    assert await tick(sessions, NOW) == 0
    assert len(statements) == 2


async def test_times_survive_a_restart(sessions: Sessions, database_settings: Settings) -> None:
    """Timers that start after the times have passed, in another process' engine, do what is due."""
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    await deliver(sessions, anomaly(10), now=long_ago)
    await do(sessions, ActionType.PULL_OVER_SIMULATED, (await the_alert(sessions)).alert_id, now=long_ago)
    car = ids.vehicle_id("scene_001", 8)
    await deliver(sessions, anomaly(10, vehicle=car), cleared(20, vehicle=car), now=long_ago)
    engine = create_engine(database_settings, "restarted")
    stop = asyncio.Event()
    running = asyncio.create_task(Timers(session_factory(engine)).run(stop))
    async with asyncio.timeout(PATIENCE_S):
        await incidents(sessions, 2)
        stop.set()
        await running
    await engine.dispose()
    assert {a.resolved_action_type for a in await alerts(sessions)} == {"PULL_OVER_SIMULATED", "AUTO_CLEARED"}


async def test_timers_outlive_a_database_that_goes_away(engine: AsyncEngine, sessions: Sessions) -> None:
    """Connections that are cut under them are made anew."""
    await deliver(sessions, anomaly(10), cleared(20), now=datetime.now(UTC) - timedelta(minutes=5))

    async def cut() -> None:
        async with engine.connect() as connection:
            await connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND datname = current_database()"
            )

    stop = asyncio.Event()
    running = asyncio.create_task(Timers(sessions).run(stop))
    for _ in range(3):
        await cut()
        await asyncio.sleep(0.1)
    async with asyncio.timeout(PATIENCE_S):
        await incidents(sessions, 1)
        stop.set()
        await running


@pytest.mark.parametrize("seconds", [0.0, 29.9])
async def test_nothing_is_due_before_its_time(sessions: Sessions, seconds: float) -> None:
    """An alert whose condition ended lives on until its time."""
    await deliver(sessions, anomaly(10), cleared(20))
    assert await tick(sessions, NOW + timedelta(seconds=seconds)) == 0
