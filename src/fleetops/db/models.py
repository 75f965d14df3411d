"""The fleet's tables: vehicles, anomalies, alerts, what operators did, and the outbox.

Lock order, for every transaction that writes: `anomalies` rows by id, the scenes'
advisory locks by name, `vehicles` rows by id, then all that hangs on a vehicle. Two
transactions on two alerts of one vehicle would else miss each other's effect on its state.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, func, text
from sqlalchemy.orm import Mapped, mapped_column

from fleetops.contracts.vocabulary import (
    ActionType,
    AlertStatus,
    AnomalyStatus,
    AnomalyType,
    Severity,
    VehicleState,
)

from .base import Base, JsonObject, words


class Disposition(StrEnum):
    """How a person judged an alert when resolving it."""

    TRUE = "true"
    FALSE = "false"
    DUPLICATE = "duplicate"
    EXPECTED = "expected"


class OutboxKind(StrEnum):
    """Which event a row of the outbox is to the consoles."""

    ALERT_CREATED = "alert_created"
    ALERT_UPDATED = "alert_updated"
    VEHICLE_UPDATED = "vehicle_updated"
    ACTION_EXECUTED = "action_executed"


class InterventionEnd(StrEnum):
    """Why an intervention no longer runs."""

    RESUMED = "RESUMED"
    CLOSED = "CLOSED"
    SESSION_ENDED = "SESSION_ENDED"


class SceneReplay(Base):
    """One scene within one live replay session. The newest one is what the scene's vehicles show."""

    __tablename__ = "scene_replays"
    __table_args__ = (Index(None, "scene_id", "started_at"),)

    replay_session_id: Mapped[str] = mapped_column(primary_key=True)
    scene_id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    """Processing time of the first message seen of it: only an order among replays of a scene."""
    ended_at: Mapped[datetime | None]


class Vehicle(Base):
    """A track of a scene as a fleet vehicle, with the state that its alerts and interventions give it."""

    __tablename__ = "vehicles"
    __table_args__ = (Index("idx_vehicles_scene_id", "scene_id"),)

    vehicle_id: Mapped[str] = mapped_column(primary_key=True)
    scene_id: Mapped[str]
    track_id: Mapped[int] = mapped_column(BigInteger)
    current_state: Mapped[VehicleState] = mapped_column(words(VehicleState), server_default=VehicleState.NORMAL.value)
    replay_session_id: Mapped[str | None]
    """The newest live replay of its scene; alerts of older ones no longer colour it."""
    command_sequence: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Number of the last command sent about it, so that replay-service can tell an older one."""
    last_telemetry_time: Mapped[datetime | None]
    last_position_x: Mapped[float | None]
    last_position_y: Mapped[float | None]
    last_velocity_magnitude: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class AnomalyRecord(Base):
    """An anomaly as it was received, once. Its key is what makes redelivery harmless, for ever."""

    __tablename__ = "anomalies"
    __table_args__ = (
        Index("idx_anomalies_alert_id", "alert_id"),
        Index("idx_anomalies_vehicle_id", "vehicle_id"),
    )

    anomaly_id: Mapped[UUID] = mapped_column(primary_key=True)
    event_id: Mapped[UUID]
    vehicle_id: Mapped[str]
    replay_session_id: Mapped[str]
    scene_id: Mapped[str]
    frame_index: Mapped[int] = mapped_column(BigInteger)
    event_time: Mapped[datetime]
    processing_time: Mapped[datetime]
    anomaly_type: Mapped[AnomalyType] = mapped_column(words(AnomalyType, 100))
    severity: Mapped[Severity] = mapped_column(words(Severity))
    status: Mapped[AnomalyStatus] = mapped_column(words(AnomalyStatus))
    message: Mapped[JsonObject]
    alert_id: Mapped[UUID | None]
    """The alert it was applied to; none for a CLEARED that found no live one."""
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Alert(Base):
    """A condition of one vehicle in one replay session; anomalies are its occurrences."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("idx_vehicle_id", "vehicle_id"),
        Index("idx_status", "alert_status"),
        Index("idx_severity", "severity"),
        Index("idx_alerts_created_at", "created_at", "alert_id"),
        Index("idx_alerts_scene_id", "scene_id", "created_at"),
        Index(
            "uq_alerts_live_condition",
            "replay_session_id",
            "vehicle_id",
            "anomaly_type",
            unique=True,
            postgresql_where=text("alert_status <> 'RESOLVED'"),
        ),
        Index(
            "idx_alerts_resolve_at",
            "resolve_at",
            postgresql_where=text("alert_status <> 'RESOLVED' AND severity <> 'CRITICAL' AND resolve_at IS NOT NULL"),
        ),
        Index(
            "idx_alerts_silence_id",
            "silence_id",
            postgresql_where=text("alert_status <> 'RESOLVED' AND silence_id IS NOT NULL"),
        ),
        Index("idx_alerts_resolved_at", "resolved_at", postgresql_where=text("resolved_at IS NOT NULL")),
        CheckConstraint("occurrences >= 1", name="occurrences"),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("(alert_status = 'RESOLVED') = (resolved_at IS NOT NULL)", name="resolved_at"),
        CheckConstraint("alert_status <> 'ACKNOWLEDGED' OR acknowledged_at IS NOT NULL", name="acknowledged_at"),
    )

    alert_id: Mapped[UUID] = mapped_column(primary_key=True)
    anomaly_id: Mapped[UUID] = mapped_column(ForeignKey("anomalies.anomaly_id"))
    """The anomaly that opened it."""
    vehicle_id: Mapped[str] = mapped_column(ForeignKey("vehicles.vehicle_id"))
    event_time: Mapped[datetime]
    alert_status: Mapped[AlertStatus] = mapped_column(words(AlertStatus))
    severity: Mapped[Severity] = mapped_column(words(Severity))
    """The highest of its occurrences."""
    anomaly_type: Mapped[AnomalyType] = mapped_column(words(AnomalyType, 100))
    assigned_operator_id: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    acknowledged_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]

    scene_id: Mapped[str]
    replay_session_id: Mapped[str]
    triggered_rule: Mapped[str]
    version: Mapped[int] = mapped_column(BigInteger)
    occurrences: Mapped[int] = mapped_column(BigInteger)
    evidence_anomaly_id: Mapped[UUID] = mapped_column(ForeignKey("anomalies.anomaly_id"))
    """The newest of its most severe occurrences: what a person should judge it by."""
    last_seen_at: Mapped[datetime]
    """Event time of the newest occurrence."""
    condition_active: Mapped[bool]
    condition_event_time: Mapped[datetime]
    """Event time of what last set `condition_active`; older news about the condition is stale."""
    resolve_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    resolved_by: Mapped[str | None]
    resolved_action_type: Mapped[str | None] = mapped_column(String(100))
    disposition: Mapped[Disposition | None] = mapped_column(words(Disposition))
    snoozed_until: Mapped[datetime | None]
    repeats_alert_id: Mapped[UUID | None]
    """The resolved alert that it repeats; it may have been pruned."""
    silence_id: Mapped[UUID | None]
    """The silence that hides it, or hid it until it was resolved."""
    explained_by_alert_id: Mapped[UUID | None]
    """The alert of a scene-wide blackout that explains it."""


class Intervention(Base):
    """A simulated intervention on a vehicle, running until `ended_at`."""

    __tablename__ = "interventions"
    __table_args__ = (
        Index("idx_interventions_vehicle_id", "vehicle_id"),
        Index("idx_interventions_alert_id", "alert_id"),
        Index(
            "uq_interventions_running",
            "replay_session_id",
            "vehicle_id",
            "action_type",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "idx_interventions_completes_at",
            "completes_at",
            postgresql_where=text("ended_at IS NULL AND completed_at IS NULL AND completes_at IS NOT NULL"),
        ),
    )

    intervention_id: Mapped[UUID] = mapped_column(primary_key=True)
    """The id of the action that started it."""
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alerts.alert_id"))
    vehicle_id: Mapped[str]
    replay_session_id: Mapped[str]
    action_type: Mapped[ActionType] = mapped_column(words(ActionType, 100))
    operator_id: Mapped[str]
    sequence: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[datetime]
    completes_at: Mapped[datetime | None]
    """When the alert is to be resolved by it; none for one that resolves nothing."""
    completed_at: Mapped[datetime | None]
    picked_up_at: Mapped[datetime | None]
    picked_up_by: Mapped[str | None]
    """Who took up a request for remote assist; none for other interventions, and until somebody does."""
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    end_reason: Mapped[InterventionEnd | None] = mapped_column(words(InterventionEnd))


class ActionRecord(Base):
    """One thing that an operator did to an alert."""

    __tablename__ = "operator_actions"
    __table_args__ = (
        Index("idx_operator_actions_alert_id", "alert_id", "number"),
        Index("idx_operator_actions_vehicle_id", "vehicle_id"),
        Index("idx_operator_actions_comment", "alert_id", postgresql_where=text("metadata ? 'comment'")),
    )

    action_id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alerts.alert_id"))
    vehicle_id: Mapped[str]
    operator_id: Mapped[str]
    action_type: Mapped[ActionType] = mapped_column(words(ActionType, 100))
    details: Mapped[JsonObject] = mapped_column("metadata")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    """Drawn under the vehicle's lock, so it is the order in which an alert's actions took effect."""


class Incident(Base):
    """How an alert ended, with the evidence. Exactly one for each alert that was resolved."""

    __tablename__ = "incident_history"
    __table_args__ = (
        Index("uq_incident_history_alert_id", "alert_id", unique=True),
        Index("idx_incident_history_vehicle_id", "vehicle_id", "created_at"),
        Index("idx_incident_history_created_at", "created_at", "incident_id"),
    )

    incident_id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey("alerts.alert_id"))
    vehicle_id: Mapped[str]
    anomaly_type: Mapped[AnomalyType] = mapped_column(words(AnomalyType, 100))
    severity: Mapped[Severity] = mapped_column(words(Severity))
    evidence: Mapped[JsonObject | None]
    resolved_action_type: Mapped[str | None] = mapped_column(String(100))
    resolved_by_operator_id: Mapped[str | None]
    resolved_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class OutboxRow(Base):
    """Something to be told after its transaction committed: to consoles, and to Kafka where it has a topic.

    `id` says in which order rows were written, not committed. `seq` is stamped by the one
    relay, after commit, and is the order that everyone sees: gapless, never changed.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("uq_outbox_seq", "seq", unique=True),
        Index("idx_outbox_unstamped", "id", postgresql_where=text("seq IS NULL")),
        Index(
            "idx_outbox_unpublished",
            "seq",
            postgresql_where=text("published_at IS NULL AND topic IS NOT NULL AND seq IS NOT NULL"),
        ),
        CheckConstraint("(topic IS NULL) = (payload IS NULL)", name="payload"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    seq: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[OutboxKind] = mapped_column(words(OutboxKind))
    topic: Mapped[str | None]
    key: Mapped[str | None]
    payload: Mapped[JsonObject | None]
    """The Kafka message."""
    event: Mapped[JsonObject]
    """The body of the consoles' event, without `seq` and `type`."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    published_at: Mapped[datetime | None]


class OutboxCounter(Base):
    """The last `seq` given out. One row; kept apart, so that pruning the outbox repeats no number."""

    __tablename__ = "outbox_counter"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_seq: Mapped[int] = mapped_column(BigInteger)
