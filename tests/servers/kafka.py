"""Which broker a test runs on, and a clean one for each test module.

`FLEETOPS_TEST_KAFKA` is `tansu`, `apache` or a bootstrap address. Without it the contract
suite runs on both kinds, everything else on Apache Kafka where Java and Maven are found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NoReturn, Protocol

import pytest
from confluent_kafka.admin import AdminClient

from fleetops.settings import KafkaSettings

from . import apache
from .apache import ApacheKafka
from .tansu import Tansu

CHOICE = os.environ.get("FLEETOPS_TEST_KAFKA", "")
KINDS = (CHOICE,) if CHOICE else ("apache", "tansu")
DEFAULT_KIND = CHOICE or ("tansu" if apache.missing() else "apache")


class KafkaServer(Protocol):
    """A broker that a test may kill and start anew."""

    @property
    def bootstrap_servers(self) -> str:
        """Where it listens."""

    def stop(self) -> None:
        """End it in an orderly way."""


def unavailable(reason: str) -> NoReturn:
    """Skip a test for want of a server; under CI=true that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"a skip is a failure here: {reason}")
    pytest.skip(reason)


def client_settings(bootstrap_servers: str) -> KafkaSettings:
    """Settings for a test's clients: the shortest session Apache Kafka grants, so takeovers are soon."""
    return KafkaSettings(
        bootstrap_servers=bootstrap_servers, session_timeout_ms=6_000, heartbeat_interval_ms=1_000, timeout_s=20
    )


StartApache = Callable[[], ApacheKafka]


@pytest.fixture(scope="session")
def apache_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartApache]:
    """One Apache Kafka for the whole run, started when it is first asked for."""
    started: list[ApacheKafka] = []

    def start() -> ApacheKafka:
        if not started:
            if reason := apache.missing():
                unavailable(reason)
            started.append(ApacheKafka.start(tmp_path_factory.mktemp("apache")))
        return started[0]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: f"kafka={kind}")
def kafka(
    request: pytest.FixtureRequest, apache_server: StartApache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaSettings]:
    """Every kind of broker in turn, empty at the start of the module."""
    yield from clean_broker(request.param, apache_server, tmp_path_factory)


@pytest.fixture(scope="module")
def broker(apache_server: StartApache, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """One broker, empty at the start of the module."""
    yield from clean_broker(DEFAULT_KIND, apache_server, tmp_path_factory)


def clean_broker(
    kind: str, apache_server: StartApache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaSettings]:
    """A broker of this kind on which nothing has happened yet."""
    if kind == "apache":
        settings = client_settings(apache_server().bootstrap_servers)
        _forget_everything(settings)
        yield settings
    elif kind == "tansu":
        # Starts in a tenth of a second and cannot forget consumer groups: a new one each time.
        server = Tansu.start(tmp_path_factory.mktemp("tansu"))
        yield client_settings(server.bootstrap_servers)
        server.stop()
    else:
        # Somebody's cluster: nothing of it is deleted.
        yield client_settings(kind)


def _forget_everything(kafka: KafkaSettings) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    groups = [group.group_id for group in admin.list_consumer_groups().result().valid]
    if groups:
        for forgotten in admin.delete_consumer_groups(groups).values():
            forgotten.result()
    topics = [name for name in admin.list_topics(timeout=20).topics if not name.startswith("__")]
    if topics:
        for deleted in admin.delete_topics(topics, operation_timeout=20).values():
            deleted.result()
