"""History: incidents, and alerts and incidents in full, as files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.operator.alerts import list_alerts
from fleetops.operator.export import ExportFormat, as_csv, as_json
from fleetops.operator.incidents import list_incidents as find_incidents
from fleetops.operator.runtime import Runtime
from fleetops.operator.views import AlertView, IncidentView, View
from fleetops.web import problems

from .callers import InRuntime, InTransaction, Viewer
from .filters import WantedAlerts, WantedIncidents
from .paging import decode_moment, encode_moment
from .schemas import IncidentPage

router = APIRouter(tags=["history"])

_PAGE: Final = 500  # rows read at once for an export: some 2 MB of incidents
_ALERT_COLUMNS: Final = tuple(name for name in AlertView.model_fields if name != "allowed_actions")
_INCIDENT_COLUMNS: Final = tuple(IncidentView.model_fields)
_FILE: Final[dict[int | str, dict[str, object]]] = {
    200: {"description": "a file", "content": {"text/csv": {}, "application/json": {}}},
    **problems(401, 403, 422),
}

Format = Annotated[ExportFormat, Query(alias="format")]
Position = tuple[datetime, UUID]
V = TypeVar("V", bound=View)


@router.get("/incidents", responses=problems(401, 403, 422))
async def list_incidents(
    _: Viewer,
    db: InTransaction,
    wanted: WantedIncidents,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> IncidentPage:
    """How alerts ended, newest first: incidents that match all filters."""
    found = await find_incidents(db, wanted, after=decode_moment(cursor) if cursor else None, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return IncidentPage(incidents=page, next=encode_moment(page[-1].created_at, page[-1].incident_id) if more else None)


@router.get("/alerts/export", responses=_FILE, response_class=StreamingResponse)
async def export_alerts(
    _: Viewer, runtime: InRuntime, wanted: WantedAlerts, format_: Format = ExportFormat.CSV
) -> StreamingResponse:
    """All alerts that match, newest first, as they stand when they are read."""

    async def page(db: AsyncSession, after: Position | None) -> Sequence[AlertView]:
        return await list_alerts(db, wanted, after=after, limit=_PAGE)

    rows = _pages(runtime, page, lambda row: (row.created_at, row.alert_id))
    return _file("alerts", format_, _ALERT_COLUMNS, rows)


@router.get("/incidents/export", responses=_FILE, response_class=StreamingResponse)
async def export_incidents(
    _: Viewer, runtime: InRuntime, wanted: WantedIncidents, format_: Format = ExportFormat.CSV
) -> StreamingResponse:
    """All incidents that match, newest first, with their evidence."""

    async def page(db: AsyncSession, after: Position | None) -> Sequence[IncidentView]:
        return await find_incidents(db, wanted, after=after, limit=_PAGE)

    rows = _pages(runtime, page, lambda row: (row.created_at, row.incident_id))
    return _file("incidents", format_, _INCIDENT_COLUMNS, rows)


def _file(
    name: str, format_: ExportFormat, columns: Sequence[str], pages: AsyncIterator[Sequence[View]]
) -> StreamingResponse:
    body = as_csv(columns, pages) if format_ is ExportFormat.CSV else as_json(name, pages)
    named = {"Content-Disposition": f'attachment; filename="{name}.{format_}"', "Cache-Control": "no-store"}
    return StreamingResponse(body, media_type=format_.media_type, headers=named)


async def _pages(
    runtime: Runtime,
    page: Callable[[AsyncSession, Position | None], Awaitable[Sequence[V]]],
    place: Callable[[V], Position],
) -> AsyncIterator[Sequence[V]]:
    """One page after the other, each in a transaction of its own: a slow reader holds nothing up."""
    after: Position | None = None
    while True:
        async with runtime.sessions() as db, db.begin():
            found = await page(db, after)
        yield found
        if len(found) < _PAGE:
            return
        after = place(found[-1])
