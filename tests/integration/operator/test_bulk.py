"""One action on many alerts: an answer for each, few statements, and no quarrel over locks."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.operator.stories import DELAYS, NOW, Sessions, alerts, anomaly, count, deliver, do, state, told

from fleetops.auth.roles import Role
from fleetops.contracts import ids
from fleetops.contracts.vocabulary import ActionType as A
from fleetops.contracts.vocabulary import AlertStatus, AnomalyType, VehicleState
from fleetops.db.access import OperatorAccount
from fleetops.db.models import ActionRecord, Alert, Disposition, Incident, OutboxKind
from fleetops.db.transaction import transact
from fleetops.errors import (
    IllegalTransitionError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    StaleVersionError,
)
from fleetops.operator.actions import Command, Outcome, Refusal, act_on

LATER = NOW + timedelta(minutes=10)


async def do_all(sessions: Sessions, *commands: Command) -> list[Outcome | Refusal]:
    """Several commands in one transaction."""
    return await transact(sessions, lambda session: act_on(session, commands, NOW, DELAYS))


async def many(sessions: Sessions, vehicles: int) -> list[UUID]:
    """One alert on each of so many vehicles, by vehicle."""
    cars = [ids.vehicle_id("scene_001", track) for track in range(vehicles)]
    for start in range(0, vehicles, 250):
        await deliver(sessions, *(anomaly(vehicle=car) for car in cars[start : start + 250]))
    of = {alert.vehicle_id: alert.alert_id for alert in await alerts(sessions)}
    return [of[car] for car in cars]


async def test_each_alert_is_answered_for_itself(sessions: Sessions) -> None:
    """Done, held already, stale, not allowed, another's, unknown: in the order asked, and what can be done is."""
    fresh, mine, stale, gone, others = await many(sessions, 5)
    await do(sessions, A.ACKNOWLEDGE, mine)
    await do(sessions, A.RESOLVE, gone, disposition=Disposition.TRUE)
    await do(sessions, A.ASSIGN_OPERATOR, others, by="operator_002")
    asked = Command(A.ACKNOWLEDGE, fresh, "operator_001", own_only=True)
    unknown = uuid4()
    results = await do_all(
        sessions,
        asked,
        *(replace(asked, alert_id=alert_id, action_id=uuid4()) for alert_id in (mine, gone, others, unknown)),
        replace(asked, alert_id=stale, action_id=uuid4(), expected_version=7),
    )
    done, held, *refused = results
    assert isinstance(done, Outcome)
    assert done.action is not None
    assert done.alert.alert_status is AlertStatus.ACKNOWLEDGED
    assert isinstance(held, Outcome)
    assert held.action is None
    kinds = [IllegalTransitionError, PermissionDeniedError, NotFoundError, StaleVersionError]
    assert [type(result.error) for result in refused if isinstance(result, Refusal)] == kinds
    shown = [result.alert and result.alert.alert_id for result in refused if isinstance(result, Refusal)]
    assert shown == [gone, others, None, stale]
    acknowledged = {a.alert_id for a in await alerts(sessions) if a.alert_status is AlertStatus.ACKNOWLEDGED}
    assert acknowledged == {fresh, mine}


async def test_others_alerts_are_a_supervisors(sessions: Sessions) -> None:
    """Without `own_only` the same command passes; an alert nobody holds, or whose holder asks, is anybody's."""
    assigned, acknowledged, free = await many(sessions, 3)
    await do(sessions, A.ASSIGN_OPERATOR, assigned, by="operator_002")
    await do(sessions, A.ACKNOWLEDGE, acknowledged, by="operator_002")

    async def snooze(by: str, *, own_only: bool) -> list[type]:
        results = await do_all(
            sessions,
            *(
                Command(A.SNOOZE, alert_id, by, snoozed_until=LATER, own_only=own_only)
                for alert_id in (assigned, acknowledged, free)
            ),
        )
        return [type(result) for result in results]

    assert await snooze("operator_001", own_only=True) == [Refusal, Refusal, Outcome]
    assert await snooze("operator_002", own_only=True) == [Outcome] * 3
    assert await snooze("boss", own_only=False) == [Outcome] * 3


async def test_a_thousand_alerts_take_no_more_statements_than_ten(engine: AsyncEngine, sessions: Sessions) -> None:
    """Acknowledge and resolve: the number of statements is bounded, and everything is written for each."""
    wanted = await many(sessions, 1000)
    statements: list[str] = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(str(a[2])))

    async def run(action: A, chosen: list[UUID]) -> int:
        statements.clear()
        commands = [Command(action, alert_id, "operator_001", disposition=Disposition.FALSE) for alert_id in chosen]
        results = await do_all(sessions, *commands)
        assert all(isinstance(result, Outcome) and result.action for result in results)
        return len(statements)

    for action in (A.ACKNOWLEDGE, A.RESOLVE):
        few, most = await run(action, wanted[:10]), await run(action, wanted[10:])
        assert most <= few + 10  # inserts of many rows go in pages
    assert {alert.version for alert in await alerts(sessions)} == {3}
    assert await count(sessions, ActionRecord) == 2000
    assert await count(sessions, Incident) == 1000
    rows = await told(sessions)
    assert len([row for row in rows if row.kind is OutboxKind.ACTION_EXECUTED]) == 2000


async def test_on_one_vehicle_each_command_sees_what_the_one_before_did(sessions: Sessions) -> None:
    """Two pull-overs of one vehicle in one request are one; the vehicle's state is that of the end."""
    await deliver(sessions, anomaly(), anomaly(kind=AnomalyType.PERCEPTION_INSTABILITY))
    first, second = [alert.alert_id for alert in await alerts(sessions)]
    one, two = await do_all(
        sessions,
        Command(A.PULL_OVER_SIMULATED, first, "operator_001"),
        Command(A.PULL_OVER_SIMULATED, second, "operator_001"),
    )
    assert isinstance(one, Outcome)
    assert isinstance(two, Refusal)
    assert await state(sessions) is VehicleState.UNDER_INTERVENTION


async def test_what_lacks_something_is_done_for_none(sessions: Sessions) -> None:
    """A RESOLVE without a disposition is refused as a whole, before anything is looked at."""
    wanted = await many(sessions, 3)
    with pytest.raises(InvalidRequestError, match="disposition"):
        await do_all(sessions, *(Command(A.RESOLVE, alert_id, "operator_001") for alert_id in wanted))
    assert await count(sessions, ActionRecord) == 0


async def test_crowds_over_the_same_alerts_in_other_orders(sessions: Sessions) -> None:
    """Eight operators acknowledge the same hundred at once, each in an order of their own: nobody waits for ever."""
    wanted = await many(sessions, 100)

    async def acknowledge(number: int) -> int:
        order = random.Random(number).sample(wanted, len(wanted))
        results = await do_all(
            sessions, *(Command(A.ACKNOWLEDGE, alert_id, f"operator_{number}") for alert_id in order)
        )
        return len([result for result in results if isinstance(result, Outcome)])

    assert sum(await asyncio.gather(*(acknowledge(number) for number in range(8)))) == 100
    async with sessions() as session:
        assert set(await session.scalars(select(Alert.version))) == {2}


async def test_an_alert_is_assigned_to_who_can_act(sessions: Sessions) -> None:
    """To another operator, but to nobody who is unknown, disabled, or may only look."""
    (alert_id,) = await many(sessions, 1)
    async with sessions() as session, session.begin():
        for name, role in (("jo", Role.OPERATOR), ("vi", Role.VIEWER), ("ex", Role.SUPERVISOR)):
            left = NOW if name == "ex" else None
            session.add(OperatorAccount(operator_id=name, display_name=name, role=role.value, disabled_at=left))
    (given,) = await do_all(sessions, Command(A.ASSIGN_OPERATOR, alert_id, "boss", assignee="jo"))
    assert isinstance(given, Outcome)
    assert given.alert.assigned_operator_id == "jo"
    assert given.action is not None
    assert given.action.metadata == {"assigned_operator_id": "jo"}
    for nobody in ("vi", "ex", "nobody"):
        with pytest.raises(InvalidRequestError, match=nobody):
            await do_all(sessions, Command(A.ASSIGN_OPERATOR, alert_id, "boss", assignee=nobody))
