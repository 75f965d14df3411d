"""The OpenAPI document of operator-service: `python -m fleetops.operator.openapi write|check`.

The console's TypeScript types are generated from it, WebSocket events included: they are
declared as a webhook, since OpenAPI has no word for a socket.
"""

from __future__ import annotations

import sys

from fleetops.generated import openapi_document, render_json, write_or_check

from .api.app import describe

DOCUMENT = openapi_document("operator")


def render() -> str:
    """The document as it is kept in the repository."""
    return render_json(describe())


if __name__ == "__main__":
    sys.exit(write_or_check(DOCUMENT, render, "fleetops.operator.openapi", sys.argv[1:]))
