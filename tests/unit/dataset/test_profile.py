"""A profile's figures, on datasets small enough to count by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetops.contracts.vocabulary import Label
from fleetops.dataset import profile as profile_module
from fleetops.dataset.histogram import Histogram
from fleetops.dataset.normalize import Admission
from fleetops.dataset.profile import DatasetProfile, profile
from fleetops.dataset.reader import Dataset

from .writer import STEP_NS, Agent, Frame, Scene, write_dataset

FIRST = Scene(
    [
        Frame([Agent(1), Agent(2, label=Label.PEDESTRIAN)]),
        Frame([Agent(2, label=Label.PEDESTRIAN)]),  # track 1 is missing here
        Frame([Agent(1, x=100), Agent(1), Agent(3, x=math.nan)], dt_ns=2 * STEP_NS),  # a frame is missing before this
        Frame([Agent(1)]),
    ]
)
SECOND = Scene([Frame([Agent(1)]), Frame()])


@pytest.fixture
def small(tmp_path: Path) -> Dataset:
    """Two scenes with one of everything."""
    return Dataset.open(write_dataset(tmp_path / "set.zarr", [FIRST, SECOND]))


def test_it_counts_what_is_there(small: Dataset) -> None:
    """Track ids of different scenes are different tracks; time between scenes is no interval."""
    found = profile(small)
    assert (found.scenes, found.frames, found.digest) == (2, 6, small.digest)
    assert found.duration_s == pytest.approx(0.5)
    assert (found.intervals.median_ms, found.intervals.rate_hz) == (100.0, 10.0)
    assert (found.intervals.shortest_ms, found.intervals.longest_ms, found.intervals.gaps) == (100.0, 200.0, 1)
    lives = found.tracks
    assert (lives.tracks, lives.median, lives.longest) == (3, 2, 3)
    assert (lives.with_gaps, lives.missing_sightings) == (1, 1)
    assert found.labels == {Label.CAR: 6, Label.PEDESTRIAN: 2}
    rows = found.rows
    assert (rows.agents, rows.admitted, rows.held_back) == (8, 4, 2)
    assert (rows.not_finite, rows.duplicate, rows.rejected) == (1, 1, 2)


def test_the_area_is_that_of_everything_sent(small: Dataset) -> None:
    """The ego stands at the origin of the world frame, one car 100 m along x; nothing else is sent elsewhere."""
    area = profile(small).area
    assert area is not None
    lon, lat = small.geo.lonlat(np.array([0.0, 100.0]), np.zeros(2), np.zeros(2))
    assert (area.west, area.east) == pytest.approx((lon.min(), lon.max()), abs=1e-7)
    assert (area.south, area.north) == pytest.approx((lat.min(), lat.max()), abs=1e-7)


def test_admission_decides_what_counts_as_sent(small: Dataset) -> None:
    """With everything admitted nothing is held back."""
    rows = profile(small, Admission.everything()).rows
    assert (rows.admitted, rows.held_back) == (6, 0)


def test_progress_is_told_scene_by_scene(small: Dataset) -> None:
    """Done and total."""
    told: list[tuple[int, int]] = []
    profile(small, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]


def test_the_size_of_blocks_changes_no_figure(small: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by reading in blocks; figures must not see where they end."""

    def by(frames: int) -> DatasetProfile:
        monkeypatch.setattr(profile_module, "_BLOCK_FRAMES", frames)
        return profile(small)

    assert by(1) == by(2) == by(256)


def test_a_dataset_that_sends_nothing_has_no_area(tmp_path: Path) -> None:
    """And no rate, with one frame a scene."""
    path = write_dataset(tmp_path / "set.zarr", [Scene([Frame(ego=(math.nan, 0, 0))])])
    found = profile(Dataset.open(path))
    assert found.area is None
    assert (found.intervals.rate_hz, found.tracks.median) == (0.0, 0)


@given(
    batches=st.lists(st.lists(st.integers(0, 50), max_size=20), min_size=1, max_size=5),
    share=st.sampled_from([0.05, 0.5, 0.75, 0.95, 1.0]),
)
def test_quantiles_are_those_of_all_values_together(batches: list[list[int]], share: float) -> None:
    """As numpy's inverted distribution function gives them for the values at once."""
    histogram = Histogram(largest=50)
    for batch in batches:
        histogram.add(np.array(batch, np.int64))
    values = [value for batch in batches for value in batch]
    expected = int(np.quantile(values, share, method="inverted_cdf")) if values else 0
    assert histogram.quantile(share) == expected
    assert histogram.above(10.5) == sum(value > 10.5 for value in values)


def test_values_beyond_the_largest_are_counted_there_and_remembered_as_extremes() -> None:
    """A gap of an hour between frames must not cost memory."""
    histogram = Histogram(largest=10)
    histogram.add(np.array([3, 36_000_000]))
    assert (histogram.quantile(1.0), histogram.smallest_seen, histogram.largest_seen) == (10, 3, 36_000_000)
