"""The golden scenes under `calibrated`: the story that their labels tell, and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.stories import Finding, finding_of

from fleetops.anomaly.columns import scene_items
from fleetops.anomaly.engine import Engine, compiled_advance
from fleetops.anomaly.evidence import SceneKey
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import GOLDEN_SCENES, golden_dataset, scenes_of
from fleetops.dataset.normalize import normalize
from fleetops.dataset.reader import Dataset

SEVERITIES = ["INFO", "WARNING", "CRITICAL"]


@dataclass(frozen=True)
class Label:
    """A row of `labels.json`."""

    scene_id: str
    vehicle_id: str
    track_id: int
    fault: str
    start_frame: int
    end_frame: int
    within_frames: int
    anomaly_type: str
    severity: str
    what: str


@pytest.fixture(scope="module")
def labels() -> list[Label]:
    """What the dataset says was done to whom."""
    document = json.loads((golden_dataset().parent / "labels.json").read_bytes())
    return [Label(**row) for row in document["labels"]]


@pytest.fixture(scope="module")
def raised() -> list[Finding]:
    """All that `calibrated` raises above INFO, in the scenes as replay-service sends them."""
    dataset = Dataset.open(Path(golden_dataset()))
    found: list[Finding] = []
    for scene in scenes_of(dataset):
        block = dataset.block(scene.zarr_scene_index, scene.start_frame, scene.end_frame)
        columns, _ = normalize(block, None, Admission(), dataset.geo)
        engine: Engine[SceneKey] = Engine(load_rule_set("calibrated"), 100, compiled_advance)
        findings, _ = engine.feed(scene_items(columns, engine, SceneKey("session", scene.scene_id), ends=True))
        found += [finding_of(each) for each in findings]
    return [each for each in found if each[3] == "ACTIVE" and each[4] != "INFO"]


def test_the_labels_are_the_demos_story(labels: list[Label]) -> None:
    """A hard braking at 20 s, a fault of perception at 30 s, an emergency braking at 35 s: three vehicles."""
    told = [(label.start_frame, label.anomaly_type, label.severity) for label in labels]
    assert told == [
        (200, "sudden_deceleration", "WARNING"),
        (300, "perception_instability", "WARNING"),
        (350, "sudden_deceleration", "CRITICAL"),
    ]
    assert len({label.vehicle_id for label in labels}) == 3
    assert [label.scene_id for label in labels] == [scene.scene_id for scene in GOLDEN_SCENES]


def test_every_label_is_raised_in_time(labels: list[Label], raised: list[Finding]) -> None:
    """The vehicle, the type and in the end the severity that the label says, after the start and within its delay."""
    for label in labels:
        mine = [each for each in raised if each[0] == label.vehicle_id]
        assert {each[2] for each in mine} == {label.anomaly_type}
        frames = [each[1] for each in mine]
        assert label.start_frame <= min(frames) <= max(frames) <= label.start_frame + label.within_frames
        assert max((each[4] for each in mine), key=SEVERITIES.index) == label.severity


def test_nothing_else_is_raised(labels: list[Label], raised: list[Finding]) -> None:
    """Nobody but the labelled is called out above INFO; so the first 20 s are calm in all three scenes at once."""
    assert [each for each in raised if each[0] not in {label.vehicle_id for label in labels}] == []
    assert min(each[1] for each in raised) >= 200
