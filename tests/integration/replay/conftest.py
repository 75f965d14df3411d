"""A small dataset, and a service on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.replay.harness import ReplayService, busy_scene, running, settings_for
from tests.unit.dataset.writer import write_dataset

from fleetops.settings import KafkaSettings


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three scenes of 40, 25 and 200 frames."""
    path = tmp_path_factory.mktemp("dataset") / "small.zarr"
    return write_dataset(path, [busy_scene(40), busy_scene(25, vehicles=8), busy_scene(200)], agents_per_chunk=100)


@pytest.fixture(scope="module")
def service(broker: KafkaSettings, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplayService]:
    """replay-service as a process of its own."""
    with running(settings_for(broker, dataset, tmp_path_factory.mktemp("replay"))) as service:
        yield service
