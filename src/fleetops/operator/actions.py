"""What operators do to alerts. Each action is checked against the lifecycle, kept, and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import ActionType
from fleetops.contracts.wire import format_utc_ms
from fleetops.db.models import ActionRecord, Alert, Intervention, InterventionEnd
from fleetops.errors import NotFoundError, StaleVersionError

from . import incidents
from .commands import Command
from .delays import Delays
from .fleet import Fleet, lock_vehicles
from .lifecycle import INTERVENTIONS, advance
from .outbox import Changes, action_view
from .repeats import already_holds
from .views import ActionView, AlertView, VehicleView

__all__ = ["Command", "Outcome", "act", "actions_of"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How things stand after a command; `action` is None where it held already and nothing was done."""

    action: ActionView | None
    alert: AlertView
    vehicle: VehicleView


async def act(session: AsyncSession, command: Command, now: datetime, delays: Delays) -> Outcome:
    """Do what `command` says. The same operator repeating what already holds changes nothing.

    Raises:
        NotFoundError: no such alert.
        IllegalTransitionError: where the alert stands, this is not allowed.
        StaleVersionError: the alert changed since the caller saw it.
        InvalidRequestError: the action lacks what it needs.
    """
    command.check(now)
    vehicle_id = await session.scalar(select(Alert.vehicle_id).where(Alert.alert_id == command.alert_id))
    if vehicle_id is None:
        raise NotFoundError("alert", command.alert_id)
    fleet = await lock_vehicles(session, [vehicle_id])
    alert = await session.get_one(Alert, command.alert_id, populate_existing=True)
    vehicle = fleet.vehicles[vehicle_id]
    standing = fleet.standing(alert)
    if await already_holds(session, command, alert, standing):
        return Outcome(None, fleet.alert_view(alert), fleet.vehicle_view(vehicle))
    if command.expected_version is not None and command.expected_version != alert.version:
        raise StaleVersionError(f"the alert is at version {alert.version}, not {command.expected_version}; look again")
    status = advance(standing, command.action_type)
    deed = _Deed(session, fleet, Changes(fleet, now), command, alert, delays)
    if command.action_type is ActionType.RESOLVE:
        await deed.resolve()
    else:
        alert.alert_status = status
        _EFFECTS[command.action_type](deed)
    deed.changes.settle(vehicle, shown_anew=command.action_type in _ON_VEHICLE)
    action = deed.record()
    await deed.changes.write(session)
    return Outcome(action_view(action), fleet.alert_view(alert), fleet.vehicle_view(vehicle))


async def actions_of(session: AsyncSession, alert_id: UUID) -> list[ActionView]:
    """What was done to an alert, oldest first."""
    rows = await session.scalars(
        select(ActionRecord).where(ActionRecord.alert_id == alert_id).order_by(ActionRecord.number)
    )
    return [action_view(row) for row in rows]


_ON_VEHICLE = (*INTERVENTIONS, ActionType.RESUME_SIMULATION)


@dataclass(frozen=True, slots=True)
class _Deed:
    """A command under way on a locked vehicle."""

    session: AsyncSession
    fleet: Fleet
    changes: Changes
    command: Command
    alert: Alert
    delays: Delays
    details: dict[str, JsonValue] = field(default_factory=dict)

    def acknowledge(self) -> None:
        self.alert.acknowledged_at, self.alert.acknowledged_by = self.changes.now, self.command.operator_id
        self.changes.touched(self.alert)

    def unacknowledge(self) -> None:
        self.alert.acknowledged_at = self.alert.acknowledged_by = None
        self.changes.touched(self.alert)

    def assign(self) -> None:
        self.alert.assigned_operator_id = self.command.wanted_operator
        self.details["assigned_operator_id"] = self.alert.assigned_operator_id
        self.changes.touched(self.alert)

    def snooze(self) -> None:
        until = self.command.snoozed_until
        if until is not None:  # Command.check saw to it
            self.alert.snoozed_until = until
            self.details["snoozed_until"] = format_utc_ms(until)
        self.changes.touched(self.alert)

    def say(self) -> None:
        """A comment changes nothing about the alert; the action carries it."""

    def intervene(self) -> None:
        now, kind = self.changes.now, self.command.action_type
        intervention = Intervention(
            intervention_id=self.command.action_id,
            alert_id=self.alert.alert_id,
            vehicle_id=self.alert.vehicle_id,
            replay_session_id=self.alert.replay_session_id,
            action_type=kind,
            operator_id=self.command.operator_id,
            sequence=self._number(),
            started_at=now,
            completes_at=now + self.delays.pull_over if kind is ActionType.PULL_OVER_SIMULATED else None,
        )
        self.session.add(intervention)
        self.fleet.running[self.alert.vehicle_id].append(intervention)
        self._show_alerts_anew()

    def resume(self) -> None:
        running = self.fleet.running[self.alert.vehicle_id]
        for intervention in [i for i in running if i.alert_id == self.alert.alert_id]:
            intervention.ended_at, intervention.ended_by = self.changes.now, self.command.operator_id
            intervention.end_reason = InterventionEnd.RESUMED
            running.remove(intervention)
        self._number()
        self._show_alerts_anew()

    async def resolve(self) -> None:
        command = self.command
        self.details["disposition"] = command.disposition
        await incidents.resolve(
            self.session,
            self.changes,
            [self.alert],
            by=command.operator_id,
            action_type=command.action_type,
            disposition=command.disposition,
        )

    def record(self) -> ActionRecord:
        """Keep what was done, and tell it."""
        if self.command.comment is not None:
            self.details["comment"] = self.command.comment
        action = ActionRecord(
            action_id=self.command.action_id,
            alert_id=self.alert.alert_id,
            vehicle_id=self.alert.vehicle_id,
            operator_id=self.command.operator_id,
            action_type=self.command.action_type,
            details=self.details,
            created_at=self.changes.now,
        )
        self.session.add(action)
        self.changes.action(action)
        return action

    def _number(self) -> int:
        """Number a command about the vehicle: the topic gives those of one vehicle no order."""
        vehicle = self.fleet.vehicles[self.alert.vehicle_id]
        vehicle.command_sequence += 1
        self.details["sequence"] = vehicle.command_sequence
        self.details["replay_session_id"] = self.alert.replay_session_id
        self.details["scene_id"] = self.alert.scene_id
        return vehicle.command_sequence

    def _show_alerts_anew(self) -> None:
        """What may be done to the vehicle's other alerts changed as well."""
        others = self.fleet.live[self.alert.vehicle_id].values()
        session = self.alert.replay_session_id
        for alert in [self.alert, *(a for a in others if a is not self.alert and a.replay_session_id == session)]:
            self.changes.touched(alert)


_EFFECTS: dict[ActionType, Callable[[_Deed], None]] = {
    ActionType.ACKNOWLEDGE: _Deed.acknowledge,
    ActionType.UNACKNOWLEDGE: _Deed.unacknowledge,
    ActionType.ASSIGN_OPERATOR: _Deed.assign,
    ActionType.PULL_OVER_SIMULATED: _Deed.intervene,
    ActionType.REQUEST_REMOTE_ASSIST: _Deed.intervene,
    ActionType.RESUME_SIMULATION: _Deed.resume,
    ActionType.SNOOZE: _Deed.snooze,
    ActionType.COMMENT: _Deed.say,
}
"""What each action does to the alert beyond its status; RESOLVE reads evidence, so it stands apart."""
