"""Where webhooks may lead: the public internet by https, and networks that the settings name.

Whoever may make a webhook could else have this service knock at doors behind the firewall:
at a cloud's metadata address, at the database's host, at itself. A name is looked up anew for
each request, every address behind it must be allowed, and the request goes to the very
address that was checked, so that a name cannot change its mind in between.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from fleetops.errors import InvalidRequestError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_ALLOCATED: Final = IPv6Network("2000::/3")
"""All that IANA gives out as global unicast. Python calls global what it does not know, such as site-local
addresses and the translated ones of RFC 8215."""
_PORTS: Final = {"http": 80, "https": 443}
_HINT: Final = "FLEETOPS_OPERATOR__WEBHOOK_NETWORKS names the networks that are allowed besides the public ones"

_LOOKUPS: Final = ThreadPoolExecutor(max_workers=64, thread_name_prefix="webhook-lookup")
"""A thread for each webhook there may be, and some more: a name server that hangs keeps its threads
for many seconds, and asyncio's own are few, and those of the relay and of passwords too."""


@dataclass(frozen=True, slots=True)
class Target:
    """A URL whose addresses were checked: connect to one of them, and to nothing else."""

    url: SplitResult
    host: str
    port: int
    addresses: tuple[Address, ...]


def parse_url(url: str) -> SplitResult:
    """`url` in its parts.

    Raises:
        InvalidRequestError: it is none that a webhook can have.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidRequestError(f"the URL cannot be read: {error}") from error
    if parts.scheme not in _PORTS or not parts.hostname or port == 0:
        raise InvalidRequestError("the URL must be https://HOST[:PORT]/PATH, or http:// within an allowed network")
    if parts.username is not None or parts.password is not None:
        raise InvalidRequestError("the URL must hold no user or password; events are signed instead")
    if parts.fragment or not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        raise InvalidRequestError("the URL must be of ASCII characters, without blanks and without a #fragment")
    return parts


def allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether a webhook may lead to `address`: a public one, or one of `networks`."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if named(address, networks):
        return True
    if isinstance(address, IPv6Address) and (address.sixtofour or address.teredo or address not in _ALLOCATED):
        return False  # the first two carry an IPv4 address, which may be a private one
    return address.is_global and not address.is_multicast


def named(address: Address, networks: Sequence[Network]) -> bool:
    """Whether the settings name `address` by one of `networks`."""
    return any(address in network for network in networks if network.version == address.version)


async def find_target(url: str, networks: Sequence[Network]) -> Target:
    """Look up where `url` leads.

    Raises:
        InvalidRequestError: it cannot be resolved, or leads where it may not.
    """
    parts = parse_url(url)
    host = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    try:
        lookup = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(_LOOKUPS, lookup)
    except (OSError, UnicodeError) as error:
        raise InvalidRequestError(f"{host} cannot be resolved: {error}") from error
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    for address in addresses:
        if not allowed(address, networks):
            raise InvalidRequestError(f"{host} leads to {address}, which is not public; {_HINT}")
        if parts.scheme == "http" and not named(address, networks):
            raise InvalidRequestError(f"{host} is a public host, which needs https; {_HINT}")
    return Target(parts, host, port, tuple(dict.fromkeys(addresses)))
