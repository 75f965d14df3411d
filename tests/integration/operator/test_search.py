"""Alerts and incidents are found by what is known of them, page by page."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select
from tests.integration.operator.stories import NOW, Sessions, alerts, anomaly, deliver, do, tick

from fleetops.contracts import ids
from fleetops.contracts.vocabulary import ActionType as A
from fleetops.contracts.vocabulary import AlertStatus, AnomalyStatus, AnomalyType, Severity
from fleetops.db.models import Disposition
from fleetops.db.transaction import transact
from fleetops.operator.actions import actions_of
from fleetops.operator.alerts import list_alerts
from fleetops.operator.incidents import list_incidents
from fleetops.operator.search import AlertFilter, IncidentFilter
from fleetops.operator.silences import Wish, create
from fleetops.operator.views import AlertView, IncidentView

HOUR = timedelta(hours=1)
COMMENTS = ["School bus ahead", "100% sure", "bus lane", "a_b"]


@pytest.fixture
async def past(sessions: Sessions) -> Sessions:
    """A day of forty alerts: some acknowledged, some resolved by people or by themselves, some commented."""
    dice = random.Random(4)
    for number in range(40):
        at = NOW + number // 4 * HOUR  # four at a time: their order is their ids'
        car, scene = ids.vehicle_id(f"scene_{number % 3}", number % 7), f"scene_{number % 3}"
        kind, session = dice.choice(list(AnomalyType)), f"session_{number % 2}_{scene}"
        severity = dice.choice(list(Severity))
        await deliver(
            sessions,
            anomaly(number, severity=severity, vehicle=car, scene=scene, kind=kind, session=session, at=at),
            now=at,
        )
        if number % 5 == 0:
            over = anomaly(
                number + 1, vehicle=car, scene=scene, kind=kind, session=session, status=AnomalyStatus.CLEARED, at=at
            )
            await deliver(sessions, over, now=at)
    for number, alert in enumerate(await alerts(sessions)):
        by, at = f"operator_{number % 3}", alert.created_at + HOUR
        if number % 3 == 0:
            await do(sessions, A.ACKNOWLEDGE, alert.alert_id, by=by, now=at)
        if number % 4 == 0:
            await do(sessions, A.COMMENT, alert.alert_id, by=by, comment=COMMENTS[number // 4 % 4], now=at)
        if number % 6 == 0:
            await do(sessions, A.ASSIGN_OPERATOR, alert.alert_id, by="operator_9", now=at)
        if number % 2 == 0:
            disposition = dice.choice(list(Disposition))
            await do(sessions, A.RESOLVE, alert.alert_id, by=by, disposition=disposition, now=at)
    await tick(sessions, NOW + 48 * HOUR)
    return sessions


ALERT_FILTERS: list[tuple[AlertFilter, Callable[[AlertView, list[str]], bool]]] = [
    (AlertFilter(), lambda *_: True),
    (AlertFilter(statuses=(AlertStatus.OPEN,)), lambda a, _: a.alert_status is AlertStatus.OPEN),
    (AlertFilter(live_only=True), lambda a, _: a.alert_status is not AlertStatus.RESOLVED),
    (
        AlertFilter(severities=(Severity.CRITICAL, Severity.INFO)),
        lambda a, _: a.severity in {Severity.CRITICAL, Severity.INFO},
    ),
    (
        AlertFilter(anomaly_types=(AnomalyType.DROPOUT_PROXY,)),
        lambda a, _: a.anomaly_type is AnomalyType.DROPOUT_PROXY,
    ),
    (AlertFilter(dispositions=(Disposition.FALSE,)), lambda a, _: a.disposition == "false"),
    (AlertFilter(vehicle_id="scene_1_track_1"), lambda a, _: a.vehicle_id == "scene_1_track_1"),
    (AlertFilter(scene_id="scene_2"), lambda a, _: a.scene_id == "scene_2"),
    (AlertFilter(replay_session_id="session_1_scene_2"), lambda a, _: a.replay_session_id == "session_1_scene_2"),
    (
        AlertFilter(operator_id="operator_1"),
        lambda a, _: "operator_1" in {a.assigned_operator_id, a.acknowledged_by, a.resolved_by},
    ),
    (AlertFilter(since=NOW + 3 * HOUR), lambda a, _: a.created_at >= NOW + 3 * HOUR),
    (AlertFilter(until=NOW + 3 * HOUR), lambda a, _: a.created_at < NOW + 3 * HOUR),
    (AlertFilter(text="BUS"), lambda _, comments: any("bus" in comment.lower() for comment in comments)),
    (AlertFilter(text="%"), lambda _, comments: any("%" in comment for comment in comments)),
    (AlertFilter(text="a_b"), lambda _, comments: "a_b" in comments),
    (
        AlertFilter(text="bus", scene_id="scene_0", since=NOW + HOUR, statuses=(AlertStatus.RESOLVED,)),
        lambda a, comments: (
            a.scene_id == "scene_0"
            and a.created_at >= NOW + HOUR
            and a.alert_status is AlertStatus.RESOLVED
            and any("bus" in comment.lower() for comment in comments)
        ),
    ),
]

INCIDENT_FILTERS: list[tuple[IncidentFilter, Callable[[IncidentView, list[str]], bool]]] = [
    (IncidentFilter(), lambda *_: True),
    (IncidentFilter(severities=(Severity.WARNING,)), lambda i, _: i.severity is Severity.WARNING),
    (
        IncidentFilter(anomaly_types=(AnomalyType.DROPOUT_PROXY,)),
        lambda i, _: i.anomaly_type is AnomalyType.DROPOUT_PROXY,
    ),
    (IncidentFilter(dispositions=(Disposition.TRUE,)), lambda i, _: i.disposition == "true"),
    (IncidentFilter(vehicle_id="scene_0_track_0"), lambda i, _: i.vehicle_id == "scene_0_track_0"),
    (IncidentFilter(scene_id="scene_1"), lambda i, _: i.scene_id == "scene_1"),
    (IncidentFilter(operator_id="operator_2"), lambda i, _: i.resolved_by_operator_id == "operator_2"),
    (IncidentFilter(action_type="AUTO_CLEARED"), lambda i, _: i.resolved_action_type == "AUTO_CLEARED"),
    (IncidentFilter(since=NOW + 5 * HOUR), lambda i, _: i.created_at >= NOW + 5 * HOUR),
    (IncidentFilter(until=NOW + 5 * HOUR), lambda i, _: i.created_at < NOW + 5 * HOUR),
    (IncidentFilter(text="Bus"), lambda _, comments: any("bus" in comment.lower() for comment in comments)),
]


class Row(Protocol):
    """What pages are sorted by."""

    @property
    def alert_id(self) -> UUID:
        """Which alert it is about."""

    @property
    def created_at(self) -> datetime:
        """When it came to be."""


async def test_alerts_are_found_by_what_is_known_of_them(past: Sessions) -> None:
    """Each filter finds what plain Python finds among all alerts, none of them everything or nothing."""
    async with past() as db:
        everything = await list_alerts(db, AlertFilter(), limit=None)
        comments = await comments_of(past, everything)
        assert len(everything) > 30
        for wanted, fits in ALERT_FILTERS:
            found = await list_alerts(db, wanted, limit=None)
            assert found == [alert for alert in everything if fits(alert, comments[alert.alert_id])], wanted
            assert found, wanted
            assert wanted == AlertFilter() or len(found) < len(everything), wanted


async def test_alerts_are_found_by_whether_a_silence_hides_them(past: Sessions) -> None:
    """The hidden, the others, and without the filter both."""
    async with past() as db:
        (one, *_) = await list_alerts(db, AlertFilter(live_only=True), limit=None)
    wish = Wish("sensors being changed", NOW + 72 * HOUR, scene_id=one.scene_id, severity_up_to=Severity.CRITICAL)
    await transact(past, lambda db: create(db, wish, uuid4(), "boss", NOW + 48 * HOUR))
    async with past() as db:
        everything = await list_alerts(db, AlertFilter(), limit=None)
        hidden = await list_alerts(db, AlertFilter(silenced=True), limit=None)
        others = await list_alerts(db, AlertFilter(silenced=False), limit=None)
    assert hidden == [alert for alert in everything if alert.silence_id is not None] != []
    assert others == [alert for alert in everything if alert.silence_id is None] != []


async def test_incidents_are_found_by_what_is_known_of_them(past: Sessions) -> None:
    """Each filter finds what plain Python finds among all incidents, none of them everything or nothing."""
    async with past() as db:
        everything = await list_incidents(db, IncidentFilter(), limit=1000)
        comments = await comments_of(past, everything)
        for wanted, fits in INCIDENT_FILTERS:
            found = await list_incidents(db, wanted, limit=1000)
            assert found == [one for one in everything if fits(one, comments[one.alert_id])], wanted
            assert found, wanted
            assert wanted == IncidentFilter() or len(found) < len(everything), wanted


@pytest.mark.parametrize("limit", [1, 3, 7])
async def test_pages_follow_each_other_whatever_their_size(past: Sessions, limit: int) -> None:
    """Also among alerts of the very same moment nothing is skipped or repeated."""
    async with past() as db:
        everything = await list_alerts(db, AlertFilter(), limit=None)
        paged: list[AlertView] = []
        while page := await list_alerts(
            db, AlertFilter(), after=(paged[-1].created_at, paged[-1].alert_id) if paged else None, limit=limit
        ):
            paged += page
    assert paged == everything
    assert [(a.created_at, a.alert_id) for a in paged] == sorted(
        ((a.created_at, a.alert_id) for a in everything), reverse=True
    )


async def test_comments_are_looked_for_through_their_index(past: Sessions) -> None:
    """Of a million actions, only those that say something are read."""
    query = select(func.count()).where(*AlertFilter(text="bus").conditions())
    async with past() as db:
        connection = await db.connection()
        sql = query.compile(connection.sync_engine, compile_kwargs={"literal_binds": True})
        await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row[0] for row in await connection.exec_driver_sql(f"EXPLAIN {sql}".replace("%", "%%")))
    assert "idx_operator_actions_comment" in plan


async def comments_of(sessions: Sessions, rows: Sequence[Row]) -> dict[UUID, list[str]]:
    """By alert, what was said about it."""
    async with sessions() as db:
        return {
            row.alert_id: [
                str(action.metadata["comment"])
                for action in await actions_of(db, row.alert_id)
                if "comment" in action.metadata
            ]
            for row in rows
        }
