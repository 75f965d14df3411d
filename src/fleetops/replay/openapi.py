"""The OpenAPI document of replay-service: `python -m fleetops.replay.openapi write|check`."""

from __future__ import annotations

import sys
from typing import cast

from pydantic import SecretStr

from fleetops.generated import openapi_document, render_json, write_or_check

from .api import build
from .catalog import Catalog
from .metrics import ReplayMetrics
from .sessions import Sessions

DOCUMENT = openapi_document("replay")


def render() -> str:
    """The document as it is kept in the repository."""
    # Only a request would touch them, and none comes.
    catalog, sessions = cast("Catalog", None), cast("Sessions", None)
    app = build(catalog, sessions, ReplayMetrics(), SecretStr(""), kafka_answers=lambda: False, ready=lambda: False)
    return render_json(app.openapi())


if __name__ == "__main__":
    sys.exit(write_or_check(DOCUMENT, render, "fleetops.replay.openapi", sys.argv[1:]))
