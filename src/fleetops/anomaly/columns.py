"""Whole scenes for the engine, straight from telemetry columns: the same items that streaming decodes from records."""

from __future__ import annotations

import numpy as np

from fleetops.contracts import ids
from fleetops.dataset.columns import TelemetryColumns

from .engine import Engine
from .evidence import SceneKey
from .state import FRAME_END, ITEM, RECORD, SCENE_END
from .windows import Structured


def scene_items(columns: TelemetryColumns, engine: Engine[SceneKey], key: SceneKey, *, ends: bool) -> Structured:
    """Records and markers of `columns` in the order replay-service would send them to a single partition.

    Args:
        ends: whether the scene ends with the last frame of `columns`.
    """
    scene = engine.scene(key)
    frames, offsets = columns.frames, columns.row_offsets
    n_rows, n_frames = len(columns), len(frames)
    items = np.zeros(n_rows + n_frames + ends, ITEM)
    items["scene"] = scene
    # Frame f's records stand behind f markers; its own marker follows them.
    record_at = np.arange(n_rows) + np.repeat(np.arange(n_frames), np.diff(offsets))
    marker_at = offsets[1:] + np.arange(n_frames)

    records = np.zeros(n_rows, ITEM)
    records["kind"] = RECORD
    records["scene"] = scene
    records["row"] = [
        engine.vehicle(scene, ids.ego_id(key.scene_id) if ego else ids.vehicle_id(key.scene_id, track), is_ego=ego)
        for track, ego in zip(columns.track_id.tolist(), columns.is_ego.tolist(), strict=True)
    ]
    records["frame"] = columns.frame_index
    records["event_time_ms"] = np.repeat(columns.event_time_ms, np.diff(offsets))
    seen = records["sighting"]
    seen["frame"] = columns.frame_index
    seen["x"], seen["y"] = columns.x, columns.y
    seen["speed"], seen["acceleration"] = columns.speed, columns.accel
    seen["yaw"], seen["label_probability"] = columns.yaw, columns.label_probability
    items[record_at] = records

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
    items["start_frame"] = frames[0]
    return items
