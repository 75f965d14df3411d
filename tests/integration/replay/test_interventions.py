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
    await_heard,
    command,
    said,
    send,
    speeds,
    start_still,
    step_until,
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
EGO = f"{SCENE}_ego"
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
        start_still(service, "s", SCENE)
        service.post("step", session_id="s", frames=20)
        pull_over = command(CAR, PULL_OVER, 3, "s")
        send(kafka, pull_over, pull_over, command(LEAVES, ASSIST, 1, "s"))
        await_heard(service, heard=2, ignored=2)
        # Late, and of something that does not move a vehicle.
        send(kafka, command(CAR, RESUME, 2, "s"), command(CAR, CLOSE, 4, "s", ended=[ASSIST]))
        await_heard(service, heard=3, ignored=3)
        start = step_until(service, "s", CAR, PULL_OVER)
        service.post("step", session_id="s", frames=90)
        send(kafka, command(CAR, RESUME, 5, "s", ended=[PULL_OVER, ASSIST]))
        await_heard(service, heard=4, ignored=3)
        goes_on = step_until(service, "s", CAR, RESUME)
        service.post("step", session_id="s", frames=FRAMES)
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
            start_still(service, "s", SCENE)
            service.post("step", session_id="s", frames=20)
            send(kafka, command(LEAVES, PULL_OVER, 1, "s"), command(EGO, PULL_OVER, 1, "s"))
            await_heard(service, heard=2)
            start = step_until(service, "s", LEAVES, PULL_OVER)
            step_until(service, "s", EGO, PULL_OVER)
            service.kill()
        send(kafka, command(CAR, PULL_OVER, 1, "s"))
        with running(settings) as service:
            await_heard(service, heard=3)
            assert step_until(service, "s", LEAVES, PULL_OVER) == start
            begun = step_until(service, "s", CAR, PULL_OVER)
            service.kill()
        send(kafka, command(CAR, RESUME, 2, "s"))
        with running(settings) as service:
            await_heard(service, heard=4)
            assert step_until(service, "s", CAR, RESUME) > begun
            service.post("step", session_id="s", frames=FRAMES)
            service.await_status("s", "completed")
        sent = read_session(kafka, "s")
    finally:
        server.stop()

    assert len(track_of(sent, CAR)) == FRAMES
    assert len(track_of(sent, LEAVES)) == FRAMES, "it lives on when its recording has gone"
    assert speeds(track_of(sent, LEAVES))[FRAMES - 1] == 0.0
    ego = track_of(sent, EGO)
    assert ego[-1]["telemetry"]["position"]["x"] < 1.2 * FRAMES - 50
    assert {record["telemetry"]["range_m"] for record in ego} == {0.0}
    last = track_of(sent, CAR)[-1]["telemetry"]
    recorded_at = 1.2 * (FRAMES - 1)
    assert last["range_m"] == pytest.approx(abs(last["position"]["x"] - recorded_at), abs=0.002)
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
            service.post("rate", session_id="s", replay_rate_hz=0)
            service.await_status("s", "completed")
        assert {said(one) for _, one in distinct(read_session(kafka, "s"))} == {said(one) for _, one in distinct(sent)}
    finally:
        server.stop()
