"""Binary positions, read back by what the page says and nothing else."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from fleetops.operator.live import fleet as rules
from fleetops.operator.live.fleet import LiveFleet
from fleetops.operator.live.frame import encode_frame
from fleetops.operator.live.moment import Moment
from fleetops.operator.live.picture import encode_moves

from .stories import marker, seen


@dataclass(frozen=True)
class Read:
    """A frame as a plain client reads it."""

    full: bool
    server_ms: int
    emitted_ms: int
    rows: list[tuple[float, float, float, float, int, int]]
    """Longitude, latitude, speed, heading, id, state."""
    gone: list[int]


def read(frame: bytes) -> Read:
    """Read a frame by the documented offsets, column by column, to its last byte."""
    kind, flags, at = struct.unpack_from("<BBH", frame, 0)
    assert kind == 1
    count, gone_count, reserved = struct.unpack_from("<III", frame, 4)
    assert reserved == 0
    server_ms, emitted_ms = struct.unpack_from("<qq", frame, 16)
    columns: list[tuple[float, ...]] = []
    for code, length in (
        ("i", count),
        ("i", count),
        ("f", count),
        ("f", count),
        ("I", count),
        ("I", gone_count),
        ("B", count),
    ):
        layout = f"<{length}{code}"
        columns.append(struct.unpack_from(layout, frame, at))
        at += struct.calcsize(layout)
    assert at == len(frame)
    lon, lat, speed, heading, ids, gone, state = columns
    rows = [
        (x / 1e7, y / 1e7, v, h, int(i), int(s))
        for x, y, v, h, i, s in zip(lon, lat, speed, heading, ids, state, strict=True)
    ]
    return Read(bool(flags & 1), server_ms, emitted_ms, rows, [int(each) for each in gone])


def fleet_of(*vehicles: str) -> LiveFleet:
    """Vehicles in their first frame."""
    fleet = LiveFleet()
    fleet.apply([message for vehicle in vehicles for message in seen(vehicle, 0).messages], 0.0)
    return fleet


def test_a_frame_says_where_vehicles_are() -> None:
    """Position to a centimetre, speed, heading, and which of the named vehicles it is."""
    fleet = fleet_of("a", "b")
    frame = read(encode_frame(fleet, list(fleet.tracks.values()), [7], 1_700, 1_800, full=False))
    assert (frame.full, frame.server_ms, frame.emitted_ms, frame.gone) == (False, 1_800, 1_700, [7])
    assert frame.rows == [(-122.1619, 37.439, 5.0, 1.25, 1, 0), (-122.1619, 37.439, 5.0, 1.25, 2, 0)]


def test_a_stale_vehicle_says_so() -> None:
    """Bit 0 of the state."""
    fleet = fleet_of("a")
    fleet.apply([marker(20)], 0.1)
    fleet.sweep(0.2)
    assert [row[5] for row in read(encode_frame(fleet, list(fleet.tracks.values()), [], None, 0, full=True)).rows] == [
        1
    ]


def test_five_thousand_vehicles_are_a_fraction_of_the_json() -> None:
    """The reason for the format: 21 bytes a vehicle, and a header. Real numbers, with all their digits, gain more."""
    fleet = fleet_of(*(f"scene_{n // 100:03}_track_{n}" for n in range(5_000)))
    moves = fleet.take_moves()
    text = encode_moves(fleet, moves, 0).encode()
    frame = encode_frame(fleet, moves.tracks, [], None, 0, full=False)
    assert len(frame) == 32 + 21 * 5_000
    assert len(frame) * 3 < len(text)


@given(
    lon=st.floats(-180, 180), lat=st.floats(-90, 90), speed=st.floats(0, 1e4), yaw=st.floats(-math.pi, math.pi)
)  # fmt: skip
def test_any_place_is_read_back(lon: float, lat: float, speed: float, yaw: float) -> None:
    """To half a unit of what the format can hold."""
    fleet = fleet_of("a")
    fleet.frames[0, 0]["lon"], fleet.frames[0, 0]["lat"] = lon, lat
    [track] = fleet.tracks.values()
    fleet.frames[track.slot, track.position] = (0, 0, lon, lat, 0, 0, yaw, speed, 0, 1)
    [(x, y, v, h, _, _)] = read(encode_frame(fleet, [track], [], None, 0, full=False)).rows
    assert x == pytest.approx(lon, abs=0.6e-7)
    assert y == pytest.approx(lat, abs=0.6e-7)
    assert (v, h) == (float(np.float32(speed)), float(np.float32(yaw)))


def test_absurd_numbers_are_no_crash() -> None:
    """Whoever sends them; the map shows the edge of the world."""
    fleet = fleet_of("a")
    [track] = fleet.tracks.values()
    fleet.frames[track.slot, track.position] = (0, 0, 1e300, -1e300, 0, 0, 1e300, 1e300, 0, 1)
    [row] = read(encode_frame(fleet, [track], [], None, 0, full=False)).rows
    assert row == (180.0, -90.0, math.inf, math.inf, 1, 0)


def test_a_number_is_never_given_to_another_vehicle() -> None:
    """One that goes and comes back gets a new one, and the old is told to be gone."""
    fleet = fleet_of("a")
    moment = Moment(fleet, fleet.take_moves(), 0, with_progress=False)
    assert moment.names() is not None
    fleet.apply(seen("a", 0, session="s2").messages, 0.1)
    moves = fleet.take_moves()
    assert moves.gone == []  # whoever takes JSON sees the same vehicle move on
    assert (moves.gone_numbers, [track.number for track in moves.new]) == ([1], [2])


def test_who_came_and_went_between_two_ticks_is_told_to_be_gone() -> None:
    """A console that began just then was given the vehicle, and would else show it for ever."""
    fleet = fleet_of("a")
    begun = read(encode_frame(fleet, list(fleet.tracks.values()), [], None, 0, full=True))
    fleet.apply([marker(0), marker(rules.GONE_FRAMES + 1)], 0.1)
    fleet.sweep(0.1)
    moves = fleet.take_moves()
    assert moves.new == []
    assert moves.gone_numbers == [row[4] for row in begun.rows] == [1]


def test_each_kind_is_encoded_once_and_only_when_asked_for() -> None:
    """A hundred consoles share the very bytes; without a binary one no frame is made."""
    fleet = fleet_of("a")
    moment = Moment(fleet, fleet.take_moves(), 0, with_progress=True)
    progress, frame = moment.changes(binary=True)
    assert moment.changes(binary=True)[1] is frame
    assert moment.changes(binary=True)[0] is progress
    assert moment.everything(binary=False) is moment.everything(binary=False)
    assert "_json_changes" not in vars(moment)
