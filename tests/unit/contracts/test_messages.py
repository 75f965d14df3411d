"""Messages: strict where we write, tolerant where we read, the same on both sides."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from fleetops.contracts import examples
from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.schemas import MESSAGES, Message
from fleetops.contracts.telemetry import RawTelemetry, Velocity
from fleetops.contracts.wire import format_epoch_ms, format_utc_ms, utc_from_ms

EACH = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
BEYOND = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
]
"""Infinite to PostgreSQL, or outside the years 1 to 9999 once they are UTC."""

MILLISECONDS = st.integers(0, 4_102_444_800_000)  # 1970 to 2100


@EACH
def test_what_is_written_is_read_back(message: Message) -> None:
    """Writing and reading is the identity, for every kind of message."""
    assert message.model.read(message.example.write()) == message.example


@pytest.mark.parametrize("moment", BEYOND)
def test_a_time_that_no_one_can_store_is_none(moment: str) -> None:
    """A producer's empty time, or one that UTC has no year for, is invalid: it neither crashes nor comes in."""
    document = examples.ANOMALY.model_dump(mode="json") | {"event_time": moment}
    with pytest.raises(ValidationError, match="event_time"):
        Anomaly.read(json.dumps(document))


@EACH
def test_a_newer_producers_fields_are_ignored_at_every_depth(message: Message) -> None:
    """Unknown fields do not send a message to `dead_letters`."""

    def extended(node: JsonValue) -> JsonValue:
        if isinstance(node, dict):
            return {**{name: extended(child) for name, child in node.items()}, "added_in_2030": {"deep": [1]}}
        return node

    document = message.example.model_dump(mode="json")
    # Maps of features and free metadata take any key: those are left as they are.
    free = {"features", "thresholds"} | ({"metadata"} if message.name == "operator_actions" else set())
    newer = {name: child if name in free else extended(child) for name, child in document.items()}
    newer["added_in_2030"] = 1
    assert message.model.read(json.dumps(newer)) == message.example


@EACH
def test_what_we_build_has_no_unknown_field(message: Message) -> None:
    """A typo in our own code is an error, not a field nobody reads."""
    with pytest.raises(ValidationError, match="extra_forbidden"):
        message.model.model_validate({**message.example.model_dump(), "added_by_mistake": 1})


@EACH
def test_a_missing_field_is_refused(message: Message) -> None:
    """Each required field really is required."""
    document = message.example.model_dump(mode="json")
    for name, field in message.model.model_fields.items():
        if field.is_required():
            with pytest.raises(ValidationError, match="Field required"):
                message.model.read(json.dumps({key: value for key, value in document.items() if key != name}))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    """NaN and infinity, spelled or overflowing, never reach the engine."""
    text = examples.TELEMETRY.write().decode()
    assert '"yaw":1.23' in text
    with pytest.raises(ValidationError):
        RawTelemetry.read(text.replace('"yaw":1.23', f'"yaw":{number}'))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none_are_never_written(number: float) -> None:
    """The same where we build a message."""
    with pytest.raises(ValidationError):
        Velocity(x=number, y=0, z=0, magnitude=0)


@pytest.mark.parametrize("raw", [b"", b"{", b"null", b"[]", b"\xff\xfe", b'"text"', b"{}"])
def test_what_is_no_message_is_refused(raw: bytes) -> None:
    """Truncated, empty, binary or of another type: always the same error."""
    with pytest.raises(ValidationError):
        RawTelemetry.read(raw)


@given(x=FINITE, y=FINITE, yaw=FINITE, frame=st.integers(0, 2**30 - 1), epoch_ms=MILLISECONDS)
def test_any_finite_telemetry_survives_the_wire(x: float, y: float, yaw: float, frame: int, epoch_ms: int) -> None:
    """No digit is lost between two services."""
    telemetry = examples.TELEMETRY.telemetry
    sent = examples.TELEMETRY.model_copy(
        update={
            "frame_index": frame,
            "event_time": utc_from_ms(epoch_ms),
            "telemetry": telemetry.model_copy(
                update={"yaw": yaw, "position": telemetry.position.model_copy(update={"x": x, "y": y})}
            ),
        }
    )
    assert RawTelemetry.read(sent.write()) == sent


@given(epoch_ms=MILLISECONDS)
def test_times_keep_their_milliseconds(epoch_ms: int) -> None:
    """Epoch milliseconds, text and datetime say the same instant."""
    text = format_epoch_ms(epoch_ms)
    assert len(text) == len("2019-10-23T16:07:43.319Z")
    assert text.endswith("Z")
    parsed = datetime.fromisoformat(text)
    assert (parsed - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) == epoch_ms


def test_times_are_utc_whatever_the_zone_they_come_in() -> None:
    """A producer's offset is converted; a time without a zone is refused."""
    there = datetime(2019, 10, 23, 9, 7, 43, 319_999, timezone(timedelta(hours=-7)))
    assert format_utc_ms(there) == "2019-10-23T16:07:43.319Z"
    text = examples.TELEMETRY.write().decode()
    elsewhere = text.replace("2019-10-23T16:07:43.319Z", "2019-10-23T09:07:43.319-07:00")
    assert RawTelemetry.read(elsewhere) == examples.TELEMETRY
    with pytest.raises(ValidationError, match="timezone"):
        RawTelemetry.read(text.replace("2019-10-23T16:07:43.319Z", "2019-10-23T16:07:43.319"))
