"""Columns become the very items that streaming makes of records, whatever numbers the tracks have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bench.fleet import straight_drive

from fleetops.anomaly.columns import scene_items
from fleetops.anomaly.engine import Engine
from fleetops.anomaly.evidence import SceneKey
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.anomaly.state import FRAME_END, RECORD, SCENE_END

KEY = SceneKey("session", "scene_7")


def engine() -> Engine[SceneKey]:
    """One that knows nobody yet."""
    return Engine(load_rule_set("baseline"), 100)


@pytest.mark.parametrize("apart", [1, 1_000_003], ids=["numbers side by side", "numbers far apart"])
def test_every_record_is_of_its_own_vehicle(apart: int) -> None:
    """Each record carries the row of the vehicle that its track stands for, the ego's included."""
    columns = straight_drive(vehicles=7, frames=5)
    columns = replace(columns, track_id=columns.track_id[::-1].copy() * apart, is_ego=columns.is_ego[::-1].copy())
    knowing = engine()
    items = scene_items(columns, knowing, KEY, ends=True)
    names = {row: name for name, row in knowing.rows_of(0).items()}
    told = [names[row] for row in items["row"][items["kind"] == RECORD].tolist()]
    tracks = zip(columns.track_id.tolist(), columns.is_ego.tolist(), strict=True)
    assert told == ["scene_7_ego" if ego else f"scene_7_track_{track}" for track, ego in tracks]


def test_markers_follow_their_frames_and_the_end_comes_last() -> None:
    """Records of a frame, its marker with their number, and after the last the scene's end."""
    columns = straight_drive(vehicles=3, frames=2)
    items = scene_items(columns, engine(), KEY, ends=True)
    assert items["kind"].tolist() == [*[RECORD] * 4, FRAME_END, *[RECORD] * 4, FRAME_END, SCENE_END]
    assert items["frame"].tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    assert items["expected"][items["kind"] == FRAME_END].tolist() == [4, 4]
    assert items["sighting"]["x"][items["kind"] == RECORD].tolist() == columns.x.tolist()


def test_a_scene_without_a_single_row_has_its_markers() -> None:
    """Frames in which nobody is seen are frames all the same."""
    columns = straight_drive(vehicles=3, frames=2)
    nobody = {name: getattr(columns, name)[:0] for name in type(columns).column_names()}
    columns = replace(columns, **nobody, row_offsets=np.zeros(3, np.int64), active_agent_count=np.zeros(2, np.int32))
    assert scene_items(columns, engine(), KEY, ends=False)["kind"].tolist() == [FRAME_END, FRAME_END]


def test_a_later_part_of_a_scene_says_where_the_scene_began() -> None:
    """Or the engine would take the part for a scene of its own."""
    items = scene_items(straight_drive(3, 2), engine(), KEY, ends=False, start_frame=40)
    assert set(items["start_frame"].tolist()) == {40}
