"""A whole run: results are kept until they are written where they were asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.anomaly.backtest.traffic import eventful_dataset

from fleetops.anomaly.backtest import scan as scanning
from fleetops.anomaly.backtest.executors import in_this_process
from fleetops.anomaly.backtest.parts import Task
from fleetops.anomaly.backtest.report import Report
from fleetops.anomaly.backtest.run import Progressing, run
from fleetops.anomaly.backtest.store import writing
from fleetops.anomaly.detector import advance
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import scenes_of
from fleetops.dataset.reader import Dataset
from fleetops.errors import BacktestError


def test_where_the_report_cannot_be_written_nothing_is_worked_on_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the very end costs the end alone."""
    monkeypatch.setattr(scanning, "compiled_advance", advance)
    dataset = Dataset.open(eventful_dataset(tmp_path / "dataset.zarr", scenes=2))
    task = Task(dataset.path, dataset.digest, (load_rule_set("baseline"),), Admission(), rows=False)
    work, nobody = tmp_path / "out.json.work", Progressing(lambda _: None, lambda _: None)

    def full(_: Report) -> None:
        with writing():
            raise OSError(28, "No space left on device")

    with pytest.raises(BacktestError, match="make room"):
        run(task, scenes_of(dataset), in_this_process, work, nobody, write=full)
    written: list[Report] = []
    report = run(task, scenes_of(dataset), in_this_process, work, nobody, write=written.append)
    assert written == [report]
    assert report.volume.rows > 0
    assert report.rows_read == 0
    assert not work.exists()
