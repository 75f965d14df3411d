"""Which scenes a dataset offers, and under which names."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetops.dataset.golden_scenes import SceneDefinition, find_scene, scenes_of
from fleetops.dataset.reader import Dataset
from fleetops.errors import UnknownSceneError

from .writer import Frame, Scene, write_dataset


def dataset_of(path: Path, scenes: int) -> Dataset:
    """A dataset of that many scenes; the n-th has n + 1 frames."""
    return Dataset.open(write_dataset(path / "set.zarr", [Scene([Frame()] * (n + 1)) for n in range(scenes)]))


def test_a_foreign_dataset_offers_each_scene_whole_under_its_number(tmp_path: Path) -> None:
    """Five digits, so that names sort as numbers do."""
    scenes = scenes_of(dataset_of(tmp_path, 3))
    assert [scene.scene_id for scene in scenes] == ["scene_00000", "scene_00001", "scene_00002"]
    assert scenes[2] == SceneDefinition("scene_00002", 2, 0, 3, "Scene 2 of set.zarr, recorded by host-a101")


@pytest.mark.parametrize(
    ("count", "said"),
    [(2, "there are scene_00000, scene_00001"), (9, "scene_00003, … scene_00008 (9 scenes)")],
)
def test_an_unknown_name_is_answered_with_those_there_are(tmp_path: Path, count: int, said: str) -> None:
    """All of a few, the first and last of many."""
    scenes = scenes_of(dataset_of(tmp_path, count))
    assert find_scene(scenes, "scene_00001") is scenes[1]
    with pytest.raises(UnknownSceneError) as caught:
        find_scene(scenes, "scene_001")
    assert said in str(caught.value)
