"""The OpenAPI document of operator-service: `python -m fleetops.operator.openapi write|check`.

The console's TypeScript types are generated from it, WebSocket events included: they are
declared as a webhook, since OpenAPI has no word for a socket.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .api.app import describe

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi" / "operator.json"


def render() -> str:
    """The document as it is kept in the repository."""
    return json.dumps(describe(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write the document, or say whether the one in the repository is as it would be written."""
    match arguments:
        case ["write"]:
            DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
            DOCUMENT.write_text(render())
            return 0
        case ["check"]:
            if DOCUMENT.is_file() and DOCUMENT.read_text() == render():
                return 0
            sys.stderr.write(f"{DOCUMENT} is out of date: run `python -m fleetops.operator.openapi write`\n")
            return 1
        case _:
            sys.stderr.write("usage: python -m fleetops.operator.openapi write|check\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
