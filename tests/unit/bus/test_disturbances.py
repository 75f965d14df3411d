"""An outage is told, and does not drown the log."""

from __future__ import annotations

import structlog
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from fleetops.bus.client import client_config, is_permanent
from fleetops.bus.disturbances import Disturbances
from fleetops.settings import KafkaSettings


def test_an_error_that_keeps_coming_is_told_every_ten_seconds() -> None:
    """Twenty errors a second for a minute are six lines, which say how many were left out."""
    now = 0.0
    disturbances = Disturbances(structlog.stdlib.get_logger(), clock=lambda: now)
    with capture_logs() as events:
        for tick in range(1200):
            now = tick * 0.05
            disturbances.tell(KafkaError(KafkaError._TRANSPORT))
    assert [event["suppressed"] for event in events] == [0, *[199] * 5]


def test_another_kind_of_error_is_told_at_once() -> None:
    """One error does not hide the next."""
    disturbances = Disturbances(structlog.stdlib.get_logger(), clock=lambda: 0.0)
    with capture_logs() as events:
        disturbances.tell(KafkaError(KafkaError._TRANSPORT))
        disturbances.tell(KafkaError(KafkaError._ALL_BROKERS_DOWN))
        disturbances.tell(KafkaError(KafkaError._TRANSPORT))
    assert [event["error"] for event in events] == ["_TRANSPORT", "_ALL_BROKERS_DOWN"]


def test_waiting_mends_an_outage_but_no_refusal() -> None:
    """A broker that is gone may come back; a credential it refused will not get better."""
    assert not is_permanent(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    assert not is_permanent(KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE))
    assert not is_permanent(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
    assert is_permanent(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    assert is_permanent(KafkaError(KafkaError._AUTHENTICATION))
    assert is_permanent(KafkaError(KafkaError._TRANSPORT, fatal=True))


def test_an_operators_options_come_last() -> None:
    """Any option of the library can be set, even one of ours."""
    kafka = KafkaSettings(bootstrap_servers="b:1", client_options={"acks": "1", "security.protocol": "SSL"})
    config = client_config(kafka, "me", {"acks": "all", "linger.ms": 5})
    assert (config["acks"], config["linger.ms"], config["security.protocol"]) == ("1", 5, "SSL")
    assert (config["bootstrap.servers"], config["client.id"]) == ("b:1", "me")
