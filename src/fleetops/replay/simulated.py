"""The telemetry of a vehicle that left its recording, as normalization would have made it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from fleetops.contracts.vocabulary import ActionType
from fleetops.dataset.admission import LABEL_INDEX
from fleetops.dataset.angles import wrap_angle
from fleetops.dataset.columns import Floats
from fleetops.dataset.geo import GeoReference
from fleetops.dataset.precision import (
    DEGREE_DECIMALS,
    METRE_DECIMALS,
    PROBABILITY_DECIMALS,
    RADIAN_DECIMALS,
    round_in_place,
)

from .course import Course, Poses, Recorded
from .interventions import Deed, Intervention, Sighting
from .kinematics import Way, travel

OUT_OF_SIGHT_M: Final = 50.0
"""From the recorded ego. A vehicle whose path has ended leaves no nearer: it would be taken for one that vanished."""

WIRE_DECIMALS: Final = {
    **dict.fromkeys(
        ("x", "y", "z", "vx", "vy", "vz", "speed", "ax", "ay", "az", "accel", "length", "width", "height", "range_m"),
        METRE_DECIMALS,
    ),
    **dict.fromkeys(("yaw", "yaw_rate"), RADIAN_DECIMALS),
    **dict.fromkeys(("lon", "lat"), DEGREE_DECIMALS),
    "label_probability": PROBABILITY_DECIMALS,
}
"""Columns of numbers, and the decimals of each on the wire."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedRow:
    """One vehicle in one frame. `range_m` is for who knows where the ego is."""

    numbers: dict[str, float]
    label: int
    track_length: int
    intervention: Deed


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedVehicle:
    """A vehicle from its first manoeuvre to the end of its scene."""

    first_frame: int
    present: npt.NDArray[np.bool_]
    numbers: dict[str, Floats]
    label: int
    track_length: int
    """At the first frame."""
    deeds: tuple[Deed, ...]

    @classmethod
    def of(cls, intervention: Intervention, ahead: Recorded, geo: GeoReference) -> Self:
        """What `intervention`'s manoeuvres make of a vehicle whose recording goes on as `ahead` says.

        Raises:
            ValueError: no manoeuvre has begun.
        """
        seen, begun = intervention.last_seen, intervention.begun
        if seen is None or not begun:
            raise ValueError(f"expected a manoeuvre of {intervention.vehicle_id} that has begun")
        first = seen.frame_index + 1
        times = ahead.event_time_ms[seen.frame_index - ahead.first_frame :]
        dt_s = np.diff(times) / 1000.0
        deeds = _deeds(intervention, first, len(dt_s))
        course = Course.of(seen, ahead)
        recorded_until = int(ahead.frame[-1]) - first if len(ahead.frame) else -1
        way = Way(course.path.station, course.speed_mps, recorded_until)
        driving = np.array([deed is ActionType.RESUME_SIMULATION for deed in deeds], np.bool_)
        journey = travel(way, float(np.hypot(seen.vx, seen.vy)), dt_s, driving)
        poses = course.at(journey.s)
        numbers = _numbers(seen, poses, journey.speed_mps, dt_s, geo)
        later = slice(first - ahead.first_frame, None)
        range_m = np.hypot(poses.x - ahead.ego_x[later], poses.y - ahead.ego_y[later])
        gone = journey.may_leave & (range_m >= OUT_OF_SIGHT_M)
        return cls(
            first, ~np.logical_or.accumulate(gone), numbers, LABEL_INDEX[seen.label], seen.track_length + 1, deeds
        )

    def row(self, frame_index: int) -> SimulatedRow | None:
        """The vehicle in a frame; None where it is as recorded still, or gone."""
        i = frame_index - self.first_frame
        if i < 0 or i >= len(self.present) or not self.present[i]:
            return None
        return SimulatedRow(
            numbers={name: float(values[i]) for name, values in self.numbers.items()},
            label=self.label,
            track_length=self.track_length + i,
            intervention=self.deeds[i],
        )


def _deeds(intervention: Intervention, first: int, frames: int) -> tuple[Deed, ...]:
    deeds: list[Deed] = []
    for manoeuvre in intervention.begun:
        start = (manoeuvre.from_frame or 0) - first
        deeds = deeds[:start] + [manoeuvre.action] * (frames - start)
    return tuple(deeds)


def _numbers(seen: Sighting, poses: Poses, speed: Floats, dt_s: Floats, geo: GeoReference) -> dict[str, Floats]:
    vx, vy, vz = speed * np.cos(poses.direction), speed * np.sin(poses.direction), speed * poses.slope
    ax, ay, az = (
        np.diff(values, prepend=before) / dt_s for values, before in ((vx, seen.vx), (vy, seen.vy), (vz, seen.vz))
    )
    lon, lat = geo.lonlat(poses.x, poses.y, poses.z)
    numbers = {
        "x": poses.x,
        "y": poses.y,
        "z": poses.z,
        "vx": vx,
        "vy": vy,
        "vz": vz,
        "speed": np.sqrt(vx * vx + vy * vy + vz * vz),
        "ax": ax,
        "ay": ay,
        "az": az,
        "accel": np.sqrt(ax * ax + ay * ay + az * az),
        "yaw": wrap_angle(poses.yaw),
        "yaw_rate": wrap_angle(np.diff(poses.yaw, prepend=seen.yaw)) / dt_s,
        "lon": lon,
        "lat": lat,
        **{
            name: np.full(len(speed), getattr(seen, name), np.float64)
            for name in ("length", "width", "height", "label_probability")
        },
    }
    for name, values in numbers.items():
        round_in_place(values, WIRE_DECIMALS[name])
    return numbers
