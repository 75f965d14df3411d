"""Whose page a browser's request comes from."""

from __future__ import annotations

import pytest
from starlette.datastructures import Headers

from fleetops.errors import PermissionDeniedError
from fleetops.operator.api.origin import require_own_origin


@pytest.mark.parametrize(
    ("origin", "host", "scheme", "public_url"),
    [
        ("http://127.0.0.1:8003", "127.0.0.1:8003", "http", None),
        ("http://127.0.0.1:8003", "127.0.0.1:8003", "ws", None),
        ("http://LOCALHOST:8003", "localhost:8003", "ws", None),
        ("http://fleet.example", "fleet.example:80", "http", None),
        ("https://fleet.example", "10.0.0.7:8003", "http", "https://fleet.example/"),
        ("http://[::1]:8003", "[::1]:8003", "ws", None),
    ],
)
def test_our_own_pages_may(origin: str, host: str, scheme: str, public_url: str | None) -> None:
    """The page's address is the one asked, or the public one behind a proxy."""
    require_own_origin(Headers({"origin": origin, "host": host}), scheme, public_url)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1:9999",
        "http://127.0.0.1:8003.evil.example",
        "https://127.0.0.1:8003",
        "http://127.0.0.1:notaport",
        "http://evil.example#127.0.0.1:8003",
        "http://127.0.0.1:8003@evil.example",
    ],
)
def test_nobody_else_may(origin: str | None) -> None:
    """Another site, another port, another scheme, an opaque origin, or none at all."""
    headers = {"host": "127.0.0.1:8003"} | ({} if origin is None else {"origin": origin})
    with pytest.raises(PermissionDeniedError):
        require_own_origin(Headers(headers), "http", None)
