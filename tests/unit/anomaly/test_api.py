"""anomaly-service over HTTP: who may ask, and what the answers say."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openapi_spec_validator import validate
from pydantic import SecretStr

from fleetops.anomaly.api import Status, build_app
from fleetops.anomaly.metrics import Metrics
from fleetops.anomaly.openapi import DOCUMENT, render
from fleetops.anomaly.rule_set import RuleSet, load_rule_set

RULES = load_rule_set("baseline")
CLOSED = ["/health", "/anomalies/rules", "/metrics", "/openapi.json"]


CONNECTED = Status(kafka_connected=True, compiled=False, lag={0: 5, 3: 2})
TOKEN = {"Authorization": "Bearer s3cret"}


def client_of(status: Status = CONNECTED, rules: RuleSet = RULES) -> httpx.AsyncClient:
    """A client of a service in that state; it shows no token by itself."""
    app = build_app(rules, SecretStr("s3cret"), Metrics(), lambda: status)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://anomaly")


async def authorized(client: httpx.AsyncClient, path: str) -> Any:
    """The answer to a request with the token."""
    answer = await client.get(path, headers=TOKEN)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic s3cret"}])
async def test_nothing_but_the_probes_is_open(path: str, header: dict[str, str]) -> None:
    """Without the token every route is 401, as a problem document."""
    answer = await client_of().get(path, headers=header)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_route_is_in_this_table() -> None:
    """A new route must be put into `CLOSED`, or be a probe."""
    assert set(json.loads(render())["paths"]) == {*CLOSED, "/livez", "/readyz"}


async def test_health_says_what_the_plan_says_and_more() -> None:
    """`{status: "healthy", kafka_connected: true}`."""
    assert await authorized(client_of(), "/health") == {
        "status": "healthy",
        "kafka_connected": True,
        "compiled": False,
        "rule_set": RULES.identity,
        "partitions": [0, 3],
        "lag_records": 7,
    }


async def test_an_unconnected_service_is_not_ready() -> None:
    """/readyz is 503, /livez still 200, and health says degraded."""
    client = client_of(Status(False, True, {}))
    assert (await client.get("/readyz")).status_code == 503
    assert (await client.get("/livez")).status_code == 200
    assert (await authorized(client, "/health"))["status"] == "degraded"


async def test_rules_are_explained() -> None:
    """Every rule with its thresholds, units, window and a sentence; the plan's names."""
    answer = await authorized(client_of(), "/anomalies/rules")
    assert answer["rule_set"] == RULES.identity
    rules = {rule["name"]: rule for rule in answer["rules"]}
    braking = rules["decel_threshold_exceeded"]
    assert braking["thresholds"]["decel_threshold_ms2"] == {"value": 3.0, "unit": "m/s2"}
    assert (braking["window_frames"], braking["window_ms"]) == (5, 500)
    assert rules["active_agents_dropped"]["scope"] == "scene"
    assert all(len(rule["sentence"]) > 20 and rule["thresholds"] for rule in rules.values())


async def test_guards_are_explained_too() -> None:
    """Of the calibrated set: warm-up and sustain per rule, classes and the rest for all."""
    answer = await authorized(client_of(rules=load_rule_set("calibrated")), "/anomalies/rules")
    rules = {rule["name"]: rule for rule in answer["rules"]}
    guards = rules["hard_braking"]["guards"]
    assert set(guards) > {"slope_frames", "warm_up_frames", "sustain_frames", "sustained_of_frames"}
    assert guards["sustain_frames"] <= guards["sustained_of_frames"]
    assert answer["two_minor_are_warning"]
    assert "CAR" in answer["classes"]
    assert "PEDESTRIAN" not in answer["classes"]
    assert all(len(rule["sentence"]) > 20 for rule in rules.values())
    assert all(threshold["unit"] for rule in rules.values() for threshold in rule["thresholds"].values())


async def test_counters_are_in_prometheus_format() -> None:
    """The lag that scaling uses is among them."""
    text = (await client_of().get("/metrics", headers=TOKEN)).text
    assert "fleetops_detection_lag_frames 0.0" in text


def test_the_document_in_the_repository_is_the_services_own() -> None:
    """Changed routes or schemas show: `python -m fleetops.anomaly.openapi write`."""
    assert DOCUMENT.read_text() == render()
    validate(json.loads(render()))
