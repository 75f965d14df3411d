"""A scene-wide blackout explains the single dropouts under it: linked, visible, not dropped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.integration.operator.stories import NOW, Sessions, alerts, anomaly, deliver, do, told

from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import ActionType, AnomalyType, Severity
from fleetops.db.transaction import transact
from fleetops.operator.blackouts import explain
from fleetops.operator.groups import group_alerts

EGO = ids.ego_id("scene_001")
DROPOUT = AnomalyType.DROPOUT_PROXY


def blackout(frame: int, rule: str = "active_agents_dropped", session: str = "session_a") -> Anomaly:
    """Many agents vanished at once, as the ego bears it."""
    found = anomaly(frame, kind=DROPOUT, vehicle=EGO, session=session)
    return found.model_copy(update={"triggered_rule": rule})


def dropout(frame: int, track: int, session: str = "session_a") -> Anomaly:
    """One vehicle fell silent."""
    found = anomaly(
        frame, kind=DROPOUT, severity=Severity.INFO, vehicle=ids.vehicle_id("scene_001", track), session=session
    )
    return found.model_copy(update={"triggered_rule": "updates_missing"})


async def explained(sessions: Sessions) -> dict[str, str | None]:
    """By vehicle, whose alert explains its own."""
    await transact(sessions, lambda db: explain(db, NOW))
    found = await alerts(sessions)
    vehicle_of = {alert.alert_id: alert.vehicle_id for alert in found}
    return {
        alert.vehicle_id: vehicle_of[alert.explained_by_alert_id] if alert.explained_by_alert_id else None
        for alert in found
        if alert.anomaly_type is DROPOUT
    }


@pytest.mark.parametrize("rule", ["active_agents_dropped", "active_agents_collapsed"])
@pytest.mark.parametrize("blackout_first", [True, False])
async def test_dropouts_name_the_blackout_whichever_comes_first(
    sessions: Sessions, rule: str, blackout_first: bool
) -> None:
    """They come from different partitions, so in any order; consoles are told once, and the alerts stay live."""
    dark, silent = blackout(100, rule), [dropout(104, track) for track in range(3)]
    for batch in ([dark], silent) if blackout_first else (silent, [dark]):
        await deliver(sessions, *batch)
    cars = [ids.vehicle_id("scene_001", track) for track in range(3)]
    assert await explained(sessions) == {EGO: None, **dict.fromkeys(cars, EGO)}
    told_of = len(await told(sessions))
    await explained(sessions)
    assert len(await told(sessions)) == told_of
    assert {alert.version for alert in await alerts(sessions) if alert.vehicle_id != EGO} == {2}


async def test_what_is_another_matter_is_not_explained(sessions: Sessions) -> None:
    """Another time, another session, another kind of anomaly, and a blackout that is none."""
    await deliver(
        sessions,
        blackout(100),
        dropout(131, 1),
        dropout(104, 2, session="session_b"),
        anomaly(101, vehicle=ids.vehicle_id("scene_001", 3)),
    )
    assert set((await explained(sessions)).values()) == {None}
    assert all(alert.explained_by_alert_id is None for alert in await alerts(sessions))


async def test_groups_count_what_lies_under_one_matter(sessions: Sessions) -> None:
    """By session, scene and type: how many, how bad, how many explained; resolved ones are gone."""
    await deliver(sessions, blackout(100), *(dropout(104, track) for track in range(3)))
    await deliver(sessions, anomaly(7, severity=Severity.CRITICAL), now=NOW + timedelta(seconds=1))
    await explained(sessions)
    async with sessions() as db:
        groups = await group_alerts(db)
        assert [(g.anomaly_type, g.alerts, g.vehicles, g.severity, g.explained, g.silenced) for g in groups] == [
            ("sudden_deceleration", 1, 1, "CRITICAL", 0, 0),
            ("dropout_proxy", 4, 4, "WARNING", 3, 0),
        ]
        assert await group_alerts(db, scene_id="scene_002") == []
        assert len(await group_alerts(db, limit=1)) == 1
    first = (await alerts(sessions))[0]
    await do(sessions, ActionType.ACKNOWLEDGE, first.alert_id)
    async with sessions() as db:
        (_, dropouts) = await group_alerts(db)
    assert (dropouts.alerts, dropouts.open) == (4, 3)
