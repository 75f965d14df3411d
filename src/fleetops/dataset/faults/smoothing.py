"""What a track would be without its noise. Pure.

Savitzky and Golay's local parabola, so that steady acceleration passes unchanged: A. Savitzky and
M. J. E. Golay, Analytical Chemistry 36 (1964).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..columns import Floats

HALF_FRAMES: Final = 5
"""Frames to either side: at 10 Hz a second in all, shorter than any manoeuvre and longer than jitter."""


def smoothed(values: Floats, half: int = HALF_FRAMES) -> Floats:
    """`values`, each replaced by the parabola through its neighbours; ends by that of the outermost window.

    Fewer values than three are returned as they are.
    """
    half = min(half, (len(values) - 1) // 2)
    if half < 1:
        return values.copy()
    offset = np.arange(-half, half + 1)
    powers = np.vander(offset, 3)
    to_curve = np.linalg.pinv(powers)  # (3, window): coefficients of the parabola
    inner = np.convolve(values, to_curve[-1][::-1], mode="valid")
    head = powers[:half] @ (to_curve @ values[: 2 * half + 1])
    tail = powers[half + 1 :] @ (to_curve @ values[-2 * half - 1 :])
    return np.concatenate((head, inner, tail))
