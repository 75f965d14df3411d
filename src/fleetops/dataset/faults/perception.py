"""A vehicle that drives as it did, and is perceived wrongly for some frames. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..angles import wrap_angle
from .injection import Draft, Injection, Target

_DOUBT_CLASSES: Final = 3


def teleport(draft: Draft, target: Target, rng: np.random.Generator) -> Injection:
    """Shift the vehicle by 4 to 12 m in any direction for 3 to 8 frames; its velocity says nothing of it."""
    frames = int(rng.integers(3, 9))
    away, bearing = rng.uniform(4.0, 12.0), rng.uniform(-np.pi, np.pi)
    rows = target.track.rows[target.place : target.place + frames]
    draft.agents["centroid"][rows] += away * np.array([np.cos(bearing), np.sin(bearing)])
    return Injection((target.track.track_id,), target.frame, target.frame + frames)


def heading_flip(draft: Draft, target: Target, rng: np.random.Generator) -> Injection:
    """Turn the vehicle's body round for 2 to 8 frames, within 0.2 rad of half a turn."""
    frames = int(rng.integers(2, 9))
    rows = target.track.rows[target.place : target.place + frames]
    turn = np.pi + rng.uniform(-0.2, 0.2)
    draft.agents["yaw"][rows] = wrap_angle(draft.agents["yaw"][rows].astype(np.float64) + turn)
    return Injection((target.track.track_id,), target.frame, target.frame + frames)


def label_drop(draft: Draft, target: Target, rng: np.random.Generator) -> Injection:
    """Let perception be only 40 to 60 % sure of the vehicle's class for 3 to 10 frames; it stays the most probable."""
    frames = int(rng.integers(3, 11))
    rows = target.track.rows[target.place : target.place + frames]
    probabilities = draft.agents["label_probabilities"][rows]
    label = probabilities.argmax(axis=1)
    others = probabilities.shape[1] - 1
    doubts = (label[:, np.newaxis] + 1 + rng.choice(others, _DOUBT_CLASSES, replace=False)) % probabilities.shape[1]
    sure = rng.uniform(0.4, 0.6)
    each = np.arange(len(rows))
    probabilities[:] = 0.0
    probabilities[each[:, np.newaxis], doubts] = (1.0 - sure) / _DOUBT_CLASSES
    probabilities[each, label] = sure
    draft.agents["label_probabilities"][rows] = probabilities
    return Injection((target.track.track_id,), target.frame, target.frame + frames)
