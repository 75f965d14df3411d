"""However long its path and whatever is asked when: a simulated vehicle moves as a car can."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetops.replay.kinematics import ACCELERATE_MPS2, BRAKE_MPS2, CRAWL_MPS, Journey, SpeedLimit, Way, travel

EXACTLY = 1e-9


@st.composite
def ways(draw: st.DrawFn) -> Way:
    """A path of up to 400 m, with the speeds recorded on it, standing still among them."""
    steps = draw(st.lists(st.floats(0.3, 20.0), max_size=20))
    station = np.concatenate(([0.0], np.cumsum(steps)))
    speeds = draw(st.lists(st.floats(0.0, 30.0), min_size=len(station), max_size=len(station)))
    return Way(station, np.array(speeds), draw(st.integers(-1, 200)))


@st.composite
def demands(draw: st.DrawFn) -> tuple[list[float], list[bool]]:
    """Frames, mostly 0.1 s apart, and whether the vehicle is to drive on in each: it begins by braking."""
    runs = draw(st.lists(st.integers(1, 80), min_size=1, max_size=5))
    driving = [turn % 2 == 1 for turn, frames in enumerate(runs) for _ in range(frames)]
    dt_s = draw(
        st.lists(st.sampled_from([0.1, 0.1, 0.1, 0.101, 0.05, 0.4]), min_size=len(driving), max_size=len(driving))
    )
    return dt_s, driving


@given(way=ways(), speed=st.floats(0.0, 30.0), demand=demands())
def test_it_never_jumps_never_goes_back_and_never_brakes_hard(
    way: Way, speed: float, demand: tuple[list[float], list[bool]]
) -> None:
    """Between two frames: a way that the speeds explain, at most 2 m/s2 down and 1.5 up, and not one inch back."""
    dt_s, driving = demand
    journey = travel(way, speed, np.array(dt_s), np.array(driving))
    places, speeds = [0.0, *journey.s.tolist()], [speed, *journey.speed_mps.tolist()]
    for i, ((here, there), (before, after)) in enumerate(
        zip(itertools.pairwise(places), itertools.pairwise(speeds), strict=True)
    ):
        assert after >= 0.0
        assert -BRAKE_MPS2 * dt_s[i] - EXACTLY <= after - before <= ACCELERATE_MPS2 * dt_s[i] + EXACTLY
        assert there >= here
        assert there - here <= max(before, after) * dt_s[i] + EXACTLY
        if not driving[i]:
            assert after == pytest.approx(max(0.0, before - BRAKE_MPS2 * dt_s[i]))


@given(way=ways(), speed=st.floats(0.0, 30.0), demand=demands(), later=st.integers(0, 400))
def test_a_later_command_changes_nothing_before_it(
    way: Way, speed: float, demand: tuple[list[float], list[bool]], later: int
) -> None:
    """Whatever is asked from some frame on, all frames before it are as they were sent."""
    dt_s, driving = demand
    cut = later % (len(driving) + 1)
    other = driving[:cut] + [not asked for asked in driving[cut:]]
    one, two = (travel(way, speed, np.array(dt_s), np.array(asked)) for asked in (driving, other))
    for name in Journey.__slots__:
        assert getattr(one, name)[:cut].tolist() == getattr(two, name)[:cut].tolist()


@pytest.mark.parametrize("cut", range(30, 80, 5))
def test_a_pull_over_shortly_before_the_end_changes_nothing_before_it(cut: int) -> None:
    """Though without it the vehicle would have stopped at its path's end, and is slowing down for that already."""
    way = Way(np.array([0.0, 50.0]), np.array([10.0, 10.0]), 299)
    on = np.ones(300, np.bool_)
    off = np.where(np.arange(300) < cut, on, False)
    one, two = (travel(way, 5.0, np.full(300, 0.1), asked) for asked in (on, off))
    assert one.s[:cut].tolist() == two.s[:cut].tolist()


@given(way=ways(), speed=st.floats(0.0, 30.0))
def test_it_stands_after_the_way_that_its_speed_needs(way: Way, speed: float) -> None:
    """v2 / 2a, and it stays there."""
    journey = travel(way, speed, np.full(200, 0.1), np.zeros(200, np.bool_))
    assert journey.speed_mps[-1] == 0.0
    assert journey.s[-1] == pytest.approx(speed**2 / (2 * BRAKE_MPS2))
    assert not journey.may_leave.any()


@given(way=ways())
def test_who_drives_on_gets_to_the_end(way: Way) -> None:
    """Though the recording stood somewhere on the way; and waits there, or may leave once its recording has gone."""
    frames = 20 * int(way.length / CRAWL_MPS + 30)
    asked = np.ones(frames, np.bool_)
    asked[0] = False
    journey = travel(way, 0.0, np.full(frames, 0.1), asked)
    assert journey.s[-1] >= way.length - 0.05
    assert journey.may_leave[-1]
    first = int(np.argmax(journey.may_leave))
    assert first > way.recorded_until
    assert journey.s[first] >= way.length - 0.05


def test_it_drives_up_to_the_speed_recorded_there() -> None:
    """From standing at 1.5 m/s2 to the 10 m/s of the first stretch, then down to the 4 of the second, gently."""
    way = Way(np.array([0.0, 200.0, 200.5, 400.0]), np.array([10.0, 10.0, 4.0, 4.0]), -1)
    asked = np.ones(420, np.bool_)
    journey = travel(way, 0.0, np.full(420, 0.1), asked)
    assert journey.speed_mps[:60] == pytest.approx(0.15 * np.arange(1, 61))
    assert journey.speed_mps.max() == pytest.approx(10.0)
    at_bend = int(np.argmax(journey.s >= 200.5))
    assert journey.speed_mps[at_bend] == pytest.approx(4.0, abs=0.3)


def test_who_arrives_before_its_recording_goes_stops_at_the_end() -> None:
    """The recording stands at the end until the last frame: so does the vehicle, and does not pass it."""
    way = Way(np.array([0.0, 50.0]), np.array([10.0, 0.0]), 299)
    journey = travel(way, 0.0, np.full(300, 0.1), np.ones(300, np.bool_))
    assert journey.s.max() <= 50.05
    assert journey.s[-1] == pytest.approx(50.0, abs=0.05)
    assert journey.speed_mps[-1] == 0.0
    assert not journey.may_leave.any()


@given(way=ways(), s=st.floats(0.0, 400.0))
def test_a_limit_can_be_kept_by_braking_gently(way: Way, s: float) -> None:
    """From no place on does the allowed speed fall faster than 2 m/s2 take it down."""
    limit = SpeedLimit.along(way.station, way.speed_mps, ends_standing=True)
    here, there = limit.at(s), limit.at(s + 1.0)
    if s + 1.0 < way.length:
        assert here**2 <= there**2 + 2 * BRAKE_MPS2 + 1e-6
