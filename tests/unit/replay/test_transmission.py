"""What a transmission sends, with a producer that only notes it, and a small dataset that is really read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.dataset.writer import Agent, Frame, Scene, write_dataset

from fleetops.replay.catalog import Catalog
from fleetops.replay.journal import SessionRecord
from fleetops.replay.producers import Producers
from fleetops.replay.request import ReplayRequest
from fleetops.replay.timeline import Mode, ticks
from fleetops.replay.transmission import Route, Transmission
from fleetops.settings import ReplaySettings

FRAMES = 20
PARTITIONS = 6
SCENE = "scene_00000"


class NotingProducer:
    """Stands in for the producer, and for the stock it is taken from."""

    def __init__(self) -> None:
        self.markers: list[tuple[str, dict[str, Any]]] = []

    def take(self) -> NotingProducer:
        """Itself."""
        return self

    def send(self, _topic: str, value: bytes, *, headers: list[tuple[str, bytes]], **_: object) -> None:
        """Note a marker."""
        kind = dict(headers)["kind"].decode()
        if kind != "telemetry":
            self.markers.append((kind, json.loads(value)))

    def poll(self, _timeout_s: float) -> None:
        """Nothing is ever acknowledged."""

    def close(self) -> None:
        """Nothing to close."""

    def facts(self, kind: str) -> list[tuple[object, ...]]:
        """What the markers of a kind say of their frame, partition by partition."""
        said = ("frame_index", "event_time", "active_agent_count", "records")
        return [tuple(marker[name] for name in said) for found, marker in self.markers if found == kind]


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """One scene, every frame of which shows another number of vehicles."""
    frames = [Frame([Agent(track_id=track, x=10.0 * track) for track in range(1, i + 2)]) for i in range(FRAMES)]
    return Catalog.open(ReplaySettings(dataset=write_dataset(tmp_path / "growing.zarr", [Scene(frames)])))


@pytest.fixture
def reader() -> Iterator[ThreadPoolExecutor]:
    """Reads ahead."""
    with ThreadPoolExecutor(1) as reader:
        yield reader


def record_of(**progress: object) -> SessionRecord:
    """A session of the scene, this far."""
    return SessionRecord.model_validate(
        {
            "session_id": "s",
            "request": ReplayRequest(scene_ids=[SCENE]),
            "dataset": "sha256:00",
            "rate_hz": 10.0,
            "started_at": datetime(2026, 11, 23, tzinfo=UTC),
            **progress,
        }
    )


@pytest.mark.parametrize("acked", [0, 6, 7, 8, FRAMES - 1])
@pytest.mark.parametrize("prepares", [True, False])
def test_a_stop_after_a_restart_ends_the_scene_with_the_last_acknowledged_frame(
    catalog: Catalog, reader: ThreadPoolExecutor, acked: int, *, prepares: bool
) -> None:
    """The end has that frame's time, agents and records, though the frame after it, of another block, was prepared."""
    spans = catalog.spans([SCENE], {})

    def transmission(record: SessionRecord) -> tuple[Transmission, NotingProducer]:
        producer = NotingProducer()
        return Transmission(Route(catalog, cast("Producers", producer), PARTITIONS, reader), record, spans), producer

    whole, undisturbed = transmission(record_of())
    for tick in ticks(spans, Mode.SEQUENTIAL, record_of().progress):
        whole.emit(tick, 10.0)
    whole.close()

    record = record_of(acked={SCENE: acked})
    after, producer = transmission(record)
    if prepares:
        after.prepare(next(ticks(spans, Mode.SEQUENTIAL, record.progress)))
    after.end_open_scenes(10.0)
    after.close()
    expected = [facts for facts in undisturbed.facts("frame_end") if facts[0] == acked]
    assert len(expected) == PARTITIONS
    assert (producer.facts("scene_end"), producer.facts("frame_end")) == (expected, [])


def test_a_stop_in_the_middle_of_a_repetition_ends_no_scene_before_what_was_acknowledged(
    tmp_path: Path, reader: ThreadPoolExecutor
) -> None:
    """Of two scenes replayed together, one is ahead and sent again: it still ends with its acknowledged frame."""
    scene = Scene([Frame([Agent(track_id=1, x=float(i))]) for i in range(FRAMES)])
    catalog = Catalog.open(ReplaySettings(dataset=write_dataset(tmp_path / "two.zarr", [scene, scene])))
    request = ReplayRequest(scene_ids=[SCENE, "scene_00001"], mode=Mode.CONCURRENT)
    spans = catalog.spans(request.scene_ids, {})
    record = record_of(request=request, acked={SCENE: 10, "scene_00001": 4})
    producer = NotingProducer()
    out = Transmission(Route(catalog, cast("Producers", producer), PARTITIONS, reader), record, spans)
    tick = next(ticks(spans, Mode.CONCURRENT, record.progress))
    out.prepare(tick)
    out.emit(tick, 10.0)
    out.end_open_scenes(10.0)
    out.close()
    ends = {(marker["scene_id"], marker["frame_index"]) for kind, marker in producer.markers if kind == "scene_end"}
    assert ends == {(SCENE, 10), ("scene_00001", 5)}
