"""The frames of one scene, normalised and laid out for writing before they are due."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np

from fleetops.dataset.columns import Floats, TelemetryColumns
from fleetops.dataset.normalize import Carry, normalize

from .catalog import Catalog
from .encode import EncodableBlock, SceneEncoder
from .timeline import SceneSpan

_ROWS_PER_BLOCK = 8_192
"""About 2 MB. Two blocks per scene are in memory: the one being sent and the one after it."""

_FIRST_FRAMES = 8
"""Frames of the first block, when nothing is known of their size yet. Small: a session begins with it."""

_FRAMES_AT_MOST = 256


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A block ready to be written, and where the ego was last seen in each of its frames."""

    block: EncodableBlock
    ego: Floats  # (frames, 2)


class SceneFrames:
    """Reads ahead, block by block. For one thread; the reading itself happens in `reader`, one job at a time.

    Normalization always begins at the scene's own first frame, so that a frame has the same
    telemetry wherever a session begins or goes on: acceleration and track length look back.
    """

    def __init__(self, catalog: Catalog, span: SceneSpan, first: int, encoder: SceneEncoder, reader: Executor) -> None:
        self._catalog, self._span, self._encoder, self._reader = catalog, span, encoder, reader
        self._first = first
        scene = catalog.scene(span.scene_id)
        self._read_to = scene.start_frame
        self._frames_per_block = _FIRST_FRAMES
        self._carry: Carry | None = None
        self._ego_before = np.full(2, np.nan)
        self._now: _Read | None = None
        self._next: Future[_Read] = reader.submit(self._load)

    def block_of(self, frame_index: int) -> EncodableBlock:
        """The block with this frame; frames are asked for in ascending order.

        Raises:
            DatasetError: the dataset cannot be read, or what it holds contradicts itself.
        """
        return self._read(frame_index).block

    def ego_at(self, frame_index: int) -> tuple[float, float]:
        """Where the recording has the ego in this frame, or had it last; likewise.

        Raises:
            DatasetError: the dataset cannot be read, or what it holds contradicts itself.
        """
        read = self._read(frame_index)
        x, y = read.ego[frame_index - read.block.first_frame].tolist()
        return x, y

    def close(self) -> None:
        """Read no further."""
        self._next.cancel()

    def _read(self, frame_index: int) -> _Read:
        while self._now is None or frame_index >= self._now.block.end_frame:
            self._now = self._next.result()
            if self._now.block.end_frame < self._span.end_frame:
                self._next = self._reader.submit(self._load)
        return self._now

    def _load(self) -> _Read:
        while True:
            start, end = self._read_to, min(self._read_to + self._frames_per_block, self._span.end_frame)
            block = self._catalog.dataset.block(self._span.zarr_scene_index, start, end)
            columns, self._carry = normalize(block, self._carry, self._catalog.admission, self._catalog.dataset.geo)
            self._read_to = end
            rows_per_frame = len(columns) / (end - start)
            self._frames_per_block = max(1, min(_FRAMES_AT_MOST, int(_ROWS_PER_BLOCK / max(1.0, rows_per_frame))))
            ego = _ego_places(columns, self._ego_before)
            self._ego_before = ego[-1]
            if end > self._first:
                return _Read(self._encoder.lay_out(columns), ego)


def _ego_places(columns: TelemetryColumns, before: Floats) -> Floats:
    """Per frame, where the ego was last seen."""
    rows = np.flatnonzero(columns.is_ego)
    places = np.vstack((before, np.column_stack((columns.x[rows], columns.y[rows]))))
    seen_at = columns.frame_index[rows] - columns.frames[0]
    newest: Floats = places[np.searchsorted(seen_at, np.arange(len(columns.frames)), side="right")]
    return newest
