"""What was told in one scene: the anomalies, and the conditions that they are the news of. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fleetops.anomaly.digest import Finding, finding_of
from fleetops.anomaly.engine import Found
from fleetops.anomaly.evidence import SceneKey, features_of
from fleetops.anomaly.rule_set import RuleSet
from fleetops.anomaly.rules.registry import Features
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""Severities in ascending order."""


class Told(NamedTuple):
    """One anomaly message, as far as a backtest looks at it. `features` None where nobody asked."""

    finding: Finding
    rule: str
    event_time_ms: int
    features: Features | None


class Episode(NamedTuple):
    """One condition of a vehicle from its beginning to its end; `severity` is the worst of it."""

    vehicle_id: str
    anomaly_type: AnomalyType
    rule: str
    first_frame: int
    last_frame: int
    severity: Severity
    event_time_ms: int


def told_by(found: Found[SceneKey], rules: RuleSet, *, features: bool) -> Told:
    """What a message of this detection would say."""
    detection = found.detection
    return Told(
        finding_of(found),
        rules.kinds[detection["rule"]].name,
        int(detection["event_time_ms"]),
        features_of(found, rules) if features else None,
    )


def by_condition(told: Iterable[Told]) -> dict[tuple[str, AnomalyType], list[Told]]:
    """The messages of each vehicle and type, by frame; what begins in the scene's last frame ends in it, too."""
    conditions: defaultdict[tuple[str, AnomalyType], list[Told]] = defaultdict(list)
    for each in told:
        conditions[each.finding.vehicle_id, each.finding.anomaly_type].append(each)
    for messages in conditions.values():
        messages.sort(key=_in_order)
    return conditions


def episodes(messages: Sequence[Told]) -> list[Episode]:
    """The episodes of one condition, from its messages in order."""
    found: list[Episode] = []
    open_now: Episode | None = None
    for finding, rule, event_time_ms, _ in messages:
        frame, severity = finding.frame_index, finding.severity
        if finding.status is AnomalyStatus.CLEARED:
            if open_now is not None:
                found.append(open_now._replace(last_frame=frame))
            open_now = None
        elif open_now is None:
            open_now = Episode(finding.vehicle_id, finding.anomaly_type, rule, frame, frame, severity, event_time_ms)
        elif RANK[severity] > RANK[open_now.severity]:
            open_now = open_now._replace(severity=severity, last_frame=frame)
        else:  # it rested exactly as long as it takes, and began again without an end
            found.append(open_now._replace(last_frame=frame))
            open_now = Episode(finding.vehicle_id, finding.anomaly_type, rule, frame, frame, severity, event_time_ms)
    if open_now is not None:
        found.append(open_now)
    return found


def _in_order(each: Told) -> tuple[int, bool, int]:
    finding = each.finding
    return finding.frame_index, finding.status is AnomalyStatus.CLEARED, RANK[finding.severity]
