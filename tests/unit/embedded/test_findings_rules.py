"""The demo's table of key features against the rules that exist."""

from __future__ import annotations

from fleetops.anomaly.rules import RULES
from fleetops.embedded.findings import KEY_FEATURES


def test_every_rule_has_its_key_feature() -> None:
    """A rule that is added without one would be shown by its first feature only."""
    assert {rule.name for rule in RULES.values()} == set(KEY_FEATURES)


def test_every_threshold_is_one_of_its_rule() -> None:
    """The bound that is shown is a field of the rule's thresholds."""
    thresholds = {rule.name: rule.units for rule in RULES.values()}
    held = {name: about.threshold for name, about in KEY_FEATURES.items() if about.threshold is not None}
    assert all(threshold in thresholds[name] for name, threshold in held.items())
    assert len(held) > len(KEY_FEATURES) / 2
