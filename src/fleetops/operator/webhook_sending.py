"""One event to one webhook: a request, its deadline, and what the answer means."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlunsplit

import httpx

from fleetops import __version__
from fleetops.errors import InvalidRequestError

from .webhook_targets import Address, Network, Target, find_target

_LONGEST_ERROR: Final = 300
_HEADERS: Final = {"User-Agent": f"FleetOps/{__version__}", "Content-Type": "application/json"}


def open_line(verify: ssl.SSLContext | bool = True) -> httpx.AsyncHTTPTransport:
    """What webhooks are called through; to be closed by `async with`.

    A transport and no client: it follows no redirect, keeps no cookie, reads nothing of the
    answer but its status, knows no proxy. Each request has a connection of its own: many names
    share an address, and a connection is only as good as the certificate it began with.
    """
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(verify=verify, trust_env=False, limits=limits)


async def deliver(
    line: httpx.AsyncBaseTransport,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    networks: Sequence[Network],
    timeout_s: float,
) -> str | None:
    """POST `body` to `url`; None when the receiver took it (2xx), else what was wrong. No body is read."""
    try:
        async with asyncio.timeout(timeout_s):
            target = await find_target(url, networks)
            answer = await _post(line, target, headers, body)
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except InvalidRequestError as error:
        return str(error)[:_LONGEST_ERROR]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        # Whatever a receiver does, or is called, fails this attempt and never the service.
        return f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
    return None if answer.is_success else f"answered {answer.status_code}; expected 2xx"


async def _post(
    line: httpx.AsyncBaseTransport, target: Target, headers: Mapping[str, str], body: bytes
) -> httpx.Response:
    """The answer of the first of the target's addresses that can be connected to; its certificate is the name's."""
    for address in target.addresses:
        request = httpx.Request(
            "POST",
            _pinned(target, address),
            headers={**_HEADERS, **headers, "Host": target.url.netloc},
            content=body,
            extensions={"sni_hostname": target.host},
        )
        try:
            answer = await line.handle_async_request(request)
        except httpx.ConnectError:
            if address == target.addresses[-1]:
                raise
        else:
            await answer.aclose()
            return answer
    raise AssertionError("unreachable: the last address answers or raises")


def _pinned(target: Target, address: Address) -> str:
    """The URL with a checked address in place of the name."""
    host = f"[{address}]" if address.version == 6 else str(address)
    return urlunsplit((target.url.scheme, f"{host}:{target.port}", target.url.path or "/", target.url.query, ""))
