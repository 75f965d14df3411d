"""The bus when a broker dies, comes back, or comes back having forgotten everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from tests.servers import apache
from tests.servers.apache import ApacheKafka
from tests.servers.consuming import Remembering, Running, running
from tests.servers.kafka import client_settings, unavailable
from tests.servers.tansu import Tansu

from fleetops.bus.admin import ensure_topics
from fleetops.bus.consumer import GroupConsumer
from fleetops.bus.producer import Producer
from fleetops.bus.tail import TailReader
from fleetops.contracts.topics import ANOMALIES
from fleetops.errors import BrokerError

pytestmark = pytest.mark.broker


@pytest.fixture
def tansu(tmp_path: Path) -> Iterator[Tansu]:
    """An embedded broker of the test's own; what the test starts in its place, it ends itself."""
    server = Tansu.start(tmp_path)
    yield server
    server.stop()


def eventually(holds: Callable[[], bool], within_s: float) -> bool:
    """Whether `holds` becomes true in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def poll_for(tail: TailReader, seconds: float) -> None:
    """Poll `tail` for so long, or until it raises."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        tail.poll(0.2)


def test_apache_killed_and_back_loses_nothing(tmp_path: Path) -> None:
    """Kill -9 of the only node while records flow: producer and consumer go on, none is lost."""
    if reason := apache.missing():
        unavailable(reason)
    server = ApacheKafka.start(tmp_path)
    kafka = client_settings(server.bootstrap_servers)
    ensure_topics(kafka)
    producer, handler, halt = Producer(kafka, "test"), Remembering(), threading.Event()

    def feed() -> None:
        while not halt.wait(0.002):
            producer.send(ANOMALIES, b"%d" % producer.sent, partition=producer.sent % 6)
        producer.flush(60)

    feeder = threading.Thread(target=feed)
    with running(GroupConsumer(kafka, "faults", ANOMALIES, "test", handler)) as run:
        feeder.start()
        handler.wait_until(lambda it: len(it.records) > 300)
        server.process.kill()
        server.process.wait()
        assert eventually(lambda: not run.consumer.connected, 10)
        server = server.again()
        seen = len(handler.records)
        handler.wait_until(lambda it: len(it.records) > seen + 300, 60)
        assert run.consumer.connected
        halt.set()
        feeder.join()
        handler.wait_until(lambda it: len({*it.values()}) == producer.sent, 30)
    assert {int(value) for value in handler.values()} == set(range(producer.sent))
    assert (producer.failed, producer.delivered) == (0, producer.sent)
    producer.close()
    server.stop()


def test_a_tail_says_when_the_broker_forgot(tansu: Tansu) -> None:
    """Beyond the end nothing comes and no error either: the reader must notice itself, within seconds."""
    kafka = client_settings(tansu.bootstrap_servers)
    ensure_topics(kafka)
    tail, producer = TailReader(kafka, ANOMALIES, "test"), Producer(kafka, "test")
    for number in range(60):
        producer.send(ANOMALIES, b"x", partition=number % 6)
    producer.flush()
    producer.close()
    read = 0
    while read < 60:
        read += len(tail.poll(0.2))
    tansu.process.kill()
    tansu.process.wait()
    again = tansu.again()
    ensure_topics(kafka)
    with pytest.raises(BrokerError, match="lost records"):
        poll_for(tail, 20)
    tail.close()
    again.stop()


def test_a_member_reads_from_the_start_when_the_broker_forgot(tansu: Tansu) -> None:
    """Its group is gone with the records, so it joins anew and begins at the first new one."""
    kafka = client_settings(tansu.bootstrap_servers)
    ensure_topics(kafka)
    handler, old = Remembering(), Producer(kafka, "test")
    with running(GroupConsumer(kafka, "faults", ANOMALIES, "test", handler)):
        for number in range(60):
            old.send(ANOMALIES, b"old", partition=number % 6)
        old.flush()
        handler.wait_until(lambda it: len(it.records) == 60)
        tansu.process.kill()
        tansu.process.wait()
        again = tansu.again()
        ensure_topics(kafka)
        new = Producer(kafka, "test")
        for number in range(6):
            new.send(ANOMALIES, b"new", partition=number)
        new.flush()
        handler.wait_until(lambda it: it.values().count(b"new") == 6)
        assert [partitions for event, partitions in handler.events if event == "revoked"] == [(0, 1, 2, 3, 4, 5)]
    old.close()
    new.close()
    again.stop()


def test_a_stop_is_prompt_without_a_broker(tansu: Tansu) -> None:
    """There is nobody to commit to: the consumer says so in its log and ends."""
    kafka = client_settings(tansu.bootstrap_servers)
    ensure_topics(kafka)
    handler, producer = Remembering(), Producer(kafka, "test")
    run = Running(GroupConsumer(kafka, "faults", ANOMALIES, "test", handler, commit_interval_s=3600))
    producer.send(ANOMALIES, b"x", partition=0)
    producer.flush()
    producer.close()
    handler.wait_until(lambda it: len(it.records) == 1)
    tansu.process.kill()
    tansu.process.wait()
    assert eventually(lambda: not run.consumer.connected, 5)
    began = time.monotonic()
    run.stop.set()
    run.join(30)
    assert time.monotonic() - began < 5  # the last commit alone would wait 6 s for a coordinator
    assert run.error is None


def test_a_killed_test_run_leaves_no_server_behind(tmp_path: Path) -> None:
    """The servers of a test die with it, even by kill -9."""
    program = (
        "import pathlib, sys, time\n"
        "from tests.servers.tansu import Tansu\n"
        f"print(Tansu.start(pathlib.Path({str(tmp_path)!r})).process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        server = psutil.Process(int(run.stdout.readline()))
        assert server.is_running()
        os.kill(run.pid, signal.SIGKILL)
    assert eventually(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 5)
