"""The real scene over real Kafka: the same anomalies whatever the rate, the workers, the broker and the kills.

The oracle is the detector run over the scene without Kafka. Everything here is a real
process of its own, killed with SIGKILL where a test says so.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import confluent_kafka
import pytest
from tests.integration.detection.harness import AnomalyService, Told, ends, expected_anomalies, workers
from tests.integration.replay.harness import ReplayService, running, settings_for
from tests.servers.kafka import KINDS, StartApache, clean_broker

from fleetops.bus.admin import ensure_topics
from fleetops.contracts.topics import RAW_TELEMETRY
from fleetops.dataset.admission import Admission
from fleetops.settings import KafkaSettings

pytestmark = [pytest.mark.broker, pytest.mark.sample]

SCENE = "scene_00000"
EVERYTHING = Admission.everything()


@pytest.fixture(params=KINDS, ids=lambda kind: f"kafka={kind}")
def kafka(
    request: pytest.FixtureRequest, apache_server: StartApache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaSettings]:
    """Every kind of broker, empty for each test: the group of a test that kills must not reach into the next."""
    yield from clean_broker(request.param, apache_server, tmp_path_factory)


@pytest.fixture
def told(kafka: KafkaSettings) -> Iterator[Told]:
    """What is told during the test."""
    ensure_topics(kafka)
    reader = Told(kafka)
    yield reader
    reader.close()


def replay_everything(kafka: KafkaSettings, sample: Path, folder: Path) -> ReplayService:
    """replay-service on the real scene, all tracks admitted."""
    return ReplayService.start(settings_for(kafka, sample, folder, admit="all"))


@pytest.mark.parametrize("count", [1, 2], ids=["one_worker", "two_workers"])
def test_the_scene_as_fast_as_it_goes(
    kafka: KafkaSettings, told: Told, l5kit_sample: Path, tmp_path: Path, count: int
) -> None:
    """At rate 0, with one worker and with two, on both brokers, the ids are those of the oracle."""
    session = f"rate_0_workers_{count}"
    with workers(kafka, tmp_path, count), running(settings_for(kafka, l5kit_sample, tmp_path, admit="all")) as replay:
        replay.post("start", scene_ids=[SCENE], replay_rate_hz=0, session_id=session)
        told.await_all(session, expected_anomalies(l5kit_sample, session, EVERYTHING))
        assert len(told.partitions) == 6


def test_two_workers_at_the_rate_of_life(kafka: KafkaSettings, told: Told, l5kit_sample: Path, tmp_path: Path) -> None:
    """At 10 Hz as at rate 0: the same session id would give the same anomaly ids."""
    session = "rate_10"
    with workers(kafka, tmp_path, 2), running(settings_for(kafka, l5kit_sample, tmp_path, admit="all")) as replay:
        replay.post("start", scene_ids=[SCENE], replay_rate_hz=10, session_id=session)
        told.await_all(session, expected_anomalies(l5kit_sample, session, EVERYTHING))


def test_a_worker_killed_ten_times_in_one_session(
    request: pytest.FixtureRequest, kafka: KafkaSettings, told: Told, l5kit_sample: Path, tmp_path: Path
) -> None:
    """Killed at a random moment and started again, ten times; nothing is lost or made up.

    On Apache Kafka it is one of two that share the partitions, so kills meet rebalances. On
    the embedded broker it is the only one, as in the demo: its groups do not survive this.
    """
    session = "killed_workers"
    seed = int(os.environ.get("FLEETOPS_TEST_SEED", time.time_ns() & 0xFFFF))
    sys.stderr.write(f"FLEETOPS_TEST_SEED={seed}\n")  # shown when the test fails
    dice = random.Random(seed)
    apart = "apache" in request.node.name
    sharing = {"session_timeout_ms": 1_500, "heartbeat_interval_ms": 300} if apart else {"sole_consumer": True}
    impatient = kafka.model_copy(update=sharing)
    with (
        workers(impatient, tmp_path, 2 if apart else 1) as alive,
        running(settings_for(kafka, l5kit_sample, tmp_path, admit="all")) as replay,
    ):
        replay.post("start", scene_ids=[SCENE], replay_rate_hz=10, session_id=session)
        for kill in range(10):
            time.sleep(dice.uniform(0.5, 2.0))
            victim = dice.randrange(len(alive))
            alive[victim].kill()
            alive[victim] = AnomalyService.start(impatient, tmp_path / f"after_kill_{kill}", wait=False)
            told.read(0)
        told.await_all(session, expected_anomalies(l5kit_sample, session, EVERYTHING), within_s=120)


def test_replay_killed_and_started_again(kafka: KafkaSettings, told: Told, l5kit_sample: Path, tmp_path: Path) -> None:
    """replay-service goes on from its journal; what it sends twice is told once, and nothing is missing."""
    session = "killed_replay"
    with workers(kafka, tmp_path, 1):
        replay = replay_everything(kafka, l5kit_sample, tmp_path / "replay")
        replay.post("start", scene_ids=[SCENE], replay_rate_hz=50, session_id=session)
        for _ in range(3):
            time.sleep(0.9)
            replay.kill()
            replay = replay_everything(kafka, l5kit_sample, tmp_path / "replay")
        told.await_all(session, expected_anomalies(l5kit_sample, session, EVERYTHING))
        replay.terminate()


def test_disorder_and_repetition_on_the_bus(
    kafka: KafkaSettings, told: Told, l5kit_sample: Path, tmp_path: Path
) -> None:
    """A session's own records, swapped within two frames and every fifth sent twice, under another session's name."""
    session, disturbed = "session_orderly", "session_disturb"
    with workers(kafka, tmp_path, 1):
        before = watermarks(kafka)
        with running(settings_for(kafka, l5kit_sample, tmp_path, admit="all")) as replay:
            replay.post("start", scene_ids=[SCENE], replay_rate_hz=0, session_id=session)
            told.await_all(session, expected_anomalies(l5kit_sample, session, EVERYTHING))
        send_disturbed(kafka, before, session, disturbed)
        told.await_all(disturbed, expected_anomalies(l5kit_sample, disturbed, EVERYTHING))


def watermarks(kafka: KafkaSettings) -> dict[int, int]:
    """Where each partition of `raw_telemetry` ends."""
    client = confluent_kafka.Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "ends"})
    found = ends(client, RAW_TELEMETRY)
    client.close()
    return found


def send_disturbed(kafka: KafkaSettings, since: dict[int, int], session: str, renamed: str) -> None:
    """Read what lies on the topic since `since`, disturb it, send it to the same partitions."""
    assert len(session) == len(renamed)
    client = confluent_kafka.Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "again", "auto.offset.reset": "earliest"}
    )
    client.assign([confluent_kafka.TopicPartition(RAW_TELEMETRY, n, since[n]) for n in since])
    lying: dict[int, list[tuple[float, int, confluent_kafka.Message]]] = {number: [] for number in since}
    dice = random.Random(7)
    unfinished = set(since)
    while unfinished:  # until every partition's scene_end: the embedded broker tells the end of a partition too early
        for record in client.consume(1000, 1.0):
            raw, number = record.value(), record.partition()
            assert raw is not None
            assert number is not None
            message = json.loads(raw)
            if message.get("kind") == "scene_end":
                unfinished.discard(number)
            shift = dice.choice([-2, -1, 0, 0, 1, 2]) if record.key() else 0
            lying[number].append((message["frame_index"] + shift, len(lying[number]), record))
    client.close()
    producer = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap_servers, "linger.ms": 5})
    for number, records in lying.items():
        *body, scene_end = [record for *_, record in records]
        order = sorted(range(len(body)), key=lambda i: records[i][:2])
        for position, index in enumerate([*order, len(body)]):
            record = [*body, scene_end][index]
            value = (record.value() or b"").replace(session.encode(), renamed.encode())
            for _ in range(2 if position % 5 == 0 else 1):
                producer.produce(RAW_TELEMETRY, value, record.key(), number, headers=record.headers() or [])
                producer.poll(0)
    assert producer.flush(30) == 0
