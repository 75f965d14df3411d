"""The rows of one frame: as recorded, or with some vehicles' simulated rows in place of theirs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from fleetops.dataset.precision import METRE_DECIMALS, round_in_place

from .interventions import Deed
from .json_rows import Ints
from .simulated import SimulatedRow

NUMBERS: Final = (
    "x",
    "y",
    "z",
    "lon",
    "lat",
    "vx",
    "vy",
    "vz",
    "speed",
    "ax",
    "ay",
    "az",
    "accel",
    "yaw",
    "yaw_rate",
    "length",
    "width",
    "height",
    "label_probability",
    "range_m",
)
"""Columns of numbers, in the order of the message."""

_X, _Y, _RANGE = (NUMBERS.index(name) for name in ("x", "y", "range_m"))


@dataclass(frozen=True, slots=True, eq=False)
class FrameRows:
    """Rows that are written alike; vehicles are numbered as the scene's encoder does."""

    vehicles: Ints
    numbers: npt.NDArray[np.float64]
    """(rows, `NUMBERS`)."""
    label: npt.NDArray[np.uint8]
    track_length: npt.NDArray[np.int32]
    intervention: Deed | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Acts:
    """What is simulated in a frame."""

    taken_over: frozenset[int]
    """Vehicles whose recorded rows count no more; not all of them need have a simulated one."""
    rows: Sequence[tuple[int, SimulatedRow]]
    ego: int
    """The ego's number."""
    seen_from: tuple[float, float]
    """Where the recording has the ego, or last had it: ranges are measured from there."""


def recast(recorded: FrameRows, acts: Acts) -> tuple[list[FrameRows], int]:
    """The frame's rows by intervention, those as recorded first, and how many of them are agents.

    A pulled-over ego changes nobody's range: whom the recording shows, it saw from where it was recorded.
    """
    kept = ~np.isin(recorded.vehicles, list(acts.taken_over))
    groups = [
        FrameRows(recorded.vehicles[kept], recorded.numbers[kept], recorded.label[kept], recorded.track_length[kept])
    ]
    groups += [
        _group([one for one in acts.rows if one[1].intervention is deed], deed, acts)
        for deed in dict.fromkeys(row.intervention for _, row in acts.rows)
    ]
    everyone = np.concatenate([group.vehicles for group in groups])
    return groups, int(np.count_nonzero(everyone != acts.ego))


def _group(rows: Sequence[tuple[int, SimulatedRow]], deed: Deed, acts: Acts) -> FrameRows:
    vehicles = np.array([vehicle for vehicle, _ in rows], np.int64)
    numbers = np.array([[row.numbers.get(name, 0.0) for name in NUMBERS] for _, row in rows], np.float64)
    ranges = np.hypot(numbers[:, _X] - acts.seen_from[0], numbers[:, _Y] - acts.seen_from[1])
    round_in_place(ranges, METRE_DECIMALS)
    numbers[:, _RANGE] = np.where(vehicles == acts.ego, 0.0, ranges)
    return FrameRows(
        vehicles=vehicles,
        numbers=numbers,
        label=np.array([row.label for _, row in rows], np.uint8),
        track_length=np.array([row.track_length for _, row in rows], np.int32),
        intervention=deed,
    )
