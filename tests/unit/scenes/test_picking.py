"""Which intervals of a foreign dataset are picked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.dataset.writer import Agent, Frame, Scene, write_dataset

from fleetops.dataset.golden_scenes import scenes_of
from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError
from fleetops.scenes.picking import pick

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "seed_golden_scenes.py"


def drive(vehicles: int, frames: int, brake: bool = False) -> Scene:
    """So many vehicles at 15 m/s; one of them brakes from frame 15 on where that is said."""
    return Scene(
        [
            Frame(
                [
                    Agent(track_id=i + 1, vx=max(15.0 - (frame - 15), 0) if brake and i == 0 and frame > 15 else 15.0)
                    for i in range(vehicles)
                ]
            )
            for frame in range(frames)
        ]
    )


def test_the_one_that_brakes_comes_first_then_the_fullest(tmp_path: Path) -> None:
    """Of four scenes the emptiest, in which nothing happens, is left out."""
    scenes = [drive(1, 40), drive(5, 40), drive(2, 40, brake=True), drive(3, 40)]
    dataset = Dataset.open(write_dataset(tmp_path / "set.zarr", scenes))
    picked = pick(dataset, frames=600, scenes=10)
    assert [(each.scene_id, each.zarr_scene_index) for each in picked] == [
        ("scene_001", 2),
        ("scene_002", 1),
        ("scene_003", 3),
    ]
    assert "slows down by 15.0 m/s" in picked[0].description
    assert {(each.start_frame, each.end_frame) for each in picked} == {(0, 40)}


def test_a_single_scene_is_cut_into_three(tmp_path: Path) -> None:
    """Without overlap, and as long as it gets; what is too short for that is refused."""
    dataset = Dataset.open(write_dataset(tmp_path / "set.zarr", [drive(2, 61)]))
    intervals = sorted((each.start_frame, each.end_frame) for each in pick(dataset, frames=600, scenes=10))
    assert intervals == [(0, 20), (20, 40), (40, 60)]
    short = Dataset.open(write_dataset(tmp_path / "short.zarr", [drive(2, 2)]))
    with pytest.raises(DatasetError, match="too short for 3 scenes"):
        pick(short, frames=600, scenes=10)


@pytest.mark.sample
def test_the_script_writes_what_replay_reads(l5kit_sample: Path, tmp_path: Path) -> None:
    """On the real scene: three intervals of its 248 frames, with the agreed keys."""
    output = tmp_path / "scenes.json"
    ran = subprocess.run(
        [sys.executable, SCRIPT, l5kit_sample, "--output", output], capture_output=True, text=True, check=True
    )
    assert "FLEETOPS_REPLAY__SCENES_FILE=" in ran.stdout
    keys = {"scene_id", "zarr_scene_index", "start_frame", "end_frame", "description"}
    assert [set(each) for each in json.loads(output.read_bytes())] == [keys] * 3
    scenes = scenes_of(Dataset.open(l5kit_sample), output)
    assert sum(each.end_frame - each.start_frame for each in scenes) == 3 * 82
