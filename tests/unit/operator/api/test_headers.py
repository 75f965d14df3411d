"""Headers that depend on how browsers come to us."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from fleetops.operator.api.app import build


@pytest.mark.parametrize("https", [True, False])
async def test_whoever_comes_encrypted_shall_never_come_otherwise(tmp_path: Path, https: bool) -> None:
    """Only where it is so: over plain HTTP the header would be ignored, and promise what does not hold."""
    transport = httpx.ASGITransport(build(static=tmp_path, https=https))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        headers = (await client.get("/livez")).headers
    assert ("strict-transport-security" in headers) is https
    assert headers["x-frame-options"] == "DENY"
