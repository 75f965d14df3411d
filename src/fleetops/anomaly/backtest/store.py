"""What is kept of a run while it goes on: the result of each part, in a folder, until the whole is done.

A result is there in full or not at all. Results of anything else than this very run (other
data, rules, code, scenes) are thrown away.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from fleetops.errors import BacktestError, ConfigurationError

from .parts import Part, Task
from .scan import PartResult, code_digest

_KEY = "run.json"


@contextmanager
def writing() -> Iterator[None]:
    """For whatever puts results on disk.

    Raises:
        BacktestError: it cannot be written, for example because the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise BacktestError(
            f"a result cannot be written ({error}); make room, and run the same command again: "
            "with --json or --parquet it goes on with what is done"
        ) from error


class PartStore:
    """Results of parts in `folder`, which belongs to this store alone.

    Raises:
        ConfigurationError: the folder holds what no backtest put there.
    """

    def __init__(self, folder: Path, task: Task, parts: list[Part]) -> None:
        self._folder = folder
        self._key = folder / _KEY
        wanted = run_key(task, parts)
        if self._key.is_file() and self._key.read_text() != wanted:
            self.clear()
        elif not self._key.is_file() and folder.exists() and any(folder.iterdir()):
            raise ConfigurationError(
                f"{folder} is where a backtest keeps its work, but holds something else: move it, or write elsewhere"
            )
        folder.mkdir(parents=True, exist_ok=True)
        self._key.write_text(wanted)

    def has(self, part: Part) -> bool:
        """Whether the result of `part` is there."""
        return self._path(part).is_file()

    def save(self, part: Part, result: PartResult) -> None:
        """Keep the result of `part`.

        Raises:
            BacktestError: it cannot be written.
        """
        fresh = self._path(part).with_suffix(".new")
        with writing():
            with fresh.open("wb") as file:
                file.write(msgspec.msgpack.encode(result))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path(part))

    def load(self, part: Part) -> PartResult:
        """The result of `part`, which is there."""
        return msgspec.msgpack.decode(self._path(part).read_bytes(), type=PartResult)

    def clear(self) -> None:
        """Forget everything: the whole is done, or it is of another run."""
        for path in self._folder.iterdir():
            if path != self._key:  # last: a kill in between must not leave what nobody knows for a backtest's
                path.unlink()
        shutil.rmtree(self._folder)

    def _path(self, part: Part) -> Path:
        return self._folder / f"part-{part.number:05}.msgpack"


def run_key(task: Task, parts: list[Part]) -> str:
    """What a run is: two that share it have the same results."""
    scenes = [
        [scene.scene_id, scene.zarr_scene_index, scene.start_frame, scene.end_frame]
        for part in parts
        for scene in part.scenes
    ]
    classes = task.admission.classes
    return json.dumps(
        {
            "code": code_digest(),
            "dataset": task.dataset_digest,
            "rule_sets": [rules.identity for rules in task.rule_sets],
            "admission": [None if classes is None else sorted(classes), task.admission.min_probability],
            "rows": task.rows,
            "scenes": hashlib.sha256(json.dumps(scenes).encode()).hexdigest(),
        },
        indent=2,
    )
