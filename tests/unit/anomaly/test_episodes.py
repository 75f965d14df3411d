"""Episodes as timelines: which frames of firing make which ACTIVE and CLEARED."""

from __future__ import annotations

import pytest
from tests.stories import EGO, Finding, Seen, drive, items, rule_set, story, tell

from fleetops.anomaly.engine import Engine

LABEL = "[rules.label_probability_dropped]\nwindow_frames = 2\nlabel_prob_delta_threshold = 0.2"
JUMP = "[rules.position_jumped]\nwindow_frames = 2\nposition_jump_threshold_m = 2.0"
BRAKE = "[rules.decel_threshold_exceeded]\nwindow_frames = 2"
SILENCE = "[rules.updates_missing]\ndropout_frame_threshold = 3"
COLLAPSE = "[rules.active_agents_dropped]\nagent_count_drop_threshold = 5"


def jumps(timeline: str) -> list[Finding]:
    """Findings of a vehicle that jumps in every frame marked `x`, is unseen in those marked space."""
    x, seen = 0.0, []
    for frame, mark in enumerate(timeline):
        x += 3.0 if mark == "x" else 0.0
        if mark != " ":
            seen.append(Seen("car", frame, x=x))
    rules = rule_set(JUMP, rearm=2, retire=5)
    return tell(Engine(rules, rules.history_frames), story(seen, len(timeline) - 1))


def active(frame: int, severity: str = "WARNING", kind: str = "perception_instability", who: str = "car") -> Finding:
    """A condition begins or gets worse."""
    return who, frame, kind, "ACTIVE", severity


def cleared(frame: int, severity: str = "WARNING", kind: str = "perception_instability", who: str = "car") -> Finding:
    """A condition ends."""
    return who, frame, kind, "CLEARED", severity


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        ("......", []),
        # 0123456789
        ("..x.......", [active(2), cleared(5)]),  # cleared when it last fired R + 1 = 3 frames ago
        ("..xxxx....", [active(2), cleared(8)]),  # one event, however long
        ("..x.x.x...", [active(2), cleared(9)]),  # flicker within R frames is one event
        ("..x..x....", [active(2), active(5), cleared(8)]),  # at f - R - 1 it is new, and was not yet cleared
        ("..x...x...", [active(2), cleared(5), active(6), cleared(9)]),
        ("........x.", [active(8), cleared(9)]),  # the scene ends while it is active
        ("..x.      ....", [active(2), cleared(5)]),  # ends by its own silence
    ],
)
def test_a_condition_begins_once_and_ends_once(timeline: str, expected: list[Finding]) -> None:
    """ACTIVE at the rising edge, CLEARED after R frames without firing."""
    assert jumps(timeline) == expected


def test_a_worse_severity_is_told_and_a_milder_one_is_not() -> None:
    """WARNING, then CRITICAL within the episode, then WARNING again: two messages, and a clear with the last."""
    speeds = [30, 30, 24, 18, 12, 12, 12, 12, 12]
    brakes = [0, 0, 4, 8, 4, 0, 0, 0, 0]
    rules = rule_set(BRAKE)
    found = tell(
        Engine(rules, rules.history_frames), story(drive("car", speed=speeds, acceleration=brakes), len(speeds) - 1)
    )
    kind = "sudden_deceleration"
    assert found == [active(2, "WARNING", kind), active(3, "CRITICAL", kind), cleared(7, "WARNING", kind)]


def test_two_types_at_once_make_each_other_critical() -> None:
    """Braking at WARNING and a jump at WARNING in one frame, on one vehicle."""
    seen = drive("car", speed=[30, 30, 24, 24], acceleration=[0, 0, 4, 0], x=[0, 0, 3, 3])
    rules = rule_set(BRAKE, JUMP)
    found = tell(Engine(rules, rules.history_frames), story(seen, 3))
    assert set(found) == {
        active(2, "CRITICAL", "sudden_deceleration"),
        active(2, "CRITICAL"),
        cleared(3, "CRITICAL", "sudden_deceleration"),
        cleared(3, "CRITICAL"),
    }


def test_concurrency_can_be_switched_off() -> None:
    """The same frame with `concurrent_is_critical = false` stays at WARNING."""
    seen = drive("car", speed=[30, 30, 24, 24], acceleration=[0, 0, 4, 0], x=[0, 0, 3, 3])
    rules = rule_set(BRAKE, JUMP, concurrent=False)
    assert {severity for *_, severity in tell(Engine(rules, rules.history_frames), story(seen, 3))} == {"WARNING"}


def test_silence_begins_ends_with_a_sighting_and_ends_with_the_vehicle() -> None:
    """A gap of four frames fires at the fourth; who comes back is cleared, who does not is forgotten."""
    seen = [Seen("back", f) for f in (0, 1, 6, 7, 8, 9, 10, 11)] + [Seen("gone", f) for f in (0, 1)]
    rules = rule_set(SILENCE, rearm=2, retire=6)
    kind = "dropout_proxy"
    assert sorted(tell(Engine(rules, rules.history_frames), story(seen, 11))) == [
        active(5, "INFO", kind, "back"),
        cleared(8, "INFO", kind, "back"),
        active(5, "INFO", kind, "gone"),
        cleared(7, "INFO", kind, "gone"),  # silent for retire_frames = 6
    ]


def test_a_collapse_is_one_anomaly_on_the_ego_and_escalates_nothing() -> None:
    """Eight agents vanish while the ego jumps: both stay at WARNING, no other vehicle hears of it."""
    ego = drive(EGO, x=[0, 0, 3, 3])
    others = [Seen(f"car{n}", frame) for n in range(8) for frame in range(2)]
    rules = rule_set(JUMP, COLLAPSE)
    agents = {0: 8, 1: 8, 2: 0, 3: 0}
    found = tell(Engine(rules, rules.history_frames), story([*ego, *others], 3, agents=agents))
    assert {f for f in found if f[3] == "ACTIVE"} == {
        active(2, who=EGO),
        active(2, kind="dropout_proxy", who=EGO),
    }


def test_the_first_rule_that_fires_gives_its_name() -> None:
    """Of several conditions of one type, the first in the rule set's order is named."""
    seen = drive("car", x=[0, 0, 3], label_probability=[1, 1, 0.5])
    for order, first in ((LABEL + "\n" + JUMP, 0), (JUMP + "\n" + LABEL, 0)):
        rules = rule_set(order)
        engine = Engine[str](rules, rules.history_frames)
        found, _ = engine.feed(items(engine, story(seen, 2), 0))
        assert [int(each.detection["rule"]) for each in found] == [first, first]


def test_many_detections_in_one_frame_do_not_overflow_the_output() -> None:
    """A thousand vehicles that jump in the same frame are a thousand anomalies, each once, and as many clears."""
    seen = [Seen(f"car{n}", frame, x=3.0 * (frame >= 1)) for n in range(1000) for frame in range(6)]
    rules = rule_set(JUMP)
    found = tell(Engine(rules, rules.history_frames), story(seen, 5))
    assert len(found) == 2000
    assert set(found) == {active(1, who=f"car{n}") for n in range(1000)} | {
        cleared(4, who=f"car{n}") for n in range(1000)
    }
