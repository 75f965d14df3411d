"""Which scenes are chosen, and how they are shared out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetops.anomaly.backtest.parts import choose, frame_count, parts_of
from fleetops.dataset.golden_scenes import SceneDefinition
from fleetops.errors import UnknownSceneError


def scene(index: int, frames: int = 250) -> SceneDefinition:
    """A scene of a dataset."""
    return SceneDefinition(f"scene_{index:05}", index, 0, frames, "")


SCENES = tuple(scene(index) for index in range(20))


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (None, range(20)),
        ("3", [3]),
        ("0-2,19", [0, 1, 2, 19]),
        ("scene_00004, 2", [2, 4]),
        ("5-7,6", [5, 6, 7]),
    ],
)
def test_scenes_are_chosen_by_name_number_or_range(wanted: str | None, chosen: list[int]) -> None:
    """In the dataset's order, each once."""
    assert [each.zarr_scene_index for each in choose(SCENES, wanted)] == list(chosen)


@pytest.mark.parametrize("wanted", ["20", "18-20", "7-5", "scene_1", "-3", "3-", " , "])
def test_what_no_dataset_holds_is_refused(wanted: str) -> None:
    """A range that reaches beyond the last scene is a mistake, not a smaller range."""
    with pytest.raises(UnknownSceneError):
        choose(SCENES, wanted)


@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=150))
def test_every_scene_is_in_one_part(lengths: list[int]) -> None:
    """In order, none twice; and no part is so large that losing it would hurt, unless one scene is."""
    scenes = [scene(index, frames) for index, frames in enumerate(lengths)]
    parts = parts_of(scenes)
    assert [each for part in parts for each in part.scenes] == scenes
    assert [part.number for part in parts] == list(range(len(parts)))
    assert all(frame_count(part.scenes[:-1]) < 4_000 for part in parts)
