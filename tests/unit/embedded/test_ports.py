"""Ports on loopback, of either family."""

from __future__ import annotations

import socket

import pytest

from fleetops.embedded.ports import claim, free_port, in_the_way
from fleetops.errors import ConfigurationError

SETTING = "FLEETOPS_REPLAY__PORT"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


ipv6 = pytest.param("::1", socket.AF_INET6, marks=pytest.mark.skipif(not _has_ipv6(), reason="no IPv6 here"))


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ipv6])
def test_a_free_port_is_claimed_and_a_taken_one_is_told(host: str, family: socket.AddressFamily) -> None:
    """On IPv4 and IPv6 loopback alike: 0 finds a port, a named one is kept, a taken one is refused in words."""
    assert claim(SETTING, "replay-service", host, 0) > 0
    port = free_port(host)
    assert claim(SETTING, "replay-service", host, port) == port
    with socket.socket(family) as holder:
        holder.bind((host, 0))
        holder.listen()
        taken = holder.getsockname()[1]
        assert in_the_way(host, taken) == "is taken by another program"
        with pytest.raises(ConfigurationError, match=rf"port {taken} on {host}.*{SETTING}=PORT"):
            claim(SETTING, "replay-service", host, taken)


@pytest.mark.parametrize("port", [0, 8001])
def test_an_address_that_is_none_is_told(port: int) -> None:
    """A host that cannot be bound is a configuration error, also where any port will do."""
    with pytest.raises(ConfigurationError, match="cannot be used"):
        claim(SETTING, "replay-service", "256.0.0.1", port)
