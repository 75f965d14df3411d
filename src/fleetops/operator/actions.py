"""What operators do to alerts. Each action is checked against the lifecycle, kept, and told."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import ActionType, AlertStatus
from fleetops.db.models import ActionRecord, Alert
from fleetops.db.queries import among
from fleetops.errors import ConflictError, NotFoundError, PermissionDeniedError, StaleVersionError

from . import incidents
from .assignment import require_assignable
from .commands import Command
from .delays import Delays
from .effects import Effect
from .fleet import Fleet, lock_vehicles
from .lifecycle import Standing, advance
from .outbox import Changes
from .repeats import Past, already_holds, read_past
from .views import ActionView, AlertView, VehicleView

__all__ = ["Command", "Outcome", "Refusal", "act", "act_on", "actions_of"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How things stand after a command; `action` is None where it held already and nothing was done."""

    action: ActionView | None
    record: Alert
    fleet: Fleet

    @property
    def alert(self) -> AlertView:
        """The alert as it is shown; of a thousand, made for those that are looked at."""
        return self.fleet.alert_view(self.record)

    @property
    def vehicle(self) -> VehicleView:
        """Its vehicle as it is shown."""
        return self.fleet.vehicle_view(self.fleet.vehicles[self.record.vehicle_id])


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command was not done, and the alert as it stands; None where there is no such alert."""

    error: NotFoundError | ConflictError | PermissionDeniedError
    alert: AlertView | None


async def act(session: AsyncSession, command: Command, now: datetime, delays: Delays) -> Outcome:
    """Do what `command` says. The same operator repeating what already holds changes nothing.

    Raises:
        NotFoundError: no such alert.
        IllegalTransitionError: where the alert stands, this is not allowed.
        StaleVersionError: the alert changed since the caller saw it.
        PermissionDeniedError: it is another operator's, and the command is for own ones only.
        InvalidRequestError: the action lacks what it needs.
    """
    (result,) = await act_on(session, [command], now, delays)
    if isinstance(result, Refusal):
        raise result.error
    return result


async def act_on(
    session: AsyncSession, commands: Sequence[Command], now: datetime, delays: Delays
) -> list[Outcome | Refusal]:
    """Do what `commands` say, each on an alert of its own, and answer in their order; one refused stops no other.

    The number of statements does not depend on that of commands. Vehicles are locked in the
    order of their ids.

    Raises:
        InvalidRequestError: an action lacks what it needs; nothing is done.
    """
    for command in commands:
        command.check(now)
    await require_assignable(session, {who for command in commands if (who := command.assigned_to_another)})
    wanted = {command.alert_id for command in commands}
    rows = await session.execute(select(Alert.alert_id, Alert.vehicle_id).where(among(Alert.alert_id, wanted)))
    vehicle_of = {row.alert_id: row.vehicle_id for row in rows}
    fleet = await lock_vehicles(session, set(vehicle_of.values()))
    alerts = await _alerts(session, fleet, vehicle_of)
    ground = _Ground(
        session,
        fleet,
        Changes(fleet, now),
        alerts,
        await read_past(session, vehicle_of),
        await incidents.read_evidence(session, _to_resolve(commands, alerts)),
        delays,
    )
    results = [ground.perform(command) for command in commands]
    await ground.changes.write(session)
    return results


async def actions_of(session: AsyncSession, alert_id: UUID) -> list[ActionView]:
    """What was done to an alert, oldest first."""
    rows = await session.scalars(
        select(ActionRecord).where(ActionRecord.alert_id == alert_id).order_by(ActionRecord.number)
    )
    return [
        ActionView(
            action_id=row.action_id,
            alert_id=row.alert_id,
            vehicle_id=row.vehicle_id,
            operator_id=row.operator_id,
            action_type=row.action_type,
            metadata=row.details,
            created_at=row.created_at,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class _Ground:
    """All that commands need of the database, read and locked."""

    session: AsyncSession
    fleet: Fleet
    changes: Changes
    alerts: dict[UUID, Alert]
    past: Past
    evidence: incidents.Evidence
    delays: Delays

    def perform(self, command: Command) -> Outcome | Refusal:
        """Do one command, or say why not."""
        alert = self.alerts.get(command.alert_id)
        if alert is None:
            return Refusal(NotFoundError("alert", command.alert_id), None)
        standing = self.fleet.standing(alert)
        try:
            _require_own(command, alert)
            if already_holds(self.past, command, alert, standing):
                return Outcome(None, alert, self.fleet)
            action = self._do(command, alert, standing)
        except (ConflictError, PermissionDeniedError) as error:
            return Refusal(error, self.fleet.alert_view(alert))
        return Outcome(action, alert, self.fleet)

    def _do(self, command: Command, alert: Alert, standing: Standing) -> ActionView:
        if command.expected_version not in {None, alert.version}:
            raise StaleVersionError(
                f"the alert is at version {alert.version}, not {command.expected_version}; look again"
            )
        status = advance(standing, command.action_type)
        if status is not AlertStatus.RESOLVED:
            alert.alert_status = status
        return Effect(self.session, self.fleet, self.changes, command, alert, self.delays, self.evidence).take()


def _require_own(command: Command, alert: Alert) -> None:
    holder = alert.assigned_operator_id or alert.acknowledged_by
    if command.own_only and holder not in {None, command.operator_id}:
        raise PermissionDeniedError(f"the alert is with {holder}; a supervisor can do this to others' alerts")


async def _alerts(session: AsyncSession, fleet: Fleet, alert_ids: Collection[UUID]) -> dict[UUID, Alert]:
    """The alerts of these ids: the live ones came with the locked vehicles, the rest is read now."""
    live = {alert.alert_id: alert for alerts in fleet.live.values() for alert in alerts.values()}
    resolved = await session.scalars(
        select(Alert)
        .where(among(Alert.alert_id, [alert_id for alert_id in alert_ids if alert_id not in live]))
        .execution_options(populate_existing=True)
    )
    return {alert_id: live[alert_id] for alert_id in alert_ids if alert_id in live} | {a.alert_id: a for a in resolved}


def _to_resolve(commands: Sequence[Command], alerts: dict[UUID, Alert]) -> list[Alert]:
    resolving = [command.alert_id for command in commands if command.action_type is ActionType.RESOLVE]
    return [alerts[alert_id] for alert_id in resolving if alert_id in alerts]
