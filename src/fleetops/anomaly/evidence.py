"""From a detection to the message that a person can judge it by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import numpy as np

from fleetops.contracts import ids
from fleetops.contracts.anomalies import Anomaly, Evidence, Provenance
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Purpose
from fleetops.contracts.wire import utc_from_ms

from .engine import Found
from .rule_set import EVIDENCE_FRAMES, RuleSet, threshold_values
from .rules.registry import Features
from .severity import ANOMALY_TYPES, SEVERITIES
from .state import FIRED_BITS
from .windows import Window


class SceneKey(NamedTuple):
    """What shares one sequence of frames: a scene of a session, or one live vehicle that is its own clock."""

    replay_session_id: str
    scene_id: str
    vehicle_id: str = ""


@dataclass(slots=True)
class SceneFacts:
    """What the records and markers of a scene say of it, beside the frames."""

    purpose: Purpose = Purpose.LIVE
    dataset: str | None = None


def anomaly_message(
    found: Found[SceneKey], rules: RuleSet, facts: SceneFacts, event_id: UUID | None, now: datetime
) -> Anomaly:
    """What is told on `anomalies`.

    Args:
        event_id: of the record of that frame, or the last one before; derived when None.
    """
    detection = found.detection
    frame = int(detection["frame"])
    kind = ANOMALY_TYPES[detection["anomaly_type"]]
    severity = SEVERITIES[detection["severity"]]
    if severity is None:
        raise AssertionError("the detector told a detection without a severity")
    status = AnomalyStatus.CLEARED if detection["cleared"] else AnomalyStatus.ACTIVE
    session, scene_id, _ = found.scene
    if event_id is None:
        last_seen = int(detection["last_seen"])
        event_id = ids.event_id(ids.event_base(session, found.vehicle), last_seen)
    window = window_of(found, found.vehicle == ids.ego_id(scene_id))
    thresholds: dict[str, float] = {}
    for rule, values in zip(rules.kinds, rules.rules, strict=True):
        if rule.anomaly_type is kind:
            thresholds |= threshold_values(values)
    return Anomaly(
        anomaly_id=ids.anomaly_id(session, found.vehicle, frame, kind, status, severity),
        event_id=event_id,
        vehicle_id=found.vehicle,
        event_time=utc_from_ms(int(detection["event_time_ms"])),
        processing_time=now,
        anomaly_type=kind,
        severity=severity,
        triggered_rule=rules.kinds[detection["rule"]].name,
        status=status,
        features=_features(window, kind, rules),
        thresholds=thresholds,
        evidence=_evidence(found, window, rules),
        provenance=Provenance(
            replay_session_id=session,
            purpose=facts.purpose,
            dataset=facts.dataset,
            scene_id=scene_id,
            frame_index=frame,
            rule_set=rules.identity,
        ),
    )


def features_of(found: Found[SceneKey], rules: RuleSet) -> Features:
    """Every feature that the rules of its type looked at, under their keys on the wire."""
    window = window_of(found, found.vehicle == ids.ego_id(found.scene.scene_id))
    return _features(window, ANOMALY_TYPES[found.detection["anomaly_type"]], rules)


def window_of(found: Found[SceneKey], is_ego: bool) -> Window:
    """The window the rules saw when they fired."""
    detection = found.detection
    return Window(
        rings=found.window[np.newaxis, :],
        row=0,
        frames=found.frames[np.newaxis, :],
        scene=0,
        frame=int(detection["frame"]),
        born=int(detection["born"]),
        present=bool(detection["present"]),
        silent_frames=int(detection["frame"] - detection["last_seen"]),
        is_ego=is_ego,
    )


def _features(window: Window, kind: AnomalyType, rules: RuleSet) -> Features:
    features: Features = {}
    for rule, values in zip(rules.kinds, rules.rules, strict=True):
        if rule.anomaly_type is kind:
            features |= rule.explain(window, values)
    return features


def _evidence(found: Found[SceneKey], window: Window, rules: RuleSet) -> Evidence:
    """The last frames in which the vehicle was seen, up to the one that fired."""
    ring = found.window
    span = max(EVIDENCE_FRAMES, rules.longest_window_frames)
    kept = (ring["frame"] <= window.frame) & (ring["frame"] > window.frame - span) & (ring["frame"] >= window.born)
    seen = ring[kept]
    seen = seen[np.argsort(seen["frame"])]
    frames: list[int] = seen["frame"].tolist()
    return Evidence(
        frame_indices=frames,
        velocity_history=seen["speed"].tolist(),
        acceleration_history=seen["acceleration"].tolist(),
        position_x_history=seen["x"].tolist(),
        position_y_history=seen["y"].tolist(),
        yaw_history=seen["yaw"].tolist(),
        label_probability_history=seen["label_probability"].tolist(),
        fired_frames=[frame for frame in range(window.frame - span + 1, window.frame + 1) if _fired_in(frame, found)],
    )


def _fired_in(frame: int, found: Found[SceneKey]) -> bool:
    ago = int(found.detection["frame"]) - frame
    return ago < FIRED_BITS and bool(int(found.detection["fired_bits"]) >> ago & 1)
