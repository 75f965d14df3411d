"""The OpenAPI document says all that a client of replay-service must know."""

from __future__ import annotations

import json

from openapi_spec_validator import validate

from fleetops.replay.openapi import DOCUMENT, render

STATUSES = {
    ("post", "/replay/start"): {"200", "401", "404", "409", "422"},
    ("post", "/replay/stop"): {"200", "401", "404", "409", "422", "503"},
    ("post", "/replay/pause"): {"200", "401", "404", "409", "422"},
    ("post", "/replay/resume"): {"200", "401", "404", "409", "422"},
    ("post", "/replay/rate"): {"200", "401", "404", "409", "422"},
    ("post", "/replay/step"): {"200", "401", "404", "409", "422"},
    ("post", "/replay/seek"): {"200", "401", "404", "409", "422", "503"},
    ("post", "/replay/review"): {"200", "401", "404", "409", "422"},
    ("get", "/replay/status/{session_id}"): {"200", "401", "404", "422"},
    ("get", "/replay/sessions"): {"200", "401", "422"},
    ("get", "/replay/scenes"): {"200", "401", "422"},
    ("get", "/replay/map"): {"200", "401", "404", "422"},
    ("get", "/health"): {"200", "401"},
    ("get", "/metrics"): {"200", "401"},
    ("get", "/livez"): {"200"},
    ("get", "/readyz"): {"200", "503"},
}


def test_the_document_in_the_repository_is_the_services_own() -> None:
    """Changed routes or schemas show: `python -m fleetops.replay.openapi write`."""
    assert DOCUMENT.read_text() == render()


def test_it_is_valid_and_complete() -> None:
    """OpenAPI's own schema accepts it; every route says every status, and every body has a schema."""
    document = json.loads(render())
    validate(document)
    said = {
        (method, path): set(operation["responses"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert said == STATUSES
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, response in operation["responses"].items():
                ((media_type, body),) = response["content"].items()
                problem = status.startswith("4") or (status == "503" and path != "/readyz")
                if path == "/metrics" and status == "200":
                    assert media_type == "text/plain"
                    continue
                if path == "/replay/map" and status == "200":
                    assert media_type == "application/geo+json"
                    continue
                assert media_type == ("application/problem+json" if problem else "application/json")
                assert body["schema"]["$ref"]
