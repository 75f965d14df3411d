"""Writes an L5Kit zarr scene by scene: memory is bounded by a scene, however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numcodecs
import numpy as np
import zarr

from fleetops.dataset.block import Rows
from fleetops.dataset.l5kit_format import LABELS
from fleetops.errors import DatasetError

from .rows import AGENT_DTYPE, FACE_DTYPE, FRAME_DTYPE, SCENE_DTYPE, SceneRows

_LAYOUT = {
    "scenes": (SCENE_DTYPE, 10_000),
    "frames": (FRAME_DTYPE, 10_000),
    "agents": (AGENT_DTYPE, 20_000),
    "traffic_light_faces": (FACE_DTYPE, 10_000),
}
"""Chunks as in L5Kit's own datasets."""

FAST = numcodecs.Blosc("lz4", 5, numcodecs.Blosc.SHUFFLE)
SMALL = numcodecs.Blosc("zstd", 9, numcodecs.Blosc.SHUFFLE)

_FORMAT_VERSION = 2


class DatasetWriter:
    """Appends scenes. Rows wait until they fill a chunk, so that none is compressed twice."""

    def __init__(self, path: Path, compressor: numcodecs.Blosc, attributes: dict[str, object]) -> None:
        if path.exists():
            raise DatasetError(f"{path} is there already; give a folder that is not, or remove it")
        group = zarr.open_group(str(path), mode="w")
        names = [_published(label) for label in LABELS]
        group.attrs.put({"format_version": _FORMAT_VERSION, "labels": names, **attributes})
        self._arrays = {
            name: group.create_dataset(name, shape=(0,), dtype=dtype, chunks=(chunk,), compressor=compressor)
            for name, (dtype, chunk) in _LAYOUT.items()
        }
        self._waiting: dict[str, list[Rows]] = {name: [] for name in _LAYOUT}
        self.counts = dict.fromkeys(_LAYOUT, 0)

    def append(self, scene: SceneRows) -> None:
        """Write a scene behind those before it."""
        frames = scene.frames.copy()
        frames["agent_index_interval"] += self.counts["agents"]
        frames["traffic_light_faces_index_interval"] += self.counts["traffic_light_faces"]
        first = self.counts["frames"]
        row = np.zeros(1, SCENE_DTYPE)
        row[0] = ((first, first + len(frames)), scene.host, frames["timestamp"][0], frames["timestamp"][-1])
        for name, rows in (
            ("scenes", row),
            ("frames", frames),
            ("agents", scene.agents),
            ("traffic_light_faces", scene.faces),
        ):
            self.counts[name] += len(rows)
            self._waiting[name].append(rows)
            self._flush(name, whole_chunks=True)

    def close(self) -> None:
        """Write what still waits."""
        for name in _LAYOUT:
            self._flush(name, whole_chunks=False)

    def _flush(self, name: str, *, whole_chunks: bool) -> None:
        chunk = _LAYOUT[name][1]
        waiting = sum(map(len, self._waiting[name]))
        ready = waiting - waiting % chunk if whole_chunks else waiting
        if ready == 0:
            return
        rows = np.concatenate(self._waiting[name])
        self._arrays[name].append(rows[:ready])
        self._waiting[name] = [rows[ready:]] if ready < waiting else []


def _published(label: str) -> str:
    owner, _, rest = label.partition("_") if label.startswith("AVRESEARCH_") else ("PERCEPTION", "", label)
    return f"{owner}_LABEL_{rest}"


@contextmanager
def written(path: Path, compressor: numcodecs.Blosc, attributes: dict[str, object]) -> Iterator[DatasetWriter]:
    """A writer, closed at the end. Blosc runs in one thread: with several, equal rows become different bytes.

    Raises:
        DatasetError: something is there already.
    """
    threads = numcodecs.blosc.use_threads
    numcodecs.blosc.use_threads = False
    try:
        writer = DatasetWriter(path, compressor, attributes)
        yield writer
        writer.close()
    finally:
        numcodecs.blosc.use_threads = threads
