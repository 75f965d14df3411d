"""The outbox in one order for everybody, without a gap, and on Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.operator.stories import Sessions, anomaly, deliver, do, the_alert, told
from tests.servers.reading import read_all

from fleetops.bus.admin import ensure_topics
from fleetops.bus.producer import Producer
from fleetops.contracts import ids
from fleetops.contracts.operations import OperatorAction, OperatorAlert
from fleetops.contracts.topics import OPERATOR_ACTIONS, OPERATOR_ALERTS
from fleetops.contracts.vocabulary import ActionType
from fleetops.db.models import OutboxRow
from fleetops.operator.outbox import STAMPED_CHANNEL, events_after, events_reach, last_seq
from fleetops.operator.relay import LOCK, Relay
from fleetops.settings import KafkaSettings


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[asyncio.Event]:
    """Relays at work, and stopped in the end."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(relay.run(stop)) for relay in relays]
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await asyncio.gather(*tasks)


async def all_stamped(sessions: Sessions) -> list[OutboxRow]:
    """The outbox once each of its rows has a number, in that order."""
    async with asyncio.timeout(15):
        while True:
            rows = await told(sessions)
            if all(row.seq is not None for row in rows):
                return sorted(rows, key=lambda row: row.seq or 0)
            await asyncio.sleep(0.02)


async def all_published(sessions: Sessions) -> None:
    """Wait until everything that goes to Kafka has got there."""
    async with asyncio.timeout(30):
        while any(row.topic and row.published_at is None for row in await told(sessions)):  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.05)


def crowd(sessions: Sessions, frames: range) -> list[asyncio.Task[object]]:
    """Writers for many vehicles at once."""
    cars = [ids.vehicle_id("scene_001", track) for track in range(8)]
    return [asyncio.ensure_future(deliver(sessions, anomaly(frame, vehicle=car))) for frame in frames for car in cars]


async def test_numbers_have_no_gap_whoever_writes(engine: AsyncEngine, sessions: Sessions) -> None:
    """Two relays, many writers, transactions that are rolled back: 1, 2, 3 ... and each alert's versions in order."""
    first, second = Relay(engine, None), Relay(engine, None)
    async with running(first, second):
        writers = crowd(sessions, range(12))
        for _ in range(10):
            async with sessions() as session:
                await session.execute(text("SELECT nextval(pg_get_serial_sequence('outbox', 'id'))"))
                await session.rollback()
        await asyncio.gather(*writers)
        rows = await all_stamped(sessions)
        assert [first.leading, second.leading].count(True) == 1
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    versions: dict[object, list[object]] = {}
    for row in rows:
        if isinstance(alert := row.event.get("alert"), dict):
            versions.setdefault(alert["alert_id"], []).append(alert["version"])
    assert list(versions.values()) == [list(range(1, 13))] * 8


async def cut_off_the_leader(engine: AsyncEngine) -> None:
    """Kill the connection that holds the relay's lock, as soon as one does."""
    async with asyncio.timeout(10), engine.connect() as connection:
        while not (  # noqa: ASYNC110 - PostgreSQL tells nobody about its locks
            await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = :low"),
                {"low": LOCK & 0xFFFFFFFF},
            )
        ).all():
            await asyncio.sleep(0.05)


async def test_a_second_relay_takes_over_when_the_first_is_cut_off(engine: AsyncEngine, sessions: Sessions) -> None:
    """The leader's connection is killed again and again; numbers go on without a gap or a repeat."""
    async with running(Relay(engine, None), Relay(engine, None)):
        for frame in range(4):
            writers = crowd(sessions, range(frame * 2, frame * 2 + 2))
            await cut_off_the_leader(engine)
            await asyncio.gather(*writers)
        rows = await all_stamped(sessions)
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))


async def test_replicas_are_told_the_highest_number(engine: AsyncEngine, sessions: Sessions, database_url: str) -> None:
    """Whoever LISTENs gets it after the rows can be read."""
    heard: asyncio.Queue[int] = asyncio.Queue()
    listener = await asyncpg.connect(database_url)
    await listener.add_listener(STAMPED_CHANNEL, lambda *args: heard.put_nowait(int(args[-1])))
    async with running(Relay(engine, None)):
        await deliver(sessions, anomaly())
        async with asyncio.timeout(5):
            highest = await heard.get()
        async with sessions() as session:
            assert await last_seq(session) == highest == 2
            events = await events_after(session, 0, 10)
    await listener.close()
    assert [(event.seq, event.kind) for event in events] == [(1, "alert_created"), (2, "vehicle_updated")]


async def test_reading_on_from_a_number(engine: AsyncEngine, sessions: Sessions) -> None:
    """A client may go on from where it was, unless what it missed was pruned; and never from the future."""
    async with running(Relay(engine, None)):
        await deliver(sessions, anomaly(1), anomaly(2), anomaly(3))
        rows = await all_stamped(sessions)
    assert len(rows) == 4
    async with sessions() as session:
        assert [event.seq for event in await events_after(session, 2, 1)] == [3]
        assert [await events_reach(session, seq) for seq in (0, 3, 4, 5)] == [True, True, True, False]
        await session.execute(delete(OutboxRow).where(OutboxRow.seq <= 2))
        assert [await events_reach(session, seq) for seq in (0, 1, 2, 3)] == [False, False, True, True]
        assert await last_seq(session) == 4


async def test_numbers_go_on_after_pruning_and_restart(engine: AsyncEngine, sessions: Sessions) -> None:
    """An emptied outbox repeats no number."""
    async with running(Relay(engine, None)):
        await deliver(sessions, anomaly(1))
        await all_stamped(sessions)
    async with sessions() as session, session.begin():
        await session.execute(delete(OutboxRow))
    async with running(Relay(engine, None)):
        await deliver(sessions, anomaly(2))
        assert [row.seq for row in await all_stamped(sessions)] == [3]


@pytest.mark.broker
async def test_what_happened_is_on_kafka_in_order(
    engine: AsyncEngine, sessions: Sessions, broker: KafkaSettings
) -> None:
    """Every change of an alert and every action arrives, keyed by its id, an alert's versions in order."""
    ensure_topics(broker)
    async with running(Relay(engine, lambda: Producer(broker, "relay"))):
        await asyncio.gather(*crowd(sessions, range(5)))
        async with sessions() as session:
            alert_id = (await session.scalars(select(OutboxRow.key).where(OutboxRow.kind == "alert_created"))).first()
        rows = await told(sessions)
        first = next(row for row in rows if row.key == alert_id)
        message = OperatorAlert.model_validate(first.payload)
        await do(sessions, ActionType.ACKNOWLEDGE, message.alert_id)
        await all_published(sessions)
    alerts = [(key, OperatorAlert.read(value)) for key, value in read_all(broker, OPERATOR_ALERTS)]
    assert len(alerts) == 8 * 5 + 1
    assert all(key.decode() == str(alert.alert_id) for key, alert in alerts)
    for key in {key for key, _ in alerts}:
        versions = [alert.version for at, alert in alerts if at == key]
        assert versions == list(range(1, len(versions) + 1))
    ((key, value),) = read_all(broker, OPERATOR_ACTIONS)
    action = OperatorAction.read(value)
    assert (key.decode(), action.action_type) == (str(action.action_id), ActionType.ACKNOWLEDGE)


@pytest.mark.broker
async def test_a_broker_that_is_away_delays_nobody_but_kafka(
    engine: AsyncEngine, sessions: Sessions, broker: KafkaSettings
) -> None:
    """Numbers are given and consoles told without Kafka; what was held back follows, and stopping is prompt."""
    ensure_topics(broker)
    away = broker.model_copy(update={"bootstrap_servers": "127.0.0.1:9"})
    async with running(Relay(engine, lambda: Producer(away, "relay"))):
        await deliver(sessions, anomaly())
        await all_stamped(sessions)
        await the_alert(sessions)
    assert all(row.published_at is None for row in await told(sessions))
    async with running(Relay(engine, lambda: Producer(broker, "relay"))):
        await all_published(sessions)
