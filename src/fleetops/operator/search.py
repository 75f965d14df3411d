"""What is looked for among alerts and incidents, as conditions of a query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select

from fleetops.contracts.vocabulary import AlertStatus, AnomalyType, Severity
from fleetops.db.models import ActionRecord, Alert, Disposition, Incident


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts are wanted; an empty field takes all, and several fields must all fit."""

    statuses: tuple[AlertStatus, ...] = ()
    severities: tuple[Severity, ...] = ()
    anomaly_types: tuple[AnomalyType, ...] = ()
    dispositions: tuple[Disposition, ...] = ()
    vehicle_id: str | None = None
    scene_id: str | None = None
    replay_session_id: str | None = None
    operator_id: str | None = None
    """Who has it, or acknowledged or resolved it."""
    since: datetime | None = None
    until: datetime | None = None
    """Opened at `since` or later, and before `until`."""
    text: str | None = None
    """Occurs in one of its comments, in whichever case."""
    live_only: bool = False
    silenced: bool | None = None
    """Hidden by a silence, or not; a resolved alert counts as it was then."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions that an alert must meet."""
        found: list[ColumnElement[bool] | None] = [
            Alert.alert_status.in_(self.statuses) if self.statuses else None,
            Alert.severity.in_(self.severities) if self.severities else None,
            Alert.anomaly_type.in_(self.anomaly_types) if self.anomaly_types else None,
            Alert.disposition.in_(self.dispositions) if self.dispositions else None,
            Alert.vehicle_id == self.vehicle_id if self.vehicle_id is not None else None,
            Alert.scene_id == self.scene_id if self.scene_id is not None else None,
            Alert.replay_session_id == self.replay_session_id if self.replay_session_id is not None else None,
            _held_by(self.operator_id) if self.operator_id is not None else None,
            Alert.created_at >= self.since if self.since is not None else None,
            Alert.created_at < self.until if self.until is not None else None,
            _commented(self.text) if self.text is not None else None,
            Alert.alert_status != AlertStatus.RESOLVED if self.live_only else None,
            _hidden(self.silenced) if self.silenced is not None else None,
        ]
        return [condition for condition in found if condition is not None]


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents are wanted; an empty field takes all, and several fields must all fit."""

    severities: tuple[Severity, ...] = ()
    anomaly_types: tuple[AnomalyType, ...] = ()
    dispositions: tuple[Disposition, ...] = ()
    vehicle_id: str | None = None
    scene_id: str | None = None
    operator_id: str | None = None
    """Who resolved it."""
    action_type: str | None = None
    """By what it was resolved."""
    since: datetime | None = None
    until: datetime | None = None
    """Resolved at `since` or later, and before `until`."""
    text: str | None = None
    """Occurs in one of its alert's comments, in whichever case."""

    def conditions(self) -> list[ColumnElement[bool]]:
        """The conditions that an incident, joined with its alert, must meet."""
        found: list[ColumnElement[bool] | None] = [
            Incident.severity.in_(self.severities) if self.severities else None,
            Incident.anomaly_type.in_(self.anomaly_types) if self.anomaly_types else None,
            Alert.disposition.in_(self.dispositions) if self.dispositions else None,
            Incident.vehicle_id == self.vehicle_id if self.vehicle_id is not None else None,
            Alert.scene_id == self.scene_id if self.scene_id is not None else None,
            Incident.resolved_by_operator_id == self.operator_id if self.operator_id is not None else None,
            Incident.resolved_action_type == self.action_type if self.action_type is not None else None,
            Incident.created_at >= self.since if self.since is not None else None,
            Incident.created_at < self.until if self.until is not None else None,
            _commented(self.text) if self.text is not None else None,
        ]
        return [condition for condition in found if condition is not None]


def _hidden(silenced: bool) -> ColumnElement[bool]:
    return Alert.silence_id.is_not(None) if silenced else Alert.silence_id.is_(None)


def _held_by(operator_id: str) -> ColumnElement[bool]:
    return or_(
        Alert.assigned_operator_id == operator_id,
        Alert.acknowledged_by == operator_id,
        Alert.resolved_by == operator_id,
    )


def _commented(text: str) -> ColumnElement[bool]:
    comment = ActionRecord.details["comment"].astext
    # `has_key` is the condition of the index on comments; without it every action would be read.
    found = select(ActionRecord.alert_id).where(
        ActionRecord.details.has_key("comment"), comment.icontains(text, autoescape=True)
    )
    return Alert.alert_id.in_(found)
