"""Disturbances on the way: what they do to the order of items, and that detection does not mind."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from tests.stories import rule_set
from tests.unit.dataset.faults.test_injection import HERE
from tests.unit.dataset.faults.traffic import traffic

from fleetops.anomaly.columns import scene_items
from fleetops.anomaly.detector import advance
from fleetops.anomaly.engine import Engine
from fleetops.anomaly.evidence import SceneKey
from fleetops.anomaly.scorecard.judging import raised_anew
from fleetops.anomaly.scorecard.runs import Detector, Scene
from fleetops.anomaly.scorecard.transport import TRANSPORT_FAULTS, duplicates, late_records, reordering
from fleetops.anomaly.state import ACCEPTED, DUPLICATE, LATE, RECORD
from fleetops.anomaly.windows import REORDER_FRAMES, Structured
from fleetops.dataset.faults import FAULTS, inject
from fleetops.dataset.faults.recorded import Recorded

RULES = rule_set(
    "[rules.position_jumped]\nposition_jump_threshold_m = 6.0",
    "[rules.updates_missing]\ndropout_frame_threshold = 3",
)
SCENE = Scene.of("scene", traffic(), HERE)
SEEDS = range(5)


def fed(seed: int, disturb: object = None) -> tuple[Structured, Counter[int]]:
    """The items of the scene as they come, and how often each verdict was given."""
    engine: Engine[SceneKey] = Engine(RULES, RULES.history_frames, advance)
    items = scene_items(SCENE.columns, engine, SceneKey("session", "scene"), ends=True)
    if callable(disturb):
        items = disturb(items, np.random.default_rng(seed))
    _, verdicts = engine.feed(items)
    return items, Counter(verdicts[items["kind"] == RECORD].tolist())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_duplicate_is_a_record_twice(seed: int) -> None:
    """Nothing is lost, one in twenty comes again, and the detector knows each for what it is."""
    original, _ = fed(seed)
    items, verdicts = fed(seed, duplicates)
    assert verdicts[DUPLICATE] == len(items) - len(original) > 0
    assert set(verdicts) == {ACCEPTED, DUPLICATE}


@pytest.mark.parametrize("seed", SEEDS)
def test_reordered_records_come_within_two_frames(seed: int) -> None:
    """Order changes a lot, and every record is still in time."""
    original, _ = fed(seed)
    items, verdicts = fed(seed, reordering)
    assert set(verdicts) == {ACCEPTED}
    assert len(items) == len(original)
    assert (items["frame"] != original["frame"]).any()
    newest = np.maximum.accumulate(items["frame"])
    assert 1 <= (newest - items["frame"])[items["kind"] == RECORD].max() <= 2 * REORDER_FRAMES


@pytest.mark.parametrize("seed", SEEDS)
def test_late_records_are_too_late(seed: int) -> None:
    """One in a hundred is refused as late, and nothing else is: none of those moved comes in time after all."""
    items, verdicts = fed(seed, late_records)
    marked = np.maximum.accumulate(np.where(items["kind"] == RECORD, -1, items["frame"]))
    moved = (items["kind"] == RECORD) & (marked >= items["frame"])
    too_late = np.minimum(items["frame"] + REORDER_FRAMES, items["frame"].max())  # the last frames wait for nothing
    assert (marked[moved] >= too_late[moved]).all()
    assert verdicts[LATE] > 0
    assert set(verdicts) == {ACCEPTED, LATE}


@pytest.mark.parametrize("name", TRANSPORT_FAULTS)
def test_markers_keep_their_order(name: str) -> None:
    """They come from one producer; offsets ascend as they do on a partition."""
    items, _ = fed(0, TRANSPORT_FAULTS[name])
    markers = items[items["kind"] != RECORD]
    assert (np.diff(markers["frame"]) >= 0).all()
    assert (np.diff(markers["kind"]) >= 0).all()
    assert (items["offset"] == np.arange(len(items))).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["duplicates", "reordering"])
def test_what_loses_nothing_changes_nothing(name: str, seed: int) -> None:
    """A scene with a fault in it gives the very same findings, however its records come."""
    teleport = next(fault for fault in FAULTS if fault.name == "teleport")
    disturbed = inject(Recorded.of(traffic()), teleport, seed, 2)
    scene = Scene.of("scene", disturbed.block, HERE)
    detector = Detector(RULES, advance)
    before = detector.findings(scene)
    rng = np.random.default_rng(seed)
    assert detector.findings(scene, lambda items: TRANSPORT_FAULTS[name](items, rng)) == before
    assert raised_anew(before, [])
