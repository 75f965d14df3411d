"""What nobody reports for a while, or any more. Pure."""

from __future__ import annotations

import numpy as np

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
    if EGO in draft.touched:
        return None
    frames = int(rng.integers(6, 15))
    scene = draft.scene
    share = 1.0 if rng.random() < 0.5 else 0.9
    ids, place = np.unique(scene.block.agents["track_id"], return_inverse=True)
    gone = (rng.random(len(ids)) < share)[place]
    gone &= (scene.frame >= target.frame) & (scene.frame < target.frame + frames)
    draft.kept[gone] = False
    return Injection((EGO,), target.frame, target.frame + frames)
