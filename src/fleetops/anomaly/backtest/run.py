"""A whole backtest: parts handed out, results kept, and put together at the end."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fleetops.dataset.golden_scenes import SceneDefinition

from .compare import Change, ChangeKind
from .executors import Execute
from .parts import Part, Task, parts_of
from .report import MOST_MOMENTS, Report
from .scan import Progress
from .store import PartStore
from .tally import Tally, Volume

Collect = Callable[[bytes | None, Sequence[Change]], None]
"""Called with the rows and changes of each part, in the parts' order."""


@dataclass(frozen=True, slots=True)
class Progressing:
    """Who is told how it goes: first what an earlier run had done, then each step; both in frames."""

    resumed: Progress
    done: Progress


def run(
    task: Task,
    scenes: Sequence[SceneDefinition],
    execute: Execute,
    work: Path | None,
    progress: Progressing,
    collect: Iterable[Collect] = (),
    write: Callable[[Report], None] = lambda _: None,
) -> Report:
    """Run `task` over `scenes`.

    Args:
        work: a folder for what must outlive a kill; with None, a broken-off run begins anew.
        write: given the report while all results are still kept: where it fails, only the end is to be done again.

    Raises:
        FleetOpsError: the dataset is damaged, or those who work failed; what is done is kept.
    """
    began_s = time.monotonic()
    parts = parts_of(scenes)
    with ExitStack() as stack:
        if work is None:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleetops-backtest-"))) / "work"
        store = PartStore(work, task, parts)
        left = [part for part in parts if not store.has(part)]
        progress.resumed(sum(part.frames for part in parts) - sum(part.frames for part in left))
        rows_read = 0
        for part, result in execute(task, left, progress.done):
            store.save(part, result)
            rows_read += result.volume.rows
        report = _put_together(task, parts, store, collect, began_s, rows_read)
        write(report)
        store.clear()
    return report


def _put_together(
    task: Task, parts: Sequence[Part], store: PartStore, collect: Iterable[Collect], began_s: float, rows_read: int
) -> Report:
    volume = Volume()
    tallies: list[list[Tally]] = [[] for _ in task.rule_sets]
    counted: Counter[ChangeKind] = Counter()
    moments: list[Change] = []
    for part in parts:
        result = store.load(part)
        volume += result.volume
        for gathered, tally in zip(tallies, result.tallies, strict=True):
            gathered.append(tally)
        changes = result.changes or ()
        counted.update(change.kind for change in changes)
        moments += changes[: MOST_MOMENTS - len(moments)]
        for each in collect:
            each(result.rows, changes)
    return Report(
        dataset=task.dataset_digest,
        rule_sets=task.rule_sets,
        volume=volume,
        tallies=tuple(Tally.total(gathered) for gathered in tallies),
        changes=counted,
        moments=moments,
        seconds=time.monotonic() - began_s,
        rows_read=rows_read,
    )
