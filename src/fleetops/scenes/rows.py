"""Rows as L5Kit's zarr holds them. Pure.

Values are rounded before they are written: a tenth of a millimetre says nothing, and
equal scenes must be equal bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.angles import wrap_angle
from fleetops.dataset.block import Rows
from fleetops.dataset.columns import Floats, Int64s
from fleetops.dataset.l5kit_format import LABELS

from .noise import Sightings
from .view import View

SCENE_DTYPE = np.dtype(
    [("frame_index_interval", "<i8", (2,)), ("host", "<U16"), ("start_time", "<i8"), ("end_time", "<i8")]
)
FRAME_DTYPE = np.dtype(
    [
        ("timestamp", "<i8"),
        ("agent_index_interval", "<i8", (2,)),
        ("traffic_light_faces_index_interval", "<i8", (2,)),
        ("ego_translation", "<f8", (3,)),
        ("ego_rotation", "<f8", (3, 3)),
    ]
)
AGENT_DTYPE = np.dtype(
    [
        ("centroid", "<f8", (2,)),
        ("extent", "<f4", (3,)),
        ("yaw", "<f4"),
        ("velocity", "<f4", (2,)),
        ("track_id", "<u8"),
        ("label_probabilities", "<f4", (len(LABELS),)),
    ]
)
FACE_DTYPE = np.dtype([("face_id", "<U16"), ("traffic_light_id", "<U16"), ("traffic_light_face_status", "<f4", (3,))])
"""As `l5kit.data.zarr_dataset` publishes them: `SCENE_DTYPE`, `FRAME_DTYPE`, `AGENT_DTYPE`, `TL_FACE_DTYPE`."""

ACTIVE, INACTIVE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)

_METRES, _RADIANS = 3, 4
_FACES = ("red", "yellow", "green")


@dataclass(frozen=True, slots=True, eq=False)
class SceneRows:
    """One scene. Index intervals count from the scene's own first row; the writer moves them."""

    host: str
    frames: Rows
    agents: Rows
    faces: Rows


def agent_rows(sightings: Sightings, view: View) -> tuple[Rows, Int64s]:
    """Agents ordered by frame, and where each frame's begin, and the end."""
    seen = view.seen
    rows = np.zeros(int(seen.sum()), AGENT_DTYPE)
    rows["centroid"] = np.round(np.stack((sightings.x[seen], sightings.y[seen]), axis=1), _METRES)
    sizes = (sightings.length[seen], sightings.width[seen], sightings.height[seen])
    rows["extent"] = np.round(np.stack(sizes, axis=1), 2)
    rows["yaw"] = np.round(wrap_angle(sightings.yaw[seen]), _RADIANS)
    rows["velocity"] = np.round(np.stack((sightings.vx[seen], sightings.vy[seen]), axis=1), _METRES)
    rows["track_id"] = view.track[seen]
    rows["label_probabilities"][:, LABELS.index(Label.CAR)] = 1.0
    return rows, np.concatenate(([0], np.cumsum(seen.sum(axis=1)))).astype(np.int64)


def face_rows(lights: tuple[str, ...], states: tuple[str, ...], near: np.ndarray) -> tuple[Rows, Int64s]:
    """Three faces (red, yellow, green) of each light that is `near` (frames x lights, bool), by frame."""
    counts = 3 * near.sum(axis=1)
    rows = np.zeros(int(counts.sum()), FACE_DTYPE)
    at = 0
    for frame, state in enumerate(states):
        for index in np.flatnonzero(near[frame]):
            light = lights[index].partition("/")[0]
            for face in _FACES:
                lit = state[index] == face[0]
                rows[at] = (f"{lights[index]}.{face[0]}", light, ACTIVE if lit else INACTIVE)
                at += 1
    return rows, np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def frame_rows(
    timestamps_ns: Int64s, ego: tuple[Floats, Floats, Floats], agent_offsets: Int64s, face_offsets: Int64s
) -> Rows:
    """Frames with the ego's x, y and yaw per frame."""
    x, y, yaw = ego
    rows = np.zeros(len(timestamps_ns), FRAME_DTYPE)
    rows["timestamp"] = timestamps_ns
    rows["agent_index_interval"] = np.stack((agent_offsets[:-1], agent_offsets[1:]), axis=1)
    rows["traffic_light_faces_index_interval"] = np.stack((face_offsets[:-1], face_offsets[1:]), axis=1)
    rows["ego_translation"][:, 0] = np.round(x, _METRES)
    rows["ego_translation"][:, 1] = np.round(y, _METRES)
    cos, sin = np.round(np.cos(yaw), 6), np.round(np.sin(yaw), 6)
    rows["ego_rotation"][:, 0, :2] = np.stack((cos, -sin), axis=1)
    rows["ego_rotation"][:, 1, :2] = np.stack((sin, cos), axis=1)
    rows["ego_rotation"][:, 2, 2] = 1.0
    return rows
