"""operator-service as a process: how it starts, stops, fails, and lives through what happens to its servers."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import httpx
import pytest
from tests.integration.operator.stories import anomaly
from tests.servers.postgres import Postgres
from tests.servers.processes import free_port, tail_of
from tests.servers.tansu import Tansu
from tests.unit.operator.live.records import telemetry
from websockets.exceptions import InvalidStatus

from fleetops.auth.roles import Role
from fleetops.bus.admin import ensure_topics
from fleetops.contracts import ids, topics
from fleetops.db import migrate
from fleetops.settings import KafkaSettings

from .conftest import settings_of
from .eventually import eventually
from .running import OperatorService, detect, send, spawn_service


@pytest.fixture
def own(service_database: str, embedded_kafka: KafkaSettings, tmp_path: Path) -> Iterator[OperatorService]:
    """A service for one test, which may do anything to it."""
    running = OperatorService.start(tmp_path, service_database, embedded_kafka)
    yield running
    running.stop()


async def test_it_stops_promptly_and_tells_consoles_to_come_back(own: OperatorService) -> None:
    """SIGTERM with a console connected: code 1012, exit code 0, no waiting for a time-out, and the port is free."""
    async with own.socket() as console:
        await console.next()
        took, code = await asyncio.gather(asyncio.to_thread(own.terminate), console.until_closed())
    assert code == 1012
    assert own.process.returncode == 0, tail_of(own.log)
    assert took < 10  # two seconds on an idle machine; a time-out that was waited for would be seen
    assert "Traceback" not in own.log.read_text()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", own.settings.operator.port))


async def test_a_console_lives_through_a_killed_service(own: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """Kill -9, an alert meanwhile, a new start: the same `since` brings exactly what was missed."""
    before, vehicle = ids.vehicle_id("scene_001", 990_000), ids.vehicle_id("scene_001", 990_001)
    async with own.socket() as console:
        began = cast("int", (await console.until("snapshot"))["seq"])
        await asyncio.to_thread(detect, embedded_kafka, anomaly(vehicle=before))
        seq = began + 2
        await console.numbered(seq)
        own.process.kill()
        own.process.wait()
        assert await console.until_closed() == 1006
    await asyncio.to_thread(detect, embedded_kafka, anomaly(vehicle=vehicle))
    await asyncio.to_thread(own.again)
    async with own.socket(since=seq) as console:
        events = await console.numbered(seq + 2, within_s=40)
    assert [event["seq"] for event in events] == [seq + 1, seq + 2]
    assert {str(event["type"]) for event in events} == {"alert_created", "vehicle_updated"}


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaSettings]:
    """A broker on which nobody has written yet."""
    broker = Tansu.start(tmp_path)
    yield settings_of(broker)
    broker.stop()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server that one test may kill."""
    server = Postgres.start()
    yield server
    server.remove()


async def test_a_console_lives_through_a_killed_database(
    own_kafka: KafkaSettings, own_postgres: Postgres, tmp_path: Path
) -> None:
    """The socket stays open while PostgreSQL is away, requests are told so, and all goes on when it is back."""
    await asyncio.to_thread(own_postgres.execute, "CREATE DATABASE fleet")
    url = own_postgres.url("fleet")
    await asyncio.to_thread(migrate.upgrade, OperatorService.settings_for(tmp_path, url, own_kafka))
    service = await asyncio.to_thread(OperatorService.start, tmp_path, url, own_kafka)
    back: Postgres | None = None
    program = await asyncio.to_thread(service.as_program)
    try:
        async with service.socket() as console:
            assert (await console.until("snapshot"))["seq"] == 0
            await asyncio.to_thread(own_postgres.kill)
            await asyncio.to_thread(detect, own_kafka, anomaly(vehicle=ids.vehicle_id("scene_001", 990_002)))
            await console.until("vehicles_moved")
            await asyncio.to_thread(eventually, lambda: httpx.get(f"{service.url}/readyz").status_code == 503)
            refused = await asyncio.to_thread(program.get, "/alerts")
            assert (refused.status_code, refused.json()["type"]) == (503, "urn:fleetops:error:database")
            assert refused.headers["Retry-After"]
            with pytest.raises(InvalidStatus) as late:
                async with service.socket():
                    pass
            assert late.value.response.status_code == 503
            assert b"urn:fleetops:error:database" in (late.value.response.body or b"")
            back = await asyncio.to_thread(own_postgres.again)
            events = await console.numbered(2, within_s=40)
        assert [event["seq"] for event in events] == [1, 2]
        await asyncio.to_thread(service.wait_until_ready)
        assert (await asyncio.to_thread(program.get, "/alerts")).status_code == 200
        assert service.process.poll() is None
    finally:
        service.stop()
        if back is not None:
            back.kill()


def test_a_broker_that_forgot_everything_ends_the_process(service_database: str, tmp_path: Path) -> None:
    """The embedded broker comes back empty: going on would read nothing, silently. The supervisor starts it anew."""
    broker = Tansu.start(tmp_path)
    kafka = settings_of(broker)
    service = OperatorService.start(tmp_path, service_database, kafka)
    try:
        vehicle = ids.vehicle_id("scene_009", 7)
        frames = [telemetry(vehicle, frame, scene="scene_009") for frame in range(20)]
        send(kafka, topics.RAW_TELEMETRY, [(vehicle, frame) for frame in frames])
        program = service.as_program(Role.VIEWER)
        eventually(lambda: program.get("/health").json()["vehicles_tracked"])
        broker.process.kill()
        broker.process.wait()
        broker = broker.again()
        ensure_topics(kafka)
        service.process.wait(60)
        assert service.process.returncode != 0
        assert "the broker lost records" in service.log.read_text()
    finally:
        service.stop()
        broker.stop()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"FLEETOPS_DATABASE_URL": ""}, "FLEETOPS_DATABASE_URL"),
        ({"FLEETOPS_DATABASE_URL": "postgresql://nobody:x@127.0.0.1:1/x", "FLEETOPS_OPERATOR__DATABASE_TIMEOUT_S": "1"},
         "PostgreSQL"),
        ({"FLEETOPS_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "FLEETOPS_KAFKA__TIMEOUT_S": "1"}, "127.0.0.1:1"),
        ({"FLEETOPS_OPERATOR__HOST": "0.0.0.0"}, "FLEETOPS_SERVICE_TOKEN"),
    ],
    ids=["no database", "database away", "broker away", "exposed"],
)  # fmt: skip
def test_what_it_cannot_start_without_is_named(
    service_database: str, embedded_kafka: KafkaSettings, tmp_path: Path, changed: dict[str, str], said: str
) -> None:
    """It ends at once, and its message says what is missing and which setting to look at."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "FLEETOPS_DATABASE_URL": service_database,
        "FLEETOPS_DATA_DIR": str(tmp_path),
        "FLEETOPS_OPERATOR__PORT": str(free_port()),
        "FLEETOPS_KAFKA__BOOTSTRAP_SERVERS": embedded_kafka.bootstrap_servers,
        **changed,
    }
    if not environment["FLEETOPS_DATABASE_URL"]:
        del environment["FLEETOPS_DATABASE_URL"]
    process = spawn_service(tmp_path, environment)
    process.wait(60)
    assert process.returncode != 0
    assert said in tail_of(tmp_path / "operator.log", 3)


def test_a_taken_port_is_named(own: OperatorService, tmp_path: Path) -> None:
    """Two services on one port: the second says which setting to change."""
    second = spawn_service(tmp_path / "..", own.environment)
    second.wait(60)
    assert second.returncode != 0
    assert "FLEETOPS_OPERATOR__PORT" in tail_of(tmp_path / ".." / "operator.log", 3)


def test_the_openapi_command_writes_what_is_in_the_repository() -> None:
    """As the check in `make check` runs it."""
    checked = subprocess.run([sys.executable, "-m", "fleetops.operator.openapi", "check"], check=False)
    assert checked.returncode == 0
