"""An operator's word moves a replayed vehicle: real broker, real process, killed where it hurts."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.integration.replay.commanding import (
    CAR,
    FRAMES,
    LEAVES,
    PULL_OVER,
    RESUME,
    await_deed,
    command,
    said,
    send,
    speeds,
    street,
    track_of,
)
from tests.integration.replay.harness import Sent, read_session, running, settings_for
from tests.servers.kafka import client_settings
from tests.servers.tansu import Tansu
from tests.unit.dataset.writer import write_dataset

from fleetops.contracts.vocabulary import ActionType
from fleetops.replay.journal import rewind
from fleetops.settings import KafkaSettings

pytestmark = pytest.mark.broker

SCENE = "scene_00000"
ASSIST = ActionType.REQUEST_REMOTE_ASSIST
CLOSE = ActionType.CLOSE_REMOTE_ASSIST


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of one street."""
    return write_dataset(tmp_path_factory.mktemp("streets") / "street.zarr", [street()])


def assert_counted(sent: Sent) -> None:
    """Markers say how many records there are, and every record how many agents."""
    counted = Counter((record["frame_index"], partition) for partition, record in distinct(sent))
    for (_, frame), facts in sent.marked("frame_end").items():
        assert {(partition, counted[frame, partition]) for partition, _ in facts} == facts
    agents = Counter(record["frame_index"] for _, record in distinct(sent) if not record["vehicle_id"].endswith("ego"))
    assert all(record["metadata"]["active_agent_count"] == agents[record["frame_index"]] for record in sent.records)


def distinct(sent: Sent) -> list[tuple[int, Any]]:
    """Each record once, with its partition."""
    pairs = zip(sent.raw, sent.records, strict=True)
    return list({record["event_id"]: (raw[0], record) for raw, record in pairs}.values())


def test_a_vehicle_pulls_over_stands_and_drives_on(kafka: KafkaSettings, streets: Path, tmp_path: Path) -> None:
    """Braking at 2 m/s2 on its own path, then standing, then on: old commands, repeated ones and an assist aside."""
    with running(settings_for(kafka, streets, tmp_path)) as service:
        send(kafka, command(CAR, PULL_OVER, 1, "an old session"), b"no command at all")
        service.post("start", scene_ids=[SCENE], replay_rate_hz=80, session_id="s")
        service.await_that("s", lambda state: (state["current_frame"] or 0) >= 20)
        pull_over = command(CAR, PULL_OVER, 3, "s")
        send(kafka, command(CAR, RESUME, 2, "s"), pull_over, pull_over, command(LEAVES, ASSIST, 1, "s"))
        start = await_deed(service, "s", CAR, PULL_OVER)
        # Late, and of something that does not move a vehicle.
        send(kafka, command(CAR, RESUME, 2, "s"), command(CAR, CLOSE, 4, "s", ended=[ASSIST]))
        service.await_that("s", lambda state: (state["current_frame"] or 0) >= start + 90)
        send(kafka, command(CAR, RESUME, 5, "s", ended=[PULL_OVER, ASSIST]))
        goes_on = await_deed(service, "s", CAR, RESUME)
        service.await_status("s", "completed")
        sent = read_session(kafka, "s")

    track, speed = track_of(sent, CAR), speeds(track_of(sent, CAR))
    assert sorted(speed) == list(range(FRAMES))
    assert start > 20
    assert goes_on >= start + 90
    assert {frame: speed[frame] for frame in range(start)} == dict.fromkeys(range(start), 12.0)
    for before, frame in itertools.pairwise(range(start - 1, goes_on)):
        assert speed[frame] == pytest.approx(max(0.0, speed[before] - 0.2), abs=0.002)
    assert speed[goes_on - 1] == 0.0
    assert all(-0.002 <= speed[frame] - speed[frame - 1] <= 0.152 for frame in range(goes_on, FRAMES))
    assert speed[min(FRAMES - 1, goes_on + 85)] > 10.0
    xs = [record["telemetry"]["position"]["x"] for record in track]
    assert all(0 <= after - before <= 1.2 + 0.002 for before, after in itertools.pairwise(xs))
    assert xs[goes_on - 1] - xs[start - 1] == pytest.approx(36.0, abs=0.1), "12 m/s are gone after 36 m"
    marks = [record["metadata"]["intervention"] for record in track]
    assert marks == [None] * start + [PULL_OVER] * (goes_on - start) + [RESUME] * (FRAMES - goes_on)
    assert all(record["metadata"]["intervention"] is None for record in sent.records if record["vehicle_id"] != CAR)
    assert_counted(sent)


def test_killed_in_between_the_session_goes_on_with_its_interventions(streets: Path, tmp_path: Path) -> None:
    """A command that comes while the service is dead is obeyed; what it sends twice is the same twice.

    And the journal says it all: another run of it, on a broker that forgot everything, makes the same records.
    """
    (tmp_path / "broker").mkdir()
    server = Tansu.start(tmp_path / "broker")
    try:
        kafka = client_settings(server.bootstrap_servers)
        settings = settings_for(kafka, streets, tmp_path / "data")
        with running(settings) as service:
            service.post("start", scene_ids=[SCENE], replay_rate_hz=40, session_id="s")
            service.await_that("s", lambda state: (state["current_frame"] or 0) >= 20)
            send(kafka, command(LEAVES, PULL_OVER, 1, "s"), command(f"{SCENE}_ego", PULL_OVER, 1, "s"))
            start = await_deed(service, "s", LEAVES, PULL_OVER)
            await_deed(service, "s", f"{SCENE}_ego", PULL_OVER)
            service.kill()
        send(kafka, command(CAR, PULL_OVER, 1, "s"))
        with running(settings) as service:
            assert await_deed(service, "s", LEAVES, PULL_OVER) == start
            begun = await_deed(service, "s", CAR, PULL_OVER)
            service.kill()
        send(kafka, command(CAR, RESUME, 2, "s"))
        with running(settings) as service:
            assert await_deed(service, "s", CAR, RESUME) > begun
            service.await_status("s", "completed")
        sent = read_session(kafka, "s")
    finally:
        server.stop()

    assert len(track_of(sent, CAR)) == FRAMES
    assert len(track_of(sent, LEAVES)) == FRAMES, "it lives on when its recording has gone"
    assert speeds(track_of(sent, LEAVES))[FRAMES - 1] == 0.0
    ego = track_of(sent, f"{SCENE}_ego")
    stands_at = ego[-1]["telemetry"]["position"]["x"]
    assert stands_at < 1.2 * FRAMES - 50
    last = track_of(sent, CAR)[-1]["telemetry"]
    assert last["range_m"] == pytest.approx(last["position"]["x"] - stands_at, abs=0.002), "ranges follow the ego"
    assert_counted(sent)

    (tmp_path / "another").mkdir()
    server = Tansu.start(tmp_path / "another")
    try:
        kafka = client_settings(server.bootstrap_servers)
        again = settings.model_copy(update={"kafka": kafka})
        record = settings.data_dir / "replay" / "sessions" / "s.json"
        record.write_text(record.read_text().replace('"status": "completed"', '"status": "running"'))
        rewind(settings.data_dir)
        with running(again) as service:
            service.await_status("s", "completed")
        assert {said(one) for _, one in distinct(read_session(kafka, "s"))} == {said(one) for _, one in distinct(sent)}
    finally:
        server.stop()
