"""Silences hide and show again what they match; nothing is dropped from the record."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
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
    cleared,
    deliver,
    do,
    state,
    the_alert,
    tick,
    told,
)  # fmt: skip

from fleetops.contracts import ids
from fleetops.contracts.vocabulary import ActionType, AlertStatus, AnomalyType, Severity, VehicleState
from fleetops.db.audit import AuditRow
from fleetops.db.models import Disposition
from fleetops.db.transaction import transact
from fleetops.errors import ConflictError, InvalidRequestError, NotFoundError
from fleetops.operator import silences
from fleetops.operator.detections import apply_anomalies
from fleetops.operator.fleet import running_silences
from fleetops.operator.outbox import facts_of
from fleetops.operator.quieting import quiet
from fleetops.operator.silencing import silenced_by

HOUR = timedelta(hours=1)
BRAKING = AnomalyType.SUDDEN_DECELERATION
WHOLE_SCENE = silences.Wish("sensor being changed", NOW + HOUR, scene_id="scene_001")


async def silenced(sessions: Sessions, wish: silences.Wish = WHOLE_SCENE, now: datetime = NOW) -> UUID:
    """A supervisor begins a silence."""
    silence_id = uuid4()
    await transact(sessions, lambda db: silences.create(db, wish, silence_id, "boss", now))
    return silence_id


async def lifted(sessions: Sessions, silence_id: UUID, now: datetime = NOW) -> None:
    """A supervisor ends it."""
    await transact(sessions, lambda db: silences.lift(db, silence_id, by="boss", now=now))


async def quieted(sessions: Sessions, now: datetime) -> int:
    """The loop looks at its clock."""
    return await transact(sessions, lambda db: quiet(db, now))


async def hidden_by(sessions: Sessions) -> list[UUID | None]:
    """By which silence each alert is hidden, in the order they were opened."""
    return [alert.silence_id for alert in await alerts(sessions)]


async def test_a_silence_hides_what_is_there_and_what_comes(sessions: Sessions) -> None:
    """Existing and new alerts carry its id, in the table and in what consoles are told; their state stays."""
    await deliver(sessions, anomaly(1))
    silence = await silenced(sessions)
    await deliver(sessions, anomaly(2, kind=AnomalyType.PERCEPTION_INSTABILITY), now=NOW + timedelta(seconds=1))
    assert await hidden_by(sessions) == [silence, silence]
    views = [row.event["alert"] for row in await told(sessions) if "alert" in row.event]
    assert [isinstance(view, dict) and (view["version"], view["silence_id"]) for view in views] == [
        (1, None), (2, str(silence)), (1, str(silence)),
    ]  # fmt: skip
    assert [alert.alert_status for alert in await alerts(sessions)] == [AlertStatus.OPEN] * 2
    assert await state(sessions) is VehicleState.DEGRADED


async def test_a_critical_alert_is_hidden_only_where_the_silence_says_so(sessions: Sessions) -> None:
    """One that escalates appears at once; a silence that names CRITICAL hides it again."""
    await silenced(sessions)
    await deliver(sessions, anomaly(1))
    await deliver(sessions, anomaly(2, severity=Severity.CRITICAL))
    assert await hidden_by(sessions) == [None]
    everything = silences.Wish("drill", NOW + HOUR, scene_id="scene_001", severity_up_to=Severity.CRITICAL)
    silence = await silenced(sessions, everything)
    assert await hidden_by(sessions) == [silence]


@pytest.mark.parametrize("how", ["expires", "lifted"])
async def test_what_a_silence_hid_is_shown_again_when_it_ends(sessions: Sessions, how: str) -> None:
    """At its expiry, to the tick, or when it is lifted; and a restart in between changes nothing."""
    await deliver(sessions, anomaly(1))
    silence = await silenced(sessions)
    assert await quieted(sessions, NOW + HOUR - timedelta(milliseconds=1)) == 0
    if how == "expires":
        assert await quieted(sessions, NOW + HOUR) == 2
    else:
        await lifted(sessions, silence, NOW + timedelta(minutes=1))
    assert await hidden_by(sessions) == [None]
    assert (await the_alert(sessions)).version == 3
    assert await quieted(sessions, NOW + 2 * HOUR) == 0
    async with sessions() as db:
        ended = await silences.get(db, silence)
        log = (
            await db.execute(
                select(AuditRow.who, AuditRow.what, AuditRow.version)
                .where(AuditRow.subject_kind == "silence")
                .order_by(AuditRow.id)
            )
        ).all()
    by = "system" if how == "expires" else "boss"
    assert (ended.ended_by, ended.version) == (by, 2)
    assert [tuple(row) for row in log] == [
        ("boss", "silence.created", 1),
        (by, "silence.expired" if how == "expires" else "silence.lifted", 2),
    ]


async def test_between_expiry_and_tick_nothing_new_is_hidden(sessions: Sessions) -> None:
    """An alert that opens after the end is shown, even if the loop has not ended the silence yet."""
    await silenced(sessions)
    await deliver(sessions, anomaly(1), now=NOW + HOUR)
    assert await hidden_by(sessions) == [None]


@pytest.mark.parametrize(
    ("wish", "hides"),
    [
        (silences.Wish("r", NOW + HOUR, vehicle_id=CAR), True),
        (silences.Wish("r", NOW + HOUR, vehicle_id="scene_001_track_1"), False),
        (silences.Wish("r", NOW + HOUR, scene_id="scene_001", anomaly_type=BRAKING), True),
        (silences.Wish("r", NOW + HOUR, scene_id="scene_002", anomaly_type=BRAKING), False),
        (silences.Wish("r", NOW + HOUR, anomaly_type=AnomalyType.DROPOUT_PROXY), False),
        (silences.Wish("r", NOW + HOUR, triggered_rule="decel_threshold_exceeded"), True),
        (silences.Wish("r", NOW + HOUR, triggered_rule="hard_braking"), False),
        (silences.Wish("r", NOW + HOUR, scene_id="scene_001", severity_up_to=Severity.INFO), False),
    ],
)
@pytest.mark.parametrize("alert_first", [True, False])
async def test_matchers(sessions: Sessions, wish: silences.Wish, hides: bool, alert_first: bool) -> None:
    """All that it names must be so, whether the alert or the silence was there first."""
    if alert_first:
        await deliver(sessions, anomaly(1))
    silence = await silenced(sessions, wish)
    if not alert_first:
        await deliver(sessions, anomaly(1))
    assert await hidden_by(sessions) == [silence if hides else None]
    assert await quieted(sessions, NOW) == 0


async def test_of_two_silences_the_longer_one_hides(sessions: Sessions) -> None:
    """When it is lifted, the other takes over; when both are gone, the alert is shown."""
    await deliver(sessions, anomaly(1))
    short = await silenced(sessions)
    long = await silenced(sessions, silences.Wish("all week", NOW + 2 * HOUR, vehicle_id=CAR))
    assert await hidden_by(sessions) == [long]
    await lifted(sessions, long)
    assert await hidden_by(sessions) == [short]
    await transact(
        sessions,
        lambda db: silences.change(db, short, reason=None, expires_at=NOW + timedelta(minutes=5), by="boss", now=NOW),
    )
    await quieted(sessions, NOW + timedelta(minutes=5))
    assert await hidden_by(sessions) == [None]
    with pytest.raises(ConflictError, match="has ended"):
        await transact(
            sessions, lambda db: silences.change(db, short, reason="x", expires_at=None, by="boss", now=NOW + HOUR)
        )


async def test_an_alert_that_opens_while_the_silence_begins_is_hidden_at_the_next_look(sessions: Sessions) -> None:
    """The transaction that opened it could not see the silence, which could not see it."""
    opened, begun = asyncio.Event(), asyncio.Event()

    async def open_slowly() -> None:
        async with sessions() as db, db.begin():
            await apply_anomalies(db, [anomaly(1)], NOW, DELAYS)
            opened.set()
            await begun.wait()

    opening = asyncio.create_task(open_slowly())
    await opened.wait()
    silence = await silenced(sessions)
    begun.set()
    await opening
    assert await hidden_by(sessions) == [None]
    assert await quieted(sessions, NOW) == 1
    assert await hidden_by(sessions) == [silence]


@pytest.mark.parametrize("seed", range(3))
async def test_the_database_and_the_pure_function_agree(sessions: Sessions, seed: int) -> None:
    """Many silences over many alerts, some lifted, some expired: each flag is what the function says, and stays."""
    dice = random.Random(seed)
    places, kinds, ranks = ["scene_001", "scene_002"], list(AnomalyType), list(Severity)
    cars = {ids.vehicle_id(place, track): place for place in places for track in range(30)}
    for frame in range(40):
        car = dice.choice(list(cars))
        found = anomaly(frame, vehicle=car, scene=cars[car], kind=dice.choice(kinds), severity=dice.choice(ranks))
        await deliver(sessions, found.model_copy(update={"triggered_rule": dice.choice(["one", "two"])}))
        if frame % 3 == 0:
            named: dict[str, str] = {
                name: value
                for name, value in (
                    ("vehicle_id", car),
                    ("scene_id", dice.choice(places)),
                    ("anomaly_type", dice.choice(kinds)),
                    ("triggered_rule", dice.choice(["one", "two"])),
                )
                if dice.random() < 0.4
            } or {"vehicle_id": car}
            ends = NOW + timedelta(minutes=dice.randrange(1, 4))
            await silenced(
                sessions,
                silences.Wish("r", ends, severity_up_to=dice.choice(ranks), **named),  # type: ignore[arg-type]  # names and their types belong together
            )
    for minutes in (0, 1, 2, 3):
        now = NOW + timedelta(minutes=minutes)
        await quieted(sessions, now)
        async with sessions() as db:
            running = await running_silences(db)
            assert await silences.unsettled(db, now) == []
        live = [alert for alert in await alerts(sessions) if alert.alert_status is not AlertStatus.RESOLVED]
        assert [alert.silence_id for alert in live] == [silenced_by(facts_of(alert), running, now) for alert in live]
        assert await quieted(sessions, now) == 0
        hidden = sum(alert.silence_id is not None for alert in live)
        assert hidden > 3 if minutes == 0 else hidden == 0 if minutes == 3 else True


async def test_a_silenced_alert_lives_on(sessions: Sessions) -> None:
    """It is acted on, cleared and resolved like any other, and keeps on record what hid it."""
    silence = await silenced(sessions)
    await deliver(sessions, anomaly(1))
    await do(sessions, ActionType.ACKNOWLEDGE, (await the_alert(sessions)).alert_id)
    await deliver(sessions, cleared(2))
    await tick(sessions, NOW + DELAYS.resolve)
    alert = await the_alert(sessions)
    assert (alert.alert_status, alert.silence_id) == (AlertStatus.RESOLVED, silence)
    await lifted(sessions, silence, NOW + timedelta(minutes=1))
    assert (await the_alert(sessions)).silence_id == silence


async def test_many_alerts_are_hidden_in_portions(sessions: Sessions) -> None:
    """What the first portion leaves over is hidden by the loop."""
    count = silences.BATCH + 20
    cars = [ids.vehicle_id("scene_001", track) for track in range(count)]
    await deliver(sessions, *(anomaly(1, vehicle=car) for car in cars))
    silence = await silenced(sessions)
    assert (await hidden_by(sessions)).count(silence) == silences.BATCH
    assert await quieted(sessions, NOW) == 20
    assert set(await hidden_by(sessions)) == {silence}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        (silences.Wish("r", NOW + HOUR), "would hide everything"),
        (silences.Wish("r", NOW + HOUR, severity_up_to=Severity.INFO), "would hide everything"),
        (silences.Wish(" ", NOW + HOUR, vehicle_id=CAR), "needs a reason"),
        (silences.Wish("r", NOW, vehicle_id=CAR), "in the future"),
        (silences.Wish("r", NOW + timedelta(days=31), vehicle_id=CAR), "within 30 days"),
    ],
)
async def test_what_makes_no_sense_is_refused(sessions: Sessions, wish: silences.Wish, message: str) -> None:
    """A silence names what it hides, why, and an end that is not forgotten."""
    with pytest.raises(InvalidRequestError, match=message):
        await silenced(sessions, wish)


async def test_an_unknown_silence_is_not_found(sessions: Sessions) -> None:
    """Read, changed or lifted; and lifting twice is harmless."""
    for attempt in (
        lambda db: silences.get(db, uuid4()),
        lambda db: silences.lift(db, uuid4(), by="boss", now=NOW),
        lambda db: silences.change(db, uuid4(), reason="r", expires_at=None, by="boss", now=NOW),
    ):
        with pytest.raises(NotFoundError):
            await transact(sessions, attempt)
    silence = await silenced(sessions)
    await lifted(sessions, silence)
    await lifted(sessions, silence, NOW + HOUR)
    async with sessions() as db:
        assert (await silences.get(db, silence)).ended_at == NOW
        assert [s.silence_id for s in await silences.list_silences(db, running=False)] == [silence]
        assert await silences.list_silences(db, running=True) == []


async def test_resolving_by_hand_keeps_the_silence_on_record(sessions: Sessions) -> None:
    """What a person resolves was hidden by this silence, and stays so."""
    silence = await silenced(sessions)
    await deliver(sessions, anomaly(1))
    await do(sessions, ActionType.RESOLVE, (await the_alert(sessions)).alert_id, disposition=Disposition.EXPECTED)
    assert await hidden_by(sessions) == [silence]
