"""A recorded path by arc length: what every caller relies on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetops.dataset.angles import wrap_angle
from fleetops.dataset.columns import Floats
from fleetops.dataset.paths import STANDING_M, Path

coordinates = st.floats(-1e4, 1e4)
angles = st.floats(-np.pi, np.pi)
points = st.lists(st.tuples(coordinates, coordinates, angles), min_size=1, max_size=30)


def through(*places: tuple[float, float, float]) -> Path:
    """The path through (x, y, yaw) places."""
    x, y, yaw = np.array(places, np.float64).T
    return Path.through(x, y, yaw)


def at(path: Path, s: float) -> tuple[float, float, float]:
    """One place of a path."""
    x, y, yaw = path.at(np.array([s]))
    return float(x[0]), float(y[0]), float(yaw[0])


def test_a_place_between_two_points_is_interpolated() -> None:
    """Ten metres east, then ten north: five metres on is halfway through the first leg."""
    path = through((0, 0, 0), (10, 0, 1), (10, 10, 1))
    assert path.length == 20
    assert at(path, 5) == pytest.approx((5, 0, 0.5))
    assert at(path, 15) == pytest.approx((10, 5, 1))


def test_a_heading_turns_the_short_way() -> None:
    """From 3 rad to -3 rad the vehicle turns by 0.28 through half a turn, not by 6 through zero."""
    *_, yaw = at(through((0, 0, 3), (10, 0, -3)), 5)
    assert abs(yaw) == pytest.approx(np.pi)


def test_standing_still_adds_neither_length_nor_a_turn() -> None:
    """A parked car that shakes by a centimetre, and whose heading flutters, does not move on."""
    path = through((0, 0, 0), (5, 0, 0), *[(5 + 0.01 * (-1) ** i, 0.01, 2.0) for i in range(100)])
    assert path.length == 5
    assert at(path, 5) == (5, 0, 0)


def test_creeping_is_no_standing() -> None:
    """Steps too small to count one by one count together."""
    creep = np.arange(0, 2, 0.02)
    path = Path.through(creep, np.zeros_like(creep), np.zeros_like(creep))
    assert path.length == pytest.approx(2, abs=STANDING_M + 0.02)


def test_a_single_point_is_a_path_of_no_length() -> None:
    """Wherever one asks, it is that point."""
    path = through((1, 2, 0.5))
    assert path.length == 0
    assert at(path, 7) == at(path, -7) == (1, 2, 0.5)


def test_no_point_is_no_path() -> None:
    """An empty path is a mistake of the caller's."""
    nothing: Floats = np.zeros(0)
    with pytest.raises(ValueError, match="at least one point"):
        Path.through(nothing, nothing, nothing)


@given(places=points, s=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20).map(sorted))
def test_one_never_moves_further_than_along_the_path(places: list[tuple[float, float, float]], s: list[float]) -> None:
    """The straight way between two places is no longer than the path between them, and ends clamp."""
    path = through(*places)
    x, y, yaw = path.at(np.array(s))
    along = np.diff(np.clip(s, 0, path.length))
    assert (np.hypot(np.diff(x), np.diff(y)) <= along + 1e-6).all()
    assert (np.abs(yaw) <= np.pi + 1e-9).all()


@given(places=points)
def test_a_path_passes_through_every_point_that_counts(places: list[tuple[float, float, float]]) -> None:
    """Every recorded point lies within the shake of a place on the path; at the places themselves the heading holds."""
    path = through(*places)
    x, y, yaw = path.at(path.station)
    for east, north, _ in places:
        assert np.hypot(x - east, y - north).min() <= STANDING_M
    assert np.abs(wrap_angle(yaw - path.yaw)).max() < 1e-6
