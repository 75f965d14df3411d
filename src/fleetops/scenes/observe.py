"""From true traffic to the scene that an ego's tracker records. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fleetops.dataset.columns import Bools, Floats, Int64s

from .motion import Motion, motion_of
from .noise import Sightings, perceive
from .placement import Placement
from .rows import SceneRows, agent_rows, face_rows, frame_rows
from .simulation import MARGIN_FRAMES, Recording
from .view import View, look, radius_for, ranges

FIRST_FRAME_NS = 1_571_846_400_000_000_000
"""2019-10-23 16:00 UTC, the morning on which the real scene was recorded."""

_PERIOD_NS = 100_000_000
_JITTER_NS = 150_000
"""Standard deviation; on the real scene frames come 99.3 to 100.3 ms apart."""

_LIGHT_RANGE_M = 120.0

Tamper = Callable[[Sightings, View], Sightings]
"""A fault put into what the tracker says."""


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """A scene's rows, and what they were made from."""

    rows: SceneRows
    motion: Motion
    view: View
    ego: int


def observe(
    recording: Recording,
    placement: Placement,
    *,
    ego: int,
    vehicles: float,
    host: str,
    start_ns: int,
    rng: np.random.Generator,
    held: Bools | None = None,
    tamper: Tamper | None = None,
) -> Observed:
    """What the tracker of the vehicle `ego` sees, about `vehicles` at a time; those `held` it does not lose."""
    motion = placement.motion(motion_of(recording))
    range_m = ranges(motion, ego)
    view = look(range_m, radius_for(range_m, vehicles), rng, held)
    sightings = perceive(motion, view, rng)
    if tamper is not None:
        sightings = tamper(sightings, view)
    agents, agent_offsets = agent_rows(sightings, view)
    pose = motion.x[:, ego], motion.y[:, ego], motion.yaw[:, ego]
    near = _lights_near(recording, placement, pose[0], pose[1])
    states = recording.light_states[MARGIN_FRAMES:-MARGIN_FRAMES]
    faces, face_offsets = face_rows(recording.lights, states, near)
    frames = frame_rows(_timestamps(len(range_m), start_ns, rng), pose, agent_offsets, face_offsets)
    return Observed(SceneRows(host, frames, agents, faces), motion, view, ego)


def _timestamps(frames: int, start_ns: int, rng: np.random.Generator) -> Int64s:
    jitter = np.rint(np.clip(rng.standard_normal(frames), -2.5, 2.5) * _JITTER_NS)
    return start_ns + _PERIOD_NS * np.arange(frames, dtype=np.int64) + jitter.astype(np.int64)


def _lights_near(recording: Recording, placement: Placement, x: Floats, y: Floats) -> np.ndarray:
    lights_x, lights_y = placement.points(recording.light_places[:, 0], recording.light_places[:, 1])
    return np.hypot(lights_x - x[:, None], lights_y - y[:, None]) < _LIGHT_RANGE_M
