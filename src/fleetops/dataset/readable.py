"""Which agent rows can go on the wire at all. Pure."""

from __future__ import annotations

import numpy as np

from .block import Rows
from .columns import Bools, Floats, Int32s, RowCounts
from .precision import LARGEST
from .tracks import repeated


def readable(agents: Rows, frame_of: Int32s, probability: Floats, ego_known: Bools) -> tuple[Bools, RowCounts]:
    """Mark the rows whose numbers are finite and possible, once per track and frame; count the others by reason.

    `ego_known` says per frame whether the ego's place is known: without it there is no range.
    """
    numbers = (
        *(agents["centroid"][:, axis] for axis in range(2)),
        *(agents["velocity"][:, axis] for axis in range(2)),
        *(agents["extent"][:, axis] for axis in range(3)),
        agents["yaw"],
    )
    largest = probability.copy()
    for values in numbers:
        np.maximum(largest, np.abs(values), out=largest)  # NaN wins
    track_id = agents["track_id"].astype(np.int64)  # beyond int64 it wraps to below zero

    finite = np.isfinite(largest)
    possible = finite & (largest <= LARGEST) & (track_id >= 0)
    placed = possible & ego_known[frame_of]
    once = placed.copy()
    once[placed] = ~repeated(track_id[placed], frame_of[placed])
    totals = [int(np.count_nonzero(mask)) for mask in (finite, possible, placed, once)]
    counts = RowCounts(
        agents=len(agents),
        not_finite=len(agents) - totals[0],
        out_of_range=totals[0] - totals[1],
        without_ego=totals[1] - totals[2],
        duplicate=totals[2] - totals[3],
    )
    return once, counts
