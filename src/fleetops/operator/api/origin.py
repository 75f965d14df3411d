"""Whether a request that carries a cookie comes from our own pages. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from fleetops.errors import PermissionDeniedError

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}


def require_own_origin(headers: Headers, scheme: str, public_url: str | None) -> None:
    """Refuse what another site made a browser send.

    Browsers state an Origin with every WebSocket and every request that changes something;
    one that does not is no browser, and should use a token.

    Raises:
        PermissionDeniedError: there is no Origin, or it is another's.
    """
    origin = headers.get("origin")
    if origin is None:
        raise PermissionDeniedError("a request with a session cookie needs an Origin; programs use a token instead")
    own = {_authority(f"{scheme}://{headers.get('host', '')}")}
    if public_url is not None:
        own.add(_authority(public_url))
    stated = _authority(origin)
    if stated is None or stated not in own:
        raise PermissionDeniedError("this request comes from another site's page")


def _authority(url: str) -> tuple[bool, str, int] | None:
    """Whether it is encrypted, the host and the port, or None where it has none (`Origin: null`)."""
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if not parts.hostname or not port:
        return None
    return parts.scheme in {"https", "wss"}, parts.hostname, port
