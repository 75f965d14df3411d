"""`fleetops demo` on the real scene: it runs, it ends, it survives, it leaves nothing behind."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from tests.e2e.running_demo import RunningDemo, all_gone, remove_outside
from tests.servers.tansu import Tansu

pytestmark = [pytest.mark.sample, pytest.mark.broker]

SESSION = "session_of_the_tests"
PROMPT_S = 20.0  # four services and servers, one after the other, on a machine that is busy
FULL_SPEED = ("--rate", "0", "--session-id", SESSION, "--exit-when-done")
FIVEFOLD = ("--rate", "50", "--session-id", SESSION, "--exit-when-done")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One data directory for all: its database is made once, and its history is to be kept."""
    folder = tmp_path_factory.mktemp("demo")
    yield folder
    remove_outside(folder)


@pytest.fixture(scope="module")
def undisturbed(data_dir: Path, l5kit_sample: Path) -> set[str]:
    """The anomaly ids of a run that nobody disturbed."""
    with RunningDemo(data_dir, "--dataset", str(l5kit_sample), *FULL_SPEED) as demo:
        assert demo.exit_code() == 0, demo.output
        assert "detection has seen all of it" in demo.output
        assert "6,021 records, replay completed" in demo.output
        assert demo.output.count("ready: http://127.0.0.1:") == 1
        assert "memory: the embedded broker will keep up to about" in demo.output
        ids = demo.anomaly_ids()
        shown = [line for line in demo.output.splitlines() if "  ACTIVE  " in line or "  CLEARED  " in line]
        assert len(shown) == len(ids) > 0
    _forget_logs(data_dir)
    return ids


def _forget_logs(data_dir: Path) -> None:
    for log in (data_dir / "logs").glob("*.log"):
        log.unlink()


def _eventually(holds: Callable[[], bool], within_s: float = 30.0) -> bool:
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_ctrl_c_ends_everything_and_the_next_start_works(
    data_dir: Path, l5kit_sample: Path, undisturbed: set[str]
) -> None:
    """While it runs no second one may; SIGINT to the group ends it with 130 and a summary; then another can start."""
    arguments = ("--dataset", str(l5kit_sample), "--rate", "5")
    with RunningDemo(data_dir, *arguments) as demo:
        demo.wait_for("ready: ")
        with RunningDemo(data_dir, *arguments) as second:
            assert second.exit_code() == 2
            assert f"process {demo.process.pid}" in second.output
            assert "--data-dir" in second.output
        demo.wait_for("ACTIVE")
        family = demo.family()
        assert len(family) >= 5
        began_s = time.monotonic()
        demo.ctrl_c()
        assert demo.exit_code() == 130
        assert time.monotonic() - began_s < PROMPT_S
        assert "Anomalies raised" in demo.output
        assert "replay stopped" in demo.output
        assert "Traceback" not in demo.output
        assert all_gone(family)


def test_a_browser_and_the_person_can_both_sign_in(
    data_dir: Path, tmp_path: Path, l5kit_sample: Path, undisturbed: set[str]
) -> None:
    """The browser gets a page whose link works, no secret in its arguments; the `ready:` link works as well."""
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho \"$@\" > '{tmp_path}/given'\n")
    browser.chmod(0o700)
    environment = {"BROWSER": str(browser), "DISPLAY": ":0"}
    with RunningDemo(data_dir, "--dataset", str(l5kit_sample), "--browser", environment=environment) as demo:
        printed = demo.wait_for("ready: (http.*)")[1]
        assert _eventually((tmp_path / "given").exists)
        page = data_dir / "open_console.html"
        assert _eventually(lambda: (tmp_path / "given").read_text().strip() == page.as_uri())
        found = re.search(r'href="(.*?)"', page.read_text())
        assert found is not None
        assert found[1] != printed
        for link in (found[1], printed):
            assert httpx.get(link, trust_env=False).status_code == 303
        demo.ctrl_c()
        assert demo.exit_code() == 130
    assert not page.exists()


def test_kill_9_leaves_nothing_and_history_stays(data_dir: Path, l5kit_sample: Path, undisturbed: set[str]) -> None:
    """Servers, services and their children die with the demo; the next one closes its session and keeps the data."""
    arguments = ("--dataset", str(l5kit_sample), "--rate", "5", "--session-id", "session_killed")
    with RunningDemo(data_dir, *arguments) as demo:
        demo.wait_for("ACTIVE")
        family = demo.family()
        demo.process.kill()
        assert all_gone(family)
    with RunningDemo(data_dir, "--dataset", str(l5kit_sample), *FULL_SPEED) as demo:
        assert demo.exit_code() == 0, demo.output
        assert "ending session session_killed, left open by an earlier run" in demo.output


def test_a_killed_detector_is_started_again_and_misses_nothing(
    data_dir: Path, l5kit_sample: Path, undisturbed: set[str]
) -> None:
    """A death is told with its reason, and the anomalies are those of an undisturbed run."""
    _forget_logs(data_dir)
    with RunningDemo(data_dir, "--dataset", str(l5kit_sample), *FIVEFOLD) as demo:
        demo.wait_for("ACTIVE")
        demo.child("fleetops.cli anomaly").kill()
        demo.wait_for("anomaly-service was ended by SIGKILL; starting it again")
        demo.wait_for("anomaly-service is back")
        assert demo.exit_code() == 0, demo.output
        assert demo.anomaly_ids() == undisturbed


def test_a_killed_broker_costs_time_but_no_anomaly(data_dir: Path, l5kit_sample: Path, undisturbed: set[str]) -> None:
    """The broker forgets everything; the session begins again with the same ids, and each is shown once."""
    _forget_logs(data_dir)
    with RunningDemo(data_dir, "--dataset", str(l5kit_sample), *FIVEFOLD) as demo:
        demo.wait_for("ACTIVE")
        demo.child("tansu").kill()
        demo.wait_for("the broker is back, empty")
        assert demo.exit_code() == 0, demo.output
        assert demo.anomaly_ids() == undisturbed
        shown = [line for line in demo.output.splitlines() if "  ACTIVE  " in line or "  CLEARED  " in line]
        assert len(shown) == len(undisturbed)


def test_killed_postgres_and_services_come_back(data_dir: Path, l5kit_sample: Path, undisturbed: set[str]) -> None:
    """The database and the other two services are looked after as well."""
    with RunningDemo(data_dir, "--dataset", str(l5kit_sample), *FIVEFOLD) as demo:
        demo.wait_for("ACTIVE")
        demo.child("fleetops.cli replay").kill()
        demo.wait_for("replay-service is back")
        demo.child("bin/postgres -D").kill()
        demo.wait_for("PostgreSQL is back")
        demo.child("fleetops.cli operator").kill()
        demo.wait_for("operator-service is back")
        assert demo.exit_code() == 0, demo.output


def test_sigterm_ends_it_cleanly_while_it_starts(data_dir: Path, l5kit_sample: Path, undisturbed: set[str]) -> None:
    """A stop that comes before anything is ready is obeyed too, with the code that a service manager expects."""
    with RunningDemo(data_dir, "--dataset", str(l5kit_sample)) as demo:
        demo.wait_for("PostgreSQL is ready")
        assert _eventually(lambda: len(demo.family()) >= 3)
        family = demo.family()
        demo.process.send_signal(signal.SIGTERM)
        assert demo.exit_code() == 128 + signal.SIGTERM
        assert all_gone(family)


def test_a_cluster_and_a_database_of_ones_own_are_used(
    tmp_path: Path, l5kit_sample: Path, undisturbed: set[str], database_url: str
) -> None:
    """Where both are named nothing is embedded, the topics are made there, and the anomalies are the same."""
    cluster = Tansu.start(tmp_path)
    environment = {
        "FLEETOPS_KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
        "FLEETOPS_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "FLEETOPS_KAFKA__HEARTBEAT_INTERVAL_MS": "1000",
        "FLEETOPS_DATABASE_URL": database_url,
    }
    try:
        arguments = ("--dataset", str(l5kit_sample), *FULL_SPEED)
        with RunningDemo(tmp_path / "data", *arguments, environment=environment) as demo:
            assert demo.exit_code() == 0, demo.output
            assert f"using Kafka at {cluster.bootstrap_servers}" in demo.output
            assert "embedded" not in demo.output
            assert demo.anomaly_ids() == undisturbed
    finally:
        cluster.stop()
    assert not (tmp_path / "data" / "postgres").exists()


def test_a_cluster_that_does_not_answer_is_told(tmp_path: Path, l5kit_sample: Path) -> None:
    """The address and the setting are named, with the exit code of a broker error."""
    environment = {"FLEETOPS_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1", "FLEETOPS_KAFKA__TIMEOUT_S": "1"}
    with RunningDemo(tmp_path, "--dataset", str(l5kit_sample), environment=environment) as demo:
        assert demo.exit_code() == 4, demo.output
    assert "no answer from Kafka at 127.0.0.1:1" in demo.output
    assert "Traceback" not in demo.output


def test_a_taken_port_is_told_before_anything_starts(tmp_path: Path, l5kit_sample: Path) -> None:
    """The message names the port, the service and the setting that moves it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        environment = {"FLEETOPS_ANOMALY__PORT": str(port)}
        with RunningDemo(tmp_path, "--dataset", str(l5kit_sample), environment=environment) as demo:
            assert demo.exit_code() == 2
    assert f"port {port} on 127.0.0.1, where anomaly-service is to listen, is taken" in demo.output
    assert "FLEETOPS_ANOMALY__PORT" in demo.output
    assert "starting" not in demo.output


def _missing(folder: Path) -> tuple[str, ...]:
    return "--dataset", str(folder / "nowhere.zarr")


def _foreign(folder: Path) -> tuple[str, ...]:
    (folder / "photos").mkdir()
    return "--dataset", str(folder / "photos")


def _zarr_v3(folder: Path) -> tuple[str, ...]:
    (folder / "v3.zarr").mkdir()
    (folder / "v3.zarr" / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    return "--dataset", str(folder / "v3.zarr")


@pytest.mark.parametrize(
    ("arrange", "code", "words"),
    [
        (_missing, 3, "nowhere.zarr"),
        (_foreign, 3, "expected"),
        (_zarr_v3, 3, "zarr format 2"),
    ],
)
def test_what_is_wrong_with_the_dataset_is_said_first(
    tmp_path: Path, arrange: Callable[[Path], tuple[str, ...]], code: int, words: str
) -> None:
    """Before any server starts, in words and with the exit code of the error, without a traceback."""
    with RunningDemo(tmp_path / "data", *arrange(tmp_path)) as demo:
        assert demo.exit_code() == code, demo.output
    assert words in demo.output
    assert "Traceback" not in demo.output
    assert not (tmp_path / "data" / "logs" / "broker.log").exists()
