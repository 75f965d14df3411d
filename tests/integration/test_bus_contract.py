"""What the bus promises, on every broker we claim to run on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import IO
from uuid import uuid4

import aiokafka
import pytest
from aiokafka.partitioner import murmur2 as aiokafka_murmur2
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from kafka.partitioner import murmur2 as kafka_python_murmur2
from tests.servers.consuming import Remembering, Running, running
from tests.servers.processes import bound_to_us
from tests.servers.tansu import Tansu

import kafka as kafka_python
from fleetops.bus.admin import ensure_topics
from fleetops.bus.consumer import GroupConsumer
from fleetops.bus.dead_letters import DeadLetters
from fleetops.bus.producer import Producer
from fleetops.bus.records import Record, header
from fleetops.bus.tail import TailReader
from fleetops.contracts.partitioning import partition_for
from fleetops.contracts.topics import (
    ANOMALIES,
    DEAD_LETTERS,
    OPERATOR_ACTIONS,
    OPERATOR_ALERTS,
    RAW_TELEMETRY,
    TOPICS,
    headers,
)
from fleetops.errors import BrokerError, ConfigurationError
from fleetops.settings import KafkaSettings

pytestmark = pytest.mark.broker


@pytest.fixture(scope="module")
def counts(kafka: KafkaSettings) -> dict[str, int]:
    """Partition counts, from four processes' worth of callers that all find no topic."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ensure_topics, [kafka] * 4))
    assert all(answer == answers[0] for answer in answers)
    return answers[0]


@pytest.fixture
def producer(kafka: KafkaSettings, counts: dict[str, int]) -> Iterator[Producer]:
    """A producer, closed at the end."""
    made = Producer(kafka, "test")
    yield made
    made.close()


@pytest.fixture
def mark() -> bytes:
    """Begins every payload of a test, so that it tells its own records from others'."""
    return uuid4().hex.encode() + b":"


def read_tail(tail: TailReader, count: int, within_s: float = 20) -> list[Record]:
    """The next `count` records of `tail`."""
    records: list[Record] = []
    deadline = time.monotonic() + within_s
    while len(records) < count and time.monotonic() < deadline:
        records.extend(tail.poll(0.2))
    return records


def committed(kafka: KafkaSettings, group: str, topic: str) -> dict[int, int]:
    """What the broker holds as the group's offsets."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    places = [TopicPartition(topic, partition) for partition in range(6 if topic == RAW_TELEMETRY else 3)]
    request = ConsumerGroupTopicPartitions(group, places)
    answer = admin.list_consumer_group_offsets([request])[group].result()
    return {place.partition: place.offset for place in answer.topic_partitions if place.offset >= 0}


def test_missing_topics_are_created_once(kafka: KafkaSettings, counts: dict[str, int]) -> None:
    """Callers at the same instant all succeed, and a later one changes nothing."""
    assert counts == {topic.name: topic.partitions for topic in TOPICS}
    assert ensure_topics(kafka) == counts


def test_retention_is_set_where_the_broker_keeps_such_settings(kafka: KafkaSettings, counts: dict[str, int]) -> None:
    """A broker that tells a retention tells ours."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    [described] = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, RAW_TELEMETRY)]).values()
    retention = described.result().get("retention.ms")
    assert retention is None or retention.value == str(kafka.retention_ms)


def test_partition_counts_can_be_overridden(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A setting decides how many partitions a new topic gets; a topic we do not have is refused."""
    server = Tansu.start(tmp_path_factory.mktemp("own"))
    kafka = KafkaSettings(bootstrap_servers=server.bootstrap_servers, partitions={ANOMALIES: 2})
    assert ensure_topics(kafka)[ANOMALIES] == 2
    with pytest.raises(ConfigurationError, match="anomalys"):
        ensure_topics(kafka.model_copy(update={"partitions": {"anomalys": 2}}))
    server.stop()


def test_an_unreachable_broker_is_named_in_time() -> None:
    """The error says where we looked and what to set, and does not keep a caller waiting."""
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:1", timeout_s=1)
    began = time.monotonic()
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1.*FLEETOPS_KAFKA__BOOTSTRAP_SERVERS"):
        ensure_topics(kafka)
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:1"):
        TailReader(kafka, RAW_TELEMETRY, "test")
    assert time.monotonic() - began < 30  # the library alone would wait a minute, and more


def test_a_key_goes_where_every_client_would_put_it(kafka: KafkaSettings, producer: Producer) -> None:
    """Our arithmetic, the client library, the broker, kafka-python and aiokafka agree on 300 keys."""
    tail = TailReader(kafka, RAW_TELEMETRY, "test")
    keys = [f"scene_{scene:03}_track_{track}".encode() for scene in range(3) for track in range(100)]
    for key in keys:
        producer.send(RAW_TELEMETRY, key, key=key)
    producer.flush()
    places = {record.value(): record.partition() for record in read_tail(tail, len(keys))}
    tail.close()
    assert places == {key: partition_for(key, 6) for key in keys}
    assert places == {key: (kafka_python_murmur2(key) & 0x7FFFFFFF) % 6 for key in keys}
    assert places == {key: (aiokafka_murmur2(key) & 0x7FFFFFFF) % 6 for key in keys}


async def test_a_foreign_producer_puts_keys_on_the_same_partitions(
    kafka: KafkaSettings, counts: dict[str, int]
) -> None:
    """A live vehicle that sends with aiokafka lands where replay-service expects it."""
    foreign = aiokafka.AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers)
    await foreign.start()
    keys = [f"live_{number}".encode() for number in range(40)]
    sent = [await foreign.send_and_wait(RAW_TELEMETRY, b"{}", key=key) for key in keys]
    await foreign.stop()
    assert [place.partition for place in sent] == [partition_for(key, 6) for key in keys]


def test_headers_and_bytes_arrive_as_they_were_sent(kafka: KafkaSettings, producer: Producer) -> None:
    """Repeated names, empty values, payloads that are no text, and records without a key survive."""
    tail = TailReader(kafka, RAW_TELEMETRY, "test")
    sent = [("kind", b"frame_end"), ("schema", b""), ("kind", b"\xff\x00")]
    producer.send(RAW_TELEMETRY, bytes(range(256)), partition=4, headers=sent)
    producer.flush()
    [record] = read_tail(tail, 1)
    tail.close()
    assert (record.topic(), record.partition(), record.key()) == (RAW_TELEMETRY, 4, None)
    assert record.value() == bytes(range(256))
    assert record.headers() == sent
    assert header(record, "kind") == b"\xff\x00"
    assert header(record, "absent") is None


def test_order_holds_within_each_partition(kafka: KafkaSettings, producer: Producer) -> None:
    """Twenty thousand records, sent round robin, come back in order on every partition, none twice."""
    tail = TailReader(kafka, RAW_TELEMETRY, "test")
    for number in range(20_000):
        producer.send(RAW_TELEMETRY, b"%d" % number, partition=number % 6)
    producer.flush()
    assert (producer.delivered, producer.failed, producer.pending) == (20_000, 0, 0)
    records = read_tail(tail, 20_000)
    tail.close()
    for partition in range(6):
        numbers = [int(record.value() or b"") for record in records if record.partition() == partition]
        assert numbers == list(range(partition, 20_000, 6))


def test_a_tail_begins_at_the_end_it_saw(kafka: KafkaSettings, producer: Producer, mark: bytes) -> None:
    """What was there before, in one large batch, is not read; what comes between opening and the first poll is."""
    for _ in range(200):
        producer.send(OPERATOR_ALERTS, mark + b"before", partition=0)
    producer.flush()
    # Small batches: the opening itself cannot swallow what is not to be read.
    tail = TailReader(kafka.model_copy(update={"batch_size": 10}), OPERATOR_ALERTS, "test")
    producer.send(OPERATOR_ALERTS, mark + b"after", partition=0)
    producer.flush()
    assert [record.value() for record in read_tail(tail, 1)] == [mark + b"after"]
    assert list(tail.poll(0.5)) == []
    tail.close()


def test_two_tails_both_see_everything(kafka: KafkaSettings, producer: Producer, mark: bytes) -> None:
    """Two consoles do not share the positions out between them, even under one name."""
    tails = [TailReader(kafka, OPERATOR_ALERTS, "same") for _ in range(2)]
    for number in range(30):
        producer.send(OPERATOR_ALERTS, mark + b"%d" % number, partition=number % 3)
    producer.flush()
    for tail in tails:
        assert len(read_tail(tail, 30)) == 30
        tail.close()


def test_one_record_does_not_wait_for_a_batch(kafka: KafkaSettings, producer: Producer, mark: bytes) -> None:
    """At a low rate a record is handed over at once, not when a batch is full or a poll ends."""
    tail = TailReader(kafka, OPERATOR_ACTIONS, "test")
    tail.poll(0.5)
    began = time.monotonic()
    for number in range(5):
        producer.send(OPERATOR_ACTIONS, mark + b"%d" % number, partition=0)
        producer.flush()
        assert [record.value() for record in tail.poll(30)] == [mark + b"%d" % number]
    tail.close()
    assert time.monotonic() - began < 30  # not even one poll waited to its end


def consumer_of(
    kafka: KafkaSettings, group: str, topic: str, handler: Remembering, *, commit_interval_s: float = 0.2
) -> GroupConsumer:
    """A member of `group`."""
    return GroupConsumer(kafka, group, topic, "test", handler, commit_interval_s=commit_interval_s)


def marked(handler: Remembering, mark: bytes) -> list[bytes]:
    """What a handler was given of a test's own records."""
    return [value for value in handler.values() if value.startswith(mark)]


@pytest.mark.parametrize("sole", [False, True], ids=["group", "sole"])
def test_a_trailing_offset_is_where_the_next_reader_begins(
    kafka: KafkaSettings, producer: Producer, mark: bytes, sole: bool
) -> None:
    """A handler that commits ten records behind gets exactly those ten again after a restart."""
    kafka = kafka.model_copy(update={"sole_consumer": sole})
    for number in range(100):
        producer.send(OPERATOR_ACTIONS, mark + b"%02d" % number, partition=1)
    producer.flush()
    first = Remembering(trail=10)
    with running(consumer_of(kafka, mark.decode(), OPERATOR_ACTIONS, first)):
        first.wait_until(lambda it: len(marked(it, mark)) == 100)
    second = Remembering()
    with running(consumer_of(kafka, mark.decode(), OPERATOR_ACTIONS, second)):
        second.wait_until(lambda it: len(marked(it, mark)) >= 10)
    assert marked(second, mark) == [mark + b"%02d" % number for number in range(90, 100)]


def test_a_stop_is_prompt_and_commits_first(kafka: KafkaSettings, producer: Producer, mark: bytes) -> None:
    """From the stop to the end without waiting for anything, everything handled committed, then revoked."""
    for number in range(50):
        producer.send(OPERATOR_ALERTS, mark + b"%d" % number, partition=number % 3)
    producer.flush()
    handler = Remembering()
    # Never commits by the clock: what the broker holds afterwards, the stop has put there.
    run = Running(consumer_of(kafka, mark.decode(), OPERATOR_ALERTS, handler, commit_interval_s=3600))
    handler.wait_until(lambda it: len(marked(it, mark)) == 50)
    run.stop.set()
    run.join(5)  # far below the session's 6 s
    assert run.error is None
    assert handler.held == set()
    assert committed(kafka, mark.decode(), OPERATOR_ALERTS) == {
        partition: 1 + max(record.offset() for record in handler.records if record.partition() == partition)
        for partition in range(3)
    }


def test_an_idle_consumer_says_where_it_stands(kafka: KafkaSettings, producer: Producer, mark: bytes) -> None:
    """Lag is known without asking the broker, and is nothing once all is read."""
    for number in range(30):
        producer.send(ANOMALIES, mark + b"%d" % number, partition=number % 6)
    producer.flush()
    handler = Remembering()
    with running(consumer_of(kafka, mark.decode(), ANOMALIES, handler)) as run:
        handler.wait_until(lambda it: len(marked(it, mark)) == 30)
        deadline = time.monotonic() + 5
        while dict(run.consumer.lag()) != dict.fromkeys(range(6), 0) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert dict(run.consumer.lag()) == dict.fromkeys(range(6), 0)
        assert run.consumer.connected
        ends = {record.partition(): record.offset() + 1 for record in handler.records}
        assert {at: position.next_offset for at, position in run.consumer.positions().items()} == ends


class Refusing(Remembering):
    """Fails at the record that says so, after having handled the ones of earlier batches."""

    def handle(self, records: Sequence[Record]) -> None:
        """Fail as a bug would."""
        if any((record.value() or b"").endswith(b"poison") for record in records):
            raise LookupError("no such handler")
        super().handle(records)


def test_a_failing_handler_ends_the_consumer_without_a_commit(
    kafka: KafkaSettings, producer: Producer, mark: bytes
) -> None:
    """Its error comes out of `run` as it is, and what it had not finished is read again."""
    producer.send(OPERATOR_ACTIONS, mark + b"fine", partition=0)
    producer.flush()
    handler = Refusing()
    run = Running(consumer_of(kafka, mark.decode(), OPERATOR_ACTIONS, handler, commit_interval_s=3600))
    handler.wait_until(lambda it: len(marked(it, mark)) == 1)
    producer.send(OPERATOR_ACTIONS, mark + b"poison", partition=0)
    producer.flush()
    run.join(10)
    assert isinstance(run.error, LookupError)
    assert committed(kafka, mark.decode(), OPERATOR_ACTIONS) == {}
    again = Remembering()
    with running(consumer_of(kafka, mark.decode(), OPERATOR_ACTIONS, again)):
        again.wait_until(lambda it: len(marked(it, mark)) == 2)


def test_a_second_member_takes_over_half_and_nothing_is_handled_twice(
    kafka: KafkaSettings, producer: Producer, mark: bytes
) -> None:
    """An orderly handover commits before it lets go, so that each record is handled by one member."""
    halt = threading.Event()

    def feed() -> None:
        number = 0
        while not halt.wait(0.002):
            producer.send(RAW_TELEMETRY, mark + b"%d" % number, partition=number % 6)
            number += 1
        producer.flush()

    feeder = threading.Thread(target=feed)
    first, second = Remembering(), Remembering()
    with running(consumer_of(kafka, mark.decode(), RAW_TELEMETRY, first)):
        first.wait_until(lambda it: len(it.held) == 6)
        feeder.start()
        with running(consumer_of(kafka, mark.decode(), RAW_TELEMETRY, second)):
            second.wait_until(lambda it: len(it.held) == 3)
            first.wait_until(lambda it: len(it.held) == 3)
            seen = len(marked(second, mark))
            second.wait_until(lambda it: len(marked(it, mark)) > seen + 50)
        # The second one left: the first has everything again.
        first.wait_until(lambda it: len(it.held) == 6)
        halt.set()
        feeder.join()
        first.wait_until(lambda it: len(marked(it, mark)) + len(marked(second, mark)) >= producer.sent)
    numbers = [int(value.removeprefix(mark)) for value in marked(first, mark) + marked(second, mark)]
    assert sorted(numbers) == list(range(producer.sent))


@contextmanager
def child(kafka: KafkaSettings, group: str, topic: str) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that consumes, and is gone after the block."""
    command = [sys.executable, "-m", "tests.servers.consuming", kafka.bootstrap_servers, group, topic]
    command += ["sole"] if kafka.sole_consumer else []
    with subprocess.Popen(bound_to_us(command), stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def handled(lines: IO[str], mark: bytes, count: int) -> list[str]:
    """Values the child says it handled, read until there are `count`."""
    values: list[str] = []
    for line in lines:
        said = json.loads(line)
        values += [value for _, _, value in said.get("handled", []) if value.startswith(mark.decode())]
        if len(values) >= count:
            break
    return values


@pytest.mark.parametrize("sole", [False, True], ids=["group", "sole"])
def test_a_killed_reader_is_replaced_and_nothing_is_lost(
    kafka: KafkaSettings, producer: Producer, mark: bytes, sole: bool
) -> None:
    """After kill -9 the next reader gets every partition, and every record the dead one had not committed."""
    kafka = kafka.model_copy(update={"sole_consumer": sole})
    for number in range(60):
        producer.send(OPERATOR_ACTIONS, mark + b"%d" % number, partition=number % 3)
    producer.flush()
    with child(kafka, mark.decode(), OPERATOR_ACTIONS) as victim:
        assert victim.stdout is not None
        before = handled(victim.stdout, mark, 60)
        victim.send_signal(signal.SIGKILL)
    for number in range(60, 120):
        producer.send(OPERATOR_ACTIONS, mark + b"%d" % number, partition=number % 3)
    producer.flush()
    heir = Remembering()
    with running(consumer_of(kafka, mark.decode(), OPERATOR_ACTIONS, heir)):
        heir.wait_until(lambda it: len(it.held) == 3)
        heir.wait_until(lambda it: mark + b"119" in it.values())
        heir.wait_until(lambda it: {*marked(it, mark)} >= {mark + b"%d" % number for number in range(60, 120)})
    expected = {mark.decode() + str(number) for number in range(120)}
    assert {*before} | {value.decode() for value in marked(heir, mark)} == expected


def test_sigterm_ends_a_consuming_process_promptly(kafka: KafkaSettings, producer: Producer, mark: bytes) -> None:
    """The process ends by itself, with status 0 and its offsets committed."""
    for number in range(30):
        producer.send(OPERATOR_ACTIONS, mark + b"%d" % number, partition=number % 3)
    producer.flush()
    with child(kafka, mark.decode(), OPERATOR_ACTIONS) as process:
        assert process.stdout is not None
        handled(process.stdout, mark, 30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert len(committed(kafka, mark.decode(), OPERATOR_ACTIONS)) == 3


def test_a_dead_letter_is_the_record_itself_and_says_why(kafka: KafkaSettings, producer: Producer) -> None:
    """Payload, key and headers are kept byte for byte; ours come after, and the key names the place."""
    tail, letters = TailReader(kafka, RAW_TELEMETRY, "test"), TailReader(kafka, DEAD_LETTERS, "test")
    producer.send(RAW_TELEMETRY, b"\xff not json", key=b"v", headers=headers("telemetry", "raw_telemetry/9"))
    producer.flush()
    [bad] = read_tail(tail, 1)
    graves = DeadLetters(producer, "anomaly-service")
    graves.bury(bad, "schema raw_telemetry/9 is not known")
    producer.flush()
    [letter] = read_tail(letters, 1)
    tail.close()
    letters.close()
    place = f"{bad.topic()}/{bad.partition()}/{bad.offset()}".encode()
    assert (letter.value(), letter.key()) == (b"\xff not json", place)
    assert letter.headers() == [
        ("kind", b"telemetry"),
        ("schema", b"raw_telemetry/9"),
        ("key", b"v"),
        ("error", b"schema raw_telemetry/9 is not known"),
        ("service", b"anomaly-service"),
        ("topic", b"raw_telemetry"),
        ("partition", str(bad.partition()).encode()),
        ("offset", str(bad.offset()).encode()),
    ]
    assert graves.buried == 1


def test_the_largest_record_a_broker_takes_can_still_be_buried(kafka: KafkaSettings, producer: Producer) -> None:
    """A record just below the limit becomes a dead letter too, cut and said so, and does not stop the service."""
    tail, letters = TailReader(kafka, RAW_TELEMETRY, "test"), TailReader(kafka, DEAD_LETTERS, "test")
    producer.send(RAW_TELEMETRY, b"x" * 999_000, key=b"v")
    producer.flush()
    [bad] = read_tail(tail, 1)
    DeadLetters(producer, "anomaly-service").bury(bad, "too large")
    producer.flush()
    [letter] = read_tail(letters, 1)
    tail.close()
    letters.close()
    assert header(letter, "cut_from_bytes") == b"999000"
    assert letter.value() == b"x" * 900_000


def test_what_can_never_be_sent_is_said_at_once(producer: Producer) -> None:
    """A record above the client's limit raises, and names its size."""
    with pytest.raises(BrokerError, match="2000000 bytes"):
        producer.send(RAW_TELEMETRY, b"x" * 2_000_000)


def test_a_failed_delivery_is_not_forgotten(kafka: KafkaSettings, counts: dict[str, int]) -> None:
    """A record that the broker did not take makes flush and every later send fail."""
    doomed = Producer(kafka.model_copy(update={"client_options": {"delivery.timeout.ms": "1500"}}), "test")
    doomed.send("no_such_topic", b"lost", partition=99)
    with pytest.raises(BrokerError, match="no_such_topic"):
        doomed.flush()
    with pytest.raises(BrokerError, match="no_such_topic"):
        doomed.send(RAW_TELEMETRY, b"fine")
    assert (doomed.failed, doomed.delivered) == (1, 0)
    doomed.close()


def test_a_full_queue_makes_the_sender_wait(kafka: KafkaSettings, counts: dict[str, int]) -> None:
    """With room for 50 records, 5,000 are sent all the same, and each calls back once."""
    small = Producer(kafka.model_copy(update={"client_options": {"queue.buffering.max.messages": "50"}}), "test")
    calls: list[int] = []
    for number in range(5_000):
        small.send(OPERATOR_ALERTS, b"x", on_delivered=partial(calls.append, number))
    small.flush()
    assert sorted(calls) == list(range(5_000))
    assert small.delivered == 5_000
    small.close()


async def test_foreign_consumers_read_what_we_write(kafka: KafkaSettings, producer: Producer, mark: bytes) -> None:
    """Aiokafka and kafka-python get our keys, headers and payloads."""
    ours = headers("alert", "operator_alerts/1")
    tail = TailReader(kafka, OPERATOR_ALERTS, "test")
    producer.send(OPERATOR_ALERTS, mark + b"{}", key=b"k", headers=ours)
    producer.flush()
    [record] = read_tail(tail, 1)
    tail.close()
    foreign = aiokafka.AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, enable_auto_commit=False)
    await foreign.start()
    place = aiokafka.TopicPartition(OPERATOR_ALERTS, record.partition())
    foreign.assign([place])
    foreign.seek(place, record.offset())
    read = await foreign.getone()
    await foreign.stop()
    assert (read.key, read.value, list(read.headers)) == (b"k", mark + b"{}", ours)

    other = kafka_python.KafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, enable_auto_commit=False)
    other_place = kafka_python.TopicPartition(OPERATOR_ALERTS, record.partition())
    other.assign([other_place])
    other.seek(other_place, record.offset())
    [same] = other.poll(timeout_ms=10_000, max_records=1)[other_place]
    other.close()
    assert (same.key, same.value, list(same.headers)) == (b"k", mark + b"{}", ours)
