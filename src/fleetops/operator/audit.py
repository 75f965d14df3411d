"""The audit log: every change by a person, a program or the system, written where it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

from pydantic import JsonValue
from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.db.audit import AuditRow

from .origin import current_origin

SYSTEM: Final = "system"
"""Who acted when no person and no program did."""

WRITTEN_CHANNEL: Final = "fleetops_outbox_written"
"""Wakes the relay, which seals; the outbox uses it too."""

_LOG = cast("Table", AuditRow.__table__)


@dataclass(frozen=True, slots=True)
class Entry:
    """One change: who made it, what it was, to what, and when."""

    at: datetime
    who: str
    """An operator's id, `token:NAME`, or SYSTEM."""
    what: str
    """`<kind>.<what happened>`: `alert.acknowledge`, `silence.lifted`."""
    subject_kind: str
    subject_id: str
    version: int | None = None
    """The subject's version that the change made, where it has versions."""
    details: Mapping[str, JsonValue] = field(default_factory=dict)


async def record(db: AsyncSession, *entries: Entry) -> None:
    """Write `entries` into the transaction, with where the request came from; the relay seals what commits."""
    await record_all(db, entries)


async def record_all(db: AsyncSession, entries: Sequence[Entry]) -> None:
    """`record` for many."""
    if not entries:
        return
    origin = current_origin()
    rows = [
        {
            "at": entry.at,
            "who": entry.who,
            "what": entry.what,
            "subject_kind": entry.subject_kind,
            "subject_id": entry.subject_id,
            "version": entry.version,
            "address": origin.address,
            "client": origin.client,
            "details": dict(entry.details),
        }
        for entry in entries
    ]
    await db.execute(insert(_LOG), rows)
    await db.execute(select(func.pg_notify(WRITTEN_CHANNEL, "")))
