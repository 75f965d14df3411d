"""Operators act: what each action changes, who is told, and what is refused."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from tests.integration.operator.stories import (
    CAR,
    DELAYS,
    NOW,
    Sessions,
    alerts,
    anomaly,
    count,
    deliver,
    do,
    state,
    the_alert,
    tick,
    told,
)

from fleetops.contracts.operations import OperatorAction, VehicleCommand
from fleetops.contracts.vocabulary import ActionType as A
from fleetops.contracts.vocabulary import AlertStatus, AnomalyType, Severity, VehicleState
from fleetops.db.models import (
    ActionRecord,
    Alert,
    Disposition,
    Incident,
    Intervention,
    InterventionEnd,
    OutboxKind,
)
from fleetops.errors import ConflictError, IllegalTransitionError, InvalidRequestError, NotFoundError, StaleVersionError
from fleetops.operator.actions import actions_of
from fleetops.operator.alerts import get_alert
from fleetops.operator.incidents import list_incidents
from fleetops.operator.search import IncidentFilter
from fleetops.operator.vehicles import get_vehicle

LATER = NOW + timedelta(minutes=10)


@pytest.fixture
async def alert_id(sessions: Sessions) -> UUID:
    """An OPEN alert of a vehicle that brakes."""
    await deliver(sessions, anomaly())
    return (await the_alert(sessions)).alert_id


async def test_acknowledge_and_take_it_back(sessions: Sessions, alert_id: UUID) -> None:
    """Who and when is set, and unset by the undo; each is an action and a message."""
    outcome = await do(sessions, A.ACKNOWLEDGE, alert_id)
    assert (outcome.alert.alert_status, outcome.alert.acknowledged_by) == (AlertStatus.ACKNOWLEDGED, "operator_001")
    assert outcome.alert.acknowledged_at == NOW
    outcome = await do(sessions, A.UNACKNOWLEDGE, alert_id, by="operator_002")
    assert (outcome.alert.alert_status, outcome.alert.acknowledged_by) == (AlertStatus.OPEN, None)
    assert outcome.alert.acknowledged_at is None
    assert outcome.alert.version == 3
    async with sessions() as session:
        assert [(a.action_type, a.operator_id) for a in await actions_of(session, alert_id)] == [
            (A.ACKNOWLEDGE, "operator_001"),
            (A.UNACKNOWLEDGE, "operator_002"),
        ]
    rows = [row for row in await told(sessions) if row.kind is OutboxKind.ACTION_EXECUTED]
    assert [row.topic for row in rows] == ["operator_actions"] * 2
    assert OperatorAction.model_validate(rows[0].payload).action_type is A.ACKNOWLEDGE
    assert [row.key for row in rows] == [str(OperatorAction.model_validate(row.payload).action_id) for row in rows]


REPEATABLE = [A.ACKNOWLEDGE, A.ASSIGN_OPERATOR, A.PULL_OVER_SIMULATED, A.REQUEST_REMOTE_ASSIST, A.SNOOZE, A.RESOLVE]


@pytest.mark.parametrize("action", REPEATABLE)
async def test_repeating_what_holds_changes_nothing(sessions: Sessions, alert_id: UUID, action: A) -> None:
    """The same operator asking again, with whatever version, gets the alert as it is, and nothing is written."""
    disposition = Disposition.TRUE if action is A.RESOLVE else None
    first = await do(sessions, action, alert_id, until=LATER, disposition=disposition)
    before = len(await told(sessions))
    again = await do(sessions, action, alert_id, until=LATER, disposition=disposition, version=1)
    assert first.action is not None
    assert again.action is None
    assert (again.alert, again.vehicle) == (first.alert, first.vehicle)
    assert (len(await told(sessions)), await count(sessions, ActionRecord)) == (before, 1)


async def test_undo_and_resume_can_be_repeated_too(sessions: Sessions, alert_id: UUID) -> None:
    """An UNACKNOWLEDGE or RESUME whose answer was lost is safe to send again, by the same operator only."""
    await do(sessions, A.ACKNOWLEDGE, alert_id)
    await do(sessions, A.UNACKNOWLEDGE, alert_id)
    assert (await do(sessions, A.UNACKNOWLEDGE, alert_id)).action is None
    await do(sessions, A.PULL_OVER_SIMULATED, alert_id)
    await do(sessions, A.RESUME_SIMULATION, alert_id)
    assert (await do(sessions, A.RESUME_SIMULATION, alert_id)).action is None
    for action in (A.UNACKNOWLEDGE, A.RESUME_SIMULATION):
        with pytest.raises(IllegalTransitionError):
            await do(sessions, action, alert_id, by="operator_002")


async def test_another_operator_comes_too_late(sessions: Sessions, alert_id: UUID) -> None:
    """A second operator's acknowledge or pull-over is refused and changes nothing."""
    await do(sessions, A.ACKNOWLEDGE, alert_id)
    await do(sessions, A.PULL_OVER_SIMULATED, alert_id)
    before = await the_alert(sessions), len(await told(sessions))
    for action in (A.ACKNOWLEDGE, A.PULL_OVER_SIMULATED):
        with pytest.raises(ConflictError):
            await do(sessions, action, alert_id, by="operator_002")
    after = await the_alert(sessions)
    assert (after.version, after.acknowledged_by) == (before[0].version, "operator_001")
    assert len(await told(sessions)) == before[1]


async def test_two_operators_at_the_same_instant(sessions: Sessions, alert_id: UUID) -> None:
    """One of twenty who acknowledge at once wins, the others get a conflict; the alert has one new version."""
    crowd = [do(sessions, A.ACKNOWLEDGE, alert_id, by=f"operator_{n:03}") for n in range(20)]
    results = await asyncio.gather(*crowd, return_exceptions=True)
    (winner,) = [result for result in results if not isinstance(result, BaseException)]
    assert all(isinstance(result, IllegalTransitionError) for result in results if isinstance(result, BaseException))
    alert = await the_alert(sessions)
    assert (alert.version, alert.acknowledged_by) == (2, winner.alert.acknowledged_by)
    assert len([result for result in results if isinstance(result, BaseException)]) == 19


async def test_a_stale_version_is_refused(sessions: Sessions, alert_id: UUID) -> None:
    """Who saw version 1 does not resolve version 2."""
    await deliver(sessions, anomaly(44, severity=Severity.CRITICAL))
    with pytest.raises(StaleVersionError, match="version 2"):
        await do(sessions, A.RESOLVE, alert_id, disposition=Disposition.FALSE, version=1)
    assert (await the_alert(sessions)).alert_status is AlertStatus.OPEN
    await do(sessions, A.RESOLVE, alert_id, disposition=Disposition.FALSE, version=2)


async def test_resolve_writes_the_incident_with_its_evidence(sessions: Sessions, alert_id: UUID) -> None:
    """One incident says how it was judged and by what; the vehicle is NORMAL again; the rest is refused."""
    worst = anomaly(44, severity=Severity.CRITICAL)
    await deliver(sessions, worst)
    outcome = await do(sessions, A.RESOLVE, alert_id, disposition=Disposition.EXPECTED, comment="school bus", now=LATER)
    assert (outcome.alert.alert_status, outcome.alert.resolved_by) == (AlertStatus.RESOLVED, "operator_001")
    assert (outcome.alert.resolved_at, outcome.alert.disposition) == (LATER, "expected")
    assert outcome.alert.allowed_actions == []
    assert await state(sessions) is VehicleState.NORMAL
    async with sessions() as session:
        (incident,) = await list_incidents(session, IncidentFilter(vehicle_id=CAR))
    assert (incident.resolved_action_type, incident.severity) == ("RESOLVE", Severity.CRITICAL)
    assert incident.evidence is not None
    assert incident.evidence["features"] == worst.features
    assert (incident.evidence["occurrences"], incident.evidence["disposition"]) == (2, "expected")
    for action in A:
        with pytest.raises(IllegalTransitionError):
            await do(
                sessions,
                action,
                alert_id,
                by="operator_002",
                disposition=Disposition.TRUE,
                until=LATER + timedelta(minutes=1),
                comment="too late",
            )
    assert await count(sessions, Incident) == 1


async def test_comments_and_assignment_are_kept(sessions: Sessions, alert_id: UUID) -> None:
    """Comments stay in order; assigning sets the operator; a comment leaves the alert's version alone."""
    await do(sessions, A.COMMENT, alert_id, comment="first")
    await do(sessions, A.COMMENT, alert_id, comment="second", by="operator_002", now=NOW + timedelta(seconds=1))
    outcome = await do(sessions, A.ASSIGN_OPERATOR, alert_id, by="operator_002", now=LATER)
    assert (outcome.alert.assigned_operator_id, outcome.alert.version) == ("operator_002", 2)
    async with sessions() as session:
        done = await actions_of(session, alert_id)
    assert [action.metadata.get("comment") for action in done] == ["first", "second", None]


async def test_a_pull_over_in_full(sessions: Sessions, alert_id: UUID) -> None:
    """Commanded, completed after the delay, resumed: state, alert, incident and numbered commands follow."""
    outcome = await do(sessions, A.PULL_OVER_SIMULATED, alert_id)
    assert outcome.vehicle.current_state is VehicleState.UNDER_INTERVENTION
    assert outcome.vehicle.intervention is not None
    assert outcome.vehicle.intervention.completes_at == NOW + DELAYS.pull_over
    assert outcome.vehicle.allowed_actions == [A.RESUME_SIMULATION]
    assert outcome.alert.alert_status is AlertStatus.OPEN
    assert await tick(sessions, NOW + DELAYS.pull_over - timedelta(milliseconds=1)) == 0
    assert await tick(sessions, NOW + DELAYS.pull_over) == 1
    assert await tick(sessions, NOW + DELAYS.pull_over) == 0
    alert = await the_alert(sessions)
    assert (alert.alert_status, alert.resolved_by, alert.resolved_action_type) == (
        AlertStatus.RESOLVED,
        "operator_001",
        "PULL_OVER_SIMULATED",
    )
    async with sessions() as session:
        (incident,) = await list_incidents(session, IncidentFilter(vehicle_id=CAR))
        vehicle = await get_vehicle(session, CAR)
        offered = (await get_alert(session, alert_id)).allowed_actions
    assert incident.resolved_action_type == "PULL_OVER_SIMULATED"
    assert vehicle.current_state is VehicleState.UNDER_INTERVENTION
    assert vehicle.intervention is not None
    assert vehicle.intervention.completes_at is None
    assert offered == [A.RESUME_SIMULATION]
    outcome = await do(sessions, A.RESUME_SIMULATION, alert_id, now=LATER)
    assert outcome.vehicle.current_state is VehicleState.NORMAL
    assert outcome.vehicle.intervention is None
    assert outcome.alert.allowed_actions == []
    commands = [row.payload for row in await told(sessions) if row.kind is OutboxKind.ACTION_EXECUTED]
    numbered = [OperatorAction.model_validate(command).metadata for command in commands]
    assert [about["sequence"] for about in numbered] == [1, 2]
    assert {about["replay_session_id"] for about in numbered} == {"session_a"}
    assert [VehicleCommand.model_validate(about).ended_interventions for about in numbered] == [
        None,
        [A.PULL_OVER_SIMULATED],
    ]


async def test_resumed_before_it_completed(sessions: Sessions, alert_id: UUID) -> None:
    """Taking a pull-over back in time leaves the alert live, and the timer has nothing left to do."""
    await do(sessions, A.PULL_OVER_SIMULATED, alert_id)
    await do(sessions, A.RESUME_SIMULATION, alert_id)
    assert await tick(sessions, LATER) == 0
    assert (await the_alert(sessions)).alert_status is AlertStatus.OPEN
    assert await state(sessions) is VehicleState.DEGRADED
    assert (await do(sessions, A.PULL_OVER_SIMULATED, alert_id, now=LATER)).action is not None


async def test_resolved_by_hand_before_it_completed(sessions: Sessions, alert_id: UUID) -> None:
    """The alert has one incident, the operator's; the vehicle stands until it is resumed."""
    await do(sessions, A.PULL_OVER_SIMULATED, alert_id)
    await do(sessions, A.RESOLVE, alert_id, disposition=Disposition.TRUE)
    await tick(sessions, LATER)
    assert await count(sessions, Incident) == 1
    assert (await the_alert(sessions)).resolved_action_type == "RESOLVE"
    assert await state(sessions) is VehicleState.UNDER_INTERVENTION


async def test_the_vehicles_other_alerts_show_what_is_left_to_do(sessions: Sessions, alert_id: UUID) -> None:
    """A pull-over through one alert takes it from the offers of the other, and tells so with a new version."""
    await deliver(sessions, anomaly(43, kind=AnomalyType.PERCEPTION_INSTABILITY))
    _, other = await alerts(sessions)
    await do(sessions, A.PULL_OVER_SIMULATED, alert_id)
    async with sessions() as session:
        shown = await get_alert(session, other.alert_id)
    assert A.PULL_OVER_SIMULATED not in shown.allowed_actions
    assert A.REQUEST_REMOTE_ASSIST in shown.allowed_actions
    assert A.RESUME_SIMULATION not in shown.allowed_actions
    last = [row.event["alert"] for row in await told(sessions) if row.key == str(other.alert_id)][-1]
    assert shown.model_dump(mode="json") == last


async def test_remote_assist_is_an_intervention_of_its_own(sessions: Sessions, alert_id: UUID) -> None:
    """It resolves nothing by itself; the vehicle is under intervention until the request is closed."""
    await do(sessions, A.REQUEST_REMOTE_ASSIST, alert_id)
    assert await state(sessions) is VehicleState.UNDER_INTERVENTION
    assert await tick(sessions, LATER) == 0
    await do(sessions, A.RESUME_SIMULATION, alert_id)
    assert await state(sessions) is VehicleState.DEGRADED
    async with sessions() as session:
        assert (await session.scalars(select(Intervention.ended_by))).all() == ["operator_001"]


async def test_a_remote_assist_is_picked_up_by_one_and_closed(sessions: Sessions, alert_id: UUID) -> None:
    """Whoever picks it up first has it; closing it ends it alone, also when the alert was resolved meanwhile."""
    await do(sessions, A.REQUEST_REMOTE_ASSIST, alert_id)
    outcome = await do(sessions, A.PICK_UP_REMOTE_ASSIST, alert_id, by="operator_002", now=LATER)
    assert outcome.vehicle.intervention is not None
    assert (outcome.vehicle.intervention.picked_up_by, outcome.vehicle.intervention.picked_up_at) == (
        "operator_002",
        LATER,
    )
    assert (await do(sessions, A.PICK_UP_REMOTE_ASSIST, alert_id, by="operator_002")).action is None
    with pytest.raises(IllegalTransitionError, match="picked it up"):
        await do(sessions, A.PICK_UP_REMOTE_ASSIST, alert_id, by="operator_003")
    await do(sessions, A.PULL_OVER_SIMULATED, alert_id)
    await do(sessions, A.RESOLVE, alert_id, disposition=Disposition.TRUE)
    outcome = await do(sessions, A.CLOSE_REMOTE_ASSIST, alert_id, by="operator_002")
    assert (await do(sessions, A.CLOSE_REMOTE_ASSIST, alert_id, by="operator_002")).action is None
    assert outcome.action is not None
    ended = VehicleCommand.model_validate(outcome.action.metadata)
    assert (ended.sequence, ended.ended_interventions) == (3, [A.REQUEST_REMOTE_ASSIST])
    assert outcome.alert.allowed_actions == [A.RESUME_SIMULATION]
    assert outcome.vehicle.current_state is VehicleState.UNDER_INTERVENTION
    outcome = await do(sessions, A.RESUME_SIMULATION, alert_id)
    assert outcome.vehicle.current_state is VehicleState.NORMAL
    async with sessions() as session:
        ends = (await session.scalars(select(Intervention.end_reason).order_by(Intervention.sequence))).all()
    assert ends == [InterventionEnd.CLOSED, InterventionEnd.RESUMED]


async def test_resuming_ends_all_that_was_begun_through_the_alert(sessions: Sessions, alert_id: UUID) -> None:
    """A vehicle that drives on needs no help any more; the command says what it ended, in the order it was begun."""
    await do(sessions, A.PULL_OVER_SIMULATED, alert_id)
    await do(sessions, A.REQUEST_REMOTE_ASSIST, alert_id)
    outcome = await do(sessions, A.RESUME_SIMULATION, alert_id)
    assert outcome.action is not None
    assert outcome.action.metadata["ended_interventions"] == ["PULL_OVER_SIMULATED", "REQUEST_REMOTE_ASSIST"]
    assert outcome.vehicle.intervention is None


async def test_a_snoozed_alert_can_be_woken(sessions: Sessions, alert_id: UUID) -> None:
    """It is put off until a time, put off further, or shown again at once, by whoever; each is an action."""
    with pytest.raises(IllegalTransitionError, match="not snoozed"):
        await do(sessions, A.UNSNOOZE, alert_id)
    await do(sessions, A.SNOOZE, alert_id, until=LATER)
    outcome = await do(sessions, A.SNOOZE, alert_id, until=LATER + timedelta(minutes=5))
    assert outcome.alert.snoozed_until == LATER + timedelta(minutes=5)
    assert A.UNSNOOZE in outcome.alert.allowed_actions
    outcome = await do(sessions, A.UNSNOOZE, alert_id, by="operator_002")
    assert (outcome.alert.snoozed_until, outcome.alert.version) == (None, 4)
    assert A.UNSNOOZE not in outcome.alert.allowed_actions
    assert (await do(sessions, A.UNSNOOZE, alert_id, by="operator_002")).action is None
    with pytest.raises(IllegalTransitionError):
        await do(sessions, A.UNSNOOZE, alert_id)


@pytest.mark.parametrize(
    ("action", "given"),
    [
        (A.RESOLVE, {}),
        (A.SNOOZE, {}),
        (A.SNOOZE, {"until": NOW}),
        (A.COMMENT, {}),
        (A.COMMENT, {"comment": "  "}),
        (A.COMMENT, {"comment": "a\0b"}),
    ],
)
async def test_an_action_without_what_it_needs_is_invalid(
    sessions: Sessions, alert_id: UUID, action: A, given: dict[str, str]
) -> None:
    """It is refused before anything is looked at, and says what is missing."""
    with pytest.raises(InvalidRequestError, match=r"needs|NUL"):
        await do(sessions, action, alert_id, **given)  # type: ignore[arg-type] # a table of unlike values
    assert await count(sessions, ActionRecord) == 0


async def test_an_unknown_alert_is_not_found(sessions: Sessions) -> None:
    """Nothing is made for it."""
    with pytest.raises(NotFoundError):
        await do(sessions, A.ACKNOWLEDGE, uuid4())
    assert await count(sessions, Alert) == 0
