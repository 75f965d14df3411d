"""The golden scenes' tracker beside the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetops.dataset.golden_scenes import golden_dataset
from fleetops.dataset.reader import Dataset
from fleetops.scenes.statistics import Figures, measure


@pytest.mark.sample
def test_the_tracker_is_like_the_real_one(l5kit_sample: Path) -> None:
    """One function measures both: errors within a factor of 2 of each other, from the median to 95 %.

    Tracks come and go farther out than on the real scene, and those near the ego are kept whole, so that a story can be
    followed: there the factor is wider, and only for what most tracks do.
    """
    made, real = measure(Dataset.open(golden_dataset())), measure(Dataset.open(l5kit_sample))
    assert outside(made, real, 2.0, percents=range(25, 99)) == []
    assert made.percentiles["track life, frames"][50] == pytest.approx(
        real.percentiles["track life, frames"][50], rel=1
    )
    for name, share in made.shares.items():
        assert share == pytest.approx(real.shares[name], abs=0.1), name


def outside(made: Figures, real: Figures, factor: float, percents: range) -> list[str]:
    """Which figures of errors are farther apart."""
    return [
        f"{name} {percent} %: {value:.4g} against {real.percentiles[name][percent]:.4g}"
        for name, percentiles in made.percentiles.items()
        if not name.startswith(("track", "range"))
        for percent, value in percentiles.items()
        if percent in percents and not 1 / factor <= value / real.percentiles[name][percent] <= factor
    ]
