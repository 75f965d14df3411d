"""Sudden deceleration, as planned: an acceleration of some size while the speed falls."""

from __future__ import annotations

from typing import NamedTuple

from fleetops.contracts.vocabulary import AnomalyType

from ..features import FRAME_MS, acceleration_magnitude, velocity_delta
from ..severity import CRITICAL, NONE, WARNING
from ..windows import Window
from .registry import Features, rule


class DecelThresholdExceeded(NamedTuple):
    """A vehicle sheds speed harder than a comfortable stop.

    Both conditions must hold: braking alone is noise in a differentiated velocity, and a
    drop in speed alone may be a slow approach to a light.
    """

    decel_threshold_ms2: float = 3.0  # m/s2
    critical_decel_threshold_ms2: float = 5.0  # m/s2; UN R157 calls 5 an emergency
    velocity_delta_threshold_ms: float = 5.0  # m/s over the window
    window_frames: int = 5


def explain(w: Window, t: DecelThresholdExceeded) -> Features:
    """The features of the rule, under their names on the wire."""
    seen = w.present
    return {
        "velocity_delta": velocity_delta(w, t.window_frames) if seen else None,
        "acceleration_magnitude": acceleration_magnitude(w) if seen else None,
        "time_window_ms": float(t.window_frames * FRAME_MS),
    }


@rule(
    name="decel_threshold_exceeded",
    anomaly_type=AnomalyType.SUDDEN_DECELERATION,
    thresholds=DecelThresholdExceeded,
    explain=explain,
    sentence="The vehicle lost speed faster than a comfortable stop: hard braking or a collision.",
    units={
        "decel_threshold_ms2": "m/s2",
        "critical_decel_threshold_ms2": "m/s2",
        "velocity_delta_threshold_ms": "m/s over the window",
    },
)
def decel_threshold_exceeded(w: Window, t: DecelThresholdExceeded) -> int:
    """Severity of the braking in a window, NONE where it is ordinary driving."""
    if not w.present:
        return NONE
    if acceleration_magnitude(w) <= t.decel_threshold_ms2:
        return NONE
    if velocity_delta(w, t.window_frames) >= -t.velocity_delta_threshold_ms:
        return NONE
    return WARNING if acceleration_magnitude(w) < t.critical_decel_threshold_ms2 else CRITICAL
