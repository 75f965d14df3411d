"""`fleetops db prune`."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.db.transaction import transact
from fleetops.errors import AuditFaultError, ConfigurationError
from fleetops.settings import Settings

from .audit_reading import verify
from .commanding import with_database
from .retention import Pruned, note, prune_audit, prune_some

_AGE: Final = re.compile(r"([1-9][0-9]{0,5})([hdw])")
_SEGMENT: Final = timedelta(days=8)
"""Kafka lets go of whole segments, by their newest record. One is written to for up to 7 days
(`log.roll.hours`), so its oldest stay that much longer; and a day for clocks and cleaners."""
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def prune(settings: Settings, older_than: str, *, dry_run: bool, keep_audit: bool) -> str:
    """Let go of what ended longer ago than `older_than` (`90d`), and say what went; or, with `dry_run`, would.

    Raises:
        AuditFaultError: the audit log was tampered with; pruning would hide it, so it is not begun.
        ConfigurationError: `older_than` is no age, or no database is configured.
        DatabaseError: it does not answer, or lacks our tables.
    """
    now = datetime.now(UTC)
    cutoff = now - parse_age(older_than)
    anomalies_cutoff = anomalies_before(cutoff, settings.kafka.retention_ms, now)

    async def run(sessions: async_sessionmaker[AsyncSession]) -> Pruned:
        if not keep_audit:
            await _check_audit(sessions)
        if dry_run:
            return await _try(sessions, cutoff, anomalies_cutoff, now, keep_audit=keep_audit)
        pruned = Pruned()
        while True:
            some = await transact(sessions, lambda db: prune_some(db, cutoff, anomalies_cutoff))
            if not some.total:
                break
            pruned += some
        if not keep_audit:
            pruned += await transact(sessions, lambda db: prune_audit(db, cutoff, now))
        if pruned.total:
            await transact(sessions, lambda db: note(db, pruned, cutoff, now))
        return pruned

    pruned = with_database(settings, run)
    what = "would go" if dry_run else "gone"
    lines = [f"{what}, of what ended before {cutoff:%Y-%m-%d %H:%M} UTC:"]
    lines += [f"  {getattr(pruned, each.name):>9,} {each.name.replace('_', ' ')}" for each in fields(pruned)]
    if anomalies_cutoff is None:
        lines.append("  anomalies stay: Kafka keeps them for ever, so one of them may come again")
    return "\n".join(lines)


def anomalies_before(cutoff: datetime, retention_ms: int, now: datetime) -> datetime | None:
    """Anomalies received before it are older than `cutoff`, and gone from Kafka; None where Kafka keeps all."""
    if retention_ms < 0:
        return None
    return min(cutoff, now - timedelta(milliseconds=retention_ms) - _SEGMENT)


def parse_age(age: str) -> timedelta:
    """`90d`, `12h` or `2w` as a time.

    Raises:
        ConfigurationError: it is none.
    """
    match = _AGE.fullmatch(age)
    if match is None:
        raise ConfigurationError(
            f"--older-than {age!r}: expected a number of hours, days or weeks, like 12h, 90d or 8w"
        )
    return int(match[1]) * _UNITS[match[2]]


async def _check_audit(sessions: async_sessionmaker[AsyncSession]) -> None:
    verdict = await transact(sessions, verify)
    if verdict.fault is not None:
        raise AuditFaultError(
            f"{verdict.fault}. Pruning would hide that: look into it first, or keep the log with --keep-audit."
        )


async def _try(
    sessions: async_sessionmaker[AsyncSession],
    cutoff: datetime,
    anomalies_cutoff: datetime | None,
    now: datetime,
    *,
    keep_audit: bool,
) -> Pruned:
    """Do all of it in one transaction that is undone, so that the figures are those of the deed."""
    pruned = Pruned()
    async with sessions() as db:
        while (some := await prune_some(db, cutoff, anomalies_cutoff)).total:
            pruned += some
        if not keep_audit:
            pruned += await prune_audit(db, cutoff, now)
        await db.rollback()
    return pruned
