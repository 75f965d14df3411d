"""A dataset's folder on disk: readable by our own reader, and whole or not there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError
from fleetops.scenes.folder import dataset_folder
from fleetops.scenes.noise import perceive
from fleetops.scenes.placement import Placement
from fleetops.scenes.rows import SceneRows, agent_rows, face_rows, frame_rows
from fleetops.scenes.view import look, ranges
from fleetops.scenes.writer import FAST

from .traffic import column

NET = '<net><edge id="e"><lane id="e_0" speed="10" shape="0,0 9,0"/></edge></net>'


def scene(vehicles: int, frames: int) -> SceneRows:
    """A column of vehicles, and a light that is green and then red."""
    motion = column(vehicles, frames)
    dice = np.random.Generator(np.random.PCG64(1))
    view = look(ranges(motion, 0), 1e4, dice)
    agents, agent_offsets = agent_rows(perceive(motion, view, dice), view)
    states = ("g",) * (frames - 1) + ("r",)
    faces, face_offsets = face_rows(("c/0",), states, np.ones((frames, 1), np.bool_))
    times = 1_000_000_000 + 100_000_000 * np.arange(frames, dtype=np.int64)
    pose = motion.x[:, 0], motion.y[:, 0], motion.yaw[:, 0]
    return SceneRows("test", frame_rows(times, pose, agent_offsets, face_offsets), agents, faces)


def test_scenes_written_one_by_one_are_read_as_they_were(tmp_path: Path) -> None:
    """Rows wait for whole chunks, and none is lost, doubled or put into another scene: 3 x 15,000 rows."""
    written = [scene(51, 300), scene(52, 300), scene(53, 300)]
    with dataset_folder(tmp_path / "made", FAST, {}) as folder:
        for number, each in enumerate(written):
            folder.add(f"scene_{number}", each, NET, Placement(0.0, 0.0, 0.0))
    dataset = Dataset.open(tmp_path / "made" / "scenes.zarr")
    assert dataset.scene_count == 3
    for index, each in enumerate(written):
        block = dataset.block(index, 0, 300)
        assert np.array_equal(block.agents, each.agents)
        assert np.array_equal(np.diff(block.agent_offsets), np.diff(each.frames["agent_index_interval"])[:, 0])
    lanes = json.loads((tmp_path / "made" / "lanes.geojson").read_bytes())
    assert [feature["properties"]["scene_id"] for feature in lanes["features"]] == ["scene_0", "scene_1", "scene_2"]


def test_exactly_one_face_of_a_light_is_lit() -> None:
    """Green at first, red at last; yellow never."""
    status = scene(2, 10).faces["traffic_light_face_status"].reshape(10, 3, 3)
    assert status[0, :, 0].tolist() == [0, 0, 1]
    assert status[-1, :, 0].tolist() == [1, 0, 0]


def test_half_a_dataset_is_not_left_behind(tmp_path: Path) -> None:
    """What breaks off leaves nothing; what is there already is not touched."""
    with pytest.raises(RuntimeError), dataset_folder(tmp_path / "made", FAST, {}):
        raise RuntimeError
    assert not (tmp_path / "made").exists()
    (tmp_path / "made").mkdir()
    with pytest.raises(DatasetError, match="is there already"), dataset_folder(tmp_path / "made", FAST, {}):
        pass
    assert (tmp_path / "made").is_dir()
