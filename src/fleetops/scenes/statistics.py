"""What a tracker gets wrong in a dataset, in figures that need no truth: one function for real and made scenes.

Only tracks that are mostly cars count: people and unknown things move otherwise, and no made scene has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.angles import wrap_angle
from fleetops.dataset.block import FrameBlock
from fleetops.dataset.columns import Bools, Floats, Int64s
from fleetops.dataset.l5kit_format import LABELS
from fleetops.dataset.reader import Dataset
from fleetops.errors import DatasetError

MOST_ROWS = 1_000_000
"""Enough for every quantile here; scenes beyond are not read, so that memory stays bounded."""

_CAR = LABELS.index(Label.CAR)
_DRIFT_FRAMES = 5
_SLOPE_FRAMES = 15

QUANTILES = {
    "position residual, m": (25, 50, 75, 90, 95, 99),
    "position residual over 0.5 s, m": (50, 75, 90, 95),
    "velocity change, m/s2": (50, 75, 90, 95),
    "velocity against displacement, m/s": (25, 50, 75, 90, 95),
    "slope of speed over 1.5 s, m/s2, absolute": (50, 75, 90, 95),
    "yaw change, rad": (25, 50, 75, 90, 95),
    "length change, relative": (50, 75, 90, 95),
    "width change, relative": (50, 75, 90, 95),
    "track life, frames": (25, 50, 75, 95),
    "range at birth, m": (25, 50, 75),
    "range at death, m": (25, 50, 75),
}
"""The figures and which percentiles of each are told."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured: percentiles of each quantity, and shares."""

    cars: int  # tracks
    rows: int
    percentiles: dict[str, dict[int, float]]
    shares: dict[str, float]


def measure(dataset: Dataset) -> Figures:
    """Measure the first scenes of a dataset, up to `MOST_ROWS` rows of cars.

    Raises:
        DatasetError: there are no car tracks of two frames in it, or part of it is damaged.
    """
    parts: dict[str, list[Floats]] = {name: [] for name in QUANTILES}
    shares: dict[str, list[Floats]] = {}
    rows = cars = 0
    for index in range(dataset.scene_count):
        scene = _Cars(dataset.block(index, 0, dataset.scene(index).frame_count))
        for name, values in scene.quantities().items():
            parts[name].append(values)
        for name, values in scene.shares().items():
            shares.setdefault(name, []).append(values)
        rows, cars = rows + len(scene.frame), cars + int(scene.first.sum())
        if rows > MOST_ROWS:
            break
    found = {name: np.concatenate(values) for name, values in parts.items()}
    if not all(map(len, found.values())):
        raise DatasetError(f"{dataset.path} holds no tracks of cars long enough to measure; expected some of 15 frames")
    return Figures(
        cars=cars,
        rows=rows,
        percentiles={
            name: {q: float(v) for q, v in zip(qs, np.percentile(found[name], qs), strict=True)}
            for name, qs in QUANTILES.items()
        },
        shares={name: float(np.concatenate(values).mean()) for name, values in shares.items()},
    )


class _Cars:
    """Rows of one scene's car tracks, ordered by track and frame.

    `step` marks rows whose row before is of the same track and not its first, where no velocity is known yet.
    """

    def __init__(self, block: FrameBlock) -> None:
        frame = np.repeat(np.arange(len(block.frames)), np.diff(block.agent_offsets))
        agents = block.agents
        label = agents["label_probabilities"].argmax(axis=1)
        _, track = np.unique(agents["track_id"], return_inverse=True)
        mostly = np.bincount(track, label == _CAR) * 2 >= np.bincount(track)
        order = np.lexsort((frame, track))
        order = order[mostly[track[order]]]
        self.track, self.frame = track[order], frame[order]
        rows = agents[order]
        self.place = rows["centroid"].astype(np.float64)
        self.velocity = rows["velocity"].astype(np.float64)
        self.speed: Floats = np.hypot(self.velocity[:, 0], self.velocity[:, 1])
        self.yaw = rows["yaw"].astype(np.float64)
        self.extent = rows["extent"].astype(np.float64)
        self.probability = rows["label_probabilities"].max(axis=1).astype(np.float64)
        self.time = block.frames["timestamp"][self.frame].astype(np.int64) / 1e9
        ego = np.asarray(block.frames["ego_translation"], np.float64)[self.frame, :2]
        self.range_m: Floats = np.hypot(*(self.place - ego).T)
        self.first: Bools = np.append(True, self.track[1:] != self.track[:-1]) if len(order) else np.zeros(0, np.bool_)
        start = np.maximum.accumulate(np.where(self.first, np.arange(len(order)), 0))
        self.age: Int64s = np.arange(len(order)) - start
        self.step = self.age >= 2

    def quantities(self) -> dict[str, Floats]:
        """Every quantity of `QUANTILES`, one value per row that has it."""
        at = np.flatnonzero(self.step)
        dt = (self.time[at] - self.time[at - 1])[:, None]
        moved = self.place[at] - self.place[at - 1]
        last = np.append(self.first[1:], True) if len(self.first) else self.first
        sizes = np.abs(np.diff(self.extent, axis=0, prepend=self.extent[:1]))[at] / np.maximum(self.extent[at - 1], 0.1)
        return {
            "position residual, m": _length(moved - self.velocity[at - 1] * dt),
            "position residual over 0.5 s, m": self._drift(),
            "velocity change, m/s2": _length((self.velocity[at] - self.velocity[at - 1]) / dt),
            "velocity against displacement, m/s": _length(self.velocity[at] - moved / dt),
            "slope of speed over 1.5 s, m/s2, absolute": self._slopes(),
            "yaw change, rad": np.abs(wrap_angle(self.yaw[at] - self.yaw[at - 1])),
            "length change, relative": sizes[:, 0],
            "width change, relative": sizes[:, 1],
            "track life, frames": (self.age[last] + 1).astype(np.float64),
            "range at birth, m": self.range_m[self.first],
            "range at death, m": self.range_m[last],
        }

    def shares(self) -> dict[str, Floats]:
        """What is true of a row or not, as 0 and 1."""
        known = ~self.first
        return {
            "sightings with a label probability of 1": (self.probability == 1.0).astype(np.float64),
            "first sightings with velocity 0": (self.speed[self.first] == 0.0).astype(np.float64),
            "later sightings with velocity 0": (self.speed[known] == 0.0).astype(np.float64),
        }

    def _drift(self) -> Floats:
        """How far a track is from where its velocities led it in five frames: grows only where errors persist."""
        at = np.flatnonzero(self.age >= _DRIFT_FRAMES + 1)
        led = np.zeros((len(at), 2))
        for back in range(_DRIFT_FRAMES):
            row = at - back
            led += self.velocity[row - 1] * (self.time[row] - self.time[row - 1])[:, None]
        return _length(self.place[at] - self.place[at - _DRIFT_FRAMES] - led)

    def _slopes(self) -> Floats:
        """Least-squares slopes of speed over the last 15 frames, absolute."""
        at = np.flatnonzero(self.age >= _SLOPE_FRAMES)
        window = at[:, None] - np.arange(_SLOPE_FRAMES)
        time = self.time[window] - self.time[window].mean(axis=1, keepdims=True)
        slopes: Floats = np.abs((time * self.speed[window]).sum(axis=1) / (time * time).sum(axis=1))
        return slopes


def _length(vectors: Floats) -> Floats:
    lengths: Floats = np.hypot(vectors[:, 0], vectors[:, 1])
    return lengths
