"""REST as an operator's program meets it: from an anomaly on Kafka to what people did about it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import cast
from uuid import uuid4

import httpx
import pytest
from tests.integration.operator.stories import anomaly
from tests.unit.operator.live.records import telemetry

from fleetops.auth.roles import Role
from fleetops.contracts import ids, topics
from fleetops.contracts.vocabulary import AnomalyStatus, AnomalyType, Severity
from fleetops.settings import KafkaSettings

from .eventually import eventually
from .running import OperatorService, detect, send

Json = dict[str, object]


def alert_of(program: httpx.Client, vehicle: str, **conditions: object) -> Json:
    """The newest alert of a vehicle that meets the conditions, waited for."""

    def look() -> Json | None:
        alerts = program.get("/alerts", params={"vehicle_id": vehicle}).json()["alerts"]
        fitting = [alert for alert in alerts if all(alert[name] == value for name, value in conditions.items())]
        return cast("Json", fitting[0]) if fitting else None

    return eventually(look)


def fresh_alert(service: OperatorService, kafka: KafkaSettings, severity: Severity = Severity.WARNING) -> Json:
    """A new alert of a vehicle that nobody has seen before."""
    vehicle = ids.vehicle_id("scene_001", uuid4().int % 1_000_000)
    detect(kafka, anomaly(vehicle=vehicle, severity=severity))
    return alert_of(service.as_program(), vehicle)


def test_an_anomaly_on_kafka_becomes_an_alert_with_its_evidence(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """The plan's shapes, name by name: list, detail, vehicle."""
    vehicle = ids.vehicle_id("scene_001", 456)
    detect(embedded_kafka, anomaly(42, vehicle=vehicle), anomaly(44, vehicle=vehicle, severity=Severity.CRITICAL))
    program = service.as_program(Role.VIEWER)
    alert = alert_of(program, vehicle, occurrences=2)
    assert (alert["alert_status"], alert["severity"], alert["triggered_rule"]) == (
        "OPEN", "CRITICAL", "decel_threshold_exceeded",
    )  # fmt: skip
    detail = program.get(f"/alerts/{alert['alert_id']}").json()
    assert detail["alert"] == alert
    assert detail["anomaly"]["severity"] == "WARNING"
    assert detail["evidence_anomaly"]["evidence"]["velocity_history"] == [13.5, 5.0]
    assert detail["vehicle"]["current_state"] == "ALERTING"
    assert detail["actions"] == []
    seen = program.get(f"/vehicles/{vehicle}").json()
    assert seen["vehicle"] == detail["vehicle"]
    assert seen["current_alerts"] == [alert]
    assert program.get("/vehicles", params={"vehicle_id": vehicle}).json() == {
        "vehicles": [detail["vehicle"]], "next": None,
    }  # fmt: skip


def test_acknowledge_assign_and_pull_over_answer_as_agreed(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """The three commands of the plan, by the signed-in operator, and the trace that they leave."""
    alert = fresh_alert(service, embedded_kafka, Severity.CRITICAL)
    person, path = service.as_person(), f"/alerts/{alert['alert_id']}"
    body = {"operator_id": "operator_001"}
    acknowledged = person.post(f"{path}/acknowledge", json=body).json()
    assert (acknowledged["alert_id"], acknowledged["status"]) == (alert["alert_id"], "ACKNOWLEDGED")
    assigned = person.post(f"{path}/assign", json=body).json()
    assert (assigned["alert_id"], assigned["assigned_operator_id"]) == (alert["alert_id"], "operator_001")
    pulled = person.post(f"{path}/actions", json={**body, "action_type": "PULL_OVER_SIMULATED"}).json()
    assert pulled["status"] == "executed"
    assert pulled["vehicle"]["current_state"] == "UNDER_INTERVENTION"
    detail = person.get(path).json()
    assert [action["action_type"] for action in detail["actions"]] == [
        "ACKNOWLEDGE", "ASSIGN_OPERATOR", "PULL_OVER_SIMULATED",
    ]  # fmt: skip
    assert {action["operator_id"] for action in detail["actions"]} == {"operator_001"}
    assert detail["actions"][2]["action_id"] == pulled["action_id"]
    resolved = eventually(lambda: _resolved(person, path), within_s=20)  # the simulated delay is 5 s
    assert resolved["vehicle"]["current_state"] == "UNDER_INTERVENTION"
    incidents = person.get(f"/vehicles/{alert['vehicle_id']}/history").json()["incidents"]
    assert [incident["resolved_action_type"] for incident in incidents] == ["PULL_OVER_SIMULATED"]
    assert incidents[0]["evidence"]
    resumed = person.post(f"{path}/actions", json={"action_type": "RESUME_SIMULATION"}).json()
    assert resumed["vehicle"]["current_state"] == "NORMAL"


def _resolved(person: httpx.Client, path: str) -> dict[str, Json] | None:
    detail = person.get(path).json()
    return cast("dict[str, Json]", detail) if detail["alert"]["alert_status"] == "RESOLVED" else None


@pytest.mark.parametrize(
    ("command", "body"),
    [("acknowledge", {}), ("assign", {}), ("actions", {"action_type": "PULL_OVER_SIMULATED"})],
)
def test_nobody_acts_in_anothers_name(
    service: OperatorService, embedded_kafka: KafkaSettings, command: str, body: Json
) -> None:
    """A forged operator_id is 403, for people and programs, and nothing has happened."""
    alert = fresh_alert(service, embedded_kafka)
    path = f"/alerts/{alert['alert_id']}"
    for client in (service.as_person(), service.as_program(Role.SUPERVISOR)):
        forged = client.post(f"{path}/{command}", json={**body, "operator_id": "operator_002"})
        assert forged.status_code == 403
        assert forged.json()["type"] == "urn:fleetops:error:permission-denied"
        detail = client.get(path).json()
        assert (detail["alert"], detail["actions"]) == (alert, [])


def test_of_two_operators_one_wins_and_the_other_is_shown_how_it_stands(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """A stale version, in the body or in If-Match, is 409 and carries the alert as it is now."""
    alert = fresh_alert(service, embedded_kafka)
    path = f"/alerts/{alert['alert_id']}"
    first, second = service.as_person("operator_001"), service.as_person("operator_002")
    won = first.post(f"{path}/acknowledge", json={"version": alert["version"]})
    assert won.status_code == 200
    for lost in (
        second.post(f"{path}/assign", json={"version": alert["version"]}),
        second.post(f"{path}/assign", json={}, headers={"If-Match": f'"{alert["version"]}"'}),
    ):
        assert lost.status_code == 409
        assert lost.headers["content-type"] == "application/problem+json"
        assert lost.json()["type"] == "urn:fleetops:error:stale-version"
        assert lost.json()["alert"] == won.json()["alert"]
    illegal = second.post(f"{path}/actions", json={"action_type": "RESUME_SIMULATION"})
    assert (illegal.status_code, illegal.json()["type"]) == (409, "urn:fleetops:error:illegal-transition")
    assert illegal.json()["alert"]["version"] == won.json()["alert"]["version"]
    contradiction = second.post(f"{path}/assign", json={"version": 2}, headers={"If-Match": "3"})
    assert contradiction.status_code == 422
    assert second.post(f"{path}/assign", json={}, headers={"If-Match": "soon"}).status_code == 422


def test_four_operators_at_once_make_one_acknowledgement(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Whoever commits first has it, however often they ask; all others get 409."""
    alert = fresh_alert(service, embedded_kafka)
    people = [service.as_person(f"operator_00{number}") for number in range(1, 5)]

    def acknowledge(number: int) -> int:
        body = {"version": alert["version"]}
        return people[number % 4].post(f"/alerts/{alert['alert_id']}/acknowledge", json=body).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(acknowledge, range(20)))
    assert sorted(sorted(set(statuses[number::4])) for number in range(4)) == [[200], [409], [409], [409]]
    assert len(people[0].get(f"/alerts/{alert['alert_id']}").json()["actions"]) == 1


def test_a_request_sent_again_under_its_key_is_done_once(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Comments would pile up otherwise: the same key gets the same answer, also when both arrive at once."""
    alert = fresh_alert(service, embedded_kafka)
    program, path = service.as_program(), f"/alerts/{alert['alert_id']}"
    body = {"action_type": "COMMENT", "comment": "Looking at it"}
    headers = {"Idempotency-Key": str(uuid4())}

    def send_it(_: int) -> httpx.Response:
        return program.post(f"{path}/actions", json=body, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send_it, range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert len(program.get(path).json()["actions"]) == 1
    another = program.post(f"{path}/actions", json={**body, "comment": "Another"}, headers=headers)
    assert another.status_code == 422
    assert service.as_person().post(f"{path}/actions", json=body, headers=headers).status_code == 200
    assert len(program.get(path).json()["actions"]) == 2  # another caller's key is another key


def test_a_request_that_failed_leaves_its_key_free(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """A key is used up by what was done, not by what was refused."""
    alert = fresh_alert(service, embedded_kafka)
    program, headers = service.as_program(), {"Idempotency-Key": str(uuid4())}
    body = {"version": 99}
    assert program.post(f"/alerts/{alert['alert_id']}/acknowledge", json=body, headers=headers).status_code == 409
    body = {"version": cast("int", alert["version"])}
    assert program.post(f"/alerts/{alert['alert_id']}/acknowledge", json=body, headers=headers).status_code == 200


def test_alerts_are_filtered_and_paged(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """Every filter narrows; pages neither repeat nor skip a row."""
    scene = f"scene_{uuid4().hex[:6]}"
    vehicles = [ids.vehicle_id(scene, number) for number in range(25)]
    kinds = list(AnomalyType)
    detect(
        embedded_kafka,
        *(
            anomaly(
                vehicle=vehicle,
                scene=scene,
                kind=kinds[number % 3],
                severity=Severity.CRITICAL if number % 2 else Severity.INFO,
            )
            for number, vehicle in enumerate(vehicles)
        ),
    )
    program = service.as_program(Role.VIEWER)
    alert_of(program, vehicles[-1])
    eventually(lambda: all(program.get("/alerts", params={"vehicle_id": v}).json()["alerts"] for v in vehicles))
    paged: list[Json] = []
    cursor: str | None = None
    while True:
        page = program.get("/alerts", params={"limit": 7, **({"cursor": cursor} if cursor else {})}).json()
        paged += page["alerts"]
        cursor = page["next"]
        if cursor is None:
            break
    everything = program.get("/alerts", params={"limit": 500}).json()["alerts"]
    assert [alert["alert_id"] for alert in paged] == [alert["alert_id"] for alert in everything]
    assert len({alert["alert_id"] for alert in paged}) == len(paged)
    for name, field, values in (
        ("status", "alert_status", ["OPEN"]),
        ("severity", "severity", ["CRITICAL", "WARNING"]),
        ("type", "anomaly_type", [str(kinds[0])]),
        ("vehicle_id", "vehicle_id", [vehicles[3]]),
    ):
        found = program.get("/alerts", params={name: values, "limit": 500}).json()["alerts"]
        assert found == [alert for alert in everything if alert[field] in values]
        assert found
    pages = program.get("/vehicles", params={"limit": 20}).json()
    rest = program.get("/vehicles", params={"limit": 1000, "cursor": pages["next"]}).json()
    whole = program.get("/vehicles", params={"limit": 1000}).json()
    assert pages["vehicles"] + rest["vehicles"] == whole["vehicles"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/alerts?status=CLOSED", 422), ("/alerts?limit=0", 422), ("/alerts?limit=501", 422),
        ("/alerts?cursor=nonsense", 422), ("/alerts?vehicle_id=%00", 422), ("/alerts/not-a-uuid", 422),
        (f"/alerts/{uuid4()}", 404), ("/vehicles/nobody", 404), ("/vehicles/nobody/history", 404),
        ("/vehicles/nobody/telemetry", 404), ("/vehicles/%00", 422), ("/vehicles?cursor=WyJcdTAwMDAiXQ", 422),
        ("/alerts?since=0001-01-01T00:00:00%2B14:00", 422), ("/incidents/export?until=9999-12-31T23:59:59-14:00", 422),
        ("/kpis?until=9999-12-31T23:59:59-14:00", 422),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_so(service: OperatorService, path: str, status: int) -> None:
    """404 for the unknown, 422 for the senseless, always as a problem document and never 500."""
    answer = service.as_program(Role.VIEWER).get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    "body",
    [
        {"action_type": "FLY"}, {}, {"action_type": "RESOLVE"}, {"action_type": "RESOLVE", "disposition": "maybe"},
        {"action_type": "COMMENT"}, {"action_type": "COMMENT", "comment": "\0"}, {"action_type": "SNOOZE"},
        {"action_type": "SNOOZE", "snoozed_until": "2026-01-01T00:00:00"}, {"action_type": "COMMENT", "extra": 1},
        {"action_type": "SNOOZE", "snoozed_until": "9999-12-31T23:59:59.999999Z"},
        {"action_type": "SNOOZE", "snoozed_until": "9999-12-31T23:59:59-14:00"},
        [], "text",
    ],
)  # fmt: skip
def test_a_senseless_action_is_refused(service: OperatorService, embedded_kafka: KafkaSettings, body: object) -> None:
    """What an action lacks is named, and the alert is left alone."""
    alert = fresh_alert(service, embedded_kafka)
    program, path = service.as_program(), f"/alerts/{alert['alert_id']}"
    assert program.post(f"{path}/actions", json=body).status_code == 422
    assert program.get(path).json()["alert"] == alert


def test_the_last_frames_of_a_vehicle_are_there_for_its_chart(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Fifty at most, oldest first, as they were sent; and its position is written down within seconds."""
    scene = f"scene_{uuid4().hex[:6]}"
    vehicle = ids.vehicle_id(scene, 7)
    messages = [(vehicle, telemetry(vehicle, frame, scene=scene, x=frame / 2)) for frame in range(60)]
    send(embedded_kafka, topics.RAW_TELEMETRY, [cast("tuple[str | None, bytes]", message) for message in messages])
    program = service.as_program(Role.VIEWER)
    eventually(lambda: program.get(f"/vehicles/{vehicle}/telemetry").status_code == 200)
    frames = eventually(lambda: _sixty(program, vehicle))
    assert [frame["frame_index"] for frame in frames] == list(range(10, 60))
    assert frames[-1] == {
        "frame_index": 59, "event_time": "2019-10-23T16:07:48.900Z", "lon": -122.1619, "lat": 37.439, "x": 29.5,
        "y": 2.0, "yaw": 1.25, "speed": 5.0, "acceleration": 0.5, "label_probability": 1.0,
    }  # fmt: skip
    assert len(program.get(f"/vehicles/{vehicle}/telemetry?limit=10").json()["frames"]) == 10

    def written() -> Json | None:
        seen = program.get("/vehicles", params={"vehicle_id": vehicle}).json()["vehicles"]
        return cast("Json", seen[0]) if seen and seen[0]["last_position_x"] == 29.5 else None

    vehicle_row = eventually(written)
    assert (vehicle_row["current_state"], vehicle_row["track_id"]) == ("NORMAL", 7)
    assert vehicle_row["replay_session_id"] == "s1"


def _sixty(program: httpx.Client, vehicle: str) -> list[Json] | None:
    frames = cast("list[Json]", program.get(f"/vehicles/{vehicle}/telemetry").json()["frames"])
    return frames if frames and frames[-1]["frame_index"] == 59 else None


def test_health_says_how_it_is(service: OperatorService) -> None:
    """Database and broker are asked, not assumed."""
    answer = service.as_program(Role.VIEWER).get("/health").json()
    assert (answer["status"], answer["kafka_connected"], answer["database_connected"]) == ("healthy", True, True)


def test_a_condition_that_ends_is_told(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """CLEARED sets the time at which the alert resolves by itself, which the console counts down to."""
    vehicle = ids.vehicle_id("scene_001", uuid4().int % 1_000_000)
    detect(embedded_kafka, anomaly(10, vehicle=vehicle), anomaly(20, vehicle=vehicle, status=AnomalyStatus.CLEARED))
    alert = alert_of(service.as_program(), vehicle, condition_active=False)
    assert alert["resolve_at"] is not None
