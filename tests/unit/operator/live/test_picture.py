"""The encoded picture is what the event union promises."""

from __future__ import annotations

import json

from fleetops.operator.live.events import LiveEvent, VehiclesMoved
from fleetops.operator.live.fleet import LiveFleet
from fleetops.operator.live.picture import encode_all, encode_moves, positions

from .stories import marker, seen


def test_what_is_encoded_by_hand_is_the_declared_event() -> None:
    """Columns bypass pydantic for speed, so pydantic checks them here: no field missing, none too many."""
    fleet = LiveFleet()
    fleet.apply([*seen("a", 0).messages, *seen("b", 0).messages, marker(0)], 0.0)
    fleet.sweep(0.1)
    event = LiveEvent.model_validate_json(encode_moves(fleet, fleet.take_moves(), 1_700_000_000_000)).root
    assert isinstance(event, VehiclesMoved)
    assert event.positions.vehicle_id == ["a", "b"]
    assert event.positions == positions(fleet)
    assert event.scenes[0].vehicles == 2
    assert not event.full


def test_numbers_are_rounded_to_what_a_map_can_show() -> None:
    """Digits that nobody can see cost bandwidth ten times a second."""
    fleet = LiveFleet()
    fleet.apply(seen("a", 0).messages, 0.0)
    columns = json.loads(encode_all(fleet, None, 0))["positions"]
    assert (columns["yaw"], columns["speed"], columns["width"]) == ([1.25], [5.0], [1.9])
    assert (columns["lon"], columns["lat"]) == ([-122.1619], [37.439])


def test_an_empty_picture_is_an_event_too() -> None:
    """The heartbeat of a quiet fleet."""
    fleet = LiveFleet()
    event = LiveEvent.model_validate_json(encode_moves(fleet, fleet.take_moves(), 0)).root
    assert isinstance(event, VehiclesMoved)
    assert event.positions.vehicle_id == []
    assert event.emitted_at is None
