"""Where each row of a block's telemetry goes: by frame, the ego first, then agents in the dataset's order. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
import numpy.typing as npt

from .columns import Bools, Int32s, Int64s

_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Places of the ego's and the agents' rows among all rows of a block."""

    agents_at: Int64s  # in the order in which the agents' values are computed
    ego_at: Int64s
    offsets: Int64s  # where each frame's rows begin, and the end
    frame: Int32s  # of each row, counted from the block's first
    agents_per_frame: Int32s

    @classmethod
    def of(cls, frame_of: Int32s, chosen: npt.NDArray[np.intp], ego_seen: Bools) -> Self:
        """Lay out the rows `chosen`, in any order, of those whose frames are `frame_of`."""
        kept = np.zeros(len(frame_of), np.bool_)
        kept[chosen] = True
        place = np.cumsum(kept) - 1 + np.cumsum(ego_seen)[frame_of]
        agents = np.bincount(frame_of[chosen], minlength=len(ego_seen)).astype(np.int32)
        offsets = np.concatenate(([0], np.cumsum(agents + ego_seen))).astype(np.int64)
        frame = np.repeat(np.arange(len(ego_seen), dtype=np.int32), np.diff(offsets))
        return cls(place[chosen], offsets[:-1][ego_seen], offsets, frame, agents)

    def __len__(self) -> int:
        return len(self.frame)

    def spread(self, agents: npt.NDArray[_Value], ego: npt.NDArray[_Value] | int) -> npt.NDArray[_Value]:
        """One column over all rows, of the agents' type."""
        column = np.empty(len(self), agents.dtype)
        column[self.agents_at] = agents
        column[self.ego_at] = ego
        return column
