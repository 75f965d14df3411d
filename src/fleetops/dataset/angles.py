"""Angles on the circle. Pure."""

from __future__ import annotations

import math

import numpy as np

from .columns import Floats

_TURN = 2 * math.pi


def wrap_angle(angle_rad: Floats) -> Floats:
    """The same angles, within half a turn of zero: the short way round."""
    return angle_rad - _TURN * np.rint(angle_rad / _TURN)
