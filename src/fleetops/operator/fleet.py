"""Vehicles as a transaction sees them, with all that decides their state and what may be done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from fleetops.contracts.vocabulary import ActionType, AlertStatus, Severity, VehicleState
from fleetops.db.models import Alert, Intervention, SceneReplay, Vehicle
from fleetops.db.noise import Silence
from fleetops.db.queries import among

from .lifecycle import INTERVENTIONS, Standing, actions_on, allowed_actions
from .silencing import Matcher
from .vehicle_state import vehicle_state
from .views import AlertView, InterventionView, VehicleView


@dataclass(frozen=True, slots=True)
class Fleet:
    """Some vehicles and what hangs on them. `live` is filled only where they were locked."""

    vehicles: dict[str, Vehicle] = field(default_factory=dict)
    live: defaultdict[str, dict[UUID, Alert]] = field(default_factory=lambda: defaultdict(dict))
    running: defaultdict[str, list[Intervention]] = field(default_factory=lambda: defaultdict(list))
    over: set[tuple[str, str]] = field(default_factory=set)
    """(session, scene) of replays that have ended."""
    silences: list[Matcher] = field(default_factory=list)
    """Those that were not ended. Filled only where vehicles were locked."""

    def standing(self, alert: Alert) -> Standing:
        """What decides about actions on `alert`, whose vehicle must be one of these."""
        vehicle = self.vehicles[alert.vehicle_id]
        running = [i for i in self.running[alert.vehicle_id] if i.replay_session_id == alert.replay_session_id]
        here = [i for i in running if i.alert_id == alert.alert_id]
        return Standing(
            status=alert.alert_status,
            session_runs=vehicle.replay_session_id == alert.replay_session_id
            and (alert.replay_session_id, alert.scene_id) not in self.over,
            begun_here=frozenset(i.action_type for i in here),
            on_vehicle=frozenset(i.action_type for i in running),
            picked_up=any(i.picked_up_at is not None for i in here),
            snoozed=alert.snoozed_until is not None,
        )

    def state_of(self, vehicle: Vehicle) -> VehicleState:
        """The state that `vehicle`, locked, ought to have."""
        session = vehicle.replay_session_id
        return vehicle_state(
            (alert.severity for alert in self.live[vehicle.vehicle_id].values() if alert.replay_session_id == session),
            intervention_running=bool(self.current_interventions(vehicle)),
        )

    def current_interventions(self, vehicle: Vehicle) -> list[Intervention]:
        """What runs on `vehicle` in its newest session; a pull-over before a remote assist."""
        session = vehicle.replay_session_id
        running = [i for i in self.running[vehicle.vehicle_id] if i.replay_session_id == session]
        return sorted(running, key=lambda i: INTERVENTIONS.index(i.action_type))

    def alert_view(self, alert: Alert) -> AlertView:
        """`alert` as it is shown."""
        return AlertView(
            alert_id=alert.alert_id,
            anomaly_id=alert.anomaly_id,
            vehicle_id=alert.vehicle_id,
            scene_id=alert.scene_id,
            replay_session_id=alert.replay_session_id,
            event_time=alert.event_time,
            created_at=alert.created_at,
            last_seen_at=alert.last_seen_at,
            alert_status=alert.alert_status,
            severity=alert.severity,
            anomaly_type=alert.anomaly_type,
            triggered_rule=alert.triggered_rule,
            occurrences=alert.occurrences,
            condition_active=alert.condition_active,
            assigned_operator_id=alert.assigned_operator_id,
            acknowledged_at=alert.acknowledged_at,
            acknowledged_by=alert.acknowledged_by,
            resolve_at=alert.resolve_at if alert.severity is not Severity.CRITICAL else None,  # it waits for a person
            resolved_at=alert.resolved_at,
            resolved_by=alert.resolved_by,
            disposition=alert.disposition,
            snoozed_until=alert.snoozed_until,
            repeats_alert_id=alert.repeats_alert_id,
            silence_id=alert.silence_id,
            explained_by_alert_id=alert.explained_by_alert_id,
            version=alert.version,
            allowed_actions=allowed_actions(self.standing(alert)),
        )

    def vehicle_view(self, vehicle: Vehicle) -> VehicleView:
        """`vehicle` as it is shown."""
        interventions = self.current_interventions(vehicle)
        shown = interventions[0] if interventions else None
        return VehicleView(
            vehicle_id=vehicle.vehicle_id,
            scene_id=vehicle.scene_id,
            track_id=vehicle.track_id,
            current_state=vehicle.current_state,
            replay_session_id=vehicle.replay_session_id,
            last_telemetry_time=vehicle.last_telemetry_time,
            last_position_x=vehicle.last_position_x,
            last_position_y=vehicle.last_position_y,
            last_velocity_magnitude=vehicle.last_velocity_magnitude,
            created_at=vehicle.created_at,
            updated_at=vehicle.updated_at,
            intervention=shown and _intervention_view(shown),
            allowed_actions=_actions_on(shown),
        )


async def lock_vehicles(session: AsyncSession, vehicle_ids: Collection[str], *, skip_locked: bool = False) -> Fleet:
    """Lock these vehicles in the order of their ids until the transaction ends, and read all that hangs on them.

    Whoever holds a vehicle's row is alone in changing its alerts and interventions. With
    `skip_locked`, vehicles that somebody else holds are left out.
    """
    rows = await session.scalars(
        select(Vehicle)
        .where(among(Vehicle.vehicle_id, vehicle_ids))
        .order_by(Vehicle.vehicle_id)
        .with_for_update(skip_locked=skip_locked)
        .execution_options(populate_existing=True)
    )
    fleet = Fleet(vehicles={vehicle.vehicle_id: vehicle for vehicle in rows})
    await _read_surroundings(session, fleet)
    alerts = await session.scalars(
        select(Alert)
        .where(among(Alert.vehicle_id, fleet.vehicles), Alert.alert_status != AlertStatus.RESOLVED)
        .execution_options(populate_existing=True)
    )
    for alert in alerts:
        fleet.live[alert.vehicle_id][alert.alert_id] = alert
    fleet.silences.extend(await running_silences(session))
    return fleet


async def running_silences(session: AsyncSession) -> list[Matcher]:
    """The silences that nobody has ended. One of them may have expired a moment ago."""
    rows = await session.execute(
        select(
            Silence.silence_id,
            Silence.vehicle_id,
            Silence.scene_id,
            Silence.anomaly_type,
            Silence.triggered_rule,
            Silence.severity_up_to,
            Silence.expires_at,
        ).where(Silence.ended_at.is_(None))
    )
    return [Matcher(*row) for row in rows]


async def read_vehicles(session: AsyncSession, vehicle_ids: Collection[str]) -> Fleet:
    """These vehicles and what decides about actions, for showing only: nothing is locked."""
    rows = await session.scalars(select(Vehicle).where(among(Vehicle.vehicle_id, vehicle_ids)))
    return await around(session, {vehicle.vehicle_id: vehicle for vehicle in rows})


async def around(session: AsyncSession, vehicles: dict[str, Vehicle]) -> Fleet:
    """`vehicles`, read already, with what decides about actions."""
    fleet = Fleet(vehicles=vehicles)
    await _read_surroundings(session, fleet)
    return fleet


async def _read_surroundings(session: AsyncSession, fleet: Fleet) -> None:
    interventions = await session.scalars(
        select(Intervention)
        .where(among(Intervention.vehicle_id, fleet.vehicles), Intervention.ended_at.is_(None))
        .execution_options(populate_existing=True)
    )
    for intervention in interventions:
        fleet.running[intervention.vehicle_id].append(intervention)
    newest = {vehicle.replay_session_id for vehicle in fleet.vehicles.values() if vehicle.replay_session_id}
    ended = await session.execute(
        select(SceneReplay.replay_session_id, SceneReplay.scene_id).where(
            among(SceneReplay.replay_session_id, newest), SceneReplay.ended_at.is_not(None)
        )
    )
    fleet.over.update((row.replay_session_id, row.scene_id) for row in ended)


def _actions_on(intervention: Intervention | None) -> list[ActionType]:
    if intervention is None:
        return []
    return actions_on(intervention.action_type, picked_up=intervention.picked_up_at is not None)


def _intervention_view(intervention: Intervention) -> InterventionView:
    return InterventionView(
        intervention_id=intervention.intervention_id,
        alert_id=intervention.alert_id,
        action_type=intervention.action_type,
        operator_id=intervention.operator_id,
        started_at=intervention.started_at,
        completes_at=intervention.completes_at if intervention.completed_at is None else None,
        picked_up_at=intervention.picked_up_at,
        picked_up_by=intervention.picked_up_by,
    )
