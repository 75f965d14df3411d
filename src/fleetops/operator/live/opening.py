"""How a socket begins: with a snapshot, or with what was missed since it broke off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.operator.alerts import AlertFilter, list_alerts
from fleetops.operator.outbox import OutboxEvent, events_after, events_reach, last_seq
from fleetops.operator.vehicles import list_vehicles

from .events import Snapshot
from .fleet import LiveFleet
from .hub import Console, Message
from .moment import whole_fleet
from .picture import NOWHERE, encode_names, positions, progress

MAX_MISSED: Final = 2_000
"""A console that missed more begins anew: a snapshot is smaller than its own history."""


async def opening(
    sessions: async_sessionmaker[AsyncSession], fleet: LiveFleet, console: Console, since: int | None
) -> AsyncIterator[Message]:
    """The first messages of a socket. `console` must be registered already, so that it misses nothing meanwhile."""
    missed = None if since is None else await _missed(sessions, since)
    if since is None or missed is None:
        yield await _snapshot(sessions, fleet, console)
    else:
        for event in missed:
            yield encode_event(event)
        console.begin(missed[-1].seq if missed else since)
    if console.binary:
        console.sees_everything()
        for message in (encode_names(list(fleet.tracks.values())), *whole_fleet(fleet, _now_ms(), binary=True)):
            yield message
    elif missed is not None:
        for message in whole_fleet(fleet, _now_ms(), binary=False):
            yield message


def encode_event(event: OutboxEvent) -> str:
    """A row of the outbox as consoles get it."""
    return msgspec.json.encode({"seq": event.seq, "type": event.kind.value, **event.event}).decode()


async def _missed(sessions: async_sessionmaker[AsyncSession], since: int) -> list[OutboxEvent] | None:
    """The events after `since`, or None when they cannot be had, or are too many."""
    async with sessions() as db, db.begin():
        if not await events_reach(db, since):
            return None
        missed = await events_after(db, since, MAX_MISSED + 1)
    return missed if len(missed) <= MAX_MISSED else None


async def _snapshot(sessions: async_sessionmaker[AsyncSession], fleet: LiveFleet, console: Console) -> str:
    """Everything as it stands at one `seq`, read in one transaction that sees one state of the database."""
    async with sessions() as db, db.begin():
        await db.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
        seq = await last_seq(db)
        alerts = await list_alerts(db, AlertFilter(live_only=True), limit=None)
        vehicles = await list_vehicles(db, shown=set(fleet.tracks), limit=None)
    console.begin(seq)
    return Snapshot(
        seq=seq,
        server_time=datetime.now(UTC),
        vehicles=vehicles,
        alerts=alerts,
        positions=NOWHERE if console.binary else positions(fleet),
        scenes=progress(fleet),
    ).model_dump_json()


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
