"""Where faults go: targets drawn from a seed, disturbed copies, and what was done to whom. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from ..block import FrameBlock, Rows
from ..columns import Bools
from .recorded import NEAR_M, Recorded, Track

if TYPE_CHECKING:
    from .catalogue import Fault

EGO: Final = None
"""The bearer of what concerns a whole scene."""

WARM_UP_FRAMES: Final = 20
"""A target has been calm for two seconds: before that, no detector can know what is usual for it."""


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault: who must be named for it, and in which frames it lasted.

    Attributes:
        bearers: tracks, or EGO. Each of them is to be found.
        onset: the first frame that differs.
        end: the frame after the last in which the fault itself can be seen.
        renamed: a track that goes on under another track_id, as (new, old): what befalls it later would have
            befallen the old one.
    """

    bearers: tuple[int | None, ...]
    onset: int
    end: int
    renamed: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A vehicle at a moment. `place` is which of the track's rows is that of `frame`."""

    track: Track
    frame: int

    @property
    def place(self) -> int:
        """Which of its track's rows the fault begins at."""
        return self.track.place(self.frame)


@dataclass(slots=True, eq=False)
class Draft:
    """A copy of a scene's rows that faults change. `touched` are tracks that already bear one."""

    scene: Recorded
    agents: Rows
    kept: Bools
    touched: set[int | None] = field(default_factory=set)

    @classmethod
    def of(cls, scene: Recorded) -> Self:
        """A copy in which nothing has changed yet."""
        return cls(scene, scene.block.agents.copy(), np.ones(len(scene.block.agents), np.bool_))

    def block(self) -> FrameBlock:
        """The scene as it is now."""
        per_frame = np.bincount(self.scene.frame[self.kept], minlength=len(self.scene.block.frames))
        offsets = np.concatenate(([0], np.cumsum(per_frame))).astype(np.int64)
        return replace(self.scene.block, agents=self.agents[self.kept], agent_offsets=offsets)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a target must be like: `frames` calm and near ones from the fault's onset on, and so fast there."""

    frames: int
    speed_mps: float = 0.0
    calm_to_the_end: bool = False


Apply = Callable[[Draft, Target, np.random.Generator], Injection | None]
"""Puts a fault into a draft, or finds that it cannot and leaves the draft as it was."""


@dataclass(frozen=True, slots=True, eq=False)
class Disturbed:
    """A scene with faults of one kind in it."""

    block: FrameBlock
    injections: tuple[Injection, ...]


def inject(scene: Recorded, fault: Fault, seed: int, count: int) -> Disturbed:
    """Put up to `count` faults of one kind into a copy of a scene, each on vehicles of its own.

    The same seed draws the same; scenes, kinds and seeds draw apart. There are fewer injections
    where the scene has fewer vehicles that are fit for one, and none where it has none.
    """
    rng = np.random.default_rng([seed, scene.block.scene_index, zlib.crc32(fault.name.encode())])
    draft = Draft.of(scene)
    injections: list[Injection] = []
    for target in _targets(scene, fault.needs, rng):
        if len(injections) >= count:
            break
        if target.track.track_id in draft.touched:
            continue
        done = fault.apply(draft, target, rng)
        if done is not None:
            draft.touched.update(done.bearers)
            injections.append(done)
    return Disturbed(draft.block(), tuple(injections))


def _targets(scene: Recorded, needs: Needs, rng: np.random.Generator) -> Iterator[Target]:
    """Vehicles fit for a fault, in drawn order, each at a drawn moment."""
    agents = scene.block.agents
    for index in rng.permutation(len(scene.tracks)).tolist():
        track = scene.tracks[index]
        last = len(track.rows) - needs.frames
        if last < WARM_UP_FRAMES:
            continue
        usable = scene.calm[track.rows] & (scene.range_m[track.rows] <= NEAR_M)
        unusable_before = np.concatenate(([0], np.cumsum(~usable)))
        uneasy_after = np.cumsum(~scene.calm[track.rows][::-1])[::-1]
        places = np.arange(WARM_UP_FRAMES, last + 1)
        fit = unusable_before[places + needs.frames] == unusable_before[places - WARM_UP_FRAMES + 1]
        fit &= np.hypot(*agents["velocity"][track.rows[places]].T) >= needs.speed_mps
        if needs.calm_to_the_end:
            fit &= uneasy_after[places] == 0
        if fit.any():
            yield Target(track, track.first_frame + int(rng.choice(places[fit])))
