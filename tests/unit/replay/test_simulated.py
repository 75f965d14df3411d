"""Telemetry of a vehicle that left its recording is as consistent as a recorded one's, and goes on from it."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.replay.recordings import PULL_OVER, RESUME, intervention, recorded, sighting

from fleetops.dataset.angles import wrap_angle
from fleetops.dataset.columns import Floats
from fleetops.dataset.geo import PALO_ALTO
from fleetops.replay.course import Course, Recorded
from fleetops.replay.simulated import OUT_OF_SIGHT_M, SimulatedVehicle

FRAMES = 400


def straight(t: Floats) -> tuple[Floats, Floats]:
    """Along x at 12 m/s."""
    return 12.0 * t, np.zeros_like(t)


def circle(radius_m: float, speed_mps: float, t: Floats) -> tuple[Floats, Floats]:
    """Around the origin, counter-clockwise."""
    angle = speed_mps * t / radius_m
    return radius_m * np.cos(angle), radius_m * np.sin(angle)


@settings(max_examples=25)
@given(
    radius_m=st.floats(12.0, 500.0),
    lateral_mps2=st.floats(0.0, 3.0),
    start=st.integers(3, 100),
    pause=st.integers(1, 100),
    seed=st.integers(0, 2**32 - 1),
    noise_m=st.sampled_from([0.0, 0.06]),
)
def test_telemetry_agrees_with_itself_and_with_what_was_sent_before(
    radius_m: float, lateral_mps2: float, start: int, pause: int, seed: int, noise_m: float
) -> None:
    """On any curve a car can take, with the usual noise: velocity explains position, acceleration velocity."""
    speed_mps = min(15.0, math.sqrt(lateral_mps2 * radius_m))
    noise = np.random.default_rng(seed).normal(0.0, noise_m, (2, FRAMES)) if noise_m else None
    ahead = recorded(lambda t: circle(radius_m, speed_mps, t), FRAMES, noise=noise)
    seen = sighting(ahead, start)
    vehicle = SimulatedVehicle.of(intervention(seen, start + 1, start + 1 + pause), ahead, PALO_ALTO)
    n, dt = vehicle.numbers, 0.1
    x, y, vx, vy, yaw = (np.append(getattr(seen, name), n[name]) for name in ("x", "y", "vx", "vy", "yaw"))
    residual = np.hypot(np.diff(x) - vx[:-1] * dt, np.diff(y) - vy[:-1] * dt)
    assert residual.max() < 0.3
    speed = np.append(math.hypot(seen.vx, seen.vy), n["speed"])
    assert np.abs(np.diff(speed)).max() <= 2.0 * dt + 0.002
    assert n["speed"] == pytest.approx(np.hypot(vx[1:], vy[1:]), abs=0.002)
    assert n["ax"] == pytest.approx(np.diff(vx) / dt, abs=0.02)
    assert n["ay"] == pytest.approx(np.diff(vy) / dt, abs=0.02)
    assert n["yaw_rate"] == pytest.approx(wrap_angle(np.diff(yaw)) / dt, abs=0.002)
    assert np.abs(n["yaw_rate"]).max() < 5.0, "less than 30 degrees a frame"
    lon, lat = PALO_ALTO.lonlat(x[1:], y[1:], np.zeros(len(x) - 1))
    assert n["lon"] == pytest.approx(lon, abs=2e-7)
    assert n["lat"] == pytest.approx(lat, abs=2e-7)
    on_path = np.hypot(n["x"], n["y"])
    if speed_mps > 1.0:
        assert np.abs(on_path - radius_m)[: FRAMES - start - 60].max(initial=0.0) < 1.0, "on its own path"


def test_what_does_not_move_stays_as_it_was() -> None:
    """Size, class and its probability are those last sent; the track grows by a frame each."""
    ahead = recorded(straight, FRAMES)
    vehicle = SimulatedVehicle.of(intervention(sighting(ahead, 50), 51, 151), ahead, PALO_ALTO)
    first, later = vehicle.row(51), vehicle.row(160)
    assert vehicle.row(50) is None
    assert first is not None
    assert later is not None
    assert (first.track_length, later.track_length) == (52, 161)
    assert (first.intervention, later.intervention) == (PULL_OVER, RESUME)
    for row in (first, later):
        kept = {name: row.numbers[name] for name in ("length", "width", "height", "label_probability")}
        assert kept == {"length": 4.5, "width": 1.9, "height": 1.6, "label_probability": 0.93}


def test_it_lives_on_beyond_its_recording_and_leaves_at_the_end_of_its_path() -> None:
    """Recorded for 20 of 40 s: it stands and drives on after that, to where the recording ended, and is gone."""
    ahead = recorded(straight, FRAMES, until=200)
    vehicle = SimulatedVehicle.of(intervention(sighting(ahead, 50), 51, 151), ahead, PALO_ALTO)
    rows = [vehicle.row(frame) for frame in range(51, FRAMES)]
    present = [row is not None for row in rows]
    left = present.index(False)
    assert all(present[:left])
    assert not any(present[left:])
    assert left + 51 > 200
    last = rows[left - 1]
    assert last is not None
    assert last.numbers["x"] == pytest.approx(12.0 * 19.9, abs=1.3)


@pytest.mark.parametrize(("ego_x", "leaves"), [(238.0, False), (238.0 + OUT_OF_SIGHT_M + 40.0, True)])
def test_before_the_eyes_of_the_ego_it_stands_instead_of_vanishing(ego_x: float, *, leaves: bool) -> None:
    """Where the path ends near the recording car, a vehicle that was gone would be taken for a dropout."""
    ahead = recorded(straight, FRAMES, until=200, ego_x=np.full(FRAMES, ego_x))
    vehicle = SimulatedVehicle.of(intervention(sighting(ahead, 50), 51, 151), ahead, PALO_ALTO)
    last = vehicle.row(FRAMES - 1)
    assert (last is None) == leaves
    if last is not None:
        assert last.numbers["speed"] == 0.0


def test_who_is_pulled_over_at_the_end_of_its_path_stops_straight_on() -> None:
    """There is no place recorded where it comes to stand: 36 m on, on the course it had."""
    ahead = recorded(straight, FRAMES, until=52)
    vehicle = SimulatedVehicle.of(intervention(sighting(ahead, 50), 51), ahead, PALO_ALTO)
    assert vehicle.numbers["x"][-1] == pytest.approx(60.0 + 36.0, abs=0.1)
    assert vehicle.numbers["y"][-1] == pytest.approx(0.0, abs=0.1)
    assert vehicle.present.all()


def _changed(ahead: Recorded, name: str, by: float) -> Recorded:
    values: Floats = np.array(getattr(ahead, name))
    values[120:124] += by
    fields = {field.name: getattr(ahead, field.name) for field in dataclasses.fields(ahead)}
    return Recorded(**{**fields, name: values})


@pytest.mark.parametrize(("name", "by"), [("y", 6.0), ("x", 8.0), ("yaw", math.pi)], ids=["aside", "ahead", "flipped"])
def test_faults_of_perception_to_come_are_no_part_of_the_path(name: str, by: float) -> None:
    """A teleport and a flip recorded further on are where it would not drive to, nor turn."""
    clean = recorded(straight, FRAMES)
    faulty = _changed(clean, name, by)
    course = Course.of(sighting(clean, 50), faulty)
    poses = course.at(np.arange(0.0, 150.0, 0.5))
    assert np.abs(poses.y).max() < 0.2
    assert np.abs(poses.yaw).max() < 0.1
    assert np.abs(wrap_angle(poses.direction)).max() < 0.1


def test_a_parked_car_that_perception_shakes_goes_nowhere() -> None:
    """A metre of noise at a recorded speed of zero is no path."""
    noise = np.random.default_rng(1).normal(0.0, 0.9, (2, FRAMES))
    still = recorded(lambda t: (np.zeros_like(t), np.zeros_like(t)), FRAMES, noise=noise)
    course = Course.of(sighting(still, 50), still)
    assert course.path.length == 0.0


def test_a_heading_that_differs_from_the_path_turns_into_it_and_does_not_jump() -> None:
    """Perception was off by 0.3 rad when the vehicle left its recording: that fades over some metres."""
    ahead = recorded(straight, FRAMES)
    vehicle = SimulatedVehicle.of(intervention(sighting(ahead, 50, yaw=0.3), 51), ahead, PALO_ALTO)
    yaw = np.append(0.3, vehicle.numbers["yaw"])
    assert np.abs(np.diff(yaw)).max() < 0.05
    assert yaw[-1] == 0.0


def test_a_reversing_vehicle_keeps_facing_backwards() -> None:
    """Its heading is opposite to its motion, before and after."""
    forth = recorded(straight, FRAMES)
    back = recorded(straight, FRAMES, yaw=forth.yaw + math.pi)
    vehicle = SimulatedVehicle.of(intervention(sighting(back, 50), 51, 100), back, PALO_ALTO)
    assert np.abs(wrap_angle(vehicle.numbers["yaw"] - math.pi)).max() < 0.01
    assert vehicle.numbers["vx"].min() >= 0.0
    assert vehicle.numbers["vx"].max() > 5.0
