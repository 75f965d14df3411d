"""When operator-service says that it is ready; run in this process, to look inside."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from fastapi import FastAPI

from fleetops.auth.roles import Principal, Role
from fleetops.bus.admin import ensure_topics
from fleetops.operator.api.health import health
from fleetops.operator.consumer import AlertConsumer
from fleetops.operator.service import Process
from fleetops.settings import KafkaSettings, Settings

from .running import OperatorService

SOMEBODY = Principal("operator_001", "Jo", Role.VIEWER)


@pytest.fixture
def settings(database_url: str, embedded_kafka: KafkaSettings, tmp_path: Path) -> Settings:
    """A service on this test's database."""
    ensure_topics(embedded_kafka)
    return OperatorService.settings_for(tmp_path, database_url, embedded_kafka)


async def becomes_ready(process: Process, within_s: float) -> bool:
    """Whether it says so in time."""
    deadline = time.monotonic() + within_s
    while not process.ready() and time.monotonic() < deadline:  # noqa: ASYNC110 - threads of their own bring it about
        await asyncio.sleep(0.05)
    return process.ready()


async def test_it_is_not_ready_while_it_hears_of_no_anomalies(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telemetry alone will not do: a service that would open no alert says so, here and in /health."""
    process, app = Process(settings), FastAPI()
    with monkeypatch.context() as deaf:
        deaf.setattr(AlertConsumer, "connected", False)
        async with process.lifespan(app):
            assert not await becomes_ready(process, within_s=4)
            answer = await health(SOMEBODY, app.state.runtime)
            assert (answer.status, answer.kafka_connected) == ("degraded", False)
            deaf.undo()
            assert await becomes_ready(process, within_s=10)
            answer = await health(SOMEBODY, app.state.runtime)
            assert (answer.status, answer.kafka_connected) == ("healthy", True)
    assert process.failure is None
