"""What every Kafka client of ours is configured with, and which of its errors end a process."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from confluent_kafka import KafkaError

from ..errors import BrokerError
from ..settings import KafkaSettings

LIBRARY_LOGGER = logging.getLogger("fleetops.bus.librdkafka")
"""Where the client library's own log lines go, instead of raw to standard error."""

_PERMANENT = frozenset(
    {
        KafkaError._FATAL,
        KafkaError._AUTHENTICATION,
        KafkaError._INVALID_ARG,
        KafkaError._UNSUPPORTED_FEATURE,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.GROUP_MAX_SIZE_REACHED,
        KafkaError.INCONSISTENT_GROUP_PROTOCOL,
        KafkaError.INVALID_GROUP_ID,
        KafkaError.INVALID_SESSION_TIMEOUT,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.UNSUPPORTED_VERSION,
    }
)
"""Errors that waiting does not mend. All others the library retries by itself, so we only log them."""


def client_config(kafka: KafkaSettings, client_id: str, own: Mapping[str, object] | None = None) -> dict[str, object]:
    """Options of one client: ours for all, then its `own`, then what the operator set."""
    return {
        "bootstrap.servers": kafka.bootstrap_servers,
        "client.id": client_id,
        # The library's 10 s would keep a service blind that long after the broker is back.
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 2_000,
        # Only what is critical: connection errors come to us as events, see `disturbances`.
        "log_level": 2,
        # Brokers close idle connections after 10 minutes; that is no event.
        "log.connection.close": False,
        **(own or {}),
        **kafka.client_options,
    }


CONSUMER_CONFIG: dict[str, object] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # Always: with `latest` a new group misses what came before its first join, and the
    # embedded broker delivers records again.
    "auto.offset.reset": "earliest",
    # The embedded broker does not wake a waiting fetch when a record comes: at the library's
    # 500 ms a record waits 135 ms in the median, at 50 ms 9 ms (measured). Others do not care.
    "fetch.wait.max.ms": 50,
}


def is_permanent(error: KafkaError) -> bool:
    """Whether only a restart, or an operator, can help against `error`."""
    return error.fatal() or error.code() in _PERMANENT


def unreachable(kafka: KafkaSettings, reason: object) -> BrokerError:
    """The error of a broker that did not answer: where we looked, and what to do about it."""
    return BrokerError(
        f"no answer from Kafka at {kafka.bootstrap_servers} within {kafka.timeout_s:g} s ({reason}). "
        "Start the broker, or set FLEETOPS_KAFKA__BOOTSTRAP_SERVERS to where it listens "
        "(FLEETOPS_KAFKA__CLIENT_OPTIONS for TLS and SASL)."
    )
