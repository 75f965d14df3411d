"""Rules as plain functions: what fires, what does not, on which side of a threshold."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.anomaly.made_windows import window

from fleetops.anomaly.features import yaw_jump
from fleetops.anomaly.rules.dropout_proxy import (
    ActiveAgentsDropped,
    UpdatesMissing,
    active_agents_dropped,
    updates_missing,
)
from fleetops.anomaly.rules.perception_instability import (
    LabelProbabilityDropped,
    PositionJumped,
    YawJumped,
    label_probability_dropped,
    position_jumped,
    yaw_jumped,
)
from fleetops.anomaly.rules.sudden_deceleration import DecelThresholdExceeded, decel_threshold_exceeded
from fleetops.anomaly.severity import CRITICAL, INFO, NONE, WARNING
from fleetops.anomaly.windows import Window


def braking(speeds: list[float], acceleration: float) -> Window:
    """A vehicle with these speeds in successive frames, and this acceleration in the last."""
    frames = [(frame, {"speed": speed, "acceleration": 0.0}) for frame, speed in enumerate(speeds)]
    frames[-1][1]["acceleration"] = acceleration
    return window(*frames)


@pytest.mark.parametrize(
    ("speeds", "acceleration", "expected"),
    [
        ([20, 18, 17, 16, 14.9], 4.9, WARNING),
        ([20, 18, 17, 16, 14.9], 5.0, CRITICAL),  # WARNING only below 5.0
        ([20, 18, 17, 16, 14.9], 3.0, NONE),  # not above 3.0
        ([20, 18, 17, 16, 15.0], 9.0, NONE),  # not below -5.0
        ([99, 20, 18, 17, 16, 15.1], 9.0, NONE),  # 99 lies before the window
        ([20, 14.9], 4.0, WARNING),  # a young track's window is what there is of it
        ([14.9, 16, 17, 18, 20], 9.0, NONE),  # speeding up is no braking
    ],
)
def test_deceleration_needs_both_conditions(speeds: list[float], acceleration: float, expected: int) -> None:
    """Acceleration above 3 m/s2 and more than 5 m/s lost over five frames."""
    assert decel_threshold_exceeded(braking(speeds, acceleration), DecelThresholdExceeded()) == expected


@given(speeds=st.lists(st.floats(0, 60), min_size=5, max_size=5).map(sorted), acceleration=st.floats(0, 50))
def test_a_vehicle_that_never_slows_never_fires(speeds: list[float], acceleration: float) -> None:
    """Whatever the noise, rising speed is no deceleration."""
    assert decel_threshold_exceeded(braking(speeds, acceleration), DecelThresholdExceeded()) == NONE


@pytest.mark.parametrize(("distance", "expected"), [(2.0, NONE), (2.001, WARNING)])
def test_position_jump_is_measured_between_the_windows_ends(distance: float, expected: int) -> None:
    """Two frames apart, in a straight line, strictly above the threshold."""
    w = window((5, {"x": 1.0, "y": 1.0}), (6, {"x": 500.0}), (7, {"x": 1.0, "y": 1.0 + distance}))
    assert position_jumped(w, PositionJumped()) == expected


@pytest.mark.parametrize(("before", "after", "expected"), [(1.0, 0.8, NONE), (0.9, 0.69, WARNING), (0.1, 0.9, NONE)])
def test_label_probability_must_fall_by_more_than_the_threshold(before: float, after: float, expected: int) -> None:
    """A rise is no instability, and exactly the threshold is not more than it."""
    w = window((1, {"label_probability": before}), (3, {"label_probability": after}))
    assert label_probability_dropped(w, LabelProbabilityDropped()) == expected


def test_heading_is_compared_the_short_way_round() -> None:
    """From just below pi to just above -pi is a small turn; from 0 to pi is a flip."""
    across = window((1, {"yaw": math.pi - 0.1}), (2, {"yaw": -math.pi + 0.1}))
    flip = window((1, {"yaw": 0.0}), (2, {"yaw": math.pi}))
    assert yaw_jump(across, 3) == pytest.approx(0.2)
    assert yaw_jumped(across, YawJumped()) == NONE
    assert yaw_jumped(flip, YawJumped()) == WARNING


@given(before=st.floats(-10, 10), turn=st.floats(-math.pi, math.pi), rounds=st.integers(-3, 3))
def test_a_turn_is_the_same_wherever_it_begins(before: float, turn: float, rounds: int) -> None:
    """Whole rounds change nothing, and neither does the direction."""
    w = window((1, {"yaw": before}), (2, {"yaw": before + turn + rounds * 2 * math.pi}))
    assert yaw_jump(w, 3) == pytest.approx(abs(turn), abs=1e-9)


def test_a_window_does_not_reach_into_a_former_life() -> None:
    """A vehicle that was forgotten and came back starts anew."""
    w = window((3, {"x": 0.0}), (5, {"x": 50.0}), born=5)
    assert position_jumped(w, PositionJumped()) == NONE


@pytest.mark.parametrize(("silent", "expected"), [(0, NONE), (3, NONE), (4, INFO), (19, INFO)])
def test_silence_of_more_than_three_frames_is_a_dropout(silent: int, expected: int) -> None:
    """Three silent frames are not more than three."""
    w = window((1, {}), frame=1 + silent, present=silent == 0, silent_frames=silent)
    assert updates_missing(w, UpdatesMissing()) == expected


@pytest.mark.parametrize(
    ("is_ego", "before", "now", "expected"),
    [
        (True, 20, 14, WARNING),
        (True, 20, 15, NONE),
        (False, 20, 0, NONE),  # told once, on the ego
        (True, -1, 0, NONE),  # unknown is not a drop
        (True, 20, -1, NONE),
    ],
)
def test_a_collapse_of_the_scene_is_told_on_its_ego(is_ego: bool, before: int, now: int, expected: int) -> None:
    """More than five agents lost between two frames whose counts are known."""
    w = window((1, {}), is_ego=is_ego, agents={0: before, 1: now})
    assert active_agents_dropped(w, ActiveAgentsDropped()) == expected
