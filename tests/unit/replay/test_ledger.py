"""What the broker has acknowledged is noted once, however often it was sent."""

from __future__ import annotations

from datetime import UTC, datetime

from structlog.testing import capture_logs

from fleetops.replay.acknowledgements import Acknowledged
from fleetops.replay.journal import SessionRecord
from fleetops.replay.ledger import Ledger
from fleetops.replay.metrics import ReplayMetrics
from fleetops.replay.request import ReplayRequest

BLANK = SessionRecord(
    session_id="s",
    request=ReplayRequest(scene_ids=["a", "b"]),
    dataset="sha256:00",
    rate_hz=10.0,
    started_at=datetime(2026, 11, 23, tzinfo=UTC),
)


def frame(scene: str, index: int, records: int = 5) -> Acknowledged:
    """A frame that is through."""
    return Acknowledged(scene, index, records, False, 0.0042)


def test_a_frame_sent_again_counts_once_and_never_leads_back() -> None:
    """The journal must not forget what was through because an earlier frame was repeated."""
    ledger = Ledger(BLANK, ReplayMetrics())
    ledger.enter([frame("a", 0), frame("a", 1), frame("b", 0), frame("a", 0), frame("a", 1)])
    record = ledger.onto(BLANK)
    assert (record.acked, record.records_acked) == ({"a": 1, "b": 0}, 15)


def test_it_goes_on_from_what_the_journal_says() -> None:
    """A scene that had ended stays ended; counts go on."""
    before = BLANK.model_copy(update={"acked": {"a": 7}, "ended": ["a"], "records_acked": 40})
    ledger = Ledger(before, ReplayMetrics())
    ledger.enter([frame("b", 0), Acknowledged("b", 0, 0, True, 0.001)])
    record = ledger.onto(BLANK)
    assert (record.acked, record.ended, record.records_acked) == ({"a": 7, "b": 0}, ["a", "b"], 45)


def test_frames_are_reported_and_scene_ends_are_not_frames() -> None:
    """One event per frame with its latency in milliseconds; counters agree."""
    metrics = ReplayMetrics()
    with capture_logs() as logged:
        Ledger(BLANK, metrics).enter([frame("a", 3), Acknowledged("a", 3, 0, True, 0.001)])
    assert logged == [
        {
            "event": "telemetry_emitted",
            "log_level": "info",
            "session_id": "s",
            "scene_id": "a",
            "frame_index": 3,
            "vehicles": 5,
            "replay_to_kafka_latency": 4.2,
        }
    ]
    rendered = metrics.render().decode()
    assert "fleetops_replay_frames_total 1.0" in rendered
    assert "fleetops_replay_records_total 5.0" in rendered
