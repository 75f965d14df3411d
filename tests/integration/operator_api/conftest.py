"""One operator-service for each test module, with a broker and a database of its own."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from tests.servers.postgres import TEMPLATE, Postgres
from tests.servers.processes import free_port
from tests.servers.tansu import Tansu

from fleetops.settings import KafkaSettings

from .running import OperatorService


def settings_of(broker: Tansu) -> KafkaSettings:
    """As the demo sets them for its broker: one reader, which does without a group."""
    return KafkaSettings(bootstrap_servers=broker.bootstrap_servers, sole_consumer=True)


@pytest.fixture(scope="module")
def embedded_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    """The broker that the demo brings, with the settings that it needs."""
    broker = Tansu.start(tmp_path_factory.mktemp("tansu"))
    yield settings_of(broker)
    broker.stop()


@pytest.fixture(scope="module")
def service_database(postgres: Postgres) -> Iterator[str]:
    """A migrated database for a module."""
    name = f"service_{secrets.token_hex(6)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def service(
    service_database: str, embedded_kafka: KafkaSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorService]:
    """The running service."""
    nobody = f"http://127.0.0.1:{free_port()}"  # else a replay-service of the machine's own might answer
    running = OperatorService.start(
        tmp_path_factory.mktemp("operator"),
        service_database,
        embedded_kafka,
        {
            "FLEETOPS_OPERATOR__REPLAY_URL": nobody,
            "FLEETOPS_OPERATOR__ANOMALY_URL": nobody,
            "FLEETOPS_OPERATOR__WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
        },
    )
    yield running
    running.stop()
