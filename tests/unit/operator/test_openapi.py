"""The OpenAPI document in the repository is the one that the code describes."""

from __future__ import annotations

import json

from openapi_spec_validator import validate

from fleetops.operator.openapi import DOCUMENT, render


def test_the_document_has_not_drifted() -> None:
    """Else the console's types describe another service; `python -m fleetops.operator.openapi write` mends it."""
    assert DOCUMENT.read_text() == render()


def test_the_document_is_valid_openapi() -> None:
    """As judged by a validator that nobody here wrote."""
    validate(json.loads(render()))


def test_every_event_of_the_socket_is_in_it() -> None:
    """The console's union of events comes from here, told apart by `type`."""
    document = json.loads(render())
    mapping = document["components"]["schemas"]["LiveEvent"]["discriminator"]["mapping"]
    assert set(mapping) == {
        "snapshot", "alert_created", "alert_updated", "vehicle_updated", "action_executed", "vehicles_moved",
    }  # fmt: skip


def test_every_error_is_a_problem_document() -> None:
    """RFC 9457 everywhere, validation errors included."""
    paths = json.loads(render())["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                if status >= "400" and path != "/readyz":
                    assert list(response["content"]) == ["application/problem+json"], (method, path, status)
