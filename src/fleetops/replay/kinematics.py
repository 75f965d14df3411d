"""How a vehicle that is pulled over slows down, stands, and drives on: speed and way, frame by frame. Pure.

Everything here is causal: what a vehicle does in a frame depends on what was asked of it
until then. So a later command changes nothing that was sent already.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Self

import numpy as np

from fleetops.dataset.columns import Bools, Floats

BRAKE_MPS2: Final = 2.0
"""Deceleration of a pull-over and of any slowing down after it; hard braking begins at 3 m/s2."""

ACCELERATE_MPS2: Final = 1.5
"""Of driving on. Comfortable: adaptive cruise control may use up to 2 (ISO 15622)."""

CRAWL_MPS: Final = 1.5
"""The recording may have stood where a vehicle comes along later, at a light say: it passes there at a walking pace."""

_GRID_M: Final = 0.25

_CLOSE_M: Final = 0.05
"""So near to the end of its way is at the end: the last centimetres of stopping at a point are not driven."""


@dataclass(frozen=True, slots=True, eq=False)
class SpeedLimit:
    """The highest speed along a path from which every slower place ahead is reached by braking gently."""

    squares: Floats
    """m2/s2, every `_GRID_M` metres; constant deceleration is a straight line in these."""
    length: float

    @classmethod
    def along(cls, station: Floats, speed_mps: Floats, *, ends_standing: bool) -> Self:
        """From the speeds that were recorded at `station` (m, ascending from 0); zero at the end if `ends_standing`."""
        length = float(station[-1])
        places = np.append(np.arange(0.0, length, _GRID_M), length)
        squares = np.maximum(np.interp(places, station, speed_mps), CRAWL_MPS) ** 2
        if ends_standing:
            squares[-1] = 0.0
        slope = 2 * BRAKE_MPS2 * places
        reachable: Floats = np.minimum.accumulate((squares + slope)[::-1])[::-1] - slope
        return cls(reachable, length)

    def at(self, s: float) -> float:
        """m/s; beyond the end, that of the end."""
        at = s / _GRID_M
        last = len(self.squares) - 1
        if s >= self.length or last == 0:
            return math.sqrt(max(0.0, float(self.squares[-1])))
        index = min(int(at), last - 1)
        step = self.length - index * _GRID_M if index == last - 1 else _GRID_M
        part = (s - index * _GRID_M) / step
        low, high = float(self.squares[index]), float(self.squares[index + 1])
        return math.sqrt(max(0.0, low + part * (high - low)))


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A recorded path as a vehicle can drive it again: how long, how fast, and until when it was recorded."""

    station: Floats
    """m, ascending from 0."""
    speed_mps: Floats
    """Recorded at each station."""
    recorded_until: int
    """The last frame, counted from the first of the journey, in which the recording has the vehicle."""

    @property
    def length(self) -> float:
        """M."""
        return float(self.station[-1])


@dataclass(frozen=True, slots=True, eq=False)
class Journey:
    """Arc length (m) and speed (m/s) of a vehicle in each frame."""

    s: Floats
    speed_mps: Floats
    may_leave: Bools
    """It drives on, its way is at an end, and its recording has gone."""


def travel(way: Way, speed_mps: float, dt_s: Floats, driving: Bools) -> Journey:
    """Move a vehicle from the start of `way`, where it goes at `speed_mps`.

    Frame i comes `dt_s[i]` after the one before it; in it the vehicle drives on where `driving[i]`,
    and pulls over elsewhere. It may come to stand a few metres beyond the way's end.
    """
    count = len(dt_s)
    s, v, may_leave = np.zeros(count), np.zeros(count), np.zeros(count, np.bool_)
    turns = [0, *(np.flatnonzero(np.diff(driving)) + 1).tolist(), count] if count else [0]
    here, speed = 0.0, speed_mps
    for start, end in pairwise(turns):
        if driving[start]:
            # As if nothing was to be asked any more: a command that comes later must not change this.
            _drive_to_the_end(way, start, here, speed, dt_s[start:], s[start:], v[start:])
            over = (s[start:end] >= way.length - _CLOSE_M) & (np.arange(start, end) > way.recorded_until)
            may_leave[start:end] = over
        else:
            _brake(here, speed, dt_s[start:end], s[start:end], v[start:end])
        here, speed = float(s[end - 1]), float(v[end - 1])
    return Journey(s, v, may_leave)


def _brake(here: float, speed: float, dt_s: Floats, s: Floats, v: Floats) -> None:
    for i, dt in enumerate(dt_s.tolist()):
        slower = max(0.0, speed - BRAKE_MPS2 * dt)
        # It may come to stand between two frames.
        here += (speed + slower) / 2 * dt if slower else speed * speed / (2 * BRAKE_MPS2)
        speed = slower
        s[i], v[i] = here, speed


def _drive_to_the_end(way: Way, first: int, here: float, speed: float, dt_s: Floats, s: Floats, v: Floats) -> None:
    _drive(way, here, speed, dt_s, s, v, ends_standing=False)
    arrived = np.flatnonzero(s >= way.length)
    if len(arrived) and first + int(arrived[0]) <= way.recorded_until:
        # It would be there before its recording goes, so it waits for that.
        _drive(way, here, speed, dt_s, s, v, ends_standing=True)


def _drive(way: Way, here: float, speed: float, dt_s: Floats, s: Floats, v: Floats, *, ends_standing: bool) -> None:
    limit = SpeedLimit.along(way.station, way.speed_mps, ends_standing=ends_standing)
    for i, dt in enumerate(dt_s.tolist()):
        if here >= way.length:
            _brake(here, speed, dt_s[i:], s[i:], v[i:])
            return
        faster = speed + ACCELERATE_MPS2 * dt
        allowed = limit.at(here + (speed + faster) / 2 * dt)
        after = max(0.0, min(faster, max(allowed, speed - BRAKE_MPS2 * dt)))
        here += (speed + after) / 2 * dt
        speed = after
        s[i], v[i] = here, speed
