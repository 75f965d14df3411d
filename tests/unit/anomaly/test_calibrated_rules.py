"""The calibrated rules as plain functions: what they find, and what they must not be fooled by."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.anomaly.made_windows import window

from fleetops.anomaly.features import (
    active_agent_ratio,
    deceleration,
    motion_mismatch,
    position_deceleration,
    position_residual,
    settled,
    speed_change,
)
from fleetops.anomaly.rules.disappearance import (
    ActiveAgentsCollapsed,
    VanishedNearby,
    active_agents_collapsed,
    vanished_nearby,
)
from fleetops.anomaly.rules.hard_braking import HardBraking, hard_braking
from fleetops.anomaly.rules.tracking_glitches import (
    HeadingFlipped,
    HeadingJumped,
    LabelChanged,
    LabelProbabilityFell,
    MotionImplausible,
    PositionResidual,
    heading_flipped,
    heading_jumped,
    label_changed,
    label_probability_fell,
    motion_implausible,
    position_residual_exceeded,
)
from fleetops.anomaly.severity import CRITICAL, INFO, NONE, WARNING
from fleetops.anomaly.windows import Window
from fleetops.contracts.vocabulary import Label

FRAMES = 30
LAST = FRAMES - 1

Sighting = dict[str, float]


def path(speeds: Sequence[float], yaw: float = 0.0) -> list[Sighting]:
    """Sightings of a vehicle with these speeds at 10 Hz, its positions where they take it."""
    ways = np.concatenate([[0.0], np.cumsum((np.array(speeds[1:]) + np.array(speeds[:-1])) / 2 * 0.1)])
    east, north = math.cos(yaw), math.sin(yaw)
    return [
        {
            "x": float(way) * east,
            "y": float(way) * north,
            "vx": speed * east,
            "vy": speed * north,
            "speed": speed,
            "yaw": yaw,
            "label": list(Label).index(Label.CAR),
            "label_probability": 1.0,
        }
        for way, speed in zip(ways, speeds, strict=True)
    ]


def seen(sightings: Sequence[Sighting], missing: Sequence[int] = (), **facts: object) -> Window:
    """The window at the last of `sightings`, without the frames that were missed."""
    kept = [(frame, fields) for frame, fields in enumerate(sightings) if frame not in missing]
    return window(*kept, **facts)  # type: ignore[arg-type]  # a test's shorthand


def brake(deceleration_mps2: float, frames: int, speed: float = 20.0) -> list[float]:
    """Steady, and then braking in the last `frames` frames."""
    lost = [0.1 * deceleration_mps2 * k for k in range(1, frames + 1)]
    return [speed] * (FRAMES - frames) + [max(0.0, speed - each) for each in lost]


@pytest.mark.parametrize(
    ("deceleration_mps2", "frames", "expected"),
    [
        (2.5, 20, NONE),  # a comfortable stop
        (4.0, 4, NONE),  # not for long enough yet
        (4.0, 10, WARNING),
        (7.0, 10, CRITICAL),
        (14.0, 12, NONE),  # more than a tyre gives
        (-4.0, 15, NONE),  # speeding up is no braking
    ],
)
def test_braking_is_judged_by_how_hard_it_is(deceleration_mps2: float, frames: int, expected: int) -> None:
    """Hard from 3 m/s2, an emergency from 5, implausible above 12."""
    assert hard_braking(seen(path(brake(deceleration_mps2, frames))), HardBraking()) == expected


@given(yaw=st.floats(-math.pi, math.pi), start=st.floats(8, 40), mps2=st.floats(0.5, 11))
def test_the_slope_is_the_deceleration_in_any_direction(yaw: float, start: float, mps2: float) -> None:
    """A steady ramp has its own slope, whichever way the vehicle drives."""
    w = seen(path([max(0.0, start - 0.1 * mps2 * k) for k in range(8)], yaw))
    if start - 0.7 * mps2 > 0:
        assert deceleration(w, 7, 8) == pytest.approx(mps2, abs=1e-4)


def test_a_heading_flip_is_no_braking() -> None:
    """Nor is a vehicle that drives backwards: the axis of its heading counts, not the direction."""
    flipped = path([20.0] * FRAMES)
    for sighting in flipped[LAST - 3 :]:
        sighting["yaw"] = math.pi
    assert deceleration(seen(flipped), LAST, 8) == pytest.approx(0.0, abs=1e-5)
    assert hard_braking(seen(flipped), HardBraking()) == NONE


def test_velocities_that_the_positions_contradict_are_no_braking() -> None:
    """A tracker revising its velocity: the speeds fall, the vehicle drives on as before."""
    revised = path(brake(6.0, 10))
    for frame, honest in enumerate(path([20.0] * FRAMES)):
        revised[frame]["x"] = honest["x"]
    assert deceleration(seen(revised), LAST, 8) > 5.0
    assert motion_mismatch(seen(revised), LAST, 8) < 0.3  # one second in, ...
    slow = path(brake(6.0, 10, speed=8.0))
    for frame, honest in enumerate(path([8.0] * FRAMES)):
        slow[frame]["x"] = honest["x"]
    assert motion_mismatch(seen(slow), LAST, 8) > 0.3  # ... the slower, the sooner it shows
    assert hard_braking(seen(slow), HardBraking()) == NONE
    assert hard_braking(seen(path(brake(6.0, 10, speed=8.0))), HardBraking()) == CRITICAL


def test_far_away_velocities_are_too_vague() -> None:
    """Beyond 100 m from the ego no braking is called."""
    far = path(brake(6.0, 12))
    for sighting in far:
        sighting["range_m"] = 101.0
    assert hard_braking(seen(far), HardBraking()) == NONE
    assert hard_braking(seen(path(brake(6.0, 12))), HardBraking()) == CRITICAL


def test_positions_alone_must_slow_down_too() -> None:
    """Neither a vehicle whose positions drive on, nor one whose positions leap, has braked."""
    assert position_deceleration(seen(path(brake(4.0, 15))), LAST, 15) == pytest.approx(4.0, abs=0.1)
    for share, expected in ((1.0, CRITICAL), (0.2, NONE), (2.0, NONE)):
        told = path(brake(6.0, 15, speed=30.0))
        for sighting, steady in zip(told, path([30.0] * FRAMES), strict=True):
            sighting["x"] = steady["x"] - share * (steady["x"] - sighting["x"])
        assert hard_braking(seen(told), HardBraking(motion_mismatch_limit=9.0)) == expected


def test_a_young_track_is_not_judged() -> None:
    """Its first velocity is zero and the next ones are guesses."""
    speeds = brake(6.0, 10)
    young = seen(path(speeds), missing=range(FRAMES - 9))
    assert not settled(young, LAST, 10)
    assert hard_braking(young, HardBraking()) == NONE
    known = seen(path(speeds), missing=range(FRAMES - 12))  # in the two frames before, too: it must last
    assert hard_braking(known, HardBraking()) != NONE


def test_the_zero_velocity_of_a_first_sighting_hides_no_braking() -> None:
    """Had it counted, the vehicle would have gained speed over the window."""
    sightings = path(brake(6.0, 10))
    first = FRAMES - 14
    sightings[first]["speed"] = 0.0
    w = seen(sightings, missing=range(first))
    assert speed_change(w, LAST, 15) == pytest.approx(-6.0)


def test_a_missing_frame_or_two_hide_no_braking() -> None:
    """The slope is over the frames' own times, and gaps are bridged."""
    w = seen(path(brake(6.0, 10)), missing=(LAST - 2, LAST - 5))
    assert deceleration(w, LAST, 8) == pytest.approx(6.0, abs=0.01)
    assert hard_braking(w, HardBraking()) == CRITICAL


def test_a_moment_is_no_braking() -> None:
    """It must hold in so many of the last frames, and only those count."""
    sightings = path(brake(4.0, 30, speed=30.0))
    once = seen(sightings)
    assert hard_braking(once, HardBraking(sustain_frames=4, sustained_of_frames=4)) == WARNING
    assert hard_braking(once, HardBraking(sustain_frames=5, sustained_of_frames=4)) == NONE


@pytest.mark.parametrize(("off_m", "expected"), [(1.9, NONE), (2.5, INFO), (3.5, WARNING)])
def test_a_vehicle_must_be_where_its_velocity_takes_it(off_m: float, expected: int) -> None:
    """Plain motion at any speed is no jump; minor below one and a half times the threshold."""
    sightings = path([30.0] * FRAMES)
    assert position_residual_exceeded(seen(sightings), PositionResidual()) == NONE
    sightings[LAST]["y"] += off_m
    assert position_residual(seen(sightings), LAST) == pytest.approx(off_m)
    assert position_residual_exceeded(seen(sightings), PositionResidual()) == expected


def test_nothing_is_said_across_a_gap() -> None:
    """Whoever comes back after a dropout is elsewhere, and has turned."""
    sightings = path([20.0] * FRAMES)
    sightings[LAST] |= {"x": 500.0, "yaw": 1.0, "label": list(Label).index(Label.BUS)}
    w = seen(sightings, missing=(LAST - 1,))
    assert position_residual_exceeded(w, PositionResidual()) == NONE
    assert heading_jumped(w, HeadingJumped()) == NONE
    assert label_changed(w, LabelChanged()) == NONE


@pytest.mark.parametrize(
    ("turn", "speed", "jumped", "flipped"),
    [
        (0.5, 10.0, NONE, NONE),
        (0.6, 10.0, INFO, NONE),
        (1.2, 0.0, WARNING, NONE),  # its footprint moves, even where it stands
        (3.1, 10.0, NONE, WARNING),
        (-3.1, 10.0, NONE, WARNING),
        (3.1, 1.0, NONE, NONE),  # its footprint stays where it is
    ],
)
def test_headings_jump_or_flip(turn: float, speed: float, jumped: int, flipped: int) -> None:
    """A flip is named as such, and is nothing below walking pace."""
    sightings = path([speed] * FRAMES, yaw=2.0)
    sightings[LAST]["yaw"] += turn
    assert heading_jumped(seen(sightings), HeadingJumped()) == jumped
    assert heading_flipped(seen(sightings), HeadingFlipped()) == flipped


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Label.CAR, Label.TRUCK, INFO),
        (Label.CAR, Label.UNKNOWN, INFO),
        (Label.UNKNOWN, Label.CAR, NONE),  # recognised at last
        (Label.CAR, Label.CAR, NONE),
    ],
)
def test_a_known_class_that_gives_way_is_a_glitch(before: Label, after: Label, expected: int) -> None:
    """A minor one."""
    sightings = path([10.0] * FRAMES)
    for sighting in sightings:
        sighting["label"] = list(Label).index(before)
    sightings[LAST]["label"] = list(Label).index(after)
    assert label_changed(seen(sightings), LabelChanged()) == expected


@pytest.mark.parametrize(("probability", "expected"), [(0.85, NONE), (0.75, INFO), (0.6, WARNING)])
def test_a_falling_probability_is_a_glitch(probability: float, expected: int) -> None:
    """Minor below one and a half times the threshold."""
    sightings = path([10.0] * FRAMES)
    sightings[LAST]["label_probability"] = probability
    assert label_probability_fell(seen(sightings), LabelProbabilityFell()) == expected


def test_speeds_that_no_tyre_gives_are_a_glitch() -> None:
    """Losing or gaining 12 m/s and more within a second; a track's own beginning does not count."""
    stopped = path([20.0] * (FRAMES - 3) + [0.0] * 3)
    assert motion_implausible(seen(stopped), MotionImplausible()) == WARNING
    assert motion_implausible(seen(path([0.0] * (FRAMES - 3) + [20.0] * 3)), MotionImplausible()) == WARNING
    assert motion_implausible(seen(stopped, missing=range(14)), MotionImplausible()) == NONE
    assert motion_implausible(seen(path(brake(9.0, 20))), MotionImplausible()) == NONE


def vanished(silent: int, *, range_m: float = 10.0, agents: dict[int, int] | None = None, first: int = 0) -> Window:
    """A vehicle seen up to frame 20, and silent since."""
    sightings = [(frame, {**each, "range_m": range_m}) for frame, each in enumerate(path([10.0] * 21))]
    return window(*sightings[first:], frame=20 + silent, present=silent == 0, silent_frames=silent, agents=agents)


@pytest.mark.parametrize(
    ("w", "expected"),
    [
        (vanished(3), NONE),
        (vanished(4), INFO),
        (vanished(19), INFO),
        (vanished(4, range_m=31.0), NONE),  # it may have left the field of view
        (vanished(4, first=12), NONE),  # hardly known
        (vanished(4, agents={f: 20 if f <= 20 else 8 for f in range(25)}), NONE),  # all vanished: told once, of the ego
        (vanished(4, agents=dict.fromkeys(range(25), 20)), INFO),
    ],
)
def test_who_vanishes_nearby_is_missed(w: Window, expected: int) -> None:
    """After more than three frames, if it was well known, near, and nothing explains it."""
    assert vanished_nearby(w, VanishedNearby()) == expected


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([20] * 10, 9, WARNING),
        ([20] * 10, 10, NONE),  # half is not less than half
        ([4] * 10, 0, NONE),  # of so few, nothing follows
        ([20] * 4 + [-1] * 6, 0, NONE),  # hardly known
        ([20] * 6 + [-1] * 4, 9, WARNING),
        ([100, 20, 20, 20, 20, 20, 20, 20, 20, 1], 11, NONE),  # a median, not a mean
    ],
)
def test_a_collapse_is_a_fraction_of_the_median(before: list[int], now: int, expected: int) -> None:
    """Told of the ego alone; unknown counts say nothing."""
    agents = {**dict(enumerate(before, 10)), 20: now}
    w = window((20, {}), agents=agents, is_ego=True)
    assert active_agents_collapsed(w, ActiveAgentsCollapsed()) == expected
    assert active_agents_collapsed(window((20, {}), agents=agents), ActiveAgentsCollapsed()) == NONE


@given(counts=st.lists(st.integers(5, 60), min_size=10, max_size=10), now=st.integers(0, 80))
def test_the_ratio_is_to_the_lower_median(counts: list[int], now: int) -> None:
    """Held against numpy's."""
    w = window((20, {}), agents={**dict(enumerate(counts, 10)), 20: now})
    assert active_agent_ratio(w, 20, 10) == now / np.percentile(counts, 50, method="lower")
