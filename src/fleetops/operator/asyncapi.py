"""The AsyncAPI document of the Kafka topics and the WebSocket: `python -m fleetops.operator.asyncapi write|check`.

Made of the same models that read and write the messages. It lives here, since of all rooms
this one knows both: the contracts, and what the WebSocket says.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel, JsonValue
from pydantic.json_schema import models_json_schema

from fleetops import __version__
from fleetops.contracts.schemas import MESSAGES, Message
from fleetops.contracts.topics import (
    ANOMALIES,
    ANOMALY_GROUP,
    DEAD_LETTERS,
    OPERATOR_ACTIONS,
    OPERATOR_ALERTS,
    OPERATOR_GROUP,
    RAW_TELEMETRY,
    REPLAY_GROUP,
    TOPICS,
    Topic,
    dead_letter_headers,
)
from fleetops.generated import asyncapi_document, render_json, write_or_check

from .live import events, frame
from .live.events import CloseCode

DOCUMENT = asyncapi_document()

JsonObject = dict[str, JsonValue]

SOCKET_EVENTS: Final[tuple[type[BaseModel], ...]] = (
    events.Snapshot,
    events.AlertCreated,
    events.AlertUpdated,
    events.VehicleUpdated,
    events.ActionExecuted,
    events.VehiclesMoved,
    events.VehiclesNamed,
    events.ScenesProgressed,
)
"""Every JSON message of `/ws`."""

_FRAME: Final = "PositionsFrame"
_KAFKA_BINDING: Final = "0.5.0"
_SOCKET_BINDING: Final = "0.1.0"

_WHO: Final[tuple[tuple[str, str, str, str | None], ...]] = (
    ("replay", "send", RAW_TELEMETRY, None),
    ("replay", "receive", OPERATOR_ACTIONS, REPLAY_GROUP),
    ("replay", "send", DEAD_LETTERS, None),
    ("anomaly", "receive", RAW_TELEMETRY, ANOMALY_GROUP),
    ("anomaly", "send", ANOMALIES, None),
    ("anomaly", "send", DEAD_LETTERS, None),
    ("operator", "receive", RAW_TELEMETRY, None),
    ("operator", "receive", ANOMALIES, OPERATOR_GROUP),
    ("operator", "send", OPERATOR_ALERTS, None),
    ("operator", "send", OPERATOR_ACTIONS, None),
    ("operator", "send", DEAD_LETTERS, None),
)
"""Service, what it does with a topic, and in which consumer group; without one it takes all partitions."""


def describe() -> JsonObject:
    """The document."""
    models: list[type[BaseModel]] = [*(message.model for message in MESSAGES), *SOCKET_EVENTS]
    refs, definitions = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    payloads = {model: _open(schema) for (model, _), schema in refs.items()}
    return {
        "asyncapi": "3.1.0",
        "id": "urn:fleetops",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {**{topic.name: _topic(topic) for topic in TOPICS}, "ws": _socket()},
        "operations": {**_topic_operations(), "operator_sends_live": _socket_operation()},
        "components": {
            "messages": {
                **{message.name: _kafka_message(message, payloads[message.model]) for message in MESSAGES},
                DEAD_LETTERS: _dead_letter(),
                **{each.__name__: _socket_message(each, payloads[each]) for each in SOCKET_EVENTS},
                _FRAME: _frame(),
            },
            "schemas": _open(definitions.get("$defs", {})),
            "securitySchemes": {
                "session": {
                    "type": "httpApiKey",
                    "name": "fleetops_session",
                    "in": "cookie",
                    "description": "of a signed-in browser; the Origin must be the console's own",
                },
                "token": {"type": "http", "scheme": "bearer", "description": "of `fleetops token create`"},
            },
        },
    }


def _info() -> JsonObject:
    return {
        "title": "FleetOps: topics and WebSocket",
        "version": __version__,
        "description": "Recorded driving data replayed as a live fleet, anomalies in it, and what operators do. "
        "Simulation only. Generated from the code; do not edit.",
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "tags": [{"name": f"{name}-service"} for name in ("replay", "anomaly", "operator")],
    }


def _servers() -> JsonObject:
    return {
        "kafka": {
            "host": "{bootstrap_servers}",
            "protocol": "kafka",
            "description": "any Kafka broker, or the embedded one",
            "variables": {"bootstrap_servers": {"default": "localhost:9092"}},
        },
        "operator": {
            "host": "{address}",
            "protocol": "ws",
            "description": "operator-service; wss behind a proxy that encrypts",
            "variables": {"address": {"default": "127.0.0.1:8003"}},
            "security": [
                {"$ref": "#/components/securitySchemes/session"},
                {"$ref": "#/components/securitySchemes/token"},
            ],
        },
    }


def _topic(topic: Topic) -> JsonObject:
    names = [message.name for message in MESSAGES if message.topic == topic.name] or [topic.name]
    return {
        "address": topic.name,
        "description": topic.carries,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": _messages(names),
        "bindings": {
            "kafka": {"topic": topic.name, "partitions": topic.partitions, "bindingVersion": _KAFKA_BINDING},
        },
    }


def _kafka_message(message: Message, payload: JsonValue) -> JsonObject:
    [key] = [topic.key for topic in TOPICS if topic.name == message.topic]
    told: JsonObject = {
        "name": message.name,
        "title": message.model.__name__,
        "summary": _first_sentence(message.model),
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["kind", "schema"],
            "properties": {
                "kind": {"type": "string", "enum": [kind.value for kind in message.kinds]},
                "schema": {"type": "string", "const": message.schema},
            },
        },
        "payload": payload,
        "examples": [
            {
                "headers": {"kind": message.kinds[0].value, "schema": message.schema},
                "payload": message.example.model_dump(mode="json"),
            }
        ],
    }
    if key in message.model.model_fields and message.name != "frame_marker":
        key_schema: JsonObject = {"type": "string", "description": f"`{key}` of the message"}
        told["bindings"] = {"kafka": {"key": key_schema, "bindingVersion": _KAFKA_BINDING}}
    return told


def _dead_letter() -> JsonObject:
    headers = [name for name, _ in dead_letter_headers("", "", "", 0, 0)]
    properties: JsonObject = {name: {"type": "string"} for name in headers}
    return {
        "name": DEAD_LETTERS,
        "title": "Dead letter",
        "summary": "A record that could not be read or came too late: its original bytes.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "required": [*headers], "properties": properties},
        "payload": {"description": "whatever it was"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "topic/partition/offset of the record"},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _topic_operations() -> JsonObject:
    operations: JsonObject = {}
    for service, action, topic, group in _WHO:
        operation: JsonObject = {
            "action": action,
            "channel": {"$ref": f"#/channels/{topic}"},
            "summary": f"{service}-service {action}s {topic}",
            "tags": [{"name": f"{service}-service"}],
        }
        if group is not None:
            group_id: JsonObject = {"type": "string", "const": group}
            operation["bindings"] = {"kafka": {"groupId": group_id, "bindingVersion": _KAFKA_BINDING}}
        operations[f"{service}_{action}s_{topic}"] = operation
    return operations


def _socket() -> JsonObject:
    codes = ", ".join(f"{code.value} {code.name.lower()}" for code in CloseCode)
    since: JsonObject = {
        "type": "integer",
        "minimum": 0,
        "description": "the last `seq` heard: what came after it follows, on any replica, or a new snapshot",
    }
    return {
        "address": "/ws",
        "description": "Everything that happens, to consoles. First a snapshot, or with `since` what was missed; "
        f"what a client says is not listened to. Closed with: {codes}. {_paragraph(CloseCode, 1)}",
        "servers": [{"$ref": "#/servers/operator"}],
        "messages": _messages([*(each.__name__ for each in SOCKET_EVENTS), _FRAME]),
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": {"since": since}},
                "headers": {
                    "type": "object",
                    "properties": {
                        "Sec-WebSocket-Protocol": {
                            "type": "string",
                            "enum": ["fleetops.v1.bin", "fleetops.v1.json"],
                            "description": "bin: positions as binary frames; json, or none: as vehicles_moved",
                        }
                    },
                },
                "bindingVersion": _SOCKET_BINDING,
            }
        },
    }


def _socket_message(model: type[BaseModel], payload: JsonValue) -> JsonObject:
    return {
        "name": model.model_fields["type"].default,
        "title": model.__name__,
        "summary": _first_sentence(model),
        "contentType": "application/json",
        "payload": payload,
    }


def _frame() -> JsonObject:
    return {
        "name": "positions",
        "title": _FRAME,
        "summary": "With subprotocol fleetops.v1.bin: where vehicles are, in columns.",
        "description": frame.__doc__,
        "contentType": "application/octet-stream",
        "payload": {"type": "string", "format": "binary"},
    }


def _socket_operation() -> JsonObject:
    return {
        "action": "send",
        "channel": {"$ref": "#/channels/ws"},
        "summary": "operator-service tells consoles what happens",
        "tags": [{"name": "operator-service"}],
    }


def _messages(names: list[str]) -> JsonObject:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _open(schema: Mapping[str, JsonValue]) -> JsonObject:
    """`schema` without the refusal of other fields: a reader must take a newer sender's all the same."""

    def opened(node: JsonValue) -> JsonValue:
        if isinstance(node, dict):
            refusal = node.get("additionalProperties") is False
            return {key: opened(each) for key, each in node.items() if not (refusal and key == "additionalProperties")}
        return [opened(each) for each in node] if isinstance(node, list) else node

    return {key: opened(each) for key, each in schema.items()}


def _first_sentence(model: type[BaseModel]) -> str:
    return _paragraph(model, 0)


def _paragraph(documented: type, number: int) -> str:
    paragraphs = (documented.__doc__ or "").split("\n\n")
    return " ".join(paragraphs[number].split()) if number < len(paragraphs) else ""


def render() -> str:
    """The document as it is kept in the repository."""
    return render_json(describe())


if __name__ == "__main__":
    sys.exit(write_or_check(DOCUMENT, render, "fleetops.operator.asyncapi", sys.argv[1:]))
