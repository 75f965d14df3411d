"""A run of frames of one scene, as the dataset holds it. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.void]
"""Rows of an L5Kit array, with its fields."""


@dataclass(frozen=True, slots=True, eq=False)
class FrameBlock:
    """Frames [`start`, `start + len(frames)`) of a scene, counted from the scene's first, and their agents.

    Agents of the block's i-th frame are rows `agent_offsets[i]` to `agent_offsets[i + 1]`
    of `agents`. Rows may be views of a shared cache: they are read-only.
    """

    scene_index: int
    start: int
    frames: Rows
    agents: Rows
    agent_offsets: npt.NDArray[np.int64]

    @property
    def end(self) -> int:
        """The frame after the last, counted from the scene's first."""
        return self.start + len(self.frames)
