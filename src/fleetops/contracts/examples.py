"""One message of each kind, as the generated documents show it: a car brakes hard, an operator takes note."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from . import ids
from .anomalies import Anomaly, Evidence, Provenance
from .operations import OperatorAction, OperatorAlert, VehicleCommand
from .telemetry import (
    Acceleration,
    Extent,
    FrameMarker,
    Geo,
    Position,
    RawTelemetry,
    Telemetry,
    TelemetryMetadata,
    Velocity,
)
from .vocabulary import (
    ActionType,
    AlertStatus,
    AnomalyStatus,
    AnomalyType,
    Label,
    Purpose,
    Severity,
)

_SESSION = "session_abc123"
_SCENE = "scene_001"
_VEHICLE = ids.vehicle_id(_SCENE, 456)
_FRAME = 42
_DATASET = "sha256:9f2c"
_EVENT_TIME = datetime(2019, 10, 23, 16, 7, 43, 319_000, UTC)
_PRODUCED = datetime(2026, 11, 23, 10, 23, 45, 125_000, UTC)
_EVENT = ids.event_id(ids.event_base(_SESSION, _VEHICLE), _FRAME)
_ANOMALY = ids.anomaly_id(
    _SESSION, _VEHICLE, _FRAME, AnomalyType.SUDDEN_DECELERATION, AnomalyStatus.ACTIVE, Severity.WARNING
)

TELEMETRY = RawTelemetry(
    event_id=_EVENT,
    vehicle_id=_VEHICLE,
    scene_id=_SCENE,
    track_id=456,
    event_time=_EVENT_TIME,
    processing_time=_PRODUCED,
    frame_index=_FRAME,
    telemetry=Telemetry(
        position=Position(x=123.45, y=67.89, z=0.0),
        geo=Geo(lon=-122.1619, lat=37.439),
        velocity=Velocity(x=5.2, y=0.1, z=0.0, magnitude=5.2),
        acceleration=Acceleration(x=-4.2, y=0.0, z=0.0, magnitude=4.2),
        yaw=1.23,
        yaw_rate=0.05,
        extent=Extent(length=4.6, width=1.9, height=1.6),
        label=Label.CAR,
        label_probability=0.95,
        range_m=31.2,
        track_length=120,
    ),
    metadata=TelemetryMetadata(
        replay_session_id=_SESSION, replay_rate=10.0, purpose=Purpose.LIVE, active_agent_count=79
    ),
)

MARKER = FrameMarker(
    kind="frame_end",
    replay_session_id=_SESSION,
    scene_id=_SCENE,
    frame_index=_FRAME,
    start_frame=0,
    event_time=_EVENT_TIME,
    processing_time=_PRODUCED,
    active_agent_count=79,
    replay_rate=10.0,
    records=14,
    purpose=Purpose.LIVE,
    dataset=_DATASET,
)

ANOMALY = Anomaly(
    anomaly_id=_ANOMALY,
    event_id=_EVENT,
    vehicle_id=_VEHICLE,
    event_time=_EVENT_TIME,
    processing_time=_PRODUCED,
    anomaly_type=AnomalyType.SUDDEN_DECELERATION,
    severity=Severity.WARNING,
    triggered_rule="decel_threshold_exceeded",
    status=AnomalyStatus.ACTIVE,
    features={"velocity_delta": -8.5, "acceleration_magnitude": 4.2, "time_window_ms": 500},
    thresholds={"decel_threshold_ms2": 3.0, "velocity_delta_threshold_ms": 5.0},
    evidence=Evidence(
        frame_indices=[40, 41, 42],
        velocity_history=[13.5, 10.2, 5.0],
        acceleration_history=[-0.1, -2.5, -4.2],
        position_x_history=[121.5, 122.7, 123.45],
        position_y_history=[67.8, 67.85, 67.89],
        yaw_history=[1.23, 1.23, 1.23],
        label_probability_history=[0.96, 0.95, 0.95],
        fired_frames=[42],
    ),
    provenance=Provenance(
        replay_session_id=_SESSION,
        purpose=Purpose.LIVE,
        dataset=_DATASET,
        scene_id=_SCENE,
        frame_index=_FRAME,
        rule_set="calibrated@sha256:41d0",
    ),
)

ALERT = OperatorAlert(
    alert_id=ids.alert_id(_ANOMALY),
    anomaly_id=_ANOMALY,
    vehicle_id=_VEHICLE,
    event_time=_EVENT_TIME,
    processing_time=_PRODUCED,
    alert_status=AlertStatus.OPEN,
    severity=Severity.WARNING,
    anomaly_type=AnomalyType.SUDDEN_DECELERATION,
    assigned_operator_id=None,
    created_at=_PRODUCED,
    version=1,
    occurrences=1,
    replay_session_id=_SESSION,
)

ACTION = OperatorAction(
    action_id=UUID("5f6cf8f4-54f0-4d0e-9d6a-2d1f6d3c7b11"),
    alert_id=ids.alert_id(_ANOMALY),
    vehicle_id=_VEHICLE,
    operator_id="operator_001",
    action_type=ActionType.ACKNOWLEDGE,
    processing_time=_PRODUCED,
    metadata={"comment": "Investigating anomaly"},
)

COMMAND = VehicleCommand(
    sequence=2,
    replay_session_id=_SESSION,
    scene_id=_SCENE,
    ended_interventions=[ActionType.PULL_OVER_SIMULATED],
)
