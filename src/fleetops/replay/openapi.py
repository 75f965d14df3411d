"""The OpenAPI document of replay-service: `python -m fleetops.replay.openapi write|check`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from .api import build
from .catalog import Catalog
from .metrics import ReplayMetrics
from .sessions import Sessions

DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi" / "replay.json"


def render() -> str:
    """The document as it is kept in the repository."""
    # Only a request would touch them, and none comes.
    catalog, sessions = cast("Catalog", None), cast("Sessions", None)
    app = build(catalog, sessions, ReplayMetrics(), SecretStr(""), kafka_answers=lambda: False, ready=lambda: False)
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


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
            sys.stderr.write(f"{DOCUMENT} is out of date: run `python -m fleetops.replay.openapi write`\n")
            return 1
        case _:
            sys.stderr.write("usage: python -m fleetops.replay.openapi write|check\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
