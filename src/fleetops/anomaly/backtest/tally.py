"""The figures of a run, made so that those of its parts add up to those of the whole, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from fleetops.anomaly.digest import Finding, combined_digest, scene_digest
from fleetops.anomaly.load import FRAMES_PER_HOUR, Load, alerts_opened, at_least
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

from .told import Told


class Volume(msgspec.Struct, frozen=True):
    """How much was read. Rows are telemetry records, one per vehicle and frame, the ego's included."""

    scenes: int = 0
    frames: int = 0
    rows: int = 0

    def __add__(self, other: Volume) -> Volume:
        return Volume(self.scenes + other.scenes, self.frames + other.frames, self.rows + other.rows)

    @property
    def vehicle_hours(self) -> float:
        """The time that vehicles were seen for, at L5Kit's 10 Hz."""
        return self.rows / FRAMES_PER_HOUR


class Tally(msgspec.Struct, frozen=True):
    """What one rule set told: anomalies raised or escalated, by type and severity and by rule; alerts; digests."""

    anomalies: Mapping[tuple[AnomalyType, Severity], int] = {}
    rules: Mapping[str, int] = {}
    alerts: Mapping[Severity, int] = {}  # that came to this severity, or to a worse one
    scene_digests: Mapping[str, str] = {}  # of the scenes in which anything was told

    @classmethod
    def of_scene(cls, scene_id: str, told: Sequence[Told]) -> Tally:
        """The figures of one scene."""
        raised = [each for each in told if each.finding.status is AnomalyStatus.ACTIVE]
        findings = [each.finding for each in told]
        return cls(
            Counter((each.finding.anomaly_type, each.finding.severity) for each in raised),
            Counter(each.rule for each in raised),
            _alerts(findings) if findings else {},
            {scene_id: scene_digest(findings)} if findings else {},
        )

    @classmethod
    def total(cls, parts: Iterable[Tally]) -> Tally:
        """The figures of all `parts` together; no scene is in two of them."""
        anomalies: Counter[tuple[AnomalyType, Severity]] = Counter()
        rules: Counter[str] = Counter()
        alerts: Counter[Severity] = Counter()
        digests: dict[str, str] = {}
        for part in parts:
            anomalies.update(part.anomalies)
            rules.update(part.rules)
            alerts.update(part.alerts)
            digests.update(part.scene_digests)
        return cls(anomalies, rules, alerts, digests)

    @property
    def digest(self) -> str:
        """The certificate of the run."""
        return combined_digest(self.scene_digests)

    def load(self, volume: Volume, floor: Severity) -> Load:
        """The work that alerts of `floor` or above would be."""
        return Load(self.alerts.get(floor, 0), volume.vehicle_hours)


def _alerts(findings: Sequence[Finding]) -> dict[Severity, int]:
    """Alerts by what they come to at least; only conditions that ever come to it are looked at, mostly few."""
    opened: dict[Severity, int] = {}
    for floor in Severity:
        grave = {(each.vehicle_id, each.anomaly_type) for each in findings if at_least(each.severity, floor)}
        findings = [each for each in findings if (each.vehicle_id, each.anomaly_type) in grave]
        opened[floor] = len(alerts_opened(findings, floor))
    return opened
