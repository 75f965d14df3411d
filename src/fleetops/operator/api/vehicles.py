"""Vehicles: their state, what happened to them, and their last frames."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from .schemas import IncidentPage, VehicleDetail, VehiclePage, VehicleTelemetry

router = APIRouter(prefix="/vehicles", tags=["vehicles"])

VehicleId = Annotated[str, Path(max_length=255)]


@router.get("")
async def list_vehicles(
    vehicle_id: Annotated[str | None, Query(max_length=255)] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> VehiclePage:
    """Vehicles in the order of their ids."""
    raise NotImplementedError


@router.get("/{vehicle_id}")
async def get_vehicle(vehicle_id: VehicleId) -> VehicleDetail:
    """One vehicle and its alerts that are not resolved."""
    raise NotImplementedError


@router.get("/{vehicle_id}/history")
async def vehicle_history(
    vehicle_id: VehicleId,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> IncidentPage:
    """The incidents of one vehicle, newest first."""
    raise NotImplementedError


@router.get("/{vehicle_id}/telemetry")
async def vehicle_telemetry(vehicle_id: VehicleId, limit: Annotated[int, Query(ge=1, le=50)] = 50) -> VehicleTelemetry:
    """The last frames of one vehicle, for its chart and its trail."""
    raise NotImplementedError
