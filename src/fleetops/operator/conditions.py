"""What an anomaly does to the alert of its condition. Pure: time comes in as a value.

A condition is one type of anomaly of one vehicle in one replay session. Detection says
ACTIVE when it begins or gets worse, and CLEARED when it ended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from fleetops.contracts.anomalies import Anomaly
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Condition:
    """What at most one live alert exists for."""

    replay_session_id: str
    vehicle_id: str
    anomaly_type: AnomalyType

    @classmethod
    def of(cls, anomaly: Anomaly) -> Condition:
        """The condition that `anomaly` speaks of."""
        return cls(anomaly.provenance.replay_session_id, anomaly.vehicle_id, anomaly.anomaly_type)


@dataclass(frozen=True, slots=True)
class Course:
    """How a condition has gone since its alert was opened; `version` grows with each change."""

    version: int
    occurrences: int
    severity: Severity
    evidence_anomaly_id: UUID
    last_seen_at: datetime
    condition_active: bool
    condition_event_time: datetime
    resolve_at: datetime | None


def begin(anomaly: Anomaly) -> Course:
    """The course of a condition that the ACTIVE `anomaly` opens an alert for."""
    return Course(
        version=1,
        occurrences=1,
        severity=anomaly.severity,
        evidence_anomaly_id=anomaly.anomaly_id,
        last_seen_at=anomaly.event_time,
        condition_active=True,
        condition_event_time=anomaly.event_time,
        resolve_at=None,
    )


def go_on(course: Course, anomaly: Anomaly, now: datetime, resolve_delay: timedelta) -> Course:
    """`course` after one more anomaly, never applied before; the same object where nothing changes.

    An ACTIVE that arrives after news from later frames still counts as an occurrence, but
    says nothing about whether the condition holds now.
    """
    stale = anomaly.event_time < course.condition_event_time
    if anomaly.status is AnomalyStatus.CLEARED:
        if stale or not course.condition_active:
            return course
        return replace(
            course,
            version=course.version + 1,
            condition_active=False,
            condition_event_time=anomaly.event_time,
            resolve_at=now + resolve_delay,
        )
    as_bad = _RANK[anomaly.severity] >= _RANK[course.severity]
    return replace(
        course,
        version=course.version + 1,
        occurrences=course.occurrences + 1,
        severity=anomaly.severity if as_bad else course.severity,
        evidence_anomaly_id=anomaly.anomaly_id if as_bad else course.evidence_anomaly_id,
        last_seen_at=max(course.last_seen_at, anomaly.event_time),
        condition_active=course.condition_active if stale else True,
        condition_event_time=max(course.condition_event_time, anomaly.event_time),
        resolve_at=course.resolve_at if stale else None,
    )
