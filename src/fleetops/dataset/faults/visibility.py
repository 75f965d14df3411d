"""What nobody reports for a while, or any more. Pure."""

from __future__ import annotations

import numpy as np

from ..columns import Bools
from .injection import EGO, Draft, Injection, Target


def dropout_with_return(draft: Draft, target: Target, rng: np.random.Generator) -> Injection:
    """Leave the vehicle out for 6 to 14 frames; it comes back where it has driven meanwhile."""
    frames = int(rng.integers(6, 15))
    draft.kept[target.track.rows[target.place : target.place + frames]] = False
    return Injection((target.track.track_id,), target.frame, target.frame + frames)


def dropout(draft: Draft, target: Target, _: np.random.Generator) -> Injection:
    """Leave out the rest of the vehicle's life."""
    rest = target.track.rows[target.place :]
    draft.kept[rest] = False
    return Injection((target.track.track_id,), target.frame, target.frame + len(rest))


def blackout(draft: Draft, target: Target, rng: np.random.Generator) -> Injection | None:
    """Leave out all of the scene's agents, or nine in ten of them, for 6 to 14 frames; the ego is still there.

    None where the scene has a blackout already.
    """
    ids, place = np.unique(draft.scene.block.agents["track_id"], return_inverse=True)
    share = 1.0 if rng.random() < 0.5 else 0.9
    return _leave_out(draft, target, rng, (rng.random(len(ids)) < share)[place])


def blackout_flickering(draft: Draft, target: Target, rng: np.random.Generator) -> Injection | None:
    """A blackout in which each agent is still seen in one frame of ten. None where there is one already."""
    return _leave_out(draft, target, rng, rng.random(len(draft.scene.frame)) < 0.9)


def _leave_out(draft: Draft, target: Target, rng: np.random.Generator, gone: Bools) -> Injection | None:
    if EGO in draft.touched:
        return None
    frames = int(rng.integers(6, 15))
    frame = draft.scene.frame
    draft.kept[gone & (frame >= target.frame) & (frame < target.frame + frames)] = False
    return Injection((EGO,), target.frame, target.frame + frames)
