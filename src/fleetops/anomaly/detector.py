"""The detector: one loop over records and markers, one evaluation of each vehicle in each frame.

Pure and compilable. `contracts.md`, "Frame markers" and "Restart", say what it promises: the
set of anomalies depends on the records alone, not on when they came (within two frames),
how often, on which batch boundaries, or how often the detector was killed and rebuilt.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .compiled import compiled
from .episodes import clear_all, step_episodes
from .membership import (
    drop_vehicles,
    end_life,
    frame_cell,
    join_scene,
    leave_scene,
    open_scene,
)
from .rules.registry import evaluate_rules
from .severity import N_TYPES, NONE
from .state import (
    ACCEPTED,
    AHEAD,
    DETECTIONS,
    DUPLICATE,
    FIRINGS,
    LATE,
    NOBODY,
    RECORD,
    SCENE_END,
    Output,
    State,
)
from .windows import LOOKAHEAD_FRAMES, NEVER, REORDER_FRAMES, Structured, Window, is_of, slot_of


class Plan(NamedTuple):
    """A rule set in the form the loop reads."""

    rules: tuple[Any, ...]  # NamedTuples of thresholds
    types: npt.NDArray[np.int8]  # anomaly type per rule
    scene_wide: npt.NDArray[np.bool_]  # per rule
    rearm_frames: int
    retire_frames: int
    settle_frames: int
    concurrent_is_critical: bool
    two_minor_are_warning: bool
    classes: npt.NDArray[np.bool_]  # per Label: whether such tracks are judged
    fired: npt.NDArray[np.int8]  # scratch, per rule
    by_type: npt.NDArray[np.int8]  # scratch, (2, types): with and without scene-wide rules


def advance(items: Structured, start: int, plan: Plan, state: State, out: Output) -> int:
    """Take in `items` from `start` on, evaluating each frame that is ready.

    Returns:
        Index of the item to go on with: `len(items)` when all are done, less when `out` ran
        full. Then drain it and call again; nothing is lost or told twice.
    """
    for index in range(start, len(items)):
        item = items[index]
        if item["kind"] == RECORD:
            out.verdicts[index] = _take_record(item, plan, state)
        else:
            _take_marker(item, plan, state)
            if not _evaluate_ready(item, plan, state, out):
                return index
    return len(items)


@compiled
def _take_record(item: Any, plan: Plan, state: State) -> int:
    """Put a sighting into its vehicle's ring, or say why not."""
    s, row, frame = item["scene"], item["row"], item["frame"]
    scene = state.scenes[s]
    if not scene["open"]:
        open_scene(s, frame, state)
    if scene["last_marker"] == NEVER and frame > scene["next_frame"] + LOOKAHEAD_FRAMES:
        # Nothing was evaluated: what came first was a straggler from long before.
        drop_vehicles(s, state)
        open_scene(s, frame, state)
    if frame < scene["next_frame"]:
        if not _begin_earlier(scene, frame):
            return _seen_or_late(scene, row, frame, state)
    elif scene["last_marker"] != NEVER and frame > scene["last_marker"] + 1 + LOOKAHEAD_FRAMES:
        return AHEAD
    vehicle = state.vehicles[row]
    slot = slot_of(state.rings, frame)
    if vehicle["scene"] == NOBODY:
        join_scene(s, row, state)
    elif state.rings[row, slot]["frame"] == frame:
        return DUPLICATE
    state.rings[row, slot] = item["sighting"]
    vehicle["newest"] = max(vehicle["newest"], frame)
    cell = frame_cell(s, item, state)
    cell["received"] += 1
    return ACCEPTED


@compiled
def _begin_earlier(scene: Any, frame: int) -> bool:
    """Let the scene begin at `frame`, unless one was evaluated, or what came first cannot have been that early."""
    if scene["evaluated"] or frame < scene["anchor"] - REORDER_FRAMES:
        return False
    scene["first_frame"] = scene["next_frame"] = scene["complete_below"] = frame
    return True


@compiled
def _seen_or_late(scene: Any, row: int, frame: int, state: State) -> int:
    """What a record is whose frame is past: known, or too late.

    A complete frame had all its records, and what lies before a re-read was dealt with before it.
    """
    if frame < scene["first_frame"]:
        return LATE if scene["emit_from"] == scene["first_frame"] else DUPLICATE
    if frame < scene["complete_below"]:
        return DUPLICATE
    joined = state.vehicles[row]["scene"] != NOBODY  # else its ring is another vehicle's, from before
    return DUPLICATE if joined and state.rings[row, slot_of(state.rings, frame)]["frame"] == frame else LATE


@compiled
def _take_marker(item: Any, plan: Plan, state: State) -> None:
    """Note what a marker says of its frame. Markers come from replay-service alone, so they outrank records."""
    s, frame = item["scene"], item["frame"]
    scene = state.scenes[s]
    if not scene["open"]:
        open_scene(s, frame, state)
    elif scene["last_marker"] == NEVER and abs(scene["next_frame"] - frame) > LOOKAHEAD_FRAMES:
        drop_vehicles(s, state)
        open_scene(s, frame, state)
    elif frame - scene["next_frame"] >= state.frames.shape[1]:
        # Further on than anything kept: a part of the stream is missing, so begin anew.
        drop_vehicles(s, state)
        open_scene(s, frame, state)
    if frame < scene["next_frame"] and not _begin_earlier(scene, frame):
        return
    cell = frame_cell(s, item, state)
    if cell["expected"] < 0 and item["expected"] >= 0:
        cell["expected"] = item["expected"]
        cell["active_agents"] = item["active_agents"]
        cell["event_time_ms"] = item["event_time_ms"]
    scene["last_marker"] = max(scene["last_marker"], frame)


@compiled
def _evaluate_ready(item: Any, plan: Plan, state: State, out: Output) -> bool:
    """Evaluate every frame that is complete or has waited long enough. False when `out` ran full."""
    s = item["scene"]
    scene = state.scenes[s]
    ending = item["kind"] == SCENE_END
    while scene["next_frame"] <= scene["last_marker"]:
        frame = scene["next_frame"]
        cell = state.frames[s, frame % state.frames.shape[1]]
        marked = cell["frame"] == frame and cell["expected"] >= 0
        complete = marked and cell["received"] >= cell["expected"]
        if not complete and not ending and frame + REORDER_FRAMES > scene["last_marker"]:
            break
        if not scene["evaluated"]:
            scene["evaluated"] = True
            began_here = frame == item["start_frame"] and complete
            # One frame may be cut by the offset we began at, two more may lack records that came early.
            settled = frame + plan.settle_frames + 1 + REORDER_FRAMES
            scene["emit_from"] = frame if began_here else settled
        if not complete and frame - REORDER_FRAMES <= item["start_frame"] < frame:
            # The offset we began at may have cut off a record of this frame that came early, before the first.
            scene["emit_from"] = max(scene["emit_from"], frame + plan.settle_frames + 1 + REORDER_FRAMES)
        if not marked:
            # No frame goes unmarked unless a part of the stream was missed: be silent until that is forgotten.
            scene["emit_from"] = max(scene["emit_from"], frame + 1 + plan.settle_frames)
        if not _evaluate_frame(s, frame, plan, state, out):
            return False
        if complete and scene["complete_below"] == frame:
            scene["complete_below"] = frame + 1
        scene["next_frame"] = frame + 1
    if ending:
        return _end_scene(s, plan, state, out)
    return True


@compiled
def _evaluate_frame(s: int, frame: int, plan: Plan, state: State, out: Output) -> bool:
    """Evaluate every vehicle of a scene in one frame. False when `out` ran full: go on at the cursor."""
    scene = state.scenes[s]
    row = scene["cursor"] if scene["cursor"] != NOBODY else scene["head"]
    while row != NOBODY:
        if _is_full(plan, state, out):
            scene["cursor"] = row
            return False
        following = state.vehicles[row]["next"]
        _evaluate_vehicle(s, row, frame, plan, state, out)
        row = following
    scene["cursor"] = NOBODY
    return True


@compiled
def _evaluate_vehicle(s: int, row: int, frame: int, plan: Plan, state: State, out: Output) -> None:
    """Evaluate one vehicle in one frame: seen, silent, or silent for so long that it is forgotten."""
    vehicle = state.vehicles[row]
    present = state.rings[row, slot_of(state.rings, frame)]["frame"] == frame
    if present:
        if vehicle["last_seen"] == NEVER:
            vehicle["born"] = frame
        vehicle["last_seen"] = frame
    elif vehicle["last_seen"] == NEVER:
        if vehicle["newest"] < frame:
            leave_scene(row, state)
        return
    silent = frame - vehicle["last_seen"]
    window = _window(s, row, frame, present, silent, state)
    if silent >= plan.retire_frames:
        clear_all(window, frame - plan.rearm_frames - 1, state, out)
        end_life(row, frame, state)
        return
    if vehicle["is_ego"] or is_of(window, plan.classes):
        evaluate_rules(window, plan.rules, plan.fired)
    else:
        plan.fired[:] = NONE
    anything = False
    for rule in range(len(plan.fired)):
        if plan.fired[rule] != NONE:
            anything = True
    if anything or frame <= vehicle["watch_until"]:
        if anything and len(out.firings) > 0:
            _trace(row, frame, plan, state, out)
        step_episodes(window, plan, state, out)


@compiled
def _window(s: int, row: int, frame: int, present: bool, silent_frames: int, state: State) -> Window:
    vehicle = state.vehicles[row]
    born, is_ego = vehicle["born"], vehicle["is_ego"]
    return Window(state.rings, row, state.frames, s, frame, born, present, silent_frames, is_ego)


@compiled
def _trace(row: int, frame: int, plan: Plan, state: State, out: Output) -> None:
    for rule in range(len(plan.fired)):
        if plan.fired[rule] != NONE:
            firing = out.firings[state.counts[FIRINGS]]
            firing["row"], firing["frame"], firing["rule"] = row, frame, rule
            firing["severity"] = plan.fired[rule]
            state.counts[FIRINGS] += 1


@compiled
def _end_scene(s: int, plan: Plan, state: State, out: Output) -> bool:
    """Clear what is still active and forget the scene. False when `out` ran full: call again."""
    scene = state.scenes[s]
    frame = scene["next_frame"] - 1
    while scene["head"] != NOBODY:
        if _is_full(plan, state, out):
            return False
        row = scene["head"]
        vehicle = state.vehicles[row]
        present = vehicle["last_seen"] == frame
        silent = frame - vehicle["last_seen"]
        clear_all(_window(s, row, frame, present, silent, state), frame - plan.rearm_frames, state, out)
        leave_scene(row, state)
    scene["open"] = False
    return True


@compiled
def _is_full(plan: Plan, state: State, out: Output) -> bool:
    """Whether one more vehicle might find no room for what it raises."""
    if state.counts[DETECTIONS] + N_TYPES > len(out.detections):
        return True
    return len(out.firings) > 0 and state.counts[FIRINGS] + len(plan.fired) > len(out.firings)
