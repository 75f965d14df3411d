"""What the demo counts and shows of anomalies."""

from __future__ import annotations

from tests.unit.embedded.anomalies import an_anomaly

from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity
from fleetops.embedded.findings import Findings, key_feature

SESSION = "session_1"


def test_an_anomaly_counts_once_however_often_it_comes() -> None:
    """Redelivered messages change no figure of the summary."""
    findings, anomaly = Findings(SESSION), an_anomaly()
    assert [findings.take(anomaly), findings.take(anomaly)] == [True, False]
    assert findings.raised == {(AnomalyType.SUDDEN_DECELERATION, Severity.WARNING): 1}


def test_other_sessions_are_not_ours() -> None:
    """What an earlier run left on the bus is neither shown nor counted."""
    findings = Findings(SESSION)
    assert not findings.take(an_anomaly(session="session_0"))
    assert findings.total == 0


def test_an_end_is_counted_apart() -> None:
    """CLEARED messages belong to the total, not to what was raised."""
    findings = Findings(SESSION)
    findings.take(an_anomaly(status=AnomalyStatus.CLEARED))
    assert (findings.total, findings.cleared, findings.raised.total()) == (1, 1, 0)


def test_the_key_feature_stands_against_its_threshold() -> None:
    """A person sees the value that mattered and the bound it broke, signs and units included."""
    assert key_feature(an_anomaly()) == "acceleration_magnitude 4.21 > 3 m/s2"
    fallen = an_anomaly(
        rule="label_probability_dropped",
        features={"label_probability_delta": -0.31},
        thresholds={"label_prob_delta_threshold": 0.2},
    )
    assert key_feature(fallen) == "label_probability_delta -0.31 < -0.2"
    flipped = an_anomaly(rule="heading_flipped", features={"yaw_jump_rad": 3.1}, thresholds={"flip_tolerance_rad": 0.5})
    assert key_feature(flipped) == "yaw_jump_rad 3.1 rad"
    collapsed = an_anomaly(
        rule="active_agents_collapsed",
        features={"active_agent_ratio": 0.2},
        thresholds={"agent_ratio_threshold": 0.5},
    )
    assert key_feature(collapsed) == "active_agent_ratio 0.2 < 0.5"


def test_a_rule_nobody_listed_shows_what_it_has() -> None:
    """A rule set of one's own still says something, and a value that is missing is called unknown."""
    own = an_anomaly(rule="of_my_own", features={"wobble": None}, thresholds={"wobble_threshold": 2.5})
    assert key_feature(own) == "wobble unknown (wobble_threshold 2.5)"


def test_a_cleared_anomaly_shows_no_value() -> None:
    """Its values lie on the quiet side of the threshold, and would mislead."""
    assert key_feature(an_anomaly(status=AnomalyStatus.CLEARED)) == ""
