"""`anomalies`: what detection found, with the evidence a person needs to judge it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from .telemetry import FrameIndex
from .vocabulary import AnomalyStatus, AnomalyType, Purpose, Severity
from .wire import UtcMs, WireModel


class Evidence(WireModel):
    """What the vehicle did over the window of the rule: parallel lists, oldest first.

    Units: m/s, m/s2, m (world frame), rad. A frame in which it was not seen has no entry.
    """

    frame_indices: list[int]
    velocity_history: list[float]
    acceleration_history: list[float]
    position_x_history: list[float]
    position_y_history: list[float]
    yaw_history: list[float]
    label_probability_history: list[float]
    fired_frames: Annotated[list[int], Field(description="frames of the window in which the rule fired")] = []  # noqa: RUF012  # pydantic copies defaults


class Provenance(WireModel):
    """Enough to show the very moment again."""

    replay_session_id: str
    purpose: Purpose
    dataset: Annotated[str | None, Field(description="digest of the dataset; none for live vehicles")]
    scene_id: str
    frame_index: FrameIndex
    rule_set: Annotated[str, Field(description="`name@sha256:…`")]


class Anomaly(WireModel):
    """A condition of one vehicle began, got worse (ACTIVE) or ended (CLEARED)."""

    anomaly_id: UUID
    event_id: UUID
    vehicle_id: str
    event_time: UtcMs
    processing_time: UtcMs
    anomaly_type: AnomalyType
    severity: Severity
    triggered_rule: str
    status: AnomalyStatus
    features: dict[str, float | None]
    thresholds: dict[str, float]
    evidence: Evidence
    provenance: Provenance
