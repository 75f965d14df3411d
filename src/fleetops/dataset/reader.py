"""Reads an L5Kit dataset. Everything it hands out has been checked."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from fleetops.errors import DatasetError, UnknownSceneError

from .block import FrameBlock, Rows
from .chunks import ChunkCache, ChunkedRows
from .digest import dataset_digest
from .geo import GeoReference
from .geo_file import read_geo_reference
from .l5kit_format import ARRAYS, check_intervals
from .zarr_group import open_arrays

CACHE_BYTES = 128 << 20
"""Decompressed chunks kept in memory. A chunk of agents is 2.5 MB, a scene of L5Kit one or two of them."""

__all__ = ["CACHE_BYTES", "Dataset", "FrameBlock", "SceneRecord"]


@dataclass(frozen=True, slots=True)
class SceneRecord:
    """One scene: its number in the dataset, where its frames begin in `frames`, and who recorded it."""

    index: int
    first_frame: int
    frame_count: int
    host: str


class Dataset:
    """An L5Kit zarr, opened and validated.

    Opening checks the arrays, their fields and every scene's interval. Frames and agents may be many
    gigabytes, so their intervals and timestamps are checked where `block` reads them.
    """

    def __init__(self, path: Path, arrays: dict[str, ChunkedRows], geo: GeoReference) -> None:
        self.path, self.geo = path, geo
        self._frames, self._agents = arrays["frames"], arrays["agents"]
        scenes = arrays["scenes"].read(0, len(arrays["scenes"]))
        self._intervals = _intervals(scenes, "frame_index_interval")
        self._hosts = scenes["host"].astype(str)
        self._check_scenes()

    @classmethod
    def open(cls, path: Path, cache_bytes: int = CACHE_BYTES) -> Self:
        """Open the zarr at `path`, keeping at most `cache_bytes` of it in memory.

        Raises:
            DatasetError: it is missing, damaged or not of L5Kit's format; says what was expected.
        """
        cache = ChunkCache(cache_bytes)
        arrays = {name: ChunkedRows(name, array, cache) for name, array in open_arrays(path).items()}
        geo = read_geo_reference(path)
        try:
            return cls(path, arrays, geo)
        except DatasetError as error:
            raise DatasetError(f"{path}: {error}") from error

    @cached_property
    def digest(self) -> str:
        """`sha256:<hex>` of the content, equal for every copy; computed on first use."""
        return dataset_digest(self.path, tuple(ARRAYS))

    @property
    def scene_count(self) -> int:
        """Number of scenes."""
        return len(self._intervals)

    def scene(self, index: int) -> SceneRecord:
        """The scene with this number.

        Raises:
            UnknownSceneError: there is none.
        """
        if not 0 <= index < self.scene_count:
            raise UnknownSceneError(f"{self.path} has no scene {index}; it holds 0 to {self.scene_count - 1}")
        start, end = self._intervals[index].tolist()
        return SceneRecord(index, start, end - start, str(self._hosts[index]))

    def block(self, scene_index: int, start: int, end: int) -> FrameBlock:
        """Frames [start, end) of a scene, counted from its first, with their agents.

        Raises:
            UnknownSceneError: the scene does not hold these frames.
            DatasetError: what is stored for them contradicts itself, or cannot be read.
        """
        scene = self.scene(scene_index)
        if not 0 <= start <= end <= scene.frame_count:
            raise UnknownSceneError(
                f"scene {scene_index} of {self.path} has no frames [{start}, {end}); it holds [0, {scene.frame_count})"
            )
        first = scene.first_frame + start
        # One frame more at the front: time must advance from the frame before, too.
        before = min(start, 1)
        try:
            frames = self._frames.read(first - before, scene.first_frame + end)
            _check_time_advances(frames["timestamp"], scene_index, start - before)
            agents, offsets = self._agents_of(frames[before:])
        except DatasetError as error:
            raise DatasetError(f"{self.path}, scene {scene_index}, frames from {start}: {error}") from error
        return FrameBlock(scene_index, start, frames[before:], agents, offsets)

    def _agents_of(self, frames: Rows) -> tuple[Rows, npt.NDArray[np.int64]]:
        intervals = _intervals(frames, "agent_index_interval")
        check_intervals("frame", intervals, len(self._agents), "agents")
        offsets = np.concatenate(([0], np.cumsum(intervals[:, 1] - intervals[:, 0])))
        if not len(frames):
            return self._agents.read(0, 0), offsets
        low, high = int(intervals[0, 0]), int(intervals[-1, 1])
        agents = self._agents.read(low, high)
        if len(agents) == offsets[-1]:
            return agents, offsets
        # Rows between two frames' intervals belong to neither (a filtered dataset).
        pieces = [agents[start - low : end - low] for start, end in intervals.tolist()]
        return np.concatenate(pieces), offsets

    def _check_scenes(self) -> None:
        for name, count in (("scenes", self.scene_count), ("frames", len(self._frames))):
            if count == 0:
                raise DatasetError(f"array {name!r} is empty; expected at least one row")
        check_intervals("scene", self._intervals, len(self._frames), "frames")
        empty = self._intervals[:, 0] == self._intervals[:, 1]
        if empty.any():
            raise DatasetError(f"scene {int(empty.argmax())} has no frames; expected at least one in every scene")


def _intervals(rows: Rows, field: str) -> npt.NDArray[np.int64]:
    return np.asarray(rows[field], dtype=np.int64).reshape(-1, 2)


def _check_time_advances(timestamps: npt.NDArray[np.int64], scene_index: int, first: int) -> None:
    stalls = np.diff(timestamps.astype(np.int64)) <= 0
    if stalls.any():
        frame = first + int(stalls.argmax())
        raise DatasetError(
            f"time does not advance from frame {frame} to frame {frame + 1}; expected ascending frame timestamps, in ns"
        )
