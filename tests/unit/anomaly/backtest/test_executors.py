"""How much is handed out to a cluster at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import distributed
import pytest

from fleetops.anomaly.backtest.executors import on_dask
from fleetops.anomaly.backtest.parts import Part, Task
from fleetops.anomaly.backtest.scan import PartResult, code_digest
from fleetops.anomaly.backtest.tally import Volume
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import SceneDefinition

PARTS = [Part(number, (SceneDefinition(f"scene_{number:05}", number, 0, 250, ""),)) for number in range(40)]


class Done:
    """A part that was worked on the moment it was handed out."""

    def __init__(self, key: str) -> None:
        self.key = key

    def result(self) -> PartResult:
        """What came of it."""
        return PartResult(code_digest(), Volume(1, 250, 1000), (), None, None)

    def release(self) -> None:
        """Nothing is held."""


class Cluster:
    """Stands in for Dask's client: one thread first, nine from the third result on; remembers what was in flight."""

    loop = None

    def __init__(self) -> None:
        self.flying: list[Done] = []
        self.most = 0
        self.handed_out = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        pass

    def wait_for_workers(self, _count: int, timeout: float) -> None:
        """The first one is there."""

    def nthreads(self) -> dict[str, int]:
        """Of each worker there is."""
        done = self.handed_out - len(self.flying)
        return {"first": 1} if done < 3 else {"first": 1, "second": 4, "third": 4}

    def submit(self, *_: object, pure: bool) -> Done:
        """Hand something out."""
        self.handed_out += 1
        return Done(f"{self.handed_out}")

    def add(self, future: Done) -> None:
        """Have it given back, too."""
        self.flying.append(future)
        self.most = max(self.most, len(self.flying))

    def __iter__(self) -> Iterator[Done]:
        while self.flying:
            yield self.flying.pop(0)


def test_workers_that_come_while_a_run_lasts_get_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts for each thread that is there now, and not for each that was there first; every part once."""
    cluster = Cluster()
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: cluster)
    monkeypatch.setattr(distributed, "as_completed", lambda **_: cluster)
    task = Task(Path("some.zarr"), "sha256:some", (), Admission(), rows=False)
    done: list[int] = []
    for part, _ in on_dask("tcp://scheduler")(task, PARTS, lambda _: None):
        if len(done) < 2:
            assert cluster.most == 2
        done.append(part.number)
    assert sorted(done) == list(range(40))
    assert cluster.most == 18
