"""Made-up motion for tests: no simulator."""

from __future__ import annotations

import numpy as np

from fleetops.scenes.motion import Motion


def column(vehicles: int, frames: int, speed_mps: float = 12.0, gap_m: float = 12.0) -> Motion:
    """Vehicles one behind the other along x, all at one speed; the first one leads."""
    start = -gap_m * np.arange(vehicles)
    x = start + speed_mps * 0.1 * np.arange(frames)[:, None]
    zero = np.zeros_like(x)
    extent = np.tile([4.6, 1.9, 1.6], (vehicles, 1))
    return Motion(x, zero, zero + speed_mps, zero.copy(), zero.copy(), extent)
