"""Which silence hides an alert. Pure: time comes in as a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fleetops.contracts.vocabulary import AnomalyType, Severity

_RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Facts:
    """What a silence looks at."""

    vehicle_id: str
    scene_id: str
    anomaly_type: AnomalyType
    triggered_rule: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Matcher:
    """A silence, as far as it matters which alerts it hides. What is None matches everything."""

    silence_id: UUID
    vehicle_id: str | None
    scene_id: str | None
    anomaly_type: AnomalyType | None
    triggered_rule: str | None
    severity_up_to: Severity
    expires_at: datetime


def covers(silence: Matcher, alert: Facts) -> bool:
    """Whether all that `silence` names is so of `alert`, and it is not more severe than `silence` may hide."""
    return (
        _RANK[alert.severity] <= _RANK[silence.severity_up_to]
        and silence.vehicle_id in {None, alert.vehicle_id}
        and silence.scene_id in {None, alert.scene_id}
        and silence.anomaly_type in {None, alert.anomaly_type}
        and silence.triggered_rule in {None, alert.triggered_rule}
    )


def silenced_by(alert: Facts, silences: Iterable[Matcher], now: datetime) -> UUID | None:
    """The silence that hides `alert` at `now`: of several, the one that lasts longest."""
    fitting = [silence for silence in silences if silence.expires_at > now and covers(silence, alert)]
    if not fitting:
        return None
    return max(fitting, key=lambda silence: (silence.expires_at, silence.silence_id)).silence_id
