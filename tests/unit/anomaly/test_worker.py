"""The consumer's side of detection, without a broker: what a handler owes the consumer."""

from __future__ import annotations

import threading

import pytest
from tests.unit.anomaly.test_partition import braking

from fleetops.anomaly.detector import advance
from fleetops.anomaly.metrics import Metrics
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.anomaly.worker import AnomalyWorker
from fleetops.bus.dead_letters import DeadLetters
from fleetops.bus.producer import Producer
from fleetops.errors import BrokerError
from fleetops.settings import KafkaSettings

NOBODY_LISTENS = KafkaSettings(bootstrap_servers="127.0.0.1:1")


def test_a_stop_does_not_wait_for_a_broker_that_is_gone() -> None:
    """An anomaly that nobody acknowledges holds a batch for two minutes; a stop gives it up, to be found again."""
    producer, stop = Producer(NOBODY_LISTENS, "test"), threading.Event()
    worker = AnomalyWorker(
        load_rule_set("baseline"), 100, 900.0, advance, producer, DeadLetters(producer, "test"), Metrics(), stop
    )
    worker.assigned([0])
    failures: list[BaseException] = []

    def handle() -> None:
        try:
            worker.handle(braking())
        except BrokerError as error:
            failures.append(error)

    batch = threading.Thread(target=handle)
    batch.start()
    batch.join(0.5)
    assert batch.is_alive(), "the effects of a batch must be done before it is"
    stop.set()
    batch.join(30)
    assert not batch.is_alive()
    assert "before the stop" in str(failures[0])
    producer.close()


def test_partitions_that_are_not_held_have_no_offset() -> None:
    """Nothing is committed for a partition before its first record, nor after it was revoked."""
    producer = Producer(NOBODY_LISTENS, "test")
    worker = AnomalyWorker(
        load_rule_set("baseline"),
        100,
        900.0,
        advance,
        producer,
        DeadLetters(producer, "test"),
        Metrics(),
        threading.Event(),
    )
    worker.assigned([0, 1])
    worker.handle(braking()[:2])
    assert worker.offsets() == {0: 0}
    worker.revoked([0])
    assert worker.offsets() == {}
    with pytest.raises(KeyError):
        worker.handle(braking())
    producer.close()
