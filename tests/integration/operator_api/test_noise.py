"""Silences, groups and the audit log as a supervisor's program meets them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import uuid4

from tests.integration.operator.stories import anomaly

from fleetops.auth.roles import Role
from fleetops.contracts import ids
from fleetops.operator import audit_commands
from fleetops.settings import KafkaSettings

from .eventually import eventually
from .running import OperatorService, detect

Json = dict[str, object]

PATIENT_S = 45


def scene() -> str:
    """One that no other test speaks of."""
    return f"scene_{uuid4().hex[:8]}"


def in_hours(hours: float) -> str:
    """A time to come, as JSON has it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


async def test_a_silence_hides_and_shows_again_over_rest_and_socket(
    service: OperatorService, embedded_kafka: KafkaSettings
) -> None:
    """Made by a supervisor, seen by every console, lifted, and in the audit with who, why and from where."""
    place = scene()
    vehicle = ids.vehicle_id(place, 7)
    boss = await asyncio.to_thread(service.as_person, "boss", Role.SUPERVISOR)
    boss.headers["User-Agent"] = "console/9"
    wish = {"scene_id": place, "reason": "sensors being changed", "expires_at": in_hours(1)}
    key = {"Idempotency-Key": uuid4().hex}
    made = boss.post("/silences", json=wish, headers=key)
    assert made.status_code == 201, made.text
    silence = cast("Json", made.json())
    assert boss.post("/silences", json=wish, headers=key).json() == silence
    assert (silence["created_by"], silence["severity_up_to"], silence["ended_at"]) == ("boss", "WARNING", None)
    async with service.socket() as socket:
        await socket.until("snapshot", PATIENT_S)
        detect(embedded_kafka, anomaly(42, vehicle=vehicle, scene=place))
        hidden = cast("Json", (await socket.until("alert_created", PATIENT_S))["alert"])
        assert hidden["silence_id"] == silence["silence_id"]
        for silenced, count in ((True, 1), (False, 0)):
            found = boss.get("/alerts", params={"scene_id": place, "silenced": silenced}).json()["alerts"]
            assert len(found) == count
        (group,) = boss.get("/alerts/groups", params={"scene_id": place}).json()["groups"]
        assert (group["alerts"], group["silenced"], group["severity"]) == (1, 1, "WARNING")
        lifted = boss.delete(f"/silences/{silence['silence_id']}").json()
        assert (lifted["ended_by"], lifted["version"]) == ("boss", 2)
        shown = cast("Json", (await socket.until("alert_updated", PATIENT_S))["alert"])
        assert (shown["alert_id"], shown["silence_id"], shown["version"]) == (hidden["alert_id"], None, 2)
    path = {"subject_id": str(silence["silence_id"])}
    entries = boss.get("/audit", params=path).json()["entries"]
    assert [(e["who"], e["what"], e["version"]) for e in entries] == [
        ("boss", "silence.lifted", 2), ("boss", "silence.created", 1),
    ]  # fmt: skip
    assert {(e["address"], e["client"]) for e in entries} == {("127.0.0.1", "console/9")}
    assert entries[1]["details"]["reason"] == "sensors being changed"
    assert boss.patch(f"/silences/{silence['silence_id']}", json={"reason": "x"}).status_code == 409
    assert [s["silence_id"] for s in boss.get("/silences", params={"running": False}).json()["silences"]] == [
        silence["silence_id"]
    ]


def test_a_silence_ends_by_itself(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """Nobody lifts it; the running service does, on time, and the alert is shown again."""
    place = scene()
    boss = service.as_program(Role.SUPERVISOR)
    made = boss.post("/silences", json={"scene_id": place, "reason": "a minute", "expires_at": in_hours(1)}).json()
    detect(embedded_kafka, anomaly(42, vehicle=ids.vehicle_id(place, 7), scene=place))
    params = {"vehicle_id": ids.vehicle_id(place, 7)}
    eventually(lambda: [a for a in boss.get("/alerts", params=params).json()["alerts"] if a["silence_id"]], PATIENT_S)
    soon = boss.patch(f"/silences/{made['silence_id']}", json={"expires_at": in_hours(1.5 / 3600)}).json()
    assert soon["version"] == 2
    eventually(
        lambda: [a for a in boss.get("/alerts", params=params).json()["alerts"] if not a["silence_id"]], PATIENT_S
    )
    assert boss.get(f"/silences/{made['silence_id']}").json()["ended_by"] == "system"


def test_a_silence_is_refused_that_names_nothing_or_no_time(service: OperatorService) -> None:
    """As problem documents: an empty matcher, a time without zone, an end in the past, an unknown field."""
    boss = service.as_program(Role.SUPERVISOR)
    good = {"scene_id": "s", "reason": "r", "expires_at": in_hours(1)}
    for wrong in (
        {"reason": "r", "expires_at": in_hours(1)},
        {**good, "expires_at": "2030-01-01T00:00:00"},
        {**good, "expires_at": in_hours(-1)},
        {**good, "expires_at": in_hours(24 * 31)},
        {**good, "reason": ""},
        {**good, "operator_id": "somebody"},
        {**good, "scene_id": "\0"},
    ):
        answer = boss.post("/silences", json=wrong)
        assert answer.status_code == 422, wrong
        assert answer.headers["content-type"] == "application/problem+json"


def test_the_audit_log_pages_filters_and_holds(service: OperatorService, embedded_kafka: KafkaSettings) -> None:
    """Everything that these tests did, a page at a time; and the chain that the running relay sealed."""
    boss = service.as_program(Role.SUPERVISOR)
    silences = [
        boss.post("/silences", json={"scene_id": "s", "reason": f"{n}", "expires_at": in_hours(1)}).json()["silence_id"]
        for n in range(3)
    ]
    pages, cursor = [], None
    while True:
        page = boss.get("/audit", params={"what": "silence", "limit": 2, **({"cursor": cursor} if cursor else {})})
        pages += page.json()["entries"]
        cursor = page.json()["next"]
        if cursor is None:
            break
    made = [entry["subject_id"] for entry in pages if entry["what"] == "silence.created"]
    assert made[:3] == silences[::-1]
    assert boss.get("/audit", params={"what": "silence.created", "who": "nobody"}).json()["entries"] == []
    assert boss.get("/audit", params={"until": "2020-01-01T00:00:00Z"}).json()["entries"] == []
    assert boss.get("/audit", params={"cursor": "x"}).status_code == 422
    last = {"subject_id": silences[-1]}
    sealed = eventually(
        lambda: [e for e in boss.get("/audit", params=last).json()["entries"] if e["number"]], PATIENT_S
    )
    assert len(sealed[0]["hash"]) == 64
    assert "each as it was sealed" in audit_commands.verify(service.settings, None)
