"""Two replicas side by side, and nothing sticks to either: whoever comes is served by whichever is there."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast
from uuid import uuid4

import httpx
import pytest
from tests.integration.operator.stories import anomaly, cleared
from tests.servers.postgres import TEMPLATE, Postgres

from fleetops.auth.roles import Role
from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import AnomalyType, Severity
from fleetops.settings import KafkaSettings

from .eventually import eventually
from .following import Follower
from .round_robin import RoundRobin
from .running import OperatorService, detect

pytestmark = pytest.mark.broker

Json = dict[str, object]


@pytest.fixture
def replicas(postgres: Postgres, broker: KafkaSettings, tmp_path: Path) -> Iterator[list[OperatorService]]:
    """Two processes on one database and one broker, as members of one group."""
    name = f"shared_{secrets.token_hex(6)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    group = {
        "FLEETOPS_KAFKA__SESSION_TIMEOUT_MS": str(broker.session_timeout_ms),
        "FLEETOPS_KAFKA__HEARTBEAT_INTERVAL_MS": str(broker.heartbeat_interval_ms),
        "FLEETOPS_OPERATOR__RESOLVE_DELAY_S": "100000",
    }
    running: list[OperatorService] = []
    try:
        for which in ("a", "b"):
            (tmp_path / which).mkdir()
            running.append(OperatorService.start(tmp_path / which, postgres.url(name), broker, group))
        yield running
    finally:
        for service in running:
            service.stop()
        postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def test_whichever_replica_answers_the_fleet_is_the_same(
    replicas: list[OperatorService], broker: KafkaSettings
) -> None:
    """Anomalies, two people and four consoles behind a round-robin; each replica is killed in turn.

    Every console hears every event once and in order, though its connection broke; at each event all
    hold the same state; and what a person asked for again after a break was done once.
    """
    first, second = replicas
    seen = shift(vehicles=20, frames=24)
    third = len(seen) // 3
    async with balancer(replicas) as balanced, consoles(replicas, balanced, 4) as followers:
        people = [await sign_in(first, balanced, name) for name in ("operator_001", "operator_002")]
        await asyncio.to_thread(detect, broker, *seen[:third])
        await reach(first, third)
        acting = asyncio.create_task(work(people))
        await asyncio.to_thread(detect, broker, *seen[third : 2 * third])
        first.process.kill()
        first.process.wait()
        await asyncio.to_thread(detect, broker, *seen[2 * third :])
        await reach(second, len(seen))
        await asyncio.to_thread(first.again)
        second.process.kill()
        second.process.wait()
        said = await acting
        await asyncio.to_thread(second.again)
        last = await asyncio.to_thread(quiet, first)
        await heard(followers, last)
    for person in people:
        await person.aclose()

    assert {follower.snapshots for follower in followers} == {1}, "a console had to begin anew"
    assert sum(follower.breaks for follower in followers) >= len(followers), "hardly any connection broke"
    for follower in followers:
        assert follower.seqs == list(range(1, last + 1)), "an event was lost, repeated, or out of order"
    for others in followers[1:]:
        assert others.hashes == followers[0].hashes
    fresh = [await snapshot_hash(service) for service in replicas]
    assert fresh == [followers[0].hashes[last]] * 2
    query = "SELECT metadata->>'comment' AS said FROM operator_actions WHERE action_type = 'COMMENT'"
    comments = await asyncio.to_thread(first.sql, query)
    assert sorted(str(row["said"]) for row in comments) == sorted(said)
    assert min(balanced.taken.values()) >= 5, "the round-robin did not go round"


def shift(vehicles: int, frames: int) -> list[Anomaly]:
    """What detection finds: conditions begin, get worse, end and return."""
    dice = random.Random(7)
    found: list[Anomaly] = []
    for frame in range(frames):
        for track in range(vehicles):
            car, kind = ids.vehicle_id("scene_001", track), dice.choice(list(AnomalyType))
            if dice.random() < 0.3:
                found.append(cleared(frame, kind, car))
            else:
                found.append(anomaly(frame, severity=dice.choice(list(Severity)), kind=kind, vehicle=car))
    return found


@asynccontextmanager
async def balancer(replicas: list[OperatorService]) -> AsyncIterator[RoundRobin]:
    """The one address that everybody knows."""
    async with RoundRobin([service.settings.operator.port for service in replicas]).running() as balanced:
        yield balanced


@asynccontextmanager
async def consoles(replicas: list[OperatorService], balanced: RoundRobin, count: int) -> AsyncIterator[list[Follower]]:
    """So many consoles, each with its snapshot of the quiet fleet; they listen until this ends."""
    token = await asyncio.to_thread(replicas[0].token, Role.VIEWER)
    followers = [Follower(balanced.url, token) for _ in range(count)]
    listening = [asyncio.create_task(follower.follow()) for follower in followers]
    try:
        await until(lambda: all(follower.snapshots for follower in followers))
        yield followers
        assert not any(task.done() for task in listening), "a console gave up"
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)


async def sign_in(service: OperatorService, balanced: RoundRobin, name: str) -> httpx.AsyncClient:
    """A browser whose session any replica knows; each of its requests is a connection of its own."""
    link = await asyncio.to_thread(service.login_link, name)
    person = httpx.AsyncClient(
        base_url=balanced.url,
        headers={"Origin": balanced.url},
        timeout=30,
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    path = link.removeprefix(service.url)
    assert (await person.get(path)).status_code == 303
    return person


async def work(people: list[httpx.AsyncClient]) -> list[str]:
    """Both comment and acknowledge for as long as the disturbance may last; the comments that were made."""
    said: list[str] = []

    async def one(number: int, person: httpx.AsyncClient) -> None:
        dice = random.Random(number)
        alerts: list[Json] = []
        for turn in range(40):
            if turn % 10 == 0:
                alerts = cast("list[Json]", (await ask(person, "GET", "/alerts?status=OPEN&limit=20")).json()["alerts"])
            path = f"/alerts/{dice.choice(alerts)['alert_id']}"
            comment = f"{number}-{turn}"
            body: Json = {"action_type": "COMMENT", "comment": comment}
            answer = await ask(person, "POST", f"{path}/actions", body)
            assert answer.status_code in {200, 409}, answer.text
            if answer.status_code == 200:
                said.append(comment)
            answer = await ask(person, "POST", f"{path}/acknowledge", {})
            assert answer.status_code in {200, 409}, answer.text
            await asyncio.sleep(0.1)

    await asyncio.gather(*(one(number, person) for number, person in enumerate(people)))
    return said


async def ask(person: httpx.AsyncClient, method: str, path: str, body: Json | None = None) -> httpx.Response:
    """One request, asked again under its key until a replica answers it."""
    headers = {"Idempotency-Key": str(uuid4())} if method == "POST" else {}
    for _ in range(300):
        try:
            answer = await person.request(method, path, json=body, headers=headers)
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code != 503:
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(f"nobody answered {method} {path}")


async def reach(service: OperatorService, anomalies: int) -> None:
    """Return when so many anomalies are applied."""
    count = "SELECT count(*) AS n FROM anomalies"
    await asyncio.to_thread(eventually, lambda: service.sql(count)[0]["n"] == anomalies, 90)


def quiet(service: OperatorService) -> int:
    """The last seq, once everything that was written is stamped."""
    unstamped = "SELECT count(*) AS n FROM outbox WHERE seq IS NULL"
    eventually(lambda: service.sql(unstamped)[0]["n"] == 0, 60)
    return int(service.sql("SELECT last_seq FROM outbox_counter")[0]["last_seq"])


async def heard(followers: list[Follower], seq: int) -> None:
    """Return when every console has come that far."""
    await until(lambda: all(follower.seq is not None and follower.seq >= seq for follower in followers))


async def snapshot_hash(service: OperatorService) -> str:
    """The state that one replica shows to a console that comes anew."""
    async with service.socket() as socket:
        newcomer = Follower(service.url, "")
        newcomer.hear(await socket.next())
    return newcomer.hashes[newcomer.seq or 0]


async def until(condition: Callable[[], bool], within_s: float = 90) -> None:
    """Return once `condition` holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.05)
