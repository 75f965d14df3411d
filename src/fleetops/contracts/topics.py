"""The topics: names, default partition counts, keys, consumer groups, record headers."""

from __future__ import annotations

from dataclasses import dataclass

RAW_TELEMETRY = "raw_telemetry"
ANOMALIES = "anomalies"
OPERATOR_ALERTS = "operator_alerts"
OPERATOR_ACTIONS = "operator_actions"
DEAD_LETTERS = "dead_letters"

ANOMALY_GROUP = "anomaly-service-group"
OPERATOR_GROUP = "operator-service-group"
REPLAY_GROUP = "replay-service-group"

Headers = list[tuple[str, bytes]]
"""Record headers as the client library takes and gives them."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it is created when it is missing."""

    name: str
    partitions: int
    key: str
    carries: str


TOPICS = (
    Topic(RAW_TELEMETRY, 6, "vehicle_id", "one message per vehicle per frame; frame markers"),
    Topic(ANOMALIES, 6, "vehicle_id", "detected anomalies: raised, escalated, cleared"),
    Topic(OPERATOR_ALERTS, 3, "alert_id", "every change of an alert"),
    Topic(OPERATOR_ACTIONS, 3, "action_id", "operator commands"),
    Topic(DEAD_LETTERS, 1, "topic/partition/offset", "what could not be read or came too late"),
)


def headers(kind: str, schema: str) -> Headers:
    """The headers every record of ours carries: what it is, and which schema it obeys."""
    return [("kind", kind.encode()), ("schema", schema.encode())]


def dead_letter_key(topic: str, partition: int, offset: int) -> bytes:
    """Names the record that could not be handled; a re-read of it makes the same key."""
    return f"{topic}/{partition}/{offset}".encode()


def dead_letter_headers(error: str, service: str, topic: str, partition: int, offset: int) -> Headers:
    """Why a record is in `dead_letters`, and where it came from."""
    facts = {"error": error, "service": service, "topic": topic, "partition": str(partition), "offset": str(offset)}
    return [(name, value.encode()) for name, value in facts.items()]
