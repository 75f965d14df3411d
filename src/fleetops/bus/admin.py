"""Topics: created on start-up when they are missing, by whichever process comes first."""

from __future__ import annotations

import time
from collections.abc import Iterable

import structlog
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ..contracts.topics import TOPICS, Topic
from ..errors import BrokerError, ConfigurationError
from ..settings import KafkaSettings
from .client import LIBRARY_LOGGER, client_config, unreachable

log = structlog.stdlib.get_logger(__name__)

_LOOK_AGAIN_S = 0.05
"""A created topic takes some milliseconds until every broker tells of it."""

_CONFIG_REFUSED = frozenset(
    {
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_REQUEST,
        KafkaError.POLICY_VIOLATION,
        KafkaError.UNSUPPORTED_VERSION,
    }
)


def ensure_topics(kafka: KafkaSettings) -> dict[str, int]:
    """Create the topics that are missing and return how many partitions each really has.

    Any number of processes may do so at once. A topic that exists is left as it is.

    Raises:
        BrokerError: the broker does not answer within `kafka.timeout_s`, or refuses.
        ConfigurationError: `kafka.partitions` names a topic we do not have.
    """
    if unknown := kafka.partitions.keys() - {topic.name for topic in TOPICS}:
        raise ConfigurationError(
            f"kafka.partitions names no topic of ours: {', '.join(sorted(unknown))}; "
            f"there are {', '.join(topic.name for topic in TOPICS)}"
        )
    deadline = time.monotonic() + kafka.timeout_s
    admin = AdminClient(_admin_config(kafka), logger=LIBRARY_LOGGER)
    missing = _missing(_counts(admin, kafka, deadline))
    if missing:
        refused = _create(admin, [_new(topic, kafka, with_config=True) for topic in missing], deadline)
        _create(admin, [_new(topic, kafka, with_config=False) for topic in missing if topic.name in refused], deadline)
    while missing := _missing(counts := _counts(admin, kafka, deadline)):
        if time.monotonic() > deadline:
            raise BrokerError(f"topics were created but do not appear: {', '.join(topic.name for topic in missing)}")
        time.sleep(_LOOK_AGAIN_S)
    return counts


def answers(kafka: KafkaSettings, timeout_s: float = 1.0) -> bool:
    """Whether a broker tells what it holds within `timeout_s`: what health checks ask."""
    try:
        AdminClient(_admin_config(kafka), logger=LIBRARY_LOGGER).list_topics(timeout=timeout_s)
    except KafkaException:
        return False
    return True


def _admin_config(kafka: KafkaSettings) -> dict[str, str | int | float | bool]:
    config = client_config(kafka, "fleetops-admin")
    return {name: value for name, value in config.items() if isinstance(value, str | int | float | bool)}


def _counts(admin: AdminClient, kafka: KafkaSettings, deadline: float) -> dict[str, int]:
    """Partitions of each topic of ours whose partitions all have a leader."""
    try:
        found = admin.list_topics(timeout=max(0.1, deadline - time.monotonic())).topics
    except KafkaException as error:
        raise unreachable(kafka, error.args[0].str()) from error
    ready = {}
    for topic in TOPICS:
        partitions = found[topic.name].partitions if topic.name in found else {}
        if partitions and all(partition.leader >= 0 for partition in partitions.values()):
            ready[topic.name] = len(partitions)
    return ready


def _missing(counts: dict[str, int]) -> list[Topic]:
    return [topic for topic in TOPICS if topic.name not in counts]


def _new(topic: Topic, kafka: KafkaSettings, *, with_config: bool) -> NewTopic:
    return NewTopic(
        topic.name,
        num_partitions=kafka.partitions.get(topic.name, topic.partitions),
        replication_factor=kafka.replication_factor,
        config={"retention.ms": str(kafka.retention_ms)} if with_config else {},
    )


def _create(admin: AdminClient, topics: Iterable[NewTopic], deadline: float) -> set[str]:
    """Create `topics`; those the broker refused for their configuration are returned."""
    wanted = list(topics)
    if not wanted:
        return set()
    refused = set()
    results = admin.create_topics(wanted, request_timeout=max(0.1, deadline - time.monotonic()))
    for name, result in results.items():
        try:
            result.result()
            log.info("topic_created", topic=name)
        except KafkaException as failure:
            error = failure.args[0]
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                continue  # another process was faster
            if error.code() not in _CONFIG_REFUSED:
                raise BrokerError(f"the broker refused to create topic {name}: {error.str()}") from failure
            refused.add(name)
    return refused
