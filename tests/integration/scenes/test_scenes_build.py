"""Scenes made anew with SUMO: the same bytes on any day, comfortable traffic."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from fleetops.dataset.golden_scenes import golden_dataset
from fleetops.errors import ConfigurationError, DatasetError
from fleetops.scenes.commands import build_golden, build_load
from fleetops.scenes.load import LoadPlan, load_scene

QUIET = Console(quiet=True)
MADE_WITH = {"libsumo": "1.28.0", "numcodecs": "0.15"}
"""What the shipped bytes were made with, on x86-64 Linux: equal bytes are promised for equal versions alone."""


@pytest.fixture(scope="module")
def sumo() -> None:
    """SUMO, the extra `scenes`: skips where it is not installed, fails under CI."""
    if importlib.util.find_spec("libsumo") is None:
        reason = "SUMO is not installed (the extra 'scenes')"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_golden_scenes_are_made_again_byte_for_byte(sumo: None, tmp_path: Path) -> None:
    """A build of today equals the one that is shipped, its labels, lanes and place included."""
    for package, made_with in MADE_WITH.items():
        if not version(package).startswith(made_with):
            pytest.skip(f"{package} is {version(package)}; the shipped scenes were made with {made_with}")
    build_golden(tmp_path / "golden", QUIET)
    shipped, made = tree(golden_dataset().parent), tree(tmp_path / "golden")
    assert made.keys() == shipped.keys()
    assert [name for name in made if made[name] != shipped[name]] == []


def test_equal_seeds_make_equal_load_and_others_do_not(sumo: None, tmp_path: Path) -> None:
    """The same by one process and by two, and once another seed; and nothing is overwritten."""
    plan = LoadPlan(vehicles=30, scenes=2, seed=5, seconds=5.0)
    build_load(tmp_path / "a", plan, 1, QUIET)
    build_load(tmp_path / "b", plan, 2, QUIET)
    build_load(tmp_path / "c", replace(plan, seed=6), 1, QUIET)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")
    assert tree(tmp_path / "a")["scenes.zarr/agents/0"] != tree(tmp_path / "c")["scenes.zarr/agents/0"]
    with pytest.raises(DatasetError, match="is there already"):
        build_load(tmp_path / "a", plan, 1, QUIET)
    with pytest.raises(ConfigurationError, match="at least as many vehicles"):
        build_load(tmp_path / "d", replace(plan, vehicles=1), 1, QUIET)


def test_load_has_the_vehicles_that_were_asked_for_and_nobody_brakes_hard(sumo: None) -> None:
    """Four kinds of network: so many in view on average, within a quarter; what brakes, brakes gently."""
    plan = LoadPlan(vehicles=160, scenes=4, seed=2, seconds=15.0)
    for index in range(plan.scenes):
        observed, _, _ = load_scene(plan, index)
        view, motion = observed.view, observed.motion
        assert view.seen.sum(axis=1).mean() == pytest.approx(40, rel=0.25)
        speed = np.hypot(motion.vx, motion.vy)
        decel = (speed[:-7] - speed[7:]) / 0.7
        assert np.nanmax(decel) < 2.5
