"""Which scenes to run over, and in which parts: a part is what one process does at a time, and what is kept of a run.

The parts of a dataset are the same for any number of processes, so a run that was broken off
goes on with another number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fleetops.anomaly.rule_set import RuleSet
from fleetops.dataset.admission import Admission
from fleetops.dataset.golden_scenes import SceneDefinition, find_scene
from fleetops.errors import UnknownSceneError

_RANGE = re.compile(r"(\d+)-(\d+)")
_PARTS = 64
"""At least so many parts where there are as many scenes: enough to share out, and to lose little."""

_MOST_FRAMES = 4_000
"""In a part of more than one scene: a second of work or two, at a hundred vehicles a frame."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is run over the scenes.

    Attributes:
        rule_sets: the one that is tried and, where there is one, the one it is compared with.
        rows: whether the anomalies themselves are wanted, and not only their figures.
        check_dataset: whether to make sure that this machine's copy of the dataset is the same.
    """

    dataset: Path
    dataset_digest: str
    rule_sets: tuple[RuleSet, ...]
    admission: Admission
    rows: bool
    check_dataset: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Some scenes of a dataset, one after another."""

    number: int
    scenes: tuple[SceneDefinition, ...]

    @property
    def frames(self) -> int:
        """Frames of all its scenes."""
        return frame_count(self.scenes)


def frame_count(scenes: Sequence[SceneDefinition]) -> int:
    """Frames of all `scenes`."""
    return sum(scene.end_frame - scene.start_frame for scene in scenes)


def parts_of(scenes: Sequence[SceneDefinition]) -> list[Part]:
    """`scenes` in parts, in their order."""
    enough = min(frame_count(scenes) // _PARTS, _MOST_FRAMES)
    parts: list[Part] = []
    gathered: list[SceneDefinition] = []
    for scene in scenes:
        gathered.append(scene)
        if frame_count(gathered) >= enough:
            parts.append(Part(len(parts), tuple(gathered)))
            gathered = []
    if gathered:
        parts.append(Part(len(parts), tuple(gathered)))
    return parts


def choose(scenes: tuple[SceneDefinition, ...], wanted: str | None) -> tuple[SceneDefinition, ...]:
    """The scenes that `wanted` names, in the dataset's order; all when it is None.

    Args:
        wanted: names, numbers in the dataset, and ranges of numbers with both ends, by commas: `scene_00042,0-9,17`.

    Raises:
        UnknownSceneError: one of them does not exist; says which there are.
    """
    if wanted is None:
        return scenes
    chosen = {scene for word in wanted.split(",") if word.strip() for scene in _named(scenes, word.strip())}
    if not chosen:
        raise UnknownSceneError("no scene is chosen: give names, numbers or ranges such as scene_00042,0-9,17")
    return tuple(scene for scene in scenes if scene in chosen)


def _named(scenes: tuple[SceneDefinition, ...], word: str) -> Iterator[SceneDefinition]:
    if not word[0].isdecimal():
        yield find_scene(scenes, word)
        return
    ends = _RANGE.fullmatch(word)
    if ends is None and not word.isdecimal():
        raise UnknownSceneError(f"{word!r} is neither a scene's name nor its number nor a range such as 0-9")
    first, last = (int(ends[1]), int(ends[2])) if ends else (int(word), int(word))
    found = [scene for scene in scenes if first <= scene.zarr_scene_index <= last]
    highest = max(scene.zarr_scene_index for scene in scenes)
    if not found or last > highest:
        raise UnknownSceneError(f"there are no scenes {word}; the dataset holds 0 to {highest}")
    yield from found
