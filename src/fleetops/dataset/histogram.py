"""Order statistics of any number of values in bounded memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class Histogram:
    """Counts of the integers 0 to `largest`; what lies beyond counts as `largest`. Extremes are kept exactly."""

    def __init__(self, largest: int) -> None:
        self._counts = np.zeros(largest + 1, np.int64)
        self.total = 0
        self.smallest_seen: int | None = None
        self.largest_seen: int | None = None

    def add(self, values: npt.NDArray[np.integer]) -> None:
        """Count non-negative integers."""
        if not len(values):
            return
        self._counts += np.bincount(np.minimum(values, len(self._counts) - 1), minlength=len(self._counts))
        self.total += len(values)
        low, high = int(values.min()), int(values.max())
        self.smallest_seen = low if self.smallest_seen is None else min(low, self.smallest_seen)
        self.largest_seen = high if self.largest_seen is None else max(high, self.largest_seen)

    def quantile(self, share: float) -> int:
        """The smallest value that at least this share of all values does not exceed; 0 when there are none."""
        rank = max(int(np.ceil(share * self.total)), 1)
        return int(np.searchsorted(np.cumsum(self._counts), rank)) if self.total else 0

    def above(self, value: float) -> int:
        """How many values are greater."""
        return int(self._counts[max(int(np.floor(value)) + 1, 0) :].sum())
