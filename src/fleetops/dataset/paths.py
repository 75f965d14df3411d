"""A recorded path by arc length: where a vehicle would be, had it driven the same way at another pace. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from .angles import wrap_angle
from .columns import Floats

STANDING_M: Final = 0.05
"""A point this near to the last one that counted is the same place: perception shakes a parked car by centimetres,
and a length made of that would grow by metres a minute."""


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A polyline through the places a vehicle passed, each with its heading there.

    Attributes:
        station: m, arc length of each place, ascending from 0.
        x, y: m, world frame.
        yaw: rad, continuous: it goes on counting where a full turn ends.
    """

    station: Floats
    x: Floats
    y: Floats
    yaw: Floats

    @classmethod
    def through(cls, x: Floats, y: Floats, yaw: Floats) -> Self:
        """The path through points in order of time; standing still adds neither length nor a turn.

        Raises:
            ValueError: there is no point.
        """
        if not len(x):
            raise ValueError("expected at least one point to lay a path through")
        kept = [0]
        for index in range(1, len(x)):
            before = kept[-1]
            if np.hypot(x[index] - x[before], y[index] - y[before]) > STANDING_M:
                kept.append(index)
        east, north = np.asarray(x, np.float64)[kept], np.asarray(y, np.float64)[kept]
        station = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(east), np.diff(north)))))
        return cls(station, east, north, np.unwrap(np.asarray(yaw, np.float64)[kept]))

    @property
    def length(self) -> float:
        """Arc length from the first place to the last, m."""
        return float(self.station[-1])

    def at(self, s: Floats) -> tuple[Floats, Floats, Floats]:
        """Position (m) and heading (rad, within half a turn of zero) at arc lengths `s`, clamped to [0, `length`]."""
        x, y, yaw = (np.interp(s, self.station, values) for values in (self.x, self.y, self.yaw))
        return x, y, wrap_angle(yaw)
