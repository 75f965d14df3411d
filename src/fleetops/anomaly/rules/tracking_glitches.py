"""Perception instability, calibrated: the tracker contradicts itself, and by how much.

A glitch is minor (INFO) below one and a half times its threshold, and a WARNING from there on.
Two minor ones at once are a WARNING as well (`two_minor_are_warning` of the rule set).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from fleetops.contracts.vocabulary import AnomalyType, Label

from ..compiled import compiled
from ..features import (
    GAP_FRAMES,
    label_probability_delta,
    mean_acceleration,
    position_residual,
    settled,
    turn_per_frame,
)
from ..severity import INFO, NONE, WARNING
from ..windows import Window, now, seen_in, sighting
from .registry import Features, rule

MINOR: Final = 1.5
"""Below so many times its threshold, a glitch is minor."""

_NO_CLASS: Final = max(list(Label).index(label) for label in (Label.NOT_SET, Label.UNKNOWN, Label.DONTCARE))


class PositionResidual(NamedTuple):
    """The vehicle is not where its own velocity takes it."""

    position_residual_threshold_m: float = 2.0
    warm_up_frames: int = 10


class HeadingJumped(NamedTuple):
    """The heading turns by more from frame to frame than a vehicle can, but does not flip."""

    yaw_jump_threshold_rad: float = 0.52  # 30 degrees, the sanity bound of L5Kit's own track filter
    warm_up_frames: int = 10


class HeadingFlipped(NamedTuple):
    """Front and rear are taken for each other.

    Below walking pace the footprint stays where it is, and nothing follows from it.
    """

    flip_tolerance_rad: float = 0.52
    walking_pace_ms: float = 1.5
    warm_up_frames: int = 10


class LabelChanged(NamedTuple):
    """Perception takes the vehicle for something else than a frame ago; being recognised at last is no change."""

    warm_up_frames: int = 10


class LabelProbabilityFell(NamedTuple):
    """Perception is suddenly less sure what the vehicle is."""

    label_prob_delta_threshold: float = 0.2
    window_frames: int = 3
    warm_up_frames: int = 10


class MotionImplausible(NamedTuple):
    """The velocities change faster than tyres allow."""

    plausible_acceleration_ms2: float = 12.0
    window_frames: int = 8
    warm_up_frames: int = 10


class _WithWarmUp(Protocol):
    @property
    def warm_up_frames(self) -> int: ...


def _reach(t: _WithWarmUp, _retire_frames: int) -> int:
    return t.warm_up_frames + GAP_FRAMES


@compiled
def _glitch(w: Window, value: float, threshold: float, warm_up_frames: int) -> int:
    """How bad `value` is; the rare case is looked into last, since this runs for every record."""
    if value <= threshold or not settled(w, w.frame, warm_up_frames):
        return NONE
    return INFO if value < MINOR * threshold else WARNING


@compiled
def _followed(w: Window) -> bool:
    """Whether the vehicle is here and was in the frame before: nothing is said across a gap."""
    return w.present and seen_in(w, w.frame - 1)


def _seen(w: Window, key: str, feature: Callable[[], float]) -> Features:
    return {key: feature() if w.present else None}


@compiled
def _class_gave_way(w: Window) -> bool:
    """Whether a class that was known is another one in this frame. Only where it was seen in both."""
    before = sighting(w, w.frame - 1)["label"]
    return bool(before > _NO_CLASS and now(w)["label"] != before)


@rule(
    name="position_residual",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=PositionResidual,
    explain=lambda w, _: _seen(w, "position_residual_m", lambda: position_residual(w, w.frame)),
    sentence="The vehicle is not where its own speed and heading should have taken it.",
    units={"position_residual_threshold_m": "m in one frame"},
    reach=_reach,
)
def position_residual_exceeded(w: Window, t: PositionResidual) -> int:
    """By how much the position contradicts the one before; never across a gap."""
    if not _followed(w):
        return NONE
    return _glitch(w, position_residual(w, w.frame), t.position_residual_threshold_m, t.warm_up_frames)


@rule(
    name="heading_jumped",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=HeadingJumped,
    explain=lambda w, _: _seen(w, "yaw_jump_rad", lambda: turn_per_frame(w, w.frame)),
    sentence="The vehicle's heading turned further in one frame than a vehicle can.",
    units={"yaw_jump_threshold_rad": "rad in one frame"},
    reach=_reach,
)
def heading_jumped(w: Window, t: HeadingJumped) -> int:
    """By how much the heading jumped; a flip is not this rule's business."""
    if not _followed(w):
        return NONE
    turn = turn_per_frame(w, w.frame)
    if turn > math.pi - t.yaw_jump_threshold_rad:
        return NONE
    return _glitch(w, turn, t.yaw_jump_threshold_rad, t.warm_up_frames)


@rule(
    name="heading_flipped",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=HeadingFlipped,
    explain=lambda w, _: _seen(w, "yaw_jump_rad", lambda: turn_per_frame(w, w.frame)),
    sentence="Perception suddenly takes the moving vehicle's rear for its front.",
    units={"flip_tolerance_rad": "rad from a half turn", "walking_pace_ms": "m/s"},
    reach=_reach,
)
def heading_flipped(w: Window, t: HeadingFlipped) -> int:
    """WARNING where a moving vehicle's heading turned by half a turn."""
    if not _followed(w) or turn_per_frame(w, w.frame) < math.pi - t.flip_tolerance_rad:
        return NONE
    moving = max(float(now(w)["speed"]), float(sighting(w, w.frame - 1)["speed"])) >= t.walking_pace_ms
    return WARNING if moving and settled(w, w.frame, t.warm_up_frames) else NONE


@rule(
    name="label_changed",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=LabelChanged,
    explain=lambda w, _: _seen(w, "label_change", lambda: float(_followed(w) and _class_gave_way(w))),
    sentence="Perception takes the vehicle for another class of object than a moment ago.",
    units={},
    reach=_reach,
)
def label_changed(w: Window, t: LabelChanged) -> int:
    """INFO where the most probable class is another one than in the frame before."""
    if not _followed(w) or not _class_gave_way(w):
        return NONE
    return INFO if settled(w, w.frame, t.warm_up_frames) else NONE


@rule(
    name="label_probability_fell",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=LabelProbabilityFell,
    explain=lambda w, t: _seen(w, "label_probability_delta", lambda: label_probability_delta(w, t.window_frames)),
    sentence="Perception became much less sure of what this vehicle is.",
    units={"label_prob_delta_threshold": "probability over the window"},
    reach=_reach,
)
def label_probability_fell(w: Window, t: LabelProbabilityFell) -> int:
    """By how much the class probability fell over the window."""
    if not _followed(w):
        return NONE
    fell = -label_probability_delta(w, t.window_frames)
    return _glitch(w, fell, t.label_prob_delta_threshold, t.warm_up_frames)


@rule(
    name="motion_implausible",
    anomaly_type=AnomalyType.PERCEPTION_INSTABILITY,
    thresholds=MotionImplausible,
    explain=lambda w, t: _seen(w, "mean_acceleration_mps2", lambda: mean_acceleration(w, w.frame, t.window_frames)),
    sentence="The vehicle's speed changes faster than tyres allow: its velocity cannot be right.",
    units={"plausible_acceleration_ms2": "m/s2"},
    reach=lambda t, _: t.warm_up_frames + t.window_frames + GAP_FRAMES,
)
def motion_implausible(w: Window, t: MotionImplausible) -> int:
    """WARNING where the speed changes faster than any vehicle's."""
    if not _followed(w) or abs(mean_acceleration(w, w.frame, t.window_frames)) <= t.plausible_acceleration_ms2:
        return NONE
    return WARNING if settled(w, w.frame, t.warm_up_frames + t.window_frames) else NONE  # none of the window is young
