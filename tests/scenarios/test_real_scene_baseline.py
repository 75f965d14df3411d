"""The real scene under `baseline`, against a computation that shares nothing with the engine.

Here everything is read from the zarr with numpy and written down from the text of the plan:
no import of the product's reader, normalization, features, rules or episodes is used for
what is expected.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import zarr
from tests.stories import Finding, finding_of

from fleetops.anomaly.columns import scene_items
from fleetops.anomaly.engine import Engine, compiled_advance
from fleetops.anomaly.evidence import SceneKey
from fleetops.anomaly.rule_set import load_rule_set, parse_rule_set
from fleetops.dataset.admission import Admission
from fleetops.dataset.normalize import normalize
from fleetops.dataset.reader import Dataset

pytestmark = pytest.mark.sample

Firing = tuple[str, int, str]
"""Vehicle, frame, rule."""

REARM, RETIRE = 10, 20
EGO = -1
SCENE = "scene_00000"


def name(track: int) -> str:
    """The vehicle id of a track, or of the ego."""
    return f"{SCENE}_ego" if track == EGO else f"{SCENE}_track_{track}"


class Expected:
    """What the plan's rules say of the scene, computed the slow and obvious way, track by track."""

    def __init__(self, path: Path) -> None:
        root = zarr.open(str(path), mode="r")
        frames, agents = root["frames"][:], root["agents"][:]
        self.n_frames = len(frames)
        self.time_s = frames["timestamp"].astype(np.float64) / 1e9
        self.time_ns = frames["timestamp"]
        intervals = frames["agent_index_interval"]
        self.counts = (intervals[:, 1] - intervals[:, 0]).tolist()
        rows: dict[int, list[tuple[int, npt.NDArray[np.void]]]] = defaultdict(list)
        for frame, (first, last) in enumerate(intervals):
            for agent in agents[first:last]:
                rows[int(agent["track_id"])].append((frame, agent))
        self.firings: set[Firing] = set()
        self.severity: dict[tuple[str, int, str], str] = {}  # (vehicle, frame, type)
        for track, seen in rows.items():
            self._track(
                track,
                [frame for frame, _ in seen],
                np.array([a["centroid"] for _, a in seen]),
                np.array([a["velocity"] for _, a in seen], np.float64),
                np.array([a["yaw"] for _, a in seen], np.float64),
                np.array([a["label_probabilities"].max() for _, a in seen], np.float64),
            )
        place = frames["ego_translation"]
        step = np.diff(place, axis=0) / (np.diff(self.time_ns) / 1e9)[:, None]
        velocity = np.concatenate([np.zeros((1, 3)), step])
        rotation = frames["ego_rotation"]
        yaw = np.arctan2(rotation[:, 1, 0], rotation[:, 0, 0])
        self._track(EGO, list(range(self.n_frames)), place[:, :2], velocity, yaw, np.ones(self.n_frames))
        for frame in range(1, self.n_frames):
            if self.counts[frame] - self.counts[frame - 1] < -5:
                self._fire(EGO, frame, "active_agents_dropped", "dropout_proxy", "WARNING")

    def _track(
        self,
        track: int,
        frames: list[int],
        place: npt.NDArray[np.float64],
        velocity: npt.NDArray[np.float64],
        yaw: npt.NDArray[np.float64],
        probability: npt.NDArray[np.float64],
    ) -> None:
        assert frames == list(range(frames[0], frames[-1] + 1)), "the scene has no gaps inside tracks"
        place, yaw, probability = np.round(place, 3), np.round(yaw, 4), np.round(probability, 4)
        speed = np.round(np.sqrt((velocity**2).sum(axis=1)), 3)
        acceleration = np.zeros(len(frames))
        for i in range(1, len(frames)):
            dt = (self.time_ns[frames[i]] - self.time_ns[frames[i - 1]]) / 1e9
            acceleration[i] = np.round(np.sqrt((((velocity[i] - velocity[i - 1]) / dt) ** 2).sum()), 3)
        for i, frame in enumerate(frames):
            back5, back3 = max(0, i - 4), max(0, i - 2)
            if acceleration[i] > 3.0 and speed[i] - speed[back5] < -5.0:
                severity = "WARNING" if acceleration[i] < 5.0 else "CRITICAL"
                self._fire(track, frame, "decel_threshold_exceeded", "sudden_deceleration", severity)
            if probability[i] - probability[back3] < -0.2:
                self._fire(track, frame, "label_probability_dropped", "perception_instability", "WARNING")
            if np.hypot(*(place[i] - place[back3])) > 2.0:
                self._fire(track, frame, "position_jumped", "perception_instability", "WARNING")
            turn = abs(np.angle(np.exp(1j * (yaw[i] - yaw[back3]))))
            if turn > 0.5:
                self._fire(track, frame, "yaw_jumped", "perception_instability", "WARNING")
        # More than three frames silent; at twenty it is forgotten.
        for frame in range(frames[-1] + 4, min(frames[-1] + RETIRE, self.n_frames)):
            self._fire(track, frame, "updates_missing", "dropout_proxy", "INFO")
        self.gone = getattr(self, "gone", {})
        self.gone[name(track)] = frames[-1] + RETIRE

    def _fire(self, track: int, frame: int, rule: str, kind: str, severity: str) -> None:
        order = ["INFO", "WARNING", "CRITICAL"]
        key = (name(track), frame, kind)
        self.firings.add((name(track), frame, rule))
        self.severity[key] = max(self.severity.get(key, "INFO"), severity, key=order.index)

    def escalate(self) -> None:
        """Two types at WARNING or above on one vehicle in one frame make each other CRITICAL, a lost crowd apart."""
        own: dict[tuple[str, int], set[str]] = defaultdict(set)
        for vehicle, frame, rule in self.firings:
            if rule == "decel_threshold_exceeded":
                own[vehicle, frame].add("sudden_deceleration")
            elif rule not in {"updates_missing", "active_agents_dropped"}:
                own[vehicle, frame].add("perception_instability")
        for (vehicle, frame), kinds in own.items():
            if len(kinds) > 1:
                for kind in kinds:
                    self.severity[vehicle, frame, kind] = "CRITICAL"

    def active(self) -> set[Finding]:
        """ACTIVE: fires, and in none of the R frames before, or harder than in all of them."""
        order = ["INFO", "WARNING", "CRITICAL"]
        found = set()
        for (vehicle, frame, kind), severity in self.severity.items():
            before = [self.severity.get((vehicle, earlier, kind)) for earlier in range(frame - REARM, frame)]
            if all(each is None or order.index(each) < order.index(severity) for each in before):
                found.add((vehicle, frame, kind, "ACTIVE", severity))
        return found

    def cleared(self) -> set[Finding]:
        """CLEARED: last fired R + 1 frames ago, or the vehicle or the scene ended while it was active."""
        found = set()
        for (vehicle, frame, kind), severity in self.severity.items():
            later = [(vehicle, after, kind) in self.severity for after in range(frame + 1, frame + REARM + 2)]
            if not any(later):
                end = min(frame + REARM + 1, self.gone[vehicle], self.n_frames - 1)
                found.add((vehicle, end, kind, "CLEARED", severity))
        return found


def run(path: Path, *, concurrent: bool) -> tuple[list[Finding], set[Firing]]:
    """What the engine says, all tracks admitted."""
    baseline = load_rule_set("baseline")
    assert (baseline.rearm_frames, baseline.retire_frames) == (REARM, RETIRE)
    rules = baseline if concurrent else parse_rule_set(_without_concurrency(), "baseline without concurrency")
    dataset = Dataset.open(path)
    block = dataset.block(0, 0, dataset.scene(0).frame_count)
    columns, _ = normalize(block, None, Admission.everything(), dataset.geo)
    engine: Engine[SceneKey] = Engine(rules, 100, compiled_advance, trace=True)
    found, verdicts = engine.feed(scene_items(columns, engine, SceneKey("session", SCENE), ends=True))
    assert not verdicts.any()
    firings = {(each.vehicle, each.frame, rules.kinds[each.rule].name) for each in engine.fired}
    return [finding_of(each) for each in found], firings


def _without_concurrency() -> str:
    from importlib import resources

    text = resources.files("fleetops.anomaly").joinpath("rule_sets/baseline.toml").read_text()
    assert "concurrent_is_critical = true" in text
    return text.replace("concurrent_is_critical = true", "concurrent_is_critical = false")


def test_every_condition_fires_on_exactly_the_expected_frames(l5kit_sample: Path) -> None:
    """Rule by rule, vehicle by vehicle, frame by frame."""
    _, firings = run(l5kit_sample, concurrent=False)
    expected = Expected(l5kit_sample)
    assert Counter(rule for *_, rule in firings) == Counter(rule for *_, rule in expected.firings)
    assert firings == expected.firings


@pytest.mark.parametrize("concurrent", [False, True], ids=["concurrency off", "as shipped"])
def test_every_anomaly_is_the_expected_one(l5kit_sample: Path, concurrent: bool) -> None:
    """ACTIVE and CLEARED messages per vehicle, frame, type and severity, each exactly once."""
    found, _ = run(l5kit_sample, concurrent=concurrent)
    expected = Expected(l5kit_sample)
    if concurrent:
        expected.escalate()
    assert len(found) == len(set(found))
    assert {each for each in found if each[3] == "ACTIVE"} == expected.active()
    assert {each for each in found if each[3] == "CLEARED"} == expected.cleared()
    by_kind = Counter((kind, severity) for _, _, kind, status, severity in found if status == "ACTIVE")
    assert by_kind["dropout_proxy", "INFO"] == 1490  # of 1,653 tracks, as measured when the rules were designed
