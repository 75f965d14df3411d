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

FRAME = np.dtype(
    [
        ("frame", np.int32),
        ("expected", np.int32),  # records, by its marker; -1 before the marker came
        ("received", np.int32),  # distinct records
        ("active_agents", np.int32),  # admitted ones, -1 when unknown
        ("event_time_ms", np.int64),
        ("first_offset", np.int64),  # offset of the first thing seen of this frame
    ],
    align=True,
)
"""What is known of one frame of a scene."""

CLASS_FRAMES = 10
"""A track is still judged as what it was taken for within so many frames: a class that fades is a finding."""

SIGHTING = np.dtype(
    [
        ("frame", np.int32),
        ("label", np.int8),  # index into `contracts.vocabulary.Label`
        ("x", np.float64),  # m, world frame
        ("y", np.float64),  # m, world frame
        ("speed", np.float64),  # m/s
        ("acceleration", np.float64),  # m/s2, magnitude
        ("yaw", np.float64),  # rad
        ("label_probability", np.float64),
        ("vx", np.float32),  # m/s, world frame
        ("vy", np.float32),
        ("range_m", np.float32),  # to the ego of its scene
    ],
    align=True,
)
"""What is kept of one vehicle in one frame."""

Structured = npt.NDArray[np.void]


class Window(NamedTuple):
    """One vehicle's recent frames, as a rule sees them: its sightings, and what is known of its scene's frames."""

    rings: Structured  # (vehicles, slots) of SIGHTING
    row: int
    frames: Structured  # (scenes, slots) of FRAME
    scene: int
    frame: int  # the frame that is being evaluated
    born: int  # first frame of the vehicle's present life; what lies before is not its window
    present: bool  # whether it was seen in this frame
    silent_frames: int  # frames since it was last seen; 0 when present
    is_ego: bool


@compiled
def slot_of(rings: Structured, frame: int) -> int:
    """Where `frame` is kept."""
    return int(frame % rings.shape[1])


@compiled
def seen_in(w: Window, frame: int) -> bool:
    """Whether the vehicle was seen in `frame`, in its present life."""
    return bool(frame >= w.born and w.rings[w.row, slot_of(w.rings, frame)]["frame"] == frame)


@compiled
def sighting(w: Window, frame: int) -> Any:
    """The sighting in `frame`. Only valid when it was seen then."""
    return w.rings[w.row, slot_of(w.rings, frame)]


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


@compiled
def active_agents(w: Window, frame: int) -> int:
    """How many admitted agents the scene had in `frame`, -1 when nobody said."""
    if frame < 0:
        return -1
    cell = w.frames[w.scene, slot_of(w.frames, frame)]
    return int(cell["active_agents"]) if cell["frame"] == frame else -1


@compiled
def time_between_s(w: Window, earlier: int, later: int) -> float:
    """From one frame in which the vehicle was seen to another, s; by the frames' own times."""
    first, last = w.frames[w.scene, slot_of(w.frames, earlier)], w.frames[w.scene, slot_of(w.frames, later)]
    return float(last["event_time_ms"] - first["event_time_ms"]) / 1000.0


@compiled
def is_of(w: Window, classes: npt.NDArray[np.bool_]) -> bool:
    """Whether the vehicle was taken for one of `classes` when it was seen last, or within CLASS_FRAMES before."""
    last_seen = w.frame - w.silent_frames
    for frame in range(last_seen, last_seen - CLASS_FRAMES, -1):
        if seen_in(w, frame) and classes[sighting(w, frame)["label"]]:
            return True
    return False
