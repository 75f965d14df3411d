"""Sessions whose transmissions are under a test's control."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.replay.wire import Make, SmallCatalog, Wire

from fleetops.replay import performer as performer_module
from fleetops.replay.catalog import Catalog
from fleetops.replay.journal import Journal
from fleetops.replay.metrics import ReplayMetrics
from fleetops.replay.office import Office
from fleetops.replay.producers import Producers
from fleetops.replay.sessions import Sessions
from fleetops.replay.transmission import Route
from fleetops.settings import KafkaSettings


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Sessions send here."""
    wire = Wire()
    monkeypatch.setattr(performer_module, "Transmission", wire.transmission)
    monkeypatch.setattr(performer_module, "_FIRST_BACKOFF_S", 0.01)
    return wire


@pytest.fixture
def make(tmp_path: Path, wire: Wire) -> Iterator[Make]:
    """Makes services on the same data directory; all threads are gone afterwards."""
    with ThreadPoolExecutor(1) as scribe, ThreadPoolExecutor(1) as reader:
        made: list[Sessions] = []

        def make(**office: Any) -> Sessions:
            route = Route(cast("Catalog", SmallCatalog()), Producers(KafkaSettings()), 6, reader)
            where = replace(Office(Journal(tmp_path), scribe, ReplayMetrics(), 600.0), **office)
            made.append(Sessions(route, where, 10.0))
            return made[-1]

        yield make
        for sessions in made:
            sessions.suspend()
