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


def make_client(verify: ssl.SSLContext | bool = True) -> httpx.AsyncClient:
    """The client that webhooks are called with: no proxy of the environment, no redirect followed, no cookie kept."""
    return httpx.AsyncClient(
        verify=verify,
        timeout=None,  # noqa: S113 - one deadline over all of it, below
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=50),
        headers={"User-Agent": f"FleetOps/{__version__}", "Content-Type": "application/json"},
    )


async def deliver(
    client: httpx.AsyncClient,
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
            answer = await _post(client, target, headers, body)
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except InvalidRequestError as error:
        return str(error)[:_LONGEST_ERROR]
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
    finally:
        client.cookies.clear()
    if answer.is_success:
        return None
    return f"answered {answer.status_code}; expected 2xx"


async def _post(client: httpx.AsyncClient, target: Target, headers: Mapping[str, str], body: bytes) -> httpx.Response:
    """The answer of the first of the target's addresses that can be connected to; its certificate is the name's."""
    for address in target.addresses:
        request = client.build_request(
            "POST",
            _pinned(target, address),
            headers={**headers, "Host": target.url.netloc},
            content=body,
            extensions={"sni_hostname": target.host},
        )
        try:
            answer = await client.send(request, stream=True)
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
