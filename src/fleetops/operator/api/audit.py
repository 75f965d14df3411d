"""The audit log over REST: who changed what, the last first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field, JsonValue

from fleetops.contracts.wire import Moment, UtcMs
from fleetops.errors import InvalidRequestError
from fleetops.operator.audit_reading import AuditFilter, list_entries
from fleetops.operator.views import View
from fleetops.web import problems

from .callers import InTransaction, Supervisor
from .paging import decode_cursor, encode_cursor
from .schemas import STORABLE, Cursor

router = APIRouter(prefix="/audit", tags=["audit"])

Word = Annotated[str | None, Query(max_length=255, pattern=STORABLE)]


class AuditEntryView(View):
    """One change by a person, a program or the system."""

    number: Annotated[int | None, Field(description="its place in the chain; null until it is sealed, within a second")]
    at: UtcMs
    who: Annotated[str, Field(description="an operator's id, `token:NAME`, or `system`")]
    what: Annotated[str, Field(description="`<kind>.<what happened>`", examples=["alert.acknowledge"])]
    subject_kind: str
    subject_id: str
    version: Annotated[int | None, Field(description="the subject's version that the change made")]
    address: Annotated[str | None, Field(description="from where it was asked for")]
    client: Annotated[str | None, Field(description="through which program, as it calls itself")]
    details: dict[str, JsonValue]
    hash: Annotated[str | None, Field(description="seals it: taken over it and the hash before")]


class AuditPage(View):
    """Entries, the last written first."""

    entries: list[AuditEntryView]
    next: Cursor


@router.get("", responses=problems(401, 403, 422))
async def list_audit(
    _: Supervisor,
    db: InTransaction,
    who: Word = None,
    what: Annotated[
        str | None, Query(max_length=100, pattern=STORABLE, description="all of it, or its kind: `silence`")
    ] = None,
    subject_kind: Word = None,
    subject_id: Word = None,
    since: Moment | None = None,
    until: Moment | None = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AuditPage:
    """Who changed what, the last first."""
    wanted = AuditFilter(who, what, subject_kind, subject_id, since, until)
    found = await list_entries(db, wanted, before=_decode(cursor) if cursor else None, limit=limit + 1)
    page = [
        AuditEntryView(
            number=row.number,
            at=row.at,
            who=row.who,
            what=row.what,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            version=row.version,
            address=row.address,
            client=row.client,
            details=row.details,
            hash=row.hash,
        )
        for row in found[:limit]
    ]
    return AuditPage(entries=page, next=encode_cursor(str(found[limit - 1].id)) if len(found) > limit else None)


def _decode(cursor: str) -> int:
    (text,) = decode_cursor(cursor, 1)
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise InvalidRequestError("the cursor is not one that this service gave; start without it")
    return int(text)
