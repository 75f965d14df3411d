"""Bulk actions and assignments over REST: one request, one transaction, an answer for each."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import cast
from uuid import uuid4

import httpx
from tests.integration.operator.stories import anomaly

from fleetops.auth.roles import Role
from fleetops.contracts import ids
from fleetops.contracts.vocabulary import AnomalyType
from fleetops.settings import KafkaSettings

from .eventually import eventually
from .running import OperatorService, detect

Json = dict[str, object]


def alerts_of(service: OperatorService, kafka: KafkaSettings, vehicles: int) -> list[Json]:
    """One new alert on each of so many vehicles that nobody has seen before."""
    scene = f"scene_{uuid4().hex[:6]}"
    cars = [ids.vehicle_id(scene, number) for number in range(vehicles)]
    detect(kafka, *(anomaly(vehicle=car, scene=scene) for car in cars))
    program = service.as_program(Role.VIEWER)

    def all_there() -> list[Json] | None:
        found: list[Json] = []
        cursor: str | None = None
        while True:
            parameters: dict[str, str | int] = {"limit": 500, "status": "OPEN"}
            if cursor:
                parameters["cursor"] = cursor
            page = program.get("/alerts", params=parameters).json()
            found += [alert for alert in page["alerts"] if alert["scene_id"] == scene]
            cursor = page["next"]
            if cursor is None:
                return found if len(found) == vehicles else None

    return eventually(all_there, within_s=60)


def bulk(client: httpx.Client, alerts: list[Json], action: str, **rest: object) -> httpx.Response:
    """One action on all of these."""
    return client.post(
        "/alerts/bulk", json={"action_type": action, "alert_ids": [alert["alert_id"] for alert in alerts], **rest}
    )


def test_a_thousand_are_acknowledged_by_one_request(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """Each is answered for, in the order asked; asked again, nothing is done twice. How long it took is printed."""
    alerts = alerts_of(service, embedded_kafka, 1000)
    person = service.as_person()
    began = time.monotonic()
    answer = bulk(person, alerts, "ACKNOWLEDGE")
    took = time.monotonic() - began
    print(f"1,000 acknowledges in one request: {took * 1000:.0f} ms")  # noqa: T201 - the figure is the point
    assert answer.status_code == 200
    result = answer.json()
    assert (result["executed"], result["unchanged"], result["refused"]) == (1000, 0, 0)
    assert [one["alert_id"] for one in result["results"]] == [alert["alert_id"] for alert in alerts]
    assert {(one["alert_status"], one["version"]) for one in result["results"]} == {("ACKNOWLEDGED", 2)}
    assert len({one["action_id"] for one in result["results"]}) == 1000
    again = bulk(person, alerts, "ACKNOWLEDGE").json()
    assert (again["executed"], again["unchanged"]) == (0, 1000)


def test_what_is_refused_says_why_and_how_it_stands(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """Stale, another's and unknown ones carry a problem document; a supervisor may do it to others' alerts too."""
    stale, others, fine = alerts_of(service, embedded_kafka, 3)
    second = service.as_person("operator_002")
    assert second.post(f"/alerts/{others['alert_id']}/assign", json={}).status_code == 200
    nobody: Json = {"alert_id": str(uuid4())}
    wanted = [stale, others, nobody, fine, fine]
    first = service.as_person()
    result = bulk(first, wanted, "ACKNOWLEDGE", versions={stale["alert_id"]: 9}).json()
    assert [one["status"] for one in result["results"]] == ["refused", "refused", "refused", "executed"]
    kinds = [one["problem"] and (one["problem"]["status"], one["problem"]["type"]) for one in result["results"]]
    assert kinds == [
        (409, "urn:fleetops:error:stale-version"),
        (403, "urn:fleetops:error:permission-denied"),
        (404, "urn:fleetops:error:not-found"),
        None,
    ]
    assert result["results"][0]["alert"] == stale
    assert result["results"][1]["alert"]["assigned_operator_id"] == "operator_002"
    boss = service.as_program(Role.SUPERVISOR)
    assert bulk(boss, [others], "ACKNOWLEDGE").json()["executed"] == 1


def test_a_bulk_request_sent_again_under_its_key_is_done_once(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Comments would pile up otherwise."""
    alerts = alerts_of(service, embedded_kafka, 2)
    program = service.as_program()
    program.headers["Idempotency-Key"] = str(uuid4())
    answers = [bulk(program, alerts, "COMMENT", comment="Seen from above") for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    done = service.as_program().get(f"/alerts/{alerts[0]['alert_id']}").json()["actions"]
    assert [action["metadata"]["comment"] for action in done] == ["Seen from above"]
    assert bulk(program, alerts, "COMMENT", comment="Something else").status_code == 422


def test_bulk_actions_are_done_in_ones_own_name(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """A forged operator_id is 403, and no alert is touched; too many or no ids are 422."""
    alerts = alerts_of(service, embedded_kafka, 1)
    boss = service.as_program(Role.SUPERVISOR)
    assert bulk(boss, alerts, "ACKNOWLEDGE", operator_id="operator_002").status_code == 403
    assert bulk(boss, [], "ACKNOWLEDGE").status_code == 422
    assert bulk(boss, [{"alert_id": str(uuid4())} for _ in range(1001)], "ACKNOWLEDGE").status_code == 422
    assert boss.get(f"/alerts/{alerts[0]['alert_id']}").json()["alert"] == alerts[0]


def test_a_supervisor_gives_an_alert_to_another(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """By all three ways; an operator may only take it, and nobody gets it who cannot act."""
    one, two, three = alerts_of(service, embedded_kafka, 3)
    service.as_person("operator_002")
    boss, person = service.as_program(Role.SUPERVISOR), service.as_person()
    to_her = {"assignee_id": "operator_002"}
    for path, body in (
        (f"/alerts/{one['alert_id']}/assign", to_her),
        (f"/alerts/{two['alert_id']}/actions", {"action_type": "ASSIGN_OPERATOR", **to_her}),
        ("/alerts/bulk", {"action_type": "ASSIGN_OPERATOR", "alert_ids": [three["alert_id"]], **to_her}),
    ):
        assert person.post(path, json=body).status_code == 403
        assert boss.post(path, json={**body, "assignee_id": "nobody"}).status_code == 422
        assert boss.post(path, json=body).status_code == 200
    for alert in (one, two, three):
        detail = boss.get(f"/alerts/{alert['alert_id']}").json()
        assert detail["alert"]["assigned_operator_id"] == "operator_002"
        (action,) = detail["actions"]
        assert cast("Json", action["metadata"])["assigned_operator_id"] == "operator_002"
        assert action["operator_id"].startswith("token:")


def test_of_two_at_once_one_pulls_over_and_the_other_sees_how_it_stands(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Two alerts of one vehicle, two people, the same moment: one command goes out, the other is 409."""
    vehicle = ids.vehicle_id("scene_001", uuid4().int % 1_000_000)
    detect(embedded_kafka, *(anomaly(vehicle=vehicle, kind=kind) for kind in list(AnomalyType)[:2]))
    program = service.as_program(Role.VIEWER)

    def both() -> list[Json] | None:
        found = cast("list[Json]", program.get("/alerts", params={"vehicle_id": vehicle}).json()["alerts"])
        return found if len(found) == 2 else None

    alerts = eventually(both)
    people = [service.as_person("operator_001"), service.as_person("operator_002")]

    def pull_over(number: int) -> httpx.Response:
        path = f"/alerts/{alerts[number]['alert_id']}/actions"
        return people[number].post(path, json={"action_type": "PULL_OVER_SIMULATED"})

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(pull_over, range(2)), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    shown = answers[1].json()["alert"]
    assert "PULL_OVER_SIMULATED" not in shown["allowed_actions"]
    assert shown["version"] == 2
