"""What happens by itself when its time has come. The times are in the database, so a restart loses none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.contracts.vocabulary import AlertStatus, Severity
from fleetops.db.failures import unavailable
from fleetops.db.models import Alert, Intervention
from fleetops.db.transaction import transact

from . import incidents, pull_overs
from .fleet import Fleet, lock_vehicles
from .outbox import Changes
from .scenes import SYSTEM

log = structlog.stdlib.get_logger(__name__)

AUTO_CLEARED = "AUTO_CLEARED"
"""`resolved_action_type` of an alert whose condition ended by itself."""

TICK_S = 0.25
"""How late a timer may be; a look costs two index scans that mostly find nothing."""

_BATCH = 500


async def run_due(session: AsyncSession, now: datetime) -> int:
    """Do what is due: complete pull-overs, then resolve alerts whose condition ended. Returns how many.

    Vehicles that another transaction holds are left for the next look, so that replicas
    share the work instead of queueing for it.
    """
    concerned = await _concerned(session, now)
    if not concerned:
        return 0
    fleet = await lock_vehicles(session, concerned, skip_locked=True)
    changes = Changes(fleet, now)
    done = await _complete_pull_overs(session, fleet, changes) + await _resolve_cleared(session, fleet, changes)
    for vehicle in fleet.vehicles.values():
        changes.settle(vehicle)
    await changes.write(session)
    return done


class Timers:
    """The loop around `run_due`."""

    def __init__(
        self, factory: async_sessionmaker[AsyncSession], *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._factory = factory
        self._clock = clock

    async def run(self, stop: asyncio.Event) -> None:
        """Look every `TICK_S` seconds until `stop` is set; a database that is away is waited for."""
        away = False
        while not stop.is_set():
            try:
                done = await transact(self._factory, lambda session: run_due(session, self._clock()))
            except Exception as error:
                if not unavailable(error):
                    raise
                if not away:
                    log.warning("timers_waiting", reason=str(error))
                away, done = True, 0
            else:
                away = False
            if done < _BATCH:
                await _pause(stop, TICK_S)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


async def _concerned(session: AsyncSession, now: datetime) -> set[str]:
    pulled_over = select(Intervention.vehicle_id).where(
        Intervention.completes_at <= now, Intervention.completed_at.is_(None), Intervention.ended_at.is_(None)
    )
    cleared = select(Alert.vehicle_id).where(
        Alert.resolve_at <= now,
        Alert.alert_status != AlertStatus.RESOLVED,
        Alert.severity != Severity.CRITICAL,
    )
    found = await session.scalars(pulled_over.limit(_BATCH))
    return {*found, *await session.scalars(cleared.order_by(Alert.resolve_at).limit(_BATCH))}


async def _complete_pull_overs(session: AsyncSession, fleet: Fleet, changes: Changes) -> int:
    due = [
        intervention
        for running in fleet.running.values()
        for intervention in running
        if intervention.completes_at is not None
        and intervention.completes_at <= changes.now
        and intervention.completed_at is None
    ]
    await pull_overs.complete(session, changes, due)
    for intervention in due:
        changes.settle(fleet.vehicles[intervention.vehicle_id], shown_anew=True)
    return len(due)


async def _resolve_cleared(session: AsyncSession, fleet: Fleet, changes: Changes) -> int:
    due = [
        alert
        for alerts in fleet.live.values()
        for alert in alerts.values()
        if alert.resolve_at is not None and alert.resolve_at <= changes.now and alert.severity is not Severity.CRITICAL
    ]
    await incidents.resolve(session, changes, due, by=SYSTEM, action_type=AUTO_CLEARED)
    return len(due)
