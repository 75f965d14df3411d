"""replay-service as its clients meet it: the real process, a real broker, a foreign HTTP client."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from tests.integration.replay.harness import ReplayService, read_session, running, settings_for

from fleetops.contracts.partitioning import partition_for
from fleetops.contracts.telemetry import FrameMarker, RawTelemetry
from fleetops.dataset.admission import Admission
from fleetops.dataset.normalize import normalize
from fleetops.dataset.reader import Dataset
from fleetops.settings import KafkaSettings

pytestmark = pytest.mark.broker


def test_a_whole_scene_reaches_kafka_as_the_contract_says(
    service: ReplayService, broker: KafkaSettings, dataset: Path
) -> None:
    """Every row of the normalised scene is on the topic once, where its key belongs, before its frame's marker."""
    assert service.post("start", scene_ids=["scene_00000"], replay_rate_hz=0, session_id="whole") == {
        "session_id": "whole",
        "status": "started",
    }
    state = service.await_status("whole", "completed")
    opened = Dataset.open(dataset)
    columns, _ = normalize(opened.block(0, 0, 40), None, Admission(), opened.geo)
    sent = read_session(broker, "whole")
    assert len(sent.records) == len(sent.event_ids) == len(columns) == state["records_sent"] == 220
    assert (state["current_frame"], state["vehicles_active"], state["kafka_connected"]) == (39, 0, True)
    for partition, value, key, headers in sent.raw:
        record = RawTelemetry.model_validate_json(value, extra="forbid")
        assert key == record.vehicle_id.encode()
        assert partition == partition_for(key, 6)
        assert headers == [("kind", b"telemetry"), ("schema", b"raw_telemetry/1")]
    per_frame = np.diff(columns.row_offsets).tolist()
    frame_ends = sent.marked("frame_end")
    assert set(frame_ends) == {("scene_00000", frame) for frame in range(40)}
    for (_, frame), shares in frame_ends.items():
        assert {partition for partition, _ in shares} == set(range(6))
        assert sum(count for _, count in shares) == per_frame[frame]
    assert {key: len(shares) for key, shares in sent.marked("scene_end").items()} == {("scene_00000", 39): 6}
    for _, marker in sent.markers:
        assert FrameMarker.model_validate(marker).dataset == opened.digest


def test_records_of_a_frame_come_before_its_marker(service: ReplayService, broker: KafkaSettings) -> None:
    """On each partition a marker counts exactly the records since the one before it."""
    service.post("start", scene_ids=["scene_00001"], replay_rate_hz=0, session_id="order", purpose="review")
    service.await_status("order", "completed")
    sent = read_session(broker, "order")
    for partition in range(6):
        frames = [
            record["frame_index"]
            for (place, *_), record in zip(sent.raw, sent.records, strict=True)
            if place == partition
        ]
        assert frames == sorted(frames)
        for place, marker in sent.markers:
            if place == partition and marker["kind"] == "frame_end":
                assert marker["records"] == frames.count(marker["frame_index"])
    assert {record["metadata"]["purpose"] for record in sent.records} == {"review"}


def test_concurrent_scenes_advance_together(service: ReplayService, broker: KafkaSettings) -> None:
    """At one rate, both scenes' frames of one tick are sent together, and each ends in its own time."""
    service.post(
        "start", scene_ids=["scene_00000", "scene_00001"], replay_rate_hz=0, session_id="together", mode="concurrent"
    )
    state = service.await_status("together", "completed")
    assert [(scene["scene_id"], scene["ended"]) for scene in state["scenes"]] == [
        ("scene_00000", True),
        ("scene_00001", True),
    ]
    first_partition = [
        (marker["scene_id"], marker["frame_index"])
        for partition, marker in read_session(broker, "together").markers
        if partition == 0 and marker["kind"] == "frame_end"
    ]
    expected = [(f"scene_0000{scene}", frame) for frame in range(40) for scene in (0, 1) if scene == 0 or frame < 25]
    assert first_partition == expected


def test_sequential_scenes_follow_in_the_order_asked_for(service: ReplayService, broker: KafkaSettings) -> None:
    """The second begins when the first has ended."""
    service.post("start", scene_ids=["scene_00001", "scene_00000"], replay_rate_hz=0, session_id="in-order")
    service.await_status("in-order", "completed")
    kinds = [
        (marker["scene_id"], marker["kind"])
        for partition, marker in read_session(broker, "in-order").markers
        if partition == 0
    ]
    assert kinds == [
        *[("scene_00001", "frame_end")] * 25,
        ("scene_00001", "scene_end"),
        *[("scene_00000", "frame_end")] * 40,
        ("scene_00000", "scene_end"),
    ]


def test_part_of_a_scene_has_the_telemetry_of_the_whole(service: ReplayService, broker: KafkaSettings) -> None:
    """Frames [10, 20): the markers say where it begins, and what looks back is as if it had begun at 0."""
    service.post("start", scene_ids=["scene_00000"], replay_rate_hz=0, session_id="all", purpose="review")
    service.post(
        "start",
        scene_ids=["scene_00000"],
        replay_rate_hz=0,
        session_id="part",
        purpose="review",
        frames={"scene_00000": {"start_frame": 10, "end_frame": 20}},
    )
    service.await_status("part", "completed")
    service.await_status("all", "completed")
    whole, part = read_session(broker, "all"), read_session(broker, "part")
    telemetry = {(r["vehicle_id"], r["frame_index"]): r["telemetry"] for r in whole.records}
    assert {r["frame_index"] for r in part.records} == set(range(10, 20))
    assert all(telemetry[r["vehicle_id"], r["frame_index"]] == r["telemetry"] for r in part.records)
    assert {marker["start_frame"] for _, marker in part.markers} == {10}


def test_a_paused_session_sends_nothing_until_it_is_resumed(service: ReplayService, broker: KafkaSettings) -> None:
    """Nothing during the pause; afterwards it goes on where it was, at the rate asked for meanwhile."""
    service.post("start", scene_ids=["scene_00002"], replay_rate_hz=50, session_id="pausing")
    service.await_that("pausing", lambda state: (state["current_frame"] or 0) >= 5)
    assert service.post("pause", session_id="pausing")["status"] == "paused"
    before = len(read_session(broker, "pausing").records)
    time.sleep(0.3)
    assert len(read_session(broker, "pausing").records) == before
    assert service.status("pausing")["paused_at"] is not None
    service.post("rate", session_id="pausing", replay_rate_hz=0)
    assert service.post("pause", session_id="pausing")["status"] == "paused", "asked twice, nothing changes"
    assert service.post("resume", session_id="pausing")["status"] == "running"
    service.await_status("pausing", "completed")
    sent = read_session(broker, "pausing")
    assert len(sent.records) == len(sent.event_ids) == 1_100
    assert {record["metadata"]["replay_rate"] for record in sent.records} == {50.0, 0.0}


def test_a_stopped_session_ends_its_scene(service: ReplayService, broker: KafkaSettings) -> None:
    """The last frame sent is the one that the end names, on every partition; then nothing comes."""
    service.post("start", scene_ids=["scene_00002"], replay_rate_hz=50, session_id="stopping")
    service.await_that("stopping", lambda state: (state["current_frame"] or 0) >= 5)
    assert service.post("stop", session_id="stopping") == {"session_id": "stopping", "status": "stopped"}
    state = service.status("stopping")
    sent = read_session(broker, "stopping")
    assert {key: len(shares) for key, shares in sent.marked("scene_end").items()} == {
        ("scene_00002", state["current_frame"]): 6
    }
    assert max(record["frame_index"] for record in sent.records) == state["current_frame"] < 199
    assert service.post("stop", session_id="stopping")["status"] == "stopped", "asked twice, nothing changes"
    assert service.client.post("/replay/resume", json={"session_id": "stopping"}).status_code == 409


def test_a_session_that_pauses_for_too_long_is_ended(broker: KafkaSettings, dataset: Path, tmp_path: Path) -> None:
    """So that it holds no offset of detection for ever."""
    with running(settings_for(broker, dataset, tmp_path, idle_end_s=0.5)) as service:
        service.post("start", scene_ids=["scene_00002"], replay_rate_hz=50, session_id="idle")
        service.await_that("idle", lambda state: state["records_sent"] > 0)
        service.post("pause", session_id="idle")
        state = service.await_status("idle", "stopped", within_s=5)
    assert state["reason"] == "paused for longer than 0.5 s"
    assert sum(len(shares) for shares in read_session(broker, "idle").marked("scene_end").values()) == 6


def test_a_scene_has_one_live_session_at_a_time(service: ReplayService) -> None:
    """A second is 409 and names the first; a review is no live session; afterwards it may start."""
    service.post("start", scene_ids=["scene_00002"], replay_rate_hz=20, session_id="first")
    second = {"scene_ids": ["scene_00002", "scene_00000"], "replay_rate_hz": 20, "session_id": "second"}
    answer = service.client.post("/replay/start", json=second)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:fleetops:error:conflict")
    assert "scene_00002 already has a live session, first (running)" in answer.json()["detail"]
    scenes = service.client.get("/replay/scenes").json()["scenes"]
    assert [scene["live_session_id"] for scene in scenes] == [None, None, "first"]
    service.post("start", scene_ids=["scene_00002"], replay_rate_hz=0, session_id="look-back", purpose="review")
    assert service.client.post("/replay/start", json=second | {"session_id": "first"}).status_code == 409
    service.post("stop", session_id="first")
    service.post("start", **second)
    service.post("stop", session_id="second")


def test_the_same_id_may_be_used_again_and_makes_the_same_ids(service: ReplayService, broker: KafkaSettings) -> None:
    """What is sent twice is recognised anywhere."""
    for _ in range(2):
        service.post("start", scene_ids=["scene_00001"], replay_rate_hz=0, session_id="again")
        service.await_status("again", "completed")
    sent = read_session(broker, "again")
    assert len(sent.records) == 2 * len(sent.event_ids) == 2 * 213


def test_unknown_things_are_404_and_say_what_there_is(service: ReplayService) -> None:
    """Scenes, frames and sessions."""
    answer = service.client.post("/replay/start", json={"scene_ids": ["scene_9"], "replay_rate_hz": 1})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:fleetops:error:unknown-scene")
    assert "scene_00000" in answer.json()["detail"]
    frames = {"scene_00000": {"start_frame": 5, "end_frame": 41}}
    answer = service.client.post("/replay/start", json={"scene_ids": ["scene_00000"], "frames": frames})
    assert answer.status_code == 404
    assert "[0, 40)" in answer.json()["detail"]
    assert service.client.get("/replay/status/nobody").status_code == 404
    for command in ("stop", "pause", "resume"):
        assert service.client.post(f"/replay/{command}", json={"session_id": "nobody"}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"scene_ids": []},
        {"scene_ids": ["scene_00000", "scene_00000"]},
        {"scene_ids": ["scene_00000"], "replay_rate_hz": -1},
        {"scene_ids": ["scene_00000"], "replay_rate_hz": "NaN"},
        {"scene_ids": ["scene_00000"], "replay_rate_hz": 0.05},
        {"scene_ids": ["scene_00000"], "mode": "sideways"},
        {"scene_ids": ["scene_00000"], "session_id": "../../etc"},
        {"scene_ids": ["scene_00000"], "speed": 3},
        {"scene_ids": ["scene_00000"], "frames": {"scene_00001": {"start_frame": 0, "end_frame": 1}}},
    ],
)
def test_senseless_requests_are_422(service: ReplayService, body: dict[str, object]) -> None:
    """And say which field is wrong."""
    answer = service.client.post("/replay/start", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["errors"]


def test_lists_come_in_pages(service: ReplayService) -> None:
    """Each page says where the next begins; the last says nothing."""
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = service.client.get("/replay/scenes", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        names += [scene["scene_id"] for scene in page["scenes"]]
        cursor = page["next"]
    assert names == ["scene_00000", "scene_00001", "scene_00002"]
    assert service.client.get("/replay/scenes", params={"cursor": "x"}).status_code == 422
    starts = [session["started_at"] for session in service.client.get("/replay/sessions").json()["sessions"]]
    assert starts == sorted(starts, reverse=True)


def test_every_route_but_the_probes_needs_the_token(service: ReplayService) -> None:
    """Whatever the document lists, and the document itself."""
    document = service.client.get("/openapi.json").json()
    routes = [(method, path) for path, methods in document["paths"].items() for method in methods]
    assert len(routes) == 16
    with httpx.Client(base_url=service.client.base_url) as stranger:
        for method, path in [*routes, ("get", "/openapi.json"), ("get", "/docs"), ("get", "/redoc")]:
            status = stranger.request(method, path.replace("{session_id}", "s")).status_code
            assert status == (200 if path in {"/livez", "/readyz"} else 404 if path in {"/docs", "/redoc"} else 401)


def test_health_and_metrics_tell_the_truth(service: ReplayService) -> None:
    """Kafka answers; the counters have counted."""
    health = service.client.get("/health").json()
    assert (health["status"], health["kafka_connected"], health["scenes"]) == ("healthy", True, 3)
    service.post("start", scene_ids=["scene_00001"], replay_rate_hz=100, session_id="counted")
    service.await_status("counted", "completed")
    metrics = service.client.get("/metrics").text
    counted = {line.split(" ")[0]: float(line.split(" ")[1]) for line in metrics.splitlines() if line[0] != "#"}
    assert counted["fleetops_replay_frames_total"] >= 25
    assert counted["fleetops_replay_records_total"] >= 213
    assert counted["fleetops_replay_frame_lateness_seconds_count"] >= 25


def test_frames_are_logged_once_each_with_their_latency(service: ReplayService) -> None:
    """`telemetry_emitted` per frame and not per message; the session's beginning and end around them."""
    service.post("start", scene_ids=["scene_00001"], replay_rate_hz=0, session_id="logged")
    service.await_status("logged", "completed")
    deadline = time.monotonic() + 10
    while True:
        events = [event for event in service.log() if event.get("session_id") == "logged"]
        if events[-1]["event_type"] == "replay_completed" or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert [event["event_type"] for event in events] == [
        "replay_started",
        *["telemetry_emitted"] * 25,
        "replay_completed",
    ]
    emitted = events[1:-1]
    assert [(event["scene_id"], event["frame_index"]) for event in emitted] == [("scene_00001", i) for i in range(25)]
    assert all(0 < event["replay_to_kafka_latency"] < 10_000 for event in emitted)
    assert sum(event["vehicles"] for event in emitted) == events[-1]["records"] == 213
    assert {event["service"] for event in events} == {"replay-service"}


def test_the_first_frame_of_a_session_is_as_fast_as_any(service: ReplayService) -> None:
    """A new producer needs half a second at least to be given its id; one is kept in stock."""
    firsts = []
    for i in range(3):
        time.sleep(0.6)
        service.post("start", scene_ids=["scene_00001"], replay_rate_hz=100, session_id=f"quick-{i}")
        service.await_status(f"quick-{i}", "completed")
        emitted = [event for event in service.log() if event.get("session_id") == f"quick-{i}"]
        firsts.append(emitted[1]["replay_to_kafka_latency"])
    assert min(firsts) < 400


@pytest.mark.sample
def test_the_real_scene_reaches_kafka_whole(broker: KafkaSettings, l5kit_sample: Path, tmp_path: Path) -> None:
    """As fast as it goes: as many distinct records as the normalised scene has rows, whoever is admitted."""
    opened = Dataset.open(l5kit_sample)
    for admit, admission in (("vehicles", Admission()), ("all", Admission.everything())):
        columns, _ = normalize(opened.block(0, 0, 248), None, admission, opened.geo)
        with running(settings_for(broker, l5kit_sample, tmp_path / admit, admit=admit)) as service:
            service.post("start", scene_ids=["scene_00000"], replay_rate_hz=0, session_id=f"real-{admit}")
            state = service.await_status(f"real-{admit}", "completed")
        sent = read_session(broker, f"real-{admit}")
        assert len(sent.records) == len(sent.event_ids) == len(columns) == state["records_sent"]
        assert sum(n for shares in sent.marked("frame_end").values() for _, n in shares) == len(columns)
