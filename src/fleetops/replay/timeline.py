"""What a session sends, frame by frame. Pure: no clock, no client, no dataset.

A frame of a scene is its records, then one marker per partition that says how many of the
records went there; after a scene's last frame, one more marker per partition ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt


class Mode(StrEnum):
    """How the scenes of a session follow each other."""

    SEQUENTIAL = "sequential"
    """One scene after the other, in the order asked for."""

    CONCURRENT = "concurrent"
    """All scenes advance together, each from its own first frame."""


@dataclass(frozen=True, slots=True)
class SceneSpan:
    """Frames [`start_frame`, `end_frame`) of a scene, counted from the scene's first in the zarr."""

    scene_id: str
    zarr_scene_index: int
    start_frame: int
    end_frame: int
    show_from: int | None = None
    """Frames before this one only prepare detection: they are sent as fast as they are taken."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the broker has acknowledged: by scene the last frame, and the scenes whose end is through."""

    acked: Mapping[str, int] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """One frame of one scene; `is_last` says that the scene ends with it."""

    span: SceneSpan
    frame_index: int

    @property
    def is_last(self) -> bool:
        """Whether the scene's end follows this frame."""
        return self.frame_index == self.span.end_frame - 1


Tick = tuple[Step, ...]
"""What is due at the same instant: one step, or one of every scene still going."""


def is_hidden(tick: Tick) -> bool:
    """Whether nothing of `tick` is to be shown to anyone."""
    return all(step.span.show_from is not None and step.frame_index < step.span.show_from for step in tick)


def ticks(spans: Sequence[SceneSpan], mode: Mode, done: Progress) -> Iterator[Tick]:
    """Everything left to send after `done`, in order.

    Where a scene's frames are through but its end is not, the last frame is sent once
    more: ids make the repetition harmless, and the end needs the frame's facts.
    """
    left = [span for span in spans if span.scene_id not in done.ended]
    if mode is Mode.SEQUENTIAL:
        for span in left:
            for frame_index in range(_resume_at(span, done), span.end_frame):
                yield (Step(span, frame_index),)
        return
    # The scenes stay in step: the one that is furthest behind says where all go on.
    behind = min((_resume_at(span, done) - span.start_frame for span in left), default=0)
    longest = max((span.end_frame - span.start_frame for span in left), default=0)
    for offset in range(behind, longest):
        yield tuple(
            Step(span, span.start_frame + offset) for span in left if span.start_frame + offset < span.end_frame
        )


def _resume_at(span: SceneSpan, done: Progress) -> int:
    acked = done.acked.get(span.scene_id)
    return span.start_frame if acked is None else min(acked + 1, span.end_frame - 1)


def open_scenes(spans: Sequence[SceneSpan], done: Progress) -> list[SceneSpan]:
    """The scenes that have begun and not ended: each is owed a `scene_end` when the session stops."""
    return [span for span in spans if span.scene_id in done.acked and span.scene_id not in done.ended]


def records_per_partition(partition_of_record: npt.NDArray[np.int64], partitions: int) -> list[int]:
    """How many of a frame's records go to each partition: what its markers say."""
    counts: list[int] = np.bincount(partition_of_record, minlength=partitions).tolist()
    return counts
