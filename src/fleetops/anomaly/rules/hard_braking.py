"""Hard braking, calibrated: a lasting loss of speed that the positions confirm."""

from __future__ import annotations

from typing import NamedTuple

from fleetops.contracts.vocabulary import AnomalyType

from ..compiled import called
from ..features import (
    FRAME_MS,
    acceleration_magnitude,
    deceleration,
    motion_mismatch,
    position_deceleration,
    settled,
    speed_change,
)
from ..severity import CRITICAL, NONE, WARNING
from ..windows import Window, now, seen_in
from .registry import Features, rule


class HardBraking(NamedTuple):
    """A vehicle brakes harder than traffic does.

    3 m/s2 is where hard braking begins and 5 m/s2 where emergency braking does (UN R157);
    12 m/s2 is more than a tyre gives, so what is above is a fault of perception.
    """

    decel_threshold_ms2: float = 3.0  # m/s2
    critical_decel_threshold_ms2: float = 5.0  # m/s2
    velocity_delta_threshold_ms: float = 2.5  # m/s over the window
    plausible_decel_ms2: float = 12.0  # m/s2
    confirmed_decel_ms2: float = 1.6  # m/s2 over the window, by the positions alone
    confirmed_at_most: float = 1.3  # of the deceleration
    judged_within_m: float = 100.0  # m from the ego; farther out velocities are too vague
    motion_mismatch_limit: float = 0.12  # of the distance that the velocities add up to
    window_frames: int = 15
    motion_frames: int = 12
    slope_frames: int = 9
    warm_up_frames: int = 10
    sustain_frames: int = 3
    sustained_of_frames: int = 4


def explain(w: Window, t: HardBraking) -> Features:
    """The features of the rule, and the raw acceleration beside them."""
    seen = w.present
    return {
        "deceleration_mps2": deceleration(w, w.frame, t.slope_frames) if seen else None,
        "velocity_delta": speed_change(w, w.frame, t.window_frames) if seen else None,
        "position_deceleration_mps2": position_deceleration(w, w.frame, t.window_frames) if seen else None,
        "motion_mismatch": motion_mismatch(w, w.frame, t.motion_frames) if seen else None,
        "range_m": float(now(w)["range_m"]) if seen else None,
        "acceleration_magnitude": acceleration_magnitude(w) if seen else None,
        "time_window_ms": float(t.window_frames * FRAME_MS),
    }


@called
def _braking_at(w: Window, at: int, t: HardBraking) -> float:
    """The deceleration in frame `at` where it is hard, plausible and confirmed, m/s2; else 0."""
    if not seen_in(w, at) or speed_change(w, at, t.window_frames) >= -t.velocity_delta_threshold_ms:
        return 0.0
    if not settled(w, at, t.warm_up_frames):
        return 0.0
    found = deceleration(w, at, t.slope_frames)
    if found <= t.decel_threshold_ms2 or found > t.plausible_decel_ms2:
        return 0.0
    # A tracker that revises its velocity looks like braking; the vehicle's own way tells them apart.
    if motion_mismatch(w, at, t.motion_frames) > t.motion_mismatch_limit:
        return 0.0
    confirmed = position_deceleration(w, at, t.window_frames)
    return found if t.confirmed_decel_ms2 < confirmed < t.confirmed_at_most * found else 0.0


@rule(
    name="hard_braking",
    anomaly_type=AnomalyType.SUDDEN_DECELERATION,
    thresholds=HardBraking,
    explain=explain,
    sentence="The vehicle brakes hard, for longer than a moment, and its positions confirm it.",
    units={
        "decel_threshold_ms2": "m/s2",
        "critical_decel_threshold_ms2": "m/s2",
        "velocity_delta_threshold_ms": "m/s over the window",
        "plausible_decel_ms2": "m/s2",
        "confirmed_decel_ms2": "m/s2 over the window",
        "confirmed_at_most": "of the deceleration",
        "judged_within_m": "m from the ego",
        "motion_mismatch_limit": "of the distance driven",
    },
    reach=lambda t, _: t.window_frames + t.sustained_of_frames,
)
def hard_braking(w: Window, t: HardBraking) -> int:
    """WARNING where braking is hard in enough of the last frames, CRITICAL where it is an emergency in as many."""
    if not w.present or float(now(w)["range_m"]) > t.judged_within_m or _braking_at(w, w.frame, t) == 0.0:
        return NONE
    hard = emergency = 0
    for at in range(w.frame - t.sustained_of_frames + 1, w.frame + 1):
        found = _braking_at(w, at, t)
        if found > 0.0:
            hard += 1
        if found > t.critical_decel_threshold_ms2:
            emergency += 1
    if emergency >= t.sustain_frames:
        return CRITICAL
    return WARNING if hard >= t.sustain_frames else NONE
