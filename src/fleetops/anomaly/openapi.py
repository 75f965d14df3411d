"""The OpenAPI document of anomaly-service: `python -m fleetops.anomaly.openapi write|check`."""

from __future__ import annotations

import sys

from pydantic import SecretStr

from fleetops.generated import openapi_document, render_json, write_or_check

from .api import Status, build_app
from .metrics import Metrics
from .rule_set import load_rule_set

DOCUMENT = openapi_document("anomaly")


def render() -> str:
    """The document as it is kept in the repository."""
    app = build_app(load_rule_set("baseline"), SecretStr(""), Metrics(), lambda: Status(False, False, {}))
    return render_json(app.openapi())


if __name__ == "__main__":
    sys.exit(write_or_check(DOCUMENT, render, "fleetops.anomaly.openapi", sys.argv[1:]))
