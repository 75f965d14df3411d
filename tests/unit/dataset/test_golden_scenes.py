"""Which scenes a dataset offers, and under which names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleetops.dataset.companions import has_lanes, lanes_of
from fleetops.dataset.golden_scenes import (
    GOLDEN_SCENES,
    SceneDefinition,
    find_scene,
    golden_dataset,
    read_definitions,
    scenes_of,
)
from fleetops.dataset.reader import Dataset
from fleetops.errors import ConfigurationError, NotFoundError, UnknownSceneError

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


def test_the_golden_dataset_offers_three_scenes_by_name() -> None:
    """Wherever it is copied to: the zarr says itself that it is the golden one."""
    scenes = scenes_of(Dataset.open(golden_dataset()))
    assert scenes == GOLDEN_SCENES
    assert [scene.scene_id for scene in scenes] == ["scene_001", "scene_002", "scene_003"]
    assert {scene.end_frame - scene.start_frame for scene in scenes} == {600}


def defined(path: Path, *scenes: dict[str, object]) -> Path:
    """A file with scene definitions; what a definition does not say is good."""
    whole = {"scene_id": "scene_001", "zarr_scene_index": 0, "start_frame": 0, "end_frame": 1, "description": "one"}
    path.write_text(json.dumps([whole | scene for scene in scenes]))
    return path


def test_a_file_defines_scenes_in_their_place(tmp_path: Path) -> None:
    """Names, intervals and descriptions are the file's."""
    file = defined(
        tmp_path / "scenes.json", {}, {"scene_id": "x", "zarr_scene_index": 2, "start_frame": 1, "end_frame": 3}
    )
    assert scenes_of(dataset_of(tmp_path, 3), file) == (
        SceneDefinition("scene_001", 0, 0, 1, "one"),
        SceneDefinition("x", 2, 1, 3, "one"),
    )


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ({"end_frame": 600}, r"scene_001 is frames \[0, 600\) of scene 0, but .* holds frames \[0, 1\)"),
        ({"zarr_scene_index": 42}, r"of scene 42, but .* holds scenes 0 to 2"),
        ({"start_frame": 1}, r"holds frames \[0, 1\)"),
    ],
)
def test_frames_that_a_dataset_does_not_hold_are_refused_with_those_it_does(
    tmp_path: Path, scene: dict[str, object], said: str
) -> None:
    """A scene that is not there, frames beyond its end, and no frame at all."""
    with pytest.raises(UnknownSceneError, match=said):
        scenes_of(dataset_of(tmp_path, 3), defined(tmp_path / "scenes.json", scene))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "defines no scene"),
        ("{", "Invalid JSON"),
        ('[{"scene_id": "a"}]', "zarr_scene_index: Field required"),
    ],
)
def test_a_file_that_defines_nothing_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong with it, and what was expected."""
    file = tmp_path / "scenes.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        read_definitions(file)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_definitions(tmp_path / "nothing.json")
    with pytest.raises(ConfigurationError, match="'scene_001' twice"):
        read_definitions(defined(file, {}, {}))


def test_lanes_lie_beside_the_zarr_or_nowhere(tmp_path: Path) -> None:
    """The golden dataset has some; one without says so, with 404 at the edge."""
    assert has_lanes(golden_dataset())
    assert lanes_of(golden_dataset()).startswith(b'{"type":"FeatureCollection"')
    assert not has_lanes(tmp_path / "set.zarr")
    with pytest.raises(NotFoundError, match=r"no such map: lanes\.geojson beside set\.zarr"):
        lanes_of(tmp_path / "set.zarr")
