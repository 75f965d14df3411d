"""When operator-service says that it is ready; run in this process, to look inside."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.auth.roles import Principal, Role
from fleetops.bus.admin import ensure_topics
from fleetops.db.models import OutboxCounter
from fleetops.errors import DatabaseError
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


async def test_the_place_in_the_outbox_is_known_before_anybody_is_admitted(
    settings: Settings, sessions: async_sessionmaker[AsyncSession]
) -> None:
    """Else the first console would be offered every event that there ever was, and be closed for being slow."""
    async with sessions() as db, db.begin():
        await db.execute(update(OutboxCounter).values(last_seq=41))
    process, app = Process(settings), FastAPI()
    async with process.lifespan(app):
        assert app.state.runtime.hub.last_seq == 41


async def test_a_database_that_went_away_while_starting_is_named(settings: Settings) -> None:
    """It ends with a word on what is missing, and does not serve."""
    away = settings.model_copy(
        update={
            "database_url": SecretStr("postgresql://nobody:x@127.0.0.1:1/x"),
            "operator": settings.operator.model_copy(update={"database_timeout_s": 0.5}),
        }
    )
    process, app = Process(away), FastAPI()
    with pytest.raises(DatabaseError, match="PostgreSQL"):
        async with process.lifespan(app):
            pytest.fail("it serves")
    assert isinstance(process.failure, DatabaseError)


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
