"""An anomaly for tests, with every part that a test may want to change."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from fleetops.contracts.anomalies import Anomaly, Evidence, Provenance
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Purpose, Severity

_NOW = datetime(2019, 10, 23, 16, 7, tzinfo=UTC)
_NO_EVIDENCE = Evidence(
    frame_indices=[],
    velocity_history=[],
    acceleration_history=[],
    position_x_history=[],
    position_y_history=[],
    yaw_history=[],
    label_probability_history=[],
)


def an_anomaly(
    *,
    vehicle_id: str = "scene_00000_track_7",
    severity: Severity = Severity.WARNING,
    status: AnomalyStatus = AnomalyStatus.ACTIVE,
    rule: str = "decel_threshold_exceeded",
    features: dict[str, float | None] | None = None,
    thresholds: dict[str, float] | None = None,
    session: str = "session_1",
) -> Anomaly:
    """A hard braking of session_1, unless something else is asked for; each call makes another one."""
    return Anomaly(
        anomaly_id=uuid4(),
        event_id=uuid4(),
        vehicle_id=vehicle_id,
        event_time=_NOW,
        processing_time=_NOW,
        anomaly_type=AnomalyType.SUDDEN_DECELERATION,
        severity=severity,
        triggered_rule=rule,
        status=status,
        features={"acceleration_magnitude": 4.21} if features is None else features,
        thresholds={"decel_threshold_ms2": 3.0} if thresholds is None else thresholds,
        evidence=_NO_EVIDENCE,
        provenance=Provenance(
            replay_session_id=session,
            purpose=Purpose.LIVE,
            dataset=None,
            scene_id="scene_00000",
            frame_index=1,
            rule_set="baseline@sha256:0",
        ),
    )
