"""What a dataset holds: the figures by which one judges whether, and how, to replay it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fleetops.contracts.vocabulary import Label

from .block import FrameBlock, Rows
from .columns import Int64s, TelemetryColumns
from .histogram import Histogram
from .normalize import Admission, Carry, RowCounts, most_probable, normalize
from .precision import NS_PER_MS
from .reader import Dataset

Progress = Callable[[int, int], None]
"""Called with the scenes done and the scenes there are."""

_BLOCK_FRAMES = 256
"""Frames in memory at once: a scene of L5Kit, about 20,000 agents."""

_NS_PER_STEP = 100_000
"""Frame intervals are told apart by 0.1 ms, about the jitter of the real scene."""

_LONGEST_INTERVAL = 100_000
"""In steps, 10 s: longer intervals are gaps whose exact length makes no difference."""

_LONGEST_LIFE = 36_000
"""In frames, an hour at 10 Hz."""

_GAP = 1.5
"""A frame is missing where the interval exceeds the median by half of it."""


@dataclass(frozen=True, slots=True)
class FrameIntervals:
    """Time from frame to frame, in ms; `gaps` counts those longer than 1.5 times the median."""

    median_ms: float
    shortest_ms: float
    longest_ms: float
    jitter_ms: float  # half the width of the middle 90 %
    gaps: int

    @property
    def rate_hz(self) -> float:
        """Frames per second at the median interval; 0 where no scene has two frames."""
        return 1000 / self.median_ms if self.median_ms else 0.0


@dataclass(frozen=True, slots=True)
class TrackLives:
    """How long tracks live, in sightings, and how many of them miss frames in between."""

    tracks: int
    median: int
    p75: int
    p95: int
    longest: int
    with_gaps: int
    missing_sightings: int


@dataclass(frozen=True, slots=True)
class GeoBox:
    """Corners of everything that would be sent, WGS84 degrees."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class DatasetProfile:
    """What `profile` found. `rows` follows the admission that it was made with."""

    path: str
    digest: str
    scenes: int
    frames: int
    duration_s: float
    intervals: FrameIntervals
    tracks: TrackLives
    labels: Mapping[Label, int]  # agent rows by most probable class
    rows: RowCounts
    area: GeoBox | None  # None where nothing would be sent


def profile(
    dataset: Dataset, admission: Admission | None = None, progress: Progress = lambda done, total: None
) -> DatasetProfile:
    """Read all of a dataset once, in bounded memory; vehicles are admitted unless `admission` says otherwise.

    Raises:
        DatasetError: part of it is damaged.
    """
    tally = _Tally()
    for index in range(dataset.scene_count):
        carry: Carry | None = None
        for start in range(0, frame_count := dataset.scene(index).frame_count, _BLOCK_FRAMES):
            block = dataset.block(index, start, min(start + _BLOCK_FRAMES, frame_count))
            columns, carry = normalize(block, carry, admission or Admission(), dataset.geo)
            tally.add(block, columns)
        if carry is not None:
            tally.end_scene(carry.tracks)
        progress(index + 1, dataset.scene_count)
    return tally.result(dataset)


class _Tally:
    def __init__(self) -> None:
        self._frames = 0
        self._duration_ns = 0
        self._last_ns: int | None = None
        self._intervals = Histogram(_LONGEST_INTERVAL)
        self._lives = Histogram(_LONGEST_LIFE)
        self._with_gaps = self._missing = 0
        self._labels = np.zeros(len(Label), np.int64)
        self._rows = RowCounts()
        self._low, self._high = np.full(2, np.inf), np.full(2, -np.inf)

    def add(self, block: FrameBlock, columns: TelemetryColumns) -> None:
        """Count a block, which follows the one before unless a scene ended there."""
        times: Int64s = block.frames["timestamp"].astype(np.int64)
        intervals = np.diff(times, prepend=times[:1] if self._last_ns is None else self._last_ns)
        self._duration_ns += int(intervals.sum())
        self._intervals.add((intervals[int(self._last_ns is None) :] + _NS_PER_STEP // 2) // _NS_PER_STEP)
        self._last_ns = int(times[-1])
        self._frames += len(times)
        label, probability = most_probable(block.agents)
        self._labels += np.bincount(label[np.isfinite(probability)], minlength=len(Label))
        self._rows += columns.counts
        if len(columns):
            place = np.stack((columns.lon, columns.lat))
            self._low = np.minimum(self._low, place.min(axis=1))
            self._high = np.maximum(self._high, place.max(axis=1))

    def end_scene(self, tracks: Rows) -> None:
        """Count a scene's tracks as its last block left them."""
        self._lives.add(tracks["sightings"])
        missing = tracks["last_frame"] - tracks["first_frame"] + 1 - tracks["sightings"]
        self._with_gaps += int(np.count_nonzero(missing))
        self._missing += int(missing.sum())
        self._last_ns = None

    def result(self, dataset: Dataset) -> DatasetProfile:
        """All figures."""
        found = {label: int(count) for label, count in zip(Label, self._labels, strict=True) if count}
        return DatasetProfile(
            path=str(dataset.path),
            digest=dataset.digest,
            scenes=dataset.scene_count,
            frames=self._frames,
            duration_s=self._duration_ns / 1e9,
            intervals=self._frame_intervals(),
            tracks=TrackLives(
                tracks=self._lives.total,
                median=self._lives.quantile(0.5),
                p75=self._lives.quantile(0.75),
                p95=self._lives.quantile(0.95),
                longest=self._lives.largest_seen or 0,
                with_gaps=self._with_gaps,
                missing_sightings=self._missing,
            ),
            labels=dict(sorted(found.items(), key=lambda item: -item[1])),
            rows=self._rows,
            area=GeoBox(*self._low.tolist(), *self._high.tolist()) if np.isfinite(self._low).all() else None,
        )

    def _frame_intervals(self) -> FrameIntervals:
        steps = self._intervals
        median = steps.quantile(0.5)
        return FrameIntervals(
            median_ms=_to_ms(median),
            shortest_ms=_to_ms(steps.smallest_seen or 0),
            longest_ms=_to_ms(steps.largest_seen or 0),
            jitter_ms=_to_ms(steps.quantile(0.95) - steps.quantile(0.05)) / 2,
            gaps=steps.above(_GAP * median),
        )


def _to_ms(steps: int) -> float:
    return steps * _NS_PER_STEP / NS_PER_MS
