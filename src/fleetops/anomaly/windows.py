"""What the engine remembers: ring buffers of the last frames of each vehicle.

Arrays and nothing else, so that one compiled loop can walk them. A row is a vehicle, a slot
is a frame (`frame % slots`); a slot is valid only when it carries the frame one looks for.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .compiled import compiled

NEVER = -(2**30)
"""A frame before every frame; far from the end of int32, so that differences don't overflow."""

REORDER_FRAMES = 2
"""A record may come this many frames late and changes nothing in the result."""

LOOKAHEAD_FRAMES = 2 * REORDER_FRAMES
"""How far past the last evaluated frame records may lie: a frame waits for two more, and their records may be early."""

SIGHTING = np.dtype(
    [
        ("frame", np.int32),
        ("x", np.float64),  # m, world frame
        ("y", np.float64),  # m, world frame
        ("speed", np.float64),  # m/s
        ("acceleration", np.float64),  # m/s2, magnitude
        ("yaw", np.float64),  # rad
        ("label_probability", np.float64),
    ],
    align=True,
)
"""What is kept of one vehicle in one frame."""

Structured = npt.NDArray[np.void]


class Window(NamedTuple):
    """One vehicle's recent frames, as a rule sees them. `rings` has shape (vehicles, slots) of SIGHTING."""

    rings: Structured
    row: int
    frame: int  # the frame that is being evaluated
    born: int  # first frame of the vehicle's present life; what lies before is not its window
    present: bool  # whether it was seen in this frame
    silent_frames: int  # frames since it was last seen; 0 when present
    is_ego: bool
    active_agents: int  # admitted agents in this frame, -1 when nobody said
    active_agents_before: int  # the same one frame before, -1 when nobody said


@compiled
def slot_of(rings: Structured, frame: int) -> int:
    """Where `frame` is kept."""
    return int(frame % rings.shape[1])


@compiled
def seen_in(w: Window, frame: int) -> bool:
    """Whether the vehicle was seen in `frame`, in its present life."""
    return bool(frame >= w.born and w.rings[w.row, slot_of(w.rings, frame)]["frame"] == frame)


@compiled
def now(w: Window) -> Any:
    """The sighting in the frame that is being evaluated. Only valid when `present`."""
    return w.rings[w.row, slot_of(w.rings, w.frame)]


@compiled
def oldest(w: Window, frames: int) -> Any:
    """The oldest sighting among the last `frames` frames, this one included. Only valid when `present`."""
    for frame in range(w.frame - frames + 1, w.frame):
        if seen_in(w, frame):
            return w.rings[w.row, slot_of(w.rings, frame)]
    return w.rings[w.row, slot_of(w.rings, w.frame)]
