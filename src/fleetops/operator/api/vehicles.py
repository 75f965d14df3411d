"""Vehicles: their state, what happened to them, and their last frames."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from fleetops.contracts.vocabulary import Label
from fleetops.contracts.wire import utc_from_ms
from fleetops.operator.alerts import list_alerts
from fleetops.operator.incidents import list_incidents
from fleetops.operator.search import AlertFilter, IncidentFilter
from fleetops.operator.vehicles import get_vehicle as find_vehicle
from fleetops.operator.vehicles import list_vehicles as find_vehicles
from fleetops.web import problems

from .callers import InRuntime, InTransaction, Viewer
from .paging import decode_cursor, decode_moment, encode_cursor, encode_moment
from .schemas import STORABLE, IncidentPage, TelemetryFrame, VehicleDetail, VehiclePage, VehicleTelemetry

router = APIRouter(prefix="/vehicles", tags=["vehicles"])

_LABELS = {label.value: label for label in Label}

VehicleId = Annotated[str, Path(max_length=255, pattern=STORABLE)]
Cursor = Annotated[str | None, Query(max_length=500)]


@router.get("", responses=problems(401, 403, 422))
async def list_vehicles(
    _: Viewer,
    db: InTransaction,
    vehicle_id: Annotated[str | None, Query(max_length=255, pattern=STORABLE)] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> VehiclePage:
    """Vehicles in the order of their ids."""
    after = decode_cursor(cursor, 1)[0] if cursor else None
    found = await find_vehicles(db, vehicle_id=vehicle_id, after=after, limit=limit + 1)
    page = found[:limit]
    return VehiclePage(vehicles=page, next=encode_cursor(page[-1].vehicle_id) if len(found) > limit else None)


@router.get("/{vehicle_id}", responses=problems(401, 403, 404, 422))
async def get_vehicle(_: Viewer, db: InTransaction, vehicle_id: VehicleId) -> VehicleDetail:
    """One vehicle and its alerts that are not resolved."""
    vehicle = await find_vehicle(db, vehicle_id)
    alerts = await list_alerts(db, AlertFilter(vehicle_id=vehicle_id, live_only=True), limit=None)
    return VehicleDetail(vehicle=vehicle, current_alerts=alerts)


@router.get("/{vehicle_id}/history", responses=problems(401, 403, 404, 422))
async def vehicle_history(
    _: Viewer,
    db: InTransaction,
    vehicle_id: VehicleId,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> IncidentPage:
    """The incidents of one vehicle, newest first."""
    await find_vehicle(db, vehicle_id)
    after = decode_moment(cursor) if cursor else None
    found = await list_incidents(db, IncidentFilter(vehicle_id=vehicle_id), after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    return IncidentPage(incidents=page, next=encode_moment(page[-1].created_at, page[-1].incident_id) if more else None)


@router.get("/{vehicle_id}/telemetry", responses=problems(401, 403, 404, 422))
async def vehicle_telemetry(
    _: Viewer,
    db: InTransaction,
    runtime: InRuntime,
    vehicle_id: VehicleId,
    limit: Annotated[int, Query(ge=1, le=50)] = 50,
) -> VehicleTelemetry:
    """The last frames of one vehicle, for its chart and its trail."""
    fleet = runtime.fleet
    track = fleet.tracks.get(vehicle_id)
    if track is None:
        vehicle = await find_vehicle(db, vehicle_id)
        return VehicleTelemetry(
            vehicle_id=vehicle_id, replay_session_id=vehicle.replay_session_id, label=None, stale=True, frames=[]
        )
    history = fleet.history(track, limit)
    names = history.dtype.names or ()
    rows = [dict(zip(names, row, strict=True)) for row in history.tolist()]
    return VehicleTelemetry(
        vehicle_id=vehicle_id,
        replay_session_id=track.session,
        label=_LABELS.get(track.label),
        stale=track.stale,
        frames=[TelemetryFrame(event_time=utc_from_ms(row.pop("event_time_ms")), **row) for row in rows],
    )
