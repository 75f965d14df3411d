"""The whole of the operator's database at one moment, and the rules of the house that hold at every one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import delete, select
from tests.integration.operator.stories import Sessions

from fleetops.contracts.operations import VehicleCommand
from fleetops.contracts.vocabulary import ActionType as A
from fleetops.contracts.vocabulary import AlertStatus, AnomalyStatus, Severity
from fleetops.db.models import (
    ActionRecord,
    Alert,
    AnomalyRecord,
    Incident,
    Intervention,
    OutboxKind,
    OutboxRow,
    SceneReplay,
    Vehicle,
)
from fleetops.operator.alerts import AlertFilter, list_alerts
from fleetops.operator.timers import AUTO_CLEARED
from fleetops.operator.vehicle_state import vehicle_state
from fleetops.operator.vehicles import list_vehicles
from fleetops.operator.views import AlertView, VehicleView

_RANK = {severity: rank for rank, severity in enumerate(Severity)}
_MAY_FOLLOW = {
    AlertStatus.OPEN: set(AlertStatus),
    AlertStatus.ACKNOWLEDGED: set(AlertStatus),
    AlertStatus.RESOLVED: {AlertStatus.RESOLVED},
}
_FINAL = (
    "severity", "occurrences", "acknowledged_at", "acknowledged_by", "assigned_operator_id", "resolved_at",
    "resolved_by", "resolved_action_type", "disposition", "snoozed_until", "resolve_at", "evidence_anomaly_id",
)  # fmt: skip
_EMPTIED = (OutboxRow, Incident, ActionRecord, Intervention, Alert, AnomalyRecord, Vehicle, SceneReplay)


@dataclass(frozen=True)
class House:
    """Everything there is, read in one transaction."""

    vehicles: Mapping[str, Vehicle]
    alerts: Mapping[UUID, Alert]
    anomalies: Sequence[AnomalyRecord]
    interventions: Sequence[Intervention]
    actions: Sequence[ActionRecord]
    incidents: Sequence[Incident]
    replays: Sequence[SceneReplay]
    told: Sequence[OutboxRow]
    alert_views: Mapping[UUID, AlertView]
    vehicle_views: Mapping[str, VehicleView]

    @property
    def live(self) -> list[Alert]:
        """Alerts that are not resolved."""
        live = [alert for alert in self.alerts.values() if alert.alert_status is not AlertStatus.RESOLVED]
        return sorted(live, key=lambda alert: alert.alert_id)

    @property
    def running(self) -> list[Intervention]:
        """Interventions that have not ended."""
        return [one for one in self.interventions if one.ended_at is None]

    def picture(self) -> tuple[object, ...]:
        """What must be equal where nothing happened."""
        return (
            dict(self.alert_views),
            dict(self.vehicle_views),
            len(self.told),
            len(self.actions),
            len(self.anomalies),
            [(one.intervention_id, one.ended_at, one.completed_at) for one in self.interventions],
        )


async def look(sessions: Sessions) -> House:
    """The house as it stands."""
    async with sessions() as db, db.begin():
        await db.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        house = House(
            {row.vehicle_id: row for row in await db.scalars(select(Vehicle))},
            {row.alert_id: row for row in await db.scalars(select(Alert))},
            (await db.scalars(select(AnomalyRecord))).all(),
            (await db.scalars(select(Intervention).order_by(Intervention.sequence))).all(),
            (await db.scalars(select(ActionRecord).order_by(ActionRecord.number))).all(),
            (await db.scalars(select(Incident))).all(),
            (await db.scalars(select(SceneReplay))).all(),
            (await db.scalars(select(OutboxRow).order_by(OutboxRow.id))).all(),
            {view.alert_id: view for view in await list_alerts(db, AlertFilter(), limit=None)},
            {view.vehicle_id: view for view in await list_vehicles(db, limit=None)},
        )
        db.expunge_all()
    return house


async def clear_out(sessions: Sessions) -> None:
    """An empty house for the next story."""
    async with sessions() as db, db.begin():
        for table in _EMPTIED:
            await db.execute(delete(table))


def check(house: House) -> None:
    """Every rule that holds at every moment."""
    _states(house)
    _one_live_alert_for_a_condition(house)
    _one_incident_for_a_resolve(house)
    _occurrences(house)
    _conditions(house)
    _interventions(house)
    _commands(house)
    _repeats(house)
    _told(house)


def check_change(before: House, after: House) -> None:
    """What may follow what: no status but by the table, nothing taken back that is final."""
    for alert_id, was in before.alerts.items():
        now = after.alerts[alert_id]
        assert now.alert_status in _MAY_FOLLOW[was.alert_status], f"{was.alert_status} led to {now.alert_status}"
        assert now.version >= was.version
        assert now.occurrences >= was.occurrences
        assert _RANK[now.severity] >= _RANK[was.severity]
        if was.alert_status is AlertStatus.RESOLVED:
            assert [getattr(now, name) for name in _FINAL] == [getattr(was, name) for name in _FINAL]
        if now.version == was.version:
            assert after.alert_views[alert_id] == before.alert_views[alert_id], "it changed without a new version"
    kept = after.told[: len(before.told)]
    assert [(row.id, row.event, row.payload) for row in kept] == [
        (row.id, row.event, row.payload) for row in before.told
    ]
    assert {one.anomaly_id for one in before.anomalies} <= {one.anomaly_id for one in after.anomalies}
    sequences = {name: vehicle.command_sequence for name, vehicle in before.vehicles.items()}
    assert all(after.vehicles[name].command_sequence >= sequence for name, sequence in sequences.items())


def check_timers(house: House, now: datetime) -> None:
    """After the timers have looked, nothing is due any more."""
    for alert in house.live:
        assert alert.severity is Severity.CRITICAL or alert.resolve_at is None or alert.resolve_at > now
    for one in house.running:
        assert one.completes_at is None or one.completed_at is not None or one.completes_at > now


def _states(house: House) -> None:
    for vehicle in house.vehicles.values():
        here = (vehicle.vehicle_id, vehicle.replay_session_id)
        expected = vehicle_state(
            (alert.severity for alert in house.live if (alert.vehicle_id, alert.replay_session_id) == here),
            intervention_running=any((one.vehicle_id, one.replay_session_id) == here for one in house.running),
        )
        assert vehicle.current_state is expected


def _one_live_alert_for_a_condition(house: House) -> None:
    live = Counter((alert.replay_session_id, alert.vehicle_id, alert.anomaly_type) for alert in house.live)
    assert set(live.values()) <= {1}


def _one_incident_for_a_resolve(house: House) -> None:
    resolved = sorted(a.alert_id for a in house.alerts.values() if a.alert_status is AlertStatus.RESOLVED)
    assert sorted(incident.alert_id for incident in house.incidents) == resolved
    for incident in house.incidents:
        alert = house.alerts[incident.alert_id]
        assert (incident.resolved_action_type, incident.resolved_by_operator_id, incident.resolved_at) == (
            alert.resolved_action_type, alert.resolved_by, alert.resolved_at,
        )  # fmt: skip
        by_itself = alert.resolved_action_type == AUTO_CLEARED
        assert not (by_itself and alert.severity is Severity.CRITICAL), "a CRITICAL alert resolved itself"
        assert (alert.resolved_by == "system") == by_itself
        assert (alert.disposition is not None) == (alert.resolved_action_type == A.RESOLVE)


def _occurrences(house: House) -> None:
    active: defaultdict[UUID, list[AnomalyRecord]] = defaultdict(list)
    for anomaly in house.anomalies:
        if anomaly.status is AnomalyStatus.ACTIVE:
            assert anomaly.alert_id is not None, "an ACTIVE anomaly came to nothing"
            active[anomaly.alert_id].append(anomaly)
    for alert in house.alerts.values():
        behind = active[alert.alert_id]
        assert alert.occurrences == len(behind)
        assert _RANK[alert.severity] == max(_RANK[one.severity] for one in behind)
        (evidence,) = [one for one in behind if one.anomaly_id == alert.evidence_anomaly_id]
        assert evidence.severity is alert.severity
        assert alert.anomaly_id in {one.anomaly_id for one in behind}
        assert alert.last_seen_at == max(one.event_time for one in behind)


def _conditions(house: House) -> None:
    over = {(one.replay_session_id, one.scene_id) for one in house.replays if one.ended_at is not None}
    for alert in house.live:
        assert alert.condition_active == (alert.resolve_at is None), "it resolves while it holds, or never"
        superseded = house.vehicles[alert.vehicle_id].replay_session_id != alert.replay_session_id
        if superseded or (alert.replay_session_id, alert.scene_id) in over:
            assert not alert.condition_active, "its session is over, and it still holds"


def _interventions(house: House) -> None:
    running = Counter((one.replay_session_id, one.vehicle_id, one.action_type) for one in house.running)
    assert set(running.values()) <= {1}
    over = {one.replay_session_id for one in house.replays if one.ended_at is not None}
    for one in house.running:
        assert one.replay_session_id == house.vehicles[one.vehicle_id].replay_session_id
        assert one.replay_session_id not in over
    for one in house.interventions:
        assert (one.ended_at is None) == (one.end_reason is None)
        assert (one.picked_up_at is None) == (one.picked_up_by is None)
        assert one.picked_up_at is None or one.action_type is A.REQUEST_REMOTE_ASSIST
        if one.completed_at is not None:
            assert house.alerts[one.alert_id].alert_status is AlertStatus.RESOLVED, "a pull-over completed for nothing"


def _commands(house: House) -> None:
    """The commands to one vehicle are numbered 1, 2, 3… in the order they were given."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for action in house.actions:
        if "sequence" in action.details:
            numbers[action.vehicle_id].append(VehicleCommand.model_validate(_command(action.details)).sequence)
    for vehicle_id, vehicle in house.vehicles.items():
        assert numbers[vehicle_id] == list(range(1, vehicle.command_sequence + 1))


def _command(details: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in details.items() if name in VehicleCommand.model_fields}


def _repeats(house: House) -> None:
    for alert in house.alerts.values():
        if alert.repeats_alert_id is not None:
            before = house.alerts[alert.repeats_alert_id]
            assert before.alert_status is AlertStatus.RESOLVED
            assert (before.replay_session_id, before.vehicle_id, before.anomaly_type) == (
                alert.replay_session_id, alert.vehicle_id, alert.anomaly_type,
            )  # fmt: skip
            assert before.alert_id != alert.alert_id


def _told(house: House) -> None:
    """What was told last is what is shown, each version was told once, and each action."""
    last: dict[str, JsonValue] = {}
    versions: list[tuple[str, JsonValue]] = []
    vehicles: dict[str, dict[str, JsonValue]] = {}
    for row in house.told:
        alert, vehicle = row.event.get("alert"), row.event.get("vehicle")
        if isinstance(alert, dict):
            last[str(alert["alert_id"])] = alert
            versions.append((str(alert["alert_id"]), alert["version"]))
        if isinstance(vehicle, dict):
            vehicles[str(vehicle["vehicle_id"])] = vehicle
    assert len(versions) == len(set(versions)), "a version was told twice"
    assert len(versions) == sum(alert.version for alert in house.alerts.values()), "a version was not told"
    for view in house.alert_views.values():
        assert last[str(view.alert_id)] == view.model_dump(mode="json")
    for name, seen in house.vehicle_views.items():
        shown = seen.model_dump(mode="json", include={"current_state", "intervention", "allowed_actions"})
        told = vehicles.get(name, {"current_state": "NORMAL", "intervention": None, "allowed_actions": []})
        assert shown == {fact: told[fact] for fact in shown}
    done = [row.payload or {} for row in house.told if row.kind is OutboxKind.ACTION_EXECUTED]
    for name in house.vehicles:  # only those on one vehicle have an order: they wait for its lock
        told_of_it = [body["action_id"] for body in done if body["vehicle_id"] == name]
        assert told_of_it == [str(action.action_id) for action in house.actions if action.vehicle_id == name]
