"""Anomalies to tell stories with, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly, Evidence, Provenance
from fleetops.contracts.vocabulary import ActionType, AnomalyStatus, AnomalyType, Purpose, Severity, VehicleState
from fleetops.db.base import Base
from fleetops.db.models import Alert, Disposition, OutboxRow, Vehicle
from fleetops.db.transaction import transact
from fleetops.operator.actions import Command, Outcome, act
from fleetops.operator.delays import Delays
from fleetops.operator.detections import Applied, apply_anomalies
from fleetops.operator.timers import run_due

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
START = datetime(2019, 10, 23, 16, 7, 43, tzinfo=UTC)
DELAYS = Delays(resolve=timedelta(seconds=30), pull_over=timedelta(seconds=5))
CAR = ids.vehicle_id("scene_001", 456)

Sessions = async_sessionmaker[AsyncSession]


def anomaly(
    frame: int = 42,
    *,
    severity: Severity = Severity.WARNING,
    status: AnomalyStatus = AnomalyStatus.ACTIVE,
    kind: AnomalyType = AnomalyType.SUDDEN_DECELERATION,
    vehicle: str = CAR,
    scene: str = "scene_001",
    session: str = "session_a",
    purpose: Purpose = Purpose.LIVE,
    at: datetime = NOW,
) -> Anomaly:
    """An anomaly as anomaly-service would send it, its id derived from what it says."""
    return Anomaly(
        anomaly_id=ids.anomaly_id(session, vehicle, frame, kind, status, severity),
        event_id=ids.event_id(ids.event_base(session, vehicle), frame),
        vehicle_id=vehicle,
        event_time=START + timedelta(milliseconds=100 * frame),
        processing_time=at,
        anomaly_type=kind,
        severity=severity,
        triggered_rule="decel_threshold_exceeded",
        status=status,
        features={"velocity_delta": -8.5, "acceleration_magnitude": 4.2, "time_window_ms": 500},
        thresholds={"decel_threshold_ms2": 3.0, "velocity_delta_threshold_ms": 5.0},
        evidence=Evidence(
            frame_indices=[frame - 1, frame],
            velocity_history=[13.5, 5.0],
            acceleration_history=[-0.1, -4.2],
            position_x_history=[1.0, 2.0],
            position_y_history=[1.0, 2.0],
            yaw_history=[0.1, 0.1],
            label_probability_history=[0.9, 0.9],
        ),
        provenance=Provenance(
            replay_session_id=session,
            purpose=purpose,
            dataset="sha256:0",
            scene_id=scene,
            frame_index=frame,
            rule_set="baseline@sha256:0",
        ),
    )


def cleared(frame: int, kind: AnomalyType = AnomalyType.SUDDEN_DECELERATION, vehicle: str = CAR) -> Anomaly:
    """The end of a condition."""
    return anomaly(frame, status=AnomalyStatus.CLEARED, kind=kind, vehicle=vehicle)


async def deliver(sessions: Sessions, *batch: Anomaly, now: datetime = NOW) -> Applied:
    """One batch arrives from Kafka."""
    return await transact(sessions, lambda session: apply_anomalies(session, batch, now, DELAYS))


async def do(
    sessions: Sessions,
    action: ActionType,
    alert_id: UUID,
    *,
    by: str = "operator_001",
    now: datetime = NOW,
    disposition: Disposition | None = None,
    comment: str | None = None,
    until: datetime | None = None,
    version: int | None = None,
) -> Outcome:
    """An operator acts."""
    command = Command(
        action, alert_id, by, comment=comment, disposition=disposition, snoozed_until=until, expected_version=version
    )
    return await transact(sessions, lambda session: act(session, command, now, DELAYS))


async def tick(sessions: Sessions, now: datetime) -> int:
    """The timers look at their clock."""
    return await transact(sessions, lambda session: run_due(session, now))


async def alerts(sessions: Sessions) -> Sequence[Alert]:
    """All alerts, in the order they were opened."""
    async with sessions() as session:
        return (await session.scalars(select(Alert).order_by(Alert.created_at, Alert.event_time))).all()


async def the_alert(sessions: Sessions) -> Alert:
    """The only alert there is."""
    (alert,) = await alerts(sessions)
    return alert


async def state(sessions: Sessions, vehicle: str = CAR) -> VehicleState:
    """The vehicle's state as it is written."""
    async with sessions() as session:
        return (await session.get_one(Vehicle, vehicle)).current_state


async def count(sessions: Sessions, table: type[Base]) -> int:
    """Rows of a table."""
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def told(sessions: Sessions) -> list[OutboxRow]:
    """The outbox, in the order it was written."""
    async with sessions() as session:
        return list((await session.scalars(select(OutboxRow).order_by(OutboxRow.id))).all())
