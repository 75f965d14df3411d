"""anomaly-service as real processes, what it told on Kafka, and what it should have told."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import confluent_kafka
import httpx
from pydantic import SecretStr
from tests.integration.replay.harness import TOKEN
from tests.servers.processes import free_port, spawn, stop, tail_of

from fleetops.anomaly.columns import scene_items
from fleetops.anomaly.digest import Finding, finding_in
from fleetops.anomaly.engine import Engine, compiled_advance
from fleetops.anomaly.evidence import SceneFacts, SceneKey, anomaly_message
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.topics import ANOMALIES
from fleetops.contracts.wire import utc_from_ms
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import scenes_of
from fleetops.dataset.normalize import normalize
from fleetops.dataset.reader import Dataset
from fleetops.embedded.environment import child_environment
from fleetops.settings import AnomalySettings, KafkaSettings, Settings

COMMAND = [sys.executable, "-m", "fleetops.cli", "anomaly"]


def expected_anomalies(path: Path, session: str, admission: Admission) -> set[UUID]:
    """Ids of all that `baseline` finds in every scene of a dataset, computed without Kafka."""
    rules = load_rule_set("baseline")
    dataset = Dataset.open(path)
    expected: set[UUID] = set()
    for scene in scenes_of(dataset):
        engine: Engine[SceneKey] = Engine(rules, 100, compiled_advance)
        block = dataset.block(scene.zarr_scene_index, scene.start_frame, scene.end_frame)
        columns, _ = normalize(block, None, admission, dataset.geo)
        found, _ = engine.feed(scene_items(columns, engine, SceneKey(session, scene.scene_id), ends=True))
        expected |= {anomaly_message(each, rules, SceneFacts(), None, utc_from_ms(0)).anomaly_id for each in found}
    return expected


@dataclass
class AnomalyService:
    """One worker."""

    settings: Settings
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls, kafka: KafkaSettings, data_dir: Path, *, rules: str = "baseline", wait: bool = True
    ) -> AnomalyService:
        """Start a worker; `wait`: until it holds partitions or at least answers the broker."""
        anomaly = AnomalySettings(port=free_port(), rules=rules)
        settings = Settings(kafka=kafka, anomaly=anomaly, data_dir=data_dir, service_token=SecretStr(TOKEN))
        data_dir.mkdir(parents=True, exist_ok=True)
        process = spawn(COMMAND, data_dir / "anomaly.log", cwd=data_dir, env=child_environment(settings))
        service = cls(settings, process)
        if wait:
            service.await_ready()
        return service

    def await_ready(self) -> None:
        """Wait until it is connected."""
        deadline = time.monotonic() + 60
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                log = self.settings.data_dir / "anomaly.log"
                raise AssertionError(f"anomaly-service did not come up\n{tail_of(log)}")
            time.sleep(0.05)

    def get(self, path: str) -> httpx.Response:
        """The answer to a request that shows the token."""
        url = f"http://127.0.0.1:{self.settings.anomaly.port}{path}"
        return httpx.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)

    def ready(self) -> bool:
        """Whether it is connected."""
        try:
            return self.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end."""
        stop(self.process)


@contextmanager
def workers(kafka: KafkaSettings, folder: Path, count: int, rules: str = "baseline") -> Iterator[list[AnomalyService]]:
    """So many workers, gone afterwards; the list may be changed."""
    started: list[AnomalyService] = []
    try:
        while len(started) < count:
            started.append(AnomalyService.start(kafka, folder / f"worker{len(started)}", rules=rules, wait=False))
        for worker in started:
            worker.await_ready()
        yield started
    finally:
        for worker in started:
            worker.stop()


def ends(client: confluent_kafka.Consumer, topic: str) -> dict[int, int]:
    """Where each partition ends. A topic that was just made may have no leaders yet: then ask again."""
    deadline = time.monotonic() + 20
    while True:
        try:
            partitions = client.list_topics(topic, timeout=20).topics[topic].partitions
            places = [confluent_kafka.TopicPartition(topic, number) for number in partitions]
            return {place.partition: client.get_watermark_offsets(place, timeout=20)[1] for place in places}
        except confluent_kafka.KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@dataclass
class Told:
    """Everything on `anomalies` since this was made."""

    kafka: KafkaSettings
    by_session: dict[str, Counter[UUID]] = field(default_factory=lambda: defaultdict(Counter))
    findings: dict[str, set[Finding]] = field(default_factory=lambda: defaultdict(set))
    partitions: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._client = confluent_kafka.Consumer({
            "bootstrap.servers": self.kafka.bootstrap_servers, "group.id": "told", "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        })  # fmt: skip
        self._client.assign(
            [
                confluent_kafka.TopicPartition(ANOMALIES, number, end)
                for number, end in ends(self._client, ANOMALIES).items()
            ]
        )

    def read(self, within_s: float = 0.2) -> None:
        """Take in what is there."""
        for record in self._client.consume(1000, within_s):
            assert record.error() is None, record.error()
            raw = record.value()
            assert raw is not None
            anomaly = Anomaly.read(raw)
            self.by_session[anomaly.provenance.replay_session_id][anomaly.anomaly_id] += 1
            self.findings[anomaly.provenance.replay_session_id].add(finding_in(anomaly))
            self.partitions.add(record.partition() or 0)

    def await_all(self, session: str, expected: set[UUID], within_s: float = 90) -> None:
        """Read until everything expected was told, and a little longer; then there must be nothing else."""
        deadline = time.monotonic() + within_s
        while not expected <= self.by_session[session].keys():
            missing = len(expected - self.by_session[session].keys())
            assert time.monotonic() < deadline, f"{missing} of {len(expected)} anomalies were never told"
            self.read()
        settled = time.monotonic() + 1.0
        while time.monotonic() < settled:
            self.read()
        assert set(self.by_session[session]) == expected

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()
