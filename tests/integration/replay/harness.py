"""replay-service as a real process, and what it left on Kafka."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import confluent_kafka
import httpx
from pydantic import SecretStr
from tests.servers.processes import free_port, spawn, tail_of
from tests.unit.dataset.writer import Agent, Frame, Scene

from fleetops.contracts.topics import RAW_TELEMETRY
from fleetops.embedded.environment import child_environment
from fleetops.settings import KafkaSettings, ReplaySettings, Settings

TOKEN = "the-services-own-token"
_QUIET_S = 0.3
COMMAND = [sys.executable, "-m", "fleetops.cli", "replay"]


def settings_for(kafka: KafkaSettings, dataset: Path, data_dir: Path, **replay: Any) -> Settings:
    """Settings of a service on a free port."""
    return Settings(
        kafka=kafka,
        replay=ReplaySettings(dataset=dataset, port=free_port(), **replay),
        data_dir=data_dir,
        service_token=SecretStr(TOKEN),
    )


@dataclass
class ReplayService:
    """The process, started, and a client that shows the token."""

    settings: Settings
    process: subprocess.Popen[bytes]
    client: httpx.Client

    @classmethod
    def start(cls, settings: Settings) -> ReplayService:
        """Start the service and wait until it is ready."""
        log = settings.data_dir / "replay.log"
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        process = spawn(COMMAND, log, cwd=settings.data_dir, env=child_environment(settings))
        client = httpx.Client(
            base_url=f"http://127.0.0.1:{settings.replay.port}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=20,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                if client.get("/readyz").status_code == 200:
                    return cls(settings, process, client)
            except httpx.TransportError:
                pass
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"replay-service did not come up\n{tail_of(log)}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait()
        self.client.close()

    def terminate(self) -> tuple[int, float]:
        """Ask it to end; its exit code, and after how many seconds the service had stopped.

        What the interpreter needs to take itself apart after that is not counted: a second on a busy machine.
        """
        asked = datetime.now(UTC)
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(15)
        self.client.close()
        (stopped,) = (event for event in self.log()[-3:] if event["event_type"] == "service_stopped")
        return code, (datetime.fromisoformat(stopped["timestamp"]) - asked).total_seconds()

    def post(self, path: str, **body: Any) -> Any:
        """The answer to a request that must succeed."""
        answer = self.client.post(f"/replay/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self, session_id: str) -> Any:
        """A session as it stands."""
        answer = self.client.get(f"/replay/status/{session_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def await_status(self, session_id: str, status: str, within_s: float = 60) -> Any:
        """Wait until a session's status is `status`."""
        return self.await_that(session_id, lambda state: state["status"] == status, within_s)

    def await_that(self, session_id: str, holds: Any, within_s: float = 60) -> Any:
        """Wait until something holds of a session."""
        deadline = time.monotonic() + within_s
        while not holds(state := self.status(session_id)):
            assert time.monotonic() < deadline, f"still {state}"
            time.sleep(0.02)
        return state

    def log(self) -> list[Any]:
        """What it has logged, event by event."""
        lines = (self.settings.data_dir / "replay.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def running(settings: Settings) -> Iterator[ReplayService]:
    """A service that is gone afterwards."""
    service = ReplayService.start(settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.kill()


@dataclass
class Sent:
    """What one session put on `raw_telemetry`, in the order of each partition."""

    records: list[Any] = field(default_factory=list)
    raw: list[tuple[int, bytes, bytes | None, Any]] = field(default_factory=list)
    markers: list[tuple[int, Any]] = field(default_factory=list)

    @property
    def event_ids(self) -> set[str]:
        """Distinct ids of the records."""
        return {record["event_id"] for record in self.records}

    def marked(self, kind: str) -> dict[tuple[str, int], set[tuple[int, int]]]:
        """By scene and frame: (partition, records) of the markers of a kind, repetitions dropped."""
        found: dict[tuple[str, int], set[tuple[int, int]]] = defaultdict(set)
        for partition, marker in self.markers:
            if marker["kind"] == kind:
                found[marker["scene_id"], marker["frame_index"]].add((partition, marker["records"]))
        return dict(found)


def read_session(kafka: KafkaSettings, session_id: str) -> Sent:
    """Everything of a session that is on the topic now."""
    consumer = confluent_kafka.Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "test-reader", "enable.auto.commit": False}
    )
    sent = Sent()
    try:
        places, unread = [], {}
        for partition in consumer.list_topics(RAW_TELEMETRY, timeout=20).topics[RAW_TELEMETRY].partitions:
            place = confluent_kafka.TopicPartition(RAW_TELEMETRY, partition)
            place.offset, end = consumer.get_watermark_offsets(place, timeout=20)
            places.append(place)
            if place.offset < end:
                unread[partition] = end
        consumer.assign(places)
        deadline = time.monotonic() + 60
        # The embedded broker's watermark is where its last batch begins: the end is where nothing more comes.
        while (messages := consumer.consume(1000, timeout=_QUIET_S)) or unread:
            assert time.monotonic() < deadline, f"not read to {unread}"
            for message in messages:
                assert message.error() is None, message.error()
                partition, offset = message.partition(), message.offset()
                assert partition is not None
                assert offset is not None
                _sort_in(sent, session_id, partition, message)
                if offset + 1 >= unread.get(partition, 0):
                    unread.pop(partition, None)
    finally:
        consumer.close()
    return sent


def _sort_in(sent: Sent, session_id: str, partition: int, message: confluent_kafka.Message) -> None:
    value = message.value()
    assert value is not None
    headers = message.headers() or []
    body = json.loads(value)
    if dict(headers)["kind"] == b"telemetry":
        if body["metadata"]["replay_session_id"] == session_id:
            sent.records.append(body)
            sent.raw.append((partition, value, message.key(), headers))
    elif body["replay_session_id"] == session_id:
        assert message.key() is None
        sent.markers.append((partition, body))


def busy_scene(frames: int, vehicles: int = 5) -> Scene:
    """A scene in which so many cars drive along, one of them seen in every other frame only."""
    return Scene(
        [
            Frame(
                [
                    Agent(track_id=track, x=10.0 * track, y=0.3 * frame, vy=3.0)
                    for track in range(1, vehicles + 1)
                    if track != 2 or frame % 2 == 0
                ],
                ego=(0.0, 0.3 * frame, 0.0),
            )
            for frame in range(frames)
        ]
    )
