"""A scene by its tracks, and where in it a fault can be told from what was there before. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from ..admission import LABEL_INDEX, VEHICLES
from ..angles import wrap_angle
from ..block import FrameBlock, Rows
from ..columns import Bools, Floats, Int32s
from ..tracks import by_track

Places = npt.NDArray[np.intp]
"""Indices of rows."""

NEAR_M: Final = 30.0
"""A target is no further from the ego: there a sensor sees whole vehicles, and one that vanishes did not drive away."""

_SURE: Final = 0.8  # of being a vehicle; real rows say exactly 1.0 in 99.8 %
_RESIDUAL_M: Final = 1.0  # against velocity x time; the real scene's cars: median 0.06, 99 % 1.74
_TURN_RAD: Final = 0.2  # a frame; a car at the limit of its steering turns by 0.1
_SLOWING_MPS: Final = 2.0  # in a second; L5Kit's and SUMO's drivers brake by less in ordinary traffic
_SLOWING_FRAMES: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Rows of one track, without a gap, from its first frame on."""

    track_id: int
    rows: Places
    first_frame: int

    @property
    def end_frame(self) -> int:
        """The frame after its last."""
        return self.first_frame + len(self.rows)

    def place(self, frame: int) -> int:
        """Which of its rows is that of `frame`."""
        return frame - self.first_frame


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """A whole scene and its tracks. Per-row arrays are in the order of `block.agents`.

    Attributes:
        tracks: those without gaps, by id.
        frame: counted from the scene's first.
        range_m: to the ego, in the plane.
        calm: whether the row is that of a vehicle that drives on as it did a second and a frame before.
    """

    block: FrameBlock
    tracks: tuple[Track, ...]
    frame: Int32s
    time_s: Floats  # per frame
    range_m: Floats
    calm: Bools

    @classmethod
    def of(cls, block: FrameBlock) -> Self:
        """Look through all of a scene.

        Raises:
            ValueError: the block is not a whole scene.
        """
        if block.start:
            raise ValueError(f"expected a scene from its first frame on, not from frame {block.start}")
        agents = block.agents
        frame = np.repeat(np.arange(len(block.frames), dtype=np.int32), np.diff(block.agent_offsets))
        time_s = block.frames["timestamp"].astype(np.int64) / 1e9
        ego = np.asarray(block.frames["ego_translation"], np.float64)[frame, :2]
        range_m = np.hypot(*(np.asarray(agents["centroid"], np.float64) - ego).T)
        order = by_track(agents["track_id"].astype(np.int64))
        calm = np.zeros(len(agents), np.bool_)
        calm[order] = _calm(agents[order], frame[order], time_s[frame[order]])
        return cls(block, tuple(_tracks(agents, frame, order)), frame, time_s, range_m, calm)


def _tracks(agents: Rows, frame: Int32s, order: Places) -> Iterator[Track]:
    ids = agents["track_id"][order]
    for rows in np.split(order, np.flatnonzero(np.diff(ids)) + 1):
        if len(rows) and frame[rows[-1]] - frame[rows[0]] + 1 == len(rows):
            yield Track(int(agents["track_id"][rows[0]]), rows, int(frame[rows[0]]))


def _calm(agents: Rows, frame: Int32s, time_s: Floats) -> Bools:
    """Of rows in the order of their tracks."""
    probabilities = agents["label_probabilities"]
    label = probabilities.argmax(axis=1)
    wanted = np.isin(label, [LABEL_INDEX[name] for name in VEHICLES])
    calm: Bools = wanted & (probabilities[np.arange(len(label)), label] >= _SURE)

    velocity = np.asarray(agents["velocity"], np.float64)
    speed = np.hypot(*velocity.T)
    step = np.diff(np.asarray(agents["centroid"], np.float64), axis=0)
    expected = (velocity[1:] + velocity[:-1]) / 2 * np.diff(time_s)[:, np.newaxis]
    turn = np.abs(wrap_angle(np.diff(agents["yaw"].astype(np.float64))))
    calm &= _since(agents, frame, 1)
    calm[1:] &= (np.hypot(*(step - expected).T) < _RESIDUAL_M) & (turn < _TURN_RAD)
    slowing = np.zeros(len(calm), np.bool_)
    slowing[_SLOWING_FRAMES:] = speed[:-_SLOWING_FRAMES] - speed[_SLOWING_FRAMES:] > _SLOWING_MPS
    return calm & ~(slowing & _since(agents, frame, _SLOWING_FRAMES))


def _since(agents: Rows, frame: Int32s, frames: int) -> Bools:
    """Whether the row so many rows before is of the same track, so many frames before."""
    same = np.zeros(len(frame), np.bool_)
    ids = agents["track_id"]
    same[frames:] = (ids[frames:] == ids[:-frames]) & (frame[frames:] - frame[:-frames] == frames)
    return same
