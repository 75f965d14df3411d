"""Positions into the database, once a second, by one replica: where a vehicle was last seen outlives us."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from fleetops.contracts.wire import utc_from_ms
from fleetops.db.failures import unavailable
from fleetops.db.transaction import transact
from fleetops.operator.delays import Delays
from fleetops.operator.scenes import SceneKey, begin_scene, end_scene, open_scenes
from fleetops.operator.vehicles import VehiclePosition, write_positions

from .fleet import ABANDONED_S, LiveFleet, Scene

log = structlog.stdlib.get_logger()

_EVERY_S: Final = 1.0
_LOCK: Final = "fleetops/positions"


class Ledger:
    """Writes what changed in the fleet since it last did, and when scenes begin and end.

    One replica holds the advisory lock; the others try for it, so that one takes over as
    soon as the database has noticed that the first is gone.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: async_sessionmaker[AsyncSession],
        fleet: LiveFleet,
        delays: Delays,
        *,
        listening: Callable[[], bool],
        abandoned_s: float = ABANDONED_S,
    ) -> None:
        """`listening`: whether `fleet` hears of what happens now; while it does not, nobody is absent from it."""
        self._engine, self._sessions, self._fleet, self._delays = engine, sessions, fleet, delays
        self._written: dict[str, tuple[str, int]] = {}
        self._begun: set[SceneKey] = set()
        self._listening, self._abandoned_s = listening, abandoned_s
        self._absent_since: dict[SceneKey, float] = {}
        self._looked_s = -math.inf

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
            except Exception as error:
                if not unavailable(error):
                    raise
                log.warning("positions_not_written", reason=str(error) or type(error).__name__)
            await _pause(stop)

    async def _keep(self, stop: asyncio.Event, lock: AsyncConnection) -> None:
        self._written.clear()  # another replica may have written since
        self._absent_since.clear()
        while not stop.is_set():
            await lock.execute(select(1))  # raises when the lock's connection is gone, and the lock with it
            await self._write()
            await self._end_abandoned(time.monotonic())
            await _pause(stop)

    async def _write(self) -> None:
        now = datetime.now(UTC)
        for scene in list(self._fleet.scenes.values()):
            await self._announce(scene, now)
        for ended, scene in list(self._fleet.ended.items()):
            await self._announce(scene, now)
            await self._end(SceneKey(scene.scene_id, scene.session), now)
            self._fleet.ended.pop(ended, None)
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

    async def _end(self, key: SceneKey, now: datetime) -> None:
        await transact(self._sessions, lambda db: end_scene(db, key, now, self._delays))

    async def _end_abandoned(self, now_s: float) -> None:
        """End what began once and has not been heard of for long: its end was told while nobody listened."""
        if now_s - self._looked_s < self._abandoned_s / 60:
            return
        self._looked_s = now_s
        there = {SceneKey(scene.scene_id, scene.session) for scene in self._fleet.scenes.values()}
        absent = set()
        if self._listening():
            async with self._sessions() as db:
                absent = await open_scenes(db) - there
        self._absent_since = {key: self._absent_since.get(key, now_s) for key in absent}
        for key in sorted(absent):
            if now_s - self._absent_since[key] > self._abandoned_s:
                await self._end(key, datetime.now(UTC))
                log.info("scene_abandoned", scene_id=key.scene_id, session_id=key.replay_session_id)

    def _forget(self) -> None:
        """Hold on to nothing that the fleet no longer does."""
        tracks, scenes = self._fleet.tracks, self._fleet.scenes.values()
        there = {SceneKey(scene.scene_id, scene.session) for scene in scenes}
        self._begun &= there
        self._written = {vehicle: at for vehicle, at in self._written.items() if vehicle in tracks}


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), _EVERY_S)
    except TimeoutError:
        return
