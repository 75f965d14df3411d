"""Which vehicles a scene has, and what is known of its frames: the lists and cells of the state.

A scene's vehicles are a linked list through their rows, so that joining and leaving cost
the same whatever the fleet's size.
"""

from __future__ import annotations

from typing import Any

from .compiled import compiled
from .severity import N_TYPES
from .state import NOBODY, RELEASED, State
from .windows import NEVER


@compiled
def frame_cell(s: int, item: Any, state: State) -> Any:
    """What is known of the item's frame, made anew when nothing is."""
    frame = item["frame"]
    cell = state.frames[s, frame % state.frames.shape[1]]
    if cell["frame"] != frame:
        cell["frame"] = frame
        cell["expected"] = -1
        cell["received"] = 0
        cell["active_agents"] = -1
        cell["event_time_ms"] = item["event_time_ms"]
        cell["first_offset"] = item["offset"]
    return cell


@compiled
def open_scene(s: int, frame: int, state: State) -> None:
    """Begin a scene with `frame` as the first thing seen of it; it has no vehicles yet."""
    scene = state.scenes[s]
    scene["open"] = True
    scene["evaluated"] = False
    scene["anchor"] = scene["first_frame"] = scene["next_frame"] = scene["complete_below"] = frame
    scene["last_marker"] = NEVER
    scene["emit_from"] = NEVER
    scene["head"] = scene["cursor"] = NOBODY
    for slot in range(state.frames.shape[1]):
        state.frames[s, slot]["frame"] = NEVER


@compiled
def join_scene(s: int, row: int, state: State) -> None:
    """Make a row the newest vehicle of a scene, with an empty ring and no past."""
    scene, vehicle = state.scenes[s], state.vehicles[row]
    vehicle["scene"] = s
    vehicle["previous"], vehicle["next"] = NOBODY, scene["head"]
    if scene["head"] != NOBODY:
        state.vehicles[scene["head"]]["previous"] = row
    scene["head"] = row
    vehicle["newest"] = NEVER
    _forget_episodes(row, state)
    for slot in range(state.rings.shape[1]):
        state.rings[row, slot]["frame"] = NEVER


@compiled
def end_life(row: int, frame: int, state: State) -> None:
    """Forget a vehicle; when newer sightings of it already wait, it stays for its next life."""
    if state.vehicles[row]["newest"] <= frame:
        leave_scene(row, state)
    else:
        _forget_episodes(row, state)


@compiled
def _forget_episodes(row: int, state: State) -> None:
    vehicle = state.vehicles[row]
    vehicle["last_seen"] = vehicle["born"] = vehicle["watch_until"] = NEVER
    for kind in range(N_TYPES):
        for level in range(3):
            state.fired_at[row, kind, level] = NEVER


@compiled
def leave_scene(row: int, state: State) -> None:
    """Take a row out of its scene, and offer it to whoever needs one."""
    vehicle = state.vehicles[row]
    if vehicle["previous"] != NOBODY:
        state.vehicles[vehicle["previous"]]["next"] = vehicle["next"]
    else:
        state.scenes[vehicle["scene"]]["head"] = vehicle["next"]
    if vehicle["next"] != NOBODY:
        state.vehicles[vehicle["next"]]["previous"] = vehicle["previous"]
    vehicle["scene"] = NOBODY
    if not vehicle["released"]:
        vehicle["released"] = True
        state.released[state.counts[RELEASED]] = row
        state.counts[RELEASED] += 1


@compiled
def drop_vehicles(s: int, state: State) -> None:
    """Take all vehicles out of a scene, without a word."""
    while state.scenes[s]["head"] != NOBODY:
        leave_scene(state.scenes[s]["head"], state)
