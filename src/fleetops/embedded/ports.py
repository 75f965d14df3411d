"""Loopback ports: which are free, and what to say when one is not."""

from __future__ import annotations

import errno
import socket

from ..errors import ConfigurationError

LOOPBACK = "127.0.0.1"


def free_port(host: str = LOOPBACK) -> int:
    """A port that nothing listens on right now."""
    with _bound(host, 0) as probe:
        port: int = probe.getsockname()[1]
        return port


def claim(setting: str, service: str, host: str, port: int) -> int:
    """The port `service` will listen on: `port` itself if it is free, a free one where it is 0.

    Raises:
        ConfigurationError: something listens there already; says which setting moves it.
    """
    if (why := in_the_way(host, port)) is not None:
        raise ConfigurationError(
            f"port {port} on {host}, where {service} is to listen, {why}. End what holds it, "
            f"or choose another port: {setting}=PORT (0 = any free one)"
        )
    return port or free_port(host)


def in_the_way(host: str, port: int) -> str | None:
    """Why nobody can listen on `port` now, or None."""
    try:
        _bound(host, port).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return "is taken by another program"
        return f"cannot be used ({error.strerror})"
    return None


def _bound(host: str, port: int) -> socket.socket:
    """A socket bound the way that the services bind theirs, IPv6 addresses and names included."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    probe = socket.socket(family, kind, protocol)
    try:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    except OSError:
        probe.close()
        raise
    return probe
