"""The shipped dataset, opened by somebody who knows L5Kit and nothing of ours.

So nothing of the product is imported here, but the path where it lies.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import zarr

# As published in `l5kit/l5kit/data/zarr_dataset.py`, and found in the real scene's `.zarray` files.
PUBLISHED = {
    "scenes": np.dtype(
        [("frame_index_interval", "<i8", (2,)), ("host", "<U16"), ("start_time", "<i8"), ("end_time", "<i8")]
    ),
    "frames": np.dtype(
        [
            ("timestamp", "<i8"),
            ("agent_index_interval", "<i8", (2,)),
            ("traffic_light_faces_index_interval", "<i8", (2,)),
            ("ego_translation", "<f8", (3,)),
            ("ego_rotation", "<f8", (3, 3)),
        ]
    ),
    "agents": np.dtype(
        [
            ("centroid", "<f8", (2,)),
            ("extent", "<f4", (3,)),
            ("yaw", "<f4"),
            ("velocity", "<f4", (2,)),
            ("track_id", "<u8"),
            ("label_probabilities", "<f4", (17,)),
        ]
    ),
    "traffic_light_faces": np.dtype(
        [("face_id", "<U16"), ("traffic_light_id", "<U16"), ("traffic_light_face_status", "<f4", (3,))]
    ),
}

Array = npt.NDArray[np.void]


@pytest.fixture(scope="module")
def folder() -> Path:
    """Where the dataset lies in the package."""
    path = files("fleetops.dataset") / "golden"
    assert isinstance(path, Path)
    return path


@pytest.fixture(scope="module")
def arrays(folder: Path) -> dict[str, Array]:
    """All four arrays, read by zarr alone."""
    group = zarr.open(str(folder / "scenes.zarr"), mode="r")
    return {name: group[name][:] for name in PUBLISHED}


def test_it_is_of_the_published_dtypes(arrays: dict[str, Array]) -> None:
    """Field by field, in their order, with their shapes."""
    for name, published in PUBLISHED.items():
        assert arrays[name].dtype == published, name


def test_its_intervals_lead_from_scenes_to_agents_without_a_gap(arrays: dict[str, Array]) -> None:
    """Three scenes of 600 frames; each frame's agents and faces follow those of the frame before."""
    assert arrays["scenes"]["frame_index_interval"].tolist() == [[0, 600], [600, 1200], [1200, 1800]]
    for field, array in (
        ("agent_index_interval", "agents"),
        ("traffic_light_faces_index_interval", "traffic_light_faces"),
    ):
        intervals = arrays["frames"][field]
        assert intervals[0, 0] == 0
        assert intervals[-1, 1] == len(arrays[array])
        assert (intervals[1:, 0] == intervals[:-1, 1]).all()


def test_a_minute_at_ten_hertz_with_thirty_to_sixty_vehicles(arrays: dict[str, Array]) -> None:
    """Frames come 99 to 101 ms apart; every scene has 30 to 60 agents in view on average, and never fewer than 25."""
    for start, end in arrays["scenes"]["frame_index_interval"]:
        frames = arrays["frames"][start:end]
        steps = np.diff(frames["timestamp"]) / 1e6
        assert 99 < steps.min() <= steps.max() < 101
        counts = np.diff(frames["agent_index_interval"], axis=1)
        assert 30 <= counts.mean() <= 60
        assert counts.min() >= 25


def test_tracks_are_whole_and_begin_without_velocity(arrays: dict[str, Array]) -> None:
    """As in the real data: no gap inside a track, and velocity 0 in its first frame."""
    for start, end in arrays["scenes"]["frame_index_interval"]:
        seen: dict[int, int] = {}
        for frame in range(start, end):
            first, last = arrays["frames"]["agent_index_interval"][frame]
            for agent in arrays["agents"][first:last]:
                track = int(agent["track_id"])
                if track in seen:
                    assert seen[track] == frame - 1
                else:
                    assert agent["velocity"].tolist() == [0.0, 0.0]
                seen[track] = frame


def test_rotations_are_rotations(arrays: dict[str, Array]) -> None:
    """The ego's matrices are orthonormal within their rounding, and turn about z alone."""
    rotation = arrays["frames"]["ego_rotation"]
    identity = rotation @ rotation.transpose(0, 2, 1)
    assert np.abs(identity - np.eye(3)).max() < 1e-5
    assert (rotation[:, 2] == [0, 0, 1]).all()


def test_lights_are_seen_where_there_are_lights(arrays: dict[str, Array]) -> None:
    """No faces on the highway; of each light in the other scenes exactly one of three faces is lit."""
    intervals = arrays["frames"]["traffic_light_faces_index_interval"]
    assert intervals[599, 1] == 0
    status = arrays["traffic_light_faces"]["traffic_light_face_status"].reshape(-1, 3, 3)
    assert len(status) > 1000
    assert (status[:, :, 0].sum(axis=1) == 1).all()


def test_lanes_lie_under_the_vehicles(folder: Path, arrays: dict[str, Array]) -> None:
    """Closed counter-clockwise rings near 37.43 N 122.15 W, for each scene: RFC 7946."""
    lanes = json.loads((folder / "lanes.geojson").read_bytes())
    assert {feature["properties"]["scene_id"] for feature in lanes["features"]} == {
        "scene_001",
        "scene_002",
        "scene_003",
    }
    assert {feature["properties"]["kind"] for feature in lanes["features"]} == {"lane", "junction"}
    for feature in lanes["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        places = np.array(ring)
        assert ring[0] == ring[-1]
        x, y = (places - places[0]).T
        assert np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]) > 0
        assert np.abs(places - [-122.1542, 37.4293]).max() < 0.03


def test_it_is_small_and_of_no_date(folder: Path) -> None:
    """A few MB; the only times in it are those of its frames."""
    stored = [path for path in folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in stored) < 4_000_000
    assert json.loads((folder / "meta.json").read_bytes()).keys() == {"world_to_ecef"}
