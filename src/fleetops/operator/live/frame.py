"""Positions as a binary frame, for clients of the subprotocol `fleetops.v1.bin`. Little-endian throughout.

| offset | type | field |
| --- | --- | --- |
| 0 | uint8 | kind: 1 = positions. Skip a frame of any other kind |
| 1 | uint8 | flags: bit 0 = full, every vehicle that is not in it is gone |
| 2 | uint16 | size of this header in bytes, now 32: the columns begin there |
| 4 | uint32 | n, how many vehicles moved |
| 8 | uint32 | g, how many are gone |
| 12 | uint32 | 0, reserved |
| 16 | int64 | when it was sent, milliseconds since 1970 |
| 24 | int64 | processing time of the newest record in it, milliseconds since 1970; 0 = none |

Then the columns, one after the other, the nth entry of each being the nth vehicle's:
n int32 longitude and n int32 latitude in degrees x 1e7, n float32 speed in m/s, n float32
heading in rad counter-clockwise from the world frame's x (east), n uint32 id, g uint32 ids of
those gone (skip what was never named), n uint8 state: bit 0 = stale (silent for a while), the
other bits are 0 for now.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import numpy as np

from .fleet import LiveFleet, Track

KIND_POSITIONS: Final = 1
FULL: Final = 1
STALE: Final = 1
HEADER: Final = struct.Struct("<BBHIIIqq")
_DEGREE: Final = 1e7


def encode_frame(
    fleet: LiveFleet,
    tracks: Sequence[Track],
    gone: Sequence[int],
    emitted_ms: int | None,
    server_ms: int,
    *,
    full: bool,
) -> bytes:
    """`tracks` where they are now, and the numbers of those that are `gone`."""
    latest = fleet.latest(tracks)
    header = HEADER.pack(
        KIND_POSITIONS, FULL if full else 0, HEADER.size, len(tracks), len(gone), 0, server_ms, emitted_ms or 0
    )
    with np.errstate(over="ignore"):  # a producer's absurd speed is infinite, and no crash of ours
        columns = (
            np.round(np.clip(latest["lon"], -180, 180) * _DEGREE).astype("<i4"),
            np.round(np.clip(latest["lat"], -90, 90) * _DEGREE).astype("<i4"),
            latest["speed"].astype("<f4"),
            latest["yaw"].astype("<f4"),
            np.array([track.number for track in tracks], "<u4"),
            np.array(gone, "<u4"),
            np.array([STALE * track.stale for track in tracks], "u1"),
        )
    return b"".join([header, *(column.tobytes() for column in columns)])
