"""What an ego among the traffic sees of it: a circle around itself, at whose edge tracks come and go. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetops.dataset.columns import Bools, Floats

from .motion import Motion

Ids = npt.NDArray[np.int64]

NEVER_LOST_M = 45.0
"""Nearer than this, a vehicle in view is not lost. Detection calls what vanishes nearby a dropout."""

_BELT = 0.5
"""Beyond this share of the radius, sight comes and goes."""

_LOST_AT_EDGE = 0.22
_FOUND_AT_EDGE = 0.12
"""Chance per frame at the very edge; both follow the square of the way into the belt.
They give half of all tracks a life below a second, as on the real scene."""


_SEEN_SHARE = 0.72
"""Of those within the radius, so many are seen: measured over all kinds of network."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Who is seen when. `track` is the id under which a sighting is known, 0 where there is none."""

    radius_m: float
    range_m: Floats  # frames x vehicles, to the ego
    track: Ids
    age: Ids  # sightings of the track before this one

    @property
    def seen(self) -> Bools:
        """Frames x vehicles."""
        return self.track > 0


def choose_ego(motion: Motion, centre: tuple[float, float], radius_m: float) -> int | None:
    """The vehicle that is there from first to last and drives around where most happens; None where nobody stays."""
    always = np.flatnonzero(motion.present.all(axis=0))
    if not len(always):
        return None
    distance = np.hypot(motion.x[:, always] - centre[0], motion.y[:, always] - centre[1])
    driven = np.hypot(np.diff(motion.x[:, always], axis=0), np.diff(motion.y[:, always], axis=0)).sum(axis=0)
    # An ego that stands all the time shows little: 200 m of driving count like 100 m nearer to the centre.
    score = distance.mean(axis=0) + np.maximum(0, distance.max(axis=0) - radius_m) - np.minimum(driven, 400.0) / 2
    return int(always[score.argmin()])


def ranges(motion: Motion, ego: int) -> Floats:
    """Distances to the ego, frames x vehicles; infinite for itself and for who is not there."""
    distance = np.hypot(motion.x - motion.x[:, [ego]], motion.y - motion.y[:, [ego]])
    distance[:, ego] = np.inf
    return np.nan_to_num(distance, nan=np.inf)


def radius_for(range_m: Floats, vehicles: float) -> float:
    """The radius within which so many vehicles are seen on average."""
    finite = np.sort(range_m[np.isfinite(range_m)])
    wanted = min(round(vehicles / _SEEN_SHARE * len(range_m)), len(finite) - 1)
    return float(finite[wanted])


def look(range_m: Floats, radius_m: float, rng: np.random.Generator, held: Bools | None = None) -> View:
    """Follow sight frame by frame; a vehicle lost and found again is a track of its own.

    Those `held` (frames x vehicles) are seen all the time, however far they are within the radius.

    Ids count up from 1 in the order of first sight, as a tracker gives them out.
    """
    frames, vehicles = range_m.shape
    belt_start = max(_BELT * radius_m, NEVER_LOST_M)
    width = max(radius_m - belt_start, 1.0)
    into = np.clip((range_m - belt_start) / width, 0.0, 1.0) ** 2
    if held is not None:
        into[held] = 0.0
    dice = rng.random((frames, vehicles))
    track = np.zeros((frames, vehicles), np.int64)
    age = np.zeros((frames, vehicles), np.int64)
    current = np.zeros(vehicles, np.int64)
    since = np.zeros(vehicles, np.int64)
    given = 0
    for frame in range(frames):
        inside = range_m[frame] <= radius_m
        was = current > 0
        keeps = dice[frame] >= _LOST_AT_EDGE * into[frame]
        finds = dice[frame] >= 1 - _FOUND_AT_EDGE * into[frame]
        # Whoever is inside the belt is seen; in the belt, being found takes luck.
        comes = ~was & inside & (finds | (into[frame] <= 0) | (frame == 0))
        seen = (was & inside & keeps) | comes
        new = np.flatnonzero(comes)
        current[~seen] = 0
        current[new] = given + 1 + np.arange(len(new))
        given += len(new)
        since = np.where(comes, 0, since + 1)
        track[frame] = current
        age[frame] = np.where(seen, since, 0)
    return View(radius_m, range_m, track, age)
