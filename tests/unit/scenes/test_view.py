"""Who is seen from the ego, under which id, for how long."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetops.scenes.view import NEVER_LOST_M, choose_ego, look, radius_for, ranges

from .traffic import column


def rng(seed: int = 0) -> np.random.Generator:
    """Dice."""
    return np.random.Generator(np.random.PCG64(seed))


@given(seed=st.integers(0, 2**32), radius_m=st.floats(20, 300))
@settings(max_examples=15)
def test_a_track_is_seen_without_a_gap_and_by_one_vehicle(seed: int, radius_m: float) -> None:
    """An id is given out once, in the order of first sight, and its age counts its sightings."""
    motion = column(20, 60)
    view = look(ranges(motion, 10), radius_m, rng(seed))
    born: dict[int, int] = {}
    for track in range(1, int(view.track.max()) + 1):
        frames, vehicles = np.nonzero(view.track == track)
        assert len(set(vehicles)) == 1
        assert (np.diff(frames) == 1).all()
        assert view.age[frames, vehicles].tolist() == list(range(len(frames)))
        born[track] = int(frames[0])
    assert list(born.values()) == sorted(born.values())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=15)
def test_nobody_near_is_lost(seed: int) -> None:
    """Within the range in which detection calls a silence a dropout, sight does not fail by itself."""
    motion = column(20, 100)
    range_m = ranges(motion, 10)
    view = look(range_m, 120.0, rng(seed))
    near = (range_m < NEVER_LOST_M).all(axis=0)
    assert near.sum() >= 6
    assert (view.track[:, near] == view.track[0, near]).all()
    assert (view.track[0, near] > 0).all()


def test_nobody_beyond_the_radius_is_seen_and_never_the_ego() -> None:
    """The ego has no row among the agents."""
    range_m = ranges(column(20, 50), 3)
    view = look(range_m, 60.0, rng())
    assert not view.seen[range_m > 60.0].any()
    assert not view.seen[:, 3].any()


def test_who_is_held_is_not_lost() -> None:
    """Even at the very edge."""
    range_m = ranges(column(20, 300), 0)
    held = np.zeros(range_m.shape, np.bool_)
    held[:, 8] = True  # at 96 m
    assert len(np.unique(look(range_m, 100.0, rng(), held).track[:, 8])) == 1
    assert len(np.unique(look(range_m, 100.0, rng()).track[:, 8])) > 5


def test_the_radius_holds_as_many_as_wanted() -> None:
    """On average, whatever the network: what comes and goes at the edge is counted in."""
    range_m = ranges(column(200, 200, gap_m=3.0), 100)
    view = look(range_m, radius_for(range_m, 50), rng())
    assert view.seen.sum(axis=1).mean() == pytest.approx(50, rel=0.2)


def test_the_ego_is_there_from_first_to_last() -> None:
    """Who comes late or goes early is none, and where all do there is none."""
    motion = column(6, 50)
    motion.x[:10, :5] = np.nan
    assert choose_ego(motion, (0.0, 0.0), 100.0) == 5
    motion.x[40:, 5] = np.nan
    assert choose_ego(motion, (0.0, 0.0), 100.0) is None
