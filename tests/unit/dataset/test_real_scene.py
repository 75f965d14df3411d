"""The one real scene: facts measured by others on it, and normalization against the slow reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fleetops.contracts.vocabulary import Label
from fleetops.dataset.golden_scenes import scenes_of
from fleetops.dataset.normalize import Admission, Carry, TelemetryColumns, normalize
from fleetops.dataset.profile import DatasetProfile, profile
from fleetops.dataset.reader import Dataset

from .agreement import assert_agrees, assert_same

pytestmark = pytest.mark.sample

FRAMES = 248


@pytest.fixture(scope="module")
def real(l5kit_sample: Path) -> Dataset:
    """The real scene, opened."""
    return Dataset.open(l5kit_sample)


@pytest.fixture(scope="module")
def found(real: Dataset) -> DatasetProfile:
    """Its profile."""
    return profile(real)


def normalized(real: Dataset, admission: Admission) -> TelemetryColumns:
    """All of it, in one block."""
    return normalize(real.block(0, 0, FRAMES), None, admission, real.geo)[0]


def test_size_and_name(real: Dataset, found: DatasetProfile) -> None:
    """One scene of 248 frames and 20,802 agents."""
    assert (found.scenes, found.frames, found.rows.agents) == (1, FRAMES, 20_802)
    assert [scene.scene_id for scene in scenes_of(real)] == ["scene_00000"]
    assert real.scene(0).host == "host-a101"


def test_rate(found: DatasetProfile) -> None:
    """10 Hz, frame to frame 99.3 to 100.3 ms, 24.7 s in all."""
    assert found.intervals.rate_hz == 10.0
    assert (found.intervals.shortest_ms, found.intervals.longest_ms, found.intervals.gaps) == (99.3, 100.3, 0)
    assert found.duration_s == pytest.approx(24.7, abs=0.05)


def test_event_times_come_from_frames_not_from_the_scene_row(real: Dataset) -> None:
    """The scene row's `start_time` is 18.2 s before frame 0."""
    columns = normalized(real, Admission())
    assert columns.event_time_ms[0] == 1_571_846_881_503
    assert (np.diff(columns.event_time_ms) > 0).all()


def test_tracks(found: DatasetProfile) -> None:
    """1,653 of them; life in frames: median 5, 75 % 13, 95 % 46; no gap inside any."""
    lives = found.tracks
    assert (lives.tracks, lives.median, lives.p75, lives.p95) == (1653, 5, 13, 46)
    assert (lives.with_gaps, lives.missing_sightings) == (0, 0)


def test_labels(found: DatasetProfile) -> None:
    """Two thirds are unknown things."""
    assert found.labels == {Label.UNKNOWN: 14_666, Label.CAR: 5_749, Label.PEDESTRIAN: 309, Label.CYCLIST: 78}


def test_everything_is_readable(found: DatasetProfile) -> None:
    """Nothing is rejected; cars are admitted and stay, so a few more rows than are called car."""
    assert (found.rows.rejected, found.rows.ego_rejected) == (0, 0)
    assert found.rows.admitted == 5_773


def test_agents_per_frame(real: Dataset) -> None:
    """52 to 145, median 79, when all are admitted."""
    counts = normalized(real, Admission.everything()).active_agent_count
    assert (counts.min(), counts.max(), int(np.median(counts))) == (52, 145, 79)


def test_the_ego(real: Dataset) -> None:
    """It starts at 37.4390 N, 122.1619 W and drives 6.2 to 13.2 m/s."""
    columns = normalized(real, Admission())
    lat, lon = columns.lat[columns.is_ego], columns.lon[columns.is_ego]
    assert (round(lat[0], 4), round(lon[0], 4)) == (37.4390, -122.1619)
    speed = columns.speed[columns.is_ego][1:]
    assert (round(speed.min(), 1), round(speed.max(), 1)) == (6.2, 13.2)


@pytest.mark.parametrize("everything", [False, True])
def test_the_slow_reference_agrees_on_every_row(real: Dataset, everything: bool) -> None:
    """Row by row, in plain Python and with pymap3d."""
    admission = Admission.everything() if everything else Admission()
    assert_agrees(normalized(real, admission), real.block(0, 0, FRAMES), real.geo, everything=everything)


@pytest.mark.parametrize("step", [1, 7, 100])
def test_blocks_of_any_size_give_the_same_rows(real: Dataset, step: int) -> None:
    """Frame by frame, across the dataset's chunks."""
    whole = normalized(real, Admission())
    carry: Carry | None = None
    pieces: list[TelemetryColumns] = []
    for start in range(0, FRAMES, step):
        piece, carry = normalize(real.block(0, start, min(start + step, FRAMES)), carry, Admission(), real.geo)
        pieces.append(piece)
    names = (*TelemetryColumns.column_names(), "frames", "event_time_ms", "active_agent_count")
    joined = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
    assert_same(whole, TelemetryColumns(**joined, row_offsets=whole.row_offsets, counts=whole.counts))
