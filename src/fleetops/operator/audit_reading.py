"""The audit log read: filtered for people, in the order of the chain for programs, and verified."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.db.audit import AuditAnchor, AuditHead, AuditRow

from .audit_chain import BEGINNING, Checked, Link, Sealed, check_end, follow
from .audit_sealing import COLUMNS, sealed_entry

_BATCH: Final = 5_000

PRUNED: Final = "audit.pruned"
"""What the entry says that vouches for an anchor: `details` name its number and hash."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted; an empty field takes all."""

    who: str | None = None
    what: str | None = None
    """All of it, or its beginning up to the point: `alert`, `silence`."""
    subject_kind: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found."""

    entries: int
    """How many were followed to the end, or to the first fault."""
    head: Link
    anchor: Link
    """Where the chain begins: behind what was pruned."""
    unsealed: int
    """Entries that the relay has not reached yet, which nothing can be said about."""
    fault: str | None


async def list_entries(
    db: AsyncSession, wanted: AuditFilter, *, before: int | None = None, limit: int = 100
) -> list[Row[*tuple[object, ...]]]:
    """Entries as rows of `COLUMNS`, the last written first, from behind the id `before`."""
    query = select(*COLUMNS).order_by(AuditRow.id.desc()).limit(limit)
    if wanted.who is not None:
        query = query.where(AuditRow.who == wanted.who)
    if wanted.what is not None:
        query = query.where(
            (AuditRow.what == wanted.what) | AuditRow.what.startswith(f"{wanted.what}.", autoescape=True)
        )
    if wanted.subject_kind is not None:
        query = query.where(AuditRow.subject_kind == wanted.subject_kind)
    if wanted.subject_id is not None:
        query = query.where(AuditRow.subject_id == wanted.subject_id)
    if wanted.since is not None:
        query = query.where(AuditRow.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditRow.at < wanted.until)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return list((await db.execute(query)).all())


async def chain(db: AsyncSession, after: int) -> AsyncIterator[Sequence[Sealed]]:
    """The sealed entries behind the number `after`, in order, in batches."""
    while True:
        found = await db.execute(
            select(*COLUMNS).where(AuditRow.number > after).order_by(AuditRow.number).limit(_BATCH)
        )
        entries = [sealed_entry(row) for row in found]
        if entries:
            yield entries
            after = entries[-1].number
        if len(entries) < _BATCH:
            return


async def anchor_of(db: AsyncSession) -> Link:
    """Where the chain begins that is still there."""
    newest = select(AuditAnchor.number, AuditAnchor.hash).order_by(AuditAnchor.number.desc()).limit(1)
    row = (await db.execute(newest)).one_or_none()
    return BEGINNING if row is None else Link(row.number, row.hash)


async def head_of(db: AsyncSession) -> Link | None:
    """The newest sealed entry, as it was noted; None where the note is gone."""
    row = (await db.execute(select(AuditHead.number, AuditHead.hash))).one_or_none()
    return None if row is None else Link(row.number, row.hash)


async def verify(db: AsyncSession, known: Link | None = None) -> Verdict:
    """Follow the chain from its anchor to its head, in a transaction that sees one state of the database.

    `known` is a link that was noted elsewhere, and must still be part of the chain: whoever
    can write the whole database can make a whole chain anew, but not one with that link in it.
    """
    await db.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})
    anchor, head = await anchor_of(db), await head_of(db)
    unsealed = await db.scalar(select(func.count()).where(AuditRow.number.is_(None))) or 0
    checked = Checked(anchor, await _anchor_fault(db, anchor))
    seen_known = known is None or known.number == 0 or known == anchor
    entries = 0
    if checked.fault is None:
        async for batch in chain(db, anchor.number):
            checked = follow(batch, checked.head)
            entries = checked.head.number - anchor.number
            seen_known = seen_known or any((known.number, known.hash) == (e.number, e.hash) for e in batch if known)
            if checked.fault is not None:
                break
    if head is None:
        checked = Checked(checked.head, checked.fault or "the note of the chain's head is missing")
    else:
        checked = check_end(checked, head)
    fault = checked.fault
    if fault is None and not seen_known and known is not None:
        fault = _unknown(known, anchor)
    return Verdict(entries, checked.head, anchor, unsealed, fault)


async def _anchor_fault(db: AsyncSession, anchor: Link) -> str | None:
    """What is wrong with where the chain begins: pruning leaves an entry that vouches for its anchor."""
    if anchor == BEGINNING:
        return None
    left = await db.scalar(select(func.min(AuditRow.number)).where(AuditRow.number <= anchor.number))
    if left is not None:
        return f"entry {left} is there, though all up to {anchor.number} were pruned: it was inserted"
    vouched = await db.scalar(
        select(AuditRow.id).where(
            AuditRow.what == PRUNED,
            AuditRow.details["through"].as_integer() == anchor.number,
            AuditRow.details["hash"].as_string() == anchor.hash,
        )
    )
    if vouched is None:
        return f"the entries up to {anchor.number} are missing, and no entry says that they were pruned"
    return None


def _unknown(known: Link, anchor: Link) -> str:
    if known.number <= anchor.number:
        return (
            f"entry {known.number} was pruned, so it can no longer be compared; take a newer one than {anchor.number}"
        )
    return f"entry {known.number} does not have the hash {known.hash}: the chain was made anew"
