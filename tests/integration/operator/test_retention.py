"""Pruning lets go of what is old and over; what is live stays, and the audit chain still holds."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.operator.stories import DELAYS, Sessions, anomaly, deliver, do, tick
from typer.testing import CliRunner

from fleetops.cli import app
from fleetops.contracts import ids
from fleetops.contracts.vocabulary import ActionType, AnomalyStatus
from fleetops.db.audit import AuditRow
from fleetops.db.base import Base
from fleetops.db.engine import create_engine, session_factory
from fleetops.db.models import (
    ActionRecord,
    Alert,
    AnomalyRecord,
    Disposition,
    Incident,
    Intervention,
    OutboxRow,
    SceneReplay,
)  # fmt: skip
from fleetops.db.noise import Silence
from fleetops.db.transaction import transact
from fleetops.errors import AuditFaultError, ConfigurationError
from fleetops.operator import audit_commands, silences, webhooks
from fleetops.operator.audit_reading import verify
from fleetops.operator.audit_sealing import seal
from fleetops.operator.outbox import events_reach, last_seq
from fleetops.operator.relay import stamp
from fleetops.operator.retention import HANG_ON_ALERTS, prune_audit, prune_some
from fleetops.operator.retention_commands import anomalies_before, parse_age, prune
from fleetops.operator.scenes import SceneKey, end_scene
from fleetops.settings import KafkaSettings, Settings

SCRIPT = Path(__file__).parents[3] / "docs" / "examples" / "verify_audit_export.py"
TODAY = datetime.now(UTC)
LONG_AGO = TODAY - timedelta(days=100)
TABLES = (Alert, AnomalyRecord, Incident, ActionRecord, Intervention, OutboxRow, Silence, SceneReplay)


def in_loop(settings: Settings, story: Callable[[AsyncEngine, Sessions], Awaitable[None]]) -> None:
    """Tell part of a story from outside of any loop, as commands are run."""

    async def run() -> None:
        engine = create_engine(settings, "test")
        try:
            await story(engine, session_factory(engine))
        finally:
            await engine.dispose()

    asyncio.run(run())


async def years_of_work(engine: AsyncEngine, sessions: Sessions) -> None:
    """One car long ago, resolved; one long ago whose alert still stands; one of today, resolved.

    And one that was pulled over long ago and stands there still.
    """
    old, standing, recent, parked = (ids.vehicle_id("scene_001", track) for track in range(4))
    for car in (old, standing, parked):
        await deliver(sessions, anomaly(1, vehicle=car, at=LONG_AGO), now=LONG_AGO)
    async with sessions() as db:
        alert = {row.vehicle_id: row.alert_id for row in await db.scalars(select(Alert))}
    await do(sessions, ActionType.ACKNOWLEDGE, alert[old], now=LONG_AGO)
    await do(sessions, ActionType.PULL_OVER_SIMULATED, alert[parked], now=LONG_AGO)
    await tick(sessions, LONG_AGO + DELAYS.pull_over)
    over = anomaly(2, vehicle=old, status=AnomalyStatus.CLEARED, at=LONG_AGO)
    await deliver(sessions, over, now=LONG_AGO)
    await tick(sessions, LONG_AGO + DELAYS.resolve)
    gone = silences.Wish("long over", LONG_AGO + timedelta(hours=1), vehicle_id="nobody")
    await transact(sessions, lambda db: silences.create(db, gone, uuid4(), "boss", LONG_AGO))
    await transact(sessions, lambda db: silences.expire(db, LONG_AGO + timedelta(hours=1)))
    await deliver(sessions, anomaly(1, vehicle=recent, at=TODAY), now=TODAY)
    async with sessions() as db:
        newest = (await db.scalars(select(Alert.alert_id).where(Alert.vehicle_id == recent))).one()
    await do(sessions, ActionType.RESOLVE, newest, now=TODAY, disposition=Disposition.TRUE)
    await received_long_ago(sessions)
    await settled(engine, sessions)


async def received_long_ago(sessions: Sessions) -> None:
    """The database's own clock cannot be told a time."""
    async with sessions() as db, db.begin():
        await db.execute(text("UPDATE anomalies SET received_at = processing_time"))


async def settled(engine: AsyncEngine, sessions: Sessions) -> None:
    """The relay has numbered, published and sealed everything."""
    async with engine.connect() as connection:
        while await stamp(connection):
            pass
        while await seal(connection):
            pass
    async with sessions() as db, db.begin():
        await db.execute(text("UPDATE outbox SET published_at = now() WHERE topic IS NOT NULL"))


async def counts(sessions: Sessions) -> dict[str, int]:
    """Rows of each table."""
    async with sessions() as db:
        return {
            table.__tablename__: await db.scalar(select(func.count()).select_from(table)) or 0
            for table in (*TABLES, AuditRow)
        }


def test_old_and_over_goes_and_all_else_stays(
    database_settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the row: the old resolved alert with its history; not what stands, runs, or is of today. Twice is once."""

    async def begin(engine: AsyncEngine, sessions: Sessions) -> None:
        await years_of_work(engine, sessions)
        before.update(await counts(sessions))

    async def check(_: AsyncEngine, sessions: Sessions) -> None:
        after.update(await counts(sessions))
        async with sessions() as db:
            assert {alert.vehicle_id[-1] for alert in await db.scalars(select(Alert))} == {"1", "2", "3"}
            assert len((await db.scalars(select(Intervention).where(Intervention.ended_at.is_(None)))).all()) == 1
            assert await events_reach(db, await last_seq(db))
            assert not await events_reach(db, 0)
            assert await db.scalar(select(func.min(OutboxRow.created_at))) == TODAY

    before: dict[str, int] = {}
    after: dict[str, int] = {}
    in_loop(database_settings, begin)
    monkeypatch.setenv("FLEETOPS_DATABASE_URL", database_url)
    command = ["db", "prune", "--older-than", "90d", "--dry-run", "--keep-audit"]
    would = CliRunner().invoke(app, command).stdout.rstrip("\n")
    did = prune(database_settings, "90d", dry_run=False, keep_audit=True)
    assert did.replace("gone,", "would go,") == would
    in_loop(database_settings, check)
    gone = {table: before[table] - after[table] for table in before if before[table] != after[table]}
    assert gone.pop("outbox") > 5
    # The pull-over's own anomaly stays with its alert; a note of what went is one more entry.
    assert gone == {
        "alerts": 1, "anomalies": 2, "incident_history": 1, "operator_actions": 1, "silences": 1, "audit_log": -1,
    }  # fmt: skip
    assert "1 alerts" in did
    again = prune(database_settings, "90d", dry_run=False, keep_audit=True)
    assert [line.split()[0] for line in again.splitlines()[1:]] == ["0"] * 9


def test_the_audit_chain_holds_behind_its_anchor(database_settings: Settings, tmp_path: Path) -> None:
    """Entries before the cutoff go in one piece; what is left verifies, also exported, and after a second pruning."""
    anchors: list[int] = []

    async def begin(engine: AsyncEngine, sessions: Sessions) -> None:
        await years_of_work(engine, sessions)

    async def look(engine: AsyncEngine, sessions: Sessions) -> None:
        tomorrow = TODAY + timedelta(days=1)
        for again in (False, True):
            if again:
                assert (await transact(sessions, lambda db: prune_audit(db, tomorrow, tomorrow))).audit_entries > 3
            await settled(engine, sessions)
            verdict = await transact(sessions, verify)
            assert verdict.fault is None
            anchors.append(verdict.anchor.number)
            async with sessions() as db:
                assert await db.scalar(select(func.min(AuditRow.number))) == verdict.anchor.number + 1
                assert (await db.scalars(select(AuditRow.who).where(AuditRow.what == "audit.pruned"))).one() == "system"

    in_loop(database_settings, begin)
    assert "audit entries" in prune(database_settings, "90d", dry_run=False, keep_audit=False)
    in_loop(database_settings, look)
    assert 5 < anchors[0] < anchors[1]
    exported, said = tmp_path / "log.jsonl", audit_commands.verify(database_settings, None)
    audit_commands.export(database_settings, exported, "jsonl", None, None)
    command = [sys.executable, "-I", str(SCRIPT), str(exported), said.rsplit(" ", 1)[1]]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, f"head: {checked.stdout.strip()}") == (0, said.splitlines()[1])


def test_a_log_that_was_tampered_with_is_not_pruned(database_settings: Settings) -> None:
    """Pruning would hide it; with the log kept, all else may go."""

    async def begin(engine: AsyncEngine, sessions: Sessions) -> None:
        await years_of_work(engine, sessions)
        async with engine.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(text("UPDATE audit_log SET who = 'nobody' WHERE number = 2"))

    in_loop(database_settings, begin)
    with pytest.raises(AuditFaultError, match=r"entry 2 .* Pruning would hide that"):
        prune(database_settings, "90d", dry_run=False, keep_audit=False)
    assert "1 alerts" in prune(database_settings, "90d", dry_run=False, keep_audit=True)


def test_what_a_webhook_or_kafka_has_not_got_stays(database_settings: Settings) -> None:
    """The outbox is let go up to the first event that somebody still waits for."""
    webhook_id = uuid4()

    async def begin(engine: AsyncEngine, sessions: Sessions) -> None:
        async def subscribe(db: object) -> object:
            return await webhooks.create(
                db,  # type: ignore[arg-type]  # a session, which transact gives
                webhook_id, url="https://example.com/", description="", events=[], by="boss", now=LONG_AGO,
            )  # fmt: skip

        await transact(sessions, subscribe)
        await years_of_work(engine, sessions)

    async def count_kept(_: AsyncEngine, sessions: Sessions) -> None:
        kept.append((await counts(sessions))["outbox"])

    async def take(sessions: Sessions, seq: int) -> None:
        async with sessions() as db:
            (due,) = await webhooks.due(db, TODAY)
        await transact(sessions, lambda db: webhooks.delivered(db, due, seq, LONG_AGO))

    async def taken(_: AsyncEngine, sessions: Sessions) -> None:
        await take(sessions, 3)

    async def one_unpublished(_: AsyncEngine, sessions: Sessions) -> None:
        await take(sessions, 10_000)
        async with sessions() as db, db.begin():
            await db.execute(text("UPDATE outbox SET published_at = NULL WHERE seq = 5"))

    kept: list[int] = []
    for step in (begin, taken, one_unpublished):
        in_loop(database_settings, step)
        prune(database_settings, "90d", dry_run=False, keep_audit=True)
        in_loop(database_settings, count_kept)
    assert kept[0] - kept[1] == 3
    assert kept[1] - kept[2] in {0, 1}


def test_anomalies_that_kafka_may_send_again_stay(database_settings: Settings) -> None:
    """Their ids are what makes a repetition harmless."""

    async def begin(engine: AsyncEngine, sessions: Sessions) -> None:
        await years_of_work(engine, sessions)

    async def look(_: AsyncEngine, sessions: Sessions) -> None:
        found = await counts(sessions)
        assert (found["anomalies"], found["alerts"]) == (5, 3)
        await deliver(sessions, anomaly(1, vehicle=ids.vehicle_id("scene_001", 0), at=LONG_AGO), now=TODAY)
        assert (await counts(sessions))["alerts"] == 3

    in_loop(database_settings, begin)
    for_ever = database_settings.model_copy(update={"kafka": KafkaSettings(retention_ms=-1)})
    assert "Kafka keeps them for ever" in prune(for_ever, "90d", dry_run=False, keep_audit=True)
    in_loop(database_settings, look)


async def test_a_replay_goes_once_a_newer_one_of_its_scene_is_known(sessions: Sessions) -> None:
    """It is what tells a straggler of it from the news of a new one."""
    for session, at in (("session_a", LONG_AGO), ("session_b", LONG_AGO + timedelta(hours=1))):
        await deliver(sessions, anomaly(1, session=session, at=at), now=at)
        key = SceneKey("scene_001", session)
        await transact(sessions, lambda db, key=key, at=at: end_scene(db, key, at, DELAYS))  # type: ignore[misc]  # mypy infers no lambda with defaults
    await tick(sessions, LONG_AGO + timedelta(hours=2))
    await received_long_ago(sessions)
    pruned = await transact(sessions, lambda db: prune_some(db, TODAY, TODAY))
    assert (pruned.alerts, pruned.scene_replays) == (2, 1)
    assert (await counts(sessions))["scene_replays"] == 1


def test_all_that_hangs_on_alerts_is_known() -> None:
    """A table with a foreign key to alerts that pruning forgot would stop it."""
    hanging = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "alerts"
    }
    assert hanging == set(HANG_ON_ALERTS)


@pytest.mark.parametrize(("age", "hours"), [("12h", 12), ("90d", 2160), ("8w", 1344)])
def test_ages(age: str, hours: int) -> None:
    """Hours, days and weeks."""
    assert parse_age(age) == timedelta(hours=hours)


@pytest.mark.parametrize("age", ["", "90", "d", "-1d", "0d", "1.5d", "90 d", "1y", "9999999d"])
def test_no_ages(age: str) -> None:
    """Anything else is refused, with what was expected."""
    with pytest.raises(ConfigurationError, match="like 12h, 90d or 8w"):
        parse_age(age)


@pytest.mark.parametrize(
    ("age_days", "kept_in_kafka_days", "expected_days"), [(90, 7, 90), (10, 7, 15), (1, 30, 38), (90, -1, None)]
)
def test_anomalies_outlive_the_segments_that_hold_them(
    age_days: int, kept_in_kafka_days: int, expected_days: int | None
) -> None:
    """A record stays until the last one of its segment is old enough, which may be written 7 days after it."""
    cutoff = anomalies_before(TODAY - timedelta(days=age_days), kept_in_kafka_days * 86_400_000, TODAY)
    assert cutoff == (None if expected_days is None else TODAY - timedelta(days=expected_days))
