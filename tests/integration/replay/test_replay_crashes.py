"""Whatever happens to replay-service or its broker, and whenever: nothing is lost, and nothing is new."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.replay.harness import (
    COMMAND,
    ReplayService,
    Sent,
    read_session,
    running,
    settings_for,
)
from tests.servers.kafka import client_settings
from tests.servers.processes import free_port
from tests.servers.tansu import Tansu

from fleetops.embedded.environment import child_environment
from fleetops.replay.journal import rewind
from fleetops.settings import KafkaSettings, Settings

pytestmark = pytest.mark.broker

FRAMES = 200
RECORDS = 1_100
SCENE = "scene_00002"


def assert_whole(sent: Sent, undisturbed: Sent) -> None:
    """The same distinct records as without any disturbance, and every frame's markers on every partition."""
    assert sent.event_ids == undisturbed.event_ids
    telemetry = {record["event_id"]: record["telemetry"] for record in undisturbed.records}
    assert all(telemetry[record["event_id"]] == record["telemetry"] for record in sent.records)
    assert sent.marked("frame_end") == undisturbed.marked("frame_end")
    assert sent.marked("scene_end") == undisturbed.marked("scene_end")


@pytest.fixture(scope="module")
def undisturbed(service: ReplayService, broker: KafkaSettings) -> Sent:
    """The session `crash` as it should be."""
    service.post("start", scene_ids=[SCENE], replay_rate_hz=0, session_id="crash")
    service.await_status("crash", "completed")
    sent = read_session(broker, "crash")
    assert (len(sent.event_ids), len(sent.marked("frame_end"))) == (RECORDS, FRAMES)
    return sent


@pytest.fixture
def tansu(tmp_path: Path) -> Iterator[Tansu]:
    """An embedded broker that may be killed."""
    server = Tansu.start(tmp_path)
    yield server
    server.stop()


def test_killed_and_restarted_again_and_again_a_session_is_whole(
    dataset: Path, tmp_path: Path, undisturbed: Sent
) -> None:
    """Kill -9 at four moments of one session; it goes on by itself each time, from about where it was."""
    broker_dir = tmp_path / "broker"
    broker_dir.mkdir()
    server = Tansu.start(broker_dir)
    try:
        kafka = client_settings(server.bootstrap_servers)
        settings = settings_for(kafka, dataset, tmp_path / "data")
        with running(settings) as service:
            service.post("start", scene_ids=[SCENE], replay_rate_hz=60, session_id="crash")
            service.await_that("crash", lambda state: (state["current_frame"] or 0) >= 3)
            service.kill()
        for frame in (40, 90, 170):
            with running(settings) as service:
                service.await_that("crash", lambda state, frame=frame: (state["current_frame"] or 0) >= frame)
                service.kill()
        with running(settings) as service:
            state = service.await_status("crash", "completed")
        sent = read_session(kafka, "crash")
    finally:
        server.stop()
    assert_whole(sent, undisturbed)
    assert len(sent.records) > RECORDS, "no kill came in the middle: this test did not test anything"
    assert len(sent.records) < 2 * RECORDS, "it began from the start instead of going on"
    assert state["records_sent"] == RECORDS


def test_terminated_a_session_goes_on_at_the_next_start(
    dataset: Path, tmp_path: Path, tansu: Tansu, undisturbed: Sent
) -> None:
    """SIGTERM ends the process at once with code 0, ends no session, and next to nothing is sent twice."""
    kafka = client_settings(tansu.bootstrap_servers)
    settings = settings_for(kafka, dataset, tmp_path / "data")
    with running(settings) as service:
        service.post("start", scene_ids=[SCENE], replay_rate_hz=60, session_id="crash")
        service.await_that("crash", lambda state: (state["current_frame"] or 0) >= 50)
        code, seconds = service.terminate()
    assert code == 0
    assert seconds < 2
    assert read_session(kafka, "crash").marked("scene_end") == {}
    with running(settings) as service:
        service.await_status("crash", "completed")
    sent = read_session(kafka, "crash")
    assert_whole(sent, undisturbed)
    assert len(sent.records) == RECORDS


def test_paused_stays_paused_through_a_crash(dataset: Path, tmp_path: Path, tansu: Tansu, undisturbed: Sent) -> None:
    """Nothing is sent until somebody resumes it; a rate that was changed is kept, too."""
    kafka = client_settings(tansu.bootstrap_servers)
    settings = settings_for(kafka, dataset, tmp_path / "data")
    with running(settings) as service:
        service.post("start", scene_ids=[SCENE], replay_rate_hz=60, session_id="crash")
        service.await_that("crash", lambda state: (state["current_frame"] or 0) >= 20)
        service.post("pause", session_id="crash")
        service.post("rate", session_id="crash", replay_rate_hz=500)
        service.kill()
    before = len(read_session(kafka, "crash").records)
    with running(settings) as service:
        state = service.status("crash")
        assert (state["status"], state["replay_rate_hz"]) == ("paused", 500)
        time.sleep(0.3)
        assert len(read_session(kafka, "crash").records) == before
        service.post("resume", session_id="crash")
        service.await_status("crash", "completed")
    assert_whole(read_session(kafka, "crash"), undisturbed)


def test_a_session_stopped_after_a_crash_ends_the_scene_that_was_open(
    dataset: Path, tmp_path: Path, tansu: Tansu
) -> None:
    """The new process has sent nothing of the scene itself, and still owes it its end."""
    kafka = client_settings(tansu.bootstrap_servers)
    settings = settings_for(kafka, dataset, tmp_path / "data")
    with running(settings) as service:
        service.post("start", scene_ids=[SCENE], replay_rate_hz=60, session_id="s")
        service.await_that("s", lambda state: state["records_sent"] > 100)
        service.post("pause", session_id="s")
        last = service.status("s")["current_frame"]
        service.await_that("s", lambda state: state["scenes"][0]["acknowledged_frame"] == last)
        service.kill()
    with running(settings) as service:
        service.post("stop", session_id="s")
    ends = read_session(kafka, "s").marked("scene_end")
    assert {frame for _, frame in ends} == {last}
    assert [len(shares) for shares in ends.values()] == [6]


def test_a_broker_that_forgot_everything_gets_the_session_from_its_start(
    dataset: Path, tmp_path: Path, undisturbed: Sent
) -> None:
    """The embedded broker dies; the journal is rewound, and the same ids are sent again, all of them."""
    broker_dir = tmp_path / "broker"
    broker_dir.mkdir()
    server = Tansu.start(broker_dir)
    try:
        kafka = client_settings(server.bootstrap_servers)
        settings = settings_for(kafka, dataset, tmp_path / "data")
        with running(settings) as service:
            service.post("start", scene_ids=[SCENE], replay_rate_hz=60, session_id="crash")
            service.await_that("crash", lambda state: state["records_sent"] > 200)
            server.process.kill()
            server.process.wait()
            code, seconds = service.terminate()
            assert (code, seconds < 2) == (0, True), "without a broker, too, it ends promptly"
        server = server.again()
        rewind(settings.data_dir)
        with running(settings) as service:
            service.await_status("crash", "completed")
        sent = read_session(kafka, "crash")
    finally:
        server.stop()
    assert_whole(sent, undisturbed)
    assert len(sent.records) == RECORDS


def test_a_silent_broker_is_waited_for(dataset: Path, tmp_path: Path, tansu: Tansu, undisturbed: Sent) -> None:
    """Stopped for 7 s the broker answers nothing: the session says so, waits, and then sends what is missing."""
    kafka = client_settings(tansu.bootstrap_servers)
    settings = settings_for(kafka, dataset, tmp_path / "data")
    with running(settings) as service:
        service.post("start", scene_ids=[SCENE], replay_rate_hz=60, session_id="crash")
        service.await_that("crash", lambda state: state["records_sent"] > 200)
        os.kill(tansu.process.pid, signal.SIGSTOP)
        try:
            state = service.await_that("crash", lambda state: not state["kafka_connected"], within_s=15)
            assert (state["status"], "acknowledged nothing" in state["trouble"]) == ("running", True)
            assert service.client.get("/health").json()["status"] == "degraded"
            assert service.client.get("/readyz").status_code == 200
        finally:
            os.kill(tansu.process.pid, signal.SIGCONT)
        state = service.await_status("crash", "completed")
        assert (state["kafka_connected"], state["trouble"]) == (True, None)
    assert_whole(read_session(kafka, "crash"), undisturbed)


def test_records_that_failed_for_good_are_sent_anew(
    dataset: Path, tmp_path: Path, tansu: Tansu, undisturbed: Sent
) -> None:
    """When the client library gives up on records, the session begins again behind the last frame that is through."""
    impatient = {"delivery.timeout.ms": "1500", "request.timeout.ms": "1000"}
    kafka = client_settings(tansu.bootstrap_servers).model_copy(update={"client_options": impatient})
    settings = settings_for(kafka, dataset, tmp_path / "data")
    with running(settings) as service:
        service.post("start", scene_ids=[SCENE], replay_rate_hz=60, session_id="crash")
        service.await_that("crash", lambda state: state["records_sent"] > 200)
        os.kill(tansu.process.pid, signal.SIGSTOP)
        try:
            state = service.await_that("crash", lambda state: not state["kafka_connected"], within_s=20)
            assert "not delivered" in state["trouble"]
        finally:
            os.kill(tansu.process.pid, signal.SIGCONT)
        state = service.await_status("crash", "completed")
        assert state["records_sent"] == RECORDS
        assert "replay_interrupted" in {event["event_type"] for event in service.log()}
    assert_whole(read_session(kafka, "crash"), undisturbed)


def test_a_session_of_another_dataset_is_not_gone_on_with(dataset: Path, tmp_path: Path, tansu: Tansu) -> None:
    """Its frames would be others under the same ids: it fails and says why; the service runs."""
    kafka = client_settings(tansu.bootstrap_servers)
    settings = settings_for(kafka, dataset, tmp_path / "data")
    with running(settings) as service:
        service.post("start", scene_ids=[SCENE], replay_rate_hz=5, session_id="s")
        service.kill()
    (journal,) = (settings.data_dir / "replay" / "sessions").glob("s.json")
    journal.write_text(journal.read_text().replace("sha256:", "sha256:0000"))
    with running(settings) as service:
        state = service.status("s")
    assert (state["status"], "it replayed dataset sha256:0000" in state["reason"]) == ("failed", True)


def test_a_dataset_that_breaks_in_the_middle_fails_the_session_and_ends_its_scene(
    dataset: Path, tmp_path: Path, tansu: Tansu
) -> None:
    """A damaged chunk is no reason to send less in silence: `failed`, with the reason, and a scene_end."""
    kafka = client_settings(tansu.bootstrap_servers)
    copy = tmp_path / "copy.zarr"
    shutil.copytree(dataset, copy)
    with running(settings_for(kafka, copy, tmp_path / "data")) as service:
        chunks = sorted((copy / "agents").glob("[0-9]*"), key=lambda path: int(path.name))
        chunks[-1].write_bytes(b"\x00" * 10)
        service.post("start", scene_ids=[SCENE], replay_rate_hz=0, session_id="s")
        state = service.await_status("s", "failed")
        assert "agents" in state["reason"]
        service.post("start", scene_ids=["scene_00000"], replay_rate_hz=0, session_id="other")
        service.await_status("other", "completed")
    sent = read_session(kafka, "s")
    ends = sent.marked("scene_end")
    assert [len(shares) for shares in ends.values()] == ([6] if sent.records else [])


def _exit_of(settings: Settings, folder: Path) -> tuple[int, str]:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        COMMAND, cwd=folder, env=child_environment(settings), capture_output=True, timeout=60, check=False
    )
    return done.returncode, done.stderr.decode()


def test_what_keeps_the_service_from_starting_has_a_code_and_a_message(
    dataset: Path, tmp_path: Path, tansu: Tansu
) -> None:
    """A missing dataset is 3, an unreachable broker 4, listening beyond loopback without a token 2."""
    kafka = client_settings(tansu.bootstrap_servers)
    settings = settings_for(kafka, dataset, tmp_path / "data")
    replay = settings.replay
    cases = [
        (
            settings.model_copy(update={"replay": replay.model_copy(update={"dataset": tmp_path / "nowhere.zarr"})}),
            3,
            "nowhere.zarr",
        ),
        (
            settings.model_copy(
                update={"kafka": KafkaSettings(bootstrap_servers=f"127.0.0.1:{free_port()}", timeout_s=1)}
            ),
            4,
            "no answer from Kafka",
        ),
        (
            settings.model_copy(
                update={"replay": replay.model_copy(update={"host": "0.0.0.0"}), "service_token": None}
            ),
            2,
            "FLEETOPS_SERVICE_TOKEN",
        ),
    ]
    for broken, code, words in cases:
        exit_code, said = _exit_of(broken, tmp_path / "cwd")
        assert (exit_code, words in " ".join(said.split())) == (code, True), said
        assert "Traceback" not in said
