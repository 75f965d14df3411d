"""Windows made by hand, as a rule sees them."""

from __future__ import annotations

import numpy as np

from fleetops.anomaly.windows import FRAME, NEVER, SIGHTING, Window

SLOTS = 48


def window(
    *seen: tuple[int, dict[str, float]], frame: int | None = None, agents: dict[int, int] | None = None, **more: object
) -> Window:
    """The window at `frame` (default: the last one seen) of a vehicle seen in the given frames; agents by frame."""
    rings = np.zeros((1, SLOTS), SIGHTING)
    rings["frame"] = NEVER
    for at, fields in seen:
        cell = rings[0, at % SLOTS]
        cell["frame"] = at
        for name, value in fields.items():
            cell[name] = value
    now = seen[-1][0] if frame is None else frame
    frames = np.zeros((1, SLOTS), FRAME)
    for at in range(max(0, now - SLOTS + 1), now + 1):
        cell = frames[0, at % SLOTS]
        cell["frame"], cell["event_time_ms"], cell["active_agents"] = at, 100 * at, (agents or {}).get(at, -1)
    facts = {"born": 0, "present": True, "silent_frames": 0, "is_ego": False}
    return Window(rings=rings, row=0, frames=frames, scene=0, frame=now, **{**facts, **more})  # type: ignore[arg-type]  # a test's shorthand
