"""What the recording has of one vehicle in the frames to come: read beside the frames that are due, in small pieces."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import replace

import numpy as np

from fleetops.dataset.block import FrameBlock
from fleetops.dataset.columns import Floats, Int32s
from fleetops.dataset.precision import LARGEST, to_event_time_ms
from fleetops.dataset.reader import Dataset

from .course import Recorded

_ROWS_PER_PIECE = 100_000
"""A few milliseconds: frames that are due wait for the same reader."""

_FIRST_FRAMES = 8


def look_ahead(
    dataset: Dataset, scene_index: int, track_id: int | None, first: int, end: int, reader: Executor
) -> Future[Recorded]:
    """Read where a track (None: the ego) is in frames [first, end) of a scene, as `reader` finds the time.

    The result raises DatasetError where the dataset cannot be read.
    """
    result: Future[Recorded] = Future()
    pieces: list[Recorded] = []

    def read(start: int, frames: int) -> None:
        if result.cancelled():
            return
        try:
            block = dataset.block(scene_index, start, min(end, start + frames))
            pieces.append(_ego(block) if track_id is None else _track(block, track_id))
            if block.end < end:
                rows_per_frame = max(1, len(block.agents) // len(block.frames))
                reader.submit(read, block.end, max(1, _ROWS_PER_PIECE // rows_per_frame))
            else:
                whole = _joined(pieces)
                result.set_result(whole if track_id is not None else _with_velocity(whole))
        except BaseException as error:  # noqa: BLE001 - whoever waits for the result must hear of it
            result.set_exception(error)

    try:
        reader.submit(read, first, _FIRST_FRAMES)
    except RuntimeError:  # the process is ending
        result.cancel()
    return result


def _track(block: FrameBlock, track_id: int) -> Recorded:
    rows = np.flatnonzero(block.agents["track_id"] == track_id)
    frame = (np.searchsorted(block.agent_offsets, rows, side="right") - 1).astype(np.int32)
    once = np.concatenate(([True], np.diff(frame) > 0)) if len(frame) else np.ones(0, np.bool_)
    agents = block.agents[rows[once]]
    x, y = (agents["centroid"][:, axis].astype(np.float64) for axis in range(2))
    vx, vy = (agents["velocity"][:, axis].astype(np.float64) for axis in range(2))
    return _readable(block, frame[once], x, y, np.zeros(len(x)), vx, vy, agents["yaw"].astype(np.float64))


def _ego(block: FrameBlock) -> Recorded:
    x, y, z = np.asarray(block.frames["ego_translation"], np.float64).T
    rotation = np.asarray(block.frames["ego_rotation"], np.float64)
    yaw = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
    frame = np.arange(len(x), dtype=np.int32)
    # Its velocity is made of its places, once all are known.
    return _readable(block, frame, x, y, z, np.zeros(len(x)), np.zeros(len(x)), yaw)


def _readable(
    block: FrameBlock, frame: Int32s, x: Floats, y: Floats, z: Floats, vx: Floats, vy: Floats, yaw: Floats
) -> Recorded:
    largest = np.abs(x)
    for values in (y, z, vx, vy, yaw):
        largest = np.maximum(largest, np.abs(values))
    ok = largest <= LARGEST  # NaN is not
    return Recorded(
        first_frame=block.start,
        event_time_ms=to_event_time_ms(block.frames["timestamp"].astype(np.int64)),
        ego_x=np.asarray(block.frames["ego_translation"][:, 0], np.float64),
        ego_y=np.asarray(block.frames["ego_translation"][:, 1], np.float64),
        frame=(frame + np.int32(block.start))[ok],
        **{name: values[ok] for name, values in (("x", x), ("y", y), ("z", z), ("vx", vx), ("vy", vy), ("yaw", yaw))},
    )


def _joined(pieces: list[Recorded]) -> Recorded:
    return Recorded(
        first_frame=pieces[0].first_frame,
        event_time_ms=np.concatenate([piece.event_time_ms for piece in pieces]),
        frame=np.concatenate([piece.frame for piece in pieces]),
        **{
            name: np.concatenate([getattr(piece, name) for piece in pieces])
            for name in ("ego_x", "ego_y", "x", "y", "z", "vx", "vy", "yaw")
        },
    )


def _with_velocity(ego: Recorded) -> Recorded:
    """The ego, of which the dataset holds places only, with the velocity between them."""
    if len(ego.frame) < 2:
        return ego
    dt_s = np.diff(ego.event_time_ms[ego.frame - ego.first_frame]) / 1000.0
    vx, vy = (np.diff(values) / dt_s for values in (ego.x, ego.y))
    return replace(ego, vx=np.append(vx[:1], vx), vy=np.append(vy[:1], vy))
