"""Vehicles whose names change under way. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from .injection import WARM_UP_FRAMES, Draft, Injection, Target
from .recorded import NEAR_M, Track

_APART_M: Final = 5.0
"""Two that are nearer could be mistaken for one another without anyone being the worse for it: a car's length."""


def id_switch(draft: Draft, target: Target, _: np.random.Generator) -> Injection:
    """Give the vehicle a new track_id for the rest of its life, so that the old one falls silent beside the ego.

    The new track begins as real ones do, with a velocity of 0 in its first row.
    """
    rows = target.track.rows[target.place :]
    new = int(draft.agents["track_id"].max()) + 1
    draft.agents["track_id"][rows] = new
    draft.agents["velocity"][rows[0]] = 0.0
    old = target.track.track_id
    return Injection((old,), target.frame, target.frame + len(rows), renamed=(new, old))


def id_swap(draft: Draft, target: Target, rng: np.random.Generator) -> Injection | None:
    """Let the vehicle and another bear each other's track_id for 5 to 15 frames. None where no other is fit."""
    frames = int(rng.integers(5, 16))
    mine = target.track.rows[target.place : target.place + frames]
    fit = [each for each in draft.scene.tracks if _is_partner(draft, target, each, frames)]
    if not fit:
        return None
    partner = fit[int(rng.integers(len(fit)))]
    theirs = partner.rows[partner.place(target.frame) :][:frames]
    draft.agents["track_id"][mine], draft.agents["track_id"][theirs] = partner.track_id, target.track.track_id
    return Injection((target.track.track_id, partner.track_id), target.frame, target.frame + frames)


def _is_partner(draft: Draft, target: Target, other: Track, frames: int) -> bool:
    """Whether the other was calm and near for as long, and is nowhere in these frames close to the target."""
    if other.track_id == target.track.track_id or other.track_id in draft.touched:
        return False
    place = other.place(target.frame)
    if place < WARM_UP_FRAMES or place + frames + 1 > len(other.rows):
        return False
    scene = draft.scene
    around = other.rows[place - WARM_UP_FRAMES + 1 : place + frames + 1]
    if not (scene.calm[around].all() and (scene.range_m[around] <= NEAR_M).all()):
        return False
    here = scene.block.agents["centroid"][target.track.rows[target.place :][: frames + 1]]
    there = scene.block.agents["centroid"][other.rows[place:][: frames + 1]]
    return bool((np.hypot(*(here - there).T) >= _APART_M).all())
