"""Silences over REST: supervisors make, change and lift them; everyone may read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import AnomalyType, Severity
from fleetops.contracts.wire import Moment, UtcMs
from fleetops.db.noise import Silence
from fleetops.db.transaction import transact
from fleetops.operator import silences
from fleetops.operator.views import View
from fleetops.web import problems

from .callers import InRuntime, InTransaction, Supervisor, Viewer
from .idempotency import KeyHeader, once
from .paging import decode_moment, encode_moment
from .schemas import STORABLE, Command, Cursor

router = APIRouter(prefix="/silences", tags=["silences"])

Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=STORABLE)]
Name = Annotated[str | None, Field(min_length=1, max_length=255, pattern=STORABLE)]


class NewSilence(Command):
    """What to hide, until when, and why. What is left out matches everything; one thing must be named."""

    vehicle_id: Name = None
    scene_id: Name = None
    anomaly_type: AnomalyType | None = None
    triggered_rule: Name = None
    severity_up_to: Annotated[
        Severity, Field(description="the highest severity that it hides; CRITICAL must be said")
    ] = Severity.WARNING
    expires_at: Annotated[Moment, Field(description="within 30 days")]
    reason: Reason


class SilenceChange(Command):
    """Another end or reason of a running silence."""

    expires_at: Moment | None = None
    reason: Reason | None = None


class SilenceView(View):
    """A silence: what it hides, until when, who wanted it and why."""

    silence_id: UUID
    vehicle_id: str | None
    scene_id: str | None
    anomaly_type: AnomalyType | None
    triggered_rule: str | None
    severity_up_to: Severity
    reason: str
    created_at: UtcMs
    created_by: str
    expires_at: UtcMs
    ended_at: Annotated[UtcMs | None, Field(description="null = it runs")]
    ended_by: Annotated[str | None, Field(description="who lifted it; `system` where it expired")]
    version: int


class SilencePage(View):
    """Silences, newest first."""

    silences: list[SilenceView]
    next: Cursor


@router.get("", responses=problems(401, 403, 422))
async def list_silences(
    _: Viewer,
    db: InTransaction,
    running: Annotated[bool | None, Query(description="only those that run, or only those that ended")] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> SilencePage:
    """Silences, newest first."""
    after = decode_moment(cursor) if cursor else None
    found = await silences.list_silences(db, running=running, after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return SilencePage(
        silences=[_view(silence) for silence in page],
        next=encode_moment(page[-1].created_at, page[-1].silence_id) if more else None,
    )


@router.post("", status_code=201, responses=problems(401, 403, 422))
async def create_silence(
    caller: Supervisor, runtime: InRuntime, wanted: NewSilence, key: KeyHeader = None
) -> SilenceView:
    """Hide what matches, now and while it lasts. Nothing is dropped from the record."""
    wish = silences.Wish(**dict(wanted))

    async def work(db: AsyncSession) -> SilenceView:
        async def do() -> SilenceView:
            return _view(await silences.create(db, wish, uuid4(), caller.operator_id, datetime.now(UTC)))

        return await once(
            db,
            operator_id=caller.operator_id,
            key=key,
            request=f"silence {wanted.model_dump_json()}",
            answer=SilenceView,
            work=do,
        )

    return await transact(runtime.sessions, work)


@router.get("/{silence_id}", responses=problems(401, 403, 404, 422))
async def get_silence(_: Viewer, db: InTransaction, silence_id: UUID) -> SilenceView:
    """One silence, running or ended."""
    return _view(await silences.get(db, silence_id))


@router.patch("/{silence_id}", responses=problems(401, 403, 404, 409, 422))
async def change_silence(
    caller: Supervisor, runtime: InRuntime, silence_id: UUID, wanted: SilenceChange
) -> SilenceView:
    """Have it end at another time, or say why in other words."""

    async def work(db: AsyncSession) -> SilenceView:
        changed = await silences.change(
            db,
            silence_id,
            reason=wanted.reason,
            expires_at=wanted.expires_at,
            by=caller.operator_id,
            now=datetime.now(UTC),
        )
        return _view(changed)

    return await transact(runtime.sessions, work)


@router.delete("/{silence_id}", responses=problems(401, 403, 404, 422))
async def lift_silence(caller: Supervisor, runtime: InRuntime, silence_id: UUID) -> SilenceView:
    """End it now. It stays on the record; what it hid and still stands is shown again."""

    async def work(db: AsyncSession) -> SilenceView:
        return _view(await silences.lift(db, silence_id, by=caller.operator_id, now=datetime.now(UTC)))

    return await transact(runtime.sessions, work)


def _view(silence: Silence) -> SilenceView:
    return SilenceView(
        silence_id=silence.silence_id,
        vehicle_id=silence.vehicle_id,
        scene_id=silence.scene_id,
        anomaly_type=silence.anomaly_type,
        triggered_rule=silence.triggered_rule,
        severity_up_to=silence.severity_up_to,
        reason=silence.reason,
        created_at=silence.created_at,
        created_by=silence.created_by,
        expires_at=silence.expires_at,
        ended_at=silence.ended_at,
        ended_by=silence.ended_by,
        version=silence.version,
    )
