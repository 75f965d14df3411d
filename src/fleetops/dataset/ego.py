"""The recording car: pose in, motion out. Pure.

The dataset holds its poses alone. Velocity is the difference of two, acceleration that of two velocities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .angles import wrap_angle
from .block import Rows
from .columns import Bools, Floats, Int32s
from .precision import LARGEST

EXTENT_M = (4.87, 1.85, 1.8)
"""Length, width, height, which the dataset does not give. Source: `EGO_EXTENT_*` in
`l5kit.rasterization.rasterizer`, a Ford Fusion with its sensors on the roof."""

_FIRST_WITH_ACCELERATION = 3
"""At the second sighting, the velocity before is not known: a difference would say 100 m/s2."""


@dataclass(frozen=True, slots=True, eq=False)
class EgoState:
    """The ego at its last sighting; `sightings` counts them all."""

    timestamp_ns: int
    position: Floats
    velocity: Floats
    yaw: float
    sightings: int


@dataclass(frozen=True, slots=True, eq=False)
class EgoMotion:
    """The ego over a block: columns of its sightings, and its place per frame.

    `anchor` (2, frames) is where it was last seen, NaN before it ever was.
    """

    seen: Bools
    position: Floats  # (3, sightings)
    velocity: Floats
    acceleration: Floats
    yaw: Floats
    yaw_rate: Floats
    track_length: Int32s
    anchor: Floats


def follow_ego(frames: Rows, before: EgoState | None) -> tuple[EgoMotion, EgoState | None]:
    """Motion of the ego over consecutive frames, and the state to go on with."""
    translation = np.asarray(frames["ego_translation"], np.float64).T
    rotation = np.asarray(frames["ego_rotation"], np.float64)
    within = (np.abs(translation) <= LARGEST).all(axis=0) & np.isfinite(rotation).all(axis=(1, 2))
    seen: Bools = np.asarray(within)
    position = translation[:, seen]
    yaw = np.arctan2(rotation[seen, 1, 0], rotation[seen, 0, 0])
    time_ns = frames["timestamp"][seen].astype(np.int64)
    earlier = 0 if before is None else before.sightings
    track_length = np.arange(earlier + 1, earlier + len(yaw) + 1, dtype=np.int32)

    dt_s = np.diff(time_ns, prepend=time_ns[:1] if before is None else before.timestamp_ns) / 1e9
    dt_s[track_length == 1] = 1.0  # there all differences are zero
    velocity = _step(position, None if before is None else before.position) / dt_s
    acceleration = _step(velocity, None if before is None else before.velocity) / dt_s
    acceleration[:, track_length < _FIRST_WITH_ACCELERATION] = 0.0
    turned = np.diff(yaw, prepend=yaw[:1] if before is None else before.yaw)
    motion = EgoMotion(
        seen=seen,
        position=position,
        velocity=velocity,
        acceleration=acceleration,
        yaw=yaw,
        yaw_rate=wrap_angle(turned) / dt_s,
        track_length=track_length,
        anchor=_anchor(translation[:2], seen, before),
    )
    if not len(yaw):
        return motion, before
    after = EgoState(
        int(time_ns[-1]), position[:, -1].copy(), velocity[:, -1].copy(), float(yaw[-1]), earlier + len(yaw)
    )
    return motion, after


def _step(values: Floats, before: Floats | None) -> Floats:
    first = values[:, :1] if before is None else before[:, np.newaxis]
    return np.diff(values, prepend=first)


def _anchor(translation: Floats, seen: Bools, before: EgoState | None) -> Floats:
    last_seen = np.maximum.accumulate(np.where(seen, np.arange(len(seen)), -1))
    known = np.full(2, np.nan) if before is None else before.position[:2]
    return np.where(last_seen >= 0, translation[:, last_seen], known[:, np.newaxis])
