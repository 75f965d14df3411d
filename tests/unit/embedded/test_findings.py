"""What the demo counts and shows of anomalies."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from fleetops.contracts.anomalies import Anomaly, Evidence, Provenance
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Purpose, Severity
from fleetops.embedded.findings import Findings, key_feature

SESSION = "session_1"
NO_EVIDENCE = Evidence(
    frame_indices=[], velocity_history=[], acceleration_history=[], position_x_history=[],
    position_y_history=[], yaw_history=[], label_probability_history=[],
)  # fmt: skip


def _anomaly(
    *,
    anomaly_id: UUID | None = None,
    rule: str = "decel_threshold_exceeded",
    status: AnomalyStatus = AnomalyStatus.ACTIVE,
    features: dict[str, float | None] | None = None,
    thresholds: dict[str, float] | None = None,
    session: str = SESSION,
) -> Anomaly:
    now = datetime(2019, 10, 23, 16, 7, tzinfo=UTC)
    return Anomaly(
        anomaly_id=anomaly_id or uuid4(),
        event_id=uuid4(),
        vehicle_id="scene_00000_track_7",
        event_time=now,
        processing_time=now,
        anomaly_type=AnomalyType.SUDDEN_DECELERATION,
        severity=Severity.WARNING,
        triggered_rule=rule,
        status=status,
        features={"acceleration_magnitude": 4.21} if features is None else features,
        thresholds={"decel_threshold_ms2": 3.0} if thresholds is None else thresholds,
        evidence=NO_EVIDENCE,
        provenance=Provenance(
            replay_session_id=session, purpose=Purpose.LIVE, dataset=None, scene_id="scene_00000", frame_index=1,
            rule_set="baseline@sha256:0",
        ),
    )  # fmt: skip


def test_an_anomaly_counts_once_however_often_it_comes() -> None:
    """Redelivered messages change no figure of the summary."""
    findings, anomaly = Findings(SESSION), _anomaly()
    assert [findings.take(anomaly), findings.take(anomaly)] == [True, False]
    assert findings.raised == {(AnomalyType.SUDDEN_DECELERATION, Severity.WARNING): 1}


def test_other_sessions_are_not_ours() -> None:
    """What an earlier run left on the bus is neither shown nor counted."""
    findings = Findings(SESSION)
    assert not findings.take(_anomaly(session="session_0"))
    assert findings.total == 0


def test_an_end_is_counted_apart() -> None:
    """CLEARED messages belong to the total, not to what was raised."""
    findings = Findings(SESSION)
    findings.take(_anomaly(status=AnomalyStatus.CLEARED))
    assert (findings.total, findings.cleared, findings.raised.total()) == (1, 1, 0)


def test_the_key_feature_stands_against_its_threshold() -> None:
    """A person sees the value that mattered and the bound it broke, signs and units included."""
    assert key_feature(_anomaly()) == "acceleration_magnitude 4.21 > 3 m/s2"
    fallen = _anomaly(
        rule="label_probability_dropped",
        features={"label_probability_delta": -0.31},
        thresholds={"label_prob_delta_threshold": 0.2},
    )
    assert key_feature(fallen) == "label_probability_delta -0.31 < -0.2"


def test_a_rule_nobody_listed_shows_what_it_has() -> None:
    """A rule set of one's own still says something, and a value that is missing is called unknown."""
    own = _anomaly(rule="of_my_own", features={"wobble": None}, thresholds={"wobble_threshold": 2.5})
    assert key_feature(own) == "wobble unknown (wobble_threshold 2.5)"


def test_a_cleared_anomaly_shows_no_value() -> None:
    """Its values lie on the quiet side of the threshold, and would mislead."""
    assert key_feature(_anomaly(status=AnomalyStatus.CLEARED)) == ""
