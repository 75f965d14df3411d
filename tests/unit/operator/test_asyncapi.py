"""The AsyncAPI document is the one that the code describes, and describes all of it."""

from __future__ import annotations

import json
from typing import cast, get_args

import jsonschema
import pytest
from pydantic import BaseModel, JsonValue

from fleetops.contracts.schemas import MESSAGES
from fleetops.contracts.topics import ANOMALY_GROUP, OPERATOR_GROUP, REPLAY_GROUP, TOPICS
from fleetops.operator.api.callers import COOKIE
from fleetops.operator.api.socket import SUBPROTOCOLS
from fleetops.operator.asyncapi import DOCUMENT, SOCKET_EVENTS, describe, render
from fleetops.operator.live.events import CloseCode, LiveEvent

Node = dict[str, JsonValue]


def part(*path: str) -> Node:
    """What the document says at `path`."""
    node: JsonValue = describe()
    for name in path:
        node = cast("Node", node)[name]
    return cast("Node", node)


def test_the_document_has_not_drifted() -> None:
    """Whoever reads it would else expect another service; `python -m fleetops.operator.asyncapi write` mends it."""
    assert DOCUMENT.read_text("utf-8") == render()


def test_every_topic_and_message_is_in_it() -> None:
    """With its partitions, its headers and who reads and writes it."""
    assert set(part("channels")) == {topic.name for topic in TOPICS} | {"ws"}
    for topic in TOPICS:
        assert cast("Node", part("channels", topic.name, "bindings")["kafka"])["partitions"] == topic.partitions
    assert {message.name for message in MESSAGES} <= set(part("components", "messages"))
    told = json.dumps(part("operations"))
    for group in (ANOMALY_GROUP, OPERATOR_GROUP, REPLAY_GROUP):
        assert group in told
    for topic in TOPICS:
        assert f'"#/channels/{topic.name}"' in told


def test_every_event_of_the_socket_is_in_it() -> None:
    """Those that the console's types are made of, and those of the binary subprotocol; and how it closes."""
    union = get_args(LiveEvent.model_fields["root"].annotation)
    members: set[type[BaseModel]] = set(union)
    assert members < set(SOCKET_EVENTS)
    assert {each.__name__ for each in SOCKET_EVENTS} < set(part("channels", "ws", "messages"))
    told = str(part("channels", "ws")["description"])
    assert all(str(code.value) in told for code in CloseCode)


def test_the_way_in_is_the_one_that_the_service_knows() -> None:
    """The cookie's name and the subprotocols, which the document writes out."""
    assert part("components", "securitySchemes", "session")["name"] == COOKIE
    headers = cast("Node", part("channels", "ws", "bindings", "ws")["headers"])
    told = cast("dict[str, Node]", headers["properties"])["Sec-WebSocket-Protocol"]
    assert told["enum"] == list(SUBPROTOCOLS)


@pytest.mark.parametrize("name", [message.name for message in MESSAGES])
def test_examples_are_of_the_schema_they_stand_beside(name: str) -> None:
    """Judged by a validator of JSON Schema, with the document's own references."""
    message = part("components", "messages", name)
    schema = {**cast("Node", message["payload"]), "components": part("components")}
    headers = cast("Node", message["headers"])
    for example in cast("list[Node]", message["examples"]):
        jsonschema.Draft7Validator(schema).validate(example["payload"])
        jsonschema.Draft7Validator(headers).validate(example["headers"])


def test_a_reader_may_meet_fields_that_are_newer_than_the_document() -> None:
    """Senders refuse unknown fields of their own; the document asks no reader to."""
    assert '"additionalProperties": false' not in render()


def test_the_frame_is_described_to_the_byte() -> None:
    """Nobody can read a binary frame whose layout is not written down."""
    told = str(part("components", "messages", "PositionsFrame")["description"])
    assert all(word in told for word in ("Little-endian", "| 24 | int64 |", "x 1e7", "bit 0 = stale"))
