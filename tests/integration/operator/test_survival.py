"""operator-service is killed, stopped in its tracks, or left without a database, and nothing shows."""

from __future__ import annotations

import asyncio
import random
import secrets
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import func, select
from tests.integration.operator.stories import Sessions, alerts, anomaly, cleared, deliver, told
from tests.integration.operator_api.running import OperatorService, spawn_service
from tests.servers.postgres import TEMPLATE, Postgres
from tests.servers.reading import read_all
from tests.servers.tansu import Tansu

from fleetops.bus.admin import ensure_topics
from fleetops.bus.producer import Producer
from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.operations import OperatorAlert
from fleetops.contracts.topics import ANOMALIES, DEAD_LETTERS, OPERATOR_ALERTS, headers
from fleetops.contracts.vocabulary import AnomalyType, Severity
from fleetops.db import engine as db_engine
from fleetops.db import migrate
from fleetops.db.models import AnomalyRecord, OutboxRow, Vehicle
from fleetops.operator.consumer import AlertConsumer, AnomalyHandler
from fleetops.operator.delays import Delays
from fleetops.settings import KafkaSettings, Settings

pytestmark = pytest.mark.broker

KILLS = 6
_PATIENT = {
    "FLEETOPS_OPERATOR__RESOLVE_DELAY_S": "100000",
    "FLEETOPS_KAFKA__BATCH_SIZE": "20",
    "FLEETOPS_KAFKA__SOLE_CONSUMER": "true",
}
"""Timers far off, so that only what was detected counts; small batches, so that a kill hits between and within."""


@pytest.fixture
def embedded_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """The embedded broker, read as the demo does: alone, without a group."""
    server = Tansu.start(tmp_path_factory.mktemp("tansu"))
    kafka = KafkaSettings(bootstrap_servers=server.bootstrap_servers, sole_consumer=True, timeout_s=20)
    ensure_topics(kafka)
    yield kafka
    server.stop()


@pytest.fixture
def service_url(postgres: Postgres) -> Iterator[str]:
    """A second database of this test, for the service that suffers."""
    name = f"suffering_{secrets.token_hex(6)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def shift(vehicles: int, frames: int, seed: int) -> list[Anomaly]:
    """What detection finds in a session: conditions begin, get worse, end and return."""
    dice = random.Random(seed)
    found: list[Anomaly] = []
    for frame in range(frames):
        for track in range(vehicles):
            car, kind = ids.vehicle_id("scene_001", track), dice.choice(list(AnomalyType))
            if dice.random() < 0.3:
                found.append(cleared(frame, kind, car))
            else:
                found.append(anomaly(frame, severity=dice.choice(list(Severity)), kind=kind, vehicle=car))
    return found


def send(kafka: KafkaSettings, anomalies: Sequence[Anomaly]) -> None:
    """Put anomalies on the topic as anomaly-service would."""
    producer = Producer(kafka, "test")
    for one in anomalies:
        producer.send(ANOMALIES, one.write(), key=one.vehicle_id.encode(), headers=headers("anomaly", "anomalies/1"))
    producer.flush(20)
    producer.close()


async def until(condition: Callable[[], object], *, within_s: float = 60) -> None:
    """Return once `condition`, which may await, holds."""
    deadline = time.monotonic() + within_s
    while True:
        answer = condition()
        if await answer if asyncio.iscoroutine(answer) else answer:
            return
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.02)


async def recorded(url: str) -> int:
    """How many anomalies a database knows."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM anomalies"))
    finally:
        await connection.close()


Story = tuple[dict[UUID, object], dict[str, list[object]], dict[str, object]]


async def story(sessions: Sessions) -> Story:
    """What came of a session, without the times at which it came: alerts, what was told, vehicles."""
    found: dict[UUID, object] = {
        alert.alert_id: (
            alert.alert_status,
            alert.severity,
            alert.occurrences,
            alert.version,
            alert.condition_active,
            alert.evidence_anomaly_id,
            alert.last_seen_at,
            alert.repeats_alert_id,
        )
        for alert in await alerts(sessions)
    }
    chapters: dict[str, list[object]] = defaultdict(list)
    for row in sorted(await told(sessions), key=lambda row: row.seq or row.id):
        (body,) = row.event.values()
        assert isinstance(body, dict)
        about = str(body.get("alert_id", body["vehicle_id"]))
        facts = ("version", "occurrences", "severity", "condition_active", "current_state")
        chapters[about].append((row.kind, row.topic, *(body.get(fact) for fact in facts)))
    async with sessions() as session:
        vehicles: dict[str, object] = {v.vehicle_id: v.current_state for v in await session.scalars(select(Vehicle))}
    return found, dict(chapters), vehicles


async def test_killed_again_and_again_in_a_session(
    sessions: Sessions, service_url: str, embedded_kafka: KafkaSettings, tmp_path: Path
) -> None:
    """Alerts, occurrences, vehicles and the outbox, on Kafka too, are those of an undisturbed run."""
    session = shift(vehicles=12, frames=66, seed=1)
    for start in range(0, len(session), 100):
        await deliver(sessions, *session[start : start + 100])
    share = len(session) // (KILLS + 1)
    send(embedded_kafka, session[:share])
    service = await asyncio.to_thread(OperatorService.start, tmp_path, service_url, embedded_kafka, _PATIENT)
    dice = random.Random(2)
    try:
        for kill in range(1, KILLS + 1):
            before = await recorded(service_url)
            end = None if kill == KILLS else (kill + 1) * share
            send(embedded_kafka, session[kill * share : end])
            await until(partial(_grown, service_url, before))
            await asyncio.sleep(dice.uniform(0, 0.3))
            service.process.kill()
            service.process.wait()
            service.process = spawn_service(service.folder, service.environment)
        await until(lambda: _grown(service_url, len(session) - 1))
        engine = db_engine.create_engine(Settings(database_url=SecretStr(service_url)), "test")
        suffered = db_engine.session_factory(engine)
        await until(lambda: _all_published(suffered))
        assert await story(suffered) == await story(sessions)
        async with suffered() as session_:
            seqs = (await session_.scalars(select(OutboxRow.seq).order_by(OutboxRow.seq))).all()
        assert seqs == list(range(1, len(seqs) + 1))
        published = [OperatorAlert.read(value) for _, value in read_all(embedded_kafka, OPERATOR_ALERTS)]
        expected = {(row.key, body["version"]) for row in await told(sessions) if (body := row.payload)}
        assert {(str(alert.alert_id), alert.version) for alert in published} == expected
        await engine.dispose()
    finally:
        service.stop()


async def _grown(url: str, beyond: int) -> bool:
    return await recorded(url) > beyond


async def _all_published(sessions: Sessions) -> bool:
    async with sessions() as session:
        waiting = select(func.count()).where(OutboxRow.topic.is_not(None), OutboxRow.published_at.is_(None))
        return not await session.scalar(waiting)


async def test_stopped_in_its_tracks_and_woken_after_take_over(
    sessions: Sessions, service_url: str, embedded_kafka: KafkaSettings, tmp_path: Path
) -> None:
    """A worker is frozen (SIGSTOP) midway, another takes over and finishes; the first wakes and changes nothing."""
    session = shift(vehicles=10, frames=40, seed=3)
    await deliver(sessions, *session)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = await asyncio.to_thread(OperatorService.start, tmp_path / "a", service_url, embedded_kafka, _PATIENT)
    second: OperatorService | None = None
    try:
        send(embedded_kafka, session[: len(session) // 2])
        await until(lambda: _grown(service_url, 0))
        first.process.send_signal(signal.SIGSTOP)
        send(embedded_kafka, session[len(session) // 2 :])  # so that however late it froze, there is more to do
        second = await asyncio.to_thread(OperatorService.start, tmp_path / "b", service_url, embedded_kafka, _PATIENT)
        await until(lambda: _grown(service_url, len(session) - 1))
        first.process.send_signal(signal.SIGCONT)
        await asyncio.sleep(3)
        engine = db_engine.create_engine(Settings(database_url=SecretStr(service_url)), "test")
        assert await story(db_engine.session_factory(engine)) == await story(sessions)
        await engine.dispose()
    finally:
        first.process.send_signal(signal.SIGCONT)
        first.stop()
        if second is not None:
            second.stop()


@pytest.fixture
def consuming(embedded_kafka: KafkaSettings) -> Iterator[Callable[[str], threading.Thread]]:
    """Starts the consumer alone, in a thread, on a database."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def start(url: str) -> threading.Thread:
        consumer = AlertConsumer(Settings(database_url=SecretStr(url), kafka=embedded_kafka))
        threads.append(threading.Thread(target=consumer.run, args=(stop,)))
        threads[-1].start()
        return threads[-1]

    yield start
    stop.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "it was told to stop"


async def test_what_cannot_be_read_or_stored_is_buried(
    sessions: Sessions,
    database_url: str,
    embedded_kafka: KafkaSettings,
    consuming: Callable[[str], threading.Thread],
) -> None:
    """Poison in between goes to dead_letters, each once with its own bytes; what is around it is applied."""
    good = [anomaly(frame, vehicle=ids.vehicle_id("scene_001", 5)) for frame in range(4)]
    nul = anomaly(9).model_copy(update={"triggered_rule": "a\0b"})
    endless = anomaly(10).model_copy(update={"vehicle_id": "x" * 300})
    nan = anomaly(11).write().replace(b'"velocity_delta":-8.5', b'"velocity_delta":NaN')
    poison = [b"", b"{", b"[]", b'{"anomaly_id": 7}', b"\xff\xfe", nan, nul.write(), endless.write()]
    producer = Producer(embedded_kafka, "test")
    for number, bad in enumerate(poison):
        producer.send(ANOMALIES, bad, partition=number % 3)
        producer.send(ANOMALIES, good[number // 2].write(), partition=number % 3)
    producer.flush(20)
    producer.close()
    consuming(database_url)
    await until(lambda: len(read_all(embedded_kafka, DEAD_LETTERS)) >= len(poison))
    await until(lambda: _recorded(sessions, len(good)))
    assert sorted(value for _, value in read_all(embedded_kafka, DEAD_LETTERS)) == sorted(poison)
    assert [alert.occurrences for alert in await alerts(sessions)] == [4]


async def _recorded(sessions: Sessions, wanted: int) -> bool:
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(AnomalyRecord)) == wanted


async def test_a_database_that_is_away_is_waited_for(
    embedded_kafka: KafkaSettings, consuming: Callable[[str], threading.Thread]
) -> None:
    """PostgreSQL crashes under the consumer and comes back: nothing was lost, nothing counted twice."""
    session = shift(vehicles=10, frames=20, seed=5)
    server = await asyncio.to_thread(Postgres.start)
    try:
        await asyncio.to_thread(server.execute, "CREATE DATABASE fleet")
        settings = Settings(database_url=SecretStr(server.url("fleet")))
        await asyncio.to_thread(migrate.upgrade, settings)
        send(embedded_kafka, session[:100])
        thread = consuming(server.url("fleet"))
        await until(lambda: _grown(server.url("fleet"), 0))
        await asyncio.to_thread(server.kill)
        send(embedded_kafka, session[100:])
        await asyncio.sleep(1.5)
        assert thread.is_alive()
        server = await asyncio.to_thread(server.again)
        await until(lambda: _grown(server.url("fleet"), len(session) - 1))
        engine = db_engine.create_engine(settings, "test")
        found = await alerts(db_engine.session_factory(engine))
        await engine.dispose()
        assert sum(alert.occurrences for alert in found) == sum(one.status == "ACTIVE" for one in session)
    finally:
        await asyncio.to_thread(server.remove)


@dataclass(frozen=True)
class Delivered:
    """A record, as the bus hands it out."""

    body: bytes

    def value(self) -> bytes:
        """The anomaly."""
        return self.body

    def key(self) -> None:
        """None needed."""

    def headers(self) -> None:
        """None needed."""

    def topic(self) -> str:
        """Where anomalies come from."""
        return ANOMALIES

    def partition(self) -> int:
        """Any."""
        return 4

    def offset(self) -> int:
        """Any."""
        return 17


def test_an_offset_moves_only_after_the_commit(service_url: str) -> None:
    """Asked to stop while the database is away, the consumer ends without having read the batch."""
    stop = threading.Event()
    away = Settings(database_url=SecretStr("postgresql://nobody@127.0.0.1:9/nothing"))
    here = Settings(database_url=SecretStr(service_url))
    offsets: list[dict[int, int]] = []
    for settings in (here, away):
        with asyncio.Runner() as runner:
            engine = db_engine.create_engine(settings, "test")
            producer = Producer(KafkaSettings(bootstrap_servers="127.0.0.1:9"), "test")
            handler = AnomalyHandler(runner, db_engine.session_factory(engine), producer, Delays(), stop)
            threading.Timer(0.2, stop.set).start()
            handler.handle([Delivered(anomaly().write())])
            offsets.append(dict(handler.offsets()))
            runner.run(engine.dispose())
            producer.close()
    assert offsets == [{4: 18}, {}]
