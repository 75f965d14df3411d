"""Positions into the database, once a second, by one replica: where a vehicle was last seen outlives us."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

import asyncpg
import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from fleetops.contracts.wire import utc_from_ms
from fleetops.db.transaction import transact
from fleetops.operator.delays import Delays
from fleetops.operator.scenes import SceneKey, begin_scene, end_scene
from fleetops.operator.vehicles import VehiclePosition, write_positions

from .fleet import LiveFleet, Scene

log = structlog.stdlib.get_logger()

_EVERY_S: Final = 1.0
_LOCK: Final = "fleetops/positions"


class Ledger:
    """Writes what changed in the fleet since it last did, and when scenes begin and end.

    One replica holds the advisory lock; the others try for it, so that one takes over as
    soon as the database has noticed that the first is gone.
    """

    def __init__(
        self, engine: AsyncEngine, sessions: async_sessionmaker[AsyncSession], fleet: LiveFleet, delays: Delays
    ) -> None:
        self._engine, self._sessions, self._fleet, self._delays = engine, sessions, fleet, delays
        self._written: dict[str, tuple[str, int]] = {}
        self._begun: set[SceneKey] = set()
        self._ended: set[SceneKey] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Write until `stop` is set. A database that goes away is waited for."""
        while not stop.is_set():
            try:
                async with self._engine.connect() as connection:
                    await connection.execution_options(isolation_level="AUTOCOMMIT")
                    if await connection.scalar(select(func.pg_try_advisory_lock(func.hashtextextended(_LOCK, 0)))):
                        try:
                            await self._keep(stop, connection)
                        finally:
                            await connection.invalidate()  # the lock goes with it
            except (OSError, DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("positions_not_written", reason=str(error) or type(error).__name__)
            await _pause(stop)

    async def _keep(self, stop: asyncio.Event, lock: AsyncConnection) -> None:
        self._written.clear()  # another replica may have written since
        while not stop.is_set():
            await lock.execute(select(1))  # raises when the lock's connection is gone, and the lock with it
            await self._write()
            await _pause(stop)

    async def _write(self) -> None:
        now = datetime.now(UTC)
        scenes = list(self._fleet.scenes.values())
        for scene in scenes:
            await self._announce(scene, now)
        tracks = [
            track
            for track in self._fleet.tracks.values()
            if self._written.get(track.vehicle_id) != (track.session, track.last_frame)
        ]
        if tracks:
            rows = zip(tracks, self._fleet.latest(tracks).tolist(), strict=True)
            positions = [
                VehiclePosition(
                    vehicle_id=track.vehicle_id,
                    scene_id=track.scene_id,
                    track_id=track.track_id,
                    telemetry_time=utc_from_ms(event_time_ms),
                    x=x,
                    y=y,
                    speed_mps=speed,
                )
                for track, (_, event_time_ms, _, _, x, y, _, speed, _, _) in rows
            ]
            written = {track.vehicle_id: (track.session, track.last_frame) for track in tracks}
            await transact(self._sessions, lambda db: write_positions(db, positions, now))
            self._written.update(written)
        self._forget()

    async def _announce(self, scene: Scene, now: datetime) -> None:
        key = SceneKey(scene.scene_id, scene.session)
        if key not in self._begun:
            started = utc_from_ms(scene.first_emitted_ms)
            await transact(self._sessions, lambda db: begin_scene(db, key, started, now, self._delays))
            self._begun.add(key)
        if scene.ended_s is not None and key not in self._ended:
            await transact(self._sessions, lambda db: end_scene(db, key, now, self._delays))
            self._ended.add(key)

    def _forget(self) -> None:
        """Hold on to nothing that the fleet no longer does."""
        tracks, scenes = self._fleet.tracks, self._fleet.scenes.values()
        there = {SceneKey(scene.scene_id, scene.session) for scene in scenes}
        self._begun &= there
        self._ended &= there
        self._written = {vehicle: at for vehicle, at in self._written.items() if vehicle in tracks}


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), _EVERY_S)
    except TimeoutError:
        return
