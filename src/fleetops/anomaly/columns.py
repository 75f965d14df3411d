"""Whole scenes for the engine, straight from telemetry columns: the same items that streaming decodes from records."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fleetops.contracts import ids
from fleetops.dataset.columns import Bools, Int64s, TelemetryColumns

from .engine import Engine
from .evidence import SceneKey
from .state import FRAME_END, ITEM, RECORD, SCENE_END
from .windows import Structured

_SPARSE = 8
"""Track numbers spread wider than so many to a row are sorted; others are looked up in a table."""


def scene_items(
    columns: TelemetryColumns, engine: Engine[SceneKey], key: SceneKey, *, ends: bool, start_frame: int | None = None
) -> Structured:
    """Records and markers of `columns` in the order replay-service would send them to a single partition.

    Args:
        ends: whether the scene ends with the last frame of `columns`.
        start_frame: the scene's first frame, where `columns` go on with a scene that was begun before.
    """
    scene = engine.scene(key)
    frames, offsets = columns.frames, columns.row_offsets
    n_rows, n_frames = len(columns), len(frames)
    items = np.zeros(n_rows + n_frames + ends, ITEM)
    items["scene"] = scene
    # Frame f's records stand behind f markers; its own marker follows them.
    marker_at = offsets[1:] + np.arange(n_frames)
    is_record = np.ones(len(items), np.bool_)
    is_record[marker_at] = False
    is_record[n_rows + n_frames :] = False

    items["kind"][is_record] = RECORD
    items["row"][is_record] = _rows(columns.track_id, columns.is_ego, engine, scene, key.scene_id)
    items["frame"][is_record] = columns.frame_index
    items["event_time_ms"][is_record] = np.repeat(columns.event_time_ms, np.diff(offsets))
    seen = items["sighting"]
    for field, values in (
        ("frame", columns.frame_index),
        ("x", columns.x),
        ("y", columns.y),
        ("speed", columns.speed),
        ("acceleration", columns.accel),
        ("yaw", columns.yaw),
        ("label", columns.label),
        ("label_probability", columns.label_probability),
        ("vx", columns.vx),
        ("vy", columns.vy),
        ("range_m", columns.range_m),
    ):
        seen[field][is_record] = values

    markers = np.zeros(n_frames, ITEM)
    markers["kind"] = FRAME_END
    markers["scene"] = scene
    markers["frame"] = frames
    markers["event_time_ms"] = columns.event_time_ms
    markers["expected"] = np.diff(offsets)
    markers["active_agents"] = columns.active_agent_count
    items[marker_at] = markers
    if ends:
        items[-1] = markers[-1]
        items[-1]["kind"] = SCENE_END
    items["offset"] = np.arange(len(items))
    items["start_frame"] = frames[0] if start_frame is None else start_frame
    return items


def _rows(
    track_id: Int64s, is_ego: Bools, engine: Engine[SceneKey], scene: int, scene_id: str
) -> npt.NDArray[np.int32]:
    """The engine's row of each record: a name is made and looked up once per vehicle, not per record."""
    rows = np.empty(len(track_id), np.int32)
    agents = np.flatnonzero(~is_ego)
    if len(agents) < len(rows):
        rows[is_ego] = engine.vehicle(scene, ids.ego_id(scene_id), is_ego=True)
    tracks, place = _numbered(track_id[agents])
    of_track = [engine.vehicle(scene, ids.vehicle_id(scene_id, track), is_ego=False) for track in tracks.tolist()]
    rows[agents] = np.array(of_track, np.int32)[place]
    return rows


def _numbered(track_id: Int64s) -> tuple[Int64s, npt.NDArray[np.intp]]:
    """The distinct tracks in ascending order, and for each record which of them it is."""
    low, high = (int(track_id.min()), int(track_id.max())) if len(track_id) else (0, 0)
    span = high - low + 1
    if span > _SPARSE * len(track_id):
        tracks, place = np.unique(track_id, return_inverse=True)
        return tracks, place
    seen = np.zeros(span, np.bool_)
    seen[track_id - low] = True
    number: npt.NDArray[np.intp] = np.cumsum(seen) - 1
    return np.flatnonzero(seen) + low, number[track_id - low]
