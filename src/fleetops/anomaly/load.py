"""How much a rule set asks of an operator: alerts as operator-service would open them. Pure.

EEMUA publication 191, "Alarm systems", judges the long-term rate of alarms per operator: one in ten
minutes is very likely acceptable, one in five manageable, one in two likely over-demanding, and
more than one a minute very likely unacceptable; more than ten in ten minutes is a flood.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

from .digest import Finding

RESOLVE_FRAMES: Final = 300
"""Frames from a condition's end until its alert is resolved: operator-service's 30 s, at 10 Hz."""

FRAMES_PER_HOUR: Final = 36_000
FLEET: Final = 100
"""Vehicles that one operator is asked to watch, in what is forecast."""

_BANDS: Final = (
    (1.0, "very likely acceptable"),
    (2.0, "manageable"),
    (10.0, "likely over-demanding"),
)
_BEYOND: Final = "very likely unacceptable"

_RANK: Final = {severity: rank for rank, severity in enumerate(Severity)}


def at_least(severity: Severity, floor: Severity) -> bool:
    """Whether `severity` matters as much as `floor`, or more."""
    return _RANK[severity] >= _RANK[floor]


@dataclass(frozen=True, slots=True)
class Load:
    """Alerts over a time that vehicles were watched.

    Attributes:
        alerts: opened, of any severity.
        vehicle_hours: vehicles times the hours each was seen.
    """

    alerts: int
    vehicle_hours: float

    @property
    def per_vehicle_hour(self) -> float:
        """Alerts per vehicle and hour; 0 where nothing was watched."""
        return self.alerts / self.vehicle_hours if self.vehicle_hours else 0.0

    @property
    def per_10_minutes(self) -> float:
        """Alerts in ten minutes to the operator of a hundred vehicles."""
        return self.per_vehicle_hour * FLEET / 6

    @property
    def band(self) -> str:
        """What EEMUA 191 calls this rate."""
        return next((words for limit, words in _BANDS if self.per_10_minutes <= limit), _BEYOND)


def alerts_opened(findings: Iterable[Finding], floor: Severity = Severity.INFO) -> list[Finding]:
    """For each alert the finding that made it one of `floor` or above, where nobody acts.

    One alert lives per scene, vehicle and type. It is resolved `RESOLVE_FRAMES` after its condition
    ended, unless it was CRITICAL: that waits for a person, so until the scene's end it takes in whatever comes.
    """
    order = sorted(set(findings), key=lambda each: (each[:2], each.anomaly_type, each.frame_index, each.status))
    opened: list[Finding] = []
    key: tuple[str, str, AnomalyType] | None = None
    alert = _Alert()
    for finding in order:
        if key != (finding.scene_id, finding.vehicle_id, finding.anomaly_type):
            key, alert = (finding.scene_id, finding.vehicle_id, finding.anomaly_type), _Alert()
        if finding.status is AnomalyStatus.CLEARED:
            alert.cleared_at = finding.frame_index
            continue
        if alert.is_resolved(finding.frame_index):
            alert = _Alert()
        alert.cleared_at = None
        alert.critical |= finding.severity is Severity.CRITICAL
        if not alert.counted and at_least(finding.severity, floor):
            alert.counted = True
            opened.append(finding)
    return opened


@dataclass(slots=True)
class _Alert:
    counted: bool = False
    critical: bool = False
    cleared_at: int | None = None

    def is_resolved(self, frame: int) -> bool:
        return self.cleared_at is not None and not self.critical and frame - self.cleared_at >= RESOLVE_FRAMES
