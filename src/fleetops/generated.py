"""Files that are generated from the code: written anew, or checked for drift."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def openapi_document(service: str) -> Path:
    """Where the OpenAPI document of `replay`, `anomaly` or `operator` is kept in the repository."""
    return _ROOT / "docs" / "openapi" / f"{service}.json"


def asyncapi_document() -> Path:
    """Where the AsyncAPI document of the topics and the WebSocket is kept in the repository."""
    return _ROOT / "docs" / "asyncapi.json"


def render_json(content: Mapping[str, object]) -> str:
    """`content` as it is kept: indented, unescaped, with a line's end."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def write_or_check(document: Path, render: Callable[[], str], module: str, arguments: list[str]) -> int:
    """The command line of a module that generates one file: `write` it, or `check` that it is current.

    Returns:
        An exit code: 0, 1 where the file is out of date, 2 for any other argument.
    """
    match arguments:
        case ["write"]:
            document.parent.mkdir(parents=True, exist_ok=True)
            document.write_text(render(), encoding="utf-8")
            return 0
        case ["check"]:
            if document.is_file() and document.read_text(encoding="utf-8") == render():
                return 0
            sys.stderr.write(f"{document} is out of date: run `python -m {module} write`\n")
            return 1
        case _:
            sys.stderr.write(f"usage: python -m {module} write|check\n")
            return 2
