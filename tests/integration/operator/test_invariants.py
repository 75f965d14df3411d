"""Whatever happens in whatever order, what must always hold does."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from tests.integration.operator.stories import DELAYS, NOW, Sessions, anomaly, deliver, do, tick

from fleetops.contracts import ids
from fleetops.contracts.vocabulary import ActionType, AlertStatus, AnomalyStatus, AnomalyType, Severity
from fleetops.db.models import Alert, Disposition, Incident, Intervention, OutboxRow, Vehicle
from fleetops.db.transaction import transact
from fleetops.errors import ConflictError
from fleetops.operator.alerts import AlertFilter, list_alerts
from fleetops.operator.scenes import SceneKey, begin_scene, end_scene
from fleetops.operator.vehicle_state import vehicle_state
from fleetops.operator.vehicles import list_vehicles

STEPS = 60
CARS = [ids.vehicle_id("scene_001", track) for track in range(3)]


@pytest.mark.parametrize("seed", range(4))
async def test_a_random_shift(sessions: Sessions, seed: int) -> None:
    """Anomalies, operators, timers, ends and new sessions at random; the rules of the house after every step."""
    dice = random.Random(seed)
    now = NOW
    for _ in range(STEPS):
        now += timedelta(seconds=dice.choice([0.1, 1, 10, 31]))
        await something_happens(sessions, dice, now)
        await everything_holds(sessions)


async def something_happens(sessions: Sessions, dice: random.Random, now: datetime) -> None:
    """One step of a story that dice tell."""
    scene = SceneKey("scene_001", dice.choice(["session_a", "session_b", "session_c"]))
    kind = dice.choices(["detect", "act", "tick", "begin", "end"], [10, 10, 5, 1, 1])[0]
    if kind == "detect":
        batch = [
            anomaly(
                dice.randrange(200),
                severity=dice.choice(list(Severity)),
                status=dice.choice(list(AnomalyStatus)),
                kind=dice.choice(list(AnomalyType)),
                vehicle=dice.choice(CARS),
                session=scene.replay_session_id,
                at=now,
            )
            for _ in range(dice.randrange(1, 6))
        ]
        await deliver(sessions, *batch, *dice.sample(batch, 1), now=now)
    elif kind == "act":
        async with sessions() as session:
            known = (await session.scalars(select(Alert.alert_id).order_by(Alert.alert_id))).all()
        if known:
            # What is not allowed changes nothing, and that is checked like everything.
            with suppress(ConflictError):
                await do(
                    sessions,
                    dice.choice(list(ActionType)),
                    dice.choice(known),
                    by=dice.choice(["operator_001", "operator_002"]),
                    now=now,
                    disposition=dice.choice(list(Disposition)),
                    comment="seen",
                    until=now + timedelta(minutes=5),
                )
    elif kind == "tick":
        await tick(sessions, now)
    elif kind == "begin":
        await transact(sessions, lambda session: begin_scene(session, scene, now, now, DELAYS))
    else:
        await transact(sessions, lambda session: end_scene(session, scene, now, DELAYS))


async def everything_holds(sessions: Sessions) -> None:
    """States are the pure function's, incidents match resolves, and what was told last is what is shown."""
    async with sessions() as session:
        alerts = (await session.scalars(select(Alert))).all()
        live = [alert for alert in alerts if alert.alert_status is not AlertStatus.RESOLVED]
        running = (await session.scalars(select(Intervention).where(Intervention.ended_at.is_(None)))).all()
        for vehicle in await session.scalars(select(Vehicle)):
            here = (vehicle.vehicle_id, vehicle.replay_session_id)
            assert vehicle.current_state is vehicle_state(
                (alert.severity for alert in live if (alert.vehicle_id, alert.replay_session_id) == here),
                intervention_running=any((i.vehicle_id, i.replay_session_id) == here for i in running),
            )
            assert all((i.vehicle_id, i.replay_session_id) == here for i in running if i.vehicle_id == here[0])
        resolved = {alert.alert_id for alert in alerts if alert.alert_status is AlertStatus.RESOLVED}
        incidents = (await session.scalars(select(Incident.alert_id))).all()
        assert sorted(incidents) == sorted(resolved)

        rows = (await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all()
        last_alert = {str(body["alert_id"]): body for row in rows if isinstance(body := row.event.get("alert"), dict)}
        last_vehicle = {body["vehicle_id"]: body for row in rows if isinstance(body := row.event.get("vehicle"), dict)}
        for alert in await list_alerts(session, AlertFilter(), limit=None):
            assert last_alert[str(alert.alert_id)] == alert.model_dump(mode="json")
        for view in await list_vehicles(session, limit=None):
            told = last_vehicle.get(view.vehicle_id, {"current_state": "NORMAL", "intervention": None})
            shown = view.model_dump(mode="json")
            assert {name: shown[name] for name in ("current_state", "intervention")} == {
                name: told[name] for name in ("current_state", "intervention")
            }
        versions = [
            (str(body["alert_id"]), body["version"]) for row in rows if isinstance(body := row.event.get("alert"), dict)
        ]
        assert len(versions) == len(set(versions)), "a version was told twice"
        assert len(versions) == await session.scalar(select(func.sum(Alert.version))) or not versions
