"""The audit log: who changed what, and what becomes of whoever changes it behind the service's back."""

from __future__ import annotations

import asyncio
import csv
import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.operator.stories import (
    DELAYS,
    NOW,
    Sessions,
    alerts,
    anomaly,
    cleared,
    deliver,
    do,
    the_alert,
    tick,
)  # fmt: skip
from tests.integration.operator.test_relay import crowd, cut_off_the_leader, running
from typer.testing import CliRunner

from fleetops.cli import app
from fleetops.contracts.vocabulary import ActionType, AnomalyType, Severity
from fleetops.db.audit import AuditHead, AuditRow
from fleetops.db.engine import create_engine, session_factory
from fleetops.db.models import Disposition
from fleetops.db.transaction import transact
from fleetops.errors import AuditFaultError, ConfigurationError
from fleetops.operator import audit, audit_commands
from fleetops.operator.audit_chain import BEGINNING, Link, seal_of
from fleetops.operator.audit_reading import Verdict, chain, head_of, verify
from fleetops.operator.audit_sealing import seal
from fleetops.operator.delays import Delays
from fleetops.operator.origin import Origin, coming_from
from fleetops.operator.relay import Relay
from fleetops.operator.scenes import SceneKey, end_scene
from fleetops.settings import Settings


async def a_shift(engine: AsyncEngine, sessions: Sessions) -> None:
    """An alert opened, got worse, was acknowledged and resolved: seven entries, all sealed."""
    await deliver(sessions, anomaly(1))
    await deliver(sessions, anomaly(2, severity=Severity.CRITICAL))
    alert_id = (await the_alert(sessions)).alert_id
    with coming_from(Origin("192.0.2.7", "console/1")):
        await do(sessions, ActionType.ACKNOWLEDGE, alert_id)
        await do(sessions, ActionType.RESOLVE, alert_id, disposition=Disposition.TRUE, comment="seen on camera")
    await sealed(engine)


async def sealed(engine: AsyncEngine) -> None:
    """Everything that was committed has its place in the chain."""
    async with engine.connect() as connection:
        while await seal(connection):
            pass


async def judged(sessions: Sessions, known: Link | None = None) -> Verdict:
    """What `audit verify` finds."""
    return await transact(sessions, lambda db: verify(db, known))


async def rows(sessions: Sessions) -> list[AuditRow]:
    """The log as it was written."""
    async with sessions() as db:
        return list(await db.scalars(select(AuditRow).order_by(AuditRow.id)))


async def tamper(engine: AsyncEngine, *statements: str) -> None:
    """What somebody does who may switch triggers off."""
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        for statement in statements:
            await connection.execute(text(statement))


async def test_every_change_says_who_what_when_on_which_version_and_from_where(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    """The system's changes and a person's, in order; a person's deed stands for the change that it made."""
    await a_shift(engine, sessions)
    alert = await the_alert(sessions)
    found = await rows(sessions)
    assert [(row.who, row.what, row.version) for row in found] == [
        ("system", "alert.opened", 1),
        ("system", "vehicle.state_changed", None),
        ("system", "alert.changed", 2),
        ("system", "vehicle.state_changed", None),
        ("operator_001", "alert.acknowledge", 3),
        ("operator_001", "vehicle.state_changed", None),
        ("operator_001", "alert.resolve", 4),
    ]
    assert {row.subject_id for row in found} == {str(alert.alert_id), alert.vehicle_id}
    assert {row.at for row in found} == {NOW}
    assert {(row.address, row.client) for row in found[4:]} == {("192.0.2.7", "console/1")}
    assert {(row.address, row.client) for row in found[:4]} == {(None, "operator-service")}
    assert (found[6].details["disposition"], found[6].details["comment"]) == ("true", "seen on camera")
    assert found[3].details == {"from": "DEGRADED", "to": "ALERTING"}


async def test_what_the_system_resolves_is_in_the_log(engine: AsyncEngine, sessions: Sessions) -> None:
    """An alert that ended by itself was resolved by the system."""
    await deliver(sessions, anomaly(1), cleared(2))
    await tick(sessions, NOW + Delays().resolve)
    last = [row for row in await rows(sessions) if row.what == "alert.changed"][-1]
    assert (last.who, last.details["alert_status"], last.details["resolved_action_type"]) == (
        "system", "RESOLVED", "AUTO_CLEARED",
    )  # fmt: skip


async def test_no_change_of_an_alert_goes_unrecorded(engine: AsyncEngine, sessions: Sessions) -> None:
    """Every kind of action, what timers and a session's end do, and what one alert's action does to another."""
    await deliver(sessions, anomaly(1), anomaly(1, kind=AnomalyType.PERCEPTION_INSTABILITY))
    one, other = [alert.alert_id for alert in await alerts(sessions)]
    await do(sessions, ActionType.ASSIGN_OPERATOR, one)
    await do(sessions, ActionType.SNOOZE, one, until=NOW + timedelta(hours=1))
    await do(sessions, ActionType.COMMENT, one, comment="a cone on the lane")
    await do(sessions, ActionType.PULL_OVER_SIMULATED, one)
    await tick(sessions, NOW + DELAYS.pull_over)
    await do(sessions, ActionType.ACKNOWLEDGE, other, by="operator_002")
    await do(sessions, ActionType.UNACKNOWLEDGE, other, by="operator_002")
    await do(sessions, ActionType.RESUME_SIMULATION, one)
    await transact(sessions, lambda db: end_scene(db, SceneKey("scene_001", "session_a"), NOW, DELAYS))
    await tick(sessions, NOW + DELAYS.resolve)
    found = await rows(sessions)
    for alert in await alerts(sessions):
        versions = [row.version for row in found if row.subject_id == str(alert.alert_id)]
        assert max(version or 0 for version in versions) == alert.version
    did = [(row.who, row.what) for row in found if row.subject_id == str(one) and row.who != "system"]
    acted = ("assign_operator", "snooze", "comment", "pull_over_simulated", "resume_simulation")
    assert [what for _, what in did if what != "alert.changed"] == [f"alert.{action}" for action in acted]
    assert {who for who, _ in did} == {"operator_001"}
    touched = [row for row in found if row.subject_id == str(other) and row.what == "alert.changed"]
    assert {"operator_001", "system"} == {row.who for row in touched}


async def test_what_was_rolled_back_leaves_no_entry(engine: AsyncEngine, sessions: Sessions) -> None:
    """Numbers have no gap where a transaction failed."""

    async def fail() -> None:
        async with sessions() as db, db.begin():
            await audit.record(db, audit.Entry(NOW, "jo", "silence.created", "silence", "1"))
            await db.rollback()

    await deliver(sessions, anomaly(1))
    await fail()
    await deliver(sessions, anomaly(2))
    await sealed(engine)
    assert [row.number for row in await rows(sessions)] == [1, 2, 3]
    assert (await judged(sessions)).fault is None


async def test_an_untouched_log_holds(engine: AsyncEngine, sessions: Sessions) -> None:
    """All entries were followed, the head is the last one's, and an old head is still part of the chain."""
    await a_shift(engine, sessions)
    before = await judged(sessions)
    assert (before.entries, before.head.number, before.anchor, before.fault) == (7, 7, BEGINNING, None)
    async with sessions() as db, db.begin():
        await audit.record(db, audit.Entry(NOW, "jo", "silence.created", "silence", "1", details={"until": 1.5}))
    assert (await judged(sessions)).unsealed == 1
    await sealed(engine)
    after = await judged(sessions, before.head)
    assert (after.entries, after.unsealed, after.fault) == (8, 0, None)


_FORGED = """
INSERT INTO audit_log (at, who, what, subject_kind, subject_id, details, number, hash)
VALUES (now(), 'jo', 'alert.resolve', 'alert', '1', '{}', %d, repeat('a', 64))
"""
_MOVED = "UPDATE audit_log SET number = -number; UPDATE audit_log SET number = "
_CUT_OFF = """
INSERT INTO audit_anchors (number, hash) SELECT number, hash FROM audit_log WHERE number = 4;
DELETE FROM audit_log WHERE number <= 4
"""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET who = 'nobody' WHERE number = 3",
        "UPDATE audit_log SET number = 99, hash = repeat('a', 64) WHERE number = 3",
        "DELETE FROM audit_log WHERE number = 3",
        "DELETE FROM audit_log WHERE number = 7",
        "TRUNCATE audit_log",
        _FORGED % 8,
        "UPDATE audit_head SET number = 3",
        "DELETE FROM audit_head",
        "TRUNCATE audit_anchors",
    ],
)
async def test_the_database_refuses_to_change_what_was_written(
    engine: AsyncEngine, sessions: Sessions, statement: str
) -> None:
    """Neither row nor head can be changed by plain SQL, the service's own included."""
    await a_shift(engine, sessions)
    with pytest.raises(DBAPIError, match="append-only"):
        async with engine.begin() as connection:
            await connection.execute(text(statement))
    assert (await judged(sessions)).fault is None


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        ("UPDATE audit_log SET who = 'nobody' WHERE number = 5", "entry 5 (alert.acknowledge of alert"),
        ("UPDATE audit_log SET details = details - 'comment' WHERE number = 7", "entry 7 (alert.resolve"),
        ("UPDATE audit_log SET at = at + interval '1 ms' WHERE number = 1", "entry 1 (alert.opened"),
        ("UPDATE audit_log SET address = NULL WHERE number = 5", "entry 5 ("),
        ("DELETE FROM audit_log WHERE number = 3", "entry 3 is missing"),
        ("DELETE FROM audit_log WHERE number IN (3, 4)", "entries 3 to 4 are missing"),
        (
            "DELETE FROM audit_log WHERE number = 3;" + _MOVED + "-number - CASE WHEN -number > 3 THEN 1 ELSE 0 END",  # noqa: S608 - all of it is written here
            "entry 3 (vehicle.state_changed",
        ),
        (_MOVED + "-number + CASE WHEN -number > 2 THEN 1 ELSE 0 END;" + _FORGED % 3, "entry 3 (alert.resolve"),
        (_MOVED + "CASE number WHEN -2 THEN 3 WHEN -3 THEN 2 ELSE -number END", "entry 2 (alert.changed"),
        ("DELETE FROM audit_log WHERE number = 7", "entry 7 is missing at the end"),
        ("DELETE FROM audit_log WHERE number >= 5", "entries 5 to 7 are missing at the end"),
        ("DELETE FROM audit_log", "entries 1 to 7 are missing at the end"),
        (_FORGED % 8, "entry 8 (alert.resolve"),
        ("DELETE FROM audit_head", "the note of the chain's head is missing"),
        (
            _CUT_OFF,
            "the entries up to 4 are missing, and no entry says that they were pruned",
        ),
    ],
)
async def test_tampering_is_found_and_named(
    engine: AsyncEngine, sessions: Sessions, statements: str, named: str
) -> None:
    """Altered, deleted, inserted, reordered, cut off at either end: the first entry that is wrong is named."""
    await a_shift(engine, sessions)
    await tamper(engine, *statements.split(";"))
    fault = (await judged(sessions)).fault
    assert fault is not None
    assert fault.startswith(named), fault


async def test_a_chain_made_anew_is_found_by_a_head_noted_elsewhere(engine: AsyncEngine, sessions: Sessions) -> None:
    """Who writes the whole database can hide a change in it, but not from a head that was printed before."""
    await a_shift(engine, sessions)
    async with sessions() as db:
        noted = await head_of(db)
        entries = [entry async for batch in chain(db, 0) for entry in batch]
    assert noted is not None
    before = BEGINNING.hash
    for entry in entries:
        forged = replace(entry, who="nobody") if entry.number == 5 else entry
        before = seal_of(before, forged)
        async with engine.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            await connection.execute(
                update(AuditRow).where(AuditRow.number == entry.number).values(who=forged.who, hash=before)
            )
            await connection.execute(update(AuditHead).values(hash=before))
    assert (await judged(sessions)).fault is None
    fault = (await judged(sessions, noted)).fault
    assert fault is not None
    assert "the chain was made anew" in fault


async def test_an_end_cut_off_together_with_its_head_is_found_the_same_way(
    engine: AsyncEngine, sessions: Sessions
) -> None:
    """The noted head is in the chain no more."""
    await a_shift(engine, sessions)
    noted = (await judged(sessions)).head
    await tamper(
        engine,
        "DELETE FROM audit_log WHERE number > 4",
        "UPDATE audit_head SET number = 4, hash = (SELECT hash FROM audit_log WHERE number = 4)",
    )
    assert (await judged(sessions)).fault is None
    assert (await judged(sessions, noted)).fault is not None


async def test_the_chain_holds_while_relays_take_over_from_each_other(engine: AsyncEngine, sessions: Sessions) -> None:
    """Many writers, and the leader's connection killed again and again: no entry is left out or sealed twice."""
    async with running(Relay(engine, None), Relay(engine, None)):
        for frame in range(3):
            writers = crowd(sessions, range(frame * 2, frame * 2 + 2))
            await cut_off_the_leader(engine)
            await asyncio.gather(*writers)
        async with asyncio.timeout(60):
            while (await judged(sessions)).unsealed:  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.05)
    verdict = await judged(sessions)
    assert (verdict.entries, verdict.fault) == (len(await rows(sessions)), None)
    assert verdict.entries == 8 * 6 + 8


def test_the_commands(
    database_settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`audit verify` says what it followed, `audit export` writes all of it, and a fault ends the command."""
    story(database_settings, "fill")
    said = audit_commands.verify(database_settings, None)
    assert said.startswith("7 entries, each as it was sealed\nhead: 7:")
    head = said.splitlines()[1].removeprefix("head: ")
    assert audit_commands.verify(database_settings, head) == said
    with pytest.raises(ConfigurationError, match="NUMBER:HASH"):
        audit_commands.verify(database_settings, "7")
    capsys.readouterr()
    assert audit_commands.export(database_settings, None, "jsonl", None, None) == 7
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["number"] for line in lines] == list(range(1, 8))
    assert f"7:{lines[-1]['hash']}" == head
    exported = tmp_path / "log.jsonl"
    assert audit_commands.export(database_settings, exported, "jsonl", None, None) == 7
    assert plain_check(exported) == (0, head)
    exported.write_text(exported.read_text().replace("seen on camera", "seen in person"))
    assert plain_check(exported) == (1, "")
    table = tmp_path / "log.csv"
    assert audit_commands.export(database_settings, table, "csv", NOW, None) == 7
    assert audit_commands.export(database_settings, tmp_path / "none.csv", "csv", None, NOW) == 0
    read = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["what"] for row in read] == [line["what"] for line in lines]
    assert json.loads(read[5]["details"]) == lines[5]["details"]
    monkeypatch.setenv("FLEETOPS_DATABASE_URL", database_url(database_settings))
    said_by_command = CliRunner().invoke(app, ["audit", "verify", "--against", head])
    assert (said_by_command.exit_code, said_by_command.stdout) == (0, f"{said}\n")
    assert CliRunner().invoke(app, ["audit", "export", "--format", "csv"]).stdout == table.read_text()
    story(database_settings, "tamper")
    fault = CliRunner().invoke(app, ["audit", "verify"]).exception
    assert isinstance(fault, AuditFaultError)
    assert fault.exit_code == 7
    with pytest.raises(AuditFaultError, match=r"entry 5 .* The chain holds up to entry 4"):
        audit_commands.verify(database_settings, None)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        audit_commands.export(database_settings, tmp_path / "no" / "folder", "csv", None, None)


def database_url(settings: Settings) -> str:
    """Where the database is."""
    assert settings.database_url is not None
    return settings.database_url.get_secret_value()


def plain_check(exported: Path) -> tuple[int, str]:
    """What the documented script says of an export, without FleetOps."""
    script = Path(__file__).parents[3] / "docs" / "examples" / "verify_audit_export.py"
    run = subprocess.run(
        [sys.executable, "-I", str(script), str(exported)], capture_output=True, text=True, check=False
    )
    return run.returncode, run.stdout.strip()


def story(settings: Settings, what: str) -> None:
    """Part of a story, told from outside of any loop, as commands are run."""

    async def run() -> None:
        engine = create_engine(settings, "test")
        try:
            if what == "fill":
                await a_shift(engine, session_factory(engine))
            else:
                await tamper(engine, "UPDATE audit_log SET who = 'nobody' WHERE number = 5")
        finally:
            await engine.dispose()

    asyncio.run(run())
