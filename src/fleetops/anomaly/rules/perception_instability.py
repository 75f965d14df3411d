"""Perception instability, as planned: the same vehicle, suddenly elsewhere, turned, or less sure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from fleetops.contracts.vocabulary import AnomalyType

from ..features import label_probability_delta, position_jump_distance, yaw_jump
from ..severity import NONE, WARNING
from ..windows import Window
from .registry import Features, rule


class LabelProbabilityDropped(NamedTuple):
    """Perception is suddenly less sure what the vehicle is."""

    label_prob_delta_threshold: float = 0.2
    window_frames: int = 3


class PositionJumped(NamedTuple):
    """The vehicle is suddenly elsewhere."""

    position_jump_threshold_m: float = 2.0  # m over the window
    window_frames: int = 3


class YawJumped(NamedTuple):
    """The vehicle suddenly faces another way."""

    yaw_jump_threshold_rad: float = 0.5  # rad over the window
    window_frames: int = 3


def _seen(w: Window, key: str, feature: Callable[[], float]) -> Features:
    return {key: feature() if w.present else None}


@rule(
    name="label_probability_dropped",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=LabelProbabilityDropped,
    explain=lambda w, t: _seen(w, "label_probability_delta", lambda: label_probability_delta(w, t.window_frames)),
    sentence="Perception became much less sure of what this vehicle is.",
    units={"label_prob_delta_threshold": "probability over the window"},
)
def label_probability_dropped(w: Window, t: LabelProbabilityDropped) -> int:
    """WARNING where the class probability fell by more than the threshold."""
    if not w.present:
        return NONE
    return WARNING if label_probability_delta(w, t.window_frames) < -t.label_prob_delta_threshold else NONE


@rule(
    name="position_jumped",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=PositionJumped,
    explain=lambda w, t: _seen(w, "position_jump_distance", lambda: position_jump_distance(w, t.window_frames)),
    sentence="The vehicle's position moved further within the window than the threshold allows.",
    units={"position_jump_threshold_m": "m over the window"},
)
def position_jumped(w: Window, t: PositionJumped) -> int:
    """WARNING where the position moved by more than the threshold."""
    if not w.present:
        return NONE
    return WARNING if position_jump_distance(w, t.window_frames) > t.position_jump_threshold_m else NONE


@rule(
    name="yaw_jumped",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=YawJumped,
    explain=lambda w, t: _seen(w, "yaw_jump_rad", lambda: yaw_jump(w, t.window_frames)),
    sentence="The vehicle's heading turned further within the window than the threshold allows.",
    units={"yaw_jump_threshold_rad": "rad over the window"},
)
def yaw_jumped(w: Window, t: YawJumped) -> int:
    """WARNING where the heading turned by more than the threshold."""
    if not w.present:
        return NONE
    return WARNING if yaw_jump(w, t.window_frames) > t.yaw_jump_threshold_rad else NONE
