"""What a rule looks at: scalar functions over one vehicle's window.

A window of N frames is the frame evaluated and the N - 1 before it, by frame index; where the
vehicle was not seen in the oldest of them, the oldest in which it was seen stands for it.
"""

from __future__ import annotations

import math

from .compiled import compiled
from .windows import Window, active_agents, now, oldest

FRAME_MS = 100
"""Nominal time between frames of L5Kit data (10 Hz), ms; measured 99.3 to 100.3."""


@compiled
def acceleration_magnitude(w: Window) -> float:
    """Magnitude of the acceleration in this frame, m/s2."""
    return float(now(w)["acceleration"])


@compiled
def velocity_delta(w: Window, frames: int) -> float:
    """Change of speed over the window, m/s; negative when the vehicle slows down."""
    return float(now(w)["speed"] - oldest(w, frames)["speed"])


@compiled
def label_probability_delta(w: Window, frames: int) -> float:
    """Change of the most probable class' probability over the window; negative when it falls."""
    return float(now(w)["label_probability"] - oldest(w, frames)["label_probability"])


@compiled
def position_jump_distance(w: Window, frames: int) -> float:
    """Distance between the positions at the window's two ends, m."""
    first, last = oldest(w, frames), now(w)
    east, north = last["x"] - first["x"], last["y"] - first["y"]
    return math.sqrt(east * east + north * north)  # not hypot: compiled and plain ones differ in the last bit


@compiled
def yaw_jump(w: Window, frames: int) -> float:
    """Absolute change of heading over the window, the short way round, rad."""
    turn = abs(now(w)["yaw"] - oldest(w, frames)["yaw"]) % (2.0 * math.pi)
    return float(min(turn, 2.0 * math.pi - turn))


@compiled
def active_agent_count_delta(w: Window) -> int:
    """Active agents in this frame minus those one frame before; 0 when either is unknown."""
    agents, before = active_agents(w, w.frame), active_agents(w, w.frame - 1)
    return 0 if agents < 0 or before < 0 else agents - before
