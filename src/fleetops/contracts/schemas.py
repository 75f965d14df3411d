"""The documents generated from the contracts: `docs/kafka_schemas.md` and `docs/schemas/*.json`.

`python -m fleetops.contracts.schemas write` makes them, `… check` fails when they differ.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from . import examples
from .anomalies import Anomaly
from .operations import OperatorAction, OperatorAlert, VehicleCommand
from .telemetry import FrameMarker, RawTelemetry
from .topics import (
    ANOMALIES,
    ANOMALY_GROUP,
    OPERATOR_ACTIONS,
    OPERATOR_ALERTS,
    OPERATOR_GROUP,
    RAW_TELEMETRY,
    REPLAY_GROUP,
    TOPICS,
    dead_letter_headers,
)
from .vocabulary import MessageKind
from .wire import WireModel

_MEANINGS = {
    "event_id": "derived from session, vehicle and frame: the same again when a replay is sent again",
    "anomaly_id": "derived from session, vehicle, frame, type and status",
    "alert_id": "derived from the anomaly that opened it",
    "action_id": "of this one action",
    "vehicle_id": "`{scene_id}_track_{track_id}`, or `{scene_id}_ego` for the recording car",
    "scene_id": "the scene of the dataset",
    "track_id": "the track within its scene; 0 for the ego",
    "event_time": "when it was recorded; UTC, milliseconds",
    "processing_time": "when this message was produced; UTC, milliseconds",
    "created_at": "when the alert was opened; UTC, milliseconds",
    "replay_session_id": "the replay it belongs to",
    "replay_rate": "frames per second; 0 = as fast as the broker takes it",
    "kind": "whether a frame or the scene is complete; as the header",
    "dataset": "digest of the dataset",
    "anomaly_type": "what was found",
    "triggered_rule": "the condition that fired, the first of the rule set where several did",
    "features": "what the rule computed from the window; null where it could not",
    "thresholds": "what they were held against",
    "frame_indices": "frames of the window in which the vehicle was seen, oldest first",
    "velocity_history": "m/s, parallel to `frame_indices`",
    "acceleration_history": "m/s2, parallel",
    "position_x_history": "m, world frame, parallel",
    "position_y_history": "m, world frame, parallel",
    "yaw_history": "rad, parallel",
    "label_probability_history": "parallel",
    "assigned_operator_id": "who takes care of it; null = nobody yet",
    "version": "grows with each change of the alert",
    "occurrences": "anomalies of this condition so far",
    "operator_id": "who did it",
    "metadata": "what belongs to the action, such as a comment",
}
"""Of fields that say nothing themselves; one meaning on every topic."""

_SAMPLE_BYTES = 24
"""Longest rendered example in a field table; longer ones are in the example message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One kind of message on one topic."""

    topic: str
    name: str
    kinds: tuple[MessageKind, ...]
    model: type[WireModel]
    example: WireModel

    @property
    def schema(self) -> str:
        """Value of the record header `schema`."""
        return f"{self.topic}/1"


MESSAGES = (
    Message(RAW_TELEMETRY, "raw_telemetry", (MessageKind.TELEMETRY,), RawTelemetry, examples.TELEMETRY),
    Message(
        RAW_TELEMETRY, "frame_marker", (MessageKind.FRAME_END, MessageKind.SCENE_END), FrameMarker, examples.MARKER
    ),
    Message(ANOMALIES, "anomalies", (MessageKind.ANOMALY,), Anomaly, examples.ANOMALY),
    Message(OPERATOR_ALERTS, "operator_alerts", (MessageKind.ALERT,), OperatorAlert, examples.ALERT),
    Message(OPERATOR_ACTIONS, "operator_actions", (MessageKind.ACTION,), OperatorAction, examples.ACTION),
)


def documents() -> dict[str, str]:
    """Every generated file's text, by its path below `docs/`."""
    files = {f"schemas/{message.name}.json": _json_schema(message) for message in MESSAGES}
    return {"kafka_schemas.md": _markdown(), **files}


def differences(docs: Path) -> list[str]:
    """Paths below `docs` that are not what the contracts say, or that no contract makes any more."""
    expected = documents()
    stale = [
        path
        for path, text in expected.items()
        if not (docs / path).is_file() or (docs / path).read_text("utf-8") != text
    ]
    orphans = [f"schemas/{path.name}" for path in (docs / "schemas").glob("*.json")]
    return sorted(stale + [path for path in orphans if path not in expected])


def write(docs: Path) -> None:
    """Write every document below `docs`, and remove schemas that no contract makes any more."""
    expected = documents()
    for path in differences(docs):
        if path not in expected:
            (docs / path).unlink()
            continue
        (docs / path).parent.mkdir(parents=True, exist_ok=True)
        (docs / path).write_text(expected[path], "utf-8")


def _json_schema(message: Message) -> str:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:fleetops:schema:{message.name}:1",
        **message.model.model_json_schema(mode="serialization"),
    }
    # What we send has no other fields; a reader must take a newer producer's all the same.
    _open(schema)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _open(node: JsonValue | Mapping[str, JsonValue]) -> None:
    if isinstance(node, dict):
        if node.get("additionalProperties") is False:
            del node["additionalProperties"]
        for child in node.values():
            _open(child)
    elif isinstance(node, list):
        for child in node:
            _open(child)


def _markdown() -> str:
    sections = (line for message in MESSAGES for line in _section(message))
    return "\n".join([*_overview(), *sections, *_vehicle_command(), *_dead_letters()])


def _overview() -> Iterator[str]:
    yield "# Kafka schemas"
    yield ""
    yield "Generated from `src/fleetops/contracts` by `python -m fleetops.contracts.schemas write`; do not edit."
    yield ""
    yield "## Topics"
    yield ""
    yield "| topic | partitions | key | carries |"
    yield "| --- | --- | --- | --- |"
    for topic in TOPICS:
        yield f"| `{topic.name}` | {topic.partitions} | `{topic.key}` | {topic.carries} |"
    yield ""
    yield "Topics are created on start-up when they are missing. A key goes to the partition that murmur2, Kafka's"
    yield "own default, gives it: `(murmur2(key) & 0x7fffffff) % partitions`. Record timestamps are ingest times;"
    yield f"event time is in the payload. Consumer groups: `{ANOMALY_GROUP}`, `{OPERATOR_GROUP}`,"
    yield f"`{REPLAY_GROUP}`."
    yield ""
    yield "Values are JSON in UTF-8. Times are UTC with milliseconds. NaN and infinity are never written and never"
    yield "read. Readers ignore fields they do not know."
    yield ""
    yield "## Headers"
    yield ""
    yield "| topic | message | `kind` | `schema` |"
    yield "| --- | --- | --- | --- |"
    for message in MESSAGES:
        kinds = " or ".join(f"`{kind}`" for kind in message.kinds)
        yield f"| `{message.topic}` | {message.model.__name__} | {kinds} | `{message.schema}` |"
    yield ""


def _section(message: Message) -> Iterator[str]:
    schema = message.model.model_json_schema(mode="serialization")
    example = message.example.model_dump(mode="json")
    yield f"## `{message.topic}`: {message.model.__name__}"
    yield ""
    yield str(schema["description"])
    yield ""
    yield f"JSON Schema: [`schemas/{message.name}.json`](schemas/{message.name}.json)."
    yield ""
    yield "| field | type | meaning | example |"
    yield "| --- | --- | --- | --- |"
    for path, field, sample in _fields(schema, schema, example, ""):
        yield f"| `{path}` | {_type_of(field, schema)} | {_meaning(path, field, schema)} | {_sample(sample)} |"
    yield ""
    yield "```json"
    yield json.dumps(example, indent=2, ensure_ascii=False)
    yield "```"
    yield ""


def _vehicle_command() -> Iterator[str]:
    schema = VehicleCommand.model_json_schema(mode="serialization")
    example = examples.COMMAND.model_dump(mode="json")
    yield "### In `metadata`: VehicleCommand"
    yield ""
    yield " ".join(str(schema["description"]).split())
    yield ""
    yield "| field | type | meaning | example |"
    yield "| --- | --- | --- | --- |"
    for path, field, sample in _fields(schema, schema, example, ""):
        yield f"| `{path}` | {_type_of(field, schema)} | {_meaning(path, field, schema)} | {_sample(sample)} |"
    yield ""


def _dead_letters() -> Iterator[str]:
    ours = ", ".join(f"`{name}`" for name, _ in dead_letter_headers("", "", "", 0, 0))
    yield "## `dead_letters`"
    yield ""
    yield "The record as it came: its value byte for byte, its own headers, its key in the header `key`, then"
    yield f"{ours}. Where a header's name repeats, the last one is ours."
    yield "A value above 900,000 bytes is cut there, with the header `cut_from_bytes`; headers above 50,000 bytes are"
    yield "left out, with `cut_headers_bytes`."
    yield ""


def _fields(
    node: Mapping[str, JsonValue], root: Mapping[str, JsonValue], example: JsonValue, prefix: str
) -> Iterator[tuple[str, Mapping[str, JsonValue], JsonValue]]:
    properties = node.get("properties")
    if not isinstance(properties, dict):
        return
    for name, field in properties.items():
        if not isinstance(field, dict):
            continue
        sample = example.get(name) if isinstance(example, dict) else None
        yield prefix + name, field, sample
        yield from _fields(_resolved(field, root), root, sample, f"{prefix}{name}.")


def _resolved(field: Mapping[str, JsonValue], root: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    reference, definitions = field.get("$ref"), root.get("$defs")
    if not isinstance(reference, str) or not isinstance(definitions, dict):
        return field
    found = definitions[reference.removeprefix("#/$defs/")]
    return found if isinstance(found, dict) else field


def _type_of(field: Mapping[str, JsonValue], root: Mapping[str, JsonValue]) -> str:
    target = _resolved(field, root)
    choices = target.get("anyOf")
    if isinstance(choices, list):
        return " or ".join(_type_of(choice, root) for choice in choices if isinstance(choice, dict))
    values = target.get("enum")
    if isinstance(values, list):
        return " / ".join(f"`{value}`" for value in values)
    items = target.get("items")
    if isinstance(items, dict):
        return f"list of {_type_of(items, root)}"
    kind = str(target.get("type", "any JSON"))
    return f"{kind} ({target['format']})" if "format" in target else kind


def _meaning(path: str, field: Mapping[str, JsonValue], root: Mapping[str, JsonValue]) -> str:
    name = path.rpartition(".")[2]
    told = field.get("description") or _resolved(field, root).get("description") or _MEANINGS.get(name, "")
    paragraph = str(told).split("\n\n", maxsplit=1)[0]
    return " ".join(paragraph.split()).replace("|", "\\|")


def _sample(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return f"`{text}`" if len(text) <= _SAMPLE_BYTES and not isinstance(value, dict) else ""


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fleetops.contracts.schemas")
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    asked = parser.parse_args()
    if asked.action == "write":
        write(asked.docs)
        return 0
    changed = differences(asked.docs)
    for path in changed:
        sys.stderr.write(f"{asked.docs / path} is not what the contracts say; run `{parser.prog} write`\n")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(_main())
