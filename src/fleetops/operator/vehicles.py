"""Vehicles: shown, first seen, and where they were last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, DateTime, Double, String, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.ids import ego_id, vehicle_id
from fleetops.contracts.vocabulary import VehicleState
from fleetops.db.models import Vehicle
from fleetops.db.queries import among
from fleetops.errors import NotFoundError

from .fleet import around, read_vehicles
from .scenes import hold_scenes, newest_sessions
from .views import VehicleView


@dataclass(frozen=True, slots=True)
class VehiclePosition:
    """Where a vehicle was in its newest telemetry: metres in the dataset's world frame, m/s."""

    vehicle_id: str
    scene_id: str
    track_id: int
    telemetry_time: datetime
    x: float
    y: float
    speed_mps: float


@dataclass(frozen=True, slots=True)
class Track:
    """Which track of which scene a vehicle is."""

    scene_id: str
    track_id: int


def track_of(vehicle: str, scene_id: str) -> Track:
    """The track behind a vehicle's id; 0 for the ego, and for a live vehicle, which has none."""
    number = vehicle.removeprefix(vehicle_id(scene_id, 0).removesuffix("0"))
    if vehicle == ego_id(scene_id) or not (number.isascii() and number.isdigit()) or int(number) >= 2**63:
        return Track(scene_id, 0)
    return Track(scene_id, int(number))


async def list_vehicles(
    session: AsyncSession,
    *,
    vehicle_id: str | None = None,
    after: str | None = None,
    limit: int | None = 200,
    shown: Collection[str] | None = None,
) -> list[VehicleView]:
    """Vehicles in the order of their ids, from behind `after`; all of them without a `limit`.

    With `shown`, only those in it and those that are not NORMAL.
    """
    query = select(Vehicle).order_by(Vehicle.vehicle_id).limit(limit)
    if vehicle_id is not None:
        query = query.where(Vehicle.vehicle_id == vehicle_id)
    if after is not None:
        query = query.where(Vehicle.vehicle_id > after)
    if shown is not None:
        query = query.where(among(Vehicle.vehicle_id, shown) | (Vehicle.current_state != VehicleState.NORMAL))
    rows = await session.scalars(query)
    fleet = await around(session, {vehicle.vehicle_id: vehicle for vehicle in rows})
    return [fleet.vehicle_view(vehicle) for vehicle in fleet.vehicles.values()]


async def get_vehicle(session: AsyncSession, vehicle_id: str) -> VehicleView:
    """One vehicle.

    Raises:
        NotFoundError: there is none of this id.
    """
    fleet = await read_vehicles(session, [vehicle_id])
    vehicle = fleet.vehicles.get(vehicle_id)
    if vehicle is None:
        raise NotFoundError("vehicle", vehicle_id)
    return fleet.vehicle_view(vehicle)


async def add_vehicles(session: AsyncSession, tracks: Mapping[str, Track], now: datetime) -> None:
    """Make rows for those of `tracks`, by vehicle id, that have none; their scenes must be held."""
    known = set(await session.scalars(select(Vehicle.vehicle_id).where(among(Vehicle.vehicle_id, tracks))))
    new = {vehicle: track for vehicle, track in sorted(tracks.items()) if vehicle not in known}
    if not new:
        return
    newest = await newest_sessions(session, {track.scene_id for track in new.values()})
    await session.execute(
        insert(Vehicle).on_conflict_do_nothing(),
        [
            {
                "vehicle_id": vehicle,
                "scene_id": track.scene_id,
                "track_id": track.track_id,
                "replay_session_id": newest.get(track.scene_id),
                "created_at": now,
                "updated_at": now,
            }
            for vehicle, track in new.items()
        ],
    )


async def write_positions(session: AsyncSession, positions: Sequence[VehiclePosition], now: datetime) -> None:
    """Write down where vehicles are, making rows for unknown ones; `current_state` is left alone.

    Give each vehicle once. Rows are locked in the order of their ids, like everywhere.
    """
    if not positions:
        return
    await hold_scenes(session, {position.scene_id for position in positions})
    await add_vehicles(session, {p.vehicle_id: Track(p.scene_id, p.track_id) for p in positions}, now)
    ordered = sorted(positions, key=lambda position: position.vehicle_id)
    ids = [position.vehicle_id for position in ordered]
    await session.execute(
        select(Vehicle.vehicle_id).where(among(Vehicle.vehicle_id, ids)).order_by(Vehicle.vehicle_id).with_for_update()
    )
    new = (
        func.unnest(
            cast(ids, ARRAY(String)),
            cast([position.telemetry_time for position in ordered], ARRAY(DateTime(timezone=True))),
            cast([position.x for position in ordered], ARRAY(Double)),
            cast([position.y for position in ordered], ARRAY(Double)),
            cast([position.speed_mps for position in ordered], ARRAY(Double)),
        )
        .table_valued(
            column("vehicle_id", String),
            column("at", DateTime(timezone=True)),
            column("x", Double),
            column("y", Double),
            column("speed", Double),
            name="new",
        )
        .render_derived()
    )
    await session.execute(
        update(Vehicle)
        .where(Vehicle.vehicle_id == new.c.vehicle_id)
        .values(
            last_telemetry_time=new.c.at,
            last_position_x=new.c.x,
            last_position_y=new.c.y,
            last_velocity_magnitude=new.c.speed,
            updated_at=now,
        )
        .execution_options(synchronize_session=False)
    )
