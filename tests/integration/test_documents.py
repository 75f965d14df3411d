"""The generated documents, judged by the tools of those who make the formats."""

from __future__ import annotations

import subprocess

import pytest
from tests.servers.openid import FOLDER

from fleetops.generated import asyncapi_document


def test_the_asyncapi_document_is_valid() -> None:
    """By AsyncAPI's own parser, without a warning."""
    if not (FOLDER / "node_modules").is_dir():
        pytest.fail(f"AsyncAPI's parser is not installed; run `npm ci` in {FOLDER}, or `make test`")
    judged = subprocess.run(
        ["node", FOLDER / "asyncapi.mjs", asyncapi_document()], capture_output=True, text=True, timeout=120, check=False
    )
    assert judged.returncode == 0, judged.stdout + judged.stderr
    assert judged.stdout.splitlines() == ["valid: 6 channels, 15 messages"]
