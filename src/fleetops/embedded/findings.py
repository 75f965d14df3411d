"""What a demo has seen of its session's anomalies: each once, counted, and put into a line. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from ..contracts.anomalies import Anomaly
from ..contracts.vocabulary import AnomalyStatus, AnomalyType, Severity


@dataclass(frozen=True, slots=True)
class FeatureOfRule:
    """The feature that a rule is about, the threshold it is held against if there is one, and the unit of both."""

    feature: str
    threshold: str | None
    unit: str
    sign: int = 1  # -1: the rule fires below minus the threshold
    under: bool = False  # the rule fires below the threshold


KEY_FEATURES = {
    "decel_threshold_exceeded": FeatureOfRule("acceleration_magnitude", "decel_threshold_ms2", "m/s2"),
    "label_probability_dropped": FeatureOfRule("label_probability_delta", "label_prob_delta_threshold", "", -1),
    "position_jumped": FeatureOfRule("position_jump_distance", "position_jump_threshold_m", "m"),
    "yaw_jumped": FeatureOfRule("yaw_jump_rad", "yaw_jump_threshold_rad", "rad"),
    "hard_braking": FeatureOfRule("deceleration_mps2", "decel_threshold_ms2", "m/s2"),
    "position_residual": FeatureOfRule("position_residual_m", "position_residual_threshold_m", "m"),
    "heading_flipped": FeatureOfRule("yaw_jump_rad", None, "rad"),
    "label_changed": FeatureOfRule("label_change", None, ""),
    "active_agents_collapsed": FeatureOfRule("active_agent_ratio", "agent_ratio_threshold", "", under=True),
    "heading_jumped": FeatureOfRule("yaw_jump_rad", "yaw_jump_threshold_rad", "rad"),
    "label_probability_fell": FeatureOfRule("label_probability_delta", "label_prob_delta_threshold", "", -1),
    "motion_implausible": FeatureOfRule("mean_acceleration_mps2", "plausible_acceleration_ms2", "m/s2"),
    "vanished_nearby": FeatureOfRule("frames_since_last_update", "dropout_frame_threshold", "frames"),
    "updates_missing": FeatureOfRule("frames_since_last_update", "dropout_frame_threshold", "frames"),
    "active_agents_dropped": FeatureOfRule("active_agent_count_delta", "agent_count_drop_threshold", "agents", -1),
}


def key_feature(anomaly: Anomaly) -> str:
    """The value that mattered against its threshold, e.g. `acceleration_magnitude 4.2 > 3 m/s2`.

    Of a rule not listed here, the first feature and the first threshold. A CLEARED anomaly
    says nothing: its values lie on the quiet side.
    """
    if anomaly.status is AnomalyStatus.CLEARED or not anomaly.features:
        return ""
    about = KEY_FEATURES.get(anomaly.triggered_rule)
    if about is not None and about.threshold is None and about.feature in anomaly.features:
        return f"{about.feature} {_number(anomaly.features[about.feature])} {about.unit}".rstrip()
    if about is None or about.feature not in anomaly.features or about.threshold not in anomaly.thresholds:
        name, value = next(iter(anomaly.features.items()))
        limits = ", ".join(f"{threshold} {limit:g}" for threshold, limit in anomaly.thresholds.items())
        return f"{name} {_number(value)} ({limits})"
    value = anomaly.features[about.feature]
    limit = about.sign * anomaly.thresholds[about.threshold]
    relation = "<" if about.sign < 0 or about.under else ">"
    return f"{about.feature} {_number(value)} {relation} {limit:g} {about.unit}".rstrip()


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


@dataclass(slots=True)
class Findings:
    """The distinct anomalies of one session, in the order in which they came."""

    session_id: str
    raised: Counter[tuple[AnomalyType, Severity]] = field(default_factory=Counter)
    cleared: int = 0
    _seen: set[UUID] = field(default_factory=set)

    def take(self, anomaly: Anomaly) -> bool:
        """Count `anomaly`; False when it is not of this session, or came before."""
        if anomaly.provenance.replay_session_id != self.session_id or anomaly.anomaly_id in self._seen:
            return False
        self._seen.add(anomaly.anomaly_id)
        if anomaly.status is AnomalyStatus.CLEARED:
            self.cleared += 1
        else:
            self.raised[anomaly.anomaly_type, anomaly.severity] += 1
        return True

    @property
    def total(self) -> int:
        """Distinct anomaly messages, raised and cleared."""
        return len(self._seen)
