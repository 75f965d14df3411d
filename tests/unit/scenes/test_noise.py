"""What the tracker gets wrong, and what it must not."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetops.scenes import noise
from fleetops.scenes.motion import Motion
from fleetops.scenes.noise import Sightings, perceive
from fleetops.scenes.view import View, look, ranges

from .traffic import column

ROUNDING = 1e-9


def perceived(seed: int, speed_mps: float = 12.0) -> tuple[Motion, View, Sightings]:
    """True motion, the view of it, and what is told."""
    motion = column(40, 200, speed_mps, gap_m=5.0)
    dice = np.random.Generator(np.random.PCG64(seed))
    view = look(ranges(motion, 20), 90.0, dice)
    return motion, view, perceive(motion, view, dice)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=5)
def test_every_error_stays_within_its_bound(seed: int) -> None:
    """However unlucky: no error leaves what the tracker is known for, so none looks like a fault."""
    motion, view, told = perceived(seed)
    seen = view.seen
    assert np.abs(told.x - motion.x)[seen].max() <= noise.POSITION_ALONG_M.largest + ROUNDING
    assert np.abs(told.y - motion.y)[seen].max() <= noise.POSITION_ACROSS_M.largest + ROUNDING
    assert np.abs(told.yaw - motion.yaw)[seen].max() <= noise.YAW_RAD.largest + ROUNDING
    known = seen & (view.age > 0)
    assert np.abs(told.vx - motion.vx)[known].max() <= noise.VELOCITY_ALONG_MPS.largest + ROUNDING


def test_a_track_begins_without_velocity() -> None:
    """As in the real data: 0 in the first frame, and known from the second on."""
    _, view, told = perceived(1)
    first = view.seen & (view.age == 0)
    assert first.sum() > 50
    assert (told.vx[first] == 0).all()
    assert (told.vx[view.seen & (view.age == 1)] > 5).all()


def test_errors_are_smooth_in_time() -> None:
    """An error resembles the one before: the position of a tracker wanders, and does not rattle."""
    motion, view, told = perceived(2)
    both = (view.age[1:] > 0) & view.seen[1:]
    error = told.x - motion.x
    now, before = error[1:][both], error[:-1][both]
    assert np.corrcoef(now, before)[0, 1] > 0.8
    # White noise of the same size would change by more than its own size.
    assert np.abs(now - before).mean() < 0.6 * np.abs(now).mean()


def test_who_stands_is_told_to_stand() -> None:
    """A standing vehicle's velocity is exactly 0, its position still wanders."""
    motion, view, told = perceived(3, speed_mps=0.0)
    assert (told.vx[view.seen] == 0).all()
    assert np.abs(told.x - motion.x)[view.seen].max() > 0.1
