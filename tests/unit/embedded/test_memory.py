"""The embedded broker never frees memory: the demo says what it will take, and refuses too much."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.console import Console
from tests.unit.dataset.writer import Agent, Frame, Scene, write_dataset

from fleetops.dataset.reader import Dataset
from fleetops.embedded import demo, memory
from fleetops.embedded.screen import Lines
from fleetops.embedded.stop import StopRequest
from fleetops.errors import ConfigurationError
from fleetops.settings import KafkaSettings, ReplaySettings, Settings

ROWS = (12, 6, 4, 4)  # of the scenes below, the ego's included
BYTES = memory.MESSAGE_BYTES


@pytest.fixture
def zarr(tmp_path: Path) -> Path:
    """Four scenes of different sizes."""
    frames = [[Frame([Agent()] * 2)] * 4, [Frame([Agent()])] * 3, [Frame([Agent()])] * 2, [Frame()] * 4]
    return write_dataset(tmp_path / "four.zarr", [Scene(each) for each in frames])


def _options(scenes: int) -> demo.DemoOptions:
    return demo.DemoOptions(session_id="session_1", scenes=scenes, open_browser=False, exit_when_done=True)


def test_what_is_expected_is_the_rows_of_the_chosen_scenes(zarr: Path) -> None:
    """Every agent of every frame and the ego in each count, of the first scenes and of no other."""
    dataset = Dataset.open(zarr)
    assert tuple(memory.telemetry_rows(dataset, index) for index in range(4)) == ROWS
    assert memory.expected_bytes(dataset, 2, 10**9) == sum(ROWS[:2]) * BYTES


def test_more_than_half_of_the_machine_is_refused_with_what_fits(zarr: Path) -> None:
    """The number of scenes that fit is named, and the way around the embedded broker."""
    dataset = Dataset.open(zarr)
    half = sum(ROWS[:3]) * BYTES
    assert memory.expected_bytes(dataset, 3, 2 * half) == half
    with pytest.raises(ConfigurationError, match=r"scene 4 of 4 .*\(--scenes 3\).*FLEETOPS_KAFKA__BOOTSTRAP_SERVERS"):
        memory.expected_bytes(dataset, 4, 2 * half)
    with pytest.raises(ConfigurationError, match=r"1 MB\. Use a Kafka cluster"):
        memory.expected_bytes(dataset, 1, BYTES)


def test_the_demo_refuses_before_anything_starts(zarr: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too much for the embedded broker ends the demo in words; a cluster of one's own takes it."""
    monkeypatch.setattr(memory, "machine_memory", lambda: 2 * BYTES)
    settings = Settings(data_dir=tmp_path / "data", replay=ReplaySettings(dataset=zarr))
    with pytest.raises(ConfigurationError, match="memory"):
        demo.run(settings, _options(1), Console(file=io.StringIO()))
    assert not (tmp_path / "data").exists()
    own = settings.model_copy(update={"kafka": KafkaSettings(bootstrap_servers="localhost:9092")})
    said = io.StringIO()
    demo._require_dataset(own, 3, Console(file=said, width=400))
    assert "the first 3 of 4 scenes" in said.getvalue()
    assert "memory" not in said.getvalue()


def test_the_first_scenes_alone_are_replayed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all that the dataset holds, the session has as many as were asked for, and that is said."""
    said = io.StringIO()
    settings = Settings(data_dir=tmp_path, service_token=SecretStr("x" * 40))
    running = demo.Demo(settings, _options(2), StopRequest(), Lines(Console(file=said, width=200)))
    asked: list[list[str]] = []
    monkeypatch.setattr(running._replay, "scenes", lambda: ["scene_00000", "scene_00001", "scene_00002"])
    monkeypatch.setattr(running._replay, "start", lambda _, scene_ids, __: asked.append(scene_ids))
    monkeypatch.setattr(running._replay, "status", lambda _: None)
    running._start_session()
    assert asked == [["scene_00000", "scene_00001"]]
    assert "replaying the first 2 of 3 scenes at 10 Hz" in said.getvalue()
    running.close()
