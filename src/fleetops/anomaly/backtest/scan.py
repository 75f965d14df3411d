"""One process' share: scenes in, figures and findings out, block by block in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from pathlib import Path

import msgspec

import fleetops
from fleetops.anomaly.columns import scene_items
from fleetops.anomaly.engine import Engine, compiled_advance
from fleetops.anomaly.evidence import SceneKey
from fleetops.dataset.block import FrameBlock
from fleetops.dataset.columns import TelemetryColumns
from fleetops.dataset.golden_scenes import SceneDefinition
from fleetops.dataset.normalize import Admission, Carry, normalize
from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError

from .compare import Change, changes
from .parts import Part, Task
from .tally import Tally, Volume
from .told import Told, told_by

Progress = Callable[[int], None]
"""Called with the frames done since the last call."""

_SESSION = "backtest"
_ROWS = 16_384
"""Agents worked on at once: what fits into a processor's cache goes fastest."""

_CACHE_BYTES = 8 << 20
"""Decompressed chunks kept: scenes come in order, so no chunk is wanted again later."""

_FIRST_FRAMES = 8
_MOST_FRAMES = 1_024


class PartResult(msgspec.Struct, frozen=True):
    """What came of a part.

    Attributes:
        code: digest of the code that made it; results of other code are not comparable.
        tallies: one per rule set.
        changes: from the second rule set to the first; None when there is one.
        rows: the first rule set's anomalies as an Arrow stream; None when nobody asked.
    """

    code: str
    volume: Volume
    tallies: tuple[Tally, ...]
    changes: tuple[Change, ...] | None
    rows: bytes | None


@cache
def code_digest() -> str:
    """Digest of everything of ours that a finding depends on."""
    root = Path(fleetops.__file__).parent
    digest = hashlib.sha256()
    for room in ("anomaly", "contracts", "dataset"):
        for module in sorted((root / room).rglob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()


def scan(task: Task, part: Part, progress: Progress = lambda frames: None) -> PartResult:
    """Run the rule sets of `task` over the scenes of `part`.

    Raises:
        DatasetError: part of it is damaged, or it is not the dataset that was meant.
    """
    dataset = opened(task.dataset)
    if task.check_dataset and dataset.digest != task.dataset_digest:
        opened.cache_clear()  # a cluster's worker lives long: it may have opened what lay there before
        dataset = opened(task.dataset)
    if task.check_dataset and dataset.digest != task.dataset_digest:
        raise DatasetError(
            f"{task.dataset} on this machine has the digest {dataset.digest}, and {task.dataset_digest} was meant: "
            "every worker needs the same dataset at the same path"
        )
    engines = [Engine[SceneKey](rules, rules.history_frames, compiled_advance) for rules in task.rule_sets]
    volume, tallies = Volume(), tuple(Tally() for _ in engines)
    differences: list[Change] = []
    first_told: list[Told] = []
    for scene in part.scenes:
        read, told = _scan_scene(task, dataset, scene, engines, progress)
        volume += read
        tallies = tuple(
            Tally.total((tally, Tally.of_scene(scene.scene_id, found)))
            for tally, found in zip(tallies, told, strict=True)
        )
        if len(told) > 1:
            differences += changes(scene.scene_id, *told)
        if task.rows:
            first_told += told[0]
    rows = None
    if task.rows:
        from .parquet import packed  # noqa: PLC0415 - pyarrow is an extra

        rows = packed(first_told)
    return PartResult(code_digest(), volume, tallies, tuple(differences) if len(engines) > 1 else None, rows)


def _scan_scene(
    task: Task,
    dataset: Dataset,
    scene: SceneDefinition,
    engines: Sequence[Engine[SceneKey]],
    progress: Progress,
) -> tuple[Volume, list[list[Told]]]:
    told: list[list[Told]] = [[] for _ in engines]
    key = SceneKey(_SESSION, scene.scene_id)
    rows = 0
    for columns in telemetry(dataset, scene, task.admission):
        ends = int(columns.frames[-1]) + 1 == scene.end_frame
        rows += len(columns)
        for engine, rules, found in zip(engines, task.rule_sets, told, strict=True):
            items = scene_items(columns, engine, key, ends=ends, start_frame=scene.start_frame)
            detected, verdicts = engine.feed(items)
            if verdicts.any():
                raise AssertionError(f"the detector refused rows of {scene.scene_id}, which came in order")
            features = task.rows and found is told[0]
            found += [told_by(each, rules, features=features) for each in detected]
        progress(len(columns.frames))
    return Volume(1, scene.end_frame - scene.start_frame, rows), told


def telemetry(dataset: Dataset, scene: SceneDefinition, admission: Admission) -> Iterator[TelemetryColumns]:
    """A scene's telemetry, block by block."""
    carry: Carry | None = None
    for block in blocks(dataset, scene):
        columns, carry = normalize(block, carry, admission, None)
        yield columns


def blocks(dataset: Dataset, scene: SceneDefinition) -> Iterator[FrameBlock]:
    """A scene in blocks of about `_ROWS` agents."""
    start, frames = scene.start_frame, _FIRST_FRAMES
    while start < scene.end_frame:
        block = dataset.block(scene.zarr_scene_index, start, min(start + frames, scene.end_frame))
        yield block
        start = block.end
        per_frame = max(1, len(block.agents) // len(block.frames))
        frames = max(1, min(_ROWS // per_frame, _MOST_FRAMES))


@lru_cache(maxsize=1)
def opened(path: Path) -> Dataset:
    """The dataset at `path`, opened once per process."""
    return Dataset.open(path, _CACHE_BYTES)
