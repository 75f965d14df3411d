"""Steps, seeks, reviews and repeated requests over HTTP, and what of it reaches Kafka."""

from __future__ import annotations

import pytest
from tests.integration.replay.harness import ReplayService, read_session

from fleetops.settings import KafkaSettings

pytestmark = pytest.mark.broker

LONG = "scene_00002"


def test_a_replay_is_paused_stepped_and_sought(service: ReplayService, broker: KafkaSettings) -> None:
    """As a timeline's buttons do it; each session's frames are closed once, and the scene ends in each."""
    service.post("start", scene_ids=[LONG], replay_rate_hz=50, session_id="played")
    service.await_that("played", lambda state: (state["current_frame"] or 0) >= 3)
    paused_at = service.post("pause", session_id="played")["current_frame"]
    stepped = service.post("step", session_id="played", frames=4)
    assert (stepped["status"], stepped["current_frame"]) == ("paused", paused_at + 4)
    begun = service.post("seek", session_id="played", frame_index=190)
    assert (begun["status"], begun["current_frame"], begun["parent_session"]) == ("paused", 190, "played")
    assert service.status("played")["status"] == "stopped"
    assert begun["session_id"] in {
        one["session_id"] for one in service.client.get("/replay/sessions").json()["sessions"]
    }
    service.post("rate", session_id=begun["session_id"], replay_rate_hz=0)
    service.post("resume", session_id=begun["session_id"])
    service.await_status(begun["session_id"], "completed")
    first, second = read_session(broker, "played"), read_session(broker, begun["session_id"])
    assert sorted(first.marked("frame_end")) == [(LONG, frame) for frame in range(paused_at + 5)]
    assert list(first.marked("scene_end")) == [(LONG, paused_at + 4)]
    assert sorted(second.marked("frame_end")) == [(LONG, frame) for frame in range(190, 200)]
    assert {marker["start_frame"] for _, marker in second.markers} == {190}


def test_a_moment_is_reviewed_beside_a_live_session(service: ReplayService, broker: KafkaSettings) -> None:
    """It takes no scene from anyone, hurries to the 5 s before the moment, and says from where to look."""
    service.post("start", scene_ids=[LONG], replay_rate_hz=1, session_id="live")
    review = service.post("review", scene_id=LONG, frame_index=150, replay_rate_hz=200, session_id="live")
    assert (review["purpose"], review["parent_session"], review["show_from"]) == ("review", "live", {LONG: 100})
    service.await_status(review["session_id"], "completed")
    sent = read_session(broker, review["session_id"])
    assert sorted(sent.marked("frame_end")) == [(LONG, frame) for frame in range(200)]
    assert {record["metadata"]["replay_rate"] for record in sent.records if record["frame_index"] < 100} == {0.0}
    assert {record["metadata"]["replay_rate"] for record in sent.records if record["frame_index"] >= 100} == {200.0}
    assert {record["metadata"]["purpose"] for record in sent.records} == {"review"}
    assert service.post("stop", session_id="live")["status"] == "stopped"


def test_a_start_that_is_sent_again_is_one_session(service: ReplayService) -> None:
    """By its Idempotency-Key; the same key for another request is refused."""
    body = {"scene_ids": ["scene_00001"], "replay_rate_hz": 0}
    key = {"Idempotency-Key": "f3a0"}
    first, again = (service.client.post("/replay/start", json=body, headers=key) for _ in range(2))
    assert first.json() == again.json()
    service.await_status(first.json()["session_id"], "completed")
    assert service.client.post("/replay/start", json=body, headers=key).json() == first.json()
    other = service.client.post("/replay/start", json={**body, "replay_rate_hz": 5}, headers=key)
    assert (other.status_code, other.headers["content-type"]) == (422, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("step", {"session_id": "over", "frames": 0}, 422),
        ("step", {"session_id": "over"}, 409),
        ("step", {"session_id": "unknown"}, 404),
        ("seek", {"session_id": "over", "frame_index": 3}, 409),
        ("seek", {"session_id": "unknown", "frame_index": 3}, 404),
        ("review", {"scene_id": "scene_00001", "frame_index": 25}, 404),
        ("review", {"scene_id": "scene_00001", "frame_index": 3, "session_id": "unknown"}, 404),
    ],
)
def test_what_cannot_be_is_refused(service: ReplayService, path: str, body: dict[str, object], status: int) -> None:
    """With a problem document, and nothing has begun."""
    if service.client.get("/replay/status/over").status_code == 404:
        service.post("start", scene_ids=["scene_00001"], replay_rate_hz=0, session_id="over", purpose="review")
        service.await_status("over", "completed")
    open_before = service.client.get("/health").json()["sessions_open"]
    answer = service.client.post(f"/replay/{path}", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert service.client.get("/health").json()["sessions_open"] == open_before
