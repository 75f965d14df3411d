"""A part of a dataset is worked on block by block, and comes to the same as the scenes in one piece."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from tests.unit.anomaly.backtest.traffic import eventful_dataset, stricter

from fleetops.anomaly.backtest import scan as scanning
from fleetops.anomaly.backtest.parts import Part, Task, parts_of
from fleetops.anomaly.backtest.scan import PartResult, scan
from fleetops.anomaly.backtest.tally import Tally, Volume
from fleetops.anomaly.columns import scene_items
from fleetops.anomaly.detector import advance
from fleetops.anomaly.digest import finding_of, findings_digest
from fleetops.anomaly.engine import Engine
from fleetops.anomaly.evidence import SceneKey
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import scenes_of
from fleetops.dataset.normalize import normalize
from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled for a few hundred rows; and blocks are small, so that scenes take many."""
    monkeypatch.setattr(scanning, "compiled_advance", advance)
    monkeypatch.setattr(scanning, "_ROWS", 40)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four eventful scenes."""
    return eventful_dataset(tmp_path_factory.mktemp("recording") / "dataset.zarr", scenes=4)


def task_of(path: Path, *names: str, admission: Admission | None = None) -> Task:
    """The rule sets of these names over a dataset."""
    rules = tuple(map(load_rule_set, names))
    return Task(path, Dataset.open(path).digest, rules, admission or Admission(), rows=False)


def whole(path: Path) -> Part:
    """All scenes in one part."""
    return Part(0, scenes_of(Dataset.open(path)))


def test_blocks_come_to_the_same_as_whole_scenes(recording: Path) -> None:
    """The digest is that of scenes fed in one piece."""
    dataset, rules = Dataset.open(recording), load_rule_set("baseline")
    findings = []
    for scene in scenes_of(dataset):
        engine: Engine[SceneKey] = Engine(rules, rules.history_frames)
        block = dataset.block(scene.zarr_scene_index, 0, scene.end_frame)
        columns, _ = normalize(block, None, Admission(), dataset.geo)
        found, _ = engine.feed(scene_items(columns, engine, SceneKey("one piece", scene.scene_id), ends=True))
        findings += [finding_of(each) for each in found]
    result = scan(task_of(recording, "baseline"), whole(recording))
    assert len(findings) > 20
    assert result.tallies[0].digest == findings_digest(findings)


def test_parts_add_up_to_the_whole_in_any_order(recording: Path) -> None:
    """Rows, anomalies, rules, alerts and digest: whoever worked on which scene, and when."""
    task = task_of(recording, "baseline")
    together = scan(task, whole(recording))
    apart = [scan(task, part) for part in reversed(parts_of(whole(recording).scenes))]
    assert len(apart) == 4
    assert sum((result.volume for result in apart), start=Volume()) == together.volume
    tally = Tally.total(result.tallies[0] for result in apart)
    assert tally == together.tallies[0]
    assert tally.digest == together.tallies[0].digest


def test_everything_admits_more_than_vehicles(recording: Path) -> None:
    """Pedestrians are rows, too, where all tracks are watched."""
    vehicles = scan(task_of(recording, "baseline"), whole(recording))
    everything = scan(task_of(recording, "baseline", admission=Admission.everything()), whole(recording))
    assert everything.volume.rows > vehicles.volume.rows
    assert everything.tallies[0].digest != vehicles.tallies[0].digest


def test_a_rule_set_against_itself_changes_nothing(recording: Path) -> None:
    """And against a stricter one it gains, and loses nothing."""
    same = scan(task_of(recording, "baseline", "baseline"), whole(recording))
    assert same.changes == ()
    task = Task(recording, "", (stricter(3.0), stricter(4.0)), Admission(), rows=False)
    found = scan(task, whole(recording)).changes
    assert found
    assert {change.kind.value for change in found} <= {"gained", "moved"}


def test_progress_counts_every_frame(recording: Path) -> None:
    """A bar that is driven by it ends at its end."""
    steps: list[int] = []
    part = whole(recording)
    scan(task_of(recording, "baseline"), part, steps.append)
    assert sum(steps) == part.frames
    assert len(steps) > len(part.scenes)


def test_a_result_survives_the_way_to_disk(recording: Path) -> None:
    """What is kept of a run is read back as it was."""
    result = scan(task_of(recording, "baseline", "baseline"), whole(recording))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(result), type=PartResult) == result


def test_another_dataset_at_the_same_path_is_noticed(recording: Path) -> None:
    """On a cluster every machine has a copy of its own."""
    task = Task(recording, "sha256:other", (load_rule_set("baseline"),), Admission(), rows=False, check_dataset=True)
    with pytest.raises(DatasetError, match="sha256:other was meant"):
        scan(task, whole(recording))


def test_a_worker_that_lives_on_sees_the_dataset_that_took_the_place_of_another(tmp_path: Path) -> None:
    """Made anew under the same path between two runs on the same cluster, it is the one that is read."""
    path = eventful_dataset(tmp_path / "dataset.zarr", scenes=1)
    before = scan(replace(task_of(path, "baseline"), check_dataset=True), whole(path))
    shutil.rmtree(path)
    eventful_dataset(path, scenes=2)
    after = scan(replace(task_of(path, "baseline"), check_dataset=True), whole(path))
    assert (before.volume.scenes, after.volume.scenes) == (1, 2)
