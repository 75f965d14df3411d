"""Rule sets: what ships, what is refused and how the refusal reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetops.anomaly.rule_set import load_rule_set, parse_rule_set, shipped, threshold_values
from fleetops.errors import RuleSetError

HEAD = 'name = "mine"\nversion = 1\ndescription = "d"\nrearm_frames = 3\nretire_frames = 5\n'


def test_baseline_is_the_plan_to_the_letter() -> None:
    """Every threshold and window of the original rules, and none of its own."""
    rules = load_rule_set("baseline")
    assert [(kind.name, kind.anomaly_type.value) for kind in rules.kinds] == [
        ("decel_threshold_exceeded", "sudden_deceleration"),
        ("label_probability_dropped", "perception_instability"),
        ("position_jumped", "perception_instability"),
        ("yaw_jumped", "perception_instability"),
        ("updates_missing", "dropout_proxy"),
        ("active_agents_dropped", "dropout_proxy"),
    ]
    thresholds: dict[str, float] = {}
    for values in rules.rules:
        thresholds |= threshold_values(values)
    assert thresholds == {
        "decel_threshold_ms2": 3.0,
        "velocity_delta_threshold_ms": 5.0,
        "critical_decel_threshold_ms2": 5.0,
        "label_prob_delta_threshold": 0.2,
        "position_jump_threshold_m": 2.0,
        "yaw_jump_threshold_rad": 0.5,
        "dropout_frame_threshold": 3.0,
        "agent_count_drop_threshold": 5.0,
    }
    assert [getattr(values, "window_frames", None) for values in rules.rules] == [5, 3, 3, 3, None, None]


def test_the_hash_follows_the_content_and_not_the_prose() -> None:
    """Another threshold is another rule set; other prose, a default written out or `2` for `2.0` is not."""
    one = parse_rule_set(HEAD + "[rules.yaw_jumped]\nyaw_jump_threshold_rad = 0.5", "t")
    same = parse_rule_set(
        "# c\n" + HEAD.replace('"d"', '"other"') + "[rules.yaw_jumped]\nyaw_jump_threshold_rad = 0.5", "t"
    )
    other = parse_rule_set(HEAD + "[rules.yaw_jumped]\nyaw_jump_threshold_rad = 0.6", "t")
    assert one.identity == same.identity != other.identity
    assert one.identity == parse_rule_set(HEAD + "[rules.yaw_jumped]", "t").identity
    jump = HEAD + "[rules.position_jumped]\nposition_jump_threshold_m = "
    assert parse_rule_set(jump + "2", "t").identity == parse_rule_set(jump + "2.0", "t").identity
    assert one.identity.startswith("mine@sha256:")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not TOML"),
        ('name = "x"', "version"),
        (HEAD, "rules"),
        (HEAD + "colour = 1\n[rules.yaw_jumped]", "colour"),
        (HEAD + "[rules.yaw_jumpd]", "no rule 'yaw_jumpd'; there are active_agents_collapsed"),
        (HEAD + "[rules.yaw_jumped]\nthreshold = 1", "yaw_jumped has no threshold; it has yaw_jump_threshold_rad"),
        (HEAD + "[rules.yaw_jumped]\nwindow_frames = 2.5", "whole number"),
        (HEAD + "[rules.yaw_jumped]\nwindow_frames = 0", "too small"),
        (HEAD + '[rules.yaw_jumped]\nyaw_jump_threshold_rad = "a lot"', "rules.yaw_jumped"),
        (HEAD + "[rules.yaw_jumped]\nyaw_jump_threshold_rad = nan", "rules.yaw_jumped"),
        (HEAD + "[rules.yaw_jumped]\nyaw_jump_threshold_rad = inf", "rules.yaw_jumped"),
        (HEAD + "[rules.updates_missing]\ndropout_frame_threshold = 3000000000", "more than any count"),
        (HEAD + "[rules.updates_missing]\ndropout_frame_threshold = 4", "can never fire"),
        (HEAD.replace("= 5", "= 3") + "[rules.yaw_jumped]", "retire_frames (3) must be greater than rearm_frames (3)"),
    ],
)
def test_a_bad_rule_set_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    """The message names the file, the field and what was expected."""
    with pytest.raises(RuleSetError) as refused:
        parse_rule_set(text, "mine.toml")
    assert "mine.toml" in str(refused.value)
    assert says in str(refused.value)


def test_a_rule_set_that_looks_further_back_than_is_kept_is_refused() -> None:
    """The message says which setting to raise, and to what; that value does."""
    rules = parse_rule_set(HEAD + "[rules.yaw_jumped]\nwindow_frames = 90", "t")
    with pytest.raises(RuleSetError, match=f"HISTORY_FRAMES to at least {rules.history_frames}"):
        rules.require_history(rules.history_frames - 1)
    rules.require_history(rules.history_frames)


def test_rule_sets_load_by_name_or_path(tmp_path: Path) -> None:
    """An unknown name says what there is."""
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + "[rules.updates_missing]")
    assert load_rule_set(str(path)).name == "mine"
    with pytest.raises(RuleSetError, match="give one of baseline"):
        load_rule_set("basline")
    assert "baseline" in shipped()
