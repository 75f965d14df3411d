"""Episodes: a condition that holds for many frames is one event with a beginning and an end.

`ACTIVE` when a type fires and fired in none of the R frames before, or fires harder than in
all of them; `CLEARED` when it last fired R + 1 frames ago. So what is emitted at a frame
depends on a bounded past, and can be rebuilt by reading that past again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .compiled import compiled
from .severity import INFO, N_TYPES, NONE, WARNING, escalate_concurrent
from .state import DETECTIONS, FIRED_BITS, Output, State
from .windows import Window

if TYPE_CHECKING:
    from .detector import Plan


@compiled
def step_episodes(w: Window, plan: Plan, state: State, out: Output) -> None:
    """From what fires in this frame (`plan.fired`) to what is told of this vehicle."""
    by_type, own = plan.by_type[0], plan.by_type[1]
    by_type[:] = NONE
    own[:] = NONE
    for rule in range(len(plan.fired)):
        fired, kind = plan.fired[rule], plan.types[rule]
        by_type[kind] = max(by_type[kind], fired)
        if not plan.scene_wide[rule]:
            if plan.two_minor_are_warning and fired == INFO and own[kind] != NONE:
                own[kind] = max(own[kind], WARNING)  # two conditions at once are no minor glitch
                by_type[kind] = max(by_type[kind], WARNING)
            own[kind] = max(own[kind], fired)
    if plan.concurrent_is_critical:
        escalate_concurrent(by_type, own)
    for kind in range(N_TYPES):
        if by_type[kind] != NONE:
            _fire(w, kind, by_type[kind], plan, state, out)
        elif state.fired_at[w.row, kind, 0] == w.frame - plan.rearm_frames - 1:
            _tell(w, kind, True, _last_severity(w.row, kind, state), state, out)


@compiled
def _fire(w: Window, kind: int, severity: int, plan: Plan, state: State, out: Output) -> None:
    """Note that `kind` fires; tell it at the rising edge, and when it is worse than in the last R frames."""
    rising = state.fired_at[w.row, kind, severity - 1] < w.frame - plan.rearm_frames
    state.fired_bits[w.row, kind] = _bits_at(w, kind, state) | 1
    for level in range(severity):
        state.fired_at[w.row, kind, level] = w.frame
    for rule in range(len(plan.fired) - 1, -1, -1):
        if plan.fired[rule] != NONE and plan.types[rule] == kind:
            state.fired_rule[w.row, kind] = rule
    state.vehicles[w.row]["watch_until"] = w.frame + plan.rearm_frames + 1
    if rising:
        _tell(w, kind, False, severity, state, out)


@compiled
def clear_all(w: Window, since: int, state: State, out: Output) -> None:
    """End every condition that fired at or after frame `since`: the vehicle or its scene is gone."""
    for kind in range(N_TYPES):
        if state.fired_at[w.row, kind, 0] >= since:
            _tell(w, kind, True, _last_severity(w.row, kind, state), state, out)


@compiled
def _bits_at(w: Window, kind: int, state: State) -> int:
    """In which of the last frames `kind` fired, seen from this one: bit n is n frames ago."""
    ago = w.frame - state.fired_at[w.row, kind, 0]
    if ago >= FIRED_BITS:
        return 0
    return int((state.fired_bits[w.row, kind] << ago) & ((1 << FIRED_BITS) - 1))


@compiled
def _last_severity(row: int, kind: int, state: State) -> int:
    """Severity of the last frame that fired: the highest level reached in it."""
    severity = 1
    for level in range(1, 3):
        if state.fired_at[row, kind, level] == state.fired_at[row, kind, 0]:
            severity = level + 1
    return severity


@compiled
def _tell(w: Window, kind: int, cleared: bool, severity: int, state: State, out: Output) -> None:
    """Write a detection, unless it was told before the restart."""
    vehicle = state.vehicles[w.row]
    s = vehicle["scene"]
    if w.frame < state.scenes[s]["emit_from"]:
        return
    index = state.counts[DETECTIONS]
    state.counts[DETECTIONS] += 1
    found = out.detections[index]
    found["row"], found["scene"], found["frame"] = w.row, s, w.frame
    found["anomaly_type"], found["cleared"], found["severity"] = kind, cleared, severity
    found["rule"] = state.fired_rule[w.row, kind]
    found["present"], found["last_seen"], found["born"] = w.present, vehicle["last_seen"], w.born
    found["fired_bits"] = _bits_at(w, kind, state)
    cell = state.frames[s, w.frame % state.frames.shape[1]]
    found["event_time_ms"] = cell["event_time_ms"] if cell["frame"] == w.frame else 0
    slots = w.rings.shape[1]
    for slot in range(slots):
        out.windows[index, slot] = w.rings[w.row, slot]
    for frame in range(w.frame - slots + 1, w.frame + 1):
        out.frames[index, frame % slots] = state.frames[s, frame % state.frames.shape[1]]
