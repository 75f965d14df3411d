"""What a tracker gets wrong, in the measure of the real scene. Pure.

Measured on car tracks of the real scene (`fleetops scenes stats`), the change of each error from one
frame to the next has a magnitude that is close to lognormal, over three decades: mostly
centimetres, now and then half a metre. Such an error is a random walk that is drawn back to the
truth, with a volatility that differs from track to track and wanders in time. So positions
stay smooth, as those of a real tracker.

Cut off are the jumps beyond about a metre, which on the real scene are its tracker's faults (a centroid
that leaps, a heading that flips). Here faults are injected on purpose, and labelled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleetops.dataset.columns import Floats

from .motion import Motion
from .view import Ids, View


@dataclass(frozen=True, slots=True)
class Walk:
    """One error: a mean-reverting random walk with lognormal steps."""

    step: float  # the scale of a median step
    spread: float  # standard deviation of the log of the scale
    keep: float  # share of the error left after a frame
    largest_step: float
    largest: float


POSITION_ALONG_M = Walk(step=0.053, spread=1.35, keep=0.95, largest_step=0.95, largest=1.3)
POSITION_ACROSS_M = Walk(step=0.023, spread=1.2, keep=0.90, largest_step=0.3, largest=0.5)
VELOCITY_ALONG_MPS = Walk(step=0.064, spread=1.45, keep=0.92, largest_step=0.7, largest=1.8)
VELOCITY_ACROSS_MPS = Walk(step=0.025, spread=1.3, keep=0.92, largest_step=0.4, largest=0.6)
YAW_RAD = Walk(step=0.0048, spread=1.45, keep=0.86, largest_step=0.14, largest=0.2)
LOG_LENGTH = Walk(step=0.024, spread=2.0, keep=0.92, largest_step=0.35, largest=0.4)
LOG_WIDTH = Walk(step=0.018, spread=1.8, keep=0.92, largest_step=0.25, largest=0.25)
LOG_HEIGHT = Walk(step=0.010, spread=1.5, keep=0.92, largest_step=0.15, largest=0.2)

_WALKS = (
    POSITION_ALONG_M,
    POSITION_ACROSS_M,
    VELOCITY_ALONG_MPS,
    VELOCITY_ACROSS_MPS,
    YAW_RAD,
    LOG_LENGTH,
    LOG_WIDTH,
    LOG_HEIGHT,
)

_OF_TRACK = 0.5  # share of the log scale's variance that is the track's own; the rest wanders
_WANDER_KEEP = 0.8
_NEAR_M, _NEAR = 25.0, 0.6
"""At 0 m steps are this share of those from 25 m on (real residuals: 0.038 m below 20 m, 0.06 to 0.09 m beyond)."""

_YOUNG, _YOUNG_FRAMES = 0.6, 4.0
"""So much larger are steps right after birth (real: 95 % at 1.0 m in the first five frames, 0.5 m later)."""

_STANDING_MPS = 0.15
"""Slower than this, the tracker says 0: 16 % of the real scene's car sightings."""


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Frames x vehicles, as the tracker says; meaningful where the view sees."""

    x: Floats
    y: Floats
    vx: Floats
    vy: Floats
    yaw: Floats
    length: Floats
    width: Floats
    height: Floats


def perceive(motion: Motion, view: View, rng: np.random.Generator) -> Sightings:
    """What the tracker says of true motion. The first sighting of a track has no velocity, as in the real data."""
    along, across, fast, sideways, turn, *sizes = _errors(view, rng)
    cos, sin = np.cos(motion.yaw), np.sin(motion.yaw)
    # A standing vehicle's reported velocity is zero and does not tremble.
    speed = np.hypot(motion.vx, motion.vy)
    stands = speed < _STANDING_MPS
    tells = np.where(stands | (view.age == 0), 0.0, 1.0)
    length, width, height = (motion.extent[:, axis] * np.exp(error) for axis, error in enumerate(sizes))
    return Sightings(
        x=motion.x + along * cos - across * sin,
        y=motion.y + along * sin + across * cos,
        vx=(motion.vx + fast * cos - sideways * sin) * tells,
        vy=(motion.vy + fast * sin + sideways * cos) * tells,
        yaw=motion.yaw + turn,
        length=length,
        width=width,
        height=height,
    )


def _errors(view: View, rng: np.random.Generator) -> Floats:
    """Every walk's error, (walks, frames, vehicles), begun anew with every track."""
    frames, vehicles = view.track.shape
    column = {name: np.array([getattr(walk, name) for walk in _WALKS])[:, None] for name in Walk.__slots__}
    near = _NEAR + (1 - _NEAR) * np.clip(np.nan_to_num(view.range_m, posinf=0.0) / _NEAR_M, 0.0, 1.0)
    young = 1 + _YOUNG * np.exp(-view.age / _YOUNG_FRAMES)
    shape = (len(_WALKS), vehicles)
    errors = np.zeros((len(_WALKS), frames, vehicles))
    error, own, wander = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    before: Ids = np.zeros(vehicles, np.int64)
    fresh = np.sqrt(1 - _WANDER_KEEP**2)
    for frame in range(frames):
        # One volatility for a whole track's position, velocity, heading: what is hard to see is hard in every way.
        dice = rng.standard_normal((2 * len(_WALKS) + 2, vehicles))
        born = view.track[frame] != before
        before = view.track[frame]
        own[:, born] = dice[-1, born]
        wander = np.where(born, dice[-2], _WANDER_KEEP * wander + fresh * dice[: len(_WALKS)])
        volatility = np.sqrt(_OF_TRACK) * own + np.sqrt(1 - _OF_TRACK) * wander
        scale = column["step"] * np.exp(column["spread"] * volatility) * near[frame] * young[frame]
        step = np.clip(scale * dice[len(_WALKS) : -2], -column["largest_step"], column["largest_step"])
        error = np.where(born, 0.0, column["keep"] * error) + step
        error = np.clip(error, -column["largest"], column["largest"])
        errors[:, frame] = error
    return errors
