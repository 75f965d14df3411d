"""A vehicle that brakes along its own path. Pure.

Its recorded motion is taken apart into a smooth drive and what perception added to it. The drive
is done again at another pace over the same ground; the additions stay with the frames they were
made in. So position, velocity and heading agree with each other as well as they did before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from ..angles import wrap_angle
from ..columns import Floats
from ..paths import Path
from .injection import Draft, Injection, Target
from .recorded import NEAR_M
from .smoothing import smoothed

_JERK_MPS3: Final = 20.0
"""Brakes bite within two to four frames (4 to 7 m/s2): brake assist in passenger cars takes 0.2 to 0.4 s."""

_HOLD_S: Final = 1.5
_DRIVE_ON_MPS2: Final = 1.5
_CREEP_MPS: Final = 0.5
_COURSE_MPS: Final = 1.0

_NEAR_FRAMES: Final = 25
"""So long after the onset the vehicle must be near, wherever its braking leaves it."""

_GONE_M: Final = 40.0
"""Where its track ends before the scene does, it must be this far away: else the braking would add a dropout."""


@dataclass(frozen=True, slots=True)
class Braking:
    """Braking of some strength, off at least `shed_mps`: the application of a fault."""

    least_mps2: float
    most_mps2: float
    shed_mps: float

    def __call__(self, draft: Draft, target: Target, rng: np.random.Generator) -> Injection | None:
        """Brake the target; it holds its speed for a moment and drives on. None where it would leave us, or vanish."""
        scene, track = draft.scene, target.track
        deceleration = float(rng.uniform(self.least_mps2, self.most_mps2))
        rows = track.rows[1:]  # a track's first velocity is 0, which is no part of the drive
        now = target.place - 1
        drive = _Drive.of(draft, rows)
        speed = drive.speed(now)
        final = float(rng.uniform(0.0, speed - self.shed_mps))
        along = drive.path_from(now)
        dt_s = np.diff(scene.time_s[scene.frame[rows[now:]]])
        station, pace = repace(speed, deceleration, final, dt_s, drive.recorded_pace(now))
        x, y, yaw = along.place.at(station)
        course = along.course.at(station)[2]
        moved = np.stack((x, y), axis=1)
        ego = np.asarray(scene.block.frames["ego_translation"], np.float64)[scene.frame[rows[now:]], :2]
        range_m = np.hypot(*(moved - ego).T)
        ends_early = track.end_frame < len(scene.block.frames)
        if (range_m[:_NEAR_FRAMES] > NEAR_M).any() or (ends_early and range_m[-1] < _GONE_M):
            return None
        velocity = pace[:, np.newaxis] * np.stack((np.cos(course), np.sin(course)), axis=1)
        changed = rows[now:]
        draft.agents["centroid"][changed] = moved + drive.position_noise[now:]
        draft.agents["velocity"][changed] = velocity + drive.velocity_noise[now:]
        draft.agents["yaw"][changed] = wrap_angle(yaw + drive.yaw_noise[now:])
        braking_s = (speed - final) / deceleration
        end = target.frame + int(np.searchsorted(np.cumsum(dt_s), braking_s)) + 1
        return Injection((track.track_id,), target.frame, end)


@dataclass(frozen=True, slots=True, eq=False)
class _Ground:
    place: Path  # with the heading of the body
    course: Path  # with the direction of travel: a body may be recorded askew, or the wrong way round


@dataclass(frozen=True, slots=True, eq=False)
class _Drive:
    """A recorded drive without its noise, and the noise. Arrays are (frames,) or (frames, 2)."""

    position: Floats
    velocity: Floats
    yaw: Floats
    position_noise: Floats
    velocity_noise: Floats
    yaw_noise: Floats

    @classmethod
    def of(cls, draft: Draft, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> _Drive:
        agents = draft.agents[rows]
        position = np.asarray(agents["centroid"], np.float64)
        velocity = np.asarray(agents["velocity"], np.float64)
        yaw = np.unwrap(agents["yaw"].astype(np.float64))
        smooth_position, smooth_velocity = _smoothed_2d(position), _smoothed_2d(velocity)
        smooth_yaw = smoothed(yaw)
        return cls(
            smooth_position,
            smooth_velocity,
            smooth_yaw,
            position - smooth_position,
            velocity - smooth_velocity,
            yaw - smooth_yaw,
        )

    def speed(self, place: int) -> float:
        return float(np.hypot(*self.velocity[place]))

    def path_from(self, place: int) -> _Ground:
        x, y = self.position[place:].T
        return _Ground(Path.through(x, y, self.yaw[place:]), Path.through(x, y, self._course(place)))

    def recorded_pace(self, place: int) -> Callable[[float], float]:
        """The recorded speed by arc length."""
        speed = np.hypot(*self.velocity[place:].T)
        x, y = self.position[place:].T
        station = Path.through(x, y, speed)  # the "heading" of this path is a speed
        return lambda s: float(np.interp(s, station.station, station.yaw))

    def _course(self, place: int) -> Floats:
        """The direction of travel, kept from before where the vehicle hardly moves."""
        course = np.arctan2(self.velocity[place:, 1], self.velocity[place:, 0])
        moves = np.hypot(*self.velocity[place:].T) > _COURSE_MPS
        known = np.maximum.accumulate(np.where(moves, np.arange(len(course)), 0))
        return course[known]


def _smoothed_2d(values: Floats) -> Floats:
    return np.stack([smoothed(values[:, axis]) for axis in range(values.shape[1])], axis=1)


def repace(
    speed: float, deceleration: float, final: float, dt_s: Floats, recorded: Callable[[float], float]
) -> tuple[Floats, Floats]:
    """Arc length and speed in every frame of a vehicle that brakes from `speed` to `final`, waits, and drives on.

    Args:
        deceleration: m/s2, reached after the time that brakes need.
        dt_s: from frame to frame, s.
        recorded: speed at an arc length, m/s, as it was driven: it drives no faster there.

    Returns:
        Both of one value more than `dt_s`; the first are 0 and `speed`.
    """
    station, pace = np.zeros(len(dt_s) + 1), np.full(len(dt_s) + 1, speed)
    brake, waited_s, braking = 0.0, 0.0, True
    for index, dt in enumerate(dt_s.tolist()):
        v = float(pace[index])
        if braking:
            brake = min(deceleration, brake + _JERK_MPS3 * dt)
            after = max(final, v - brake * dt)
            braking = after > final
        elif waited_s < _HOLD_S:
            waited_s += dt
            after = v
        else:
            limit = max(_CREEP_MPS, recorded(float(station[index])))
            after = min(v + _DRIVE_ON_MPS2 * dt, max(limit, v - _DRIVE_ON_MPS2 * dt))
        pace[index + 1] = after
        station[index + 1] = station[index] + (v + after) / 2 * dt
    return station, pace
