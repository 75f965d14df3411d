"""From a simulator's positions to the motion of bodies."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fleetops.scenes.motion import Motion, motion_of
from fleetops.scenes.simulation import MARGIN_FRAMES, Recording

FRAMES = 100


def recorded(x: np.ndarray, y: np.ndarray, yaw: np.ndarray) -> Motion:
    """The motion of one vehicle, 4 m long, whose front bumper was there."""
    return motion_of(
        Recording(
            names=("one",),
            x=x[:, None],
            y=y[:, None],
            yaw=yaw[:, None],
            extent=np.array([[4.0, 2.0, 1.5]]),
            lights=(),
            light_places=np.zeros((0, 2)),
            light_states=("",) * len(x),
        )
    )


def times() -> np.ndarray:
    """Seconds of the frames, the margin included; 0 is the first one that counts."""
    return 0.1 * (np.arange(FRAMES + 2 * MARGIN_FRAMES) - MARGIN_FRAMES)


def test_the_middle_follows_half_a_length_behind() -> None:
    """Straight on at 10 m/s: two metres behind the bumper, at the same speed, heading along."""
    t = times()
    motion = recorded(10 * t, 0 * t, 0 * t)
    assert len(motion.x) == FRAMES
    assert motion.x[:, 0] == pytest.approx(10 * t[MARGIN_FRAMES:-MARGIN_FRAMES] - 2)
    assert motion.vx[:, 0] == pytest.approx(np.full(FRAMES, 10.0))
    assert motion.yaw[:, 0] == pytest.approx(np.zeros(FRAMES), abs=1e-9)


def test_braking_keeps_its_measure() -> None:
    """4 m/s2 for two seconds is 4 m/s2 for most of them: smoothing does not water it down."""
    t = times()
    speed = np.clip(16 - 4 * (t - 3), 8, 16)
    motion = recorded(np.cumsum(speed) * 0.1, 0 * t, 0 * t)
    decel = -np.gradient(motion.vx[:, 0], 0.1)
    assert decel[36:44] == pytest.approx(np.full(8, 4.0), abs=0.1)


def test_a_circle_is_driven_as_a_circle() -> None:
    """On 20 m radius at 5 m/s the heading turns by a quarter rad per second, and speed stays."""
    t = times()
    angle = 5 * t / 20
    motion = recorded(20 * np.sin(angle), 20 - 20 * np.cos(angle), angle)
    assert np.gradient(np.unwrap(motion.yaw[:, 0]), 0.1) == pytest.approx(np.full(FRAMES, 0.25), abs=0.01)
    assert np.hypot(motion.vx, motion.vy)[:, 0] == pytest.approx(np.full(FRAMES, 5.0), rel=0.02)


def test_who_stands_keeps_its_heading() -> None:
    """A stop does not turn a vehicle round, though it moves by nothing."""
    t = times()
    distance = np.where(t < 4, 8 * t - t * t, 16.0)
    yaw = np.full(len(t), math.pi / 6)
    motion = recorded(distance * math.cos(math.pi / 6), distance * math.sin(math.pi / 6), yaw)
    assert motion.yaw[:, 0] == pytest.approx(np.full(FRAMES, math.pi / 6), abs=0.01)


def test_who_passes_by_for_a_moment_is_left_out() -> None:
    """Too short to be smoothed: such a vehicle is not there at all."""
    t = times()
    x = np.where(np.arange(len(t)) < 2 * MARGIN_FRAMES - 5, 10 * t, np.nan)
    assert not recorded(x, 0 * x, 0 * x).present.any()
