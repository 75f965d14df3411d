"""Telemetry columns made up for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.columns import Floats, RowCounts, TelemetryColumns
from fleetops.dataset.precision import DEGREE_DECIMALS, PROBABILITY_DECIMALS, RADIAN_DECIMALS, round_in_place

FRAME_MS = 100
START_MS = 1_571_846_863_319
_SIGNED = ("x", "y", "z", "vx", "vy", "vz", "ax", "ay", "az")
_POSITIVE = ("speed", "accel", "length", "width", "height", "range_m")


def columns_of(tracks: Sequence[Sequence[int]], first_frame: int = 0, seed: int = 1) -> TelemetryColumns:
    """Random telemetry, on the wire's grid: per frame the ego, then an agent of each of the frame's tracks."""
    rng = np.random.default_rng(seed)
    sizes = [len(frame) + 1 for frame in tracks]
    rows = sum(sizes)

    def numbers(low: float, high: float, decimals: int = 3) -> Floats:
        values: Floats = rng.uniform(low, high, rows) * rng.choice([0.0, 1e-3, 1.0], rows)
        round_in_place(values, decimals)
        return values

    frames = np.arange(first_frame, first_frame + len(tracks), dtype=np.int32)
    return TelemetryColumns(
        frame_index=np.repeat(frames, sizes),
        track_id=np.array([track for frame in tracks for track in (0, *frame)], np.int64),
        is_ego=np.array([place == 0 for size in sizes for place in range(size)], np.bool_),
        **{name: numbers(-1e4, 1e4) for name in _SIGNED},
        **{name: numbers(0, 1e3) for name in _POSITIVE},
        lon=numbers(-180, 180, DEGREE_DECIMALS),
        lat=numbers(-90, 90, DEGREE_DECIMALS),
        yaw=numbers(-np.pi, np.pi, RADIAN_DECIMALS),
        yaw_rate=numbers(-50, 50, RADIAN_DECIMALS),
        label_probability=numbers(0, 1, PROBABILITY_DECIMALS),
        label=rng.integers(0, len(Label), rows).astype(np.uint8),
        track_length=rng.integers(1, 100_000, rows).astype(np.int32),
        frames=frames,
        event_time_ms=START_MS + FRAME_MS * frames.astype(np.int64),
        active_agent_count=np.array([len(frame) for frame in tracks], np.int32),
        row_offsets=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        counts=RowCounts(),
    )
