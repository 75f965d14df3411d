"""Figures over REST, and for Prometheus."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from fleetops.contracts.wire import Moment
from fleetops.operator import metrics
from fleetops.operator.kpis import Kpis
from fleetops.operator.kpis import kpis as figures
from fleetops.web import problems

from .callers import InRuntime, InTransaction, Viewer

router = APIRouter(tags=["kpis"])


@router.get("/kpis", responses=problems(401, 403, 422))
async def kpis(
    _: Viewer,
    db: InTransaction,
    since: Annotated[Moment | None, Query(description="24 hours before `until` when left out")] = None,
    until: Annotated[Moment | None, Query(description="now when left out")] = None,
) -> Kpis:
    """How well the alerts opened in a span of time were dealt with."""
    end = until or datetime.now(UTC)
    return await figures(db, since or end - metrics.SPAN, end)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus' text format"}, **problems(401, 403)},
)
async def prometheus_metrics(_: Viewer, db: InTransaction, runtime: InRuntime) -> Response:
    """The figures of the last 24 hours and how the service does, in Prometheus' text format."""
    here = metrics.Here(
        websocket_clients=len(runtime.hub.consoles),
        vehicles_tracked=len(runtime.fleet.tracks),
        kafka_connected=runtime.kafka_connected(),
    )
    return Response(await metrics.render(db, here, datetime.now(UTC)), media_type=metrics.CONTENT_TYPE)
