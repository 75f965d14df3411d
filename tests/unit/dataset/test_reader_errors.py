"""Every way a dataset can be wrong is refused with what is wrong, what was expected and what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.lib.recfunctions as rfn
import numpy.typing as npt
import pytest
import zarr

from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError

from .writer import AGENT, FRAME, SCENE, Agent, Frame, Scene, write_arrays, write_dataset

Rows = npt.NDArray[np.void]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound dataset to be damaged: two scenes of four frames, eight agents in chunks of seven."""
    scene = Scene([Frame([Agent(x=i)]) for i in range(4)])
    return write_dataset(tmp_path / "set.zarr", [scene, scene])


def rewrite(path: Path, name: str, change: Callable[[Rows], Rows | None]) -> None:
    """Replace an array by what `change` returns, or by what it did to it."""
    rows = zarr.open_group(str(path), mode="r")[name][:]
    shutil.rmtree(path / name)
    changed = change(rows)
    group = zarr.open_group(str(path), mode="r+")
    group.create_dataset(name, data=rows if changed is None else changed, chunks=(7,))


def read_all(path: Path) -> None:
    """Open a dataset and read every frame."""
    dataset = Dataset.open(path)
    for index in range(dataset.scene_count):
        dataset.block(index, 0, dataset.scene(index).frame_count)


def refused(path: Path, *facts: str) -> None:
    """Opening and reading everything fails, and the message holds these facts."""
    with pytest.raises(DatasetError) as caught:
        read_all(path)
    message = str(caught.value)
    for fact in (*facts, str(path)):
        assert fact in message


def test_the_dataset_is_sound_before_it_is_damaged(path: Path) -> None:
    """Otherwise the tests below would show nothing."""
    assert Dataset.open(path).block(1, 0, 4).end == 4


def test_missing_path(tmp_path: Path) -> None:
    """Nothing is there."""
    refused(tmp_path / "nowhere.zarr", "there is no dataset", "scenes, frames, agents")


def test_a_file(tmp_path: Path) -> None:
    """An archive, say."""
    (tmp_path / "set.zip").write_bytes(b"PK")
    refused(tmp_path / "set.zip", "not a folder", "unpack")


def test_a_folder_that_is_no_zarr_names_the_one_inside(path: Path) -> None:
    """The folder above was given: the most common mistake."""
    with pytest.raises(DatasetError, match=r"not a zarr group.*did you mean .*set\.zarr\?"):
        Dataset.open(path.parent)


def test_an_empty_folder(tmp_path: Path) -> None:
    """Nothing inside to point at."""
    refused(tmp_path, "not a zarr group")


def test_zarr_format_3(tmp_path: Path) -> None:
    """It says which format it is and which is needed."""
    (tmp_path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    refused(tmp_path, "format 3", "format 2")


def test_a_single_array(path: Path) -> None:
    """One level too deep."""
    refused(path / "agents", "single zarr array", "folder above")


def test_a_group_with_other_arrays(tmp_path: Path) -> None:
    """Some other project's zarr."""
    zarr.open_group(str(tmp_path), mode="w").create_dataset("temperature", data=np.zeros(3))
    refused(tmp_path, "no array 'scenes'", "temperature")


def test_unreadable_group_metadata(path: Path) -> None:
    """`.zgroup` is cut short."""
    (path / ".zgroup").write_text("{")
    refused(path, "cannot be opened")


def test_unreadable_array_metadata(path: Path) -> None:
    """`.zarray` is no array's."""
    (path / "agents" / ".zarray").write_text("{}")
    refused(path, "array 'agents'", "cannot be opened")


@pytest.mark.parametrize(
    ("array", "field"),
    [("scenes", "frame_index_interval"), ("frames", "ego_rotation"), ("agents", "label_probabilities")],
)
def test_a_missing_field(path: Path, array: str, field: str) -> None:
    """It names field and array, and what the array holds instead."""
    rewrite(path, array, lambda rows: rfn.drop_fields(rows, field))
    refused(path, f"array '{array}' has no field '{field}'", "it holds")


def test_a_plain_array(path: Path) -> None:
    """Of the right name, with no fields at all."""
    rewrite(path, "agents", lambda rows: rows["yaw"])
    refused(path, "'centroid'", "float32")


def with_field(dtype: np.dtype[np.void], name: str, kind: str, shape: tuple[int, ...]) -> np.dtype[np.void]:
    """The dtype with one field of another kind or shape."""
    return np.dtype([(n, kind, shape) if n == name else (n, dtype[n]) for n in dtype.names or ()])


@pytest.mark.parametrize(
    ("array", "dtype", "expected"),
    [
        ("agents", with_field(AGENT, "centroid", "<f8", (3,)), "expected float (2,)"),
        ("agents", with_field(AGENT, "label_probabilities", "<f4", (16,)), "expected float (17,)"),
        ("agents", with_field(AGENT, "track_id", "<f8", ()), "expected integer"),
        ("frames", with_field(FRAME, "ego_rotation", "<f8", (9,)), "expected float (3, 3)"),
        ("frames", with_field(FRAME, "timestamp", "<f8", ()), "expected integer"),
        ("scenes", with_field(SCENE, "host", "<i8", ()), "expected unicode string"),
    ],
)
def test_a_field_of_another_kind_or_shape(path: Path, array: str, dtype: np.dtype[np.void], expected: str) -> None:
    """It says what was found and what L5Kit writes."""
    rewrite(path, array, lambda rows: np.zeros(len(rows), dtype))
    refused(path, f"array '{array}'", expected)


def test_other_widths_and_more_fields_are_welcome(path: Path) -> None:
    """Only what we read matters: float64 velocities and an extra field change nothing."""
    wider = np.dtype([*with_field(AGENT, "velocity", "<f8", (2,)).descr, ("extra", "<i4")])

    def widen(rows: Rows) -> Rows:
        wide = np.zeros(len(rows), wider)
        for name in AGENT.names or ():
            wide[name] = rows[name]
        return wide

    rewrite(path, "agents", widen)
    assert Dataset.open(path).block(0, 0, 4).agents["centroid"][:, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("name", ["scenes", "frames"])
def test_empty_arrays(path: Path, name: str) -> None:
    """There is nothing to replay."""
    rewrite(path, name, lambda rows: rows[:0])
    refused(path, f"array '{name}' is empty")


def test_a_two_dimensional_array(tmp_path: Path) -> None:
    """Rows are rows."""
    write_arrays(tmp_path, {"scenes": np.zeros(1, SCENE), "frames": np.zeros(1, FRAME)})
    zarr.open_group(str(tmp_path), mode="r+").create_dataset("agents", data=np.zeros((2, 2), AGENT))
    refused(tmp_path, "expected one dimension")


@pytest.mark.parametrize(
    ("interval", "why"),
    [
        ((4, 9), "ends beyond the 8 rows that 'frames' holds"),
        ((5, 4), "ends before it begins"),
        ((3, 8), "overlaps the one before"),
        ((4, 4), "has no frames"),
    ],
)
def test_scene_intervals(path: Path, interval: tuple[int, int], why: str) -> None:
    """Seen at once, when the dataset is opened; the message names the scene."""

    def change(rows: Rows) -> None:
        rows["frame_index_interval"][1] = interval

    rewrite(path, "scenes", change)
    with pytest.raises(DatasetError, match="scene 1") as caught:
        Dataset.open(path)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("interval", "why"),
    [
        ((2, 999), "ends beyond the 8 rows that 'agents' holds"),
        ((-1, 3), "begins before 0"),
        ((3, 2), "ends before it begins"),
        ((0, 3), "overlaps the one before"),
    ],
)
def test_agent_intervals(path: Path, interval: tuple[int, int], why: str) -> None:
    """Seen where the frame is read; rows of another frame never slip in."""

    def change(rows: Rows) -> None:
        rows["agent_index_interval"][2] = interval

    rewrite(path, "frames", change)
    refused(path, why, "scene 0")


@pytest.mark.parametrize("cut_at", [0, 2])
def test_time_that_stands_still(path: Path, cut_at: int) -> None:
    """Frame 2 has the time of frame 1: found also when a block begins exactly there."""

    def change(rows: Rows) -> None:
        rows["timestamp"][2] = rows["timestamp"][1]

    rewrite(path, "frames", change)
    with pytest.raises(DatasetError, match="time does not advance from frame 1 to frame 2"):
        Dataset.open(path).block(0, cut_at, 4)


@pytest.mark.parametrize("content", [b"", b"garbage that no codec ever wrote"])
def test_a_corrupt_chunk(path: Path, content: bytes) -> None:
    """It names chunk and array; nothing is made up in its place."""
    (path / "agents" / "0").write_bytes(content)
    refused(path, "chunk 0 of array 'agents'", "damaged")


def test_a_missing_chunk(path: Path) -> None:
    """Zarr would silently read zeros: a car at the origin that nobody saw."""
    (path / "agents" / "1").unlink()
    refused(path, "1 of 2 chunks", "incomplete")


def test_other_labels(path: Path) -> None:
    """A dataset that says its classes are others would be misread, row by row."""
    zarr.open_group(str(path), mode="r+").attrs["labels"] = ["PERCEPTION_LABEL_CAR", "PERCEPTION_LABEL_BUS"]
    refused(path, "'labels'", "PERCEPTION_LABEL_BUS", "NOT_SET")


@pytest.mark.parametrize(
    "meta",
    ["{", "[]", "{}", '{"world_to_ecef": [[1, 2], [3, 4]]}', '{"world_to_ecef": "x"}'],
)
def test_an_unusable_meta_json(path: Path, meta: str) -> None:
    """A wrong place on the map is worse than an error."""
    meta_path = path.parent / "meta.json"
    meta_path.write_text(meta)
    with pytest.raises(DatasetError, match="world_to_ecef") as caught:
        Dataset.open(path)
    assert str(meta_path) in str(caught.value)


def test_a_meta_json_that_scales(path: Path) -> None:
    """A transform that is not rigid would put vehicles kilometres away."""
    doubled = (np.diag([2.0, 2.0, 2.0, 1.0])).tolist()
    (path.parent / "meta.json").write_text(json.dumps({"world_to_ecef": doubled}))
    with pytest.raises(DatasetError, match="not a rotation and a translation"):
        Dataset.open(path)
