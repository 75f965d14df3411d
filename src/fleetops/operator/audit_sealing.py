"""Sealing: what the one relay does to the audit entries that were committed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Row, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from fleetops.db.audit import AuditHead, AuditRow

from .audit_chain import GENESIS, Link, Sealed, seal_of

_BATCH: Final = 1_000

COLUMNS: Final = (
    AuditRow.id,
    AuditRow.at,
    AuditRow.who,
    AuditRow.what,
    AuditRow.subject_kind,
    AuditRow.subject_id,
    AuditRow.version,
    AuditRow.address,
    AuditRow.client,
    AuditRow.details,
    AuditRow.number,
    AuditRow.hash,
)

_SEAL = text(
    """
    UPDATE audit_log SET number = sealed.number, hash = sealed.hash
    FROM unnest(CAST(:ids AS bigint[]), CAST(:numbers AS bigint[]), CAST(:hashes AS text[]))
        AS sealed(id, number, hash)
    WHERE audit_log.id = sealed.id
    """
)


def sealed_entry(row: Row[*tuple[object, ...]]) -> Sealed:
    """A row of `COLUMNS` as an entry of the chain; one that is not sealed yet has number 0."""
    return Sealed(
        number=row.number or 0,
        id=row.id,
        at=row.at,
        who=row.who,
        what=row.what,
        subject_kind=row.subject_kind,
        subject_id=row.subject_id,
        version=row.version,
        address=row.address,
        client=row.client,
        details=row.details,
        hash=row.hash or GENESIS,
    )


async def seal(connection: AsyncConnection) -> Link | None:
    """Seal the committed entries that are not yet, at most a batch; the new head, or None where there were none.

    Commits. `connection` must hold the relay's lock; the head's row lock would also keep a
    second relay, which must not exist, from sealing in the same place.
    """
    async with connection.begin():
        found = await connection.execute(
            select(*COLUMNS).where(AuditRow.number.is_(None)).order_by(AuditRow.id).limit(_BATCH)
        )
        rows = found.all()
        if not rows:
            return None
        head = (await connection.execute(select(AuditHead.number, AuditHead.hash).with_for_update())).one()
        at = Link(head.number, head.hash)
        sealed: list[Sealed] = []
        for row in rows:
            entry = replace(sealed_entry(row), number=at.number + 1)
            entry = replace(entry, hash=seal_of(at.hash, entry))
            sealed.append(entry)
            at = Link(entry.number, entry.hash)
        await connection.execute(
            _SEAL,
            {
                "ids": [entry.id for entry in sealed],
                "numbers": [entry.number for entry in sealed],
                "hashes": [entry.hash for entry in sealed],
            },
        )
        await connection.execute(
            text("UPDATE audit_head SET number = :number, hash = :hash"), {"number": at.number, "hash": at.hash}
        )
    return at
