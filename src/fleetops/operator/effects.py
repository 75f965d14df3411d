"""What each action does to an alert and its vehicle, once it is known to be allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import JsonValue
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import ActionType
from fleetops.contracts.wire import format_utc_ms
from fleetops.db.models import Alert, Intervention, InterventionEnd

from . import incidents
from .commands import Command
from .delays import Delays
from .fleet import Fleet
from .incidents import Evidence
from .lifecycle import ENDS, INTERVENTIONS
from .outbox import Changes
from .views import ActionView

_END = {
    ActionType.RESUME_SIMULATION: InterventionEnd.RESUMED,
    ActionType.CLOSE_REMOTE_ASSIST: InterventionEnd.CLOSED,
}
_ON_VEHICLE = (*INTERVENTIONS, *ENDS, ActionType.PICK_UP_REMOTE_ASSIST)


@dataclass(frozen=True, slots=True)
class Effect:
    """An allowed command under way on a locked vehicle; `alert_status` is set already, except for RESOLVE."""

    session: AsyncSession
    fleet: Fleet
    changes: Changes
    command: Command
    alert: Alert
    delays: Delays
    evidence: Evidence
    """Of the alerts that are to be resolved."""
    details: dict[str, JsonValue] = field(default_factory=dict)

    def take(self) -> ActionView:
        """Change what the command changes, keep that it was done, and tell it."""
        _EFFECTS[self.command.action_type](self)
        vehicle = self.fleet.vehicles[self.alert.vehicle_id]
        self.changes.settle(vehicle, shown_anew=self.command.action_type in _ON_VEHICLE)
        if self.command.comment is not None:
            self.details["comment"] = self.command.comment
        action = ActionView(
            action_id=self.command.action_id,
            alert_id=self.alert.alert_id,
            vehicle_id=self.alert.vehicle_id,
            operator_id=self.command.operator_id,
            action_type=self.command.action_type,
            metadata=self.details,
            created_at=self.changes.now,
        )
        self.changes.action(action)
        return action

    def _acknowledge(self) -> None:
        self.alert.acknowledged_at, self.alert.acknowledged_by = self.changes.now, self.command.operator_id
        self.changes.touched(self.alert)

    def _unacknowledge(self) -> None:
        self.alert.acknowledged_at = self.alert.acknowledged_by = None
        self.changes.touched(self.alert)

    def _assign(self) -> None:
        self.alert.assigned_operator_id = self.command.wanted_operator
        self.details["assigned_operator_id"] = self.alert.assigned_operator_id
        self.changes.touched(self.alert)

    def _snooze(self) -> None:
        until = self.command.snoozed_until
        if until is not None:  # Command.check saw to it
            self.alert.snoozed_until = until
            self.details["snoozed_until"] = format_utc_ms(until)
        self.changes.touched(self.alert)

    def _wake(self) -> None:
        self.alert.snoozed_until = None
        self.changes.touched(self.alert)

    def _say(self) -> None:
        """A comment changes nothing about the alert; the action carries it."""

    def _intervene(self) -> None:
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

    def _pick_up(self) -> None:
        for intervention in self._begun_here(frozenset({ActionType.REQUEST_REMOTE_ASSIST})):
            intervention.picked_up_at, intervention.picked_up_by = self.changes.now, self.command.operator_id
        self.changes.touched(self.alert)

    def _end(self) -> None:
        kind = self.command.action_type
        ending = self._begun_here(ENDS[kind])
        for intervention in ending:
            intervention.ended_at, intervention.ended_by = self.changes.now, self.command.operator_id
            intervention.end_reason = _END[kind]
            self.fleet.running[self.alert.vehicle_id].remove(intervention)
        self._number()
        self.details["ended_interventions"] = [intervention.action_type.value for intervention in ending]
        self._show_alerts_anew()

    def _resolve(self) -> None:
        command = self.command
        self.details["disposition"] = command.disposition
        incidents.close(
            self.session,
            self.changes,
            self.alert,
            self.evidence,
            by=command.operator_id,
            action_type=command.action_type,
            disposition=command.disposition,
        )

    def _begun_here(self, kinds: frozenset[ActionType]) -> list[Intervention]:
        running = self.fleet.running[self.alert.vehicle_id]
        here = [i for i in running if i.alert_id == self.alert.alert_id and i.action_type in kinds]
        return sorted(here, key=lambda intervention: intervention.sequence)

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


_EFFECTS: dict[ActionType, Callable[[Effect], None]] = {
    ActionType.ACKNOWLEDGE: Effect._acknowledge,
    ActionType.UNACKNOWLEDGE: Effect._unacknowledge,
    ActionType.ASSIGN_OPERATOR: Effect._assign,
    ActionType.PULL_OVER_SIMULATED: Effect._intervene,
    ActionType.REQUEST_REMOTE_ASSIST: Effect._intervene,
    ActionType.PICK_UP_REMOTE_ASSIST: Effect._pick_up,
    ActionType.CLOSE_REMOTE_ASSIST: Effect._end,
    ActionType.RESUME_SIMULATION: Effect._end,
    ActionType.RESOLVE: Effect._resolve,
    ActionType.SNOOZE: Effect._snooze,
    ActionType.UNSNOOZE: Effect._wake,
    ActionType.COMMENT: Effect._say,
}
"""What each action does beyond the alert's status."""
