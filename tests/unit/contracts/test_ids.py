"""Ids are derived, so that a repeated message is recognised anywhere, for ever."""

from __future__ import annotations

from uuid import UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from fleetops.contracts import ids
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity

NAMES = st.text("abcdef_0123456789", min_size=1, max_size=12)
FRAMES = st.integers(0, 2**30 - 1)


def test_known_ids_never_change() -> None:
    """Another value would make an upgraded service take old messages for new ones."""
    base = ids.event_base("session_abc123", "scene_001_track_456")
    anomaly = ids.anomaly_id(
        "session_abc123",
        "scene_001_track_456",
        42,
        AnomalyType.SUDDEN_DECELERATION,
        AnomalyStatus.ACTIVE,
        Severity.WARNING,
    )
    assert [str(ids.NAMESPACE), str(ids.event_id(base, 42)), str(anomaly), str(ids.alert_id(anomaly))] == KNOWN


def test_an_id_is_what_the_contract_says() -> None:
    """uuid5 of the names joined by slashes; a clear carries no severity, an escalation another one."""
    deceleration, active, cleared = AnomalyType.SUDDEN_DECELERATION, AnomalyStatus.ACTIVE, AnomalyStatus.CLEARED
    raised = ids.anomaly_id("s", "v", 7, deceleration, active, Severity.WARNING)
    assert raised == uuid5(ids.NAMESPACE, "s/v/7/sudden_deceleration/ACTIVE/WARNING")
    escalated = ids.anomaly_id("s", "v", 7, deceleration, active, Severity.CRITICAL)
    assert escalated != raised
    clears = {ids.anomaly_id("s", "v", 7, deceleration, cleared, severity) for severity in Severity}
    assert clears == {uuid5(ids.NAMESPACE, "s/v/7/sudden_deceleration/CLEARED")}


@given(session=NAMES, vehicle=NAMES, frame=FRAMES)
def test_an_event_id_ends_in_its_frame(session: str, vehicle: str, frame: int) -> None:
    """It is a UUID whose low 32 bits are the frame and whose others are the vehicle's."""
    made = ids.event_id(ids.event_base(session, vehicle), frame)
    assert made.int & 0xFFFFFFFF == frame
    assert made.int >> 32 == uuid5(ids.NAMESPACE, f"{session}/{vehicle}").int >> 32
    assert UUID(str(made)) == made


@given(st.lists(st.tuples(NAMES, NAMES, FRAMES), min_size=2, max_size=20, unique=True))
def test_distinct_records_have_distinct_ids(records: list[tuple[str, str, int]]) -> None:
    """No two of session, vehicle and frame share an event id or an anomaly id."""
    events = {ids.event_id(ids.event_base(session, vehicle), frame) for session, vehicle, frame in records}
    anomalies = {
        ids.anomaly_id(session, vehicle, frame, kind, status, severity)
        for session, vehicle, frame in records
        for kind in AnomalyType
        for status, severity in ((AnomalyStatus.ACTIVE, Severity.INFO), (AnomalyStatus.CLEARED, Severity.INFO))
    }
    assert len(events) == len(records)
    assert len(anomalies) == 6 * len(records)


def test_vehicles_are_named_after_their_track() -> None:
    """A track of a scene is a vehicle; so is the recording car."""
    assert ids.vehicle_id("scene_001", 456) == "scene_001_track_456"
    assert ids.ego_id("scene_001") == "scene_001_ego"


KNOWN = [
    "f5cd5463-a1b6-5584-86cd-eb30b2c15278",
    "b4ee9e69-8663-58cb-8ccc-b0be0000002a",
    "22fcef18-6feb-58dc-9911-ea33a958a732",
    "c583ff6c-a38d-5e28-a3ab-91e0d1d8a320",
]
