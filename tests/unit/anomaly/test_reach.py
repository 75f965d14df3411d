"""No rule looks further back than it says: restarts depend on it, since older frames are not read again."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from fleetops.anomaly.rule_set import load_rule_set, shipped
from fleetops.anomaly.windows import FRAME, NEVER, SIGHTING, Window

SLOTS = 64
NOW = 200
STORIES = 1500
RETIRE = 20


def made_window(dice: np.random.Generator, retire_frames: int) -> Window:
    """A restless vehicle: mostly seen, often for long, sometimes silent by now; agents come and go."""
    rings, frames = np.zeros((1, SLOTS), SIGHTING), np.zeros((1, SLOTS), FRAME)
    calm = dice.random() < 0.6
    presence = dice.choice([0.3, 0.6, 0.95])
    silent = int(dice.choice([0, 0, 4, retire_frames - 1]))
    braking_mps2 = dice.choice([0.0, 4.0, 7.0])
    for frame in range(NOW - SLOTS + 1, NOW + 1):
        cell, seen = frames[0, frame % SLOTS], rings[0, frame % SLOTS]
        cell["frame"], cell["event_time_ms"] = frame, 100 * frame
        cell["active_agents"] = dice.choice([20, 20, 20, 8, -1])
        is_seen = frame <= NOW - silent and (dice.random() < presence or frame >= NOW - silent - 1)
        seen["frame"] = frame if is_seen else NEVER
        steady = calm and dice.random() < 0.9
        braked_s = max(0, frame - NOW + 14) * 0.1
        speed = 20.0 - braking_mps2 * braked_s if steady else dice.uniform(0, 20)
        way = 2.0 * frame - braking_mps2 / 2 * braked_s**2
        seen["speed"], seen["vx"], seen["x"] = speed, speed, way if steady else way + dice.uniform(-3, 3)
        seen["acceleration"], seen["yaw"] = dice.uniform(0, 8), 0.0 if steady else dice.uniform(-3, 3)
        seen["label"], seen["label_probability"] = (3, 1.0) if steady else (dice.integers(3, 8), dice.uniform(0, 1))
        seen["range_m"] = 10.0
    present = silent == 0
    is_ego = bool(dice.random() < 0.5)
    return Window(rings, 0, frames, 0, NOW, NEVER, present, silent, is_ego)


@functools.cache
def stories() -> list[tuple[Window, Window]]:
    """Windows, and for each another one to take a past from."""
    dice = np.random.default_rng(1)
    return [(made_window(dice, RETIRE), made_window(dice, 5)) for _ in range(STORIES)]


def without_the_past(w: Window, reach: int, other: Window) -> Window:
    """The same window, but before its last `reach` frames happened what happened in the other."""
    rings, frames = w.rings.copy(), w.frames.copy()
    for frame in range(NOW - SLOTS + 1, NOW - reach + 1):
        rings[0, frame % SLOTS] = other.rings[0, frame % SLOTS]
        frames[0, frame % SLOTS] = other.frames[0, frame % SLOTS]
    return w._replace(rings=rings, frames=frames)


@pytest.mark.parametrize(
    ("name", "rule"), [(name, kind.name) for name in shipped() for kind in load_rule_set(name).kinds]
)
def test_what_lies_before_its_reach_does_not_matter(name: str, rule: str) -> None:
    """Whatever it was; and the stories are such that the rule fires in some."""
    rules = load_rule_set(name)
    index = [kind.name for kind in rules.kinds].index(rule)
    kind, thresholds = rules.kinds[index], rules.rules[index]
    reach = max(kind.reach(thresholds, rules.retire_frames), 1)
    if rule in {"updates_missing", "active_agents_dropped"}:
        reach = max(reach, rules.retire_frames)  # the silence itself is always known
    assert rules.retire_frames == RETIRE
    fired = 0
    for w, other in stories():
        severity = kind.severity(w, thresholds)
        fired += severity > 0
        assert kind.severity(without_the_past(w, reach, other), thresholds) == severity
    assert fired > 0
