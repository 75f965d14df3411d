"""From the dataset's world frame to WGS84, for whole arrays at once.

Normalization converts every row, so this is a closed form and not pymap3d, whose general
conversion costs several times as much; tests hold it to pymap3d within 1e-9 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# WGS84, NIMA TR8350.2: semi-major axis in metres and flattening.
_A = 6378137.0
_F = 1 / 298.257223563
_B = _A * (1 - _F)
_E2 = _F * (2 - _F)
_EP2 = _E2 / (1 - _E2)

_ROTATION_TOLERANCE = 1e-6
"""How far `world_to_ecef` may be from a rotation: published ones carry nine digits."""


@dataclass(frozen=True, slots=True)
class GeoReference:
    """Where on Earth a dataset's world frame lies: rows of `world_to_ecef`, a rigid 4 x 4 transform in metres."""

    world_to_ecef: tuple[tuple[float, ...], ...]

    @classmethod
    def from_matrix(cls, matrix: object) -> Self:
        """A reference from nested sequences, as `meta.json` holds them.

        Raises:
            ValueError: it is no finite 4 x 4 matrix of a rotation and a translation.
        """
        try:
            array = np.asarray(matrix, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError("it is not a 4 x 4 matrix of numbers") from error
        if array.shape != (4, 4) or not np.isfinite(array).all():
            raise ValueError("it is not a 4 x 4 matrix of finite numbers")
        rotation = array[:3, :3]
        rigid = np.allclose(rotation @ rotation.T, np.eye(3), atol=_ROTATION_TOLERANCE)
        if not rigid or array[3].tolist() != [0.0, 0.0, 0.0, 1.0]:
            raise ValueError("it is not a rotation and a translation")
        return cls(tuple(tuple(row) for row in array.tolist()))

    def lonlat(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """WGS84 longitude and latitude in degrees of world coordinates in metres, element by element.

        Bowring's formula, one step (Survey Review 23:181, 1976): within 1e-11 degrees for
        heights up to 10 km, and so nowhere near the poles' axis, where nobody drives.
        """
        ecef = [row[0] * x + row[1] * y + row[2] * z + row[3] for row in self.world_to_ecef[:3]]
        axis_distance = np.hypot(ecef[0], ecef[1])
        tan_u = ecef[2] * _A / (axis_distance * _B)
        cos_u = 1 / np.sqrt(1 + tan_u * tan_u)
        sin_u = tan_u * cos_u
        latitude = np.arctan2(ecef[2] + _EP2 * _B * sin_u**3, axis_distance - _E2 * _A * cos_u**3)
        return np.degrees(np.arctan2(ecef[1], ecef[0])), np.degrees(latitude)


PALO_ALTO = GeoReference(
    (
        (0.846617444, 0.323463078, -0.422623402, -2698767.44),
        (-0.532201938, 0.514559352, -0.672301845, -4293151.58),
        (-3.05311332e-16, 0.794103464, 0.6077826, 3855164.76),
        (0.0, 0.0, 0.0, 1.0),
    )
)
"""The world frame of a dataset that comes without `meta.json`: L5Kit's own, its origin at 37.42934 N, 122.15435 W.

Source: `world_to_ecef` as L5Kit publishes it (`l5kit/tests/artefacts/meta.json`, Apache License 2.0).
All of the Level 5 dataset lies in this frame.
"""
