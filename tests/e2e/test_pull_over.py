"""An operator pulls a vehicle over in the demo, and operator-service dies in the middle of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.running_demo import RunningDemo
from tests.integration.operator_api.eventually import eventually
from tests.integration.replay.commanding import PULL_OVER, RESUME, speeds, track_of
from tests.integration.replay.harness import Sent, read_session
from tests.servers.kafka import client_settings
from tests.servers.processes import free_port
from tests.servers.tansu import Tansu
from tests.unit.dataset.writer import Agent, Frame, Scene, write_dataset

from fleetops.settings import KafkaSettings

pytestmark = pytest.mark.broker

SESSION = "session_pulled_over"
CAR = "scene_00000_track_1"
FRAMES = 1_200
BRAKES_AT, BRAKED_AT = 60, 70
RATE_HZ = 20.0
DELAY_S = 5.0
PATIENCE_S = 90.0

Alert = dict[str, Any]


def street() -> Scene:
    """Two minutes of a street: a car brakes hard from 14 to 8 m/s and drives on; another and the ego just drive."""
    frames, x, speed = [], 40.0, 14.0
    for frame in range(FRAMES):
        if BRAKES_AT <= frame < BRAKED_AT:
            speed -= 0.6
        elif frame >= BRAKED_AT + 20:
            speed = min(14.0, speed + 0.1)
        x += speed / 10
        others = Agent(track_id=2, x=-60.0 + 1.2 * frame, y=3.5, vx=12.0)
        frames.append(Frame([Agent(track_id=1, x=x, vx=speed), others], ego=(1.2 * frame, -3.5, 0.0)))
    return Scene(frames)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[KafkaSettings]:
    """A broker whose address is known, so that what was sent can be read in the end."""
    (tmp_path / "broker").mkdir()
    server = Tansu.start(tmp_path / "broker")
    yield client_settings(server.bootstrap_servers)
    server.stop()


def test_a_pull_over_outlives_operator_service(cluster: KafkaSettings, database_url: str, tmp_path: Path) -> None:
    """It brakes at 2 m/s2 and stands; the alert is resolved although operator-service was killed; it drives on.

    One incident is written, the way has no jump, and none of it raises an alert.
    """
    dataset = write_dataset(tmp_path / "street.zarr", [street()])
    port = free_port()
    environment = {
        "FLEETOPS_KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
        "FLEETOPS_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "FLEETOPS_KAFKA__HEARTBEAT_INTERVAL_MS": "1000",
        "FLEETOPS_DATABASE_URL": database_url,
        "FLEETOPS_OPERATOR__PORT": str(port),
        "FLEETOPS_OPERATOR__PULL_OVER_DELAY_S": str(DELAY_S),
    }
    arguments = ("--dataset", str(dataset), "--rate", str(RATE_HZ), "--session-id", SESSION, "--rules", "calibrated")
    with RunningDemo(tmp_path / "data", *arguments, environment=environment) as demo:
        with sign_in(demo.wait_for("ready: (http.*)")[1]) as operator:
            alert = wait_for(lambda: first([a for a in alerts_of(operator, CAR) if not a["condition_active"]]))
            pulled = act(operator, alert, "PULL_OVER_SIMULATED")
            assert pulled["vehicle"]["current_state"] == "UNDER_INTERVENTION"
            assert pulled["alert"]["alert_status"] == "OPEN"
            demo.child("fleetops.cli operator").kill()
            demo.wait_for("operator-service is back")

            resolved = wait_for(lambda: first(alerts_of(operator, CAR, "RESOLVED")))
            assert (resolved["alert_id"], resolved["resolved_by"]) == (alert["alert_id"], "operator_001")
            (incident,) = operator.get(f"/vehicles/{CAR}/history").json()["incidents"]
            assert incident["resolved_action_type"] == "PULL_OVER_SIMULATED"
            assert incident["resolved_at"] >= pulled["vehicle"]["intervention"]["completes_at"]
            wait_for(lambda: speed_now(operator) == 0.0)
            assert operator.get(f"/vehicles/{CAR}").json()["vehicle"]["current_state"] == "UNDER_INTERVENTION"

            resumed = act(operator, alert, "RESUME_SIMULATION")
            assert resumed["vehicle"]["current_state"] == "NORMAL"
            wait_for(lambda: (speed_now(operator) or 0.0) > 5.0)
            assert [one["alert_id"] for one in alerts_of(operator, None)] == [alert["alert_id"]], (
                "something else was wrong"
            )
            assert alerts_of(operator, CAR)[0]["occurrences"] == alert["occurrences"]
            assert len(operator.get(f"/vehicles/{CAR}/history").json()["incidents"]) == 1
        sent = read_session(cluster, SESSION)
        demo.ctrl_c()
        assert demo.exit_code() == 130
    check_the_way(sent)


def check_the_way(sent: Sent) -> None:
    """It brakes at 2 m/s2, stands, and drives on from there: every frame is there, and no step is too long."""
    track = track_of(sent, CAR)
    speed = speeds(track)
    marks = {record["frame_index"]: record["metadata"]["intervention"] for record in track}
    assert list(marks) == list(range(len(track)))
    begun = min(frame for frame, mark in marks.items() if mark == PULL_OVER)
    goes_on = min(frame for frame, mark in marks.items() if mark == RESUME)
    for before, frame in itertools.pairwise(range(begun - 1, goes_on)):
        assert speed[frame] == pytest.approx(max(0.0, speed[before] - 0.2), abs=0.003)
    assert speed[goes_on - 1] == 0.0
    assert all(
        -0.003 <= speed[after] - speed[before] <= 0.2
        for before, after in itertools.pairwise(range(goes_on, len(track)))
    )
    xs = [record["telemetry"]["position"]["x"] for record in track]
    assert all(0 <= after - before <= 1.4 + 0.003 for before, after in itertools.pairwise(xs))


@contextmanager
def sign_in(link: str) -> Iterator[httpx.Client]:
    """The operator's browser."""
    origin = link.partition("/auth")[0]
    with httpx.Client(base_url=origin, headers={"Origin": origin}, timeout=20, trust_env=False) as client:
        assert client.get(link).status_code == 303
        yield client


def act(operator: httpx.Client, alert: Alert, action: str) -> Any:
    """The operator's word on an alert."""
    answer = operator.post(f"/alerts/{alert['alert_id']}/actions", json={"action_type": action})
    assert answer.status_code == 200, answer.text
    return answer.json()


def alerts_of(operator: httpx.Client, vehicle: str | None, status: str | None = None) -> list[Alert]:
    """Alerts, of one vehicle and status where they are given."""
    wanted = {"vehicle_id": vehicle, "status": status}
    answer = operator.get("/alerts", params={name: value for name, value in wanted.items() if value is not None})
    found: list[Alert] = answer.json()["alerts"]
    return found


def first(alerts: list[Alert]) -> Alert | None:
    """The newest, if any."""
    return alerts[0] if alerts else None


def speed_now(operator: httpx.Client) -> float | None:
    """What the console shows, in m/s; None while nothing was received."""
    frames = operator.get(f"/vehicles/{CAR}/telemetry?limit=1").json()["frames"]
    return float(frames[-1]["speed"]) if frames else None


def wait_for(look: Callable[[], Any]) -> Any:
    """What `look` finds, once it does."""
    return eventually(look, PATIENCE_S)
