"""History over REST: what was, found again, paged, and taken away as a file."""

from __future__ import annotations

import csv
import io
from typing import cast
from uuid import uuid4

import httpx
import pytest
from tests.integration.operator.stories import anomaly

from fleetops.auth.roles import Role
from fleetops.contracts import ids
from fleetops.contracts.vocabulary import Severity
from fleetops.settings import KafkaSettings

from .eventually import eventually
from .running import OperatorService, detect

Json = dict[str, object]
VEHICLES = 12


@pytest.fixture(scope="module")
def scene(service: OperatorService, embedded_kafka: KafkaSettings) -> str:
    """A scene with a dozen alerts: half of them resolved by an operator, one of those with a comment."""
    scene = f"scene_{uuid4().hex[:6]}"
    cars = [ids.vehicle_id(scene, number) for number in range(VEHICLES)]
    detect(embedded_kafka, *(anomaly(vehicle=car, scene=scene, severity=Severity.CRITICAL) for car in cars))
    program = service.as_program()
    found = eventually(lambda: whole(program, scene), within_s=60)
    for number, alert in enumerate(found[:6]):
        path = f"/alerts/{alert['alert_id']}/actions"
        body = {"action_type": "RESOLVE", "disposition": "false" if number % 2 else "true"}
        if number == 0:
            program.post(path, json={"action_type": "COMMENT", "comment": 'Seen, "twice",\nby bus'})
        assert program.post(path, json=body).status_code == 200
    return scene


def whole(program: httpx.Client, scene: str) -> list[Json] | None:
    """All alerts of the scene, once they are there."""
    alerts = cast("list[Json]", program.get("/alerts", params={"scene_id": scene}).json()["alerts"])
    return alerts if len(alerts) == VEHICLES else None


def test_alerts_and_incidents_are_searched(service: OperatorService, scene: str) -> None:
    """By comment, operator, disposition and time; what fits nothing finds nothing."""
    viewer = service.as_program(Role.VIEWER)
    by = f"token:{_name(service)}"

    def counted(path: str, **wanted: str) -> int:
        answer = viewer.get(f"/{path}", params={"scene_id": scene, **wanted})
        assert answer.status_code == 200
        return len(answer.json()[path])

    assert (counted("alerts"), counted("incidents")) == (12, 6)
    assert (counted("alerts", text="BY BUS"), counted("incidents", text="by bus")) == (1, 1)
    assert (counted("alerts", operator_id=by), counted("incidents", operator_id=by)) == (6, 6)
    assert (counted("alerts", disposition="false"), counted("incidents", disposition="true")) == (3, 3)
    assert (counted("alerts", since="2999-01-01T00:00:00Z"), counted("incidents", until="2999-01-01T00:00:00Z")) == (
        0,
        6,
    )
    assert (counted("alerts", status="RESOLVED"), counted("incidents", action_type="RESOLVE")) == (6, 6)


def test_incidents_are_paged(service: OperatorService, scene: str) -> None:
    """Newest first, neither repeated nor skipped, each with its scene, disposition and evidence."""
    viewer = service.as_program(Role.VIEWER)
    everything = viewer.get("/incidents", params={"scene_id": scene}).json()["incidents"]
    assert {incident["scene_id"] for incident in everything} == {scene}
    assert all(incident["evidence"] and incident["disposition"] for incident in everything)
    first = viewer.get("/incidents", params={"scene_id": scene, "limit": 4}).json()
    second = viewer.get("/incidents", params={"scene_id": scene, "limit": 4, "cursor": first["next"]}).json()
    assert first["incidents"] + second["incidents"] == everything
    assert second["next"] is None


@pytest.mark.parametrize(("what", "key"), [("alerts", "alert_id"), ("incidents", "incident_id")])
def test_an_export_is_what_the_list_shows(service: OperatorService, scene: str, what: str, key: str) -> None:
    """JSON has the list's form; CSV a header and a line for each, with the same filters; both are files."""
    viewer = service.as_program(Role.VIEWER)
    listed = viewer.get(f"/{what}", params={"scene_id": scene}).json()[what]
    answer = viewer.get(f"/{what}/export", params={"scene_id": scene, "format": "json"})
    assert answer.json() == {what: listed}
    assert answer.headers["content-disposition"] == f'attachment; filename="{what}.json"'
    answer = viewer.get(f"/{what}/export", params={"scene_id": scene})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{what}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(row[key], row["scene_id"], row["severity"]) for row in rows] == [
        (one[key], scene, "CRITICAL") for one in listed
    ]
    critical = viewer.get(f"/{what}/export", params={"scene_id": scene, "severity": "INFO"})
    assert len(critical.text.splitlines()) == 1


def test_a_long_export_goes_over_many_pages(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """More than what is read at once comes complete, and each alert once."""
    scene = f"scene_{uuid4().hex[:6]}"
    detect(embedded_kafka, *(anomaly(vehicle=ids.vehicle_id(scene, n), scene=scene) for n in range(1100)))
    viewer = service.as_program(Role.VIEWER)

    def exported() -> set[str] | None:
        text = viewer.get("/alerts/export", params={"scene_id": scene}).text
        rows = [row["alert_id"] for row in csv.DictReader(io.StringIO(text, newline=""))]
        assert len(rows) == len(set(rows))
        return set(rows) if len(rows) == 1100 else None

    assert eventually(exported, within_s=60)


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday", "since=2026-01-01T00:00:00", "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
        "text=", "text=%00", "severity=BAD", "disposition=maybe", "scene_id=%00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/alerts", "/incidents", "/alerts/export", "/incidents/export"])
def test_what_cannot_be_looked_for_is_said_so(service: OperatorService, path: str, query: str) -> None:
    """422 with a problem document, before anything is sent."""
    answer = service.as_program(Role.VIEWER).get(f"{path}?{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def _name(service: OperatorService) -> str:
    """What the operator's token is called."""
    return str(service.as_program().get("/auth/me").json()["operator_id"]).removeprefix("token:")
