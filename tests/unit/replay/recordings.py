"""Recordings of one vehicle made up for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fleetops.contracts.vocabulary import ActionType, Label
from fleetops.dataset.columns import Floats
from fleetops.replay.course import Recorded
from fleetops.replay.interventions import Intervention, Manoeuvre, Sighting

PULL_OVER, RESUME = ActionType.PULL_OVER_SIMULATED, ActionType.RESUME_SIMULATION


def recorded(
    path: Callable[[Floats], tuple[Floats, Floats]],
    frames: int,
    *,
    noise: Floats | None = None,
    until: int | None = None,
    **changes: Any,
) -> Recorded:
    """A vehicle that is at `path(t)` t seconds after frame 0, in each of `frames` frames or those before `until`."""
    t: Floats = 0.1 * np.arange(frames, dtype=np.float64)
    x, y = path(t)
    vx, vy = (np.gradient(values, t) for values in (x, y))
    yaw = np.unwrap(np.arctan2(vy, vx))
    seen = slice(0, until)
    shaken = np.zeros((2, frames)) if noise is None else noise
    values = {
        "first_frame": 0,
        "event_time_ms": 1_571_846_863_000 + 100 * np.arange(frames),
        "ego_x": np.full(frames, -1000.0),
        "ego_y": np.zeros(frames),
        "frame": np.arange(frames, dtype=np.int32)[seen],
        "x": (x + shaken[0])[seen],
        "y": (y + shaken[1])[seen],
        "z": np.zeros(frames)[seen],
        "vx": vx[seen],
        "vy": vy[seen],
        "yaw": yaw[seen],
        **changes,
    }
    return Recorded(**values)


def sighting(ahead: Recorded, frame: int, **changes: Any) -> Sighting:
    """The vehicle as it was sent in a frame."""
    (at,) = np.flatnonzero(ahead.frame == frame).tolist()
    values = {
        "frame_index": frame,
        **{name: round(float(getattr(ahead, name)[at]), 4) for name in ("x", "y", "z", "vx", "vy", "yaw")},
        "vz": 0.0,
        "length": 4.5,
        "width": 1.9,
        "height": 1.6,
        "label": Label.CAR,
        "label_probability": 0.93,
        "track_length": frame + 1,
        **changes,
    }
    return Sighting(**values)


def intervention(seen: Sighting, *from_frames: int) -> Intervention:
    """Pulled over from the first of these frames, driving on from the second, and so on."""
    manoeuvres = [
        Manoeuvre(action=PULL_OVER if turn % 2 == 0 else RESUME, from_frame=frame)
        for turn, frame in enumerate(from_frames)
    ]
    return Intervention(
        vehicle_id="scene_1_track_4", scene_id="scene_1", track_id=4, sequence=9, last_seen=seen, manoeuvres=manoeuvres
    )
