"""How fine numbers are on the wire. Detection never sees anything finer, live or in a backtest.

Rounded is to the double nearest to the decimal, so that its shortest text has at most so
many decimals and reads back as the same double.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

METRE_DECIMALS: Final = 3
"""Millimetres, also for m/s and m/s2: a tenth of perception's own noise (0.06 m a frame) and finer."""

RADIAN_DECIMALS: Final = 4
"""0.1 mrad, also for rad/s: at the end of a 5 m car that is half a millimetre."""

PROBABILITY_DECIMALS: Final = 4
"""A hundredth of a percent; thresholds are tenths."""

DEGREE_DECIMALS: Final = 7
"""11 mm of latitude, the resolution of the console's position frames."""

NS_PER_MS: Final = 1_000_000
"""Event times are whole milliseconds; frames are 100 of them apart."""

LARGEST: Final = 1e7
"""No coordinate (m), speed (m/s) or size (m) is larger: the Earth's radius is 6.4e6 m. Up to here rounding is exact."""


def round_in_place(values: npt.NDArray[np.float64], decimals: int) -> None:
    """Round finite `values` to so many decimals; -0.0 becomes 0.0, which is the same number and one text."""
    np.round(values, decimals, out=values)
    values += 0.0


def to_event_time_ms(timestamp_ns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Nanoseconds since 1970 to the nearest millisecond, in integers all the way."""
    return (timestamp_ns + NS_PER_MS // 2) // NS_PER_MS
