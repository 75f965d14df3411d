"""Picks three intervals of somebody else's dataset that are worth watching: many vehicles, and one that brakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fleetops.dataset.columns import TelemetryColumns
from fleetops.dataset.golden_scenes import SceneDefinition
from fleetops.dataset.normalize import Admission, normalize
from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError

WANTED = 3
_BRAKING_FRAMES = 15
_PLAUSIBLE_MPS2 = 12.0  # more is a fault of perception
_KNOWN_AFTER = 10  # frames; a younger track's velocity is not to be trusted


@dataclass(frozen=True, slots=True)
class Interval:
    """Frames [`start`, `end`) of a scene, and what happens in them."""

    scene: int
    start: int
    end: int
    vehicles: float  # per frame, on average
    lost_mps: float  # the most that a vehicle slowed down by within 1.5 s, as far as a vehicle can


def pick(
    dataset: Dataset, frames: int, scenes: int, progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[SceneDefinition, ...]:
    """Three intervals of up to `frames` frames: first the one with the hardest braking, then those with most vehicles.

    At most `scenes` scenes are looked at, spread over the dataset. Where it holds fewer than three, they are
    cut into as many pieces as it takes.

    Raises:
        DatasetError: it holds fewer than three frames, or part of it is damaged.
    """
    chosen = np.unique(np.linspace(0, dataset.scene_count - 1, min(scenes, dataset.scene_count)).round()).astype(int)
    pieces = -(-WANTED // len(chosen))
    found: list[Interval] = []
    for done, index in enumerate(chosen.tolist()):
        found += _intervals(dataset, index, frames, pieces)
        progress(done + 1, len(chosen))
    if len(found) < WANTED:
        raise DatasetError(f"{dataset.path} is too short for {WANTED} scenes: give one with at least {WANTED} frames")
    first = max(found, key=lambda each: each.lost_mps)
    rest = sorted((each for each in found if each != first), key=lambda each: -each.vehicles)
    return tuple(_definition(number, each) for number, each in enumerate([first, *rest[: WANTED - 1]], start=1))


def _intervals(dataset: Dataset, index: int, frames: int, pieces: int) -> list[Interval]:
    count = dataset.scene(index).frame_count
    length = min(frames, count // pieces)
    starts = range(0, count - length + 1, length) if length else range(0)
    found: list[Interval] = []
    for start in starts:
        columns, _ = normalize(dataset.block(index, start, start + length), None, Admission(), dataset.geo)
        found.append(Interval(index, start, start + length, float(columns.active_agent_count.mean()), _lost(columns)))
    return found


def _lost(columns: TelemetryColumns) -> float:
    """The most speed that one vehicle lost within `_BRAKING_FRAMES`, m/s."""
    order = np.lexsort((columns.frame_index, columns.track_id))
    order = order[~columns.is_ego[order]]
    if len(order) <= _BRAKING_FRAMES:
        return 0.0
    late, early = order[_BRAKING_FRAMES:], order[:-_BRAKING_FRAMES]
    whole = (columns.track_id[late] == columns.track_id[early]) & (columns.track_length[early] > _KNOWN_AFTER)
    whole &= columns.frame_index[late] - columns.frame_index[early] == _BRAKING_FRAMES
    lost = (columns.speed[early] - columns.speed[late])[whole]
    possible = lost[lost < _PLAUSIBLE_MPS2 * _BRAKING_FRAMES / 10]
    return float(possible.max(initial=0.0))


def _definition(number: int, each: Interval) -> SceneDefinition:
    what = f"{each.vehicles:.0f} vehicles on average"
    if number == 1:
        what += f", one slows down by {each.lost_mps:.1f} m/s within 1.5 s"
    return SceneDefinition(
        scene_id=f"scene_{number:03d}",
        zarr_scene_index=each.scene,
        start_frame=each.start,
        end_frame=each.end,
        description=f"Scene {each.scene}, frames {each.start} to {each.end - 1}: {what}",
    )
