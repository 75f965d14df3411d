"""Telemetry as columns: what normalization makes and replay and backtest read. Pure data."""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RowCounts:
    """What became of the rows read. `rejected` ones could not go on the wire as they are."""

    agents: int = 0
    admitted: int = 0
    held_back: int = 0  # sighted, but their track is not admitted, or not yet
    not_finite: int = 0
    out_of_range: int = 0  # a number no vehicle has, or a negative track_id
    duplicate: int = 0  # a second row of the same track in one frame
    without_ego: int = 0  # no ego pose known so far, so no range either
    ego_rejected: int = 0  # frames whose ego pose is unreadable

    def __add__(self, other: RowCounts) -> RowCounts:
        return RowCounts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def rejected(self) -> int:
        """Agent rows that were refused, for whatever reason."""
        return self.not_finite + self.out_of_range + self.duplicate + self.without_ego


@dataclass(frozen=True, slots=True, eq=False)
class TelemetryColumns:
    """Rows ordered by frame: in each the ego first, then admitted agents in the dataset's order.

    Every number is finite and rounded to wire precision. Rows of the i-th frame are
    `row_offsets[i]` to `row_offsets[i + 1]`. A frame has no ego row where its pose is unreadable.
    """

    # per row
    frame_index: Int32s  # counted from the scene's first frame
    track_id: Int64s  # 0 for the ego
    is_ego: Bools
    x: Floats  # m, world frame
    y: Floats
    z: Floats
    lon: Floats  # degrees, WGS84
    lat: Floats
    vx: Floats  # m/s, world frame
    vy: Floats
    vz: Floats
    speed: Floats
    ax: Floats  # m/s2, world frame
    ay: Floats
    az: Floats
    accel: Floats
    yaw: Floats  # rad
    yaw_rate: Floats  # rad/s
    length: Floats  # m
    width: Floats
    height: Floats
    label_probability: Floats
    range_m: Floats  # to the ego, in the plane
    label: npt.NDArray[np.uint8]  # index into `contracts.vocabulary.Label`
    track_length: Int32s
    # per frame
    frames: Int32s
    event_time_ms: Int64s
    active_agent_count: Int32s  # admitted agents, ego excluded
    row_offsets: Int64s
    # of the whole block
    counts: RowCounts

    def __len__(self) -> int:
        return len(self.track_id)

    @classmethod
    def column_names(cls) -> tuple[str, ...]:
        """Names of the columns with one value per row."""
        return tuple(field.name for field in fields(cls) if field.name not in _NOT_PER_ROW)


_NOT_PER_ROW = frozenset({"frames", "event_time_ms", "active_agent_count", "row_offsets", "counts"})
