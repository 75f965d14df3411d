"""The detector's memory, as arrays: vehicles, scenes, and the frames of each scene."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from .severity import N_TYPES
from .windows import FRAME, LOOKAHEAD_FRAMES, NEVER, SIGHTING, Structured

_FRAME_MARGIN: Final = 2 * LOOKAHEAD_FRAMES
"""Frames kept beyond the history: those that wait, and those that may come early."""

NOBODY: Final = -1
"""No row: the end of a list, or a vehicle that belongs to no scene."""

VEHICLE = np.dtype(
    [
        ("scene", np.int32),  # NOBODY while the row is free
        ("next", np.int32),  # neighbours in the list of the scene's vehicles
        ("previous", np.int32),
        ("last_seen", np.int32),  # last evaluated frame it was seen in; NEVER before its life begins
        ("born", np.int32),  # first frame of its present life
        ("newest", np.int32),  # newest frame in its ring, evaluated or not
        ("watch_until", np.int32),  # until this frame a condition may still be cleared
        ("is_ego", np.bool_),
        ("released", np.bool_),  # already on the list of released rows
    ],
    align=True,
)

SCENE = np.dtype(
    [
        ("open", np.bool_),
        ("evaluated", np.bool_),  # whether any frame of it was evaluated yet
        ("anchor", np.int32),  # frame of the first item seen
        ("first_frame", np.int32),  # first frame seen: the anchor, or up to two before
        ("next_frame", np.int32),  # the frame to evaluate next
        ("last_marker", np.int32),  # newest frame marker seen; NEVER before the first
        ("emit_from", np.int32),  # what is found before this frame was told before the restart
        ("complete_below", np.int32),  # every frame from the first to here had all its records
        ("head", np.int32),  # first of its vehicles
        ("cursor", np.int32),  # vehicle to go on with, when output ran full inside a frame
    ],
    align=True,
)

ITEM = np.dtype(
    [
        ("kind", np.int8),
        ("scene", np.int32),
        ("row", np.int32),  # records only
        ("frame", np.int32),
        ("offset", np.int64),
        ("event_time_ms", np.int64),
        ("sighting", SIGHTING),  # records only
        ("expected", np.int32),  # markers only, as the next two
        ("active_agents", np.int32),
        ("start_frame", np.int32),
    ],
    align=True,
)
"""What is fed in, in the order it was read."""

RECORD: Final = 0
FRAME_END: Final = 1
SCENE_END: Final = 2

ACCEPTED: Final = 0
DUPLICATE: Final = 1  # its frame was seen of this vehicle, or was complete
LATE: Final = 2  # its frame was evaluated without it
AHEAD: Final = 3  # no frame this far on can have begun

DETECTION = np.dtype(
    [
        ("row", np.int32),
        ("scene", np.int32),
        ("frame", np.int32),
        ("anomaly_type", np.int8),
        ("cleared", np.bool_),
        ("severity", np.int8),
        ("rule", np.int8),  # index in the rule set
        ("present", np.bool_),
        ("last_seen", np.int32),
        ("born", np.int32),
        ("event_time_ms", np.int64),
        ("fired_bits", np.int64),  # bit n set = its type fired n frames ago
    ],
    align=True,
)

FIRED_BITS: Final = 32
"""Frames for which it is remembered whether a type fired."""

FIRING = np.dtype([("row", np.int32), ("frame", np.int32), ("rule", np.int8), ("severity", np.int8)], align=True)
"""One rule that held on one vehicle in one frame: what episodes are made of. Kept only when asked for."""


class State(NamedTuple):
    """All that the detector remembers of one partition.

    Shapes: V rows of vehicles, S scenes, N ring slots, H frames of history.
    """

    rings: Structured  # (V, N) of SIGHTING
    vehicles: Structured  # (V,) of VEHICLE
    fired_at: npt.NDArray[np.int32]  # (V, types, 3): last frame that fired at INFO, WARNING, CRITICAL or above
    fired_rule: npt.NDArray[np.int8]  # (V, types): the rule that fired last
    fired_bits: npt.NDArray[np.int64]  # (V, types): bit n set = it fired n frames before it fired last
    scenes: Structured  # (S,) of SCENE
    frames: Structured  # (S, H) of FRAME
    released: npt.NDArray[np.int32]  # (V,): rows whose vehicle was forgotten
    counts: npt.NDArray[np.int64]  # (3,): used entries of `released`, `detections`, `firings`


RELEASED: Final = 0
DETECTIONS: Final = 1
FIRINGS: Final = 2


class Output(NamedTuple):
    """Where the detector writes what it found; drained and used again."""

    detections: Structured  # (K,) of DETECTION
    windows: Structured  # (K, N) of SIGHTING: the vehicle's ring at that moment
    frames: Structured  # (K, N) of FRAME: its scene's last frames at that moment
    firings: Structured  # (M,) of FIRING; M = 0 when nobody asked
    verdicts: npt.NDArray[np.int8]  # per item: ACCEPTED, DUPLICATE, LATE or AHEAD


def new_state(vehicles: int, scenes: int, ring_frames: int, history_frames: int) -> State:
    """Empty memory for as many vehicles and scenes; both can grow."""
    state = State(
        rings=np.zeros((vehicles, ring_frames + LOOKAHEAD_FRAMES), SIGHTING),
        vehicles=np.zeros(vehicles, VEHICLE),
        fired_at=np.full((vehicles, N_TYPES, 3), NEVER, np.int32),
        fired_rule=np.zeros((vehicles, N_TYPES), np.int8),
        fired_bits=np.zeros((vehicles, N_TYPES), np.int64),
        scenes=np.zeros(scenes, SCENE),
        frames=np.zeros((scenes, history_frames + _FRAME_MARGIN), FRAME),
        released=np.zeros(vehicles, np.int32),
        counts=np.zeros(3, np.int64),
    )
    state.vehicles["scene"] = NOBODY
    return state


def grown(state: State, vehicles: int, scenes: int) -> State:
    """The same memory with room for more; existing rows keep their places."""
    bigger = new_state(vehicles, scenes, state.rings.shape[1] - LOOKAHEAD_FRAMES, state.frames.shape[1] - _FRAME_MARGIN)
    for name in State._fields:
        old = getattr(state, name)
        getattr(bigger, name)[: len(old)] = old
    return bigger


def new_output(ring_slots: int, capacity: int, firings: int) -> Output:
    """Room for `capacity` detections, and `firings` firings (0: not kept)."""
    return Output(
        detections=np.zeros(capacity, DETECTION),
        windows=np.zeros((capacity, ring_slots), SIGHTING),
        frames=np.zeros((capacity, ring_slots), FRAME),
        firings=np.zeros(firings, FIRING),
        verdicts=np.zeros(0, np.int8),
    )
