"""The regression gate: `calibrated` on a reduced set, against the figures that were accepted.

`make accept-scorecard` writes `scorecard.json` anew; do so where a figure got better, or where it got
worse for a reason that the commit tells.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from fleetops.anomaly.rule_set import RuleSet, load_rule_set, parse_rule_set
from fleetops.anomaly.scorecard.card import Scorecard
from fleetops.anomaly.scorecard.gate import Accepted, regressions
from fleetops.anomaly.scorecard.scoring import score, watch_traffic
from fleetops.dataset.golden_scenes import golden_dataset
from fleetops.dataset.reader import Dataset
from fleetops.score_command import generated_traffic

VEHICLE_HOURS = 3.0


@pytest.fixture(scope="module")
def accepted() -> Accepted:
    """What was accepted."""
    return Accepted.model_validate_json(Path(__file__).with_name("scorecard.json").read_text())


@pytest.fixture(scope="module")
def cards(accepted: Accepted) -> list[Scorecard]:
    """`calibrated` as it is, and one that is worse, on the same faults and the same traffic."""
    rule_sets = [load_rule_set("calibrated"), worse()]
    scored = score(rule_sets, {"golden": Dataset.open(golden_dataset())}, accepted.seeds)
    watched = watch_traffic(rule_sets, generated_traffic(VEHICLE_HOURS))
    return [replace(card, traffic=traffic) for (card, _), traffic in zip(scored, watched, strict=True)]


def worse() -> RuleSet:
    """Blind to teleports below 20 m, and startled by braking of 1.5 m/s2."""
    text = resources.files("fleetops.anomaly").joinpath("rule_sets/calibrated.toml").read_text()
    for good, bad in (
        ("position_residual_threshold_m = 2.0", "position_residual_threshold_m = 20.0"),
        ("\ndecel_threshold_ms2 = 3.0", "\ndecel_threshold_ms2 = 1.5"),
    ):
        assert good in text
        text = text.replace(good, bad)
    return parse_rule_set(text, "worse")


def test_the_default_rules_are_as_good_as_they_were(accepted: Accepted, cards: list[Scorecard]) -> None:
    """No recall or precision below what was accepted, no more false alerts, none from transport."""
    assert cards[0].datasets[0].digest == accepted.dataset, "other golden scenes: `make accept-scorecard`"
    assert regressions(accepted, cards[0]) == []


def test_worse_rules_are_held_up(accepted: Accepted, cards: list[Scorecard]) -> None:
    """A rule set that misses teleports and cries at gentle braking is told so, and what it does."""
    complaints = regressions(accepted, cards[1])
    assert any(each.startswith("teleport: recall") for each in complaints)
    assert any(each.startswith("false alerts") for each in complaints)
    assert not any("label_drop" in each for each in complaints)
