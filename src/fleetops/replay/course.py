"""The path a vehicle goes on along when it leaves its recording: through the places it was recorded at later. Pure.

Perception shakes: a path through every recorded place would bend by several degrees at each. So
the course passes through some of them, a few metres apart and averaged, and leaves out
places where the vehicle cannot have been.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from fleetops.dataset.angles import wrap_angle
from fleetops.dataset.columns import Floats, Int32s, Int64s
from fleetops.dataset.paths import Path

from .interventions import Sighting
from .kinematics import BRAKE_MPS2

SPACING_M: Final = 2.0
"""Of the places that the course is laid through: the usual noise of a place, 0.06 m, then bends it by 2 degrees."""

_DRIVEN_SHARE: Final = 0.5
"""Of a new place's distance, how much the recorded speeds must explain: who stands and shakes goes nowhere."""

_SMOOTHED_OVER: Final = 2
"""Places before and behind that one is averaged with; less near the ends, so that the first stays where it is."""

_GATE_M, _GATE_SHARE = 1.0, 0.3
"""How far a place may be from where the velocity leads: so much, and so much of the way. A teleport is farther."""

_BLEND_M: Final = 10.0
"""Over this way the heading recorded at the start becomes that of the course: a step in it would be a swerve."""

_SURE_MPS: Final = 2.0
"""Slower than this, the direction of a recorded velocity is noise."""

_MOVING_MPS: Final = 0.1
"""Slower than this, a velocity has no direction at all."""


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """What the recording has of one vehicle from some frame on: readable sightings, and the times of all frames."""

    first_frame: int
    """The frame of `event_time_ms[0]`."""
    event_time_ms: Int64s
    ego_x: Floats
    ego_y: Floats
    """The ego's place in each frame, NaN where that is not known."""
    frame: Int32s
    """Of each sighting, ascending."""
    x: Floats
    y: Floats
    z: Floats
    vx: Floats
    vy: Floats
    yaw: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """Where a vehicle is and which way it moves, for each of some arc lengths: m, rad, and dz/ds."""

    x: Floats
    y: Floats
    z: Floats
    yaw: Floats
    direction: Floats
    slope: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A smooth path from where a vehicle was last seen as recorded, straight on beyond its end."""

    path: Path
    z: Floats
    direction: Floats
    """rad, of motion at each of the path's places, continuous; the yaw's opposite while reversing."""
    speed_mps: Floats
    """Recorded there."""

    @classmethod
    def of(cls, seen: Sighting, ahead: Recorded) -> Self:
        """The course from `seen` through the sightings behind its frame."""
        later = ahead.frame > seen.frame_index
        kept = _plausible(seen, ahead, np.flatnonzero(later))
        x, y, z = (
            _smooth(np.concatenate(([first], values[kept])))
            for first, values in ((seen.x, ahead.x), (seen.y, ahead.y), (seen.z, ahead.z))
        )
        speed = np.concatenate(([math.hypot(seen.vx, seen.vy)], np.hypot(ahead.vx[kept], ahead.vy[kept])))
        apart = _apart(x, y)
        x, y, z, speed = x[apart], y[apart], z[apart], speed[apart]
        direction = _direction(seen, x, y)
        path = Path.through(x, y, _heading(seen, x, y, direction))
        return cls(path, z, _blended(seen, path.station, direction), speed)

    def at(self, s: Floats) -> Poses:
        """Poses at arc lengths `s`, 0 or more."""
        station = self.path.station
        x, y, yaw = self.path.at(s)
        direction = np.interp(s, station, self.direction)
        beyond = np.maximum(0.0, s - self.path.length)
        slope = np.gradient(self.z, station) if len(station) > 1 else np.zeros(1)
        return Poses(
            x=x + beyond * np.cos(direction),
            y=y + beyond * np.sin(direction),
            z=np.interp(s, station, self.z),
            yaw=yaw,
            direction=direction,
            slope=np.where(beyond > 0, 0.0, np.interp(s, station, slope)),
        )


def _plausible(seen: Sighting, ahead: Recorded, candidates: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Those of `candidates` where the vehicle can have been, `SPACING_M` or more apart."""
    kept: list[int] = []
    x, y, vx, vy = seen.x, seen.y, seen.vx, seen.vy
    then_ms = int(ahead.event_time_ms[seen.frame_index - ahead.first_frame])
    last_x, last_y, driven_m = x, y, 0.0
    last = int(candidates[-1]) if len(candidates) else 0
    for i in candidates.tolist():
        now_ms = int(ahead.event_time_ms[int(ahead.frame[i]) - ahead.first_frame])
        dt_s = (now_ms - then_ms) / 1000
        px, py, pvx, pvy = float(ahead.x[i]), float(ahead.y[i]), float(ahead.vx[i]), float(ahead.vy[i])
        foreseen_x, foreseen_y = x + (vx + pvx) / 2 * dt_s, y + (vy + pvy) / 2 * dt_s
        way_m = (math.hypot(vx, vy) + math.hypot(pvx, pvy)) / 2 * dt_s
        if math.hypot(px - foreseen_x, py - foreseen_y) > _GATE_M + _GATE_SHARE * way_m:
            continue
        x, y, vx, vy, then_ms = px, py, pvx, pvy, now_ms
        driven_m += way_m
        distance_m = math.hypot(px - last_x, py - last_y)
        far_enough = SPACING_M if i < last else SPACING_M / 4
        if distance_m >= far_enough and driven_m >= _DRIVEN_SHARE * distance_m:
            kept.append(i)
            last_x, last_y, driven_m = px, py, 0.0
    return np.array(kept, np.intp)


def _smooth(values: Floats) -> Floats:
    count = len(values)
    sums = np.concatenate(([0.0], np.cumsum(values - values[0])))
    at = np.arange(count)
    half = np.minimum(_SMOOTHED_OVER, np.minimum(at, count - 1 - at))
    smoothed: Floats = values[0] + (sums[at + half + 1] - sums[at - half]) / (2 * half + 1)
    smoothed[0] = values[0]
    return smoothed


def _apart(x: Floats, y: Floats) -> list[int]:
    """Places that averaging left far enough apart to tell a direction."""
    kept = [0]
    for i in range(1, len(x)):
        if math.hypot(x[i] - x[kept[-1]], y[i] - y[kept[-1]]) > SPACING_M / 4:
            kept.append(i)
    return kept


def _direction(seen: Sighting, x: Floats, y: Floats) -> Floats:
    """Direction of motion at each place, continuous from the first on."""
    if len(x) > 1:
        # Each place's is that from its neighbour before to the one behind.
        dx, dy = np.gradient(x), np.gradient(y)
        return np.unwrap(np.arctan2(dy, dx))
    moving = math.hypot(seen.vx, seen.vy) >= _SURE_MPS
    return np.array([math.atan2(seen.vy, seen.vx) if moving else seen.yaw])


def _heading(seen: Sighting, x: Floats, y: Floats, direction: Floats) -> Floats:
    """Headings along the course, facing forwards or backwards as the first does.

    Recorded ones are left alone: they flip and jump now and then, and would do so again at another time.
    """
    forwards = math.cos(seen.yaw - float(direction[0])) >= 0
    facing = direction if forwards else direction + math.pi
    station = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))))
    return facing + _fading(seen.yaw - float(facing[0]), station, _BLEND_M)


def _blended(seen: Sighting, station: Floats, direction: Floats) -> Floats:
    speed = math.hypot(seen.vx, seen.vy)
    if speed < _MOVING_MPS:
        return direction
    offset = math.atan2(seen.vy, seen.vx) - float(direction[0])
    if speed >= _SURE_MPS and math.cos(offset) < math.cos(math.pi / 4):
        return direction  # one of the two is nonsense, and the course is what it drives along
    return direction + _fading(offset, station, min(_BLEND_M, speed**2 / (2 * BRAKE_MPS2)))


def _fading(offset_rad: float, station: Floats, over_m: float) -> Floats:
    (offset,) = wrap_angle(np.array([offset_rad]))
    faded: Floats = offset * np.maximum(0.0, 1.0 - station / over_m)
    return faded
