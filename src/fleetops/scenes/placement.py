"""Where a network lies in the dataset's world frame, x to the east and y to the north. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from fleetops.dataset.columns import Floats

from .motion import Motion

ORIGIN_LAT_DEG, ORIGIN_LON_DEG = 37.4293, -122.1542
"""The world frame's origin: Palo Alto, where the Level 5 data was recorded."""

# WGS84, NIMA TR8350.2: semi-major axis in metres and flattening.
_A, _F = 6378137.0, 1 / 298.257223563


@dataclass(frozen=True, slots=True)
class Placement:
    """A turn about the network's own origin, counter-clockwise, and then a shift in metres."""

    turn_rad: float
    east_m: float
    north_m: float

    def points(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """World coordinates of a network's."""
        cos, sin = math.cos(self.turn_rad), math.sin(self.turn_rad)
        return x * cos - y * sin + self.east_m, x * sin + y * cos + self.north_m

    def motion(self, motion: Motion) -> Motion:
        """The same motion, in the world."""
        x, y = self.points(motion.x, motion.y)
        turned = replace(self, east_m=0.0, north_m=0.0)
        vx, vy = turned.points(motion.vx, motion.vy)
        return Motion(x, y, vx, vy, motion.yaw + self.turn_rad, motion.extent)


def world_to_ecef() -> list[list[float]]:
    """The rigid transform of our world frame (east, north, up at the origin) to ECEF, as `meta.json` holds it."""
    lat, lon = math.radians(ORIGIN_LAT_DEG), math.radians(ORIGIN_LON_DEG)
    sin_lat, cos_lat, sin_lon, cos_lon = math.sin(lat), math.cos(lat), math.sin(lon), math.cos(lon)
    normal = _A / math.sqrt(1 - _F * (2 - _F) * sin_lat**2)
    place = (normal * cos_lat * cos_lon, normal * cos_lat * sin_lon, normal * (1 - _F) ** 2 * sin_lat)
    axes: npt.NDArray[np.float64] = np.array(
        [
            [-sin_lon, -sin_lat * cos_lon, cos_lat * cos_lon],
            [cos_lon, -sin_lat * sin_lon, cos_lat * sin_lon],
            [0.0, cos_lat, sin_lat],
        ]
    )
    rows = [[round(float(value), 12) for value in row] for row in axes]
    return [[*row, round(value, 6)] for row, value in zip(rows, place, strict=True)] + [[0.0, 0.0, 0.0, 1.0]]
