"""What `fleetops backtest` does, between its options and `run`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from fleetops.anomaly.engine import warm_up
from fleetops.anomaly.rule_set import load_rule_set
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import scenes_of
from fleetops.dataset.reader import Dataset
from fleetops.errors import ConfigurationError

from .compare import Change
from .executors import Execute, in_processes, in_this_process, on_dask
from .parts import Task, choose, frame_count
from .report import Report, show, to_json
from .run import Progressing, run
from .store import writing

if TYPE_CHECKING:
    from .parquet import ParquetFile

_EXTRA = "install it with: pip install 'fleetops[backtest]'"


@dataclass(frozen=True, slots=True)
class BacktestOptions:
    """What was asked for on the command line."""

    dataset: Path
    rules: str
    against: str | None
    jobs: int
    scheduler: str | None
    parquet: Path | None
    json: Path | None
    admit: Literal["vehicles", "all"]
    scenes: str | None


def backtest(options: BacktestOptions, console: Console) -> None:
    """Run it, write what was asked for, and print the table.

    Raises:
        FleetOpsError: something asked for cannot be had; says what, and what to do.
    """
    execute = _executor(options)
    for path in (options.parquet, options.json):
        if path is not None and not path.parent.is_dir():
            raise ConfigurationError(f"there is no folder {path.parent} to write {path.name} into; make it first")
    # As they were parsed: what they look up later cannot be sent to other processes.
    rule_sets = tuple(load_rule_set(name) for name in (options.rules, options.against) if name is not None)
    quiet = Console(stderr=True)
    with quiet.status("opening the dataset"):
        dataset = Dataset.open(options.dataset)
        scenes = choose(scenes_of(dataset), options.scenes)
        digest = dataset.digest
    if options.scheduler is None:
        with quiet.status("getting the compiled rules ready: the first time on a machine takes some seconds"):
            for rules in rule_sets:
                warm_up(rules)
    task = Task(
        dataset=options.dataset.resolve(),
        dataset_digest=digest,
        rule_sets=tuple(replace(rules) for rules in rule_sets),
        admission=Admission.everything() if options.admit == "all" else Admission(),
        rows=options.parquet is not None,
        check_dataset=options.scheduler is not None,
    )
    output = options.json or options.parquet
    work = None if output is None else output.with_name(f"{output.name}.work")
    files = _ParquetFiles(options.parquet, task) if options.parquet is not None else None
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=quiet
    ) as bar:
        doing = bar.add_task("frames", total=frame_count(scenes))
        telling = Progressing(
            resumed=lambda frames: bar.update(doing, completed=frames),
            done=lambda frames: bar.update(doing, advance=frames),
        )
        report = run(
            task,
            scenes,
            execute,
            work,
            telling,
            [] if files is None else [files.add],
            lambda report: _write(report, options.json, files),
        )
    show(report, console)


def _write(report: Report, path: Path | None, files: _ParquetFiles | None) -> None:
    with writing():
        if files is not None:
            files.complete()
        if path is not None:
            fresh = path.with_name(f".{path.name}.new")
            fresh.write_text(json.dumps(to_json(report), indent=2) + "\n")
            fresh.replace(path)


def changes_path(parquet: Path) -> Path:
    """Where the changes go, beside the anomalies."""
    return parquet.with_name(f"{parquet.stem}.changes{parquet.suffix}")


def _executor(options: BacktestOptions) -> Execute:
    if options.parquet is not None:
        _require("pyarrow", "--parquet")
    if options.scheduler is not None:
        if options.jobs > 1:
            raise ConfigurationError("--jobs and --scheduler exclude each other: a scheduler knows its own workers")
        _require("distributed", "--scheduler")
        return on_dask(options.scheduler)
    return in_processes(options.jobs) if options.jobs > 1 else in_this_process


def _require(module: str, option: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise ConfigurationError(f"{option} needs {module}, which is not installed; {_EXTRA}")


class _ParquetFiles:
    """The anomalies, and the changes where two rule sets are compared. Opened when the first rows come."""

    def __init__(self, path: Path, task: Task) -> None:
        self._path, self._task = path, task
        self._anomalies: ParquetFile | None = None
        self._changes: ParquetFile | None = None

    def add(self, rows: bytes | None, changes: Sequence[Change]) -> None:
        """Append what a part brought."""
        with writing():
            if self._anomalies is None:
                self._open()
            if self._anomalies is not None and rows is not None:
                self._anomalies.add_packed(rows)
            if self._changes is not None:
                self._changes.add_changes(changes)

    def complete(self) -> None:
        """Give the files their names."""
        for file in (self._anomalies, self._changes):
            if file is not None:
                file.complete()

    def _open(self) -> None:
        from .parquet import ANOMALIES, CHANGES, ParquetFile  # noqa: PLC0415 - pyarrow is an extra

        facts = {"dataset": self._task.dataset_digest, "rule_set": self._task.rule_sets[0].identity}
        self._anomalies = ParquetFile(self._path, ANOMALIES, facts)
        if len(self._task.rule_sets) > 1:
            facts["against"] = self._task.rule_sets[1].identity
            self._changes = ParquetFile(changes_path(self._path), CHANGES, facts)
