"""The agreed example messages parse with our models: names and nesting agree.

The documents are the agreed ones word for word, their comments and placeholders for ids
apart. What we added stands beside them, and nothing else is needed.
"""

from __future__ import annotations

import copy
import json
from typing import cast

import pytest
from pydantic import JsonValue

from fleetops.contracts.schemas import MESSAGES

Document = dict[str, JsonValue]

AGREED: dict[str, str] = {
    "raw_telemetry": """{
  "event_id": "3b241101-e2bb-4255-8caf-4136c566a962",
  "vehicle_id": "scene_123_track_456",
  "scene_id": "scene_123",
  "track_id": 456,
  "event_time": "2024-01-15T10:23:45.123Z",
  "processing_time": "2024-01-15T10:23:45.125Z",
  "frame_index": 42,
  "telemetry": {
    "position": {"x": 123.45, "y": 67.89, "z": 0.0},
    "velocity": {"x": 5.2, "y": 0.1, "z": 0.0, "magnitude": 5.2},
    "acceleration": {"x": -0.5, "y": 0.0, "z": 0.0, "magnitude": 0.5},
    "yaw": 1.23,
    "yaw_rate": 0.05,
    "label_probability": 0.95,
    "track_length": 120
  },
  "metadata": {"replay_session_id": "session_abc123", "replay_rate": 10.0}
}""",
    "anomalies": """{
  "anomaly_id": "3b241101-e2bb-4255-8caf-4136c566a963",
  "event_id": "3b241101-e2bb-4255-8caf-4136c566a962",
  "vehicle_id": "scene_123_track_456",
  "event_time": "2024-01-15T10:23:45.123Z",
  "processing_time": "2024-01-15T10:23:45.130Z",
  "anomaly_type": "sudden_deceleration",
  "severity": "WARNING",
  "triggered_rule": "decel_threshold_exceeded",
  "features": {"velocity_delta": -8.5, "acceleration_magnitude": 4.2, "time_window_ms": 500},
  "thresholds": {"decel_threshold_ms2": 3.0, "velocity_delta_threshold_ms": 5.0},
  "evidence": {
    "frame_indices": [40, 41, 42],
    "velocity_history": [13.5, 10.2, 5.0],
    "acceleration_history": [-0.1, -2.5, -4.2]
  }
}""",
    "operator_alerts": """{
  "alert_id": "3b241101-e2bb-4255-8caf-4136c566a964",
  "anomaly_id": "3b241101-e2bb-4255-8caf-4136c566a963",
  "vehicle_id": "scene_123_track_456",
  "event_time": "2024-01-15T10:23:45.123Z",
  "processing_time": "2024-01-15T10:23:45.135Z",
  "alert_status": "OPEN",
  "severity": "WARNING",
  "anomaly_type": "sudden_deceleration",
  "assigned_operator_id": null,
  "created_at": "2024-01-15T10:23:45.135Z"
}""",
    "operator_actions": """{
  "action_id": "3b241101-e2bb-4255-8caf-4136c566a965",
  "alert_id": "3b241101-e2bb-4255-8caf-4136c566a964",
  "vehicle_id": "scene_123_track_456",
  "operator_id": "operator_001",
  "action_type": "ACKNOWLEDGE",
  "processing_time": "2024-01-15T10:23:50.200Z",
  "metadata": {"comment": "Investigating anomaly"}
}""",
}

ADDED: dict[str, str] = {
    "raw_telemetry": """{"telemetry": {
      "geo": {"lon": -122.1619, "lat": 37.439},
      "extent": {"length": 4.6, "width": 1.9, "height": 1.6},
      "label": "CAR",
      "range_m": 31.2
    }}""",
    "anomalies": """{
      "status": "ACTIVE",
      "evidence": {
        "position_x_history": [1.0, 2.0, 3.0],
        "position_y_history": [1.0, 2.0, 3.0],
        "yaw_history": [0.1, 0.1, 0.1],
        "label_probability_history": [0.9, 0.9, 0.9]
      },
      "provenance": {
        "replay_session_id": "session_abc123", "purpose": "live", "dataset": "sha256:1", "scene_id": "scene_123",
        "frame_index": 42, "rule_set": "calibrated@sha256:2"
      }
    }""",
    "operator_alerts": """{"version": 1, "occurrences": 1, "replay_session_id": "session_abc123"}""",
    "operator_actions": "{}",
}

MODELS = {message.name: message.model for message in MESSAGES}


def merged(agreed: JsonValue, added: JsonValue) -> JsonValue:
    """`agreed` with the fields of `added`, at every depth; nothing agreed is replaced."""
    if not isinstance(agreed, dict) or not isinstance(added, dict):
        raise TypeError("an added field may not replace an agreed one")
    result = copy.deepcopy(agreed)
    for name, value in added.items():
        result[name] = merged(result[name], value) if name in result else value
    return result


def contains(document: JsonValue, part: JsonValue) -> bool:
    """Whether every field of `part` is in `document`, with the same value and nesting."""
    if isinstance(part, dict):
        return isinstance(document, dict) and all(
            name in document and contains(document[name], value) for name, value in part.items()
        )
    return document == part


@pytest.mark.parametrize("name", AGREED)
def test_an_agreed_message_is_one_of_ours(name: str) -> None:
    """It parses strictly, and what we would write for it has every agreed field where it was."""
    agreed = cast("Document", json.loads(AGREED[name]))
    complete = merged(agreed, json.loads(ADDED[name]))
    parsed = MODELS[name].model_validate_json(json.dumps(complete))  # unknown fields are forbidden here
    assert contains(json.loads(parsed.write()), agreed)


@pytest.mark.parametrize("name", AGREED)
def test_nothing_else_is_needed(name: str) -> None:
    """Each field of ours that must be given is in the list of additions."""
    required = {field for field, info in MODELS[name].model_fields.items() if info.is_required()}
    assert required <= set(json.loads(AGREED[name])) | set(json.loads(ADDED[name]))
