"""From a simulator's positions to motion as a body has it. Pure.

SUMO follows polylines and tells where the front bumper is. A body's middle follows its front,
and turns gently: its heading is where the front is, seen from the point half a length behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetops.dataset.columns import Bools, Floats

from .simulation import MARGIN_FRAMES, STEP_S, Recording

_SMOOTHING_FRAMES = 2.0
_STANDING_M = 0.005  # a step this small says nothing about a heading


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """Frames x vehicles, NaN where a vehicle is not there: what truly happens. World frame, metres, seconds."""

    x: Floats  # of the centroid
    y: Floats
    vx: Floats
    vy: Floats
    yaw: Floats
    extent: Floats  # (vehicles, 3)

    @property
    def present(self) -> Bools:
        """Frames x vehicles."""
        return np.isfinite(self.x)

    def of(self, vehicles: npt.NDArray[np.intp]) -> Motion:
        """Some of the vehicles."""
        return Motion(
            self.x[:, vehicles],
            self.y[:, vehicles],
            self.vx[:, vehicles],
            self.vy[:, vehicles],
            self.yaw[:, vehicles],
            self.extent[vehicles],
        )


def motion_of(recording: Recording) -> Motion:
    """The motion of everybody recorded, without the margin. Whoever is there for a moment only is left out."""
    frames = len(recording.x)
    parts = np.full((5, frames, len(recording.names)), np.nan)
    for vehicle in range(len(recording.names)):
        seen = np.flatnonzero(np.isfinite(recording.x[:, vehicle]))
        if len(seen) < 2 * MARGIN_FRAMES:
            continue
        length = recording.extent[vehicle, 0]
        front = np.stack((recording.x[seen, vehicle], recording.y[seen, vehicle]))
        parts[:, seen, vehicle] = _body(front, recording.yaw[seen[0], vehicle], length)
    inner = parts[:, MARGIN_FRAMES:-MARGIN_FRAMES]
    x, y, vx, vy, yaw = inner
    return Motion(x, y, vx, vy, yaw, recording.extent)


def _body(front: Floats, first_yaw: float, length_m: float) -> Floats:
    """x, y, vx, vy, yaw of the centroid, given the path of the front bumper's middle."""
    front = np.stack([_smooth(axis) for axis in front])
    step = np.hypot(*np.diff(front, axis=1))
    travelled = np.concatenate(([0.0], np.cumsum(step)))
    # Before the first sight it came straight along its first heading.
    lead = length_m * np.array([np.cos(first_yaw), np.sin(first_yaw)])
    moved = np.concatenate(([True], step > _STANDING_M))
    knots = np.concatenate(([-length_m], travelled[moved]))
    middle = np.stack(
        [
            np.interp(travelled - length_m / 2, knots, np.concatenate(([axis[0] - back], axis[moved])))
            for axis, back in zip(front, lead, strict=True)
        ]
    )
    middle = np.stack([_smooth(axis) for axis in middle])
    ahead = front - middle
    yaw = np.arctan2(ahead[1], ahead[0])
    velocity = np.gradient(middle, STEP_S, axis=1)
    return np.stack((*middle, *velocity, yaw))


def _smooth(values: Floats) -> Floats:
    """A Gaussian mean over neighbours; at the ends the line goes on as it was."""
    reach = int(3 * _SMOOTHING_FRAMES)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / _SMOOTHING_FRAMES) ** 2)
    kernel /= kernel.sum()
    before = 2 * values[0] - values[reach:0:-1]
    after = 2 * values[-1] - values[-2 : -reach - 2 : -1]
    smoothed: Floats = np.convolve(np.concatenate((before, values, after)), kernel, mode="valid")
    return smoothed
