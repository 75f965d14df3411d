"""Detection from Kafka to Kafka: CPU per message, beside loops that do less.

    python -m bench.stream [--messages 400000] [--runs 5] [--broker apache|tansu|HOST:PORT] [--json PATH]

Every run is a fresh process that reads the same records from their beginning:

* consume: only takes the records off the bus;
* decode: and decodes the fields that detection reads;
* detect: anomaly-service's own consumer and worker, markers, duplicates, order, anomalies
  produced and acknowledged, offsets committed.

CPU time is the process's, client library's threads included, from the first record to the
last; starting up, joining the group and compiling are not in it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import confluent_kafka
from rich.console import Console
from rich.table import Table

from bench.fleet import straight_drive
from fleetops.anomaly.decode import decode_telemetry
from fleetops.anomaly.engine import compiled_advance, warm_up
from fleetops.anomaly.metrics import Metrics
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.anomaly.worker import AnomalyWorker
from fleetops.bus.admin import ensure_topics
from fleetops.bus.consumer import GroupConsumer
from fleetops.bus.dead_letters import DeadLetters
from fleetops.bus.producer import Producer
from fleetops.bus.records import Record
from fleetops.contracts.telemetry import FrameMarker
from fleetops.contracts.topics import RAW_TELEMETRY, headers
from fleetops.contracts.vocabulary import MessageKind, Purpose
from fleetops.contracts.wire import utc_from_ms
from fleetops.log import configure_logging
from fleetops.replay.encode import SceneEncoder
from fleetops.settings import KafkaSettings

ROLES = ("consume", "decode", "detect")
SESSION, SCENE = "bench", "scene_bench"
VEHICLES = 2_000


def produce(kafka: KafkaSettings, messages: int) -> int:
    """Put a scene of about `messages` records on the bus; how many there are, markers included."""
    partitions = ensure_topics(kafka)[RAW_TELEMETRY]
    columns = straight_drive(VEHICLES - 1, messages // VEHICLES)
    encoder = SceneEncoder(SESSION, SCENE, Purpose.LIVE, partitions)
    block = encoder.lay_out(columns)
    producer = Producer(kafka, "bench")
    telemetry = headers(MessageKind.TELEMETRY, "raw_telemetry/1")
    sent = 0
    for frame_index in columns.frames.tolist():
        now_ms = time.time_ns() // 1_000_000
        frame = encoder.encode(block, frame_index, rate_hz=0.0, processing_time_ms=now_ms)
        for vehicle, value in zip(frame.vehicles.tolist(), frame.values(), strict=True):
            producer.send(
                RAW_TELEMETRY,
                value,
                key=encoder.keys[vehicle],
                partition=encoder.partitions[vehicle],
                headers=telemetry,
            )
        sent += len(frame)
        kinds: list[MessageKind] = [MessageKind.FRAME_END]
        if frame_index == columns.frames[-1]:
            kinds.append(MessageKind.SCENE_END)
        for kind in kinds:
            for partition, records in enumerate(frame.per_partition):
                marker = FrameMarker(
                    kind=kind.value,
                    replay_session_id=SESSION,
                    scene_id=SCENE,
                    frame_index=frame_index,
                    start_frame=0,
                    event_time=utc_from_ms(frame.event_time_ms),
                    processing_time=utc_from_ms(now_ms),
                    active_agent_count=frame.active_agent_count,
                    replay_rate=0.0,
                    records=records,
                    dataset="sha256:bench",
                )
                producer.send(
                    RAW_TELEMETRY, marker.write(), partition=partition, headers=headers(kind, "raw_telemetry/1")
                )
                sent += 1
    producer.flush()
    producer.close()
    return sent


class Metered:
    """Measures from the first record handled to the last; `inner` does the work."""

    def __init__(self, total: int, stop: threading.Event) -> None:
        self._left, self._stop = total, stop
        self._began = (0.0, 0.0)
        self.cpu_s = self.wall_s = 0.0

    def begin(self) -> None:
        """Called before each batch; only the first counts."""
        if self._began == (0.0, 0.0):
            self._began = (time.process_time(), time.perf_counter())

    def done(self, count: int) -> None:
        """Called after each batch."""
        self._left -= count
        if self._left <= 0:
            self.cpu_s = time.process_time() - self._began[0]
            self.wall_s = time.perf_counter() - self._began[1]
            self._stop.set()


def read_bare(kafka: KafkaSettings, total: int, *, decode: bool) -> Metered:
    """The loop that only consumes, or only consumes and decodes."""
    meter = Metered(total, threading.Event())
    client = confluent_kafka.Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": f"bench-{time.time_ns()}",
            "enable.auto.commit": False,
        }
    )
    partitions = client.list_topics(RAW_TELEMETRY, timeout=20).topics[RAW_TELEMETRY].partitions
    client.assign([confluent_kafka.TopicPartition(RAW_TELEMETRY, number, 0) for number in partitions])
    while meter.cpu_s == 0.0:
        records = client.consume(kafka.batch_size, 1.0)
        if not records:
            continue
        meter.begin()
        for record in records:
            value = record.value()
            if decode and record.key() is not None and value is not None:
                decode_telemetry(value)
        meter.done(len(records))
    client.close()
    return meter


class MeteredWorker(AnomalyWorker):
    """anomaly-service's worker, with a meter around each batch."""

    meter: Metered

    def handle(self, records: Sequence[Record]) -> None:
        """Measure, and do what the worker does."""
        self.meter.begin()
        super().handle(records)
        self.meter.done(len(records))


def detect(kafka: KafkaSettings, total: int) -> tuple[Metered, int]:
    """anomaly-service's own path; the meter, and how many anomalies were told."""
    rules = load_rule_set("baseline")
    warm_up(rules)
    stop = threading.Event()
    producer = Producer(kafka, "bench")
    dead_letters = DeadLetters(producer, "bench")
    worker = MeteredWorker(rules, 100, 900.0, compiled_advance, producer, dead_letters, Metrics(), stop)
    worker.meter = Metered(total, stop)
    GroupConsumer(kafka, f"bench-{time.time_ns()}", RAW_TELEMETRY, "bench", worker).run(stop)
    if dead_letters.buried:
        raise SystemExit(f"{dead_letters.buried} records were refused: this measured something else")
    told = producer.delivered
    producer.close()
    return worker.meter, told


def run_role(role: str, kafka: KafkaSettings, total: int) -> None:
    """One run in this process; prints its figures."""
    configure_logging("bench", "WARNING")
    if role == "detect":
        meter, told = detect(kafka, total)
    else:
        meter, told = read_bare(kafka, total, decode=role == "decode"), 0
    print(json.dumps({"cpu_s": meter.cpu_s, "wall_s": meter.wall_s, "anomalies": told}))


def compare(kafka: KafkaSettings, total: int, runs: int) -> dict[str, dict[str, float]]:
    """All roles in turn, `runs` times; medians per message."""
    figures: dict[str, list[dict[str, float]]] = {role: [] for role in ROLES}
    for _ in range(runs):
        for role in ROLES:
            command = [sys.executable, "-m", "bench.stream", "--role", role, "--messages", str(total)]
            command += ["--broker", kafka.bootstrap_servers]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            figures[role].append(json.loads(done.stdout.splitlines()[-1]))
    summary = {}
    for role, measured in figures.items():
        cpu = [each["cpu_s"] / total * 1e6 for each in measured]
        summary[role] = {
            "cpu_us_per_message": statistics.median(cpu),
            "cpu_us_min": min(cpu),
            "cpu_us_max": max(cpu),
            "wall_us_per_message": statistics.median(each["wall_s"] / total * 1e6 for each in measured),
            "anomalies": measured[0]["anomalies"],
        }
    return summary


def report(summary: dict[str, dict[str, float]], broker: str, total: int, runs: int) -> Table:
    """The table for a person."""
    table = Table(title=f"per message: {total:,} messages, {VEHICLES:,} vehicles, {broker}, medians of {runs}")
    for name in ("loop", "CPU us", "min - max", "wall us", "x decode", "per core", "anomalies"):
        table.add_column(name, justify="left" if name == "loop" else "right", no_wrap=True)
    floor = summary["decode"]["cpu_us_per_message"]
    for role, each in summary.items():
        cpu = each["cpu_us_per_message"]
        table.add_row(
            role,
            f"{cpu:.2f}",
            f"{each['cpu_us_min']:.2f} - {each['cpu_us_max']:.2f}",
            f"{each['wall_us_per_message']:.2f}",
            f"{cpu / floor:.2f}",
            f"{1e6 / cpu:,.0f}/s",
            f"{each['anomalies']:,.0f}",
        )
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=400_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--broker", default="apache", help="apache, tansu or HOST:PORT")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--role", choices=ROLES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        run_role(options.role, KafkaSettings(bootstrap_servers=options.broker), options.messages)
        return

    from tests.servers.apache import ApacheKafka  # noqa: PLC0415 - only this process starts servers
    from tests.servers.tansu import Tansu  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        kinds: dict[str, type[ApacheKafka] | type[Tansu]] = {"apache": ApacheKafka, "tansu": Tansu}
        server = kinds[options.broker].start(Path(folder)) if options.broker in kinds else None
        kafka = KafkaSettings(bootstrap_servers=server.bootstrap_servers if server else options.broker)
        try:
            total = produce(kafka, options.messages)
            summary = compare(kafka, total, options.runs)
        finally:
            if server is not None:
                server.stop()
    Console().print(report(summary, options.broker, total, options.runs))
    if options.json:
        options.json.write_text(json.dumps({"messages": total, "broker": options.broker, "loops": summary}, indent=2))


if __name__ == "__main__":
    main()
