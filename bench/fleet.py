"""A made-up fleet on the bus: vehicles that drive straight on, a few of which brake hard."""

from __future__ import annotations

import numpy as np

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.columns import RowCounts, TelemetryColumns
from fleetops.dataset.precision import METRE_DECIMALS, round_in_place

_FRAME_S = 0.1
_START_MS = 1_571_846_863_319
_BRAKES_EVERY = 20  # one vehicle in so many
_BRAKING_MPS2 = 14.0  # far above what tyres give: the literal rules hardly see anything less


def straight_drive(vehicles: int, frames: int, seed: int = 1) -> TelemetryColumns:
    """`vehicles` agents and an ego over `frames` frames: constant speed, position noise of 3 cm.

    Every twentieth agent brakes hard at a moment of its own.
    """
    rng = np.random.default_rng(seed)
    count = vehicles + 1
    speed = np.tile(rng.uniform(5, 25, count), (frames, 1))
    for agent in range(1, count, _BRAKES_EVERY):
        begin = rng.integers(0, frames)
        lost = _BRAKING_MPS2 * _FRAME_S * np.arange(1, frames - begin + 1)
        speed[begin:, agent] = np.maximum(0.0, speed[begin:, agent] - lost)
    x = np.cumsum(speed, axis=0) * _FRAME_S + rng.normal(0, 0.03, speed.shape)
    y = np.tile(np.arange(count) * 4.0, (frames, 1))
    ax = np.diff(speed, axis=0, prepend=speed[:1]) / _FRAME_S
    flat = {name: values.ravel() for name, values in {"x": x, "y": y, "vx": speed, "ax": ax}.items()}
    for values in flat.values():
        round_in_place(values, METRE_DECIMALS)
    rows = frames * count
    zeros, ones = np.zeros(rows), np.ones(rows)
    label = np.full((frames, count), list(Label).index(Label.CAR), np.uint8)
    label[:, 0] = list(Label).index(Label.EGO)
    return TelemetryColumns(
        frame_index=np.repeat(np.arange(frames, dtype=np.int32), count),
        track_id=np.tile(np.arange(count, dtype=np.int64), frames),
        is_ego=np.tile(np.arange(count) == 0, frames),
        **flat,
        z=zeros,
        lon=zeros - 122.1619,
        lat=zeros + 37.439,
        vy=zeros,
        vz=zeros,
        speed=flat["vx"],
        ay=zeros,
        az=zeros,
        accel=np.abs(flat["ax"]),
        yaw=zeros,
        yaw_rate=zeros,
        length=ones * 4.6,
        width=ones * 1.9,
        height=ones * 1.6,
        label_probability=ones,
        range_m=np.tile(np.arange(count) * 4.0, frames),
        label=label.ravel(),
        track_length=np.repeat(np.arange(1, frames + 1, dtype=np.int32), count),
        frames=np.arange(frames, dtype=np.int32),
        event_time_ms=_START_MS + 100 * np.arange(frames, dtype=np.int64),
        active_agent_count=np.full(frames, vehicles, np.int32),
        row_offsets=np.arange(frames + 1, dtype=np.int64) * count,
        counts=RowCounts(),
    )
