"""What is kept of a run that was broken off: whole results of this very run, and nothing else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from fleetops.anomaly.backtest.parts import Part, Task
from fleetops.anomaly.backtest.scan import PartResult
from fleetops.anomaly.backtest.store import PartStore
from fleetops.anomaly.backtest.tally import Tally, Volume
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.contracts.vocabulary import AnomalyType, Severity
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import SceneDefinition
from fleetops.errors import ConfigurationError

PARTS = [Part(number, (SceneDefinition(f"scene_{number:05}", number, 0, 250, ""),)) for number in range(3)]
TASK = Task(Path("some.zarr"), "sha256:some", (load_rule_set("baseline"),), Admission(), rows=False)
RESULT = PartResult(
    "code",
    Volume(1, 250, 1000),
    (Tally({(AnomalyType.DROPOUT_PROXY, Severity.INFO): 3}, {"rule": 3}, {Severity.INFO: 2}, {"scene_00000": "ab"}),),
    None,
    b"rows",
)


def test_results_outlive_the_run(tmp_path: Path) -> None:
    """Whoever comes after finds what is done, and what is left."""
    PartStore(tmp_path / "work", TASK, PARTS).save(PARTS[1], RESULT)
    after = PartStore(tmp_path / "work", TASK, PARTS)
    assert [after.has(part) for part in PARTS] == [False, True, False]
    assert after.load(PARTS[1]) == RESULT


@pytest.mark.parametrize(
    "other",
    [
        replace(TASK, dataset_digest="sha256:other"),
        replace(TASK, rule_sets=TASK.rule_sets * 2),
        replace(TASK, admission=Admission.everything()),
        replace(TASK, rows=True),
    ],
    ids=["dataset", "rules", "admission", "rows"],
)
def test_another_run_begins_anew(tmp_path: Path, other: Task) -> None:
    """Results of other data, rules or tracks would be lies."""
    PartStore(tmp_path / "work", TASK, PARTS).save(PARTS[1], RESULT)
    assert not PartStore(tmp_path / "work", other, PARTS).has(PARTS[1])


def test_a_half_written_result_is_none(tmp_path: Path) -> None:
    """A kill while writing leaves a file that nobody reads."""
    store = PartStore(tmp_path / "work", TASK, PARTS)
    (tmp_path / "work" / "part-00001.new").write_bytes(b"hal")
    assert not store.has(PARTS[1])


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """Nothing is deleted that no backtest made."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years of it")
    with pytest.raises(ConfigurationError, match="holds something else"):
        PartStore(tmp_path / "work", TASK, PARTS)
    assert (tmp_path / "work" / "thesis.txt").exists()


def test_when_all_is_done_nothing_stays(tmp_path: Path) -> None:
    """The folder goes."""
    PartStore(tmp_path / "work", TASK, PARTS).clear()
    assert list(tmp_path.iterdir()) == []


def test_killed_while_it_forgets_it_still_knows_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder's mark goes last, whatever order the system deletes in: the next run is not turned away."""
    store = PartStore(tmp_path / "work", TASK, PARTS)
    store.save(PARTS[1], RESULT)

    def killed(folder: Path) -> None:
        (folder / "run.json").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        store.clear()
    PartStore(tmp_path / "work", TASK, PARTS)
